//! The search for seeds and scalars of known public keys of Ed25519 (RFC 8032) and X25519 (RFC 7748).
//!
//! Both have the points of Curve25519, so one comb serves them: the results are compared by the u-coordinate and
//! confirmed by the crates, which tell an Ed25519 key from its negative too.

use super::comb::{BATCH, Comb};
use super::field::{Limbs, Modulus, from_hex, is_zero};
use super::weierstrass::{Curve25519, Point, Weierstrass, invert_all};
use crate::crypto::edwards::{ed25519_public, x25519_public};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::clamp_integer;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// Known public keys of Ed25519 or of X25519, and the search for the private half of one of them.
pub struct Edwards {
    scheme: Scheme,
    keys: Vec<[u8; 32]>,
    /// The x-coordinate of the key's point on the Weierstrass curve and the key's index, sorted.
    targets: Vec<(Limbs<4>, usize)>,
}

/// What a public key of Curve25519 is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Signatures (RFC 8032).
    Ed25519,
    /// Key agreement (RFC 7748).
    X25519,
}

impl Scheme {
    /// The public keys of `seeds`, 32 bytes each, one after the other, as [`Edwards::search_seeds`] takes them; those
    /// of Ed25519 without the sign, the highest bit of the last byte. A rest of fewer bytes is left out.
    pub fn unsigned_public_keys(self, seeds: &[u8]) -> Vec<[u8; 32]> {
        const FIELD: &Modulus<4> = &Curve25519::FIELD;
        let (seeds, _) = seeds.as_chunks::<32>();
        let batch = seeds.len().min(BATCH);
        let mut comb = Comb::<Curve25519, 4>::new(batch);
        let mut scalars = Zeroizing::new(Vec::with_capacity(batch));
        let mut keys = Vec::with_capacity(seeds.len());
        let mut divisors = Vec::with_capacity(2 * batch);
        for seeds in seeds.chunks(BATCH) {
            scalars.clear();
            for seed in seeds {
                let scalar = match self {
                    Self::Ed25519 => expand(seed),
                    Self::X25519 => clamp(seed),
                };
                scalars.push(limbs(&scalar));
            }
            let us = comb
                .multiply(&scalars)
                .iter()
                .map(|point| FIELD.subtract(&point.x, &SHIFT));
            match self {
                Self::X25519 => keys.extend(us.map(|u| bytes(&FIELD.leave(&u)))),
                Self::Ed25519 => {
                    // y = (u - 1) / (u + 1); no multiple of the generator has u = -1.
                    divisors.clear();
                    divisors.resize(seeds.len(), [0; 4]);
                    divisors.extend(us.map(|u| match FIELD.add(&u, &FIELD.one) {
                        sum if is_zero(&sum) => FIELD.one,
                        sum => sum,
                    }));
                    let tops: Vec<Limbs<4>> = divisors
                        .iter()
                        .skip(seeds.len())
                        .map(|sum| FIELD.subtract(&FIELD.subtract(sum, &FIELD.one), &FIELD.one))
                        .collect();
                    invert_all::<Curve25519, 4>(&mut divisors);
                    let inverses = divisors.iter().skip(seeds.len());
                    keys.extend(tops.iter().zip(inverses).map(|(top, inverse)| {
                        bytes(&FIELD.leave(&Curve25519::multiply(top, inverse)))
                    }));
                }
            }
        }
        keys
    }
}

/// 486662/3
const SHIFT: Limbs<4> = Curve25519::FIELD.enter(&from_hex(
    "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad2451",
));

impl Edwards {
    /// The public keys of Ed25519. `None` if there is none.
    pub fn ed25519(keys: &[[u8; 32]]) -> Option<Self> {
        Self::new(Scheme::Ed25519, keys)
    }

    /// The public keys of X25519. `None` if there is none.
    pub fn x25519(keys: &[[u8; 32]]) -> Option<Self> {
        Self::new(Scheme::X25519, keys)
    }

