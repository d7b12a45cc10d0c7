//! The private numbers of a key that was found, kept as long as its copies are looked for.
//!
//! A [`Material`] keeps what was at hand when the key was found; [`Material::all`] computes the rest of it, and only
//! when it is asked.
//!
//! | key | numbers |
//! |---|---|
//! | RSA | the primes; d modulo lambda(n) and modulo phi(n); d modulo each prime less one; the inverse of each prime modulo the other, plain and in Montgomery form (as SymCrypt keeps it); R² modulo each prime (as OpenSSL and aws-lc keep it for Montgomery's multiplication) |
//! | EC | the scalar, plain and in Montgomery form modulo the order (as ring keeps it) |
//! | Ed25519 | the seed; the scalar that its SHA-512 expands to (RFC 8032, section 5.1.5), clamped and modulo the order |
//! | X25519, X448 | the scalar, as it is and clamped (RFC 7748, section 5) |
//! | Ed448 | the seed |
//! | DSA | the private number |

use super::public_key::PublicKey;
use super::rsa::is_prime;
use super::rsa_primes::{
    Number as Integer, bytes, cofactor, factor_by_exponent, number, remainder,
};
use crate::bytes::{bit_length, trim_zeros};
use crate::secret::Secret;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, NonZero, Resize};
use sha2::{Digest, Sha512};
use std::fmt;
use zeroize::Zeroizing;

/// A private number and what it is to its key.
pub struct Number {
    /// The component's name in reports: `prime`, `scalar`.
    pub component: &'static str,
    /// Big-endian without leading zeros; of a [`SEED`], which is no number, all bytes as they stand.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Bits that a library of the usual kind reserves for it: those of the modulus, or half of them; of the field.
    pub bits: u32,
}

/// A prime factor of an RSA modulus.
pub const PRIME: &str = "prime";
/// d of an RSA key.
pub const PRIVATE_EXPONENT: &str = "private-exponent";
/// d modulo a prime less one.
pub const CRT_EXPONENT: &str = "crt-exponent";
/// The inverse of a prime modulo the other.
pub const CRT_COEFFICIENT: &str = "crt-coefficient";
/// The same in Montgomery form, times 2^(64·limbs) modulo the other prime.
pub const CRT_COEFFICIENT_MONTGOMERY: &str = "crt-coefficient-montgomery";
/// 2^(128·limbs) modulo a prime: whoever has it and the modulus n has the prime, as gcd(n, 2^(128·limbs) - it).
pub const MONTGOMERY_SQUARE: &str = "montgomery-square";
/// The private number of an EC, X25519, X448 or DSA key.
pub const SCALAR: &str = "scalar";
/// The scalar of an EC key in Montgomery form, times 2^(64·limbs) modulo the order.
pub const SCALAR_MONTGOMERY: &str = "scalar-montgomery";
/// The seed of an Ed25519 or Ed448 key: a string of bytes.
pub const SEED: &str = "seed";
/// The number by which Ed25519 multiplies.
pub const EXPANDED_SCALAR: &str = "expanded-scalar";

/// The private numbers of one key. Wiped when dropped; `Debug` shows none of them.
pub struct Material {
    /// Each different number once.
    pub numbers: Vec<Number>,
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({} numbers)", self.numbers.len())
    }
}

impl Number {
    /// A component, from big-endian bytes.
    pub fn new(component: &'static str, bytes: &[u8]) -> Self {
        let bytes = if component == SEED {
            bytes
        } else {
            trim_zeros(bytes)
        };
        Self {
            component,
            bits: if component == SEED {
                8 * bytes.len() as u32
            } else {
                bit_length(bytes)
            },
            bytes: Zeroizing::new(bytes.to_vec()),
        }
    }

    /// It is a string of bytes, in the same order wherever it lies.
    pub fn is_plain(&self) -> bool {
        self.component == SEED
    }

    fn of(component: &'static str, number: &BoxedUint) -> Self {
        Self::new(component, &Zeroizing::new(bytes(number)))
    }
}

