//! Arithmetic modulo a curve's prime on eight elements at a time, by AVX-512 IFMA.
//!
//! An element is `N` digits of 52 bits, one register a digit, one element a lane. Products are Montgomery's with
//! R' = 2^(52·N) instead of the R = 2^(64·L) of [`Modulus`](super::field::Modulus); the formulas that use them make up
//! for the difference, 2^`SURPLUS`, so that elements keep the form of the portable code.
//!
//! Elements need not be below p. R' is at least 16·p, and the product of elements below a·p and b·p is below
//! (a·b/16 + 1)·p. Each function says what it takes and gives, in digits or in the columns of `simd_digits`.

// Every index is below N or L by the loop around it, and both are known at compile time. Several arrays and the digits
// of the prime share it.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

use super::field::{Limbs, is_zero};
use super::simd_digits::{
    DIGIT_BITS, DIGIT_MASK, Digits, LANES, Register, blended, carried, left, right, splat, store,
    transposed,
};
use super::weierstrass::{Weierstrass, invert_all};
use std::arch::x86_64::{
    _mm_cvtsi64_si128, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_movepi64_mask, _mm512_mullo_epi64, _mm512_or_si512,
    _mm512_setzero_si512, _mm512_srai_epi64, _mm512_srl_epi64, _mm512_sub_epi64,
};
use std::marker::PhantomData;
use zeroize::Zeroizing;

/// The field of a curve whose elements of `L` limbs have `N` digits.
pub(super) struct Field<C, const L: usize, const N: usize>(PhantomData<C>);

impl<C: Weierstrass<L>, const L: usize, const N: usize> Field<C, L, N> {
    /// The prime in digits of which some are 0 or -1 for being in a run of ones: those need no multiplication.
    const PRIME: [i64; N] = sparse(&C::FIELD.limbs);
    /// -1/p mod 2^52.
    const INVERSE: u64 = C::FIELD.inverse & DIGIT_MASK;
    /// Bits of the prime that its highest digit holds.
    const TOP_BITS: usize = {
        let mut bits = 64 * L - DIGIT_BITS * (N - 1);
        while bits_at(&C::FIELD.limbs, DIGIT_BITS * (N - 1) + bits - 1) & 1 == 0 {
            bits -= 1;
        }
        // The bounds of this file and of the formulas rely on it.
        assert!(bits + 4 <= DIGIT_BITS);
        bits
    };
    /// The binary logarithm of R'/R: 4, 32, or -4 for P-521.
    pub(super) const SURPLUS: isize = {
        let surplus = (DIGIT_BITS * N) as isize - 64 * L as isize;
        assert!(surplus % 2 == 0 && surplus >= -4 && surplus < 42);
        surplus
    };
    /// In the form of the portable code, what takes an inverse of that form to one for the formulas of
    /// [`Lanes`](super::simd_ifma::Lanes): an element z, as they see it, stands for z/R', and the inverse they want is
    /// that of z/R' divided by 2^(`SURPLUS`/2) if that is positive.
    const CORRECTION: Limbs<L> = {
        let mut power = [0; L];
        if Self::SURPLUS >= 0 {
            let exponent = 3 * Self::SURPLUS as usize / 2;
            power[exponent / 64] = 1 << (exponent % 64);
            C::FIELD.enter(&power)
        } else {
            let exponent = (64 * L as isize + 2 * Self::SURPLUS) as usize;
            power[exponent / 64] = 1 << (exponent % 64);
            C::FIELD.multiply(&C::FIELD.one, &power)
        }
    };

