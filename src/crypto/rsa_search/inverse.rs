//! Inverses of odd numbers modulo powers of 2^64, limb by limb (Hensel).

use super::limbs::{Columns, inverse_of_limb};
use zeroize::Zeroize;

/// The most limbs of an inverse.
pub(super) const MAX_INVERSE: usize = 257;

/// Hands over the inverse of an odd number modulo 2^(64·`limbs`), and wipes it then. Of more than
/// [`MAX_INVERSE`] limbs there is none: `None`, as for an even number.
pub(super) fn with_inverse<R>(
    number: &[u64],
    limbs: usize,
    use_it: impl FnOnce(&[u64]) -> R,
) -> Option<R> {
    // The room for small numbers is small, for it costs time to clear and to wipe it.
    match limbs {
        0..=9 => within::<9, R>(number, limbs, use_it),
        10..=17 => within::<17, R>(number, limbs, use_it),
        18..=33 => within::<33, R>(number, limbs, use_it),
        34..=65 => within::<65, R>(number, limbs, use_it),
        66..=MAX_INVERSE => within::<MAX_INVERSE, R>(number, limbs, use_it),
        _ => None,
    }
}

fn within<const N: usize, R>(
    number: &[u64],
    limbs: usize,
    use_it: impl FnOnce(&[u64]) -> R,
) -> Option<R> {
    let lowest = *number.first()?;
    let step = inverse_of_limb(lowest);
    // The highest limb first, so that both factors of a column are read upwards: twice as fast.
    let mut reversed = [0; N];
    for (place, limb) in reversed.iter_mut().rev().zip(number) {
        *place = *limb;
    }
    let mut inverse = [0; N];
    let mut columns = Columns::default();
    for column in 0..limbs {
        // What number · inverse has in this column so far; the next limb makes it 0, or 1 in the lowest.
        let (known, unknown) = inverse.split_at_mut_checked(column)?;
        for (limb, other) in known.iter().zip(reversed.get(N - 1 - column..)?) {
            columns.add(*limb, *other);
        }
        let limb = u64::from(column == 0)
            .wrapping_sub(columns.low())
            .wrapping_mul(step);
        columns.add(limb, lowest);
        columns.shift();
        *unknown.first_mut()? = limb;
    }
    let result = (lowest & 1 == 1).then(|| inverse.get(..limbs).map(use_it))?;
    // What lies beyond was never written.
    reversed
        .iter_mut()
        .rev()
        .take(number.len())
        .for_each(Zeroize::zeroize);
    inverse.iter_mut().take(limbs).for_each(Zeroize::zeroize);
    result
}

#[cfg(test)]
mod tests {
    use super::super::limbs::number;
    use super::*;
    use crypto_bigint::{BoxedUint, Resize};
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_times_its_inverse_is_one(
            mut factor in vec(any::<u64>(), 1..70),
            limbs in 1..MAX_INVERSE,
        ) {
            factor[0] |= 1;
            let size = 64 * limbs as u32;
            let one = with_inverse(&factor, limbs, |inverse| {
                assert_eq!(inverse.len(), limbs);
                let factor = (&*number(&factor)).resize(64 * limbs.max(factor.len()) as u32);
                let product = factor.wrapping_mul(&*number(inverse));
                product.resize_unchecked(size) == BoxedUint::one()
            });
            prop_assert_eq!(one, Some(true));
        }
    }

    #[test]
    fn there_are_limits() {
        assert_eq!(with_inverse(&[], 1, |_| ()), None);
        assert_eq!(with_inverse(&[2, 1], 2, |_| ()), None);
        assert_eq!(with_inverse(&[3], MAX_INVERSE, |_| ()), Some(()));
        assert_eq!(with_inverse(&[3], MAX_INVERSE + 1, |_| ()), None);
        assert_eq!(with_inverse(&[3], usize::MAX, |_| ()), None);
    }
}