impl Material {
    /// The components that are given, as big-endian numbers; `None` when there are none.
    pub fn of<'s>(parts: impl IntoIterator<Item = (&'static str, Secret<'s>)>) -> Option<Self> {
        let mut numbers: Vec<Number> = Vec::new();
        for (component, secret) in parts {
            push(&mut numbers, Number::new(component, secret.expose()));
        }
        (!numbers.is_empty()).then_some(Self { numbers })
    }

    /// The primes of the RSA modulus `n`, of which `p` is one, big-endian; `None` when it does not divide n.
    pub fn rsa_from_factor(n: &[u8], p: Secret<'_>) -> Option<Self> {
        let p = number(p.expose());
        let q = cofactor(&number(n), &p)?;
        let mut numbers = vec![Number::of(PRIME, &p)];
        push(&mut numbers, Number::of(PRIME, &q));
        Some(Self { numbers })
    }

    /// The secret of the key `public` on a curve: a big-endian scalar, an Ed25519 or Ed448 seed, or an X25519 or
    /// X448 scalar, both as their formats write them. `None` for keys of other algorithms.
    pub fn on_curve(public: &PublicKey, secret: &[u8]) -> Option<Self> {
        let component = match public {
            PublicKey::Ed25519(_) | PublicKey::Ed448(_) => SEED,
            PublicKey::X25519(_) | PublicKey::X448(_) => {
                let big_endian = Zeroizing::new(secret.iter().rev().copied().collect::<Vec<u8>>());
                return Self::of([(SCALAR, Secret::new(&big_endian))]);
            }
            PublicKey::Ec { .. } => SCALAR,
            PublicKey::Rsa { .. } | PublicKey::Dsa { .. } => return None,
        };
        Self::of([(component, Secret::new(secret))])
    }

    /// All private numbers of the key whose public half is `public`, each different one once. Of an RSA key the
    /// numbers at hand must determine the factors of the modulus; else they are all there is.
    pub fn all(&self, public: &PublicKey) -> Vec<Number> {
        let mut all = Vec::new();
        match public {
            PublicKey::Rsa { n, e } => return self.all_of_rsa(&number(n), &number(e)),
            PublicKey::Ec { curve, .. } => {
                let order = BoxedUint::from_be_slice_vartime(curve.order());
                for scalar in self.components(SCALAR) {
                    push(&mut all, Number::new(SCALAR, scalar));
                    let form = montgomery(SCALAR_MONTGOMERY, &number(scalar), &order);
                    push_some(&mut all, form);
                }
            }
            PublicKey::Ed25519(_) => {
                for seed in self.components(SEED) {
                    push(&mut all, Number::new(SEED, seed));
                    expand_ed25519(seed)
                        .into_iter()
                        .for_each(|scalar| push(&mut all, scalar));
                }
            }
            PublicKey::X25519(_) | PublicKey::X448(_) => {
                for scalar in self.components(SCALAR) {
                    push(&mut all, Number::new(SCALAR, scalar));
                    push_some(&mut all, clamped(public, scalar));
                }
            }
            PublicKey::Ed448(_) | PublicKey::Dsa { .. } => {
                for number in &self.numbers {
                    push(&mut all, Number::new(number.component, &number.bytes));
                }
            }
        }
        all
    }

    fn components(&self, component: &'static str) -> impl Iterator<Item = &[u8]> {
        self.numbers
            .iter()
            .filter(move |number| number.component == component)
            .map(|number| &number.bytes[..])
    }

    fn all_of_rsa(&self, n: &BoxedUint, e: &BoxedUint) -> Vec<Number> {
        let mut all: Vec<Number> = Vec::new();
        let Some(primes) = self.factors(n, e) else {
            let dividing = self.numbers.iter().filter(|given| {
                given.component != PRIME || cofactor(n, &number(&given.bytes)).is_some()
            });
            dividing.for_each(|given| push(&mut all, Number::new(given.component, &given.bytes)));
            return all;
        };
        for prime in &primes {
            push(&mut all, Number::of(PRIME, prime));
            push_some(&mut all, square(prime));
        }
        let less_one: Vec<Integer> = primes.iter().map(less_one).collect();
        let one = Zeroizing::new(BoxedUint::one());
        let product = |other: &Integer, factor: &Integer| {
            Zeroizing::new((**other).concatenating_mul(&**factor))
        };
        let phi = less_one
            .iter()
            .fold(one.clone(), |phi, factor| product(&phi, factor));
        let lambda = less_one.iter().fold(one, |lambda, factor| {
            let common = Zeroizing::new(lambda.gcd(&**factor));
            let whole = product(&lambda, factor);
            let divisor = common.to_nz().into_option();
            divisor.map_or(whole.clone(), |divisor| {
                Zeroizing::new(whole.div_rem_vartime(&divisor).0)
            })
        });
        for modulus in [&lambda, &phi] {
            let Some(d) = inverse(e, modulus) else {
                continue;
            };
            for factor in &less_one {
                push(&mut all, Number::of(CRT_EXPONENT, &remainder(&d, factor)));
            }
            push(&mut all, Number::of(PRIVATE_EXPONENT, &d));
        }
        for d in self.components(PRIVATE_EXPONENT) {
            let product = Zeroizing::new(number(d).concatenating_mul(e));
            if less_one
                .iter()
                .all(|factor| remainder(&product, factor).bits_vartime() == 1)
            {
                push(&mut all, Number::new(PRIVATE_EXPONENT, d));
            }
        }
        // The coefficient of a further prime is the inverse of the product of those before (RFC 8017, section 3.2).
        let mut before: Option<Integer> = None;
        for prime in &primes {
            if let Some(others) = &before {
                push_coefficients(&mut all, others, prime);
                if primes.len() == 2 {
                    push_coefficients(&mut all, prime, others);
                }
                before = Some(product(others, prime));
            } else {
                before = Some(prime.clone());
            }
        }
        if let [first, second, _, ..] = &primes[..] {
            push_coefficients(&mut all, second, first);
        }
        all
    }

    /// The prime factors of n, if the numbers at hand determine them. The key is proven: what divides its modulus
    /// and is called a prime is one, and only what is left needs a test.
    fn factors(&self, n: &BoxedUint, e: &BoxedUint) -> Option<Vec<Integer>> {
        let mut rest = Zeroizing::new(n.clone());
        let mut primes: Vec<Integer> = Vec::new();
        for prime in self.components(PRIME).map(number) {
            if let Some(other) = cofactor(&rest, &prime) {
                primes.push(prime);
                rest = other;
            } else if prime.cmp_vartime(&rest).is_eq() && !primes.is_empty() {
                primes.push(prime);
                return Some(primes);
            }
        }
        if primes.is_empty() {
            let by_exponent = self
                .components(PRIVATE_EXPONENT)
                .find_map(|d| Some(factor_by_exponent(n, e, &number(d))?.0));
            let factor = by_exponent.or_else(|| {
                self.components(CRT_EXPONENT)
                    .find_map(|exponent| factor_by_crt_exponent(n, e, &number(exponent)))
            })?;
            rest = cofactor(n, &factor)?;
            if !is_prime(&factor) {
                return None;
            }
            primes.push(factor);
        }
        let is_whole = is_prime(&rest);
        primes.push(rest);
        is_whole.then_some(primes)
    }
}

