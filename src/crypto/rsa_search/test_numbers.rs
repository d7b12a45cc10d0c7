//! Numbers for the tests: the keys of `tests/keys` as limbs, and primes made on the spot.

use super::limbs::{limbs, number, trimmed};
use crate::crypto::rsa::is_prime;
use crate::crypto::test_keys::rsa_keys;
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, Resize};

/// Numbers of an RSA key as limbs.
pub(super) struct Key {
    pub(super) n: Vec<u64>,
    pub(super) e: Vec<u64>,
    pub(super) d: Vec<u64>,
    pub(super) p: Vec<u64>,
    pub(super) q: Vec<u64>,
    pub(super) dp: Vec<u64>,
    pub(super) dq: Vec<u64>,
}

/// The keys of `tests/keys`.
pub(super) fn keys() -> Vec<Key> {
    let keys = rsa_keys().into_iter().map(|key| {
        let limbs = |bytes: &[u8]| limbs(&BoxedUint::from_be_slice_vartime(bytes)).to_vec();
        Key {
            n: limbs(&key.n),
            e: limbs(&key.e),
            d: limbs(&key.d),
            p: limbs(&key.p),
            q: limbs(&key.q),
            dp: limbs(&key.crt[0]),
            dq: limbs(&key.crt[1]),
        }
    });
    keys.collect()
}

/// A generator of numbers that look random (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn limb(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(super) fn number(&mut self, limbs: usize) -> Vec<u64> {
        (0..limbs).map(|_| self.limb()).collect()
    }
}

/// An odd number of that many limbs, the top bit set.
pub(super) fn odd(limbs: usize, seed: u64) -> Vec<u64> {
    let mut number = Random(seed).number(limbs);
    number[0] |= 1;
    number[limbs - 1] |= 1 << 63;
    number
}

/// A prime of that many bits.
pub(super) fn prime(bits: u32, seed: u64) -> Vec<u64> {
    let limbs = bits.div_ceil(64) as usize;
    let mut random = Random(seed << 32 | u64::from(bits));
    loop {
        let mut candidate = random.number(limbs);
        candidate[0] |= 1;
        let top = (bits - 1) % 64;
        candidate[limbs - 1] &= u64::MAX >> (63 - top);
        candidate[limbs - 1] |= 1 << top;
        if is_prime(&number(&candidate)) {
            return candidate;
        }
    }
}

/// a·b.
pub(super) fn product(a: &[u64], b: &[u64]) -> Vec<u64> {
    limbs(&(*number(trimmed(a))).concatenating_mul(&*number(trimmed(b)))).to_vec()
}

/// d modulo phi and modulo lambda; `None` if e has none.
pub(super) fn private_exponents(primes: &[&[u64]], e: &[u64]) -> Option<[Vec<u64>; 2]> {
    let less_one = |prime: &&[u64]| number(prime).wrapping_sub(BoxedUint::one());
    let [mut phi, mut lambda] = [BoxedUint::one(), BoxedUint::one()];
    for prime in primes.iter().map(less_one) {
        let common = lambda.gcd(&prime).to_nz().into_option()?;
        lambda = lambda.concatenating_mul(prime.div_rem_vartime(&common).0);
        phi = phi.concatenating_mul(&prime);
    }
    Some([inverse(e, &phi)?, inverse(e, &lambda)?])
}

/// 1/e modulo `modulus`.
pub(super) fn inverse(e: &[u64], modulus: &BoxedUint) -> Option<Vec<u64>> {
    let precision = modulus.bits_precision();
    let e = (&*number(e)).resize(precision);
    let inverse = e
        .invert_mod(&modulus.to_nz().into_option()?)
        .into_option()?;
    Some(limbs(&inverse).to_vec())
}
