//! Is a number the private exponent of a modulus? d/n is near k/(e·g).
//!
//! e·d = 1 + k·phi(n)/g, where g is 1 (d modulo phi) or the common divisor of p-1 and q-1 (d modulo lambda). As
//! phi(n)/n differs from 1 by about 2/√n only, M·d/n is that near an integer for each multiple M of e·g. The quick
//! look takes for M a product of the usual exponents and of small primes and of their powers; what is left of g
//! is a denominator that a short continued fraction tells. The thorough look takes the continued fraction of d/n.

use super::factors::{Factored, with_exponents, with_sum};
use super::fraction::{is_near_small, ratio, small_denominator};
use super::limbs::{LIMB_BITS, bits, bits_below, limbs, number, trimmed, wide};
use super::simd_fraction::{LANES, may_be_near_small};
use crate::crypto::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, Resize};
use std::ops::Range;
use zeroize::Zeroizing;

/// The look for private exponents of one modulus: d modulo lambda(n) or phi(n).
pub struct Exponents {
    n: BoxedUint,
    e: Option<BoxedUint>,
    limbs: usize,
    /// Bits of n.
    bits: u32,
    /// M·2^(64·`limbs`)/n without its highest bits: one limb below the point, then one above it for each
    /// limb of d that is looked at.
    scale: Vec<u64>,
    /// Where the leading 128 bits of d lie, those of n counted.
    range: Range<u128>,
    /// The leading 128 bits of n/2.
    half: u128,
    /// What d differs from n/2 by at least.
    beside_half: u128,
    /// 2^`bits`/n - 1 in units of 2^-128.
    reciprocal: u128,
}

impl Exponents {
    /// For a modulus and, if it is known, its public exponent. Without one the quick look finds the usual ones:
    /// products of 257, 65537 and the primes to 71, none twice but 3, 5 and 7. `None` for a modulus that is even,
    /// below 512 or above 16384 bits, and an exponent that is even, below 3 or above 256 bits.
    pub fn new(n: &[u64], e: Option<&[u64]>) -> Option<Self> {
        let (n, e) = (trimmed(n), e.map(trimmed));
        let is_odd = |number: &[u64]| number.first().is_some_and(|low| low & 1 == 1);
        let bits = bits(n);
        let is_right = is_odd(n)
            && (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits)
            && e.is_none_or(|e| {
                is_odd(e) && (2..=MAX_EXPONENT_BITS).contains(&super::limbs::bits(e))
            });
        if !is_right {
            return None;
        }
        let [high, low] = bits_below(n, bits);
        let top = u128::from(high) << 64 | u128::from(low);
        let limbs = n.len();
        let size = bits.next_multiple_of(LIMB_BITS);
        let n = (*number(n)).clone();
        let e = e.map(|e| (*number(e)).clone());
        let multiplier = multiplier(e.as_ref());
        // What lies below the limbs looked at changes M·d/n by less than 2^-60.
        let looked = (multiplier.bits_vartime() + (size - bits) + 61).div_ceil(LIMB_BITS);
        let scale = scaled(&multiplier, size + LIMB_BITS, &n)?;
        let reciprocal = scaled(&BoxedUint::one(), bits + 128, &n)?;
        let fraction = |index: usize| u128::from(reciprocal.get(index).copied().unwrap_or(0));
        Some(Self {
            limbs,
            bits,
            scale: (0..=looked as usize)
                .map(|index| scale.get(index).copied().unwrap_or(0))
                .collect(),
            range: 1 << (128 - SHORTER)..top - (top >> BESIDE),
            half: top >> 1,
            beside_half: top >> BESIDE,
            reciprocal: fraction(1) << 64 | fraction(0),
            n,
            e,
        })
    }

    /// How many of the highest limbs of d [`Self::may_be`] and [`Self::may_be_any`] look at.
    pub fn looked(&self) -> usize {
        // 128 bits may lie in three limbs.
        self.scale.len().saturating_sub(1).max(3)
    }

