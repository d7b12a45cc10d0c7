//! Numbers that nothing points out, between what is not random: a stretch of random-looking bytes or digits just as
//! long as a modulus.

use super::codec::{CODECS, Class, Codec, Order, entry};
use super::heads::{Kind, Nominee, Place, Source};
use super::numbers::may_be_large;
use super::runs::EDGE;
use super::space::Block;
use crate::bytes::{array, slice};
use std::ops::Range;

/// Finds the moduli that `run`, of memory that looks like `class`, may hold: those that begin and end with it. Of
/// random bytes an edge is a word with sixteen equal upper bits or, for big-endian numbers, a zero before the number
/// and a zero or such a word behind it; before and behind digits stands a small number or none of their kind. Lengths
/// are the usual ones, and the highest digit has just the bits that are left.
pub fn each_modulus(
    block: &Block<'_>,
    class: Class,
    run: &Range<usize>,
    mut found: impl FnMut(Nominee, &[u8]),
) {
    let mut give = |range: Range<usize>, codec: &'static Codec| {
        // A number belongs to the block in which it starts.
        if let Some(bytes) = block.bytes.get(range.clone())
            && block.own.contains(&range.start)
        {
            let address = block
                .address
                .map(|first| first.wrapping_add(range.start as u64));
            let nominee = Nominee {
                place: Place::Block(range),
                addresses: address.map(|address| [address; 2]),
                codec,
                source: Source::Edge,
                kind: Kind::Large,
            };
            found(nominee, bytes);
        }
    };
    if class == Class::Random {
        each_of_bytes(block, run, &mut give);
        each_with_length(block.bytes, run, &mut give);
        return;
    }
    each_of_digits(block, class, run, &mut give);
}

