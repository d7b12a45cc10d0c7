//! Where in memory numbers may lie: runs of bytes or words that look as those of a number do.
//!
//! A window of a few words is judged at each word; the windows that pass make up the runs. What of a number may be
//! missing from its run is [`EDGE`] bytes at each end, and the loss is below what this table says:
//!
//! | class | windows for numbers of 512 bits and more | loss | from 256 bits on | loss |
//! |---|---|---|---|---|
//! | random bytes | 8 words | 10^-6 | 4 words | 10^-4 |
//! | 30-bit words | 16 words, 3 may fail | 10^-6 | 8 words, 2 may fail | 10^-5 |
//! | 60-bit words | 8 words, 3 may fail | 10^-6 | 4 words, 1 may fail | 10^-4 |
//! | small integers, doubles | 16 words, 3 may fail | 10^-6 | 8 words, 2 may fail | 10^-5 |
//!
//! Random bytes: no more than one word of a window has 16 equal upper bits (2^-15 of random words do), no more than
//! three of eight or two of four are text (4·10^-4 of random words are); of the bytes behind its first seven no more
//! than 9 of 57, or 5 of 25, are 0, 0xff, 0x48 or 0x8b, of which machine code is full (0.9 and 0.4 are expected);
//! and 37 of 64 bytes, or 17 of 32, are different ones (52 of 57 and 24 of 25 are expected). At whatever byte a number
//! of the window's size starts, the window from the word on in which it starts holds all but its last seven bytes, and at
//! most seven others before them.
//!
//! Digits fail when bits 16 and above, or those of the second byte, are all zero: at most 2^-8 and, for the 26-bit
//! digits of small integers, 2^-10 more. UTF-16 text fails so too. Runs of digits start and end with one that does not
//! fail, and no more of them fail in a row than may in a window. The top digit of a number may have any size: it may stand behind the run.

use super::codec::Class;
use super::simd_runs::{GROUP, Kernel, Masks, Shape, stretches};
use super::space::Block;
use std::ops::Range;
use zeroize::Zeroizing;

/// Bytes by which a number may stand out of its run, at the start and at the end.
pub const EDGE: usize = 16;

/// Bytes by which the run of a number may go beyond it at either end, unless what lies there looks like a number too:
/// windows pass with some of their words or bytes not of the number.
pub const OVERHANG: usize = 32;

/// Finds the runs of the `classes` where numbers of `minimum` bits or more may lie, as ranges over the bytes of
/// `block`: 256 bits are the fewest. A run of random bytes may start anywhere. The runs of each class come in order
/// for each phase of its words, which is one where the address is known.
pub fn each_run(
    block: &Block<'_>,
    classes: &[Class],
    minimum: u32,
    found: impl FnMut(Class, Range<usize>),
) {
    each_run_by(Kernel::best(), block, classes, minimum, found);
}

fn each_run_by(
    kernel: Kernel,
    block: &Block<'_>,
    classes: &[Class],
    minimum: u32,
    mut found: impl FnMut(Class, Range<usize>),
) {
    let (first, step) = block.first_aligned(0, 8);
    // Where no address is known, words may have any phase; in 32-bit processes words of 64 bits have either.
    let phases: &[usize] = match (step, block.pointer) {
        (1, _) => &[0, 1, 2, 3, 4, 5, 6, 7],
        (_, 4) => &[0, 4],
        _ => &[0],
    };
    for &phase in phases {
        let wanted: Vec<Class> = Class::ALL
            .into_iter()
            .filter(|class| classes.contains(class))
            .filter(|class| match class {
                Class::Random => phase == 0,
                Class::Words30 => phase < 4,
                _ => true,
            })
            .collect();
        let start = first + phase;
        if let Some(bytes) = block.bytes.get(start..)
            && !wanted.is_empty()
        {
            Pass::new(kernel, start, &wanted, minimum).over(bytes, &mut found);
        }
    }
}

/// One pass over memory in one phase of its words.
struct Pass {
    judge: Judge,
    /// Offset of the first word in the block.
    start: usize,
    tracks: Vec<Track>,
}