    /// Whether d may be a private exponent, from its leading limbs. `d` has as many limbs as n, with zeros on
    /// top where it is shorter; what lies above is not looked at.
    ///
    /// Nothing is lost of a public exponent that is given or usual, while e·gcd(p-1, q-1) is below 2^48, but
    /// d modulo lambda if the greatest common divisor has, beside primes to 71, a factor above 2^14, which is
    /// so for one modulus in 10^5. All primes must have more than 190 bits, and as many more as a given
    /// unusual e has. Of random numbers fewer than one in 2^20 pass.
    #[inline]
    pub fn may_be(&self, d: &[u64]) -> bool {
        self.look(d)
            .is_some_and(|look| is_near_small::<DENOMINATOR>(look, ERROR))
            && d.get(..self.limbs).and_then(|d| self.leading(d)).is_some()
    }

    /// The first half of [`Self::may_be`] for those that many are looked at together ([`Self::may_be_of`]): what of M·d/n
    /// is behind the point, in units of 2^-64.
    #[inline]
    pub fn look(&self, d: &[u64]) -> Option<u64> {
        let d = d.get(..self.limbs)?;
        // The limb of Σ d[top - i]·scale below the point.
        let pairs = self.scale.iter().zip(self.scale.iter().skip(1));
        let limbs = d.iter().rev().zip(pairs);
        Some(limbs.fold(0u64, |sum, (limb, (below, above))| {
            sum.wrapping_add(wide(*limb, *below).1)
                .wrapping_add(limb.wrapping_mul(*above))
        }))
    }

    /// Which of these [`Self::look`]s, of any moduli, may be those of private exponents, a bit for each: all that
    /// [`Self::may_be`] says so of, and of random ones fewer than one in 2^20.
    #[inline]
    pub fn may_be_of(looks: &[u64; LOOKS]) -> u16 {
        may_be_near_small::<DENOMINATOR>(looks, ERROR)
    }

    /// Whether d may be a private exponent for any public exponent, by the continued fraction of d/n: finds
    /// those of which e·gcd(p-1, q-1) is below 2^48. Of random numbers fewer than one in 2^20 pass.
    pub fn may_be_any(&self, d: &[u64]) -> bool {
        d.get(..self.limbs)
            .and_then(|d| self.leading(d))
            .is_some_and(|leading| small_denominator(self.ratio(leading)).is_some())
    }

    /// The factors of n and the public exponent, if d is a private exponent. Exact: p·q = n, and for a modulus
    /// of two primes e·d ≡ 1 modulo p-1 and q-1.
    pub fn factor(&self, d: &[u64]) -> Option<Factored> {
        let d = trimmed(d);
        let is_odd = d.first().is_some_and(|low| low & 1 == 1);
        let ratio = self.ratio(self.leading(d).filter(|_| is_odd)?);
        let denominator = small_denominator(ratio);
        let d = number(d);
        denominator
            .and_then(|denominator| self.factor_two(&d, ratio, denominator))
            .or_else(|| self.factor_any(&d, denominator))
    }

