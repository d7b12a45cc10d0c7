//! The kernel of processors with AVX2: 32 bytes a step.

use super::{Digits, GROUP, LINES, MOST_DIGITS, Masks, REACHED, Shape, digit_at, stretches, word};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256, _mm256_castsi256_pd,
    _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_cmpeq_epi16, _mm256_cmpeq_epi32,
    _mm256_cmpeq_epi64, _mm256_cmpgt_epi8, _mm256_cmpgt_epi64, _mm256_extract_epi64,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_movemask_pd, _mm256_movemask_ps,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi64x,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi64, _mm256_sllv_epi64,
    _mm256_srli_epi32, _mm256_testz_si256,
};

#[target_feature(enable = "avx2,bmi1,popcnt")]
pub fn look(group: &[u8; GROUP], digits: bool) -> Masks {
    let mut masks = Masks {
        tops: 0,
        ..Masks::ZERO
    };
    let [low30, high30] = &mut masks.words30;
    for (index, (line, common)) in group
        .as_chunks::<64>()
        .0
        .iter()
        .zip(&mut masks.common)
        .enumerate()
    {
        let shift = 8 * index as u32;
        let [a, b] = halves(line);
        let any = _mm256_or_si256(a, b);
        if _mm256_testz_si256(any, any) != 0 {
            masks.tops |= 0xff << shift;
            continue;
        }
        *common = bytes(common_bytes(a), common_bytes(b));
        masks.tops |= words(tops(a), tops(b)) << shift;
        masks.texts |= words(texts(a), texts(b)) << shift;
        if !digits {
            continue;
        }
        let half = if index < LINES / 2 {
            &mut *low30
        } else {
            &mut *high30
        };
        *half |= small_words(words30(a), words30(b)) << (2 * shift % 64);
        let (digit_a, digit_b) = (digit(a), digit(b));
        let digit_bits = words(digit_a, digit_b);
        if digit_bits != 0 {
            let dense = words(dense(a), dense(b));
            masks.words60 |= (digit_bits & dense) << shift;
            masks.small |= (digit_bits & words(upper_only(a), upper_only(b))) << shift;
        }
        let doubles = words(doubles(a), doubles(b));
        if doubles != 0 {
            masks.doubles |= (doubles & words(exponents(a), exponents(b))) << shift;
        }
    }
    masks
}

/// Bytes 0, 0xff, 0x48 and 0x8b.
#[target_feature(enable = "avx2")]
fn common_bytes(v: __m256i) -> __m256i {
    let is = |byte: u8| _mm256_cmpeq_epi8(v, _mm256_set1_epi8(byte.cast_signed()));
    _mm256_or_si256(
        _mm256_or_si256(is(0), is(0xff)),
        _mm256_or_si256(is(0x48), is(0x8b)),
    )
}

/// The top bit of each word: its upper 16 bits are all equal.
#[target_feature(enable = "avx2")]
fn tops(v: __m256i) -> __m256i {
    let zero = _mm256_cmpeq_epi16(v, _mm256_setzero_si256());
    let ones = _mm256_cmpeq_epi16(v, _mm256_set1_epi8(-1));
    _mm256_or_si256(zero, ones)
}

#[target_feature(enable = "avx2")]
fn texts(v: __m256i) -> __m256i {
    let text = _mm256_cmpgt_epi8(v, _mm256_set1_epi8(0x1f));
    _mm256_cmpeq_epi64(text, _mm256_set1_epi8(-1))
}

#[target_feature(enable = "avx2")]
fn words30(v: __m256i) -> __m256i {
    let zero = _mm256_setzero_si256();
    let is_below = _mm256_cmpeq_epi32(_mm256_srli_epi32::<30>(v), zero);
    let lacks = |bits| _mm256_cmpeq_epi32(_mm256_and_si256(v, _mm256_set1_epi32(bits)), zero);
    let is_small = _mm256_or_si256(lacks(0xff00), lacks(0x3fff_0000));
    _mm256_andnot_si256(is_small, is_below)
}

/// Words from 2^48 to 2^60.
#[target_feature(enable = "avx2")]
fn digit(v: __m256i) -> __m256i {
    between(v, 1 << 48, 1 << 60)
}

/// Words of which not both the second and the fourth byte are zero.
#[target_feature(enable = "avx2")]
fn dense(v: __m256i) -> __m256i {
    let part = _mm256_and_si256(v, _mm256_set1_epi64x(0xff00_ff00));
    let none = _mm256_cmpeq_epi64(part, _mm256_setzero_si256());
    _mm256_andnot_si256(none, _mm256_set1_epi8(-1))
}

/// Words whose lower half is zero.
#[target_feature(enable = "avx2")]
fn upper_only(v: __m256i) -> __m256i {
    _mm256_cmpeq_epi64(_mm256_slli_epi64::<32>(v), _mm256_setzero_si256())
}

/// Words like doubles from 2 to 2^33 without much behind the point.
#[target_feature(enable = "avx2")]
fn doubles(v: __m256i) -> __m256i {
    let part = _mm256_and_si256(v, _mm256_set1_epi64x(0x7e00_0000_01ff_ffff));
    _mm256_cmpeq_epi64(part, _mm256_set1_epi64x(0x4000_0000_0000_0000))
}

