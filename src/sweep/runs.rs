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
//! than 8 of 57, or 5 of 25, are 0, 0xff, 0x48 or 0x8b, of which machine code is full (0.9 and 0.4 are expected);
//! 39 of 64 bytes, or 19 of 32, are different ones (52 of 57 and 24 of 25 are expected); and the weights of machine code
//! ([`CODE`](crate::crypto::random::CODE)) of those 57 bytes come to -13 or less (-273 are expected), of those 25 to 17 or
//! less (-120 are expected). At whatever byte a number of the window's size starts, the window from the word on in which
//! it starts holds all but its last seven bytes, and at most seven others before them.
//!
//! Of digits the lower bytes of a window, in which all bits are used, are different ones: of 30-bit words three bytes each, 33
//! of 48 or 17 of 24 (42 and 23 are expected); of 60-bit words seven each, 39 of 56 or 20 of 28 (50 and 27 are expected).
//! Digits fail when bits 16 and above, or those of the second byte, are all zero: at most 2^-8 and, for the 26-bit
//! digits of small integers, 2^-10 more. UTF-16 text fails so too. Runs of digits start and end with one that does not
//! fail, and no more of them fail in a row than may in a window. The top digit of a number may have any size: it may stand behind the run.

use super::codec::Class;
use super::notes::{Note, Worth};
use super::simd_ahead;
use super::simd_runs::{Digits, GROUP, Kernel, Masks, Shape, stretches};
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
        let Some(bytes) = block.bytes.get(start..).filter(|_| !wanted.is_empty()) else {
            continue;
        };
        let pass = Pass::new(kernel, start, &wanted, minimum);
        let notes = block.notes.as_ref();
        if let Some(note) = notes.and_then(|notes| notes.read(phase)) {
            pass.over_noted(bytes, &note, &mut found);
        } else if let Some(notes) =
            notes.filter(|_| minimum >= 512 && classes.len() == Class::ALL.len())
        {
            let mut note = Note::new(bytes.len().div_ceil(GROUP));
            pass.over(bytes, &mut found, |group, worth| note.take(group, worth));
            notes.write(phase, note);
        } else {
            pass.over(bytes, &mut found, |_, _| {});
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
    words30: Digits,
    words60: Digits,
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

impl<'b> Seen<'b> {
    fn halves(&self) -> [&'b [u8]; 2] {
        let (low, high) = self.bytes.split_at(GROUP / 2);
        [low, high]
    }
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
            words30: if is_long { LONG_30 } else { SHORT_30 },
            words60: if is_long { LONG_60 } else { SHORT_60 },
        };
        Self {
            judge,
            start,
            tracks: classes.iter().map(track).collect(),
        }
    }

    /// Looks at all groups, and tells `note` of each whether a window may pass in it for the shorter and for the longer
    /// numbers, and whether a long text may go through it.
    fn over(
        mut self,
        bytes: &[u8],
        found: &mut impl FnMut(Class, Range<usize>),
        mut note: impl FnMut(usize, [bool; 3]),
    ) {
        let groups = Groups::new(bytes);
        let judge = self.judge;
        let Some(mut first) = groups.look(0, judge) else {
            return;
        };
        for index in 0..groups.count() {
            let Some(second) = groups.look(index + 1, judge) else {
                break;
            };
            // No window of two groups without a word of any class passes.
            if !(first.masks.is_quiet() && second.masks.is_quiet()) {
                let passes = self.turn(index, &first, &second, found);
                let is_short = passes || may_be_short(&first.masks, &second.masks);
                note(index, [is_short, passes, first.masks.may_be_text()]);
            }
            first = second;
        }
        self.close(bytes, found);
    }

    /// The same for the groups that were noted to be worth it alone.
    fn over_noted(
        mut self,
        bytes: &[u8],
        note: &Note,
        found: &mut impl FnMut(Class, Range<usize>),
    ) {
        let groups = Groups::new(bytes);
        let judge = self.judge;
        let mut last = None;
        let worth = if judge.shape == LONG {
            Worth::Long
        } else {
            Worth::Short
        };
        let mut indices = note.groups(worth).peekable();
        while let Some(index) = indices.next() {
            if let Some(&next) = indices.peek() {
                groups.fetch(next);
            }
            let first = match last {
                Some((at, seen)) if at == index => Some(seen),
                _ => groups.look(index, judge),
            };
            let (Some(first), Some(second)) = (first, groups.look(index + 1, judge)) else {
                break;
            };
            self.turn(index, &first, &second, found);
            last = Some((index + 1, second));
        }
        self.close(bytes, found);
    }

    /// Judges the windows that start in the group `first`; whether any passes.
    fn turn(
        &mut self,
        index: usize,
        first: &Seen<'_>,
        second: &Seen<'_>,
        found: &mut impl FnMut(Class, Range<usize>),
    ) -> bool {
        let at = self.start + index * GROUP;
        let mut passes = false;
        for track in &mut self.tracks {
            passes |= self.judge.turn(track, first, second, at, found);
        }
        passes
    }

    fn close(self, bytes: &[u8], found: &mut impl FnMut(Class, Range<usize>)) {
        let end = self.start + bytes.len();
        for track in self.tracks {
            track.close(end, found);
        }
    }
}