    /// The two primes, from d/n ≈ K/D in lowest terms: with c = D/e, D·d = c + K·phi(n), so that
    /// K·(p+q) = K·(n+1) - D·d + c.
    fn factor_two(&self, d: &BoxedUint, ratio: u128, denominator: u64) -> Option<Factored> {
        let numerator = rounded_product(ratio, denominator);
        let divisor = BoxedUint::from(numerator).to_nz().into_option()?;
        let precision = self.n.bits_precision() + 2 * LIMB_BITS;
        let times = |number: &BoxedUint, factor: u64| {
            let product = Zeroizing::new(number.concatenating_mul(BoxedUint::from(factor)));
            Zeroizing::new((&*product).resize(precision))
        };
        let next = self.n.wrapping_add(BoxedUint::one());
        let rest = Zeroizing::new(times(&next, numerator).wrapping_sub(&*times(d, denominator)));
        let remainder = Zeroizing::new(rest.rem_vartime(&divisor));
        let remainder = limbs(&remainder).first().copied().unwrap_or(0);
        let smallest = (numerator - remainder) % numerator;
        let values = (0..MAX_VALUES)
            .map_while(|index| numerator.checked_mul(index)?.checked_add(smallest))
            .take_while(|value| *value <= denominator / 3)
            .filter(|value| *value > 0 && denominator.is_multiple_of(*value));
        values.into_iter().find_map(|value| {
            let sum = Zeroizing::new(rest.wrapping_add(BoxedUint::from(value)));
            let sum = Zeroizing::new(sum.div_rem_vartime(&divisor).0);
            let e = BoxedUint::from(denominator / value);
            let mut factored = with_sum(&self.n, &sum)?;
            factored.belongs_to(&e, &[d]).then(|| {
                factored.e = Some(limbs(&e));
                factored
            })
        })
    }

    /// The factors by powers modulo n, which takes milliseconds, and seconds at 16384 bits: for more than two primes and
    /// for large public exponents.
    ///
    /// In lowest terms d/n ≈ K/D with e·d = 1 + k·phi(n)/g, where k and e have no common factor: so D is a multiple of e.
    /// Of what is no exponent of a given e, one in e gets past that. Where none is given, D must be below 2^33, as it is
    /// for usual exponents and a g below 2^16; of what is no exponent, one in 2^30 has such a D.
    fn factor_any(&self, d: &BoxedUint, denominator: Option<u64>) -> Option<Factored> {
        let divides = |e: u64| denominator.is_some_and(|whole| e > 0 && whole.is_multiple_of(e));
        let given = self.e.clone().into_iter().filter(|e| match limbs(e)[..] {
            [e] if e >> SHORT_EXPONENT == 0 => divides(e),
            [e] => denominator.is_none() || divides(e),
            _ => denominator.is_none(),
        });
        let usual = USUAL_EXPONENTS.iter().copied().filter(|&e| divides(e));
        let guessed = usual.chain(denominator).map(BoxedUint::from).filter(|_| {
            self.e.is_none() && denominator.is_some_and(|whole| whole < SMALL_DENOMINATOR)
        });
        given
            .chain(guessed)
            .find_map(|e| with_exponents(&self.n, &e, d))
    }

    /// The leading 128 bits of d, those of n counted; `None` for n and half of it, which lie in any dump, for
    /// larger numbers and for very short ones.
    fn leading(&self, d: &[u64]) -> Option<u128> {
        let [high, low] = bits_below(d, self.bits);
        let top = u128::from(high) << 64 | u128::from(low);
        let is_right = self.range.contains(&top)
            && top.abs_diff(self.half) > self.beside_half
            && bits(d) <= self.bits;
        is_right.then_some(top)
    }

    /// d/n in units of 2^-128, a few of them too small.
    fn ratio(&self, leading: u128) -> u128 {
        ratio(leading, self.reciprocal)
    }
}

/// M: a multiple of e·g for the exponents in use, e if it is given, and g without large prime factors.
fn multiplier(e: Option<&BoxedUint>) -> BoxedUint {
    let usual = MULTIPLIER.iter().fold(BoxedUint::one(), |product, factor| {
        product.concatenating_mul(BoxedUint::from(*factor))
    });
    let Some(e) = e else { return usual };
    let common = usual.gcd(e).to_nz().into_option();
    let rest = common.map(|common| e.div_rem_vartime(&common).0);
    rest.map_or_else(
        || usual.clone(),
        |rest| BoxedUint::from_le_slice_vartime(&usual.concatenating_mul(&rest).to_le_bytes()),
    )
}

