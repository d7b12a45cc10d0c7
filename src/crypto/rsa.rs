//! Is this an RSA private key? n = p·q with p and q prime, and e·d ≡ 1 modulo p-1 and q-1.

use super::published::is_known_semiprime;
use crate::bytes::{bit_length, trim_zeros};
use crate::secret::Secret;
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero};
use crypto_primes::hazmat::MillerRabin;
use zeroize::Zeroizing;

/// The numbers of an RSA private key as a structure gives them, big-endian.
#[derive(Clone, Copy, Debug)]
pub struct RsaNumbers<'d> {
    /// Modulus.
    pub n: &'d [u8],
    /// Public exponent.
    pub e: &'d [u8],
    /// Private exponent, where the structure has one.
    pub d: Option<Secret<'d>>,
    /// First prime.
    pub p: Secret<'d>,
    /// Second prime.
    pub q: Secret<'d>,
}

/// What the arithmetic says about [`RsaNumbers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaProof {
    /// Every equation holds and both factors are probable primes.
    Proven,
    /// n is the product of two probable primes, but e or d does not belong to them.
    WrongExponent,
    /// n is not the product of two primes given here.
    NotAKey,
}

/// The least modulus, in bits, that is taken for a key.
pub const MIN_MODULUS_BITS: u32 = 512;
/// The largest modulus, in bits, that is taken for a key (OpenSSL's limit).
pub const MAX_MODULUS_BITS: u32 = 16_384;
/// 65537, big-endian: the public exponent of nearly all keys, taken where nothing tells it.
pub const COMMON_EXPONENT: [u8; 3] = [1, 0, 1];
/// The largest public exponent, in bits.
const MAX_EXPONENT_BITS: u32 = 256;

/// Whether modulus and exponent have sizes an RSA key can have, and are odd.
pub fn is_plausible_public(n: &[u8], e: &[u8]) -> bool {
    (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bit_length(n))
        && (2..=MAX_EXPONENT_BITS).contains(&bit_length(e))
        && is_odd(n)
        && is_odd(e)
}

impl RsaNumbers<'_> {
    /// The tests that cost nanoseconds: sizes, parity, p ≠ q, and the low 32 bits of p·q. Numbers
    /// that fail here are no key; random ones pass once in some 10^10.
    pub fn look_consistent(&self) -> bool {
        let (p, q) = (self.p.expose(), self.q.expose());
        let sum = bit_length(p) + bit_length(q);
        let bits = bit_length(self.n);
        is_plausible_public(self.n, self.e)
            && bit_length(p) > 1
            && bit_length(q) > 1
            && (bits == sum || bits + 1 == sum)
            && is_odd(p)
            && is_odd(q)
            && trim_zeros(p) != trim_zeros(q)
            && low_word(p).wrapping_mul(low_word(q)) == low_word(self.n)
            && self
                .d
                .is_none_or(|d| (2..=bits).contains(&bit_length(d.expose())))
    }

    /// Whether n = p·q.
    pub fn is_product(&self) -> bool {
        let product = number(self.p.expose());
        let product = Zeroizing::new((*product).concatenating_mul(&*number(self.q.expose())));
        product
            .cmp_vartime(BoxedUint::from_be_slice_vartime(self.n))
            .is_eq()
    }

    /// Whether p and q, of which n is the product, are probable primes: the part that takes time.
    pub fn has_prime_factors(&self) -> bool {
        is_known_semiprime(trim_zeros(self.n))
            || are_primes(&number(self.p.expose()), &number(self.q.expose()))
    }

    /// Whether e·d ≡ 1 modulo p-1 and q-1; true where the structure has no d.
    pub fn do_exponents_fit(&self) -> bool {
        self.d.is_none_or(|d| {
            let d = number(d.expose());
            let product =
                Zeroizing::new((*d).concatenating_mul(&BoxedUint::from_be_slice_vartime(self.e)));
            let fits =
                |prime: Secret<'_>| is_one_modulo_less_one(&product, &number(prime.expose()));
            fits(self.p) && fits(self.q)
        })
    }

    /// What the proof costs, in units of some 0.2 ms: it grows with the cube of the size.
    pub fn cost(&self) -> usize {
        let kilobits = bit_length(self.n).div_ceil(1024) as usize;
        if is_known_semiprime(trim_zeros(self.n)) {
            1
        } else {
            kilobits.pow(3)
        }
    }
}

/// A wiped big integer from big-endian bytes.
fn number(bytes: &[u8]) -> Zeroizing<BoxedUint> {
    Zeroizing::new(BoxedUint::from_be_slice_vartime(bytes))
}

/// Whether `value` ≡ 1 modulo `prime` - 1.
fn is_one_modulo_less_one(value: &BoxedUint, prime: &BoxedUint) -> bool {
    let less_one = Zeroizing::new(prime.wrapping_sub(BoxedUint::one()));
    let modulus: Option<NonZero<BoxedUint>> = less_one.to_nz().into_option();
    modulus.is_some_and(|modulus| {
        let modulus = Zeroizing::new(modulus.get());
        modulus.as_nz_vartime().is_some_and(|modulus| {
            let rest = Zeroizing::new(value.rem_vartime(modulus));
            bool::from(rest.is_one())
        })
    })
}