/// How words and windows are judged.
#[derive(Clone, Copy)]
struct Judge {
    kernel: Kernel,
    has_digits: bool,
    shape: Shape,
}

/// The runs of one class, as they are found.
struct Track {
    class: Class,
    /// Words of a window, and how many of them may fail.
    window: usize,
    failing: u32,
    /// The run that may go on.
    open: Range<usize>,
}

/// A group of words and what it looks like.
#[derive(Clone, Copy)]
struct Seen<'b> {
    bytes: &'b [u8; GROUP],
    masks: Masks,
}

impl Pass {
    fn new(kernel: Kernel, start: usize, classes: &[Class], minimum: u32) -> Self {
        let is_long = minimum >= 512;
        let track = |&class: &Class| {
            let (window, failing) = match (class, is_long) {
                (Class::Random, true) => (8, 1),
                (Class::Random, false) => (4, 1),
                (Class::Words60, true) => (8, 3),
                (Class::Words60, false) => (4, 1),
                (_, true) => (16, 3),
                (_, false) => (8, 2),
            };
            Track {
                class,
                window,
                failing,
                open: 0..0,
            }
        };
        let judge = Judge {
            kernel,
            has_digits: classes.iter().any(|class| *class != Class::Random),
            shape: if is_long { LONG } else { SHORT },
        };
        Self {
            judge,
            start,
            tracks: classes.iter().map(track).collect(),
        }
    }

    fn over(mut self, bytes: &[u8], found: &mut impl FnMut(Class, Range<usize>)) {
        let (groups, rest) = bytes.as_chunks::<GROUP>();
        let mut last = Zeroizing::new([0; GROUP]);
        last.iter_mut()
            .zip(rest)
            .for_each(|(padded, byte)| *padded = *byte);
        let judge = self.judge;
        let look = |bytes| Seen {
            bytes,
            masks: judge.kernel.look(bytes, judge.has_digits),
        };
        let mut all = groups.iter().chain([&*last, &ZEROS]).map(look);
        let Some(mut first) = all.next() else { return };
        let mut at = self.start;
        for second in all {
            // No window of two groups without a word of any class passes.
            if !(first.masks.is_quiet() && second.masks.is_quiet()) {
                for track in &mut self.tracks {
                    judge.turn(track, &first, &second, at, found);
                }
            }
            first = second;
            at += GROUP;
        }
        let end = self.start + bytes.len();
        for track in self.tracks {
            track.close(end, found);
        }
    }
}

impl Judge {
    /// Judges the windows that start in `first`, which starts at offset `at`.
    #[inline]
    fn turn(
        self,
        track: &mut Track,
        first: &Seen<'_>,
        second: &Seen<'_>,
        at: usize,
        found: &mut impl FnMut(Class, Range<usize>),
    ) {
        let pair = |of: fn(&Masks) -> u64| [of(&first.masks), of(&second.masks)];
        match track.class {
            Class::Random => {
                let tops = pair(|masks| !masks.tops);
                let mut windows = enough(tops, track.window, track.failing);
                if windows != 0 {
                    let texts = pair(|masks| !masks.texts);
                    let most = if track.window == 8 { 3 } else { 2 };
                    windows &= enough(texts, track.window, most);
                }
                if windows != 0 {
                    let pair = [first, second].map(|seen| (seen.bytes, &seen.masks.common));
                    windows = self.kernel.varied(pair, windows, self.shape);
                }
                track.cover(windows, [u64::MAX; 2], at, 8, found);
            }
            Class::Words30 => {
                let [a, b] = first.masks.words30;
                let [c, _] = second.masks.words30;
                for (pair, at) in [([a, b], at), ([b, c], at + GROUP / 2)] {
                    let windows = enough(pair, track.window, track.failing);
                    track.cover(windows, pair, at, 4, found);
                }
            }
            Class::Words60 => track.words(pair(|masks| masks.words60), at, found),
            Class::SmallIntegers => track.words(pair(|masks| masks.small), at, found),
            Class::Doubles => track.words(pair(|masks| masks.doubles), at, found),
        }
    }
}

