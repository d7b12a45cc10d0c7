//! Windows in a run that may be a number of a given size, in each encoding of the run's class.
//!
//! What a window must be, before arithmetic looks at it:
//!
//! | filter | loss |
//! |---|---|
//! | it lies in the run, but for [`EDGE`] bytes at each end | see [`super::runs`] |
//! | it starts where the encoding aligns numbers | none |
//! | it is odd; a prime has the highest bit of its size | none: two primes of one size |
//! | digits are in range | none |
//! | primes as bytes and words: the sum of the bytes has no factor 3, 5 or 17 | none: the number has it too |
//! | exponents: all digits of the size, or, where the top one holds 12 bits or fewer, without it; all its bytes as big-endian ones, but for those of [`Sought::shorter`] | 2^-12; 2^-8 |
//! | random bytes: as many different ones as all but 10^-7 of random numbers have | 10^-7 |
//!
//! The two highest bits of a prime are not asked for: OpenSSL sets the second one in two of three keys only.

mod loading;

use super::codec::{CODECS, Class, Codec, Digit, Order};
use super::distinct::{Counter, fewest_distinct};
use super::runs::{EDGE, OVERHANG};
use super::space::Block;
use loading::load;
use std::ops::{Range, RangeInclusive};
use zeroize::Zeroizing;

/// Numbers of one size and shape, in all encodings.
pub struct Sought {
    bits: u32,
    shape: Shape,
    forms: Vec<Form>,
    /// The forms of random bytes.
    random: Range<usize>,
    /// The fewest different bytes of a window of random bytes, and the bytes of that window.
    distinct: u32,
    length: usize,
}

/// What is known of a number beside its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A prime: odd, with all bits of the size.
    Prime,
    /// Odd, and up to `SHORTER` bits shorter than the size: one of 2^24 is shorter.
    Exponent,
    /// A prime of more than so many bits. As big-endian bytes it is found where it has all bytes of the size.
    Above(u32),
}

/// Numbers of the size in one encoding.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The encoding.
    pub codec: &'static Codec,
    /// Bytes of a window.
    pub length: usize,
    /// Where the digit with the highest bit starts in the window.
    top: usize,
    /// The words or bytes that this digit may be.
    tops: (u64, u64),
    /// Where the byte with the lowest bit lies, and this bit; no bit where the digit does not tell it.
    low: usize,
    low_bit: u8,
    /// Index of the form in the same encoding with another number of digits.
    pub twin: Option<usize>,
}

impl Sought {
    /// Numbers of `bits` bits.
    pub fn new(bits: u32, shape: Shape) -> Self {
        let length = bits.div_ceil(8) as usize;
        // Zeros on top of a word or of a short number are no random bytes.
        let padded = if bits.is_multiple_of(64) { 0 } else { 7 };
        let short = match shape {
            Shape::Prime => 0,
            Shape::Exponent => 3,
            Shape::Above(least) => (bits - least).div_ceil(8) as usize,
        };
        let mut forms: Vec<Form> = CODECS
            .iter()
            .map(|codec| Form::new(codec, bits, shape))
            .collect();
        let has_short = |codec: &Codec| shape == Shape::Exponent && codec.class() != Class::Random;
        for (index, codec) in CODECS.iter().enumerate() {
            if let Some(bits) = codec.shorter(bits, RARE).filter(|_| has_short(codec)) {
                let short = Form {
                    twin: Some(index),
                    ..Form::new(codec, bits, shape)
                };
                let twin = forms.len();
                if let Some(form) = forms.get_mut(index) {
                    form.twin = Some(twin);
                }
                forms.push(short);
            }
        }
        let is_random = |form: &Form| form.codec.class() == Class::Random;
        let first = forms.iter().position(is_random).unwrap_or(0);
        let count = forms.iter().skip(first).take_while(|form| is_random(form));
        Self {
            bits,
            shape,
            random: first..first + count.count(),
            forms,
            distinct: fewest_distinct(length.saturating_sub(padded + short), LOSS),
            length,
        }
    }