/// The limbs of number·2^`bits`/n.
pub(super) fn scaled(number: &BoxedUint, bits: u32, n: &BoxedUint) -> Option<Zeroizing<Vec<u64>>> {
    let precision = number.bits_precision() + bits.next_multiple_of(LIMB_BITS) + LIMB_BITS;
    let shifted = number.resize(precision).shl_vartime(bits)?;
    let n = n.to_nz().into_option()?;
    Some(limbs(&shifted.div_rem_vartime(&n).0))
}

/// ratio·factor/2^128, rounded to the nearest integer.
fn rounded_product(ratio: u128, factor: u64) -> u64 {
    let (_, low) = wide(ratio as u64, factor);
    let high = (ratio >> 64) * u128::from(factor) + u128::from(low);
    ((high + (1 << 63)) >> 64) as u64
}

/// The factors of M, 126 bits together: with these, three limbs of d are looked at.
const MULTIPLIER: [u64; 21] = [
    64,
    27,
    25,
    49,
    11,
    13,
    17,
    19,
    23,
    29,
    31,
    37,
    41,
    43,
    47,
    53,
    59,
    61,
    67 * 71,
    257,
    65537,
];

/// Looks that are judged together.
pub const LOOKS: usize = LANES;

/// Exponents in use.
const USUAL_EXPONENTS: [u64; 9] = [65537, 3, 17, 35, 37, 41, 257, 5, 7];

/// What the denominator is below where the public exponent is a usual one.
const SMALL_DENOMINATOR: u64 = 1 << 33;

/// Bits of a public exponent whose multiples e·gcd(p-1, q-1) have less than 48.
const SHORT_EXPONENT: u32 = 32;

/// The largest public exponent, in bits.
const MAX_EXPONENT_BITS: u32 = 256;

/// The largest factor of g, in bits, that the quick look finds where M does not have it.
const DENOMINATOR: u32 = 14;

/// The error of M·d/n in units of 2^-64: 2^4 for the limbs not looked at, two for each that is (nine at most).
const ERROR: u64 = 1 << 6;

/// By how many bits d may be shorter than n: d/n is above 1/(e·g).
const SHORTER: u32 = 48;

/// Numbers that differ from n or n/2 by less than 1 in 2^60 are no exponents: d/n differs from 1 and 1/2 by
/// more than 1/(2·e·g).
const BESIDE: u32 = 60;