impl Track {
    fn words(&mut self, pair: [u64; 2], at: usize, found: &mut impl FnMut(Class, Range<usize>)) {
        let windows = enough(pair, self.window, self.failing);
        self.cover(windows, pair, at, 8, found);
    }

    /// Takes the windows that start at the words `windows` behind offset `at`, each of `size` bytes, into a run.
    /// It starts and ends with a word of `good` ones.
    fn cover(
        &mut self,
        windows: u64,
        good: [u64; 2],
        at: usize,
        size: usize,
        found: &mut impl FnMut(Class, Range<usize>),
    ) {
        let [low, high] = good;
        let good = u128::from(high) << 64 | u128::from(low);
        for (first, length) in stretches(windows) {
            let behind = first + length - 1 + self.window;
            let inside = good >> first << first & u128::MAX >> (128 - behind);
            let start = at + size * inside.trailing_zeros() as usize;
            // Numbers with a header of failing words between them stay apart, though their windows meet there.
            let between = match self.class {
                Class::Random => 0,
                _ => size * self.failing as usize,
            };
            if self.open.is_empty() || start > self.open.end + between {
                self.emit(usize::MAX, found);
                self.open.start = start;
            }
            self.open.end = at + size * (128 - inside.leading_zeros() as usize);
        }
    }

    fn emit(&self, end: usize, found: &mut impl FnMut(Class, Range<usize>)) {
        if !self.open.is_empty() {
            found(self.class, self.open.start..self.open.end.min(end));
        }
    }

    /// The last run ends with the memory.
    fn close(self, end: usize, found: &mut impl FnMut(Class, Range<usize>)) {
        self.emit(end, found);
    }
}

/// The windows of `width` words (a power of two up to 16) that start at a bit of the first mask and of whose bits in
/// both masks no more than `failing`, at most 3, are zero.
fn enough([first, second]: [u64; 2], width: usize, failing: u32) -> u64 {
    if (first | second).count_ones() == 0 {
        return 0;
    }
    let failed = !(u128::from(second) << 64 | u128::from(first));
    // A number for each bit: how many of the words from there on have failed; four and more are one.
    let (mut ones, mut twos, mut more) = (failed, 0u128, 0u128);
    let mut step = 1;
    while step < width {
        let (a, b, c) = (ones >> step, twos >> step, more >> step);
        let carry = ones & a;
        more |= c | (twos & b) | (carry & (twos | b));
        twos ^= b ^ carry;
        ones ^= a;
        step *= 2;
    }
    let few = match failing {
        0 => !(ones | twos | more),
        1 => !(twos | more),
        2 => !((ones & twos) | more),
        _ => !more,
    };
    few as u64
}

/// What windows of numbers of 512 bits and more look like.
const LONG: Shape = Shape {
    words: 8,
    common: 8,
    distinct: 37,
};

/// What windows of shorter numbers look like.
const SHORT: Shape = Shape {
    words: 4,
    common: 5,
    distinct: 18,
};

