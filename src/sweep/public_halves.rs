//! Looks for the public half of keys whose structure holds none. A public half that was derived from
//! a candidate proves nothing; the same bytes standing elsewhere in the dump do.

use crate::crypto::{Fingerprint, Identity, PublicKey};
use aho_corasick::{AhoCorasick, Input};
use rayon::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;

/// The search for given public halves.
pub struct PublicHalves {
    automaton: AhoCorasick,
    /// The key each pattern belongs to.
    owners: Vec<Fingerprint>,
    longest: usize,
    is_complete: bool,
}

impl PublicHalves {
    /// Over `keys`; `None` if there are none.
    pub fn arm(keys: &[Arc<Identity>]) -> Option<Self> {
        let patterns: Vec<(Vec<u8>, Fingerprint)> = keys
            .iter()
            .take(MAX_KEYS)
            .flat_map(|identity| {
                patterns(identity.key())
                    .into_iter()
                    .map(|bytes| (bytes, identity.fingerprint()))
            })
            .collect();
        let longest = patterns.iter().map(|(bytes, _)| bytes.len()).max()?;
        let (bytes, owners): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let automaton =
            AhoCorasick::new(bytes).expect("a few thousand short patterns fit every automaton");
        Some(Self {
            automaton,
            owners,
            longest,
            is_complete: keys.len() <= MAX_KEYS,
        })
    }

    /// The keys whose public half stands somewhere in `data`; `tell` is told of each number of bytes that was searched.
    pub fn search(&self, data: &[u8], tell: impl Fn(u64) + Sync) -> HashSet<Fingerprint> {
        let found = |start: usize| -> HashSet<Fingerprint> {
            let end = data.len().min(start + CHUNK + self.longest - 1);
            let matches = self
                .automaton
                .find_overlapping_iter(Input::new(data).span(start..end));
            let found = matches
                .filter_map(|found| self.owners.get(found.pattern().as_usize()).copied())
                .collect();
            tell(CHUNK.min(data.len() - start) as u64);
            found
        };
        (0..data.len())
            .into_par_iter()
            .step_by(CHUNK)
            .map(found)
            .reduce(HashSet::new, |mut all, some| {
                all.extend(some);
                all
            })
    }

    /// Whether all keys were looked for.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

/// How a public half lies in memory: the coordinates of a point big-endian one after the other, or the
/// first one behind the sign of the second (SEC 1 compressed); a Curve25519 or Curve448 key as it is; a DSA key
/// big-endian.
fn patterns(key: &PublicKey) -> Vec<Vec<u8>> {
    match key {
        // A modulus alone does not tell the exponent, and so not the name.
        PublicKey::Rsa { .. } => Vec::new(),
        PublicKey::Dsa { y, .. } => vec![y.to_vec()],
        PublicKey::Ec { point, .. } => {
            let coordinates = point.get(1..).unwrap_or_default();
            let sign = 2 + (point.last().copied().unwrap_or(0) & 1);
            let mut compressed = vec![sign];
            compressed
                .extend_from_slice(coordinates.get(..coordinates.len() / 2).unwrap_or_default());
            vec![coordinates.to_vec(), compressed]
        }
        PublicKey::Ed25519(key) | PublicKey::X25519(key) => vec![key.to_vec()],
        PublicKey::Ed448(key) => vec![key.to_vec()],
        PublicKey::X448(key) => vec![key.to_vec()],
    }
}

/// Keys looked for at most.
const MAX_KEYS: usize = 1024;

/// Bytes a worker takes at a time.
const CHUNK: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Curve;

    fn identity(scalar: u8) -> Arc<Identity> {
        let point = Curve::P256.derive(&[scalar]).unwrap();
        Arc::new(Identity::new(PublicKey::Ec {
            curve: Curve::P256,
            point,
        }))
    }

    #[test]
    fn a_public_half_is_found_anywhere_and_no_other() {
        let (seven, nine) = (identity(7), identity(9));
        let halves = PublicHalves::arm(&[seven.clone(), nine]).unwrap();
        let PublicKey::Ec { point, .. } = seven.key() else {
            unreachable!()
        };
        for at in [0, CHUNK - 40, CHUNK - 1, CHUNK, 2 * CHUNK + 17] {
            let mut data = vec![0; 3 * CHUNK];
            data[at..at + 64].copy_from_slice(&point[1..]);
            assert_eq!(
                halves.search(&data, |_| ()),
                HashSet::from([seven.fingerprint()]),
                "at {at}"
            );
        }
        assert!(halves.search(&vec![4; CHUNK], |_| ()).is_empty());
        assert!(PublicHalves::arm(&[]).is_none());
    }
}
