//! The vector kernels of the search for runs: what the words of a group of memory look like, and how many
//! different bytes its windows have.
//!
//! Each kernel gives the same answer; [`portable`] says it in words.

use crate::crypto::random::CODE;

/// Bytes of a group: 64 words of 64 bits.
pub const GROUP: usize = 512;

/// What a group looks like. Bit i of a mask stands for the i-th byte or word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masks {
    /// Bytes that are common in memory, 64 a line.
    pub common: [u64; LINES],
    /// 64-bit words whose upper 16 bits are all equal: small numbers and addresses.
    pub tops: u64,
    /// 64-bit words that are text: bytes from 0x20 to 0x7f.
    pub texts: u64,
    /// 32-bit words that may be a digit of 26 to 30 bits.
    pub words30: [u64; 2],
    /// 64-bit words that may be a digit of 56 to 60 bits.
    pub words60: u64,
    /// 64-bit words that may be a V8 small integer of 26 to 28 bits.
    pub small: u64,
    /// 64-bit words that may be a double with a digit of 24 to 28 bits.
    pub doubles: u64,
}

impl Masks {
    /// Those of zeros.
    pub const ZERO: Self = Self {
        common: [u64::MAX; LINES],
        tops: u64::MAX,
        texts: 0,
        words30: [0; 2],
        words60: 0,
        small: 0,
        doubles: 0,
    };

    /// Whether a text may go through the group that has [`TEXT`] characters or more, or lines of 40: of ASCII at least four
    /// words lie in one group; of UTF-16 a whole line, in which each second byte is zero and few others are common.
    #[inline]
    pub fn may_be_text(&self) -> bool {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let two = self.texts & self.texts >> 1;
        let is_wide = |line: &u64| {
            [*line, line.rotate_right(1)]
                .iter()
                .any(|line| line & EVEN == EVEN && (line & !EVEN).count_ones() <= MOST_COMMON)
        };
        two & two >> 2 != 0 || self.common.iter().any(is_wide)
    }

    /// No word is one of random bytes or a digit.
    #[inline(always)]
    pub fn is_quiet(&self) -> bool {
        let [low, high] = self.words30;
        !self.tops | low | high | self.words60 | self.small | self.doubles == 0
    }
}

/// Characters of the texts that [`Masks::may_be_text`] tells.
pub const TEXT: usize = 80;

/// The most of 32 characters that are an H, which is a common byte: of base64 fewer than one in 10^8 has more.
const MOST_COMMON: u32 = 8;

/// Lines of 64 bytes in a group.
pub const LINES: usize = GROUP / 64;

/// How windows of bytes that may be random are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// 64-bit words in a window: 4 or 8.
    pub words: usize,
    /// The most bytes behind the first seven that are common ones.
    pub common: u32,
    /// The most that the weights of machine code come to, of the same bytes ([`CODE`]).
    pub code: i32,
    /// The fewest different bytes.
    pub distinct: u32,
}

impl Shape {
    /// A bit for each byte of a window, up to the 64th, behind the first seven.
    const fn own(self) -> u64 {
        if self.words >= 8 {
            u64::MAX << 7
        } else {
            (1 << (8 * self.words)) - (1 << 7)
        }
    }
}

/// A kernel this processor has.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    level: Level,
}

#[derive(Clone, Copy, Debug)]
enum Level {
    /// Many since 2019.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Most processors since 2013.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Any processor.
    Portable,
}

impl Kernel {
    /// Those of this processor, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let has_all = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("popcnt");
            let has_more = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("avx512vpopcntdq");
            let levels = [(has_all && has_more, Level::Avx512), (has_all, Level::Avx2)];
            let has = levels.into_iter().filter(|(has, _)| *has);
            kernels.extend(has.map(|(_, level)| Self { level }));
        }
        kernels.push(Self {
            level: Level::Portable,
        });
        kernels
    }

    /// The fastest.
    pub fn best() -> Self {
        Self::available().first().copied().unwrap_or(Self {
            level: Level::Portable,
        })
    }

    /// What `group` looks like; masks of digits are empty unless `digits`.
    #[inline]
    pub fn look(self, group: &[u8; GROUP], digits: bool) -> Masks {
        match self.level {
            // SAFETY: this would be an illegal instruction on a processor without AVX-512 F, BW, DQ, VBMI and
            // VPOPCNTDQ. The
            // level is made by `available` alone, after it has seen them.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { simd_avx512::look(group, digits) },
            // SAFETY: the same of AVX2, BMI1 and POPCNT.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { simd_avx2::look(group, digits) },
            Level::Portable => portable::look(group, digits),
        }
    }

    /// Of the windows that start at the words `windows` of the first group, those with few common and many different
    /// bytes that are not those of machine code. `pair` are two groups, one behind the other.
    #[inline]
    pub fn varied(
        self,
        pair: [(&[u8; GROUP], &[u64; LINES]); 2],
        windows: u64,
        shape: Shape,
    ) -> u64 {
        let (groups, common) = (pair.map(|(group, _)| group), pair.map(|(_, common)| common));
        let windows = match self.level {
            // SAFETY: as in `look`, of which this level needs all.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { simd_avx512::uncommon(common, windows, shape) },
            _ => uncommon(common, windows, shape),
        };
        if windows == 0 {
            return 0;
        }
        match self.level {
            // SAFETY: as in `look`, of which this level needs all.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe {
                simd_avx2::varied(
                    groups,
                    simd_avx512::unlike_code(groups, windows, shape),
                    shape,
                )
            },
            // SAFETY: as in `look`.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe {
                simd_avx2::varied(groups, unlike_code(groups, windows, shape), shape)
            },
            Level::Portable => portable::varied(groups, unlike_code(groups, windows, shape), shape),
        }
    }

    /// Of the windows that start at the words `windows` of the first of two parts of 64 words, one behind the other,
    /// those with many different bytes.
    #[inline]
    pub fn varied_digits(self, parts: [&[u8]; 2], windows: u64, shape: Digits) -> u64 {
        match self.level {
            // SAFETY: as in `look`; the level above has this one's too.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => unsafe {
                simd_avx2::varied_digits(parts, windows, shape)
            },
            Level::Portable => portable::varied_digits(parts, windows, shape),
        }
    }
}