/// Adds a number unless it is there; as another component it would be the same bytes.
fn push(numbers: &mut Vec<Number>, number: Number) {
    let is_known = numbers.iter().any(|known| known.bytes == number.bytes);
    if !is_known && !number.bytes.is_empty() {
        numbers.push(number);
    }
}

fn push_some(numbers: &mut Vec<Number>, number: Option<Number>) {
    number.into_iter().for_each(|number| push(numbers, number));
}

/// The inverse of `other` modulo `prime`, plain and in Montgomery form.
fn push_coefficients(numbers: &mut Vec<Number>, other: &Integer, prime: &Integer) {
    let Some(inverse) = inverse(&remainder(other, prime), prime) else {
        return;
    };
    push(numbers, Number::of(CRT_COEFFICIENT, &inverse));
    push_some(
        numbers,
        montgomery(CRT_COEFFICIENT_MONTGOMERY, &inverse, prime),
    );
}

/// `value` times 2^(64·limbs of `modulus`) modulo `modulus`.
fn montgomery(component: &'static str, value: &BoxedUint, modulus: &BoxedUint) -> Option<Number> {
    let limbs = modulus.bits_vartime().div_ceil(64);
    let wide = value.clone().resize(2 * 64 * limbs.max(1));
    let shifted = Zeroizing::new(Zeroizing::new(wide).shl_vartime(64 * limbs)?);
    Some(Number::of(component, &remainder(&shifted, modulus)))
}

/// R² modulo `prime`, R being that of its Montgomery form.
fn square(prime: &BoxedUint) -> Option<Number> {
    let form = montgomery(MONTGOMERY_SQUARE, &BoxedUint::one(), prime)?;
    montgomery(MONTGOMERY_SQUARE, &number(&form.bytes), prime)
}

