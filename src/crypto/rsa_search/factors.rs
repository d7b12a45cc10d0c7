//! What is known of a modulus once one number of its key is: the factors.

use super::limbs::{Number, limbs, number, trimmed};
use crate::crypto::rsa::is_prime;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, NonZero, Resize};
use zeroize::Zeroizing;

/// A modulus taken apart: n = p·q exactly. Limbs without zeros on top.
pub struct Factored {
    /// A probable prime.
    pub p: Zeroizing<Vec<u64>>,
    /// The other one, or the product of the others.
    pub q: Zeroizing<Vec<u64>>,
    /// Whether q is a probable prime too. It is not for moduli of more than two primes.
    pub rest: Rest,
    /// The public exponent to which the private exponents belong, where these gave the factors. For a modulus
    /// of two primes e·d ≡ 1 modulo p-1 and q-1 was checked.
    pub e: Option<Zeroizing<Vec<u64>>>,
}

/// What is left of a modulus beside one prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// One prime.
    Prime,
    /// The product of several.
    Composite,
}

impl Factored {
    /// Whether e·d ≡ 1 modulo p-1 for one of the exponents and modulo q-1 for another or the same.
    pub(super) fn belongs_to(&self, e: &BoxedUint, exponents: &[&BoxedUint]) -> bool {
        let [p, q] = [&self.p, &self.q].map(|prime| number(prime));
        let fits = |exponent: &BoxedUint, prime: &BoxedUint| {
            let product = Zeroizing::new(e.concatenating_mul(exponent));
            is_one_modulo_less_one(&product, prime)
        };
        match exponents {
            [both] => fits(both, &p) && fits(both, &q),
            [one, other] => fits(one, &p) && fits(other, &q) || fits(one, &q) && fits(other, &p),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Factored {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Factored")
            .field("p", &format_args!("{} limbs", self.p.len()))
            .field("q", &format_args!("{} limbs", self.q.len()))
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}

/// The factors of n, if p is a probable prime (to base 2) that divides it and is neither 1 nor n nor the square
/// root of n.
pub fn complete(n: &[u64], p: &[u64]) -> Option<Factored> {
    with_prime(&number(trimmed(n)), &number(trimmed(p)), None)
}

/// The factors of n from one of them, of which it is not known whether it divides n or is a prime.
fn with_prime(n: &BoxedUint, p: &BoxedUint, e: Option<&BoxedUint>) -> Option<Factored> {
    let q = cofactor(n, p)?;
    if p.bits_vartime() < 2 || q.bits_vartime() < 2 || p.cmp_vartime(&*q).is_eq() || !is_prime(p) {
        return None;
    }
    let rest = if is_prime(&q) {
        Rest::Prime
    } else {
        Rest::Composite
    };
    Some(Factored {
        p: limbs(p),
        q: limbs(&q),
        rest,
        e: e.map(limbs),
    })
}

/// The two primes of n whose sum is given.
pub(super) fn with_sum(n: &BoxedUint, sum: &BoxedUint) -> Option<Factored> {
    // (p - q)² = (p + q)² - 4·p·q
    if sum.bits_vartime() > n.bits_vartime() {
        return None;
    }
    let square = Zeroizing::new(sum.concatenating_mul(sum));
    let precision = square.bits_precision().max(n.bits_precision() + 64);
    let square = Zeroizing::new((*square).clone().resize(precision));
    let four = n.clone().resize(precision).shl_vartime(2)?;
    if square.cmp_vartime(&four).is_lt() {
        return None;
    }
    let difference = Zeroizing::new(square.wrapping_sub(&four));
    let difference = Zeroizing::new(difference.checked_sqrt_vartime()?);
    let twice = Zeroizing::new(
        sum.clone()
            .resize(precision)
            .wrapping_add((&*difference).resize(precision)),
    );
    let p = Zeroizing::new(twice.shr_vartime(1)?);
    with_prime(n, &p, None)
}

/// The factors of n by an exponent of which a^(e·d) = a modulo n: for any number of primes, in milliseconds.
pub(super) fn with_exponents(n: &BoxedUint, e: &BoxedUint, d: &BoxedUint) -> Option<Factored> {
    let product = Zeroizing::new(e.concatenating_mul(d));
    let multiple = Zeroizing::new(product.wrapping_sub(BoxedUint::one()));
    // e·d - 1 is a multiple of lambda(n), which is even.
    let twos = multiple.trailing_zeros_vartime();
    if twos == 0 || multiple.bits_vartime() == 0 {
        return None;
    }
    let odd_part = Zeroizing::new(multiple.shr_vartime(twos)?);
    let params = BoxedMontyParams::new_vartime(n.to_odd().into_option()?);
    let one = BoxedMontyForm::one(&params);
    let mut factors = vec![Zeroizing::new(n.clone())];
    for base in BASES {
        let base = BoxedUint::from(base).resize(params.bits_precision());
        let mut root = BoxedMontyForm::new(base, &params).pow(&odd_part);
        let mut roots = Vec::new();
        for _ in 0..twos.min(MAX_TWOS) {
            if root == one {
                break;
            }
            roots.push(root.clone());
            root = root.square();
        }
        // A wrong d does not lead to 1: stop after the first base.
        if root != one {
            return None;
        }
        for root in roots {
            let less_one = Zeroizing::new(root.sub(&one).retrieve());
            factors = factors
                .iter()
                .flat_map(|factor| split(factor, &less_one))
                .collect();
        }
        let smallest = factors
            .iter()
            .min_by(|a, b| a.cmp_vartime(&***b))
            .filter(|factor| factors.len() > 1 && is_prime(factor));
        if let Some(factored) = smallest.and_then(|prime| with_prime(n, prime, Some(e))) {
            return Some(factored);
        }
    }
    None
}

/// A factor as its common divisor with another number and the rest, if both are proper.
fn split(factor: &Number, other: &BoxedUint) -> Vec<Number> {
    let common = Zeroizing::new(factor.gcd(other));
    let is_proper = common.bits_vartime() > 1 && common.cmp_vartime(&**factor).is_lt();
    match is_proper.then(|| cofactor(factor, &common)).flatten() {
        Some(rest) => vec![common, rest],
        None => vec![factor.clone()],
    }
}

/// n / p, if p divides n.
fn cofactor(n: &BoxedUint, p: &BoxedUint) -> Option<Number> {
    let divisor = Zeroizing::new(p.to_nz().into_option()?);
    let (quotient, rest) = n.div_rem_vartime(&*divisor);
    let (quotient, rest) = (Zeroizing::new(quotient), Zeroizing::new(rest));
    (rest.bits_vartime() == 0).then_some(quotient)
}

/// Whether `value` ≡ 1 modulo `prime` - 1.
fn is_one_modulo_less_one(value: &BoxedUint, prime: &BoxedUint) -> bool {
    let less_one = Zeroizing::new(prime.wrapping_sub(BoxedUint::one()));
    let modulus: Option<Zeroizing<NonZero<BoxedUint>>> =
        less_one.to_nz().into_option().map(Zeroizing::new);
    modulus.is_some_and(|modulus| Zeroizing::new(value.rem_vartime(&*modulus)).bits_vartime() == 1)
}

/// Bases tried; each fails for a true exponent with probability one half at most.
const BASES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Factors 2 of a multiple of lambda(n) that are followed.
const MAX_TWOS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::super::limbs::is_product;
    use super::super::test_numbers::{keys, prime, product};
    use super::*;

    #[test]
    fn one_prime_gives_the_other() {
        for key in keys() {
            for (prime, other) in [(&key.p, &key.q), (&key.q, &key.p)] {
                let factored = complete(&key.n, prime).expect("the factors");
                assert!(factored.p[..] == prime[..] && factored.q[..] == other[..]);
                assert_eq!(factored.rest, Rest::Prime);
                assert!(is_product(&key.n, &factored.p, &factored.q));
            }
            for wrong in [&key.n, &key.d, &vec![1], &vec![], &vec![0]] {
                assert!(complete(&key.n, wrong).is_none());
            }
        }
    }

    #[test]
    fn what_remains_composite_is_told() {
        let [p, q, r] = [300, 340, 384].map(|bits| prime(bits, 1));
        let n = product(&product(&p, &q), &r);
        for prime in [&p, &q, &r] {
            let factored = complete(&n, prime).expect("the factors");
            assert_eq!(factored.rest, Rest::Composite);
        }
        assert!(complete(&n, &product(&p, &q)).is_none());
        assert!(complete(&product(&p, &p), &p).is_none());
    }

    #[test]
    fn nothing_of_the_factors_is_shown() {
        let key = keys().swap_remove(0);
        let shown = format!("{:?}", complete(&key.n, &key.p));
        assert!(!shown.contains(&key.p[0].to_string()), "limbs are shown");
    }
}
