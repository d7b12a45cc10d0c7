//! Two windows near one another that may be the CRT exponents of a modulus.
//!
//! Where they lie side by side (structures, DER, key blobs, arrays one behind the other), what lies between them is a
//! header. Where each lies by itself, it is a run by itself: then all such numbers of a block meet.
//!
//! Big-endian bytes may start anywhere: with up to five bytes between them, which may be overwritten, each two windows
//! are a pair; with up to 48, where these tell the length of the second, or are zeros, or the end of one allocation and the
//! size of the next.

use super::group::Member;
use super::look::{Look, raw};
use super::ratios::fraction;
use crate::bytes::u64_le;
use crate::crypto::rsa_search::ExponentPairs;
use crate::sweep::bounds::is_bounded;
use crate::sweep::codec::{CODECS, Class};
use crate::sweep::runs::{EDGE, OVERHANG};
use crate::sweep::space::REACH;
use crate::sweep::windows::{Form, Sought, buffer};
use std::ops::Range;
use zeroize::Zeroizing;

/// A number that begins or ends where its run does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    form: usize,
    at: usize,
}

/// Numbers that may be the other exponent, and where they lie. The buffer is used again.
#[derive(Default)]
pub struct Partners {
    limbs: usize,
    numbers: Zeroizing<Vec<u64>>,
    places: Vec<Range<usize>>,
}

impl Partners {
    /// Room for the most that lie beside one number, of so many limbs.
    pub fn new(limbs: usize) -> Self {
        let most = (CLOSE.len() + FAR.len()).max(2 * (MOST_WORDS / 4 + 1));
        Self {
            limbs,
            numbers: buffer(limbs * most),
            places: Vec::with_capacity(most),
        }
    }

    fn clear(&mut self) {
        self.places.clear();
    }

    /// Adds what `load` loads from `place`, if it says so.
    fn add(&mut self, place: Range<usize>, load: impl FnOnce(&mut [u64]) -> bool) {
        let first = self.places.len() * self.limbs;
        if let Some(room) = self.numbers.get_mut(first..first + self.limbs)
            && load(room)
        {
            self.places.push(place);
        }
    }

    fn each(&self) -> impl Iterator<Item = (Range<usize>, &[u64])> {
        self.places
            .iter()
            .cloned()
            .zip(self.numbers.chunks_exact(self.limbs.max(1)))
    }
}