    /// Exponents below 2^`bits` of which the highest byte is zero and left out, and of words and limbs the highest one if it
    /// has no other. In the other encodings a digit of the highest bits is there, or [`Self::new`] does without it.
    pub fn shorter(bits: u32) -> Self {
        let fewer = (bits - 1) / 8 * 8;
        let has_fewer_limbs = fewer.div_ceil(64) < bits.div_ceil(64);
        let mut sought = Self::new(fewer, Shape::Exponent);
        sought.forms.retain(|form| {
            form.codec.order() == Order::Most
                || (has_fewer_limbs && form.codec.class() == Class::Random)
        });
        sought.random = 0..sought.forms.len();
        sought
    }

    /// Bits of a number.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Limbs of a number.
    pub fn limbs(&self) -> usize {
        self.bits.div_ceil(64) as usize
    }

    /// The encodings, in the order of the table; behind them those of exponents whose top digit is left out.
    pub fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// Hands over each window that starts in `starts` and may be a number, by its form's index and its start; and whether
    /// it may be a prime, as far as the sum of its bytes tells.
    pub fn each(
        &self,
        block: &Block<'_>,
        (class, run): (Class, &Range<usize>),
        starts: &Range<usize>,
        mut each: impl FnMut(usize, usize, bool),
    ) {
        let (first, behind) = (
            run.start.saturating_sub(EDGE).max(starts.start),
            (run.end + EDGE).min(block.bytes.len()),
        );
        if class == Class::Random {
            self.each_random(block, first..behind, starts.end, each);
            return;
        }
        for (index, form) in self.of(class) {
            let last = behind
                .saturating_sub(form.length)
                .min(starts.end.saturating_sub(1));
            let (from, step) = form.steps(block, run, first);
            for at in (from..=last).step_by(step) {
                if form.fits(block.bytes, at) {
                    each(index, at, true);
                }
            }
        }
    }

    /// Hands over the windows that start or end within [`OVERHANG`] bytes of where the run does: few for each run.
    pub fn edges(
        &self,
        block: &Block<'_>,
        (class, run): (Class, &Range<usize>),
        starts: &Range<usize>,
        mut each: impl FnMut(usize, usize, bool),
    ) {
        if class == Class::Random {
            if run.len() + 2 * EDGE < self.length {
                return;
            }
            for edge in at_edges(run, self.length) {
                let first = edge.start.max(starts.start);
                let behind = edge.end.min(starts.end);
                self.each_random(block, first..block.bytes.len(), behind, &mut each);
            }
            return;
        }
        for (index, form) in self.of(class) {
            if run.len() + 2 * EDGE < form.length {
                continue;
            }
            for edge in at_edges(run, form.length) {
                let (from, step) = form.steps(block, run, edge.start.max(starts.start));
                for at in (from..edge.end.min(starts.end)).step_by(step) {
                    if form.fits(block.bytes, at) {
                        each(index, at, true);
                    }
                }
            }
        }
    }

    /// The number in the window, as little-endian limbs; `false` when it is none of the size and shape.
    pub fn load(&self, form: &Form, bytes: &[u8], at: usize, limbs: &mut [u64]) -> bool {
        let Some(window) = bytes.get(at..at + form.length) else {
            return false;
        };
        load(form.codec, window, limbs).is_some()
            && limbs.first().is_some_and(|low| low & 1 == 1)
            && match self.shape {
                Shape::Prime => bit_length(limbs) == self.bits,
                Shape::Exponent => {
                    (self.bits.saturating_sub(SHORTER)..=self.bits).contains(&bit_length(limbs))
                }
                Shape::Above(least) => (least + 1..=self.bits).contains(&bit_length(limbs)),
            }
    }