/// Of `windows`, those with few common bytes behind their first seven, which may not belong to the number.
#[inline(always)]
fn uncommon(common: [&[u64; LINES]; 2], windows: u64, shape: Shape) -> u64 {
    let [first, second] = common;
    let own = shape.own();
    let lines = first.iter().chain(second).copied();
    let mut kept = 0;
    for (line, (mask, next)) in lines.clone().zip(lines.skip(1)).take(LINES).enumerate() {
        let mut left = windows >> (8 * line) & 0xff;
        while left != 0 {
            let word = left.trailing_zeros();
            left &= left - 1;
            let shift = 8 * word;
            let bytes = mask >> shift | if shift == 0 { 0 } else { next << (64 - shift) };
            let is_kept = (bytes & own).count_ones() <= shape.common;
            kept |= u64::from(is_kept) << (8 * line as u32 + word);
        }
    }
    kept
}

/// Of `windows`, those whose bytes behind their first seven are not more those of machine code than `shape` allows.
#[inline(always)]
fn unlike_code(pair: [&[u8; GROUP]; 2], windows: u64, shape: Shape) -> u64 {
    let weight = |byte: u8| i32::from(CODE.get(usize::from(byte)).copied().unwrap_or(0));
    let mut kept = 0;
    for (start, length) in stretches(windows) {
        // Of each word: what all before it come to, and that with its first seven bytes.
        let mut sums = [[0; 2]; REACHED + 1];
        let mut sum = 0;
        for (at, sums) in sums.iter_mut().enumerate().take(length + shape.words) {
            let [first @ .., last] = word(pair, start + at).to_le_bytes();
            let seven = sum + first.into_iter().map(weight).sum::<i32>();
            *sums = [sum, seven];
            sum = seven + weight(last);
        }
        let behind = sums.iter().skip(shape.words);
        for (at, ([_, first], [behind, _])) in sums.iter().zip(behind).enumerate().take(length) {
            kept |= u64::from(behind - first <= shape.code) << (start + at);
        }
    }
    kept
}

/// How windows of digits are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digits {
    /// Bytes of a digit, and how many of them, the lower ones, have all their values or every second one.
    pub bytes: [usize; 2],
    /// Digits in a window: 4, 8 or 16.
    pub words: usize,
    /// The fewest different ones among the bytes that count.
    pub distinct: u32,
}

/// The digit at `at` of two parts of 64 words.
#[inline(always)]
fn digit_at([first, second]: [&[u8]; 2], at: usize, shape: Digits) -> u64 {
    let [size, _] = shape.bytes;
    let (part, at) = match at.checked_sub(64) {
        None => (first, at),
        Some(at) => (second, at),
    };
    let rest = part.get(at * size..).unwrap_or_default();
    match (size, rest.first_chunk(), rest.first_chunk()) {
        (4, Some(word), _) => u64::from(u32::from_le_bytes(*word)),
        (8, _, Some(word)) => u64::from_le_bytes(*word),
        _ => 0,
    }
}

/// Digits of the longest window.
const MOST_DIGITS: usize = 16;

/// The runs of ones in a mask: first bit and length.
#[inline(always)]
pub fn stretches(mut mask: u64) -> impl Iterator<Item = (usize, usize)> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let start = mask.trailing_zeros();
            let length = (mask >> start).trailing_ones();
            mask &= u64::MAX.checked_shl(start + length).unwrap_or(0);
            (start as usize, length as usize)
        })
    })
}

/// The word at `at` of two groups.
#[inline(always)]
fn word(pair: [&[u8; GROUP]; 2], at: usize) -> u64 {
    let [first, second] = pair;
    let words = |group: &[u8; GROUP], at: usize| {
        group
            .as_chunks::<8>()
            .0
            .get(at)
            .map_or(0, |word| u64::from_le_bytes(*word))
    };
    if at < GROUP / 8 {
        words(first, at)
    } else {
        words(second, at - GROUP / 8)
    }
}