/// Looks behind the window at `at` for the other exponent. `one` is overwritten.
pub fn beside(
    look: &mut Look<'_>,
    halves: &Sought,
    form: &Form,
    at: usize,
    run: &Range<usize>,
    one: &mut [u64],
) {
    let bytes = look.block.bytes;
    let unit = form.codec.step(look.block.pointer);
    let first = at + form.length;
    let end = (run.end + EDGE).min(bytes.len());
    let shortest = halves.alike(form).map(|other| other.length).min();
    // Zeros may end the run: behind them another begins.
    let zeros = match bytes.get(first..) {
        Some(behind) if unit == 1 => {
            let zeros = behind.iter().take(FAR.end);
            zeros.take_while(|byte| **byte == 0).count()
        }
        _ => 0,
    };
    let end = if FAR.contains(&zeros) {
        end.max(bytes.len().min(first + zeros + form.length))
    } else {
        end
    };
    if shortest.is_none_or(|length| first + length > end) {
        return;
    }
    let mut partners = std::mem::take(&mut look.partners);
    partners.clear();
    let mut add = |gap: usize| {
        let next = first + gap;
        for form in halves.alike(form) {
            if next + form.length <= end && halves.may_be(form, bytes, next) {
                partners.add(next..next + form.length, |number| {
                    halves.load(form, bytes, next, number)
                });
            }
        }
    };
    if unit == 1 {
        let leading = leading_fraction(bytes, at, form.length);
        for gap in CLOSE {
            let next = first + gap;
            if next + form.length > end || !halves.may_be(form, bytes, next) {
                continue;
            }
            let Some(left) = look.pairs.checked_sub(look.group.ratios.cost()) else {
                look.cut.pairs = true;
                break;
            };
            look.pairs = left;
            // There are as many of them as bytes, so most are not loaded.
            let product = leading * leading_fraction(bytes, next, form.length);
            if look.group.ratios.may_be_near(product) {
                add(gap);
            }
        }
        let behind = bytes.get(first..end).unwrap_or_default();
        if may_hold_length(behind, form.length) {
            FAR.filter(|gap| may_separate(behind.get(..*gap).unwrap_or_default(), form.length))
                .for_each(&mut add);
        }
        if FAR.contains(&zeros) || zeros == 1 {
            add(zeros);
        }
        // The next allocation of glibc: the rest of the one before, and a size with its own two words and three flags.
        let size = u64_le(behind, 8).map(|size| size & !7);
        if size == Some((form.length as u64 + 8).next_multiple_of(16)) {
            add(16);
        }
    } else {
        // Where words have eight bytes, so has the unit of whoever hands out memory.
        let unit = unit.max(look.block.pointer);
        let least = (unit - form.length % unit) % unit;
        let mut leading = |form: &Form, at: usize| {
            let is_number = halves.load_leading(form, bytes, at, (one, 2));
            is_number.then(|| fraction(one))
        };
        let own = leading(form, at);
        let gaps = (least..=MOST_WORDS).step_by(unit);
        for (own, gap) in own
            .into_iter()
            .flat_map(|own| gaps.clone().map(move |gap| (own, gap)))
        {
            let next = first + gap;
            let mut others = halves
                .alike(form)
                .filter(|other| next + other.length <= end && halves.may_be(other, bytes, next));
            let Some(other) = others.next() else { continue };
            let Some(left) = look.pairs.checked_sub(look.group.ratios.cost()) else {
                look.cut.pairs = true;
                break;
            };
            look.pairs = left;
            let is_near = |other: &Form| {
                let other = leading(other, next);
                other.is_some_and(|other| look.group.ratios.may_be_near(own * other))
            };
            if std::iter::once(other).chain(others).any(is_near) {
                add(gap);
            }
        }
    }
    if !partners.places.is_empty() && halves.load(form, bytes, at, one) {
        meet(look, form, (at..at + form.length, one), || partners.each());
    }
    look.partners = partners;
}

/// The [`fraction`] of the big-endian number of `length` bytes at `at`, from its leading 16 bytes.
#[inline]
fn leading_fraction(bytes: &[u8], at: usize, length: usize) -> f64 {
    let leading = bytes.get(at..).and_then(|bytes| bytes.first_chunk::<16>());
    let Some(leading) = leading else { return 0.0 };
    let leading = u128::from_be_bytes(*leading);
    let number = [leading as u64, (leading >> 64) as u64];
    // The highest limb of a number may be there in part.
    let missing = 8 * ((8 - length % 8) % 8) as u64;
    fraction(&number) / (1u64 << missing) as f64
}

/// Whether the first bytes behind a big-endian number may hold the length of the next one, of `length` bytes. Of
/// random bytes one in a hundred does.
#[inline]
fn may_hold_length(behind: &[u8], length: usize) -> bool {
    // Fewer bytes than these hold no number either.
    let Some(behind) = behind.first_chunk::<{ HEADER + 2 }>() else {
        return false;
    };
    let [low, next_low] = [length as u8, (length + 1) as u8];
    let [high, next_high] = [length >> 8, (length + 1) >> 8].map(|high| high as u8);
    // Before its low byte stands the high one, or the length of a DER length; behind it the high one.
    let single = if high == 0 { LONG_LENGTH } else { high };
    let is_high = |byte: u8| (byte == high) | (byte == next_high) | (byte == single);
    let mut has_length = false;
    let around = behind
        .iter()
        .zip(behind.iter().skip(1))
        .zip(behind.iter().skip(2));
    for ((before, byte), behind) in around {
        let is_low = (*byte == low) | (*byte == next_low);
        has_length |= is_low & (is_high(*before) | is_high(*behind));
    }
    has_length
}