    /// a·b/R', for elements below 2^(52·N) whose product is below 16·R'·p, as columns: below (a·b/(R'·p) + 1)·p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn product(a: &Digits<N>, b: &Digits<N>) -> Digits<N> {
        let zero = _mm512_setzero_si512();
        let mut sums = [zero; N];
        for &a in a {
            for j in 0..N {
                sums[j] = _mm512_madd52lo_epu64(sums[j], a, b[j]);
            }
            let quotient = if Self::INVERSE == 1 {
                _mm512_and_si512(sums[0], splat(DIGIT_MASK as i64))
            } else {
                _mm512_madd52lo_epu64(zero, sums[0], splat(Self::INVERSE as i64))
            };
            for j in 0..N {
                sums[j] = match Self::PRIME[j] {
                    0 => sums[j],
                    -1 => _mm512_sub_epi64(sums[j], quotient),
                    digit => _mm512_madd52lo_epu64(sums[j], quotient, splat(digit)),
                };
            }
            let carry = _mm512_srai_epi64::<{ DIGIT_BITS as u32 }>(sums[0]);
            // What is above goes down a digit. Moving it by itself would be made a copy through memory.
            let mut next = [zero; N];
            for j in 0..N {
                let above = if j + 1 < N { sums[j + 1] } else { zero };
                next[j] = _mm512_madd52hi_epu64(above, a, b[j]);
                if Self::PRIME[j] > 0 {
                    next[j] = _mm512_madd52hi_epu64(next[j], quotient, splat(Self::PRIME[j]));
                }
            }
            next[0] = _mm512_add_epi64(next[0], carry);
            sums = next;
        }
        sums
    }

    /// The [`product`](Self::product), carried.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn multiply(a: &Digits<N>, b: &Digits<N>) -> Digits<N> {
        carried(Self::product(a, b))
    }

    /// a - b + times·p, as columns.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn difference(a: &Digits<N>, b: &Digits<N>, times: i64) -> Digits<N> {
        let mut difference = *a;
        for j in 0..N {
            difference[j] = _mm512_sub_epi64(difference[j], b[j]);
        }
        Self::raised(&difference, times)
    }

    /// a + times·p, as columns.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn raised(a: &Digits<N>, times: i64) -> Digits<N> {
        let mut raised = *a;
        for j in 0..N {
            if Self::PRIME[j] != 0 && times != 0 {
                raised[j] = _mm512_add_epi64(raised[j], splat(times * Self::PRIME[j]));
            }
        }
        raised
    }

    /// Columns of numbers from 0 to 31·p, less so much of p that what remains is below p and a 2^28th of it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn shortened(columns: Digits<N>) -> Digits<N> {
        let mut digits = carried(columns);
        let times = _mm512_srl_epi64(digits[N - 1], _mm_cvtsi64_si128(Self::TOP_BITS as i64));
        for j in 0..N {
            digits[j] = match Self::PRIME[j] {
                0 => digits[j],
                -1 => _mm512_add_epi64(digits[j], times),
                digit => _mm512_sub_epi64(digits[j], _mm512_mullo_epi64(times, splat(digit))),
            };
        }
        digits
    }

    /// Columns of numbers from 0 to 4·p, modulo p, as digits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn reduced(columns: Digits<N>) -> Digits<N> {
        let mut digits = carried(columns);
        for times in [-2, -1] {
            let less = carried(Self::raised(&digits, times));
            let negative = _mm512_movepi64_mask(less[N - 1]);
            digits = blended(negative, &less, &digits);
        }
        digits
    }

    /// The digits of eight portable elements.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn enter(elements: [&Limbs<L>; LANES]) -> Digits<N> {
        let limbs = transposed(elements);
        let mut digits = [_mm512_setzero_si512(); N];
        for (j, digit) in digits.iter_mut().enumerate() {
            let (limb, bit) = (DIGIT_BITS * j / 64, DIGIT_BITS * j % 64);
            if limb < L {
                *digit = right(limbs[limb], bit);
            }
            if limb + 1 < L && bit > 64 - DIGIT_BITS {
                *digit = _mm512_or_si512(*digit, left(limbs[limb + 1], 64 - bit));
            }
            *digit = _mm512_and_si512(*digit, splat(DIGIT_MASK as i64));
        }
        digits
    }

    /// The portable elements, from columns of numbers from 0 to 4·p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn leave(columns: Digits<N>, elements: &mut [Limbs<L>; LANES]) {
        let digits = Self::reduced(columns);
        for i in 0..L {
            let (digit, bit) = (64 * i / DIGIT_BITS, 64 * i % DIGIT_BITS);
            let mut limb = right(digits[digit], bit);
            for above in 1..3 {
                if digit + above < N && DIGIT_BITS * above - bit < 64 {
                    limb = _mm512_or_si512(
                        limb,
                        left(digits[digit + above], DIGIT_BITS * above - bit),
                    );
                }
            }
            let mut register = Zeroizing::new(Register::default());
            store(&mut register, limb);
            for (element, limb) in elements.iter_mut().zip(register.0) {
                element[i] = limb;
            }
        }
    }

    /// The inverses for the formulas of eight numbers from 0 to 4·p; `None` if one of them is zero modulo p.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn inverses(numbers: Digits<N>) -> Option<Digits<N>> {
        let mut tree = Zeroizing::new([[0; L]; 2 * LANES]);
        let (_, leaves) = tree.split_at_mut(LANES);
        let leaves: &mut [Limbs<L>; LANES] = leaves.try_into().ok()?;
        Self::leave(numbers, leaves);
        if leaves.iter().any(is_zero) {
            return None;
        }
        invert_all::<C, L>(&mut *tree);
        let (_, leaves) = tree.split_at_mut(LANES);
        for leaf in leaves.iter_mut() {
            *leaf = C::multiply(leaf, const { &Self::CORRECTION });
        }
        let leaves: &[Limbs<L>; LANES] = (&*leaves).try_into().ok()?;
        Some(Self::enter(leaves.each_ref()))
    }
}

