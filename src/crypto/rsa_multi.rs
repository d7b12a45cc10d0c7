//! RSA keys of more than two primes (RFC 8017, section 3.2): n = r1·r2·…·ru.

use super::public_key::PublicKey;
use super::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS, is_prime};
use crate::bytes::{bit_length, trim_zeros};
use crate::secret::Secret;
use crypto_bigint::{BoxedUint, ConcatenatingMul};
use zeroize::Zeroizing;

/// The numbers of an RSA key of several primes, big-endian.
#[derive(Clone, Copy, Debug)]
pub struct MultiPrime<'d> {
    /// Modulus.
    pub n: &'d [u8],
    /// Public exponent.
    pub e: &'d [u8],
    /// Private exponent.
    pub d: Secret<'d>,
    /// All primes.
    pub primes: &'d [Secret<'d>],
}

impl MultiPrime<'_> {
    /// Whether the sizes are those of a key, which costs nanoseconds.
    pub fn look_consistent(&self) -> bool {
        let bits = bit_length(self.n);
        let sum: u32 = self
            .primes
            .iter()
            .map(|prime| bit_length(prime.expose()).min(bits))
            .fold(0, u32::saturating_add);
        (3..=MAX_PRIMES).contains(&self.primes.len())
            && (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits)
            && (bits..bits.saturating_add(MAX_PRIMES as u32)).contains(&sum)
            && (2..=bits).contains(&bit_length(self.d.expose()))
    }

    /// The public half, if n is the product of the primes, they are primes and all different, and
    /// e·d ≡ 1 modulo each of them less one.
    pub fn prove(&self) -> Option<PublicKey> {
        if !self.look_consistent() {
            return None;
        }
        let primes: Vec<Number> = self.primes.iter().map(|prime| number(*prime)).collect();
        let product = primes
            .iter()
            .try_fold(None, |product: Option<Number>, prime| {
                let product = match product {
                    Some(product) => Zeroizing::new((*product).concatenating_mul(&**prime)),
                    None => prime.clone(),
                };
                Some(Some(product))
            })??;
        let n = BoxedUint::from_be_slice_vartime(trim_zeros(self.n));
        let e = BoxedUint::from_be_slice_vartime(trim_zeros(self.e));
        let exponents = Zeroizing::new((*number(self.d)).concatenating_mul(&e));
        let fits = |prime: &BoxedUint| {
            let less_one = Zeroizing::new(prime.wrapping_sub(BoxedUint::one()));
            let modulus = less_one.to_nz().into_option();
            modulus.is_some_and(|modulus| {
                Zeroizing::new(exponents.rem_vartime(&modulus)).bits_vartime() == 1
            })
        };
        let are_different = primes.iter().enumerate().all(|(index, prime)| {
            let others = primes.iter().skip(index + 1);
            others
                .into_iter()
                .all(|other| prime.cmp_vartime(other).is_ne())
        });
        let is_key = product.cmp_vartime(&n).is_eq()
            && are_different
            && primes.iter().all(|prime| fits(prime) && is_prime(prime));
        is_key.then(|| PublicKey::rsa(self.n, self.e))?
    }

    /// What the proof costs, in units of some 0.2 ms.
    pub fn cost(&self) -> usize {
        (bit_length(self.n).div_ceil(1024) as usize).pow(3)
    }
}

type Number = Zeroizing<BoxedUint>;

fn number(secret: Secret<'_>) -> Number {
    Zeroizing::new(BoxedUint::from_be_slice_vartime(trim_zeros(
        secret.expose(),
    )))
}

/// Primes of one key: OpenSSL makes five at most.
pub const MAX_PRIMES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::der::Reader;
    use crate::crypto::{der::tag, test_keys};

    /// n, e, d and the primes of a PKCS#1 structure of version 1 written by openssl.
    fn sample(file: &str) -> (Vec<u8>, Vec<u8>, Vec<u8>, Vec<Vec<u8>>) {
        let data = test_keys::read(file);
        let body = Reader::new(&data).expect(tag::SEQUENCE).unwrap();
        let mut reader = Reader::new(body);
        let [_, n, e, d, p, q, _, _, _] =
            std::array::from_fn(|_| reader.unsigned().unwrap().to_vec());
        let mut others = Reader::new(reader.expect(tag::SEQUENCE).unwrap());
        let mut primes = vec![p, q];
        while let Some(other) = others.expect(tag::SEQUENCE) {
            primes.push(Reader::new(other).unsigned().unwrap().to_vec());
        }
        (n, e, d, primes)
    }

    #[test]
    fn keys_of_three_and_four_primes_are_proven_and_changed_ones_are_not() {
        for file in ["forms/rsa2048x3.pkcs1.der", "forms/rsa4096x4.pkcs1.der"] {
            let (n, e, d, primes) = sample(file);
            let primes: Vec<Secret<'_>> = primes.iter().map(|prime| Secret::new(prime)).collect();
            let key = |d, primes| MultiPrime {
                n: &n,
                e: &e,
                d: Secret::new(d),
                primes,
            };
            assert_eq!(key(&d, &primes).prove(), PublicKey::rsa(&n, &e), "{file}");
            let mut other = d.clone();
            other[9] ^= 1;
            assert_eq!(key(&other, &primes).prove(), None, "{file}");
            let repeated: Vec<_> = primes.iter().map(|_| primes[0]).collect();
            assert_eq!(key(&d, &repeated).prove(), None, "{file}");
            assert_eq!(key(&d, &primes[1..]).prove(), None, "{file}");
            assert_eq!(key(&[], &primes).prove(), None, "{file}");
        }
    }
}
