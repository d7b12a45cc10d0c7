//! The choice of windows: which four bytes of an anchor to look for, and which windows share a bucket.
//!
//! A kernel knows a window by its bytes, one by one, and the windows of a bucket by the bytes any of them has
//! (see `simd`): a bucket with `PRIV` and `ECDV` lets `PCIV` through. Whatever gets through without being a
//! window costs time. So windows are chosen and put together such that, in memory as it usually is, little gets
//! through: for 120 anchors of all kinds, one of some 800 places with AVX2 and of 1600 with AVX-512.

use super::simd::{BUCKETS, WINDOW};

/// Where in its anchor a window stands, and its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Bytes from the start of the anchor to its window.
    pub offset: usize,
    /// The four bytes, of which one is not zero.
    pub window: [u8; WINDOW],
    /// The bucket.
    pub bucket: usize,
}

/// A window and a bucket for each of `anchors`, the same whenever they are the same. `None` when one has no
/// four bytes that are not all zero.
pub fn choose(anchors: &[impl AsRef<[u8]>]) -> Option<Vec<Choice>> {
    let model = Model::new();
    let options: Vec<Options> = anchors
        .iter()
        .map(|anchor| Options::of(anchor.as_ref(), &model))
        .collect::<Option<_>>()?;
    // Those that are common at best come first; the others arrange themselves round them.
    let mut order: Vec<(usize, &Options)> = options.iter().enumerate().collect();
    order.sort_by(|(_, one), (_, other)| other.rate.total_cmp(&one.rate));
    let mut choices: Vec<Option<Choice>> = vec![None; anchors.len()];
    for _ in 0..ROUNDS {
        let before = choices.clone();
        for (index, options) in &order {
            choices.get_mut(*index)?.take();
            let best = options.best(&buckets(&choices), &model);
            *choices.get_mut(*index)? = Some(best?);
        }
        if choices == before {
            break;
        }
    }
    choices.into_iter().collect()
}

/// What is in the buckets already.
fn buckets(choices: &[Option<Choice>]) -> [Bucket; BUCKETS] {
    let mut buckets = [Bucket::default(); BUCKETS];
    for choice in choices.iter().flatten() {
        if let Some(bucket) = buckets.get_mut(choice.bucket) {
            *bucket = bucket.with(choice.window);
        }
    }
    buckets
}

/// The windows of an anchor that are worth a try.
struct Options {
    /// Where they stand, the rarest first.
    windows: Vec<(usize, [u8; WINDOW])>,
    /// How often the rarest is met.
    rate: f32,
}

impl Options {
    fn of(anchor: &[u8], model: &Model) -> Option<Self> {
        let mut rated: Vec<(f32, usize, [u8; WINDOW])> = anchor
            .windows(WINDOW)
            .filter_map(|window| window.try_into().ok())
            .enumerate()
            .filter(|(_, window)| *window != [0; WINDOW])
            .map(|(offset, window)| (Bucket::default().with(window).rate(model), offset, window))
            .collect();
        rated.sort_by(|one, other| one.0.total_cmp(&other.0));
        rated.truncate(MOST_OPTIONS);
        let rate = rated.first()?.0;
        let windows = rated
            .into_iter()
            .map(|(_, offset, window)| (offset, window))
            .collect();
        Some(Self { windows, rate })
    }

    /// The window and the bucket that let the least more through.
    fn best(&self, buckets: &[Bucket; BUCKETS], model: &Model) -> Option<Choice> {
        let before = buckets.map(|bucket| bucket.rate(model));
        let mut best: Option<(f32, Choice)> = None;
        for &(offset, window) in &self.windows {
            for (bucket, (content, before)) in buckets.iter().zip(before).enumerate() {
                let more = content.with(window).rate(model) - before;
                if best.is_none_or(|(least, _)| more < least) {
                    let choice = Choice {
                        offset,
                        window,
                        bucket,
                    };
                    best = Some((more, choice));
                }
            }
        }
        best.map(|(_, choice)| choice)
    }
}