/// Whether these bytes may stand between two big-endian numbers of `length` bytes: a header that holds the length of
/// the second one, and with a zero byte before its highest bit.
pub(super) fn may_separate(between: &[u8], length: usize) -> bool {
    let is_length = |value: usize| (length..=length + 1).contains(&value);
    let unsigned = match between {
        [unsigned @ .., 0] => Some(unsigned),
        _ => None,
    };
    // An array's: in four bytes or eight, of which CPython keeps the hash behind it.
    let ends_with_word = |between: &[u8]| {
        [4, 8].iter().any(|size| {
            let word = between.len().checked_sub(*size);
            let word = word.and_then(|start| between.get(start..));
            let word = word.map(|word| {
                word.iter()
                    .rev()
                    .fold(0, |word, byte| word << 8 | usize::from(*byte))
            });
            word.is_some_and(is_length)
        })
    };
    let hashed = between
        .len()
        .checked_sub(8)
        .and_then(|end| between.get(..end));
    [Some(between), unsigned]
        .into_iter()
        .flatten()
        .any(|between| ends_with_encoded(between, is_length) || ends_with_word(between))
        || hashed.is_some_and(ends_with_word)
}

/// Whether `between` ends with a length of DER, or in four big-endian bytes.
fn ends_with_encoded(between: &[u8], is_length: impl Fn(usize) -> bool) -> bool {
    let two = match between {
        [.., 0, 0, high, low] | [.., LONGER_LENGTH, high, low] => {
            is_length(usize::from(*high) << 8 | usize::from(*low))
        }
        _ => false,
    };
    let one = match between {
        [.., LONG_LENGTH, low] | [.., TAG, low @ ..0x80] => is_length(usize::from(*low)),
        _ => false,
    };
    two || one
}

/// Keeps the windows at the edges of a run.
pub fn keep_edges(look: &mut Look<'_>, class: Class, run: &Range<usize>) {
    let Some(halves) = &look.group.halves else {
        return;
    };
    let all = 0..look.block.bytes.len();
    let edges = &mut look.edges;
    let bytes = look.block.bytes;
    halves.edges(look.block, (class, run), &all, |form, at, _| {
        let of = halves.forms().get(form);
        let Some(of) = of else { return };
        // Of big-endian bytes there are as many as bytes: such a number is a run for itself.
        let is_alone = of.codec.step(8) > 1 || run.len() <= of.length + 2 * OVERHANG;
        if class != Class::Random || (is_alone && is_bounded(bytes, at..at + of.length)) {
            edges.push(Edge { form, at });
        }
    });
    if look.edges.len() > MAX_EDGES {
        let mut edges = meet_at_edges(look);
        // Those that come may meet the last of these.
        let mut last = None;
        edges.reverse();
        edges.retain(|edge| {
            let last: &mut Edge = last.get_or_insert(*edge);
            if last.form != edge.form {
                *last = *edge;
            }
            edge.at + REACH >= last.at
        });
        if edges.len() > MAX_EDGES / 2 {
            edges.truncate(MAX_EDGES / 2);
            look.cut.pairs = true;
        }
        look.edges = edges;
    }
}

/// Brings together the numbers at edges of which the first starts in the block.
pub fn at_edges(look: &mut Look<'_>) {
    meet_at_edges(look);
}

/// Brings together the numbers at the edges that are kept, and gives these in order.
fn meet_at_edges(look: &mut Look<'_>) -> Vec<Edge> {
    let mut edges = std::mem::take(&mut look.edges);
    let Some(halves) = &look.group.halves else {
        return edges;
    };
    edges.sort_unstable();
    edges.dedup();
    for (index, form) in halves.forms().iter().enumerate().take(CODECS.len()) {
        let of_codec = edges.iter().filter_map(|edge| {
            let is_alike = edge.form == index || form.twin == Some(edge.form);
            Some((edge.at, halves.forms().get(edge.form).filter(|_| is_alike)?))
        });
        let mut starts: Vec<(usize, &Form)> = of_codec.collect();
        starts.sort_by_key(|(at, form)| (*at, form.length));
        alone(look, halves, &starts);
    }
    edges
}