/// Values tried for what e·d is above a multiple of phi(n), in vain beyond the first but for tiny k.
const MAX_VALUES: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::super::limbs::is_product;
    use super::super::test_numbers::{Random, keys, prime, private_exponents, product};
    use super::*;

    fn padded(d: &[u64], limbs: usize) -> Vec<u64> {
        let mut d = d.to_vec();
        d.resize(limbs, 0);
        d
    }

    fn assert_found(n: &[u64], e: &[u64], d: &[u64], name: &str) {
        let d = padded(d, n.len());
        for given in [Some(e), None] {
            let exponents = Exponents::new(n, given).expect("a modulus");
            let is_usual = e.len() == 1 && [3, 17, 257, 65537].contains(&e[0]);
            if given.is_some() || is_usual {
                assert!(exponents.may_be(&d), "quick look, {name}");
            }
            if e.len() == 1 && e[0] < 1 << 32 {
                assert!(exponents.may_be_any(&d), "thorough look, {name}");
            }
            if given.is_some() || e[0] < 1 << 32 {
                let factored = exponents
                    .factor(&d)
                    .unwrap_or_else(|| panic!("factors, {name}"));
                assert!(is_product(n, &factored.p, &factored.q), "{name}");
                assert!(factored.e.is_some_and(|found| found[..] == *e), "{name}");
            }
        }
    }

    #[test]
    fn exponents_of_the_test_keys_are_found() {
        for key in keys() {
            let name = format!("{} limbs, e = {}", key.n.len(), key.e[0]);
            assert_found(&key.n, &key.e, &key.d, &name);
            for d in private_exponents(&[&key.p, &key.q], &key.e).expect("the key's exponent") {
                assert_found(&key.n, &key.e, &d, &name);
            }
        }
    }

    #[test]
    fn exponents_modulo_lambda_and_phi_are_found() {
        let mut tried = 0;
        for seed in 0..6 {
            for sizes in [
                &[257, 259][..],
                &[512, 512],
                &[500, 541],
                &[300, 724],
                &[330, 340, 350],
            ] {
                let primes: Vec<Vec<u64>> = (0..)
                    .zip(sizes)
                    .map(|(index, bits)| prime(*bits, 1000 + 8 * seed + index))
                    .collect();
                let n = primes.iter().fold(vec![1], |n, prime| product(&n, prime));
                let primes: Vec<&[u64]> = primes.iter().map(|prime| &prime[..]).collect();
                let random = Random(seed).limb() >> 32 | 1 << 31 | 1;
                for e in [3, 17, 257, 65537, random] {
                    for d in private_exponents(&primes, &[e]).into_iter().flatten() {
                        let name = format!("{sizes:?}, e = {e}, seed {seed}");
                        tried += 1;
                        if primes.len() == 2 {
                            assert_found(&n, &[e], &d, &name);
                        } else {
                            let exponents = Exponents::new(&n, Some(&[e])).unwrap();
                            let d = padded(&d, n.len());
                            assert!(exponents.may_be(&d) && exponents.may_be_any(&d), "{name}");
                            let factored = exponents.factor(&d).expect("factors");
                            assert!(is_product(&n, &factored.p, &factored.q), "{name}");
                        }
                    }
                }
            }
        }
        assert!(tried > 150, "{tried}");
    }

    #[test]
    fn large_public_exponents_are_found_when_they_are_given() {
        let [p, q] = [prime(512, 77), prime(512, 78)];
        let n = product(&p, &q);
        for e in [vec![u64::MAX - 58], vec![5, 1 << 40], vec![13, 7, 9]] {
            for d in private_exponents(&[&p, &q], &e).into_iter().flatten() {
                assert_found(&n, &e, &d, &format!("{} limbs of e", e.len()));
            }
        }
    }

    #[test]
    fn one_random_number_in_a_million_passes_at_most() {
        for key in keys() {
            let exponents = Exponents::new(&key.n, None).unwrap();
            let mut random = Random(9);
            let mut number = random.number(key.n.len());
            let passed = (0..1 << 20).filter(|round| {
                for _ in 0..3 {
                    let limb = random.limb();
                    number.rotate_left(1);
                    *number.last_mut().unwrap() = limb;
                }
                exponents.may_be(&number) || round % 16 == 0 && exponents.may_be_any(&number)
            });
            assert!(passed.count() <= 1);
        }
    }

    #[test]
    fn other_numbers_give_nothing() {
        let key = keys().swap_remove(0);
        let exponents = Exponents::new(&key.n, Some(&key.e)).unwrap();
        let half: Vec<u64> = limbs(&number(&key.n).shr_vartime(1).unwrap()).to_vec();
        let mut changed = key.d.clone();
        changed[0] ^= 2;
        for other in [
            &key.n,
            &half,
            &vec![0; key.n.len()],
            &vec![u64::MAX; key.n.len()],
            &vec![],
        ] {
            assert!(!exponents.may_be(other) && !exponents.may_be_any(other));
            assert!(exponents.factor(other).is_none());
        }
        assert!(exponents.factor(&changed).is_none());
        assert!(exponents.factor(&key.p).is_none());
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let key = keys().swap_remove(0);
        let mut even = key.n.clone();
        even[0] ^= 1;
        assert!(Exponents::new(&even, None).is_none());
        assert!(Exponents::new(&[], None).is_none());
        assert!(Exponents::new(&[1; 257], None).is_none());
        for e in [&[][..], &[1], &[4], &[1; 5]] {
            assert!(Exponents::new(&key.n, Some(e)).is_none());
        }
    }
}