/// The windows in a bucket as the coarser kernel sees them: for each of the four bytes, a bit for each value
/// that its low nibble, and one for each that its high nibble has in some window.
#[derive(Clone, Copy, Default)]
struct Bucket {
    low: [u16; WINDOW],
    high: [u16; WINDOW],
}

impl Bucket {
    fn with(mut self, window: [u8; WINDOW]) -> Self {
        for ((low, high), byte) in self.low.iter_mut().zip(&mut self.high).zip(window) {
            *low |= 1 << (byte & 15);
            *high |= 1 << (byte >> 4);
        }
        self
    }

    /// The share of places that the bucket lets through, by the model.
    fn rate(&self, model: &Model) -> f32 {
        let mut rates = model.weights;
        let nibbles = self.low.iter().zip(&self.high);
        for (shares, (&low, &high)) in model.shares.iter().cycle().zip(nibbles) {
            let mut through = [0.0; KINDS];
            for row in ones(high).filter_map(|nibble| shares.get(nibble)) {
                for share in ones(low).filter_map(|nibble| row.get(nibble)) {
                    through
                        .iter_mut()
                        .zip(share)
                        .for_each(|(sum, share)| *sum += share);
                }
            }
            rates
                .iter_mut()
                .zip(through)
                .for_each(|(rate, through)| *rate *= through);
        }
        rates.iter().sum()
    }
}

/// The numbers of the bits that are set.
fn ones(mut bits: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        lowest
    })
}

/// Memory as it usually is: a mixture of kinds of content, and within a kind each byte by itself. One kind
/// alone would take texts to be as rare as the product of their letters among numbers.
struct Model {
    /// The share of each kind.
    weights: [f32; KINDS],
    /// For places that are even and odd within a window, for each high and low nibble of a byte: its share in
    /// each kind.
    shares: [[[[f32; KINDS]; 16]; 16]; 2],
}

impl Model {
    fn new() -> Self {
        let mut weights = KIND_TABLE.map(|(weight, _)| weight);
        normalize(&mut weights);
        let mut shares = [[[[0.0; KINDS]; 16]; 16]; 2];
        for (parity, shares) in shares.iter_mut().enumerate() {
            for (index, (_, kind)) in KIND_TABLE.into_iter().enumerate() {
                let mut bytes: Vec<f32> = (0..=u8::MAX).map(|byte| kind(byte, parity)).collect();
                normalize(&mut bytes);
                for (kinds, share) in shares.as_flattened_mut().iter_mut().zip(bytes) {
                    if let Some(kind) = kinds.get_mut(index) {
                        *kind = share;
                    }
                }
            }
        }
        Self { weights, shares }
    }
}

fn normalize(values: &mut [f32]) {
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
}

/// Numbers and pointers: zeros, small values, the tops of addresses and of negative numbers.
fn numbers(byte: u8, _: usize) -> f32 {
    match byte {
        0 => 580.0,
        1 => 18.0,
        2..=0x10 => 5.0,
        0x7f | 0xff => 18.0,
        0x20 | 0x30 | 0x40 | 0x80 | 0xc0 => 4.0,
        0x55 | 0x56 => 3.0,
        _ => 1.4,
    }
}

/// Instructions of x86-64: prefixes, moves, calls, jumps, small displacements.
fn code(byte: u8, _: usize) -> f32 {
    match byte {
        0 => 110.0,
        0x48 => 55.0,
        0xff => 42.0,
        0x89 | 0x8b => 30.0,
        0x0f | 0x24 => 22.0,
        0x01 | 0x08 | 0x20 | 0x41 | 0x49 | 0x4c | 0xe8 | 0x8d | 0x83 => 14.0,
        0x02..=0x07 | 0x10 | 0x18 | 0x28 | 0x30 | 0x31 | 0x38..=0x45 | 0x4d | 0x66 => 6.0,
        0x74 | 0x75 | 0x84 | 0x85 | 0xc0..=0xc7 | 0xcc | 0xe9 | 0xeb => 7.0,
        _ => 1.9,
    }
}