    /// As [`Self::load`], but of a window of random bytes no more than the `leading` highest limbs: what lies below is
    /// left as it was.
    pub fn load_leading(
        &self,
        form: &Form,
        bytes: &[u8],
        at: usize,
        (limbs, leading): (&mut [u64], usize),
    ) -> bool {
        let skip = limbs.len().saturating_sub(leading);
        let less = 8 * skip;
        let is_whole = 8 * limbs.len() == form.length && form.codec.class() == Class::Random;
        if skip == 0 || !is_whole {
            return self.load(form, bytes, at, limbs);
        }
        let at = match form.codec.order() {
            Order::Least => at + less,
            Order::Most => at,
        };
        let (Some(window), Some(leading)) = (
            bytes.get(at..at + form.length - less),
            limbs.get_mut(skip..),
        ) else {
            return false;
        };
        let least = self.bits.saturating_sub(SHORTER + 64 * skip as u32);
        load(form.codec, window, leading).is_some() && bit_length(leading) >= least
    }

    /// Whether the window at `at` may be a number of this form, whatever lies round it.
    pub fn may_be(&self, form: &Form, bytes: &[u8], at: usize) -> bool {
        form.fits(bytes, at)
    }

    /// The forms in the encoding of `form`: itself, and with another number of digits.
    #[inline]
    pub fn alike<'s>(&'s self, form: &'s Form) -> impl Iterator<Item = &'s Form> {
        let twin = form.twin.and_then(|twin| self.forms.get(twin));
        std::iter::once(form).chain(twin)
    }

    fn of(&self, class: Class) -> impl Iterator<Item = (usize, &Form)> {
        self.forms
            .iter()
            .enumerate()
            .filter(move |(_, form)| form.codec.class() == class)
    }

    /// Slides a window of the size over the bytes and counts the different ones in it; all forms share this.
    fn each_random(
        &self,
        block: &Block<'_>,
        range: Range<usize>,
        end: usize,
        mut each: impl FnMut(usize, usize, bool),
    ) {
        let bytes = block.bytes.get(range.clone()).unwrap_or_default();
        let Some(window) = bytes.get(..self.length) else {
            return;
        };
        if range.start >= end {
            return;
        }
        let mut counter = Counter::default();
        window.iter().for_each(|byte| counter.add(*byte));
        let known = u64::from(block.address.is_some());
        let forms: [ByteForm; RANDOM_FORMS] = std::array::from_fn(|index| {
            let form = self.random.clone().nth(index);
            let form = form.and_then(|index| self.forms.get(index));
            form.map_or(ByteForm::NONE, |form| ByteForm {
                low: form.low,
                top: form.top,
                tops: (form.tops.0 as u8, form.tops.1 as u8),
                phases: known * (form.codec.step(block.pointer) as u64 - 1),
            })
        });
        let address = block.address.unwrap_or(0);
        // Of other sizes words have bytes that this window lacks.
        let is_whole = self.length.is_multiple_of(8);
        let mut look = |at: usize, counter: &Counter| {
            let phase = address.wrapping_add(at as u64);
            let window = block.bytes.get(at..).unwrap_or_default();
            for (index, form) in forms.iter().enumerate() {
                if phase & form.phases == 0 && form.fits(window) {
                    let may_be_prime = !(is_whole && counter.has_factor());
                    each(self.random.start + index, at, may_be_prime);
                }
            }
        };
        let next = bytes.iter().zip(bytes.iter().skip(self.length));
        let mut at = range.start;
        for (gone, come) in next.take(end - 1 - range.start) {
            if counter.distinct() >= self.distinct {
                look(at, &counter);
            }
            counter.add(*come);
            counter.remove(*gone);
            at += 1;
        }
        if at < end && counter.distinct() >= self.distinct {
            look(at, &counter);
        }
    }
}

/// A form of random bytes: what its bytes must be.
#[derive(Clone, Copy)]
struct ByteForm {
    low: usize,
    top: usize,
    tops: (u8, u8),
    /// The bits of an address that are zero where a number starts.
    phases: u64,
}