/// The inverse of `value` modulo `modulus`, if there is one.
fn inverse(value: &BoxedUint, modulus: &BoxedUint) -> Option<Integer> {
    let precision = modulus.bits_precision().max(value.bits_precision());
    let modulus: NonZero<BoxedUint> = modulus.clone().resize(precision).to_nz().into_option()?;
    let value = Zeroizing::new(value.clone().resize(precision));
    let inverse = value.invert_mod(&modulus).into_option();
    let _wiped = Zeroizing::new(modulus.get());
    inverse.map(Zeroizing::new)
}

fn less_one(prime: &Integer) -> Integer {
    Zeroizing::new(prime.wrapping_sub(BoxedUint::one()))
}

/// The prime p of n with dp = `exponent`: a^(e·dp) is a modulo p, and hardly ever modulo the other prime.
fn factor_by_crt_exponent(n: &BoxedUint, e: &BoxedUint, exponent: &BoxedUint) -> Option<Integer> {
    let params = BoxedMontyParams::new_vartime(n.to_odd().into_option()?);
    let base = BoxedMontyForm::new(
        BoxedUint::from(2u32).resize(params.bits_precision()),
        &params,
    );
    let product = Zeroizing::new(exponent.concatenating_mul(e));
    let difference = Zeroizing::new(base.pow(&product).sub(&base).retrieve());
    let factor = Zeroizing::new(n.gcd(&*difference));
    let is_proper = factor.bits_vartime() > 1 && factor.cmp_vartime(n).is_ne();
    is_proper.then_some(factor)
}

/// The scalar of an Ed25519 seed, clamped, and the same modulo the order of the base point.
fn expand_ed25519(seed: &[u8]) -> Vec<Number> {
    let mut hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed)));
    let Some(scalar) = hash.first_chunk_mut::<32>() else {
        return Vec::new();
    };
    clamp(scalar, 0xf8, 0x7f, 0x40);
    scalar.reverse();
    let order = BoxedUint::from_be_slice_vartime(&ED25519_ORDER);
    vec![
        Number::new(EXPANDED_SCALAR, scalar),
        Number::of(EXPANDED_SCALAR, &remainder(&number(scalar), &order)),
    ]
}

/// A big-endian scalar of Curve25519 or Curve448 with the bits that their ladders set and clear.
fn clamped(public: &PublicKey, scalar: &[u8]) -> Option<Number> {
    let (length, low, high, set) = match public {
        PublicKey::X25519(_) => (32, 0xf8, 0x7f, 0x40),
        _ => (56, 0xfc, 0xff, 0x80),
    };
    let mut bytes = Zeroizing::new(vec![0; length]);
    for (byte, digit) in bytes.iter_mut().zip(scalar.iter().rev()) {
        *byte = *digit;
    }
    clamp(&mut bytes, low, high, set);
    bytes.reverse();
    (scalar.len() <= length).then(|| Number::new(SCALAR, &bytes))
}

fn clamp(little_endian: &mut [u8], low: u8, high: u8, set: u8) {
    if let Some(first) = little_endian.first_mut() {
        *first &= low;
    }
    if let Some(last) = little_endian.last_mut() {
        *last = *last & high | set;
    }
}

