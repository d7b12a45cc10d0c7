//! Are two numbers the exponents dp and dq of a modulus? Their product is near kp·kq·n/e².
//!
//! From e·dp = 1 + kp·(p-1) and e·dq = 1 + kq·(q-1) follows e²·dp·dq/n ≈ kp·kq, but for a part as small as 1/p.
//! One of the two, times e²/n, is worked out once; then a partner costs a multiplication.

use super::exponents::scaled;
use super::factors::{Factored, with_sum};
use super::limbs::{Columns, bits, bits_below, number, trimmed, wide};
use crate::crypto::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Resize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// dp and dq of one modulus as a pair, in either order.
pub struct ExponentPairs {
    n: BoxedUint,
    /// The public exponent, if it is given.
    e: Option<u64>,
    /// Bits of the primes of the fixed number and of its partners.
    sizes: [u32; 2],
    /// E²·2^(sum of sizes)/n in units of 2^-128, the lowest limb first. E is e or 2^32 - 1.
    scale: [u64; 4],
}

/// One of the pair fixed, ready to meet partners. Holds a part of it, wiped at the end.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Partner<'a> {
    #[zeroize(skip)]
    pairs: &'a ExponentPairs,
    factor: Factor,
}

/// one·E²·2^(size of the partner)/n, by which a partner is multiplied.
#[derive(Zeroize)]
enum Factor {
    /// The number is too long or too short to be one of a pair.
    None,
    /// With [`SHORT_BITS`] bits below the point.
    Short(u64),
    /// One limb below the point and two above, the lowest first.
    Long([u64; 3]),
}

/// The leading 128 bits of a number, of the size of the prime it belongs to. Zero for a number that is none of
/// a pair.
#[derive(Clone, Copy, Zeroize)]
pub struct Top(u64, u64);

impl ExponentPairs {
    /// For a modulus of two primes of one size. Without e, those that divide 2^32 - 1 are looked for: products
    /// of 3, 5, 17, 257 and 65537. `None` for a modulus that is even, below 512 or above 16384 bits, and an
    /// exponent that is even, below 3 or above 40 bits.
    pub fn new(n: &[u64], e: Option<&[u64]>) -> Option<Self> {
        let half = bits(n).div_ceil(2);
        Self::of_sizes(n, e, half, half)
    }

    /// The same for primes of given sizes in bits, of which the first is that of the number to fix. They have
    /// the bits of n together, or one more.
    pub fn of_sizes(n: &[u64], e: Option<&[u64]>, one: u32, other: u32) -> Option<Self> {
        let size = bits(n);
        let sizes = one.checked_add(other)?;
        let e = match e.map(trimmed) {
            None => None,
            Some(&[e]) if e & 1 == 1 && e > 1 && e >> MAX_EXPONENT_BITS == 0 => Some(e),
            Some(_) => return None,
        };
        let is_right = n.first().is_some_and(|low| low & 1 == 1)
            && (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&size)
            && (size..=size + 1).contains(&sizes)
            && one.min(other) > LEAST_PRIME_BITS;
        if !is_right {
            return None;
        }
        let n = (*number(trimmed(n))).clone();
        let square = BoxedUint::from(u128::from(e.unwrap_or(ALL_USUAL)).pow(2));
        let scale = scaled(&square, sizes + 128, &n)?;
        Some(Self {
            n,
            e,
            sizes: [one, other],
            scale: std::array::from_fn(|index| scale.get(index).copied().unwrap_or(0)),
        })
    }