static ZEROS: [u8; GROUP] = [0; GROUP];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::codec::CODECS;
    use proptest::prelude::*;

    /// Pseudo-random 64-bit words: SplitMix64.
    struct Words(u64);

    impl Words {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.0;
            word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ word >> 31
        }
    }

    fn block(bytes: &[u8], address: Option<u64>) -> Block<'_> {
        Block {
            address,
            ..Block::whole(bytes)
        }
    }

    fn runs(kernel: Kernel, block: &Block<'_>, minimum: u32) -> Vec<(Class, Range<usize>)> {
        let mut runs = Vec::new();
        each_run_by(kernel, block, &Class::ALL, minimum, |class, run| {
            runs.push((class, run));
        });
        runs
    }

    fn covers(runs: &[(Class, Range<usize>)], class: Class, number: &Range<usize>) -> bool {
        runs.iter().any(|(of, run)| {
            *of == class && run.start <= number.start + EDGE && run.end + EDGE >= number.end
        })
    }

    /// Memory of a real process.
    fn memory() -> Vec<u8> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/samples/clean-lua-verifier/clean-lua-verifier.core"
        );
        std::fs::read(path).expect("the sample is in the repository")
    }

    /// How often windows lose a number by their words and bytes, from the distributions themselves.
    fn loss(shape: Shape, text: i32) -> f64 {
        let own = 8 * shape.words as i32 - 7;
        let words = shape.words as i32;
        let choose =
            |n: i32, k: i32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
        let more = |n: i32, most: i32, p: f64| -> f64 {
            (most + 1..=n)
                .map(|k| choose(n, k) * p.powi(k) * (1.0 - p).powi(n - k))
                .sum()
        };
        let mut distinct = vec![0.0; own as usize + 2];
        distinct[0] = 1.0;
        for _ in 0..own {
            for count in (0..=own as usize).rev() {
                let old = count as f64 / 256.0;
                distinct[count + 1] += distinct[count] * (1.0 - old);
                distinct[count] *= old;
            }
        }
        let few: f64 = distinct.iter().take(shape.distinct as usize).sum();
        let tops = more(words, 1, 2f64.powi(-15));
        let common = more(own, shape.common as i32, 4.0 / 256.0);
        tops + more(words, text, (96.0f64 / 256.0).powi(8)) + common + few
    }

    #[test]
    fn the_loss_is_what_the_table_says() {
        assert!(loss(LONG, 3) < 1e-6, "{:e}", loss(LONG, 3));
        assert!(loss(SHORT, 2) < 1e-4, "{:e}", loss(SHORT, 2));
    }

    #[test]
    fn numbers_of_any_encoding_lie_in_runs() {
        let mut words = Words(1);
        let background = memory();
        for turn in 0..3000 {
            let bits = [256, 512, 768, 1024, 2048][turn % 5];
            let minimum = if bits == 256 { 256 } else { 512 };
            let codec = &CODECS[turn / 5 % CODECS.len()];
            let limbs: Vec<u64> = (0..bits / 64).map(|_| words.next()).collect();
            let number = codec.encode(&limbs, bits).unwrap();
            let at = words.next() as usize % (background.len() - 0x2000);
            let mut bytes = background[at..at + 0x1000].to_vec();
            // By address, or at any byte where there is none.
            let address = words.next() % 0x1_0000_0000;
            let start = 0x400 + words.next() as usize % 0x200;
            let is_known = turn % 3 != 0;
            let step = codec.step(8);
            let skip = if is_known {
                (step - (address as usize + start) % step) % step
            } else {
                0
            };
            let range = start + skip..start + skip + number.len();
            bytes[range.clone()].copy_from_slice(&number);
            let block = block(&bytes, is_known.then_some(address));
            for kernel in Kernel::available() {
                let runs = runs(kernel, &block, minimum);
                assert!(
                    covers(&runs, codec.class(), &range),
                    "{} bits in {} at {start}: {kernel:?}",
                    bits,
                    codec.name
                );
            }
        }
    }

    #[test]
    fn random_numbers_at_any_byte_lie_in_runs() {
        let mut words = Words(2);
        for turn in 0..60_000 {
            let length = [64, 65, 66, 71, 96, 128, 192, 256][turn % 8];
            let start = 64 + turn / 8 % 64;
            let mut bytes = vec![[0, 0xff, 0x48, b' '][turn / 7 % 4]; 512];
            for byte in &mut bytes[start..start + length] {
                *byte = words.next() as u8;
            }
            let block = block(&bytes, Some(0x1000 + turn as u64 / 3 % 8));
            let mut found = Vec::new();
            each_run(&block, &[Class::Random], 512, |class, run| {
                found.push((class, run))
            });
            assert!(
                covers(&found, Class::Random, &(start..start + length)),
                "{length} bytes at {start}"
            );
        }
    }

    #[test]
    fn most_memory_is_in_no_run() {
        let memory = memory();
        for (class, most) in [
            (Class::Random, 30),
            (Class::Words30, 100),
            (Class::Words60, 100),
        ] {
            let mut sum = 0;
            each_run(&block(&memory, Some(0)), &[class], 512, |_, run| {
                sum += run.len()
            });
            assert!(
                sum * most < memory.len(),
                "{class:?}: {sum} of {}",
                memory.len()
            );
        }
    }

    /// The runs as their definition has them, window by window.
    fn by_definition(bytes: &[u8], class: Class) -> Vec<Range<usize>> {
        let (size, width, most) = match class {
            Class::Random => (8, 8, 1),
            Class::Words30 => (4, 16, 3),
            Class::Words60 => (8, 8, 3),
            _ => (8, 16, 3),
        };
        let word = |at: usize| {
            let mut all = [0; 8];
            let rest = bytes.get(at..).unwrap_or_default();
            all.iter_mut()
                .take(size)
                .zip(rest)
                .for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(all)
        };
        let fails = |word: u64| match class {
            Class::Random => matches!(word >> 48, 0 | 0xffff),
            Class::Words30 => word >= 1 << 30 || word >> 16 == 0 || word & 0xff00 == 0,
            Class::Words60 => word >= 1 << 60 || word >> 48 == 0 || word & 0xff00_ff00 == 0,
            Class::SmallIntegers => word >= 1 << 60 || word >> 48 == 0 || word << 32 != 0,
            Class::Doubles => {
                let number = f64::from_bits(word);
                number.fract() != 0.0
                    || !(65_536.0..268_435_456.0).contains(&number)
                    || word << 39 != 0
            }
        };
        let mut runs: Vec<Range<usize>> = Vec::new();
        for start in (0..bytes.len()).step_by(size) {
            let window: Vec<u64> = (0..width).map(|at| word(start + size * at)).collect();
            if window.iter().filter(|word| fails(**word)).count() > most {
                continue;
            }
            if class == Class::Random {
                let all: Vec<u8> = window.iter().flat_map(|word| word.to_le_bytes()).collect();
                let is_text = |word: &&u64| {
                    word.to_le_bytes()
                        .iter()
                        .all(|byte| (0x20..0x80).contains(byte))
                };
                let common = all
                    .iter()
                    .skip(7)
                    .filter(|byte| [0, 0xff, 0x48, 0x8b].contains(byte));
                let distinct: std::collections::HashSet<&u8> = all.iter().collect();
                if window.iter().filter(is_text).count() > 3
                    || common.count() > LONG.common as usize
                    || distinct.len() < LONG.distinct as usize
                {
                    continue;
                }
            }
            let (mut start, mut end, mut between) = (start, start + size * width, 0);
            if class != Class::Random {
                between = size * most;
                while fails(word(start)) {
                    start += size;
                }
                while fails(word(end - size)) {
                    end -= size;
                }
            }
            match runs.last_mut() {
                Some(last) if start <= last.end + between => last.end = end,
                _ => runs.push(start..end),
            }
        }
        if let Some(last) = runs.last_mut() {
            last.end = last.end.min(bytes.len());
        }
        runs
    }

    proptest! {
        #[test]
        fn runs_are_those_of_the_definition(
            pieces in prop::collection::vec((0..9u8, 1..40usize, any::<u64>()), 1..60),
            cut in 0..8usize,
        ) {
            let mut bytes = Vec::new();
            for (kind, count, seed) in pieces {
                let mut words = Words(seed);
                for _ in 0..count {
                    let word = words.next();
                    let piece = match kind {
                        0 => 0,
                        1 => word >> 34 & !0xc000_0000 | (word << 34 >> 2) & !(3 << 62),
                        2 => word >> 4,
                        3 => word >> 36 << 32,
                        4 => ((word >> 36) as f64).to_bits(),
                        5 => word & 0x7f7f_7f7f_7f7f_7f7f | 0x2020_2020_2020_2020,
                        6 => word >> 16,
                        _ => word,
                    };
                    bytes.extend(piece.to_le_bytes());
                }
            }
            bytes.truncate(bytes.len() - cut);
            let block = block(&bytes, Some(0x1000));
            for kernel in Kernel::available() {
                for class in Class::ALL {
                    let mut found = Vec::new();
                    each_run_by(kernel, &block, &[class], 512, |_, run| found.push(run));
                    prop_assert_eq!(found, by_definition(&bytes, class), "{:?} {:?}", kernel, class);
                }
            }
        }
    }
}