/// Digits of one array may follow those of another behind a few other words.
fn each_of_digits(
    block: &Block<'_>,
    class: Class,
    run: &Range<usize>,
    give: &mut impl FnMut(Range<usize>, &'static Codec),
) {
    let codecs = || CODECS.iter().filter(|codec| codec.class() == class);
    let size = codecs()
        .map(|codec| codec.digit().bytes())
        .max()
        .unwrap_or(8);
    let first = match block.address {
        Some(_) => block.first_aligned(run.start.saturating_sub(EDGE), size).0,
        // There are runs for each phase of words.
        None => run.start.checked_sub(EDGE).unwrap_or(run.start % size),
    };
    let is_digit = |at: usize| match slice(block.bytes, at, size) {
        Some(word) => is_large_digit(class, word),
        None => false,
    };
    let mut is_inside = first.checked_sub(size).is_some_and(is_digit);
    for start in (first..run.end).step_by(size) {
        let was_inside = std::mem::replace(&mut is_inside, is_digit(start));
        if was_inside || !is_inside {
            continue;
        }
        for codec in codecs() {
            for length in LENGTHS {
                let bits = 8 * length as u32;
                let end = start + codec.length(bits);
                let digits = block.bytes.get(start..end);
                if end <= run.end + EDGE
                    && !is_digit(end)
                    && digits.is_some_and(|digits| has_bits(codec, digits, bits))
                {
                    give(start..end, codec);
                }
            }
        }
    }
}

/// Whether a word is a digit of this class, and no small number.
fn is_large_digit(class: Class, word: &[u8]) -> bool {
    let mut whole = [0; 8];
    if let Some(low) = whole.get_mut(..word.len()) {
        low.copy_from_slice(word);
    }
    let word = u64::from_le_bytes(whole);
    match class {
        Class::Random => false,
        Class::Words30 => (1 << 16..1 << 30).contains(&word),
        Class::Words60 => (1 << 16..1 << 60).contains(&word),
        Class::SmallIntegers => word as u32 == 0 && (1 << 48..1 << 60).contains(&word),
        Class::Doubles => (0x3ff + 16..0x3ff + 28).contains(&(word >> 52)),
    }
}

fn each_of_bytes(
    block: &Block<'_>,
    run: &Range<usize>,
    give: &mut impl FnMut(Range<usize>, &'static Codec),
) {
    let data = block.bytes;
    if run.len() + 2 * EDGE < MIN_LENGTH || run.len() > MAX_LENGTH + 2 * EDGE {
        return;
    }
    let near = |at: usize| at.saturating_sub(EDGE)..at + EDGE;
    let is_edge = |at: usize| match array(data, at) {
        Some(word) => (u64::from_le_bytes(word) >> 48).wrapping_add(1) & 0xffff < 2,
        None => true,
    };
    let (first, step) = block.first_aligned(near(run.start).start, block.pointer);
    for start in (first..near(run.start).end).step_by(step) {
        let is_first = start.checked_sub(8).is_none_or(is_edge) && !is_edge(start);
        let (end, _) = block.first_aligned(near(run.end).start, block.pointer);
        for end in (end..near(run.end).end).step_by(step) {
            let length = end.saturating_sub(start);
            if is_first
                && is_length(length)
                && is_edge(end)
                && may_be_large(data, start, length, LIMBS)
            {
                give(start..end, LIMBS);
            }
        }
    }
    for start in near(run.start) {
        let is_first = start
            .checked_sub(1)
            .is_none_or(|before| data.get(before) == Some(&0));
        if !is_first || data.get(start).is_none_or(|first| *first < 0x80) {
            continue;
        }
        for end in near(run.end) {
            let length = end.saturating_sub(start);
            let is_last = data.get(end).is_none_or(|byte| *byte == 0) || is_edge(end);
            if is_length(length) && is_last && may_be_large(data, start, length, BYTES) {
                give(start..end, BYTES);
            }
        }
    }
}

/// Big-endian numbers with a zero for the sign, and before it their length in 16 bits of either order, as the lower
/// half of SSH's and the end of DER's lengths are and as libgcrypt's S-expressions have it: anywhere in `run`, for
/// such numbers follow one another.
fn each_with_length(
    data: &[u8],
    run: &Range<usize>,
    give: &mut impl FnMut(Range<usize>, &'static Codec),
) {
    if run.len() > MAX_LISTED {
        return;
    }
    let first = run.start.saturating_sub(EDGE);
    let end = data.len().min(run.end + EDGE);
    let bytes = data.get(first..end).unwrap_or_default();
    for (index, window) in bytes.windows(4).enumerate() {
        let [a, b, 0, 0x80..=0xff] = *window else {
            continue;
        };
        for counted in [[a, b], [b, a]].map(u16::from_be_bytes) {
            let start = first + index + 3;
            let length = usize::from(counted.wrapping_sub(1));
            if is_listed(length) && may_be_large(data, start, length, BYTES) {
                give(start..start + length, BYTES);
            }
        }
    }
}

/// Whether `digits`, the least first, are an odd number of `bits` bits exactly: the highest digit is just as long, and
/// the others are digits.
fn has_bits(codec: &Codec, digits: &[u8], bits: u32) -> bool {
    let size = codec.digit().bytes();
    let below = (bits.div_ceil(codec.digit().bits()) - 1) * codec.digit().bits();
    let digit = |word: Option<&[u8]>| codec.read(word?);
    codec.order() == Order::Least
        && digit(digits.get(digits.len() - size..))
            .is_some_and(|most| 64 - most.leading_zeros() == bits - below)
        && digit(digits.get(..size)).is_some_and(|least| least & 1 == 1)
        && digits
            .chunks_exact(size)
            .all(|digit| codec.read(digit).is_some())
}

/// Whether a usual modulus has so many bytes.
fn is_length(length: usize) -> bool {
    LENGTHS.contains(&length)
}

/// Whether a usual prime or modulus has so many bytes.
fn is_listed(length: usize) -> bool {
    length == 64 || length == 96 || is_length(length)
}

/// Bytes of the usual moduli, which many primes have too: 1024, 1536, 2048, 3072, 4096, 6144 and 8192 bits.
const LENGTHS: [usize; 7] = [128, 192, 256, 384, 512, 768, 1024];

const LIMBS: &Codec = entry("raw.limbs-le");
const BYTES: &Codec = entry("raw.bytes-be");

/// Bytes of the shortest and the longest modulus.
const MIN_LENGTH: usize = 128;
const MAX_LENGTH: usize = 1024;

/// Bytes of the longest run in which numbers with lengths are looked for: a private key of 8192 bits.
const MAX_LISTED: usize = 8192;
