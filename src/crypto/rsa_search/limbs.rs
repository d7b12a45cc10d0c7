//! Numbers as little-endian 64-bit limbs: what the searches share.

use crypto_bigint::BoxedUint;
use zeroize::{Zeroize, Zeroizing};

/// Bits in a limb.
pub(super) const LIMB_BITS: u32 = u64::BITS;

/// A wiped big integer.
pub(super) type Number = Zeroizing<BoxedUint>;

/// Without the zero limbs on top.
pub(super) fn trimmed(number: &[u64]) -> &[u64] {
    let zeros = number.iter().rev().take_while(|limb| **limb == 0).count();
    number
        .get(..number.len().saturating_sub(zeros))
        .unwrap_or(number)
}

/// Length in bits; 0 for zero.
pub(super) fn bits(number: &[u64]) -> u32 {
    let number = trimmed(number);
    let whole = u32::try_from(number.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(LIMB_BITS);
    whole.saturating_sub(number.last().map_or(0, |top| top.leading_zeros()))
}

/// The big integer of these limbs.
pub(super) fn number(limbs: &[u64]) -> Number {
    let mut bytes = Vec::with_capacity(limbs.len().saturating_mul(8));
    bytes.extend(limbs.iter().flat_map(|limb| limb.to_le_bytes()));
    let number = Zeroizing::new(BoxedUint::from_le_slice_vartime(&bytes));
    bytes.zeroize();
    number
}

/// The limbs of a big integer, without zeros on top.
pub(super) fn limbs(number: &BoxedUint) -> Zeroizing<Vec<u64>> {
    let bytes = Zeroizing::new(number.to_le_bytes());
    let limbs = bytes.chunks(8).map(|chunk| {
        chunk
            .iter()
            .rev()
            .fold(0, |limb, &byte| limb << 8 | u64::from(byte))
    });
    let mut collected = Zeroizing::new(Vec::with_capacity(bytes.len().div_ceil(8)));
    collected.extend(limbs);
    let length = trimmed(&collected).len();
    collected.truncate(length);
    collected
}

/// Bits `position` - 64·`N` to `position` of a number, the most significant limb first; those below bit 0
/// are zero.
pub(super) fn bits_below<const N: usize>(number: &[u64], position: u32) -> [u64; N] {
    let mut bit = i64::from(position);
    std::array::from_fn(|_| {
        bit -= i64::from(LIMB_BITS);
        limb_at(number, bit)
    })
}

/// The 64 bits from bit `at` on.
fn limb_at(number: &[u64], at: i64) -> u64 {
    let (index, offset) = (at.div_euclid(64), at.rem_euclid(64) as u32);
    let limb = |index: i64| {
        usize::try_from(index)
            .ok()
            .and_then(|index| number.get(index))
            .copied()
            .unwrap_or(0)
    };
    let low = limb(index) >> offset;
    let high = limb(index.saturating_add(1)).checked_shl(LIMB_BITS - offset);
    low | high.unwrap_or(0)
}

/// The inverse of an odd limb modulo 2^64.
pub(super) const fn inverse_of_limb(limb: u64) -> u64 {
    // Right in five bits (Montgomery); each step doubles them.
    let mut inverse = limb.wrapping_mul(3) ^ 2;
    let mut step = 0;
    while step < 4 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(limb.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

/// The low and the high limb of a product.
pub(super) const fn wide(a: u64, b: u64) -> (u64, u64) {
    let product = a as u128 * b as u128;
    (product as u64, (product >> 64) as u64)
}

/// The low 64 bits of a product of which the factors have these low 64 bits: what two primes and their modulus
/// have to agree in.
pub const fn low_product(p: u64, q: u64) -> u64 {
    p.wrapping_mul(q)
}

/// Whether n = p·q. Most wrong pairs leave after one multiplication, for their low limbs do not fit.
pub fn is_product(n: &[u64], p: &[u64], q: &[u64]) -> bool {
    let [n, p, q] = [n, p, q].map(trimmed);
    let (Some(n0), Some(p0), Some(q0)) = (n.first(), p.first(), q.first()) else {
        return n.is_empty() && (p.is_empty() || q.is_empty());
    };
    if *n0 != low_product(*p0, *q0)
        || p.len() + q.len() < n.len()
        || p.len() + q.len() > n.len() + 1
    {
        return false;
    }
    // Column by column from the lowest; the first that differs ends it.
    let mut columns = Columns::default();
    let columns_fit = n.iter().enumerate().all(|(column, limb)| {
        columns.add_column(p, q, column);
        columns.shift() == *limb
    });
    columns_fit && {
        (n.len()..p.len() + q.len()).for_each(|column| columns.add_column(p, q, column));
        columns.is_zero()
    }
}

/// The sum of products of one column, in three limbs.
#[derive(Clone, Copy, Default)]
pub(super) struct Columns {
    low: u128,
    high: u64,
}

impl Columns {
    /// Adds a·b.
    #[inline(always)]
    pub(super) fn add(&mut self, a: u64, b: u64) {
        let (low, carry) = self.low.overflowing_add(u128::from(a) * u128::from(b));
        self.low = low;
        self.high += u64::from(carry);
    }

    /// Adds all a\[i\]·b\[column - i\].
    pub(super) fn add_column(&mut self, a: &[u64], b: &[u64], column: usize) {
        let first = (column + 1).saturating_sub(b.len());
        let a = a.get(first..).unwrap_or(&[]);
        let b = b.get(..=column - first.min(column)).unwrap_or(&[]);
        a.iter()
            .zip(b.iter().rev())
            .for_each(|(a, b)| self.add(*a, *b));
    }

    /// The lowest limb.
    #[inline(always)]
    pub(super) fn low(&self) -> u64 {
        self.low as u64
    }

    /// Takes the lowest limb away: goes to the next column.
    #[inline(always)]
    pub(super) fn shift(&mut self) -> u64 {
        let limb = self.low as u64;
        self.low = self.low >> 64 | u128::from(self.high) << 64;
        self.high = 0;
        limb
    }

    fn is_zero(&self) -> bool {
        self.low == 0 && self.high == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto_bigint::ConcatenatingMul;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn limbs_of_other_lengths_than_the_number_are_read() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[1, 0, 0]), 1);
        assert_eq!(bits(&[0, 1 << 63]), 128);
        assert_eq!(trimmed(&[0, 0]), &[] as &[u64]);
        assert_eq!(bits_below::<2>(&[7, 9], 128), [9, 7]);
        assert_eq!(bits_below::<2>(&[7, 9], 68), [9 << 60, 7 << 60]);
        assert_eq!(bits_below::<1>(&[7], 300), [0]);
        assert_eq!(bits_below::<1>(&[1], 1), [1 << 63]);
    }

    proptest! {
        #[test]
        fn products_are_told_from_others(
            p in vec(any::<u64>(), 0..9),
            q in vec(any::<u64>(), 0..9),
            at in any::<prop::sample::Index>(),
            bit in 0..64,
        ) {
            let product = (*number(&p)).concatenating_mul(&*number(&q));
            let mut n = limbs(&product).to_vec();
            prop_assert!(is_product(&n, &p, &q));
            n.push(0);
            prop_assert!(is_product(&n, &p, &q));
            let at = at.index(n.len());
            n[at] ^= 1u64 << bit;
            prop_assert!(!is_product(&n, &p, &q));
        }

        #[test]
        fn an_odd_limb_times_its_inverse_is_one(limb in any::<u64>()) {
            prop_assert_eq!((limb | 1).wrapping_mul(inverse_of_limb(limb | 1)), 1);
        }
    }
}
