//! Large numbers written out, in ASCII or UTF-16: runs of hexadecimal or decimal digits; hexadecimal ones
//! [in parts](parted), with separators or in lines; and base64.

pub mod parted;

use super::codec::limbs_of;
use super::heads::Source;
use super::large::Large;
use super::notes::Worth;
use super::simd_runs::{GROUP, TEXT};
use super::space::{Block, REACH};
use crate::text::{Alphabet, Base64Text, Encoding, TextView};
use std::ops::Range;
use zeroize::Zeroizing;

/// A number written out.
pub struct Written {
    /// Little-endian, with zeros on top.
    pub limbs: Zeroizing<Vec<u64>>,
    /// How it is written: the form's name in reports.
    pub form: &'static str,
    /// The encoding of the text.
    pub encoding: &'static str,
}

/// Finds the numbers of 1024 to 8192 bits that are written in `block` in digits and may be moduli or primes.
pub fn each_number(block: &Block<'_>, mut found: impl FnMut(Large, Range<usize>)) {
    let sizes = Sizes {
        least: MIN_BITS,
        known: &[],
        is_any: false,
    };
    each_written(block, &sizes, |written, range| {
        let Written {
            limbs,
            form,
            encoding,
        } = written;
        if let Some(number) = Large::new(limbs, form, encoding, Source::Text) {
            found(number, range);
        }
    });
}

/// Which numbers are looked for in texts.
pub struct Sizes<'s> {
    /// The fewest bits of a number; 384 are the fewest that are met everywhere.
    pub least: u32,
    /// The bits of those that are known: of a longer text the digits of these sizes at both ends are read too, as something
    /// else may stand there, and base64 is read.
    pub known: &'s [u32],
    /// Base64 of any size is read.
    pub is_any: bool,
}

/// Finds the numbers of up to 8192 bits that are written in `block`, with zeros in front or without. Longer than [`REACH`] no
/// text is read: decimal numbers of more than 6800 bits in UTF-16 are not seen.
pub fn each_written(
    block: &Block<'_>,
    sizes: &Sizes<'_>,
    mut found: impl FnMut(Written, Range<usize>),
) {
    let numbers = Texts {
        sample: 64,
        short: 32,
        longest: REACH,
        belongs: |character: u8| character.is_ascii_hexdigit(),
        is_noted: true,
    };
    numbers.each(block, |digits, run, step| {
        let place = |part: Range<usize>| run.start + step * part.start..run.start + step * part.end;
        read(digits, sizes, |(form, limbs), part| {
            found(written(form, limbs, step), place(part));
        });
    });
    parted::each(block, sizes, &mut found);
    if !sizes.known.is_empty() {
        each_base64(block, sizes, &mut found);
    }
}

/// The same in base64, in one run of characters.
fn each_base64(
    block: &Block<'_>,
    sizes: &Sizes<'_>,
    found: &mut impl FnMut(Written, Range<usize>),
) {
    let texts = Texts {
        sample: 128,
        short: 32,
        longest: MAX_BASE64,
        belongs: |character: u8| Alphabet::Either.standard(character).is_some(),
        is_noted: true,
    };
    texts.each(block, |text, run, step| {
        let bytes = 6 * text.len() / 8;
        let is_of_size = |bits: &u32| {
            let size = bits.div_ceil(8) as usize;
            (size - 1..=size + 1).contains(&bytes)
        };
        let view = TextView::new(text, Encoding::Ascii);
        if (sizes.is_any || sizes.known.iter().any(is_of_size))
            && let (gathered, _) = Base64Text::gather(view, 0, MAX_BASE64, Alphabet::Either)
            && let Some(number) = gathered.decode()
        {
            found(written(BASE64, limbs_of(&number), step), run);
        }
    });
}

fn written(form: &'static str, limbs: Zeroizing<Vec<u64>>, step: usize) -> Written {
    Written {
        limbs,
        form,
        encoding: if step == 1 { "ascii" } else { "utf16le" },
    }
}

/// Texts of one kind, in ASCII or UTF-16.
pub struct Texts<B> {
    /// Bytes between two samples: with the characters behind it, one lies in every text of as many bytes as `sample`
    /// and `short` are together, or twice as many in UTF-16.
    pub sample: usize,
    /// Characters in a row that call for a closer look: eight at least.
    pub short: usize,
    /// Bytes of the longest text that is read.
    pub longest: usize,
    /// Whether a character belongs to such a text.
    pub belongs: B,
    /// Whether the first pass over memory notes all such texts.
    pub is_noted: bool,
}

