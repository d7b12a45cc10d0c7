//! The primes of an RSA modulus, from one private number of its key.

use super::rsa::{self, is_prime};
use crate::bytes::trim_zeros;
use crate::secret::Secret;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, NonZero, Resize};
use zeroize::Zeroizing;

/// A wiped integer.
pub(super) type Number = Zeroizing<BoxedUint>;

/// The primes p for which the exponent may be d mod p-1.
pub(super) fn primes_of_exponent(exponent: Secret<'_>, e: u32) -> Vec<Number> {
    let exponent = number(exponent.expose());
    let candidates = divisors_of_exponent(&exponent, e).take(MAX_TESTS);
    candidates
        .filter(|candidate| is_prime(candidate))
        .take(MAX_CANDIDATES)
        .collect()
}

/// Numbers p of the right size without small factors for which the exponent may be d mod p-1. Those that stand
/// for a large k come first: they are few, and the true one is likely among them.
fn divisors_of_exponent(exponent: &BoxedUint, e: u32) -> impl Iterator<Item = Number> {
    let bits = exponent.bits_vartime();
    let product = Zeroizing::new(exponent.concatenating_mul(&BoxedUint::from(e)));
    let multiple = Zeroizing::new(product.wrapping_sub(BoxedUint::one()));
    let is_possible =
        (MIN_PRIME_BITS / 2..=MAX_PRIME_BITS).contains(&bits) && !bool::from(multiple.is_zero());
    let size = bits.next_multiple_of(8);
    let most = if is_possible { e } else { 1 };
    let divisors = (1..most)
        .rev()
        .filter_map(|k| crypto_bigint::Limb::from(k).to_nz().into_option());
    divisors.filter_map(move |k| {
        if !bool::from(multiple.rem_limb(k).is_zero()) {
            return None;
        }
        let (quotient, _) = multiple.div_rem_limb(k);
        let candidate = Zeroizing::new(quotient.wrapping_add(BoxedUint::one()));
        let is_sized = candidate.bits_vartime().abs_diff(size) < 8;
        (is_sized && !has_small_factor(&candidate)).then_some(candidate)
    })
}

/// q with n = p·q, if p divides n.
pub(super) fn cofactor(n: &BoxedUint, p: &BoxedUint) -> Option<Number> {
    let divisor = p.to_nz().into_option()?;
    let (quotient, rest) = n.div_rem_vartime(&divisor);
    let is_proper = bool::from(rest.is_zero()) && !is_one(&quotient);
    is_proper.then(|| Zeroizing::new(quotient))
}

/// Whether d may be a private exponent of n: e·d = 1 + k·phi(n) / g for small k and g, and phi(n) is close to
/// n, so that g·(1 - e·d) modulo n is small.
pub(super) fn is_private_exponent(n: &BoxedUint, e: &BoxedUint, d: &BoxedUint) -> bool {
    let bits = n.bits_vartime();
    let precision = n.bits_precision() + 64;
    let modulus = n.clone().resize(precision);
    let product = Zeroizing::new(e.concatenating_mul(d));
    let rest = Zeroizing::new((*remainder(&product, n)).clone().resize(precision));
    // n - (e·d - 1) modulo n, added up g times.
    let one = BoxedUint::one().resize(precision);
    let step = Zeroizing::new(modulus.wrapping_sub(&*rest).wrapping_add(&one));
    let most = bits * 3 / 4 + 80;
    let mut sum = Zeroizing::new(BoxedUint::zero_with_precision(precision));
    (0..MAX_COMMON_DIVISOR).any(|_| {
        sum = Zeroizing::new(sum.wrapping_add(&*step));
        if sum.cmp_vartime(&modulus).is_ge() {
            sum = Zeroizing::new(sum.wrapping_sub(&modulus));
        }
        sum.bits_vartime() < most
    })
}

/// Whether one of the smallest primes divides `number`.
pub(super) fn has_small_factor(number: &BoxedUint) -> bool {
    let divisors = SMALL_PRIMES
        .iter()
        .filter_map(|prime| crypto_bigint::Limb::from(*prime).to_nz().into_option());
    divisors
        .into_iter()
        .any(|prime| bool::from(number.rem_limb(prime).is_zero()))
}

