//! The vector kernel of the search for numbers that something points out: which words of a group of memory may be
//! pointers, counts or lengths.
//!
//! Each kernel gives the same answer; [`portable`] says it in words.

use std::ops::{Range, RangeInclusive};

/// Bytes of a group: 64 words of 64 bits.
pub const GROUP: usize = 512;

/// What the words of a group may be. Bit i of a mask stands for the i-th word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Addresses of the dump's memory.
    pub pointers: u64,
    /// Words of which either half is a count.
    pub counts: u64,
    /// Lengths, or two of them, with a word behind them that is not zero or is in the next group.
    pub lengths: u64,
}

/// Tells the words of groups in one dump.
#[derive(Clone, Copy, Debug)]
pub struct Marker {
    level: Level,
    /// The lowest address, and the bytes from there to behind the highest.
    low: u64,
    span: u64,
}

#[derive(Clone, Copy, Debug)]
enum Level {
    /// Many since 2017.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Most processors since 2013.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Any processor.
    Portable,
}

impl Level {
    /// Those of this processor, the fastest first.
    fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let levels = [
            (is_x86_feature_detected!("avx512f"), Self::Avx512),
            (is_x86_feature_detected!("avx2"), Self::Avx2),
            (true, Self::Portable),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let levels = [(true, Self::Portable)];
        levels
            .into_iter()
            .filter_map(|(has, level)| has.then_some(level))
    }
}

impl Marker {
    /// The fastest of this processor, for pointers into `addresses`.
    pub fn new(addresses: &Range<u64>) -> Self {
        let level = Level::available().next().unwrap_or(Level::Portable);
        Self::with(level, addresses)
    }

    fn with(level: Level, addresses: &Range<u64>) -> Self {
        Self {
            level,
            low: addresses.start,
            span: addresses.end.saturating_sub(addresses.start),
        }
    }

    /// What the words of `group` may be.
    #[inline]
    pub fn marks(&self, group: &[u8; GROUP]) -> Marks {
        match self.level {
            // SAFETY: this would be an illegal instruction on a processor without AVX-512 F. The level is made by
            // `available` alone, after it has seen it.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::marks(group, self.low, self.span) },
            // SAFETY: the same of AVX2.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::marks(group, self.low, self.span) },
            Level::Portable => portable::marks(group, self.low, self.span),
        }
    }
}

/// What half a word may be that is a count beside a pointer: of limbs of the shortest coordinate, or of the bytes of the
/// longest number and its sign.
const COUNTS: RangeInclusive<i32> = 4..=1025;

/// What a word may be that is a length by itself: up to two of 16 bits.
const LENGTHS: RangeInclusive<i64> = 8..=0x0401_ffff;

/// What the upper half of a word may be that is a length: from that of the limbs of the shortest prime on.
const UPPER_LENGTHS: RangeInclusive<i64> = 8..=1025;

mod portable {
    use super::{COUNTS, GROUP, LENGTHS, Marks, UPPER_LENGTHS};

