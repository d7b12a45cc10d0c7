//! Numbers of 52-bit digits in the lanes of registers: eight numbers, one register for each digit.
//!
//! *Columns* are digits that have not been carried: signed, below 2^58 in absolute value, so that some of them can be
//! added and shifted a little without overflow.

// Every index is below N or L by the loop around it, and both are known at compile time.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

use super::field::Limbs;
use std::arch::x86_64::{
    __m512i, _mm_cvtsi64_si128, _mm256_loadu_si256, _mm512_add_epi64, _mm512_and_si512,
    _mm512_castsi256_si512, _mm512_inserti64x4, _mm512_loadu_si512, _mm512_mask_blend_epi64,
    _mm512_or_si512, _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_sll_epi64, _mm512_srai_epi64, _mm512_srl_epi64,
    _mm512_storeu_si512, _mm512_sub_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};
use zeroize::DefaultIsZeroes;

/// Elements in the lanes of a register.
pub(super) const LANES: usize = 8;

/// Bits of a digit.
pub(super) const DIGIT_BITS: usize = 52;

/// All ones.
pub(super) const DIGIT_MASK: u64 = (1 << DIGIT_BITS) - 1;

/// A register's place in memory.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(super) struct Register(pub(super) [u64; LANES]);

impl DefaultIsZeroes for Register {}

/// Eight elements in memory.
pub(super) type Stored<const N: usize> = [Register; N];

/// Eight elements, or the columns of eight.
pub(super) type Digits<const N: usize> = [__m512i; N];

/// The digits of columns of numbers that are not negative; of a negative one, the highest digit is negative.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn carried<const N: usize>(mut columns: Digits<N>) -> Digits<N> {
    for j in 1..N {
        let carry = _mm512_srai_epi64::<{ DIGIT_BITS as u32 }>(columns[j - 1]);
        columns[j] = _mm512_add_epi64(columns[j], carry);
        columns[j - 1] = _mm512_and_si512(columns[j - 1], splat(DIGIT_MASK as i64));
    }
    columns
}

/// Digits times 2^bits: numbers that stay below 2^(52·N).
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn shifted<const N: usize>(digits: &Digits<N>, bits: usize) -> Digits<N> {
    let mut shifted = *digits;
    for j in 0..N {
        shifted[j] = left(digits[j], bits);
        if j > 0 {
            shifted[j] = _mm512_or_si512(shifted[j], right(digits[j - 1], DIGIT_BITS - bits));
        }
        shifted[j] = _mm512_and_si512(shifted[j], splat(DIGIT_MASK as i64));
    }
    shifted
}

/// Columns times 2^bits, which have the room for it.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn scaled<const N: usize>(columns: &Digits<N>, bits: usize) -> Digits<N> {
    let mut scaled = *columns;
    for column in &mut scaled {
        *column = left(*column, bits);
    }
    scaled
}

/// `one` in the lanes of a clear bit, `other` in those of a set one.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn blended<const N: usize>(mask: u8, one: &Digits<N>, other: &Digits<N>) -> Digits<N> {
    let mut blended = *one;
    for j in 0..N {
        blended[j] = _mm512_mask_blend_epi64(mask, one[j], other[j]);
    }
    blended
}

/// The number one, not the element, in the lanes of a set bit.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn with_ones<const N: usize>(mask: u8, digits: &Digits<N>) -> Digits<N> {
    let mut ones = [_mm512_setzero_si512(); N];
    ones[0] = splat(1);
    blended(mask, digits, &ones)
}

/// The negative columns in the lanes of a set bit.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn negated<const N: usize>(mask: u8, digits: &Digits<N>) -> Digits<N> {
    let mut negated = *digits;
    for digit in &mut negated {
        let negative = _mm512_sub_epi64(_mm512_setzero_si512(), *digit);
        *digit = _mm512_mask_blend_epi64(mask, *digit, negative);
    }
    negated
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn load<const N: usize>(stored: &Stored<N>) -> Digits<N> {
    let mut digits = [_mm512_setzero_si512(); N];
    for (digit, register) in digits.iter_mut().zip(stored) {
        // SAFETY: a load beyond the end of memory would fault. This one reads the 64 bytes of `register`.
        *digit = unsafe { _mm512_loadu_si512(register.0.as_ptr().cast()) };
    }
    digits
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn save<const N: usize>(stored: &mut Stored<N>, digits: &Digits<N>) {
    for (register, &digit) in stored.iter_mut().zip(digits) {
        store(register, digit);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn store(register: &mut Register, value: __m512i) {
    // SAFETY: a store beyond the end of memory would fault or write to another's. This one writes the 64 bytes of
    // `register`.
    unsafe { _mm512_storeu_si512(register.0.as_mut_ptr().cast(), value) }
}

/// A register for each limb.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn transposed<const L: usize>(elements: [&Limbs<L>; LANES]) -> Digits<L> {
    let mut limbs = [_mm512_setzero_si512(); L];
    // Four limbs at a time; the last four begin where they end with the element.
    for first in (0..L).step_by(4) {
        let first = first.min(L.saturating_sub(4));
        let mut pairs = [_mm512_setzero_si512(); 4];
        for (lane, pair) in pairs.iter_mut().enumerate() {
            let (low, high) = (&elements[lane][first..], &elements[lane + 4][first..]);
            const { assert!(L >= 4) };
            // SAFETY: loads beyond the end of memory would fault. These read four limbs of 8 bytes each from
            // `first` on, of elements that have `L`: `first` is at most L - 4.
            *pair = unsafe {
                let low = _mm256_loadu_si256(low.as_ptr().cast());
                let high = _mm256_loadu_si256(high.as_ptr().cast());
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
            };
        }
        let even = [
            _mm512_unpacklo_epi64(pairs[0], pairs[1]),
            _mm512_unpacklo_epi64(pairs[2], pairs[3]),
        ];
        let odd = [
            _mm512_unpackhi_epi64(pairs[0], pairs[1]),
            _mm512_unpackhi_epi64(pairs[2], pairs[3]),
        ];
        let below = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
        let above = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
        limbs[first] = _mm512_permutex2var_epi64(even[0], below, even[1]);
        limbs[first + 1] = _mm512_permutex2var_epi64(odd[0], below, odd[1]);
        limbs[first + 2] = _mm512_permutex2var_epi64(even[0], above, even[1]);
        limbs[first + 3] = _mm512_permutex2var_epi64(odd[0], above, odd[1]);
    }
    limbs
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn splat(value: i64) -> __m512i {
    _mm512_set1_epi64(value)
}

/// Shifts that the compiler knows the count of once the loops are unrolled.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn left(value: __m512i, bits: usize) -> __m512i {
    _mm512_sll_epi64(value, _mm_cvtsi64_si128(bits as i64))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn right(value: __m512i, bits: usize) -> __m512i {
    _mm512_srl_epi64(value, _mm_cvtsi64_si128(bits as i64))
}