/// Words like doubles from 2^16 to 2^28.
#[target_feature(enable = "avx2")]
fn exponents(v: __m256i) -> __m256i {
    between(v, 0x40f0 << 48, 0x41b0 << 48)
}

#[target_feature(enable = "avx2")]
fn between(v: __m256i, least: i64, end: i64) -> __m256i {
    _mm256_and_si256(
        _mm256_cmpgt_epi64(v, _mm256_set1_epi64x(least - 1)),
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(end), v),
    )
}

/// A bit for each byte.
#[target_feature(enable = "avx2")]
fn bytes(a: __m256i, b: __m256i) -> u64 {
    let bits = |v| u64::from(_mm256_movemask_epi8(v).cast_unsigned());
    bits(a) | bits(b) << 32
}

/// A bit for each 64-bit word.
#[target_feature(enable = "avx2")]
fn words(a: __m256i, b: __m256i) -> u64 {
    let bits = |v| u64::from(_mm256_movemask_pd(_mm256_castsi256_pd(v)).cast_unsigned());
    bits(a) | bits(b) << 4
}

/// A bit for each 32-bit word.
#[target_feature(enable = "avx2")]
fn small_words(a: __m256i, b: __m256i) -> u64 {
    let bits = |v| u64::from(_mm256_movemask_ps(_mm256_castsi256_ps(v)).cast_unsigned());
    bits(a) | bits(b) << 8
}

#[target_feature(enable = "avx2")]
fn halves(line: &[u8; 64]) -> [__m256i; 2] {
    let (parts, _) = line.as_chunks::<32>();
    std::array::from_fn(|index| {
        parts.get(index).map_or(_mm256_setzero_si256(), |part| {
            // SAFETY: a load beyond the end of memory would fault. This one reads the 32 bytes of `part`,
            // at any alignment.
            unsafe { _mm256_loadu_si256(part.as_ptr().cast()) }
        })
    })
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
pub fn varied(pair: [&[u8; GROUP]; 2], windows: u64, shape: Shape) -> u64 {
    let mut kept = 0;
    let mut seen = [_mm256_setzero_si256(); REACHED];
    for (start, length) in stretches(windows) {
        for (at, seen) in seen.iter_mut().take(length + shape.words - 1).enumerate() {
            *seen = bitmap::<8>(word(pair, start + at));
        }
        kept |= many(&mut seen, length, [shape.words, shape.distinct as usize]) << start;
    }
    kept
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
pub fn varied_digits(parts: [&[u8]; 2], windows: u64, shape: Digits) -> u64 {
    let mut kept = 0;
    let mut seen = [_mm256_setzero_si256(); 64 + MOST_DIGITS];
    for (start, length) in stretches(windows) {
        for (at, seen) in seen.iter_mut().take(length + shape.words - 1).enumerate() {
            let digit = digit_at(parts, start + at, shape);
            *seen = match shape.bytes {
                [_, 3] => bitmap::<3>(digit),
                _ => bitmap::<7>(digit),
            };
        }
        kept |= many(&mut seen, length, [shape.words, shape.distinct as usize]) << start;
    }
    kept
}

/// A bit for each of `length` windows of so many words whose union has so many bits. `seen` is overwritten.
#[target_feature(enable = "avx2,bmi1,popcnt")]
#[inline]
fn many(seen: &mut [__m256i], length: usize, [words, distinct]: [usize; 2]) -> u64 {
    // Each becomes the union of as many as a window has.
    let mut step = 1;
    while step < words {
        for at in 0..(length + words - 1).saturating_sub(step) {
            if let [one, .., other] = seen.get_mut(at..=at + step).unwrap_or_default() {
                *one = _mm256_or_si256(*one, *other);
            }
        }
        step *= 2;
    }
    let mut kept = 0;
    for (at, all) in seen.iter().take(length).enumerate() {
        let count = _mm256_extract_epi64::<0>(*all).count_ones()
            + _mm256_extract_epi64::<1>(*all).count_ones()
            + _mm256_extract_epi64::<2>(*all).count_ones()
            + _mm256_extract_epi64::<3>(*all).count_ones();
        kept |= u64::from(count as usize >= distinct) << at;
    }
    kept
}

/// A bit for each value that one of the lower `COUNT` bytes of the word has.
#[target_feature(enable = "avx2")]
#[inline]
fn bitmap<const COUNT: i64>(word: u64) -> __m256i {
    let word = _mm256_set1_epi64x(word.cast_signed());
    let lowest = _mm256_setr_epi64x(0, -64, -128, -192);
    let one = _mm256_set1_epi64x(1);
    let mut all = _mm256_setzero_si256();
    // Shifts by less than 0 or more than 63 bits give zero: of the four parts one gets a bit.
    let mut at = 0;
    while at < COUNT {
        // The byte, and zeros where the upper bit of a shuffle's index is set.
        let index = _mm256_set1_epi64x(0x8080_8080_8080_8080_u64.cast_signed() - 0x80 + at);
        let byte = _mm256_shuffle_epi8(word, index);
        let bit = _mm256_sllv_epi64(one, _mm256_add_epi64(byte, lowest));
        all = _mm256_or_si256(all, bit);
        at += 1;
    }
    all
}