impl ByteForm {
    /// Nothing fits.
    const NONE: Self = Self {
        low: usize::MAX,
        top: usize::MAX,
        tops: (1, 0),
        phases: 0,
    };

    #[inline(always)]
    fn fits(&self, window: &[u8]) -> bool {
        let (least, most) = self.tops;
        window.get(self.low).is_some_and(|byte| byte & 1 == 1)
            && window
                .get(self.top)
                .is_some_and(|byte| (least..=most).contains(byte))
    }
}

impl Form {
    fn new(codec: &'static Codec, bits: u32, shape: Shape) -> Self {
        let digit = codec.digit();
        let length = codec.length(bits);
        let (first, last) = (0, length - digit.bytes());
        let (low, top) = match codec.order() {
            Order::Least => (first, last),
            Order::Most => (last, first),
        };
        let used = (bits - 1) % digit.bits() + 1;
        // Of whole words the byte with the highest bit is enough.
        let (top, used) = match digit {
            Digit::Whole(_) => (top + (used as usize - 1) / 8, (used - 1) % 8 + 1),
            _ => (top, used),
        };
        let word = |value: u64| {
            let bytes = codec.encode(&[value], digit.bits()).unwrap_or_default();
            bytes
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))
        };
        let most = u64::MAX >> (64 - used);
        let least = match shape {
            Shape::Prime => most ^ most >> 1,
            Shape::Exponent | Shape::Above(_) => 0,
        };
        let (low, low_bit) = match digit {
            Digit::Whole(_) | Digit::Low { .. } => (low, 1),
            Digit::Small(_) => (low + 4, 1),
            Digit::Small31(_) => (low, 2),
            Digit::Double(_) => (low, 0),
        };
        Self {
            codec,
            length,
            top,
            tops: match digit {
                Digit::Whole(_) => (least, most),
                _ => (word(least), word(most)),
            },
            low,
            low_bit,
            twin: None,
        }
    }

    /// Whether the window at `at` is odd and its top digit in range.
    #[inline]
    fn fits(&self, bytes: &[u8], at: usize) -> bool {
        let is_odd = bytes
            .get(at + self.low)
            .is_some_and(|byte| byte & self.low_bit == self.low_bit);
        is_odd && {
            let rest = bytes.get(at + self.top..).unwrap_or_default();
            let top = match self.codec.digit() {
                Digit::Whole(_) => rest.first().map(|byte| u64::from(*byte)),
                digit if digit.bytes() == 4 => rest
                    .first_chunk()
                    .map(|word| u64::from(u32::from_le_bytes(*word))),
                _ => rest.first_chunk().map(|word| u64::from_le_bytes(*word)),
            };
            top.is_some_and(|top| self.tops_range().contains(&top))
        }
    }

    const fn tops_range(&self) -> RangeInclusive<u64> {
        let (least, most) = self.tops;
        least..=most
    }

    /// The first place from `at` on where a number may start, and the distance to the next one. Where no address
    /// is known, digits go on in the phase of their run.
    fn steps(&self, block: &Block<'_>, run: &Range<usize>, at: usize) -> (usize, usize) {
        let step = self.codec.step(block.pointer);
        if block.address.is_some() || self.codec.class() == Class::Random {
            return block.first_aligned(at, step);
        }
        let phase = run.start % step;
        (at + (phase + step - at % step) % step, step)
    }
}

/// Where windows of `length` bytes start that start or end where the run does.
fn at_edges(run: &Range<usize>, length: usize) -> [Range<usize>; 2] {
    let at_start = run.start.saturating_sub(OVERHANG)..run.start + OVERHANG + 1;
    let end = run.end.saturating_sub(length);
    let at_end = end.saturating_sub(OVERHANG).max(at_start.end)..end + OVERHANG + 1;
    [at_start, at_end]
}

/// Bits of a number.
pub fn bit_length(limbs: &[u64]) -> u32 {
    let zeros = limbs.iter().rev().take_while(|limb| **limb == 0).count();
    let left = limbs.len() - zeros;
    let top = left.checked_sub(1).and_then(|top| limbs.get(top));
    left as u32 * 64 - top.map_or(0, |top| top.leading_zeros())
}

