//! The vector kernel of [`Moduli`](super::Moduli): eight moduli a register, by AVX-512 IFMA.
//!
//! In words, for each modulus in digits of 52 bits, with x the inverse of the window and c the digit looked at:
//!
//! ```text
//! digit = Σ low(n[i]·x[c-i]) + Σ high(n[i]·x[c-1-i])
//! top = n / (w·2^(52·c)), from the leading 53 bits
//! candidate if (top - digit + slack) mod 2^52 <= limit
//! ```
//!
//! The digits of the moduli lie one register for each digit, so that those of the window are broadcast.

use super::inverse::MAX_INVERSE;
use std::arch::x86_64::{
    __m512d, __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_cmple_epu64_mask,
    _mm512_cvttpd_epi64, _mm512_loadu_pd, _mm512_loadu_si512, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mul_pd, _mm512_roundscale_pd, _mm512_set1_epi64, _mm512_set1_pd,
    _mm512_setzero_si512, _mm512_sub_epi64, _mm512_sub_pd,
};
use zeroize::Zeroize;

/// Bits of a digit.
pub(super) const DIGIT_BITS: u32 = 52;

/// Moduli in a register.
const LANES: usize = 8;

/// Moduli laid out for the kernel. There is one only on a processor that has it.
pub(super) struct Lanes {
    /// Moduli.
    count: usize,
    /// Digits of each modulus, the lowest first.
    digits: usize,
    /// Those of eight moduli for each digit in turn, then of the next eight.
    numbers: Vec<Register<u64>>,
    /// What the leading bits of the quotient are worked out from.
    fractions: Vec<Register<f64>>,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Register<T>([T; LANES]);

/// What the digit of each quotient is compared with.
pub(super) struct Window {
    /// Times a fraction: the quotient with the point above the digit looked at.
    pub(super) reciprocal: f64,
    pub(super) slack: u64,
    pub(super) limit: u64,
}

impl Lanes {
    /// For moduli of one number of limbs and their fractions; `None` where the processor lacks AVX-512 IFMA.
    pub(super) fn new(moduli: &[&[u64]], fractions: &[f64]) -> Option<Self> {
        let is_able = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        let limbs = moduli.first()?.len();
        let digits = (limbs * u64::BITS as usize).div_ceil(DIGIT_BITS as usize);
        let mut numbers = vec![Register([0; LANES]); digits * moduli.len().div_ceil(LANES)];
        for (registers, group) in numbers.chunks_mut(digits).zip(moduli.chunks(LANES)) {
            for (lane, modulus) in group.iter().enumerate() {
                for (register, digit) in registers.iter_mut().zip(digits_of(modulus)) {
                    let place = register.0.get_mut(lane);
                    place.into_iter().for_each(|place| *place = digit);
                }
            }
        }
        let fractions = fractions.chunks(LANES).map(|group| {
            let mut register = [0.0; LANES];
            for (lane, fraction) in register.iter_mut().zip(group) {
                *lane = *fraction;
            }
            Register(register)
        });
        is_able.then(|| Self {
            count: moduli.len(),
            digits,
            numbers,
            fractions: fractions.collect(),
        })
    }

    /// Calls `candidate` with the places of the moduli that a window may divide, by digit `digit` of the
    /// quotient, from the limbs of the window's inverse.
    pub(super) fn candidates(
        &self,
        window: &Window,
        inverse: &[u64],
        digit: usize,
        mut candidate: impl FnMut(usize),
    ) {
        // The room for short windows is small, for it costs time to clear it.
        if digit + 2 <= FEW_DIGITS {
            self.candidates_within::<FEW_DIGITS>(window, inverse, digit, &mut candidate);
        } else {
            self.candidates_within::<MAX_DIGITS>(window, inverse, digit, &mut candidate);
        }
    }

