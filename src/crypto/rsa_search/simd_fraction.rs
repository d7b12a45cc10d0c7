//! The vector kernel of [`fraction`](super::fraction): continued fractions of sixteen numbers together.
//!
//! Each number is rounded to a double, which moves it by at most [`ROUNDED`]/2^64; the remainders of doubles are doubles,
//! so that from there on nothing is rounded. A nearest integer that is missed by one where two are as near changes
//! nothing: the fraction sought is that much nearer than any other with a denominator as small.

/// Numbers looked at together.
pub(super) const LANES: usize = 16;

/// By how much a double of 2^63 or less, after a division by two, differs from the number, in units of 2^-64: half a unit
/// of its last bit, and the bit that is shifted out.
const ROUNDED: u64 = (1 << 10) + 1;

/// Which of the fractions may be near ones with denominators below 2^`DENOMINATOR`, as
/// [`is_near_small`](super::fraction::is_near_small) says of them with `error` and some more: a bit for each.
#[inline]
pub(super) fn may_be_near_small<const DENOMINATOR: u32>(
    fractions: &[u64; LANES],
    error: u64,
) -> u16 {
    let error = error + ROUNDED;
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: this would be an illegal instruction on a processor without AVX2 and FMA, which it has.
        return unsafe { avx2::may_be_near_small::<DENOMINATOR>(fractions, error) };
    }
    let fractions = fractions.iter().enumerate();
    fractions.fold(0, |mask, (lane, fraction)| {
        let is_near = super::fraction::is_near_small::<DENOMINATOR>(*fraction, error);
        mask | u16::from(is_near) << lane
    })
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::LANES;
    use std::arch::x86_64::{
        __m256d, _CMP_GE_OQ, _CMP_LE_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT,
        _mm256_andnot_pd, _mm256_blendv_pd, _mm256_cmp_pd, _mm256_div_pd, _mm256_fnmadd_pd,
        _mm256_movemask_pd, _mm256_or_pd, _mm256_round_pd, _mm256_set_pd, _mm256_set1_pd,
    };

    /// In units of 2^-63.
    #[target_feature(enable = "avx2,fma")]
    pub fn may_be_near_small<const DENOMINATOR: u32>(fractions: &[u64; LANES], error: u64) -> u16 {
        let least = _mm256_set1_pd((1u64 << (63 - DENOMINATOR)) as f64);
        let near = _mm256_set1_pd((error.div_ceil(2) << DENOMINATOR) as f64);
        let (parts, _) = fractions.as_chunks::<4>();
        let mut small: [__m256d; LANES / 4] = std::array::from_fn(|index| {
            let [a, b, c, d] = parts.get(index).copied().unwrap_or_default();
            let [a, b, c, d] = [a, b, c, d].map(|x| {
                let least = x.min(x.wrapping_neg());
                (least >> 1).cast_signed() as f64
            });
            _mm256_set_pd(d, c, b, a)
        });
        let mut large = [_mm256_set1_pd((1u64 << 63) as f64); LANES / 4];
        loop {
            let mut any = _mm256_set1_pd(0.0);
            for (large, small) in large.iter_mut().zip(&mut small) {
                let goes_on = _mm256_cmp_pd::<_CMP_GE_OQ>(*small, least);
                let quotient = _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(
                    _mm256_div_pd(*large, *small),
                );
                let rest = _mm256_fnmadd_pd(quotient, *small, *large);
                let rest = _mm256_andnot_pd(_mm256_set1_pd(-0.0), rest);
                *large = _mm256_blendv_pd(*large, *small, goes_on);
                *small = _mm256_blendv_pd(*small, rest, goes_on);
                any = _mm256_or_pd(any, goes_on);
            }
            if _mm256_movemask_pd(any) == 0 {
                break;
            }
        }
        let masks = small.iter().enumerate().map(|(index, small)| {
            let is_near = _mm256_cmp_pd::<_CMP_LE_OQ>(*small, near);
            (_mm256_movemask_pd(is_near) as u16) << (4 * index)
        });
        masks.fold(0, |all, mask| all | mask)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fraction::is_near_small;
    use super::*;
    use proptest::prelude::*;

    /// Fractions near a/l, anywhere, and at the borders.
    fn fraction() -> impl Strategy<Value = u64> {
        let near = (1u32..14, any::<u64>(), any::<u64>(), -64i64..=64);
        let near = near.prop_map(|(bits, l, a, off)| {
            let l = l >> (64 - bits) | 1;
            let x = ((u128::from(a % l) << 64) / u128::from(l)) as u64;
            x.wrapping_add_signed(off)
        });
        let border =
            (0u32..64, -3i64..=3).prop_map(|(bit, off)| (1u64 << bit).wrapping_add_signed(off));
        prop_oneof![near, any::<u64>(), border, Just(0), Just(u64::MAX)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn no_near_fraction_is_lost(fractions in proptest::array::uniform16(fraction())) {
            let mask = may_be_near_small::<14>(&fractions, 64);
            for (lane, fraction) in fractions.into_iter().enumerate() {
                let is_told = mask >> lane & 1 == 1;
                prop_assert!(is_told || !is_near_small::<14>(fraction, 64), "{fraction:#x}");
                prop_assert!(!is_told || is_near_small::<14>(fraction, 4096), "{fraction:#x}");
            }
        }
    }

    #[test]
    fn few_others_pass() {
        let mut random = super::super::test_numbers::Random(7);
        let passed: u32 = (0..1 << 16)
            .map(|_| {
                let fractions = std::array::from_fn(|_| random.limb());
                may_be_near_small::<14>(&fractions, 64).count_ones()
            })
            .sum();
        assert!(passed <= 2, "{passed}");
    }
}