    fn new(scheme: Scheme, keys: &[[u8; 32]]) -> Option<Self> {
        if keys.is_empty() {
            return None;
        }
        let mut targets: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| (weierstrass_x(scheme, key), index))
            .collect();
        targets.sort_unstable();
        Some(Self {
            scheme,
            keys: keys.to_vec(),
            targets,
        })
    }

    /// Tests candidates of 32 bytes, one after the other, as seeds: for Ed25519 the 32 bytes RFC 8032 calls the
    /// private key, for X25519 the scalar, which has no other form. A rest of fewer bytes is left out.
    ///
    /// Calls `found` with the index of the candidate and that of the key for each pair that belongs together; each is
    /// confirmed by the crates' own multiplication. The order of the calls is that of the candidates, then of
    /// the keys.
    pub fn search_seeds(&self, candidates: &[u8], found: impl FnMut(usize, usize)) {
        match self.scheme {
            Scheme::Ed25519 => self.search(candidates, expand, ed25519_public, found),
            Scheme::X25519 => self.search_scalars(candidates, found),
        }
    }

    /// Tests candidates of 32 bytes, one after the other, as scalars, which are clamped first: for Ed25519 the first half
    /// of a seed's SHA-512, which ring and others keep. Otherwise as [`search_seeds`](Self::search_seeds).
    pub fn search_scalars(&self, candidates: &[u8], found: impl FnMut(usize, usize)) {
        match self.scheme {
            Scheme::Ed25519 => self.search(candidates, clamp, ed25519_scalar_public, found),
            Scheme::X25519 => self.search(candidates, clamp, x25519_public, found),
        }
    }

    fn search(
        &self,
        candidates: &[u8],
        scalar: impl Fn(&[u8; 32]) -> Zeroizing<[u8; 32]>,
        public: impl Fn(&[u8; 32]) -> [u8; 32],
        mut found: impl FnMut(usize, usize),
    ) {
        let (candidates, _) = candidates.as_chunks::<32>();
        let batch = candidates.len().min(BATCH);
        let mut comb = Comb::<Curve25519, 4>::new(batch);
        let mut scalars = Zeroizing::new(Vec::with_capacity(batch));
        for (number, candidates) in candidates.chunks(BATCH).enumerate() {
            scalars.clear();
            for candidate in candidates {
                scalars.push(limbs(&scalar(candidate)));
            }
            let points = comb.multiply(&scalars);
            for (index, (point, candidate)) in points.iter().zip(candidates).enumerate() {
                let first = self.targets.partition_point(|(x, _)| *x < point.x);
                let same = self.targets.get(first..).unwrap_or_default().iter();
                for &(_, key) in same.take_while(|(x, _)| *x == point.x) {
                    if self.keys.get(key) == Some(&public(candidate)) {
                        found(number * BATCH + index, key);
                    }
                }
            }
        }
    }
}

/// The x-coordinate, on the Weierstrass curve, of the point with this public key. What is no point of the
/// curve, or of its small subgroup, comes out as an x which no multiple of the generator has, or which the
/// confirmation refuses.
fn weierstrass_x(scheme: Scheme, key: &[u8; 32]) -> Limbs<4> {
    const FIELD: &Modulus<4> = &Curve25519::FIELD;
    let mut key = *key;
    if let Some(high) = key.last_mut() {
        *high &= 0x7f; // the sign of an Edwards point's x; RFC 7748 has it ignored
    }
    let coordinate = FIELD.enter(&limbs(&key));
    let u = match scheme {
        Scheme::X25519 => coordinate,
        Scheme::Ed25519 => {
            // u = (1 + y) / (1 - y); the neutral element, y = 1, is no multiple we look for.
            let below = FIELD.subtract(&FIELD.one, &coordinate);
            if is_zero(&below) {
                return Point::<4>::INFINITY.x;
            }
            let above = FIELD.add(&FIELD.one, &coordinate);
            Curve25519::multiply(&above, &Curve25519::invert(&below))
        }
    };
    FIELD.add(&u, &SHIFT)
}

/// The scalar of an Ed25519 seed.
fn expand(seed: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let hash: Zeroizing<[u8; 64]> = Zeroizing::new(Sha512::digest(seed).into());
    let (scalar, _) = hash.as_chunks::<32>();
    clamp(scalar.first().unwrap_or(&[0; 32]))
}

fn clamp(scalar: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(clamp_integer(*scalar))
}

/// The Ed25519 public key of a scalar.
fn ed25519_scalar_public(scalar: &[u8; 32]) -> [u8; 32] {
    EdwardsPoint::mul_base_clamped(*scalar)
        .compress()
        .to_bytes()
}

fn limbs(bytes: &[u8; 32]) -> Limbs<4> {
    let mut limbs = [0; 4];
    let (chunks, _) = bytes.as_chunks::<8>();
    for (limb, chunk) in limbs.iter_mut().zip(chunks) {
        *limb = u64::from_le_bytes(*chunk);
    }
    limbs
}