    /// Fixes one of the pair. It costs some 20 multiplications.
    pub fn with<'a>(&'a self, one: &[u64]) -> Partner<'a> {
        let [size, _] = self.sizes;
        let mut leading: [u64; 3] = self.leading(one, size).unwrap_or_default();
        leading.reverse();
        let mut columns = Columns::default();
        let product: [u64; 7] = std::array::from_fn(|column| {
            columns.add_column(&leading, &self.scale, column);
            columns.shift()
        });
        let [_, _, _, _, below, above, highest] = product;
        let factor = if leading == [0; 3] {
            Factor::None
        } else if highest == 0 && above >> (64 - SHORT_BITS) == 0 {
            Factor::Short(above << SHORT_BITS | below >> (64 - SHORT_BITS))
        } else {
            Factor::Long([below, above, highest])
        };
        leading.zeroize();
        Partner {
            pairs: self,
            factor,
        }
    }

    /// What is compared of a number that may be the other one.
    pub fn top(&self, other: &[u64]) -> Top {
        let [_, size] = self.sizes;
        let [high, low] = self.leading(other, size).unwrap_or_default();
        Top(high, low)
    }

    /// The leading bits of a number of a prime's size; `None` if it is larger, or shorter than an exponent: dp
    /// is above p/e.
    fn leading<const N: usize>(&self, number: &[u64], size: u32) -> Option<[u64; N]> {
        let length = bits(number);
        let shorter = u64::BITS - self.e.unwrap_or(ALL_USUAL).leading_zeros() + 1;
        (size - shorter..=size)
            .contains(&length)
            .then(|| bits_below(number, size))
    }

    /// The factors of n and the public exponent, if these two are dp and dq. Exact: p·q = n and e·dp ≡ 1 modulo
    /// one prime less one, e·dq modulo the other.
    pub fn factor(&self, dp: &[u64], dq: &[u64]) -> Option<Factored> {
        let [dp, dq] = [dp, dq].map(|exponent| number(trimmed(exponent)));
        let longest = self.n.bits_vartime();
        if [&dp, &dq]
            .iter()
            .any(|exponent| !(2..=longest).contains(&exponent.bits_vartime()))
        {
            return None;
        }
        match self.e {
            Some(e) => self.factor_with(e, &dp, &dq),
            None => usual_exponents().find_map(|e| self.factor_with(e, &dp, &dq)),
        }
    }

    /// (e·dp - 1)·(e·dq - 1) = kp·kq·(p-1)·(q-1), and kp·kq is the quotient by n, rounded up.
    fn factor_with(&self, e: u64, dp: &BoxedUint, dq: &BoxedUint) -> Option<Factored> {
        let less_one = |exponent: &BoxedUint| {
            let product = Zeroizing::new(exponent.concatenating_mul(BoxedUint::from(e)));
            Zeroizing::new(product.wrapping_sub(BoxedUint::one()))
        };
        let product = Zeroizing::new(less_one(dp).concatenating_mul(&*less_one(dq)));
        let n = self.n.to_nz().into_option()?;
        let factor = Zeroizing::new(product.div_rem_vartime(&n).0);
        let factor = Zeroizing::new(factor.wrapping_add(BoxedUint::one()));
        let factor = Zeroizing::new(factor.to_nz().into_option()?);
        let (phi, rest) = product.div_rem_vartime(&*factor);
        let (phi, rest) = (Zeroizing::new(phi), Zeroizing::new(rest));
        if rest.bits_vartime() != 0 || phi.cmp_vartime(&self.n).is_ge() {
            return None;
        }
        let next = self.n.wrapping_add(BoxedUint::one());
        let phi = Zeroizing::new((&*phi).resize(next.bits_precision()));
        let sum = Zeroizing::new(next.wrapping_sub(&*phi));
        let e = BoxedUint::from(e);
        let mut factored = with_sum(&self.n, &sum)?;
        factored.belongs_to(&e, &[dp, dq]).then(|| {
            factored.e = Some(super::limbs::limbs(&e));
            factored
        })
    }
}

impl Partner<'_> {
    /// Whether the number may be the partner: none is lost if all primes have more than 128 bits; of random
    /// numbers fewer than one in 2^20 pass. So do dp and q, whose product is near kp·n/e.
    #[inline]
    pub fn may_be(&self, Top(high, low): Top) -> bool {
        let is_near = match self.factor {
            Factor::None => false,
            Factor::Short(factor) => {
                let product = wide(high, factor).1.wrapping_add(NEAR_SHORT);
                product & ((1 << SHORT_BITS) - 1) <= 2 * NEAR_SHORT
            }
            Factor::Long([below, above, highest]) => {
                let product = high
                    .wrapping_mul(above)
                    .wrapping_add(wide(high, below).1)
                    .wrapping_add(low.wrapping_mul(highest))
                    .wrapping_add(wide(low, above).1);
                product.wrapping_add(NEAR_LONG) <= 2 * NEAR_LONG
            }
        };
        is_near && high | low != 0
    }

    /// Whether the number may be the partner, from its limbs.
    pub fn may_be_number(&self, other: &[u64]) -> bool {
        self.may_be(self.pairs.top(other))
    }
}

/// The divisors of 2^32 - 1 from 3 on, the usual ones first.
fn usual_exponents() -> impl Iterator<Item = u64> {
    const PRIMES: [u64; 5] = [65537, 3, 17, 257, 5];
    let products = (1u32..1 << PRIMES.len()).map(|set| {
        let chosen = (0..)
            .zip(PRIMES)
            .filter(move |(index, _)| set >> index & 1 == 1);
        chosen.map(|(_, prime)| prime).product::<u64>()
    });
    PRIMES
        .into_iter()
        .chain(products.filter(|product| !PRIMES.contains(product)))
}

/// A multiple of all usual exponents: 3·5·17·257·65537.
const ALL_USUAL: u64 = u32::MAX as u64;

/// The largest public exponent, in bits.
const MAX_EXPONENT_BITS: u32 = 40;

/// The shortest prime, in bits: what is left of the product beside an integer is e²/p at most.
const LEAST_PRIME_BITS: u32 = 128;

/// Bits below the point where one limb holds what a partner is multiplied with.
const SHORT_BITS: u32 = 28;

/// What rounding changes at most, one unit each: the fixed number, the partner, the product, and the part beside
/// the integer.
const NEAR_SHORT: u64 = 4;

