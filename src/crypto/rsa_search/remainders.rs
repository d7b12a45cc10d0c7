//! Which public exponent does a private number tell, once a prime is known? x/p is near k/e for x = d modulo p-1.
//!
//! From e·x = 1 + k·(p-1) follows x/p = k/e but for a part below 1/p, and e and k have no common factor: so e is the
//! denominator of x/p, which a continued fraction on the leading 128 bits tells.

use super::exponents::scaled;
use super::fraction::{ratio, small_denominator};
use super::limbs::{Number, bits, bits_below, number, trimmed};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The look for d modulo one prime less one, whatever the public exponent. Holds the prime, wiped at the end.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Remainders {
    less_one: BoxedUint,
    /// Bits of the prime.
    bits: u32,
    /// 2^`bits`/p - 1 in units of 2^-128.
    reciprocal: u128,
    /// The leading 128 bits of p.
    top: u128,
}

impl Remainders {
    /// For a prime of at least `LEAST_PRIME_BITS` bits.
    pub fn new(prime: &[u64]) -> Option<Self> {
        let prime = trimmed(prime);
        let size = bits(prime);
        let is_odd = prime.first().is_some_and(|low| low & 1 == 1);
        if !is_odd || !(LEAST_PRIME_BITS..=MOST_PRIME_BITS).contains(&size) {
            return None;
        }
        let p = number(prime);
        let reciprocal = scaled(&BoxedUint::one(), size + 128, &p)?;
        let limb = |index: usize| u128::from(reciprocal.get(index).copied().unwrap_or(0));
        Some(Self {
            less_one: p.wrapping_sub(BoxedUint::one()),
            bits: size,
            reciprocal: limb(1) << 64 | limb(0),
            top: leading(prime, size),
        })
    }

    /// Bits of the prime.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Whether x may be d modulo p-1, from its leading 128 bits, those of p counted. Nothing is lost while e is below
    /// 2^[`EXPONENT_BITS`]; of random numbers fewer than one in 2^20 pass.
    #[inline]
    pub fn may_be(&self, x: &[u64]) -> bool {
        self.denominator(x).is_some()
    }

    /// The public exponent e, if e·x ≡ 1 modulo p-1. Exact.
    pub fn exponent(&self, x: &[u64]) -> Option<u64> {
        let e = self.denominator(x)?;
        let x = number(trimmed(x));
        let product = Zeroizing::new(x.concatenating_mul(BoxedUint::from(e)));
        let modulus: Zeroizing<NonZero<BoxedUint>> =
            Zeroizing::new(self.less_one.to_nz().into_option()?);
        let rest: Number = Zeroizing::new(product.rem_vartime(&*modulus));
        (rest.bits_vartime() == 1).then_some(e)
    }

    fn denominator(&self, x: &[u64]) -> Option<u64> {
        let leading = leading(x, self.bits);
        // x is neither zero nor p, which lies in any dump with the key, nor larger.
        if leading == 0 || leading >= self.top {
            return None;
        }
        let denominator = small_denominator(ratio(leading, self.reciprocal))?;
        let is_exponent =
            denominator >= 3 && denominator & 1 == 1 && denominator >> EXPONENT_BITS == 0;
        is_exponent.then_some(denominator)
    }
}

/// The leading 128 bits of a number, those of one of `bits` bits counted.
fn leading(number: &[u64], bits: u32) -> u128 {
    let [high, low] = bits_below(number, bits);
    u128::from(high) << 64 | u128::from(low)
}

/// Bits of the largest public exponent that is told.
pub const EXPONENT_BITS: u32 = 40;

/// Bits of the shortest prime: x/p differs from k/e by less than 1/p, and a denominator of [`EXPONENT_BITS`] makes
/// that larger.
const LEAST_PRIME_BITS: u32 = 192;

/// Bits of the longest one.
const MOST_PRIME_BITS: u32 = 8192;

#[cfg(test)]
mod tests {
    use super::super::test_numbers::{Random, inverse, keys, prime};
    use super::*;

    #[test]
    fn remainders_tell_any_exponent() {
        let mut tried = 0;
        for (seed, size) in [(1, 192), (2, 257), (3, 512), (4, 521), (5, 1024)] {
            let p = prime(size, 7000 + seed);
            let other = prime(size, 7100 + seed);
            let remainders = Remainders::new(&p).expect("a prime");
            let less_one = number(&p).wrapping_sub(BoxedUint::one());
            let random = Random(seed).limb() >> 24 | 1;
            for e in [
                3,
                5,
                17,
                35,
                257,
                641,
                4097,
                65537,
                65539,
                (1 << 31) - 1,
                random,
            ] {
                let Some(x) = inverse(&[e], &less_one) else {
                    continue;
                };
                tried += 1;
                assert!(remainders.may_be(&x), "{size} bits, e = {e}");
                assert_eq!(remainders.exponent(&x), Some(e), "{size} bits");
                let of_another = Remainders::new(&other).expect("a prime");
                assert_eq!(of_another.exponent(&x), None, "{size} bits, e = {e}");
                let mut changed = x.clone();
                changed[0] ^= 2;
                assert_eq!(remainders.exponent(&changed), None, "{size} bits, e = {e}");
            }
        }
        assert!(tried > 25, "{tried}");
    }

    #[test]
    fn the_exponents_of_keys_are_told_and_other_numbers_tell_nothing() {
        for key in keys() {
            let [p, q] = [&key.p, &key.q].map(|prime| Remainders::new(prime).expect("a prime"));
            assert_eq!(p.exponent(&key.dp), Some(key.e[0]));
            assert_eq!(q.exponent(&key.dq), Some(key.e[0]));
            for other in [
                &key.p,
                &key.q,
                &key.n,
                &vec![],
                &vec![1],
                &vec![u64::MAX; 8],
            ] {
                assert_eq!(p.exponent(other), None);
            }
            let mut random = Random(11);
            let passed = (0..1 << 16).filter(|_| p.may_be(&random.number(key.p.len())));
            assert_eq!(passed.count(), 0);
        }
        assert!(Remainders::new(&[]).is_none() && Remainders::new(&[7]).is_none());
        assert!(Remainders::new(&[2, 0, 0, 1]).is_none());
    }
}