/// Digits of a number in which runs of ones over whole digits become -1, 0, …, 0 and one more above.
const fn sparse<const L: usize, const N: usize>(limbs: &Limbs<L>) -> [i64; N] {
    let mut digits = [0; N];
    let mut carry = 0;
    let mut j = 0;
    while j < N {
        let digit = (bits_at(limbs, DIGIT_BITS * j) & DIGIT_MASK) as i64 + carry;
        carry = (digit >= DIGIT_MASK as i64) as i64;
        digits[j] = digit - (carry << DIGIT_BITS);
        j += 1;
    }
    assert!(carry == 0);
    digits
}

/// The bits of a number from the bit `at` on, 64 of them, with zeros above the number.
const fn bits_at<const L: usize>(limbs: &Limbs<L>, at: usize) -> u64 {
    let (index, bit) = (at / 64, at % 64);
    let low = if index < L { limbs[index] } else { 0 };
    let high = if index + 1 < L { limbs[index + 1] } else { 0 };
    ((low as u128 | (high as u128) << 64) >> bit) as u64
}

#[cfg(test)]
mod tests {
    use super::super::simd_digits::{negated, scaled, shifted, with_ones};
    use super::super::weierstrass::{Curve25519, P256, P384, P521, Secp256k1};
    use super::*;
    use proptest::prelude::*;

    type Elements<const L: usize> = [Limbs<L>; LANES];

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn leave<C: Weierstrass<L>, const L: usize, const N: usize>(columns: Digits<N>) -> Elements<L> {
        let mut elements = [[u64::MAX; L]; LANES];
        Field::<C, L, N>::leave(columns, &mut elements);
        elements
    }