/// Brings each of the numbers that start at `starts` together with those that begin up to [`REACH`] bytes before.
fn alone(look: &mut Look<'_>, halves: &Sought, starts: &[(usize, &Form)]) {
    let bytes = look.block.bytes;
    let mut number = buffer(halves.limbs());
    let mut before: Vec<(Range<usize>, Zeroizing<Vec<u64>>)> = Vec::new();
    for &(at, form) in starts {
        let farthest = before.len().saturating_sub(MAX_NEAR);
        before.drain(..farthest);
        before.retain(|(place, _)| place.start + REACH >= at);
        if !halves.load(form, bytes, at, &mut number) {
            continue;
        }
        if before.first().is_some_and(|(place, _)| place.end <= at) {
            meet(look, form, (at..at + form.length, &number), || {
                let near = before.iter().filter(|(place, _)| place.end <= at);
                near.map(|(place, number)| (place.clone(), number.as_slice()))
            });
        }
        if look.block.own.contains(&at) {
            before.push((at..at + form.length, Zeroizing::new(number.to_vec())));
        }
    }
}

/// Tries one number with each of its partners, for each modulus.
fn meet<'n, I: Iterator<Item = (Range<usize>, &'n [u64])>>(
    look: &mut Look<'_>,
    form: &Form,
    (place, one): (Range<usize>, &[u64]),
    partners: impl Fn() -> I,
) {
    let group = look.group;
    let ratios = &group.ratios;
    let fraction = fraction(one);
    for (next, other) in partners() {
        let Some(left) = look.pairs.checked_sub(ratios.cost()) else {
            look.cut.pairs = true;
            return;
        };
        look.pairs = left;
        ratios.near_integers(fraction * self::fraction(other), |member| {
            let Some(member) = group.members.get(member) else {
                return;
            };
            if let Some(pairs) = &member.pairs
                && pairs.with(one).may_be_number(other)
            {
                let numbers = [(place.clone(), one), (next.clone(), other)];
                confirm(look, member, pairs, form, numbers);
            }
        });
    }
    for member in ratios.others().filter_map(|index| group.members.get(index)) {
        let Some(pairs) = &member.pairs else { continue };
        let partner = pairs.with(one);
        for (next, other) in partners() {
            let Some(left) = look.pairs.checked_sub(COST_OF_ONE) else {
                look.cut.pairs = true;
                return;
            };
            look.pairs = left;
            if partner.may_be_number(other) {
                confirm(
                    look,
                    member,
                    pairs,
                    form,
                    [(place.clone(), one), (next, other)],
                );
            }
        }
    }
}

fn confirm(
    look: &mut Look<'_>,
    member: &Member,
    pairs: &ExponentPairs,
    form: &Form,
    [(place, one), (next, other)]: [(Range<usize>, &[u64]); 2],
) {
    if look.is_done(member) {
        return;
    }
    if !look.may_confirm() {
        look.cut.pairs = true;
        return;
    }
    let lies = |place| (raw(form), "crt-exponent", place);
    look.take(member, pairs.factor(one, other), [lies(place), lies(next)]);
}

/// Bytes between big-endian numbers where whatever stands there does not matter: nothing, or headers of DER and SSH.
const CLOSE: [usize; 5] = [0, 2, 3, 4, 5];

/// Bytes between them where a header stands that tells the length.
const FAR: Range<usize> = 6..HEADER + 1;

/// Bytes of the longest header.
const HEADER: usize = 48;

/// DER: the length is in the next byte, or in the next two; an INTEGER.
const LONG_LENGTH: u8 = 0x81;
const LONGER_LENGTH: u8 = 0x82;
const TAG: u8 = 2;

/// The most bytes between numbers of words.
const MOST_WORDS: usize = 64;

/// Numbers by themselves that one is brought together with: the nearest.
const MAX_NEAR: usize = 64;

/// Numbers by themselves that are kept until they are brought together.
const MAX_EDGES: usize = 1 << 16;

/// What a look at a pair for an unusual public exponent costs, in looks for a usual one.
const COST_OF_ONE: u32 = 32;