/// The groups of some bytes, the last one with zeros behind it.
struct Groups<'b> {
    whole: &'b [[u8; GROUP]],
    last: Zeroizing<[u8; GROUP]>,
}

impl<'b> Groups<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        let (whole, rest) = bytes.as_chunks::<GROUP>();
        let mut last = Zeroizing::new([0; GROUP]);
        last.iter_mut()
            .zip(rest)
            .for_each(|(padded, byte)| *padded = *byte);
        Self { whole, last }
    }

    /// Groups in which windows may start.
    fn count(&self) -> usize {
        self.whole.len() + 1
    }

    /// Has the group and the one behind it fetched.
    fn fetch(&self, index: usize) {
        simd_ahead::fetch(self.whole.get(index).map_or(&[], |group| group));
        simd_ahead::fetch(self.whole.get(index + 1).map_or(&[], |group| group));
    }

    /// What the group looks like; `None` behind the one of zeros that follows the last.
    fn look(&self, index: usize, judge: Judge) -> Option<Seen<'_>> {
        let bytes = match index.checked_sub(self.whole.len()) {
            None => self.whole.get(index)?,
            Some(0) => &self.last,
            Some(1) => &ZEROS,
            Some(_) => return None,
        };
        let masks = judge.kernel.look(bytes, judge.has_digits);
        Some(Seen { bytes, masks })
    }
}

/// Whether a window for shorter numbers may pass that starts in the first of two groups, by the words alone.
fn may_be_short(first: &Masks, second: &Masks) -> bool {
    let pair = |of: fn(&Masks) -> u64| [of(first), of(second)];
    let ([a, b], [c, _]) = (first.words30, second.words30);
    let random = enough(pair(|masks| !masks.tops), 4, 1);
    let is_random = random != 0 && random & enough(pair(|masks| !masks.texts), 4, 2) != 0;
    is_random
        || enough([a, b], 8, 2) | enough([b, c], 8, 2) != 0
        || enough(pair(|masks| masks.words60), 4, 1) != 0
        || enough(pair(|masks| masks.small), 8, 2) != 0
        || enough(pair(|masks| masks.doubles), 8, 2) != 0
}

impl Judge {
    /// Judges the windows that start in `first`, which starts at offset `at`; whether any passes.
    #[inline]
    fn turn(
        self,
        track: &mut Track,
        first: &Seen<'_>,
        second: &Seen<'_>,
        at: usize,
        found: &mut impl FnMut(Class, Range<usize>),
    ) -> bool {
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
                track.cover(windows, [u64::MAX; 2], at, 8, found)
            }
            Class::Words30 => {
                let [a, b] = first.masks.words30;
                let [c, _] = second.masks.words30;
                let [low, high] = first.halves();
                let [next, _] = second.halves();
                let mut passes = false;
                for (pair, bytes, at) in [
                    ([a, b], [low, high], at),
                    ([b, c], [high, next], at + GROUP / 2),
                ] {
                    let mut windows = enough(pair, track.window, track.failing);
                    if windows != 0 {
                        windows = self.kernel.varied_digits(bytes, windows, self.words30);
                    }
                    passes |= track.cover(windows, pair, at, 4, found);
                }
                passes
            }
            Class::Words60 => {
                let pair = pair(|masks| masks.words60);
                let mut windows = enough(pair, track.window, track.failing);
                if windows != 0 {
                    let bytes = [first.bytes, second.bytes].map(|bytes| &bytes[..]);
                    windows = self.kernel.varied_digits(bytes, windows, self.words60);
                }
                track.cover(windows, pair, at, 8, found)
            }
            Class::SmallIntegers => track.words(pair(|masks| masks.small), at, found),
            Class::Doubles => track.words(pair(|masks| masks.doubles), at, found),
        }
    }
}