/// Names, messages, source text, JSON.
fn text(byte: u8, _: usize) -> f32 {
    match byte {
        b' ' => 90.0,
        b'e' => 60.0,
        b't' | b'a' | b'n' | b'o' | b'r' | b's' | b'i' => 28.0,
        b'c' | b'd' | b'l' | b'u' | b'p' | b'm' | b'f' | b'b' | b'h' => 14.0,
        b'a'..=b'z' => 6.0,
        b'0'..=b'9' => 20.0,
        b'"' => 20.0,
        b'A'..=b'Z' => 4.0,
        b'_' | b'.' | b',' | b':' | b'/' | b'-' | b'\n' | 0 => 9.0,
        b'!'..=b'~' => 3.0,
        _ => 0.1,
    }
}

/// Where functions of x86-64 begin and end: instructions that push and pop.
fn frames(byte: u8, _: usize) -> f32 {
    match byte {
        0x41 => 300.0,
        0x50..=0x5f => 30.0,
        0x48 | 0xc3 => 50.0,
        _ => 0.4,
    }
}

/// Texts of decimal and hexadecimal digits.
fn digits(byte: u8, _: usize) -> f32 {
    match byte {
        b'0'..=b'9' => 60.0,
        b'a'..=b'f' => 40.0,
        b'A'..=b'F' => 10.0,
        b' ' | b'.' | b',' | b':' | b'-' | b'\n' => 15.0,
        _ => 0.1,
    }
}

/// UTF-16 whose characters begin at the window.
fn wide(byte: u8, parity: usize) -> f32 {
    match (parity, byte) {
        (0, _) => text(byte, parity),
        (_, 0) => 950.0,
        _ => 0.2,
    }
}

/// UTF-16 whose characters begin a byte before the window.
fn wide_odd(byte: u8, parity: usize) -> f32 {
    wide(byte, 1 - parity)
}

/// Compressed, encrypted, random, floating point.
fn noise(_: u8, _: usize) -> f32 {
    1.0
}

/// How often a byte is met at an even (0) or odd (1) place of a window, on any scale.
type Kind = fn(byte: u8, parity: usize) -> f32;

const KINDS: usize = 8;

/// The kinds and their shares, of what is not whole pages of zeros: counted in cores of Java, Node.js, Python,
/// Perl, rustc and servers, with more text than there, for the sake of hosts that hold more of it.
const KIND_TABLE: [(f32, Kind); KINDS] = [
    (48.0, numbers),
    (26.0, code),
    (2.0, frames),
    (10.0, text),
    (3.0, digits),
    (3.0, wide),
    (3.0, wide_odd),
    (5.0, noise),
];

/// Windows tried of each anchor: more take longer and gain nothing.
const MOST_OPTIONS: usize = 6;

/// How often all anchors are arranged, which takes 3 ms for 120 of them; more rounds change little.
const ROUNDS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_bytes_are_preferred() {
        let anchors: [&[u8]; 2] = [b"\0\0\0\x02\xa4\x81", b" the PuTTY"];
        let choices = choose(&anchors).unwrap();
        assert_eq!(choices[0].window, *b"\0\x02\xa4\x81");
        assert_eq!(choices[1].window, *b"uTTY");
        for (anchor, choice) in anchors.iter().zip(choices) {
            assert!(anchor[choice.offset..].starts_with(&choice.window));
        }
    }

    #[test]
    fn an_anchor_needs_four_bytes_that_are_not_all_zero() {
        assert_eq!(choose(&[&b"RSA1"[..], b"abc"]), None);
        assert_eq!(choose(&[&b"RSA1"[..], b"\0\0\0\0"]), None);
        assert_eq!(choose(&[&b"\0\0\0\0\x01"[..]]).unwrap()[0].offset, 1);
    }
}