fn bytes(limbs: &Limbs<4>) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs) {
        *chunk = limb.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unhex(text: &str) -> [u8; 32] {
        let digit = |at: usize| char::from(text.as_bytes()[at]).to_digit(16).unwrap() as u8;
        std::array::from_fn(|at| digit(2 * at) << 4 | digit(2 * at + 1))
    }

    fn seeds(keys: &Edwards, candidates: &[[u8; 32]]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        keys.search_seeds(candidates.as_flattened(), |candidate, key| {
            all.push((candidate, key))
        });
        all
    }

    fn scalars(keys: &Edwards, candidates: &[[u8; 32]]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        keys.search_scalars(candidates.as_flattened(), |candidate, key| {
            all.push((candidate, key))
        });
        all
    }

    fn random(seed: u64) -> [u8; 32] {
        Sha512::digest(seed.to_le_bytes())[..32].try_into().unwrap()
    }

    #[test]
    fn rfc_8032_section_7_1() {
        let pairs = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            ),
        ]
        .map(|(seed, public)| (unhex(seed), unhex(public)));
        let keys = Edwards::ed25519(&pairs.map(|(_, public)| public)).unwrap();
        let candidates = pairs.map(|(seed, _)| seed);
        assert_eq!(seeds(&keys, &candidates), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(scalars(&keys, &candidates), []);
        let expanded = candidates.map(|seed| *expand(&seed));
        assert_eq!(scalars(&keys, &expanded), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(seeds(&keys, &expanded), []);
        // The first half of the hash before it is clamped.
        let unclamped = candidates.map(|seed| Sha512::digest(seed)[..32].try_into().unwrap());
        assert_eq!(scalars(&keys, &unclamped), [(0, 0), (1, 1), (2, 2)]);
    }

    #[test]
    fn rfc_7748_section_6_1() {
        let privates = [
            unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
            unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
        ];
        let publics = [
            unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
            unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
        ];
        let keys = Edwards::x25519(&publics).unwrap();
        assert_eq!(seeds(&keys, &privates), [(0, 0), (1, 1)]);
        assert_eq!(scalars(&keys, &privates), [(0, 0), (1, 1)]);
    }

    #[test]
    fn keys_are_found_in_batches_of_every_length() {
        let all: Vec<[u8; 32]> = (0..2050).map(random).collect();
        for length in [0, 1, 2, 35, 36, 300, 1023, 1024, 1025, 2050] {
            let candidates = &all[..length];
            let places: Vec<usize> = [0, length / 2, length.saturating_sub(1)]
                .into_iter()
                .filter(|&place| place < length)
                .collect();
            let mut expected: Vec<_> = places
                .iter()
                .enumerate()
                .map(|(key, &place)| (place, key))
                .collect();
            expected.sort_unstable();
            let public = |public: fn(&[u8; 32]) -> [u8; 32]| -> Vec<[u8; 32]> {
                let other = random(1 << 40);
                places
                    .iter()
                    .map(|&place| public(&candidates[place]))
                    .chain([public(&other)])
                    .collect()
            };
            let keys = Edwards::ed25519(&public(ed25519_public)).unwrap();
            assert_eq!(seeds(&keys, candidates), expected);
            let keys = Edwards::x25519(&public(x25519_public)).unwrap();
            assert_eq!(seeds(&keys, candidates), expected);
        }
    }

    #[test]
    fn public_keys_are_those_of_the_crates_but_for_the_sign() {
        for length in [0, 1, 2, 37, 1025] {
            let all: Vec<[u8; 32]> = (0..length).map(random).collect();
            let unsigned = |mut key: [u8; 32]| {
                key[31] &= 0x7f;
                key
            };
            let keys = Scheme::Ed25519.unsigned_public_keys(all.as_flattened());
            let expected = all.iter().map(|seed| unsigned(ed25519_public(seed)));
            assert!(keys.into_iter().eq(expected));
            let keys = Scheme::X25519.unsigned_public_keys(all.as_flattened());
            assert!(keys.into_iter().eq(all.iter().map(x25519_public)));
        }
    }

    #[test]
    fn the_negative_of_a_key_is_another_key() {
        let seed = random(4);
        let public = ed25519_public(&seed);
        let mut negative = public;
        negative[31] ^= 0x80;
        let keys = Edwards::ed25519(&[negative, public]).unwrap();
        assert_eq!(seeds(&keys, &[seed]), [(0, 1)]);
        assert_eq!(scalars(&keys, &[*expand(&seed)]), [(0, 1)]);
        // X25519 keys have no sign; a set high bit is none of ours to mend.
        let keys = Edwards::x25519(&[x25519_public(&seed)]).unwrap();
        assert_eq!(seeds(&keys, &[seed]), [(0, 0)]);
    }

    #[test]
    fn keys_that_are_no_points_of_the_group_are_never_found() {
        let mut one = [0; 32];
        one[0] = 1;
        let keys = [[0; 32], one, [0xff; 32], random(3)];
        let candidates: Vec<[u8; 32]> = (0..40).map(random).chain(keys).collect();
        assert!(Edwards::ed25519(&[]).is_none() && Edwards::x25519(&[]).is_none());
        let ed25519 = Edwards::ed25519(&keys).unwrap();
        assert_eq!(seeds(&ed25519, &candidates), []);
        assert_eq!(scalars(&ed25519, &candidates), []);
        assert_eq!(seeds(&Edwards::x25519(&keys).unwrap(), &candidates), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]

        #[test]
        fn neighbours_of_a_private_half_are_not_it(secret in any::<[u8; 32]>(), bit in 3..254usize) {
            let mut off = secret;
            off[bit / 8] ^= 1 << (bit % 8);
            let keys = Edwards::ed25519(&[ed25519_public(&secret)]).unwrap();
            prop_assert!(seeds(&keys, &[off, secret]) == [(1, 0)]);
            prop_assert!(scalars(&keys, &[*expand(&off), *expand(&secret)]) == [(1, 0)]);
            let keys = Edwards::x25519(&[x25519_public(&secret)]).unwrap();
            prop_assert!(scalars(&keys, &[off, secret, off]) == [(1, 0)]);
        }
    }
}
