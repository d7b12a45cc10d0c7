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
//! | random bytes: as many different ones as all but 10^-7 of random numbers have | 10^-7 |
//!
//! The two highest bits of a prime are not asked for: OpenSSL sets the second one in two of three keys only.

use super::codec::{CODECS, Class, Codec, Digit, Order};
use super::runs::{EDGE, OVERHANG};
use super::space::Block;
use std::ops::{Range, RangeInclusive};
use zeroize::{Zeroize, Zeroizing};

/// Numbers of one size and shape, in all encodings.
pub struct Sought {
    bits: u32,
    shape: Shape,
    forms: Vec<Form>,
    /// The fewest different bytes of a window of random bytes, and the bytes of that window.
    distinct: u32,
    length: usize,
}

/// What is known of a number beside its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A prime: odd, with all bits of the size.
    Prime,
    /// Odd, and up to 20 bits shorter than the size but for one of 2^20.
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
        Self {
            bits,
            shape,
            forms: CODECS
                .iter()
                .map(|codec| Form::new(codec, bits, shape))
                .collect(),
            distinct: fewest_distinct(length.saturating_sub(padded + short), LOSS),
            length,
        }
    }

    /// Bits of a number.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Limbs of a number.
    pub fn limbs(&self) -> usize {
        self.bits.div_ceil(64) as usize
    }

    /// The encodings, in the order of the table.
    pub fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// Hands over each window that starts in `starts` and may be a number, by its form's index and its start.
    pub fn each(
        &self,
        block: &Block<'_>,
        (class, run): (Class, &Range<usize>),
        starts: &Range<usize>,
        mut each: impl FnMut(usize, usize),
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
                    each(index, at);
                }
            }
        }
    }

    /// Hands over the windows that start or end within [`OVERHANG`] bytes of where the run does: few for each run. Of
    /// big-endian bytes there are as many as bytes, so they are left out.
    pub fn edges(
        &self,
        block: &Block<'_>,
        (class, run): (Class, &Range<usize>),
        starts: &Range<usize>,
        mut each: impl FnMut(usize, usize),
    ) {
        for (index, form) in self.of(class).filter(|(_, form)| form.codec.step(8) > 1) {
            if run.len() + 2 * EDGE < form.length {
                continue;
            }
            let at_start = run.start.saturating_sub(OVERHANG)..run.start + OVERHANG + 1;
            let end = run.end.saturating_sub(form.length);
            let at_end = end.saturating_sub(OVERHANG).max(at_start.end)..end + OVERHANG + 1;
            for edge in [at_start, at_end] {
                let (from, step) = form.steps(block, run, edge.start.max(starts.start));
                for at in (from..edge.end.min(starts.end)).step_by(step) {
                    if form.fits(block.bytes, at) && self.is_varied(block.bytes, class, form, at) {
                        each(index, at);
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
                Shape::Exponent => bit_length(limbs) <= self.bits,
                Shape::Above(least) => (least + 1..=self.bits).contains(&bit_length(limbs)),
            }
    }

    /// Whether the window at `at` may be a number of this form, whatever lies round it.
    pub fn may_be(&self, form: &Form, bytes: &[u8], at: usize) -> bool {
        form.fits(bytes, at)
    }

    fn of(&self, class: Class) -> impl Iterator<Item = (usize, &Form)> {
        self.forms
            .iter()
            .enumerate()
            .filter(move |(_, form)| form.codec.class() == class)
    }

    fn is_varied(&self, bytes: &[u8], class: Class, form: &Form, at: usize) -> bool {
        class != Class::Random || {
            let window = bytes.get(at..at + form.length).unwrap_or_default();
            let mut counter = Counter::default();
            window.iter().for_each(|byte| counter.add(*byte));
            counter.distinct >= self.distinct
        }
    }

    /// Slides a window of the size over the bytes and counts the different ones in it; all forms share this.
    fn each_random(
        &self,
        block: &Block<'_>,
        range: Range<usize>,
        end: usize,
        mut each: impl FnMut(usize, usize),
    ) {
        let bytes = block.bytes.get(range.clone()).unwrap_or_default();
        let Some(window) = bytes.get(..self.length) else {
            return;
        };
        let mut counter = Counter::default();
        window.iter().for_each(|byte| counter.add(*byte));
        let forms: Vec<(usize, &Form, u64)> = self
            .of(Class::Random)
            .map(|(index, form)| {
                let (_, step) = block.first_aligned(0, form.codec.step(block.pointer));
                (index, form, step as u64 - 1)
            })
            .collect();
        let address = block.address.unwrap_or(0);
        let mut look = |at: usize| {
            let phase = address.wrapping_add(at as u64);
            for (index, form, mask) in &forms {
                if phase & mask == 0 && form.fits(block.bytes, at) {
                    each(*index, at);
                }
            }
        };
        let next = bytes.iter().zip(bytes.iter().skip(self.length));
        let mut at = range.start;
        for (gone, come) in next.take(end.saturating_sub(range.start)) {
            if counter.distinct >= self.distinct {
                look(at);
            }
            counter.add(*come);
            counter.remove(*gone);
            at += 1;
        }
        if at < end && counter.distinct >= self.distinct {
            look(at);
        }
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

/// The different bytes in a window that slides.
struct Counter {
    counts: [u16; 256],
    distinct: u32,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            counts: [0; 256],
            distinct: 0,
        }
    }
}

// A byte is in range of 256 counts.
#[allow(clippy::indexing_slicing)]
impl Counter {
    #[inline(always)]
    fn add(&mut self, byte: u8) {
        let count = &mut self.counts[usize::from(byte)];
        self.distinct += u32::from(*count == 0);
        *count += 1;
    }

    #[inline(always)]
    fn remove(&mut self, byte: u8) {
        let count = &mut self.counts[usize::from(byte)];
        *count -= 1;
        self.distinct -= u32::from(*count == 0);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.counts.zeroize();
    }
}

/// The fewest different values that `length` random bytes have, but for less than `loss` of them.
pub fn fewest_distinct(length: usize, loss: f64) -> u32 {
    // How likely each count is after so many bytes.
    let mut likely = [0.0; 257];
    if let Some(none) = likely.first_mut() {
        *none = 1.0;
    }
    for _ in 0..length {
        let mut left = 0.0;
        for (count, chance) in likely.iter_mut().enumerate() {
            let old = count as f64 / 256.0;
            let moved = *chance * (1.0 - old);
            *chance = *chance * old + left;
            left = moved;
        }
    }
    let mut sum = 0.0;
    likely
        .iter()
        .take_while(|chance| {
            sum += **chance;
            sum < loss
        })
        .count() as u32
}

/// As [`Codec::decode`], a limb at a time where bytes are whole.
fn load(codec: &Codec, bytes: &[u8], limbs: &mut [u64]) -> Option<()> {
    let Digit::Whole(size) = codec.digit() else {
        return codec.decode(bytes, limbs);
    };
    if bytes.len().div_ceil(8) > limbs.len() {
        return codec.decode(bytes, limbs);
    }
    let used = bytes.len().div_ceil(8);
    limbs.iter_mut().skip(used).for_each(|limb| *limb = 0);
    let whole = |chunk: &[u8]| {
        chunk
            .first_chunk()
            .map_or_else(|| partial(chunk), |word| u64::from_le_bytes(*word))
    };
    match (codec.order(), size) {
        (Order::Least, _) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks(8)) {
                *limb = whole(chunk);
            }
        }
        (Order::Most, 1) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
                *limb = match chunk.first_chunk() {
                    Some(word) => u64::from_be_bytes(*word),
                    None => chunk
                        .iter()
                        .fold(0, |limb, byte| limb << 8 | u64::from(*byte)),
                };
            }
        }
        (Order::Most, 4) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
                *limb = match chunk.len() {
                    8 => whole(chunk).rotate_left(32),
                    _ => whole(chunk),
                };
            }
        }
        (Order::Most, _) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
                *limb = whole(chunk);
            }
        }
    }
    Some(())
}

fn partial(chunk: &[u8]) -> u64 {
    chunk
        .iter()
        .rev()
        .fold(0, |limb, byte| limb << 8 | u64::from(*byte))
}

/// Bits of a number.
fn bit_length(limbs: &[u64]) -> u32 {
    let zeros = limbs.iter().rev().take_while(|limb| **limb == 0).count();
    let left = limbs.len() - zeros;
    let top = left.checked_sub(1).and_then(|top| limbs.get(top));
    left as u32 * 64 - top.map_or(0, |top| top.leading_zeros())
}

/// A buffer for numbers of so many limbs, wiped when dropped.
pub fn buffer(limbs: usize) -> Zeroizing<Vec<u64>> {
    Zeroizing::new(vec![0; limbs])
}

/// How many random numbers may have fewer different bytes than a window must have.
const LOSS: f64 = 1e-7;
