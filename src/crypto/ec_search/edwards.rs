//! The search for seeds and scalars of known public keys of Ed25519 (RFC 8032) and X25519 (RFC 7748).
//!
//! Both have the points of Curve25519, so one comb serves them: the results are compared by the u-coordinate and
//! confirmed by the crates, which tell an Ed25519 key from its negative too.

use super::comb::{BATCH, Comb};
use super::field::{Limbs, Modulus, from_hex, is_zero};
use super::weierstrass::{Curve25519, Point, Weierstrass};
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Ed25519,
    X25519,
}

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
    /// 486662/3
    const SHIFT: Limbs<4> = FIELD.enter(&from_hex(
        "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad2451",
    ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_scalars() {
        let seeds: Vec<[u8; 32]> = (0..300u32)
            .map(|n| Sha512::digest(n.to_le_bytes())[..32].try_into().unwrap())
            .collect();
        let publics = [ed25519_public(&seeds[7]), ed25519_public(&seeds[299])];
        let mut all = Vec::new();
        Edwards::ed25519(&publics)
            .unwrap()
            .search_seeds(seeds.as_flattened(), |c, k| all.push((c, k)));
        assert_eq!(all, [(7, 0), (299, 1)]);
        let mut all = Vec::new();
        let scalars: Vec<[u8; 32]> = seeds.iter().map(|s| *expand(s)).collect();
        Edwards::ed25519(&publics)
            .unwrap()
            .search_scalars(scalars.as_flattened(), |c, k| all.push((c, k)));
        assert_eq!(all, [(7, 0), (299, 1)]);
        let publics = [x25519_public(&seeds[7]), x25519_public(&seeds[299])];
        let mut all = Vec::new();
        Edwards::x25519(&publics)
            .unwrap()
            .search_seeds(seeds.as_flattened(), |c, k| all.push((c, k)));
        assert_eq!(all, [(7, 0), (299, 1)]);
    }
}