/// Words of the windows that start in one group.
const REACHED: usize = GROUP / 8 + 8;

mod portable {
    use super::{
        Digits, GROUP, LINES, MOST_DIGITS, Masks, REACHED, Shape, digit_at, stretches, word,
    };

    pub fn varied_digits(parts: [&[u8]; 2], windows: u64, shape: Digits) -> u64 {
        let [_, counted] = shape.bytes;
        let mut kept = 0;
        let mut seen = [[0u64; 4]; 64 + MOST_DIGITS];
        for (start, length) in stretches(windows) {
            let count = length + shape.words - 1;
            for (at, seen) in (start..start + count).zip(&mut seen) {
                *seen = [0; 4];
                for byte in digit_at(parts, at, shape)
                    .to_le_bytes()
                    .into_iter()
                    .take(counted)
                {
                    if let Some(part) = seen.get_mut(usize::from(byte >> 6)) {
                        *part |= 1 << (byte & 63);
                    }
                }
            }
            // Each becomes the union of as many as a window has.
            let mut step = 1;
            while step < shape.words {
                for at in 0..count.saturating_sub(step) {
                    if let [one, .., other] = seen.get_mut(at..=at + step).unwrap_or_default() {
                        one.iter_mut()
                            .zip(other)
                            .for_each(|(one, other)| *one |= *other);
                    }
                }
                step *= 2;
            }
            for (at, all) in seen.iter().take(length).enumerate() {
                let distinct: u32 = all.iter().map(|part| part.count_ones()).sum();
                kept |= u64::from(distinct >= shape.distinct) << (start + at);
            }
        }
        kept
    }

    pub fn look(group: &[u8; GROUP], digits: bool) -> Masks {
        let mut masks = Masks {
            tops: 0,
            common: [0; LINES],
            ..Masks::ZERO
        };
        for (line, mask) in group.as_chunks::<64>().0.iter().zip(&mut masks.common) {
            for (at, byte) in line.iter().enumerate() {
                *mask |= u64::from(matches!(byte, 0 | 0xff | 0x48 | 0x8b)) << at;
            }
        }
        for (at, bytes) in group.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*bytes);
            let set = |mask: &mut u64, is: bool| *mask |= u64::from(is) << at;
            set(&mut masks.tops, matches!(word >> 48, 0 | 0xffff));
            set(
                &mut masks.texts,
                bytes.iter().all(|byte| matches!(byte, 0x20..=0x7f)),
            );
            if digits {
                let is_digit = matches!(word >> 48, 1..0x1000);
                set(&mut masks.words60, is_digit && word & 0xff00_ff00 != 0);
                set(&mut masks.small, is_digit && word << 32 == 0);
                let is_double = matches!(word >> 52, 0x40f..=0x41a);
                set(&mut masks.doubles, is_double && word & 0x1ff_ffff == 0);
            }
        }
        if digits {
            let halves = group.as_chunks::<256>().0.iter();
            for (half, mask) in halves.zip(&mut masks.words30) {
                for (at, bytes) in half.as_chunks::<4>().0.iter().enumerate() {
                    let word = u32::from_le_bytes(*bytes);
                    let is_digit = matches!(word >> 16, 1..0x4000) && word & 0xff00 != 0;
                    *mask |= u64::from(is_digit) << at;
                }
            }
        }
        masks
    }

    pub fn varied(pair: [&[u8; GROUP]; 2], windows: u64, shape: Shape) -> u64 {
        let mut kept = 0;
        for (start, length) in stretches(windows) {
            let mut seen = [[0u64; 4]; REACHED];
            let words = start..start + length + shape.words - 1;
            for (at, seen) in words.zip(&mut seen) {
                for byte in word(pair, at).to_le_bytes() {
                    if let Some(part) = seen.get_mut(usize::from(byte >> 6)) {
                        *part |= 1 << (byte & 63);
                    }
                }
            }
            for (at, window) in seen.windows(shape.words).take(length).enumerate() {
                let all = window.iter().fold([0; 4], |all: [u64; 4], one| {
                    let [a, b, c, d] = all;
                    let [e, f, g, h] = *one;
                    [a | e, b | f, c | g, d | h]
                });
                let distinct: u32 = all.iter().map(|part| part.count_ones()).sum();
                kept |= u64::from(distinct >= shape.distinct) << (start + at);
            }
        }
        kept
    }
}

/// The weights of [`CODE`], each with as much added that none is negative.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::indexing_slicing)] // the compiler evaluates it: an index out of bounds does not compile
static BIASED_CODE: [u8; 256] = {
    let mut weights = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        weights[byte] = (CODE[byte] + CODE_BIAS) as u8;
        byte += 1;
    }
    weights
};
#[cfg(target_arch = "x86_64")]
const CODE_BIAS: i8 = 16;

#[cfg(target_arch = "x86_64")]
mod simd_avx2;
#[cfg(target_arch = "x86_64")]
mod simd_avx512;