impl Track {
    fn words(
        &mut self,
        pair: [u64; 2],
        at: usize,
        found: &mut impl FnMut(Class, Range<usize>),
    ) -> bool {
        let windows = enough(pair, self.window, self.failing);
        self.cover(windows, pair, at, 8, found)
    }

    /// Takes the windows that start at the words `windows` behind offset `at`, each of `size` bytes, into a run.
    /// It starts and ends with a word of `good` ones. Whether there are any.
    fn cover(
        &mut self,
        windows: u64,
        good: [u64; 2],
        at: usize,
        size: usize,
        found: &mut impl FnMut(Class, Range<usize>),
    ) -> bool {
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
        windows != 0
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
    if first.count_ones() + second.count_ones() + failing < width as u32 {
        return 0;
    }
    // Somewhere in each window so many words in a row are good ones: few memory has them.
    let in_row = |mask: u64| {
        let two = mask & mask >> 1;
        if width > 4 * failing as usize + 3 {
            two & two >> 2
        } else {
            two
        }
    };
    let upper = first >> OVERLAP | second << (64 - OVERLAP);
    if width > 2 * failing as usize + 1 && in_row(first) | in_row(upper) == 0 {
        return 0;
    }
    // A window that starts in the lower part of the first mask ends in it, and the others begin behind its first bits.
    let few = |mask| few_failing(mask, width, failing);
    few(first) & !UPPER | few(upper) << OVERLAP & UPPER
}

/// Bits of the longest window, and those of a mask from which on windows may go beyond it.
const OVERLAP: u32 = 16;
const UPPER: u64 = u64::MAX << (64 - OVERLAP);

/// The same for the windows within one mask.
#[inline(always)]
fn few_failing(mask: u64, width: usize, failing: u32) -> u64 {
    // A number for each bit: how many of the words from there on have failed; four and more are one.
    let (mut ones, mut twos, mut more) = (!mask, 0, 0);
    let mut step = 1;
    while step < width {
        let (a, b, c) = (ones >> step, twos >> step, more >> step);
        let carry = ones & a;
        more |= c | (twos & b) | (carry & (twos | b));
        twos ^= b ^ carry;
        ones ^= a;
        step *= 2;
    }
    match failing {
        0 => !(ones | twos | more),
        1 => !(twos | more),
        2 => !((ones & twos) | more),
        _ => !more,
    }
}

/// What windows of numbers of 512 bits and more look like.
const LONG: Shape = Shape {
    words: 8,
    common: 8,
    code: -13,
    distinct: 39,
};

/// What windows of shorter numbers look like.
const SHORT: Shape = Shape {
    words: 4,
    common: 5,
    code: 17,
    distinct: 19,
};

/// What windows of digits of 26 to 30 bits look like: their three lower bytes, of which the lowest may be even.
const LONG_30: Digits = Digits {
    bytes: [4, 3],
    words: 16,
    distinct: 33,
};
const SHORT_30: Digits = Digits {
    bytes: [4, 3],
    words: 8,
    distinct: 17,
};

/// The same of digits of 56 to 60 bits: their seven lower bytes.
const LONG_60: Digits = Digits {
    bytes: [8, 7],
    words: 8,
    distinct: 39,
};
const SHORT_60: Digits = Digits {
    bytes: [8, 7],
    words: 4,
    distinct: 20,
};

static ZEROS: [u8; GROUP] = [0; GROUP];

#[cfg(test)]
mod tests;