    fn candidates_within<const N: usize>(
        &self,
        window: &Window,
        inverse: &[u64],
        digit: usize,
        mut candidate: impl FnMut(usize),
    ) {
        // x[digit] to x[0], then zero: the window's digits for those of a modulus from the lowest on.
        let mut digits = [0; N];
        let Some(used) = digits.get_mut(..digit + 2) else {
            return;
        };
        used.iter_mut()
            .rev()
            .skip(1)
            .zip(digits_of(inverse))
            .for_each(|(place, digit)| *place = digit);
        let each = |first: usize, mask: u8| {
            let set = (0..LANES).filter(|lane| mask >> lane & 1 == 1);
            let places = set.map(|lane| first + lane);
            places
                .filter(|place| *place < self.count)
                .for_each(&mut candidate);
        };
        // SAFETY: this would be an illegal instruction on a processor without AVX-512 F, DQ and IFMA. `new`
        // alone makes the lanes, after it has seen all three.
        unsafe { self.look(window, used, each) }
        used.zeroize();
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn look(&self, window: &Window, inverse: &[u64], mut each: impl FnMut(usize, u8)) {
        // Two groups at a time share the broadcasts.
        let mut groups = self.numbers.chunks_exact(2 * self.digits);
        let mut fractions = self.fractions.chunks_exact(2);
        let mut place = 0;
        for (group, fraction) in groups.by_ref().zip(fractions.by_ref()) {
            let (first, second) = group.split_at(self.digits);
            for mask in masks([first, second], fraction, window, inverse) {
                if mask != 0 {
                    each(place, mask);
                }
                place += LANES;
            }
        }
        if let (group @ [_, ..], fraction @ [_]) = (groups.remainder(), fractions.remainder()) {
            let [mask] = masks([group], fraction, window, inverse);
            if mask != 0 {
                each(place, mask);
            }
        }
    }
}

/// A bit for each modulus of some groups.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn masks<const N: usize>(
    groups: [&[Register<u64>]; N],
    fractions: &[Register<f64>],
    window: &Window,
    inverse: &[u64],
) -> [u8; N] {
    let digits = columns(groups, inverse);
    let digit_mask = _mm512_set1_epi64((1 << DIGIT_BITS) - 1);
    let [slack, limit] = [window.slack, window.limit].map(|limit| _mm512_set1_epi64(limit as i64));
    let reciprocal = _mm512_set1_pd(window.reciprocal);
    let base = _mm512_set1_pd((1u64 << DIGIT_BITS) as f64);
    let mut masks = [0; N];
    for ((mask, digit), fraction) in masks.iter_mut().zip(digits).zip(fractions) {
        let quotient = _mm512_mul_pd(load_fractions(fraction), reciprocal);
        let whole = _mm512_roundscale_pd::<TRUNCATE>(quotient);
        let top = _mm512_cvttpd_epi64(_mm512_mul_pd(_mm512_sub_pd(quotient, whole), base));
        let difference = _mm512_add_epi64(_mm512_sub_epi64(top, digit), slack);
        *mask = _mm512_cmple_epu64_mask(_mm512_and_si512(difference, digit_mask), limit);
    }
    masks
}

/// The digit looked at, but for the carry from below, and with bits above it.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn columns<const N: usize>(groups: [&[Register<u64>]; N], inverse: &[u64]) -> [__m512i; N] {
    let mut low = [_mm512_setzero_si512(); N];
    let mut high = [_mm512_setzero_si512(); N];
    for (index, pair) in inverse.windows(2).enumerate() {
        let &[here, below] = pair else { continue };
        let [here, below] = [here, below].map(|digit| _mm512_set1_epi64(digit as i64));
        for ((group, low), high) in groups.iter().zip(&mut low).zip(&mut high) {
            if let Some(register) = group.get(index) {
                let number = load(register);
                *low = _mm512_madd52lo_epu64(*low, number, here);
                *high = _mm512_madd52hi_epu64(*high, number, below);
            }
        }
    }
    for (low, high) in low.iter_mut().zip(high) {
        *low = _mm512_add_epi64(*low, high);
    }
    low
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn load(register: &Register<u64>) -> __m512i {
    // SAFETY: a load beyond the end of memory would fault. This one reads the 64 bytes of `register`.
    unsafe { _mm512_loadu_si512(register.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn load_fractions(register: &Register<f64>) -> __m512d {
    // SAFETY: as in `load`.
    unsafe { _mm512_loadu_pd(register.0.as_ptr()) }
}

/// The digits of a number, the lowest first, and zeros without end.
fn digits_of(number: &[u64]) -> impl Iterator<Item = u64> {
    let mut limbs = number.iter();
    let mut buffer = 0u128;
    let mut filled = 0;
    std::iter::repeat_with(move || {
        if filled < DIGIT_BITS {
            buffer |= u128::from(limbs.next().copied().unwrap_or(0)) << filled;
            filled += u64::BITS;
        }
        let digit = buffer as u64 & ((1 << DIGIT_BITS) - 1);
        buffer >>= DIGIT_BITS;
        filled -= DIGIT_BITS;
        digit
    })
}

/// Digits of windows to 2048 bits, and a zero.
const FEW_DIGITS: usize = 42;

/// Digits of the largest inverse, and a zero.
const MAX_DIGITS: usize = MAX_INVERSE * u64::BITS as usize / DIGIT_BITS as usize + 2;

/// Rounding towards zero, to integers.
const TRUNCATE: i32 = 3 | 8;