/// A buffer for numbers of so many limbs, wiped when dropped.
pub fn buffer(limbs: usize) -> Zeroizing<Vec<u64>> {
    Zeroizing::new(vec![0; limbs])
}

/// Encodings of whole bytes and words.
const RANDOM_FORMS: usize = 4;

/// Exponents that lack the bits in the top digit are looked for where these are no more: of others one in 2^12 does.
const RARE: u32 = 12;

/// By how many bits an exponent may be shorter than its modulus or prime.
const SHORTER: u32 = 24;

/// How many random numbers may have fewer different bytes than a window must have.
const LOSS: f64 = 1e-7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::codec::limbs_of;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_are_loaded_as_they_are_decoded(
            number in prop::collection::vec(any::<u8>(), 16..300),
            shape in prop::sample::select(vec![Shape::Prime, Shape::Exponent, Shape::Above(100)]),
            before in 0..9usize,
            count in 1..10usize,
        ) {
            let mut number = number;
            number[0] |= 0x80;
            *number.last_mut().unwrap() |= 1;
            let limbs = limbs_of(&number);
            let bits = 8 * number.len() as u32;
            let sought = Sought::new(bits, shape);
            for form in sought.forms().iter().take(CODECS.len()) {
                let mut bytes = vec![0x11; before];
                bytes.extend(form.codec.encode(&limbs, bits).unwrap().iter());
                prop_assert!(form.fits(&bytes, before), "{}", form.codec.name);
                let mut read = vec![7; sought.limbs()];
                prop_assert!(sought.load(form, &bytes, before, &mut read));
                prop_assert_eq!(&read, &*limbs);
                if shape == Shape::Exponent {
                    let mut leading = vec![7; sought.limbs()];
                    let buffer = (&mut leading[..], count);
                    prop_assert!(sought.load_leading(form, &bytes, before, buffer));
                    let top = limbs.len().saturating_sub(count);
                    prop_assert_eq!(&leading[top..], &limbs[top..]);
                }
                prop_assert!(!sought.load(form, &bytes, before + 1, &mut read));
            }
        }

        #[test]
        fn sliding_windows_are_those_counted_anew(
            bytes in prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 0x81, 0x83]), 0..300),
            more in prop::collection::vec(any::<u8>(), 0..400),
            start in 0..200usize,
            address in prop::option::of(0..64u64),
        ) {
            let bytes = [bytes, more].concat();
            let sought = Sought::new(512, Shape::Prime);
            let block = Block {
                address,
                ..Block::whole(&bytes)
            };
            let run = start.min(bytes.len())..bytes.len();
            let mut found = Vec::new();
            sought.each(&block, (Class::Random, &run), &(0..bytes.len()), |form, at, may_be_prime| {
                let window = bytes[at..at + 64].iter().map(|byte| u32::from(*byte));
                let sum: u32 = window.sum();
                let has_factor = [3, 5, 17].iter().any(|factor| sum.is_multiple_of(*factor));
                assert_eq!(may_be_prime, !has_factor);
                found.push((at, form));
            });
            let mut expected = Vec::new();
            for at in run.start.saturating_sub(EDGE)..bytes.len() {
                let window = bytes.get(at..at + 64).unwrap_or_default();
                let distinct: std::collections::BTreeSet<&u8> = window.iter().collect();
                if (distinct.len() as u32) < sought.distinct {
                    continue;
                }
                for (index, form) in sought.of(Class::Random) {
                    let (_, step) = block.first_aligned(0, form.codec.step(8));
                    let is_aligned = (address.unwrap_or(0) as usize + at).is_multiple_of(step);
                    if is_aligned && form.fits(&bytes, at) {
                        expected.push((at, index));
                    }
                }
            }
            prop_assert_eq!(found, expected);
        }
    }
}