/// 2^252 + 27742317777372353535851937790883648493 (RFC 8032, section 5.1).
const ED25519_ORDER: [u8; 32] = *b"\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \x14\xde\xf9\xde\xa2\xf7\x9c\xd6\x58\x12\x63\x1a\x5c\xf5\xd3\xed";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Curve;
    use crate::crypto::der::{Reader, tag};
    use crate::crypto::test_keys::{self, rsa_keys};
    use proptest::prelude::*;

    fn components(numbers: &[Number], component: &str) -> Vec<Vec<u8>> {
        let of = numbers.iter().filter(|one| one.component == component);
        of.map(|number| number.bytes.to_vec()).collect()
    }

    fn trimmed(bytes: &[u8]) -> Vec<u8> {
        trim_zeros(bytes).to_vec()
    }

    #[test]
    fn any_part_that_determines_an_rsa_key_gives_all_of_it() {
        for key in rsa_keys().iter().filter(|key| key.n.len() <= 384) {
            let public = PublicKey::rsa(&key.n, &key.e).unwrap();
            let [p, q, d] = [&key.p, &key.q, &key.d].map(|bytes| Secret::new(bytes));
            let [dp, dq, qinv] = &key.crt;
            for part in [
                Material::of([(PRIME, p)]),
                Material::of([(PRIME, q), (PRIME, p), (PRIVATE_EXPONENT, d)]),
                Material::of([(PRIVATE_EXPONENT, d)]),
                Material::of([(CRT_EXPONENT, Secret::new(dp))]),
                Material::of([(PRIME, Secret::new(dp)), (CRT_EXPONENT, Secret::new(dq))]),
                Material::rsa_from_factor(&key.n, q),
            ] {
                let all = part.unwrap().all(&public);
                let mut primes = components(&all, PRIME);
                primes.sort();
                let mut expected = [trimmed(&key.p), trimmed(&key.q)];
                expected.sort();
                assert!(primes == expected, "{} bytes", key.n.len());
                let squares = components(&all, MONTGOMERY_SQUARE);
                assert_eq!(squares.len(), 2);
                let n = BoxedUint::from_be_slice_vartime(&key.n);
                for square in squares {
                    let bits = 128 * key.p.len().div_ceil(8) as u32;
                    let wide = |number: BoxedUint| number.resize(bits + 64);
                    let power = wide(BoxedUint::one()).shl_vartime(bits).unwrap();
                    let square = wide(BoxedUint::from_be_slice_vartime(&square));
                    let factor = wide(n.clone()).gcd(&power.wrapping_sub(square));
                    assert!(primes.contains(&trimmed(&bytes(&factor))), "{bits} bits");
                }
                let exponents = components(&all, PRIVATE_EXPONENT);
                assert!(exponents.contains(&trimmed(&key.d)) && exponents.len() == 2);
                let exponents = components(&all, CRT_EXPONENT);
                assert!(exponents.contains(&trimmed(dp)) && exponents.contains(&trimmed(dq)));
                let coefficients = components(&all, CRT_COEFFICIENT);
                assert!(coefficients.contains(&trimmed(qinv)) && coefficients.len() == 2);
                assert_eq!(components(&all, CRT_COEFFICIENT_MONTGOMERY).len(), 2);
            }
        }
    }

    #[test]
    fn keys_of_three_primes_have_all_their_numbers() {
        let data = test_keys::read("forms/rsa2048x3.pkcs1.der");
        let mut reader = Reader::new(&data).inside(tag::SEQUENCE).unwrap();
        let [_, n, e, d, p, q, dp, dq, qinv] = std::array::from_fn(|_| reader.unsigned().unwrap());
        let mut other = Reader::new(reader.expect(tag::SEQUENCE).unwrap())
            .inside(tag::SEQUENCE)
            .unwrap();
        let [r, dr, t] = std::array::from_fn(|_| other.unsigned().unwrap());
        let public = PublicKey::rsa(n, e).unwrap();
        for given in [&[p, q][..], &[q, r], &[p, q, r]] {
            let given = given.iter().map(|prime| (PRIME, Secret::new(prime)));
            let all = Material::of(given).unwrap().all(&public);
            assert_eq!(components(&all, PRIME).len(), 3);
            assert!(components(&all, PRIVATE_EXPONENT).contains(&trimmed(d)));
            for exponent in [dp, dq, dr] {
                assert!(components(&all, CRT_EXPONENT).contains(&trimmed(exponent)));
            }
        }
        let in_order = [p, q, r].map(|prime| (PRIME, Secret::new(prime)));
        let all = Material::of(in_order).unwrap().all(&public);
        for coefficient in [qinv, t] {
            assert!(components(&all, CRT_COEFFICIENT).contains(&trimmed(coefficient)));
        }
        let one = Material::of([(PRIME, Secret::new(p)), (PRIVATE_EXPONENT, Secret::new(d))]);
        assert_eq!(one.unwrap().all(&public).len(), 2);
    }

    #[test]
    fn what_does_not_determine_an_rsa_key_is_left_as_it_is() {
        let key = test_keys::rsa_key("rsa1024.pkcs1.der");
        let public = PublicKey::rsa(&key.n, &key.e).unwrap();
        let other = test_keys::rsa_key("rsa2048.pkcs1.der");
        let wrong = Material::of([
            (PRIME, Secret::new(&other.p)),
            (PRIVATE_EXPONENT, Secret::new(&other.d)),
        ]);
        let all = wrong.unwrap().all(&public);
        assert!(components(&all, PRIME).is_empty());
        assert_eq!(all.len(), 1);
        assert!(Material::rsa_from_factor(&key.n, Secret::new(&other.p)).is_none());
        assert!(Material::rsa_from_factor(&key.n, Secret::new(&key.n)).is_none());
        assert!(Material::of([(PRIME, Secret::new(&[0; 9]))]).is_none());
    }

    #[test]
    fn an_exponent_that_is_no_usual_one_is_kept_if_it_fits() {
        let key = test_keys::rsa_key("rsa1024.pkcs1.der");
        let public = PublicKey::rsa(&key.n, &key.e).unwrap();
        let [p, d] = [&key.p, &key.d].map(|bytes| number(bytes));
        let phi = less_one(&p).concatenating_mul(&*less_one(&number(&key.q)));
        let larger = phi.concatenating_add(&*d);
        let larger = bytes(&larger);
        let given = |d| {
            [
                (PRIME, Secret::new(&key.p)),
                (PRIVATE_EXPONENT, Secret::new(d)),
            ]
        };
        let all = Material::of(given(&larger)).unwrap().all(&public);
        assert_eq!(components(&all, PRIVATE_EXPONENT).len(), 3);
        let all = Material::of(given(&larger[1..])).unwrap().all(&public);
        assert_eq!(components(&all, PRIVATE_EXPONENT).len(), 2);
    }

    #[test]
    fn ed25519_seeds_expand_as_rfc_8032_says() {
        // RFC 8032, section 7.1, test 1: the seed is kept as it stands, the scalar multiplies the base point.
        let private = test_keys::read("ed25519.pkcs8.der");
        let seed: [u8; 32] = private[private.len() - 32..].try_into().unwrap();
        let point = crate::crypto::edwards::ed25519_public(&seed);
        let public = PublicKey::Ed25519(point);
        let all = Material::on_curve(&public, &seed).unwrap().all(&public);
        assert!(components(&all, SEED) == [seed.to_vec()]);
        let [clamped, reduced] = &components(&all, EXPANDED_SCALAR)[..] else {
            panic!("two forms of the scalar")
        };
        let scalar: Vec<u8> = clamped.iter().rev().copied().collect();
        assert_eq!(scalar[0] & 7, 0);
        let signing = ed25519_dalek::SigningKey::from_bytes(&seed);
        let theirs: Vec<u8> = signing.to_scalar().to_bytes().into_iter().rev().collect();
        assert!(trimmed(&theirs) == *reduced);
    }

    #[test]
    fn scalars_of_curve25519_are_clamped() {
        let private = test_keys::read("x25519.pkcs8.der");
        let scalar: [u8; 32] = private[private.len() - 32..].try_into().unwrap();
        let public = PublicKey::X25519(crate::crypto::edwards::x25519_public(&scalar));
        let all = Material::on_curve(&public, &scalar).unwrap().all(&public);
        for number in &all {
            let mut bytes = [0; 32];
            for (byte, digit) in bytes.iter_mut().zip(number.bytes.iter().rev()) {
                *byte = *digit;
            }
            assert_eq!(
                PublicKey::X25519(crate::crypto::edwards::x25519_public(&bytes)),
                public
            );
        }
    }

    proptest! {
        #[test]
        fn the_montgomery_form_leads_back(bytes in prop::collection::vec(any::<u8>(), 1..66)) {
            for curve in Curve::ALL {
                let order = BoxedUint::from_be_slice_vartime(curve.order());
                let value = remainder(&number(&bytes), &order);
                let form = montgomery(SCALAR_MONTGOMERY, &value, &order).unwrap();
                let limbs = order.bits_vartime().div_ceil(64);
                let factor = BoxedUint::one().resize(64 * limbs + 64).shl_vartime(64 * limbs).unwrap();
                let back = inverse(&remainder(&Zeroizing::new(factor), &order), &order).unwrap();
                let product = Zeroizing::new(number(&form.bytes).concatenating_mul(&*back));
                prop_assert!(remainder(&product, &order).cmp_vartime(&value).is_eq());
            }
        }
    }

    #[test]
    fn orders_annul_the_base_point() {
        for curve in Curve::ALL {
            let mut less_one = curve.order().to_vec();
            *less_one.last_mut().unwrap() -= 1;
            let [one, opposite] = [&[1][..], &less_one].map(|s| curve.derive(s).unwrap());
            let half = curve.field_bytes() + 1;
            assert_eq!(one[1..half], opposite[1..half], "{}", curve.name());
            assert!(curve.derive(curve.order()).is_none(), "{}", curve.name());
        }
    }
}