/// A strong probable prime to base 2, the first half of Baillie-PSW. The second half would cost three
/// times as much, half a second for the primes of the largest keys, and tell nothing more here: the
/// other equations hold already, and a composite that passes would have to be made on purpose.
pub(super) fn is_prime(candidate: &BoxedUint) -> bool {
    let odd = candidate.to_odd().into_option();
    odd.is_some_and(|odd| MillerRabin::new(odd).test_base_two().is_probably_prime())
}

/// Whether the number of these little-endian limbs is a strong probable prime to base 2.
pub fn is_probable_prime(limbs: &[u64]) -> bool {
    is_prime(&Zeroizing::new(BoxedUint::from_words(
        limbs.iter().copied(),
    )))
}

/// Whether both are probable primes; on two threads where one has nothing to do.
fn are_primes(p: &BoxedUint, q: &BoxedUint) -> bool {
    let (p, q) = rayon::join(|| is_prime(p), || is_prime(q));
    p && q
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte & 1 == 1)
}

/// The low 32 bits of a big-endian number.
fn low_word(number: &[u8]) -> u32 {
    number
        .iter()
        .rev()
        .take(4)
        .rev()
        .fold(0, |sum, &byte| sum << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys::{self, RsaKey};
    use crate::crypto::{ProofCache, Prover};

    /// What the prover, which runs the parts of the proof, says.
    fn prove(numbers: &RsaNumbers<'_>) -> RsaProof {
        let cache = ProofCache::default();
        Prover::new(&cache, 2)
            .rsa(numbers)
            .expect("a budget for a look and one proof")
            .0
    }

    fn numbers(key: &RsaKey) -> RsaNumbers<'_> {
        RsaNumbers {
            n: &key.n,
            e: &key.e,
            d: Some(Secret::new(&key.d)),
            p: Secret::new(&key.p),
            q: Secret::new(&key.q),
        }
    }

    #[test]
    fn true_keys_are_proven() {
        for key in test_keys::rsa_keys() {
            assert_eq!(
                prove(&numbers(&key)),
                RsaProof::Proven,
                "{} bits",
                bit_length(&key.n)
            );
            let swapped = RsaNumbers {
                p: Secret::new(&key.q),
                q: Secret::new(&key.p),
                ..numbers(&key)
            };
            assert_eq!(prove(&swapped), RsaProof::Proven);
            let without_d = RsaNumbers {
                d: None,
                ..numbers(&key)
            };
            assert_eq!(prove(&without_d), RsaProof::Proven);
        }
    }

    #[test]
    fn a_changed_number_is_noticed() {
        let key = test_keys::rsa_keys().swap_remove(0);
        for at in [0, 1, 30, key.p.len() - 1] {
            let mut p = key.p.clone();
            p[at] ^= 4;
            let changed = RsaNumbers {
                p: Secret::new(&p),
                ..numbers(&key)
            };
            assert_eq!(prove(&changed), RsaProof::NotAKey);
        }
        let mut d = key.d.clone();
        *d.last_mut().unwrap() ^= 4;
        let changed = RsaNumbers {
            d: Some(Secret::new(&d)),
            ..numbers(&key)
        };
        assert_eq!(prove(&changed), RsaProof::WrongExponent);
    }

    #[test]
    fn equal_or_composite_factors_are_no_key() {
        let key = test_keys::rsa_keys().swap_remove(0);
        let p = BoxedUint::from_be_slice_vartime(&key.p);
        let square = p.concatenating_mul(&p).to_be_bytes_trimmed_vartime();
        let equal = RsaNumbers {
            n: &square,
            d: None,
            q: Secret::new(&key.p),
            ..numbers(&key)
        };
        assert_eq!(prove(&equal), RsaProof::NotAKey);
        let n = BoxedUint::from_be_slice_vartime(&key.n);
        let product = n.concatenating_mul(&p).to_be_bytes_trimmed_vartime();
        let composite = RsaNumbers {
            n: &product,
            d: None,
            p: Secret::new(&key.n),
            q: Secret::new(&key.p),
            ..numbers(&key)
        };
        assert!(composite.look_consistent());
        assert_eq!(prove(&composite), RsaProof::NotAKey);
    }

    #[test]
    fn degenerate_numbers_are_no_key() {
        for bytes in [&[][..], &[0], &[1], &[0xff; 64], &[0xff; 5000]] {
            let numbers = RsaNumbers {
                n: bytes,
                e: &[3],
                d: Some(Secret::new(bytes)),
                p: Secret::new(bytes),
                q: Secret::new(bytes),
            };
            assert_eq!(prove(&numbers), RsaProof::NotAKey);
        }
    }
}