impl<B: Fn(u8) -> bool> Texts<B> {
    /// Gives `found` the characters of each text that starts in `block`, where it lies, and the bytes that each
    /// character takes.
    pub fn each(&self, block: &Block<'_>, mut found: impl FnMut(&[u8], Range<usize>, usize)) {
        let mut at = 0;
        for part in self.parts(block) {
            at = self.part(block, part.start.max(at)..part.end, &mut found);
        }
    }

    /// Where texts may lie: all of the block, or what the first pass over it took for text and the groups beside that.
    fn parts(&self, block: &Block<'_>) -> Vec<Range<usize>> {
        let own = block.own.start..block.own.end + self.sample;
        let note = block.notes.as_ref().and_then(|notes| notes.read(0));
        let Some(note) = note.filter(|_| self.is_noted && self.sample + self.short >= TEXT) else {
            return vec![own];
        };
        let (first, _) = block.first_aligned(0, 8);
        let mut parts: Vec<Range<usize>> = Vec::new();
        for group in note.groups(Worth::Text) {
            let start = (first + group * GROUP).saturating_sub(GROUP).max(own.start);
            let end = (first + (group + 2) * GROUP).min(own.end);
            match parts.last_mut() {
                Some(last) if start <= last.end => last.end = end,
                _ if start < end => parts.push(start..end),
                _ => {}
            }
        }
        parts
    }

    /// Looks at the places `part`; the place from which on nothing was looked at.
    fn part(
        &self,
        block: &Block<'_>,
        part: Range<usize>,
        found: &mut impl FnMut(&[u8], Range<usize>, usize),
    ) -> usize {
        let is_character = |at: usize| {
            block
                .bytes
                .get(at)
                .is_some_and(|byte| (self.belongs)(*byte))
        };
        let mut at = part.start;
        while at < part.end {
            // Of a text long enough some sample and the characters behind it are seen.
            let run = block
                .bytes
                .get(at..)
                .and_then(<[u8]>::first_chunk)
                .and_then(|word| may_be_text(u64::from_le_bytes(*word)))
                .map(|(skip, step)| (at + skip, step))
                .filter(|&(at, step)| (0..self.short).all(|place| is_character(at + place * step)));
            let Some((first, step)) = run else {
                at += self.sample;
                continue;
            };
            let run = whole(block.bytes, first, step, self.longest, &self.belongs);
            // What is too long is passed over whole, so that no byte of it is looked at twice.
            let end = if run.len() > self.longest {
                behind(block.bytes, run.end, step, &self.belongs)
            } else {
                run.end
            };
            at = end.max(at) + self.sample;
            if block.own.contains(&run.start) && run.len() <= self.longest {
                let bytes = block.bytes.get(run.clone()).unwrap_or_default();
                let text: Zeroizing<Vec<u8>> =
                    Zeroizing::new(bytes.iter().step_by(step).copied().collect());
                found(&text, run, step);
            }
        }
        at
    }
}

/// Whether eight bytes may be from the middle of a text: where its first character is, and the bytes each takes.
#[inline(always)]
fn may_be_text(word: u64) -> Option<(usize, usize)> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const EVEN: u64 = 0x00ff_00ff_00ff_00ff;
    const HIGH: u64 = 0x80 * EACH;
    if word & HIGH != 0 || word == 0 {
        None
    } else if word.wrapping_sub(EACH) & HIGH == 0 {
        Some((0, 1))
    } else if word & !EVEN == 0 {
        Some((0, 2))
    } else if word & EVEN == 0 {
        Some((1, 2))
    } else {
        None
    }
}

/// Where the characters from `at` on end that belong to a text, each `step` bytes behind the one before.
fn behind(data: &[u8], mut at: usize, step: usize, belongs: impl Fn(u8) -> bool) -> usize {
    while data.get(at).is_some_and(|byte| belongs(*byte)) {
        at += step;
    }
    at
}