/// The same for the long form: the bits of the partner below its leading 128 are worth 2^82 at most.
const NEAR_LONG: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::super::limbs::{is_product, limbs};
    use super::super::test_numbers::{Random, inverse, keys, prime, product};
    use super::*;

    /// dp and dq, if e has them.
    fn exponents(primes: [&[u64]; 2], e: u64) -> Option<[Vec<u64>; 2]> {
        let [dp, dq] =
            primes.map(|prime| inverse(&[e], &number(prime).wrapping_sub(BoxedUint::one())));
        Some([dp?, dq?])
    }

    fn assert_found(pairs: &ExponentPairs, e: u64, one: &[u64], other: &[u64], name: &str) {
        let fixed = pairs.with(one);
        assert!(fixed.may_be(pairs.top(other)), "the look, {name}");
        assert!(fixed.may_be_number(other), "{name}");
        let factored = pairs
            .factor(one, other)
            .unwrap_or_else(|| panic!("factors, {name}"));
        let n = limbs(&pairs.n);
        assert!(is_product(&n, &factored.p, &factored.q), "{name}");
        assert!(factored.e.is_some_and(|found| found[..] == [e]), "{name}");
    }

    #[test]
    fn exponents_of_the_test_keys_are_found() {
        for key in keys() {
            let e = key.e[0];
            for given in [Some(&key.e[..]), None] {
                let pairs = ExponentPairs::new(&key.n, given).unwrap();
                let name = format!("{} limbs, e = {e}, given: {}", key.n.len(), given.is_some());
                assert_found(&pairs, e, &key.dp, &key.dq, &name);
                assert_found(&pairs, e, &key.dq, &key.dp, &name);
                for wrong in [&key.dp, &key.p, &key.n, &vec![0; 16], &vec![]] {
                    let fixed = pairs.with(&key.dp);
                    assert!(!fixed.may_be_number(wrong), "{name}");
                    assert!(!pairs.with(wrong).may_be_number(&key.dp), "{name}");
                    assert!(pairs.factor(&key.dp, wrong).is_none(), "{name}");
                }
            }
        }
    }

    #[test]
    fn exponents_of_equal_and_unequal_primes_are_found() {
        let mut tried = 0;
        for seed in 0..5 {
            for sizes in [[258, 259], [500, 500], [273, 274], [300, 724], [724, 300]] {
                let [p, q] = [(sizes[0], 0), (sizes[1], 1)]
                    .map(|(bits, index)| prime(bits, 3000 + 2 * seed + index));
                let n = product(&p, &q);
                let random = Random(seed).limb() >> 32 | 1 << 31 | 1;
                for e in [3, 17, 257, 65537, 196_611, random, 1 << 39 | 1] {
                    let Some([dp, dq]) = exponents([&p, &q], e) else {
                        continue;
                    };
                    let name = format!("{sizes:?}, e = {e}, seed {seed}");
                    let is_usual = u64::from(u32::MAX).is_multiple_of(e);
                    for given in [Some(&[e][..]), None] {
                        if given.is_none() && !is_usual {
                            continue;
                        }
                        tried += 1;
                        let pairs = ExponentPairs::of_sizes(&n, given, sizes[0], sizes[1]);
                        assert_found(&pairs.unwrap(), e, &dp, &dq, &name);
                        let pairs = ExponentPairs::of_sizes(&n, given, sizes[1], sizes[0]);
                        assert_found(&pairs.unwrap(), e, &dq, &dp, &name);
                    }
                }
            }
        }
        assert!(tried > 100, "{tried}");
    }

    #[test]
    fn few_random_pairs_pass() {
        for key in keys() {
            for e in [None, Some(&key.e[..])] {
                let pairs = ExponentPairs::new(&key.n, e).unwrap();
                let mut random = Random(3);
                let mut passed = 0;
                for _ in 0..1000 {
                    let fixed = pairs.with(&random.number(key.p.len()));
                    for _ in 0..4096 {
                        let top = Top(random.limb(), random.limb());
                        passed += usize::from(fixed.may_be(top));
                    }
                }
                // 2^22 pairs.
                assert!(passed <= 4, "{passed}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_a_modulus_is_refused() {
        let key = keys().swap_remove(0);
        for e in [&[][..], &[1], &[4], &[3, 1], &[1 << 40 | 1]] {
            assert!(ExponentPairs::new(&key.n, Some(e)).is_none());
        }
        assert!(ExponentPairs::new(&[], None).is_none());
        assert!(ExponentPairs::new(&[1; 300], None).is_none());
        assert!(ExponentPairs::of_sizes(&key.n, None, 100, 924).is_none());
        assert!(ExponentPairs::of_sizes(&key.n, None, u32::MAX, 924).is_none());
        assert!(ExponentPairs::of_sizes(&key.n, None, 500, 500).is_none());
    }

    #[test]
    fn usual_exponents_are_the_divisors() {
        let mut all: Vec<u64> = usual_exponents().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 31);
        assert!(all.iter().all(|e| ALL_USUAL.is_multiple_of(*e) && *e >= 3));
    }
}