/// The prime factors of n, from a private exponent that belongs to it.
pub(super) fn factor_by_exponent(
    n: &BoxedUint,
    e: &BoxedUint,
    d: &BoxedUint,
) -> Option<(Number, Number)> {
    let product = Zeroizing::new(e.concatenating_mul(d));
    let multiple = Zeroizing::new(product.wrapping_sub(BoxedUint::one()));
    // e·d - 1 is a multiple of lambda(n), which is even; that of a wrong d is odd in half of the cases.
    let twos = multiple.trailing_zeros_vartime();
    if twos == 0 || bool::from(multiple.is_zero()) {
        return None;
    }
    let odd_part = Zeroizing::new(multiple.shr_vartime(twos)?);
    let modulus = n.to_odd().into_option()?;
    let params = BoxedMontyParams::new_vartime(modulus);
    let precision = params.bits_precision();
    let one = BoxedMontyForm::one(&params);
    for base in BASES {
        let base = BoxedUint::from(base).resize(precision);
        let mut root = BoxedMontyForm::new(base, &params).pow(&odd_part);
        for _ in 0..twos.min(MAX_TWOS) {
            let square = root.square();
            if square == one {
                break;
            }
            root = square;
        }
        // A wrong d never leads to 1: stop after the first base.
        if root.square() != one {
            return None;
        }
        let difference = Zeroizing::new(root.sub(&one).retrieve());
        let common = Zeroizing::new(n.gcd(&difference));
        let is_proper =
            !is_one(&common) && common.cmp_vartime(n).is_ne() && !bool::from(common.is_zero());
        if is_proper && let Some(other) = cofactor(n, &common) {
            return Some((common, other));
        }
    }
    None
}

pub(super) fn remainder(value: &BoxedUint, modulus: &BoxedUint) -> Number {
    let modulus: Option<NonZero<BoxedUint>> = modulus.to_nz().into_option();
    Zeroizing::new(modulus.map_or_else(BoxedUint::zero, |modulus| value.rem_vartime(&modulus)))
}

pub(super) fn is_one(value: &BoxedUint) -> bool {
    value.bits_vartime() == 1
}

pub(super) fn number(bytes: &[u8]) -> Number {
    Zeroizing::new(BoxedUint::from_be_slice_vartime(trim_zeros(bytes)))
}

pub(super) fn bytes(number: &BoxedUint) -> Vec<u8> {
    number.to_be_bytes_trimmed_vartime().into()
}

/// Primes that divide seven of eight odd numbers that are none.
const SMALL_PRIMES: [u32; 24] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
];

/// The largest common divisor of p-1 and q-1 that is tried.
const MAX_COMMON_DIVISOR: u32 = 512;

/// Bases tried; each fails for a true exponent with probability one half at most.
const BASES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// Factors 2 of a multiple of lambda(n) that are followed; more than 64 have a chance of 1 in 2^60.
const MAX_TWOS: u32 = 64;

/// Candidates for a lost prime; some one in sixteen exponents has a second one.
const MAX_CANDIDATES: usize = 4;

/// Numbers tested for a lost prime. The true one is among the first ten of nine exponents in ten, and behind
/// these of one in a thousand; a number made for it has thousands.
const MAX_TESTS: usize = 128;

/// Bits of one prime.
pub(super) const MIN_PRIME_BITS: u32 = 160;
pub(super) const MAX_PRIME_BITS: u32 = rsa::MAX_MODULUS_BITS / 2 + 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// An exponent of which e·dp - 1 has very many small divisors, as none of a key has.
    #[test]
    fn an_exponent_with_many_divisors_is_tested_within_bounds() {
        let smooth: BoxedUint = (2u32..120)
            .filter(|n| (2..*n).all(|divisor| n % divisor != 0))
            .chain([64, 32, 27, 9, 25, 7])
            .fold(BoxedUint::one(), |product, n| {
                product.concatenating_mul(BoxedUint::from(n))
            });
        let modulus: NonZero<BoxedUint> = smooth.to_nz().into_option().unwrap();
        let e = BoxedUint::from(65537u32).resize(smooth.bits_precision());
        let inverse = e.invert_mod(&modulus).into_option().unwrap();
        let high = BoxedUint::one()
            .resize(1024)
            .shl(1023 - smooth.bits_vartime());
        let exponent = smooth.concatenating_mul(&high).wrapping_add(&inverse);
        assert!(
            divisors_of_exponent(&exponent, 65537)
                .nth(MAX_TESTS)
                .is_some()
        );
        let found = primes_of_exponent(Secret::new(&bytes(&exponent)), 65537);
        assert!(found.len() <= MAX_CANDIDATES);
    }
}
