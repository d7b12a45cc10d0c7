//! Published test keys so large that their primality test would take longer than a scan.
//!
//! The factorisation of a number is unique: when n is known to be the product of exactly two primes and
//! n = p·q with 1 < p, q < n, then p and q are those primes, and no test of theirs can tell more. Every
//! `openssl` program carries these keys (its speed test), so every dump with images does.

use sha2::{Digest, Sha256};

/// Whether `n`, big-endian without leading zeros, is one of the large moduli known to be the product of
/// two primes.
pub fn is_known_semiprime(n: &[u8]) -> bool {
    n.len() > LARGE && {
        let hash: String = Sha256::digest(n)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        SEMIPRIMES.contains(&hash.as_str())
    }
}

/// Bytes of a modulus; for smaller ones the test itself takes milliseconds.
const LARGE: usize = 512;

/// SHA-256 of moduli, from `apps/testrsa.h` of OpenSSL 3: 7,680 and 15,360 bits.
const SEMIPRIMES: [&str; 2] = [
    "6079bc5747f07c07c48fcf25753fe96b1333c97a09696a3da588fedc597d3bf8",
    "66a5898fd59a8c557cb351daf238284104136cbbf6a686b9939b94d892f8a1f0",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rsa::is_prime;
    use crate::crypto::test_keys::rsa_key;
    use crypto_bigint::BoxedUint;

    #[test]
    fn each_is_the_product_of_two_primes() {
        for file in [
            "published/openssl-speed-rsa7680.der",
            "published/openssl-speed-rsa15360.der",
        ] {
            let key = rsa_key(file);
            assert!(is_known_semiprime(&key.n), "{file}");
            for prime in [&key.p, &key.q] {
                assert!(is_prime(&BoxedUint::from_be_slice_vartime(prime)), "{file}");
            }
        }
    }

    #[test]
    fn no_other_number_is() {
        assert!(!is_known_semiprime(&[0xff; 960]));
        assert!(!is_known_semiprime(&[]));
    }
}