/// The characters to which the one at `at` belongs, each `step` bytes behind the one before; between them stand zeros. Of
/// more than `longest` bytes a part that is longer than that.
fn whole(
    data: &[u8],
    at: usize,
    step: usize,
    longest: usize,
    belongs: impl Fn(u8) -> bool,
) -> Range<usize> {
    // On one side of the last character in UTF-16BE, and of the first one in UTF-16LE, stands something else.
    let is_zero = |at: usize| data.get(at).is_none_or(|byte| *byte == 0);
    let belongs = |at: usize| {
        data.get(at).is_some_and(|byte| belongs(*byte))
            && (step == 1 || is_zero(at + 1) || at.checked_sub(1).is_some_and(is_zero))
    };
    let mut start = at;
    while at - start <= longest
        && let Some(before) = start.checked_sub(step).filter(|&before| belongs(before))
    {
        start = before;
    }
    let mut end = at;
    while end - start <= longest && belongs(end) {
        end += step;
    }
    start..end.min(data.len())
}

/// Reads digits: all of them, and those of the known sizes at both ends. Gives the form and the number, and where its digits
/// are among these.
fn read(
    digits: &[u8],
    sizes: &Sizes<'_>,
    mut found: impl FnMut((&'static str, Zeroizing<Vec<u64>>), Range<usize>),
) {
    let all = 0..digits.len();
    let least = sizes.least as usize;
    let mut take = |form, range: Range<usize>| {
        let (base, together) = if form == DECIMAL { (10, 19) } else { (16, 15) };
        let digits = digits.get(range.clone()).unwrap_or_default();
        found((form, number(digits, base, together)), range);
    };
    // A letter at either end may belong to what stands there.
    let is_letter = |digit: &&u8| !digit.is_ascii_digit();
    let before = digits.iter().take_while(is_letter).count();
    let behind = digits.iter().rev().take_while(is_letter).count();
    let inner = before..digits.len().saturating_sub(behind).max(before);
    let is_decimal = digits
        .get(inner.clone())
        .is_some_and(|inner| inner.iter().all(u8::is_ascii_digit));
    if is_decimal && least * 77 / 256 <= inner.len() {
        take(DECIMAL, inner.clone());
        for &bits in sizes.known {
            let [fewest, most] = digits_of(bits, |bits| bits as usize * 30_103 / 100_000 + 1);
            for length in fewest..=most {
                ends(&inner, length).for_each(|part| take(DECIMAL, part));
            }
        }
    }
    // Few hexadecimal numbers have no letter.
    let is_hexadecimal = !is_decimal || inner != all;
    if is_hexadecimal && least / 4 <= digits.len() {
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        take(HEX, all);
        let inner = zeros..digits.len();
        for &bits in sizes.known {
            let [fewest, most] = digits_of(bits, |bits| bits.div_ceil(4) as usize);
            for length in fewest..=most {
                ends(&inner, length).for_each(|part| take(HEX, part));
            }
        }
    }
}

/// The fewest and the most digits that numbers of `bits` bits have: an exponent may be some bits shorter.
fn digits_of(bits: u32, count: impl Fn(u32) -> usize) -> [usize; 2] {
    [bits - SHORTER.min(bits), bits].map(count)
}

/// The parts of `length` at the end and at the start of a longer range.
fn ends(range: &Range<usize>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let is_longer = range.len() > length;
    let parts = [
        range.end.saturating_sub(length)..range.end,
        range.start..range.start + length,
    ];
    parts.into_iter().filter(move |_| is_longer)
}

/// The number that `digits` to the base `base` are, taken `together` at a time, which fit a limb.
pub fn number(digits: &[u8], base: u64, together: usize) -> Zeroizing<Vec<u64>> {
    let value = |digit: &u8| u64::from(char::from(*digit).to_digit(16).unwrap_or(0));
    // A digit has four bits at most.
    let mut limbs = Zeroizing::new(vec![0; digits.len() / 16 + 1]);
    if base == 16 {
        for (limb, group) in limbs.iter_mut().zip(digits.rchunks(16)) {
            *limb = group.iter().fold(0, |limb, digit| limb << 4 | value(digit));
        }
        return limbs;
    }
    for group in digits.chunks(together) {
        let (mut factor, mut carry) = (1, 0);
        for digit in group {
            factor *= base;
            carry = carry * base + value(digit);
        }
        for limb in limbs.iter_mut() {
            let wide = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            *limb = wide as u64;
            carry = (wide >> 64) as u64;
        }
    }
    limbs
}

/// What [`each_written`] reads, in words.
pub const SCOPE: &str = "hexadecimal, decimal and base64 text of at most 4 KiB (from 1024 bits on base64 of just the size, and hexadecimal in parts in lines of 40 characters and more)";

/// How numbers are written out, as reports name it.
pub const HEX: &str = "text.hex";
pub const DECIMAL: &str = "text.decimal";
pub const BASE64: &str = "text.base64";

/// By how many bits a number of which something else stands at one end may be shorter than its size.
const SHORTER: u32 = 6;

/// Characters of the longest number in base64, of 8192 bits.
const MAX_BASE64: usize = 1372;

/// Bits of the shortest modulus.
const MIN_BITS: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys;
    use crate::sweep::codec::Class;
    use crate::sweep::codec::limbs_of;
    use crate::sweep::notes::Notebook;
    use crate::sweep::runs::each_run;
    use crypto_bigint::BoxedUint;
    use proptest::prelude::*;

    fn seen(bytes: &[u8]) -> Vec<(Range<usize>, &'static str, Vec<u64>)> {
        let block = Block::whole(bytes);
        let mut seen = Vec::new();
        each_number(&block, |number, range| {
            seen.push((range, number.form, number.limbs.to_vec()))
        });
        seen
    }

    #[test]
    fn moduli_written_out_are_read_at_every_offset() {
        for key in test_keys::rsa_keys()
            .iter()
            .filter(|key| key.n.len() >= 128)
        {
            let n = limbs_of(&key.n).to_vec();
            let hexadecimal: String = key.n.iter().map(|byte| format!("{byte:02X}")).collect();
            let decimal = BoxedUint::from_be_slice_vartime(&key.n).to_string_radix_vartime(10);
            for (text, form) in [(format!("00{hexadecimal}"), HEX), (decimal, DECIMAL)] {
                let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
                for text in [text.clone().into_bytes(), wide] {
                    for at in [0, 1, 7, 63, 64, 65] {
                        let mut bytes = vec![b'"'; at];
                        bytes.extend(&text);
                        bytes.extend(b"\"\0, ");
                        bytes.resize(bytes.len() + 100, b' ');
                        let expected =
                            (text.len() <= REACH).then(|| (at..at + text.len(), form, n.clone()));
                        assert_eq!(seen(&bytes), Vec::from_iter(expected), "{form} at {at}");
                    }
                    assert!(seen(&text[..text.len() / 3]).is_empty());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn with_notes_the_same_texts_are_found(
            texts in proptest::collection::vec((96usize..1500, 0usize..0x2800, any::<bool>(), any::<u64>()), 1..4),
            filler in any::<u8>(),
            address in proptest::option::of(0x7000u64..0x7010),
            length in 0x3000usize..0x3400,
        ) {
            let mut bytes = vec![filler; length];
            for (length, start, is_wide, mut seed) in texts {
                for place in 0..length {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let digit = b"0123456789abcdefABCDEF"[(seed >> 33) as usize % 22];
                    let at = start + if is_wide { 2 * place } else { place };
                    if let Some([byte, zero @ ..]) = bytes.get_mut(at..at + if is_wide { 2 } else { 1 }) {
                        *byte = digit;
                        zero.fill(0);
                    }
                }
            }
            let book = Notebook::default();
            let noted = Block { address, notes: Some(book.of_block(0)), ..Block::whole(&bytes) };
            let plain = Block { address, ..Block::whole(&bytes) };
            each_run(&noted, &Class::ALL, 512, |_, _| {});
            prop_assert!(noted.notes.as_ref().is_some_and(|notes| notes.read(0).is_some()));
            let found = |block: &Block<'_>| {
                let mut found = Vec::new();
                let sizes = Sizes { least: 384, known: &[], is_any: false };
                each_written(block, &sizes, |_, range| found.push(range));
                found
            };
            // Shorter ones are found by chance.
            let long = |ranges: Vec<Range<usize>>| -> Vec<Range<usize>> {
                let is_wide = |range: &Range<usize>| bytes[range.start + 1] == 0;
                let is_long = |range: &Range<usize>| range.len() >= if is_wide(range) { 2 * TEXT } else { TEXT };
                ranges.into_iter().filter(is_long).collect()
            };
            prop_assert_eq!(long(found(&noted)), long(found(&plain)));
        }
    }
}