    pub fn marks(group: &[u8; GROUP], low: u64, span: u64) -> Marks {
        let mut marks = Marks::default();
        let mut zeros = 0;
        for (at, bytes) in group.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*bytes);
            let [lower, upper] = [word as i32, (word >> 32) as i32];
            let set = |mask: &mut u64, is: bool| *mask |= u64::from(is) << at;
            set(&mut marks.pointers, word.wrapping_sub(low) < span);
            set(
                &mut marks.counts,
                COUNTS.contains(&lower) || COUNTS.contains(&upper),
            );
            let is_length = LENGTHS.contains(&word.cast_signed())
                || UPPER_LENGTHS.contains(&((word >> 32).cast_signed()));
            set(&mut marks.lengths, is_length);
            set(&mut zeros, word == 0);
        }
        marks.lengths &= !(zeros >> 1);
        marks
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{COUNTS, GROUP, LENGTHS, Marks, UPPER_LENGTHS};
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_castsi256_pd, _mm256_cmpeq_epi64, _mm256_cmpgt_epi32,
        _mm256_cmpgt_epi64, _mm256_loadu_si256, _mm256_movemask_pd, _mm256_or_si256,
        _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64,
        _mm256_srli_epi64, _mm256_sub_epi64, _mm256_xor_si256,
    };
    use std::ops::RangeInclusive;

    #[target_feature(enable = "avx2")]
    pub fn marks(group: &[u8; GROUP], low: u64, span: u64) -> Marks {
        // Words are compared as signed numbers, so those without a sign are moved by half of all.
        let sign = _mm256_set1_epi64x(i64::MIN);
        let low = _mm256_set1_epi64x(low.cast_signed());
        let span = _mm256_xor_si256(_mm256_set1_epi64x(span.cast_signed()), sign);
        let mut marks = Marks::default();
        let mut zeros = 0;
        for (index, part) in group.as_chunks::<32>().0.iter().enumerate() {
            // SAFETY: a load beyond the end of memory would fault. This one reads the 32 bytes of `part`, at any
            // alignment.
            let words = unsafe { _mm256_loadu_si256(part.as_ptr().cast()) };
            let behind = _mm256_xor_si256(_mm256_sub_epi64(words, low), sign);
            let shift = 4 * index;
            marks.pointers |= bits(_mm256_cmpgt_epi64(span, behind)) << shift;
            let halves = _mm256_and_si256(
                _mm256_cmpgt_epi32(words, _mm256_set1_epi32(COUNTS.start() - 1)),
                _mm256_cmpgt_epi32(_mm256_set1_epi32(COUNTS.end() + 1), words),
            );
            let either = _mm256_or_si256(halves, _mm256_slli_epi64::<32>(halves));
            marks.counts |= bits(either) << shift;
            let upper = _mm256_srli_epi64::<32>(words);
            let lengths = _mm256_or_si256(within(words, LENGTHS), within(upper, UPPER_LENGTHS));
            marks.lengths |= bits(lengths) << shift;
            zeros |= bits(_mm256_cmpeq_epi64(words, _mm256_setzero_si256())) << shift;
        }
        marks.lengths &= !(zeros >> 1);
        marks
    }

    #[target_feature(enable = "avx2")]
    fn within(words: __m256i, range: RangeInclusive<i64>) -> __m256i {
        _mm256_and_si256(
            _mm256_cmpgt_epi64(words, _mm256_set1_epi64x(range.start() - 1)),
            _mm256_cmpgt_epi64(_mm256_set1_epi64x(range.end() + 1), words),
        )
    }

    /// The top bit of each word.
    #[target_feature(enable = "avx2")]
    fn bits(words: __m256i) -> u64 {
        u64::from(_mm256_movemask_pd(_mm256_castsi256_pd(words)).cast_unsigned())
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{COUNTS, GROUP, LENGTHS, Marks, UPPER_LENGTHS};
    use std::arch::x86_64::{
        __m512i, _mm512_and_si512, _mm512_cmple_epu64_mask, _mm512_cmplt_epu64_mask,
        _mm512_loadu_si512, _mm512_set1_epi64, _mm512_srli_epi64, _mm512_sub_epi64,
        _mm512_testn_epi64_mask,
    };
    use std::ops::RangeInclusive;

    #[target_feature(enable = "avx512f")]
    pub fn marks(group: &[u8; GROUP], low: u64, span: u64) -> Marks {
        let low = _mm512_set1_epi64(low.cast_signed());
        let span = _mm512_set1_epi64(span.cast_signed());
        let half = _mm512_set1_epi64(0xffff_ffff);
        let counts = i64::from(*COUNTS.start())..=i64::from(*COUNTS.end());
        let mut marks = Marks::default();
        let mut zeros = 0;
        for (index, line) in group.as_chunks::<64>().0.iter().enumerate() {
            // SAFETY: a load beyond the end of memory would fault. This one reads the 64 bytes of `line`, at any
            // alignment.
            let words = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
            let shift = 8 * index;
            let pointers = _mm512_cmplt_epu64_mask(_mm512_sub_epi64(words, low), span);
            let (lower, upper) = (
                _mm512_and_si512(words, half),
                _mm512_srli_epi64::<32>(words),
            );
            let is_count = within(lower, &counts) | within(upper, &counts);
            let is_length = within(words, &LENGTHS) | within(upper, &UPPER_LENGTHS);
            marks.pointers |= u64::from(pointers) << shift;
            marks.counts |= u64::from(is_count) << shift;
            marks.lengths |= u64::from(is_length) << shift;
            zeros |= u64::from(_mm512_testn_epi64_mask(words, words)) << shift;
        }
        marks.lengths &= !(zeros >> 1);
        marks
    }

    #[target_feature(enable = "avx512f")]
    fn within(words: __m512i, range: &RangeInclusive<i64>) -> u8 {
        let above = _mm512_sub_epi64(words, _mm512_set1_epi64(*range.start()));
        _mm512_cmple_epu64_mask(above, _mm512_set1_epi64(range.end() - range.start()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn word() -> impl Strategy<Value = u64> {
        let half = || {
            prop_oneof![
                0u32..12,
                1020u32..1030,
                Just(0x0401_ffff),
                Just(0x0402_0000),
                Just(0x5555),
                any::<u32>()
            ]
        };
        (half(), half()).prop_map(|(lower, upper)| u64::from(upper) << 32 | u64::from(lower))
    }

    proptest! {
        #[test]
        fn all_kernels_agree(
            words in prop::collection::vec(word(), GROUP / 8),
            low in prop_oneof![word(), Just(0), Just(1 << 63)],
            span in prop_oneof![word(), Just(0), Just(1 << 33)],
        ) {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let group = bytes.first_chunk().unwrap();
            let addresses = low..low.saturating_add(span);
            let marks = Marker::new(&addresses).marks(group);
            for level in Level::available() {
                prop_assert_eq!(marks, Marker::with(level, &addresses).marks(group));
            }
            for (at, word) in words.iter().enumerate() {
                prop_assert_eq!(marks.pointers >> at & 1 == 1, addresses.contains(word));
            }
        }
    }

    #[test]
    fn counts_and_lengths_are_told_by_their_size() {
        let mut group = [0; GROUP];
        let words: [(u64, bool, bool); 9] = [
            (3, false, false),
            (4, true, false),
            (8, true, true),
            (1025 << 32 | 0xffff_ffff, true, true),
            (1026 << 32, false, false),
            (7 << 32, true, false),
            (8200, false, true),
            (0x0040_0008, false, true),
            (0x0402_0000, false, false),
        ];
        for ((word, ..), bytes) in words.iter().zip(group.as_chunks_mut::<8>().0) {
            *bytes = word.to_le_bytes();
        }
        // A length with zeros behind it is none.
        let last = words.len();
        for (at, word) in [(last, 64u64), (63, 64)] {
            if let Some(bytes) = group.as_chunks_mut::<8>().0.get_mut(at) {
                *bytes = word.to_le_bytes();
            }
        }
        let marks = Marker::new(&(0..0)).marks(&group);
        assert_eq!((marks.lengths >> last & 1, marks.lengths >> 63), (0, 1));
        for (at, (word, count, length)) in words.into_iter().enumerate() {
            assert_eq!(marks.counts >> at & 1 == 1, count, "{word:#x}");
            assert_eq!(marks.lengths >> at & 1 == 1, length, "{word:#x}");
        }
        assert_eq!(marks.pointers, 0);
    }
}