    /// Each function of the field against that of the portable one.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn check_lanes<C: Weierstrass<L>, const L: usize, const N: usize>(
        a: &Elements<L>,
        b: &Elements<L>,
    ) {
        let field = &C::FIELD;
        let pairs = |function: &dyn Fn(&Limbs<L>, &Limbs<L>) -> Limbs<L>| -> Elements<L> {
            std::array::from_fn(|lane| function(&a[lane], &b[lane]))
        };
        let power = |bits: usize| {
            let mut power = [0; L];
            power[0] = 1 << bits;
            field.enter(&power)
        };
        let surplus = power(Field::<C, L, N>::SURPLUS.unsigned_abs());
        let is_below = Field::<C, L, N>::SURPLUS < 0;
        let lanes_a = Field::<C, L, N>::enter(a.each_ref());
        let lanes_b = Field::<C, L, N>::enter(b.each_ref());
        assert_eq!(leave::<C, L, N>(lanes_a), *a);

        // Products of elements up to 3·p and 4·p too, and their columns.
        let expected = pairs(&|a, b| match (C::multiply(a, b), is_below) {
            (product, true) => C::multiply(&product, &surplus),
            (product, false) => C::multiply(&product, &C::invert(&surplus)),
        });
        for (more_a, more_b) in [(0, 0), (2, 3), (3, 2)] {
            let larger_a = carried(Field::<C, L, N>::raised(&lanes_a, more_a));
            let larger_b = carried(Field::<C, L, N>::raised(&lanes_b, more_b));
            let product = Field::<C, L, N>::multiply(&larger_a, &larger_b);
            assert_eq!(leave::<C, L, N>(product), expected);
            let columns = Field::<C, L, N>::product(&larger_a, &larger_b);
            assert_eq!(leave::<C, L, N>(columns), expected);
            assert_eq!(leave::<C, L, N>(larger_a), *a);
        }

        let expected = pairs(&|a, b| field.subtract(a, b));
        for times in [1, 2, 3, 7, 15, 29, 30] {
            let difference = Field::<C, L, N>::difference(&lanes_a, &lanes_b, times);
            if times <= 3 {
                assert_eq!(leave::<C, L, N>(difference), expected);
            }
            let shortened = Field::<C, L, N>::shortened(difference);
            assert_eq!(leave::<C, L, N>(shortened), expected);
            // Less p and a 2^28th of it, to be sure: negative.
            let mut less = Field::<C, L, N>::raised(&shortened, -1);
            let top = Field::<C, L, N>::TOP_BITS;
            let (place, bit) = if top >= 28 {
                (N - 1, top - 28)
            } else {
                (N - 2, top + 24)
            };
            less[place] = _mm512_sub_epi64(less[place], splat(1 << bit));
            assert_eq!(_mm512_movepi64_mask(carried(less)[N - 1]), u8::MAX);
        }

        let fourfold = a.map(|a| field.add(&field.add(&a, &a), &field.add(&a, &a)));
        let doubled = a.map(|a| field.add(&a, &a));
        let negative = a.map(|a| field.negate(&a));
        let reduced = leave::<C, L, N>(shifted(&lanes_a, 1));
        assert_eq!(reduced, doubled);
        let short = Field::<C, L, N>::shortened(shifted(&lanes_a, 2));
        assert_eq!(leave::<C, L, N>(short), fourfold);
        assert_eq!(leave::<C, L, N>(scaled(&lanes_a, 1)), doubled);
        let some = Field::<C, L, N>::raised(&negated(0b1001_0110, &lanes_a), 1);
        let some = leave::<C, L, N>(some);
        let mixed = leave::<C, L, N>(blended(0b1001_0110, &lanes_a, &lanes_b));
        for lane in 0..LANES {
            let is_set = 0b1001_0110 >> lane & 1 == 1;
            assert_eq!(some[lane], if is_set { negative[lane] } else { a[lane] });
            assert_eq!(mixed[lane], if is_set { b[lane] } else { a[lane] });
        }

        let inverses = Field::<C, L, N>::inverses(lanes_a);
        assert_eq!(inverses.is_none(), a.iter().any(is_zero));
        let zeros = a.iter().enumerate();
        let zeros = zeros.fold(0, |mask, (lane, a)| mask | u8::from(is_zero(a)) << lane);
        let others = with_ones(zeros, &lanes_a);
        let inverses = Field::<C, L, N>::inverses(others).unwrap();
        let product = leave::<C, L, N>(Field::<C, L, N>::multiply(&others, &inverses));
        for product in product {
            if is_below {
                assert_eq!(C::multiply(&product, &surplus), field.one);
            } else {
                assert_eq!(product, power(Field::<C, L, N>::SURPLUS as usize / 2));
            }
        }
    }

    fn check<C: Weierstrass<L>, const L: usize, const N: usize>(numbers: &[[u64; 9]; 16]) {
        let elements = numbers.map(|number| {
            let limbs = number[..L].try_into().unwrap();
            // Those below p as they are, so that the extremes remain.
            if C::FIELD.is_reduced(&limbs) {
                limbs
            } else {
                C::FIELD.enter(&limbs)
            }
        });
        let (a, b) = elements.split_at(LANES);
        // SAFETY: the caller has seen that the processor has AVX-512 F, DQ and IFMA.
        unsafe { check_lanes::<C, L, N>(a.try_into().unwrap(), b.try_into().unwrap()) }
    }

    fn check_all(numbers: &[[u64; 9]; 16]) {
        if P256::kernel(1).is_none() {
            eprintln!("skipped: this processor has no AVX-512 IFMA");
            return;
        }
        check::<P256, 4, 5>(numbers);
        check::<Secp256k1, 4, 5>(numbers);
        check::<Curve25519, 4, 5>(numbers);
        check::<P384, 6, 8>(numbers);
        check::<P521, 9, 11>(numbers);
    }

    #[test]
    fn extremes_come_out_as_in_the_portable_field() {
        fn extremes<C: Weierstrass<L>, const L: usize>() -> [[u64; 9]; 4] {
            let mut extremes = [[0; 9]; 4];
            extremes[1][0] = 1;
            extremes[2][..L].copy_from_slice(&C::FIELD.limbs);
            extremes[2][0] -= 1;
            extremes[3][..L].copy_from_slice(&C::FIELD.one);
            extremes
        }
        let all = [
            extremes::<P256, 4>(),
            extremes::<Secp256k1, 4>(),
            extremes::<Curve25519, 4>(),
            extremes::<P384, 6>(),
            extremes::<P521, 9>(),
        ];
        for extremes in all {
            // Each with each.
            check_all(&std::array::from_fn(|index| match index {
                0..8 => extremes[index % 4],
                _ => extremes[(index + index / 12) % 4],
            }));
            check_all(&std::array::from_fn(|index| match index {
                0..8 => extremes[index % 4],
                _ => extremes[(index + 2 + index / 12) % 4],
            }));
        }
        check_all(&[[u64::MAX; 9]; 16]);
    }

    #[test]
    fn runs_of_ones_need_no_multiplication() {
        type P = Field<P521, 9, 11>;
        assert_eq!(P::PRIME, [-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!((P::TOP_BITS, P::SURPLUS, P::INVERSE), (1, -4, 1));
        type Q = Field<P256, 4, 5>;
        assert_eq!(Q::PRIME, [-1, 1 << 44, 0, 1 << 36, (1 << 48) - (1 << 16)]);
        assert_eq!((Q::TOP_BITS, Q::SURPLUS, Q::INVERSE), (48, 4, 1));
        assert_eq!(Field::<Curve25519, 4, 5>::TOP_BITS, 47);
        assert_eq!(Field::<P384, 6, 8>::SURPLUS, 32);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn all_numbers_come_out_as_in_the_portable_field(
            limbs in prop::collection::vec(prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)], 9 * 16),
        ) {
            let (numbers, _) = limbs.as_chunks::<9>();
            check_all(numbers.try_into().unwrap());
        }
    }
}
