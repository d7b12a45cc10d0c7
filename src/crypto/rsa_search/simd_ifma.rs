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

use std::arch::x86_64::{
    __m512d, __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_cmple_epu64_mask,
    _mm512_cvttpd_epi64, _mm512_loadu_pd, _mm512_loadu_si512, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mul_pd, _mm512_roundscale_pd, _mm512_set1_epi64, _mm512_set1_pd,
    _mm512_setzero_si512, _mm512_sub_epi64, _mm512_sub_pd,
};

/// Bits of a digit.
pub(super) const DIGIT_BITS: u32 = 52;

/// Moduli in a register.
pub(super) const LANES: usize = 8;

/// Moduli laid out for the kernel. There is one only on a processor that has it.
pub(super) struct Lanes {
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

/// What the digits of one window are compared with.
pub(super) struct Window<'a> {
    /// x\[c\] to x\[0\], then zero.
    pub(super) inverse: &'a [u64],
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
        let groups = moduli.chunks(LANES);
        let numbers = groups.flat_map(|group| {
            (0..digits).map(move |digit| {
                let mut register = [0; LANES];
                for (lane, modulus) in register.iter_mut().zip(group) {
                    *lane = digit_of(modulus, digit);
                }
                Register(register)
            })
        });
        let fractions = fractions.chunks(LANES).map(|group| {
            let mut register = [0.0; LANES];
            for (lane, fraction) in register.iter_mut().zip(group) {
                *lane = *fraction;
            }
            Register(register)
        });
        is_able.then(|| Self {
            digits,
            numbers: numbers.collect(),
            fractions: fractions.collect(),
        })
    }

    /// Calls `candidate` with the place of the first of eight moduli and a bit for each of them that the window
    /// may divide. Bits of places behind the last modulus mean nothing.
    pub(super) fn candidates(&self, window: &Window<'_>, candidate: impl FnMut(usize, u8)) {
        // SAFETY: this would be an illegal instruction on a processor without AVX-512 F, DQ and IFMA. `new`
        // alone makes the lanes, after it has seen all three.
        unsafe { self.look(window, candidate) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn look(&self, window: &Window<'_>, mut candidate: impl FnMut(usize, u8)) {
        // Two groups at a time share the broadcasts.
        let mut groups = self.numbers.chunks_exact(2 * self.digits);
        let mut fractions = self.fractions.chunks_exact(2);
        let mut place = 0;
        for (group, fraction) in groups.by_ref().zip(fractions.by_ref()) {
            let (first, second) = group.split_at(self.digits);
            let masks = masks([first, second], fraction, window);
            for mask in masks {
                if mask != 0 {
                    candidate(place, mask);
                }
                place += LANES;
            }
        }
        if let (group @ [_, ..], fraction @ [_]) = (groups.remainder(), fractions.remainder()) {
            let [mask] = masks([group], fraction, window);
            if mask != 0 {
                candidate(place, mask);
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
    window: &Window<'_>,
) -> [u8; N] {
    let digits = columns(groups, window.inverse);
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

/// Digit `at` of a number.
pub(super) fn digit_of(number: &[u64], at: usize) -> u64 {
    let bit = at * DIGIT_BITS as usize;
    let (index, shift) = (bit / 64, (bit % 64) as u32);
    let limb = |index: usize| u128::from(number.get(index).copied().unwrap_or(0));
    let pair = limb(index + 1) << 64 | limb(index);
    (pair >> shift) as u64 & ((1 << DIGIT_BITS) - 1)
}

/// Rounding towards zero, to integers.
const TRUNCATE: i32 = 3 | 8;
