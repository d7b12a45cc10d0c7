//! Bare moduli: which exponent is theirs, and which are no moduli.
//!
//! A modulus that stands alone is taken for one with the usual exponent. Wherever the same modulus stands with its own
//! exponent (in a certificate, in a structure with a proven key, in what the user gave), or a private exponent tells
//! it, the bare copies are copies of that key. And a private number of a modulus' size looks like a modulus, until
//! the key is proven whose number it is.

use super::Question;
use super::ledger::Ledger;
use crate::correlate::{KeySeen, PlaceSeen, PublicSeen};
use crate::crypto::{Fingerprint, Identity, PublicKey};
use crate::finding::{Piece, Proof, WHOLE};
use crate::outcome::Search;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Which bare moduli are those of keys that the user asks for by their fingerprints only: tried with exponents in use.
#[derive(Default)]
pub struct Guesses {
    /// Fingerprints without a key, and moduli that were tried for them.
    asked: usize,
    tried: HashSet<Box<[u8]>>,
}

impl Guesses {
    /// Tries the bare moduli of `ledger` that were not tried before, adds the keys that are asked for to those that the
    /// user gave, and tells exponents by them.
    pub fn make(&mut self, asked: &[Question], ledger: &mut Ledger, user: &mut Vec<Arc<Identity>>) {
        let named = asked.iter().filter(|question| question.identity.is_none());
        let names: HashSet<Fingerprint> = named.map(|question| question.spki_sha256).collect();
        self.asked = names.len();
        if !names.is_empty() {
            for n in ledger.bare_moduli() {
                if self.tried.insert(n.clone()) {
                    user.extend(guess(&n, &names).map(Arc::new));
                }
            }
        }
        ledger.tell_exponents(user);
    }

    /// What was tried; nothing where no fingerprint was given without its key.
    pub fn search(&self) -> Option<Search> {
        let exponents: Vec<String> = GUESSED.iter().map(u32::to_string).collect();
        (self.asked > 0).then(|| Search {
            name: "asked-fingerprints",
            scope: format!(
                "keys of which only the fingerprint was given: {}; among {} bare moduli with the public exponents {}",
                self.asked,
                self.tried.len(),
                exponents.join(", ")
            ),
            complete: true,
        })
    }
}

/// The key of this modulus that has one of these names.
fn guess(n: &[u8], names: &HashSet<Fingerprint>) -> Option<Identity> {
    let keys = GUESSED
        .iter()
        .filter_map(|e| PublicKey::rsa(n, &e.to_be_bytes()));
    let mut identities = keys.map(Identity::new);
    identities.find(|identity| names.contains(&identity.fingerprint()))
}

/// The moduli of keys and public keys whose exponents are assumed, each once.
pub fn moduli(keys: &[KeySeen], clues: &[PublicSeen]) -> HashSet<Box<[u8]>> {
    let of_keys = keys.iter().filter(|seen| seen.key.e_assumed);
    let of_keys = of_keys.filter_map(|seen| seen.key.public.as_ref());
    let of_clues = clues.iter().filter(|clue| clue.e_assumed);
    of_keys
        .chain(of_clues.map(|clue| &clue.identity))
        .filter_map(|identity| modulus(identity))
        .map(Box::from)
        .collect()
}

/// Gives keys and public keys with an assumed exponent the one that is told: by the user's keys, by proven keys, and by
/// public keys, in this order. Public keys that are one then are merged.
pub fn tell_exponents(user: &[Arc<Identity>], keys: &mut [KeySeen], clues: &mut Vec<PublicSeen>) {
    let bare = moduli(keys, clues);
    if bare.is_empty() {
        return;
    }
    let proven = keys
        .iter()
        .filter(|seen| seen.key.proof == Proof::Arithmetic && !seen.key.e_assumed)
        .filter_map(|seen| seen.key.public.as_ref());
    let seen = clues.iter().filter(|clue| !clue.e_assumed);
    let tellers = user.iter().chain(proven);
    let mut told: HashMap<Box<[u8]>, Arc<Identity>> = HashMap::new();
    for identity in tellers.chain(seen.map(|clue| &clue.identity)) {
        if let Some(n) = modulus(identity).filter(|n| bare.contains(*n)) {
            told.entry(n.into()).or_insert_with(|| identity.clone());
        }
    }
    let true_one = |identity: &Identity| told.get(modulus(identity)?).cloned();
    for KeySeen { key, .. } in keys.iter_mut().filter(|seen| seen.key.e_assumed) {
        if let Some(identity) = key.public.as_deref().and_then(true_one) {
            key.public = Some(identity);
            key.e_assumed = false;
        }
    }
    let mut renamed = Vec::new();
    clues.retain_mut(|clue| {
        let identity = clue.e_assumed.then(|| true_one(&clue.identity)).flatten();
        let Some(identity) = identity else {
            return true;
        };
        renamed.push(PublicSeen {
            identity,
            rank: clue.rank,
            e_assumed: false,
            places: std::mem::take(&mut clue.places),
            omitted: clue.omitted,
        });
        false
    });
    for clue in renamed {
        let name = clue.identity.fingerprint();
        match clues
            .iter_mut()
            .find(|known| known.identity.fingerprint() == name)
        {
            Some(known) => known.absorb(clue),
            None => clues.push(clue),
        }
    }
}

/// Takes the private numbers of proven keys out of what was taken for bare moduli.
pub fn drop_private(keys: &[KeySeen], clues: &mut Vec<PublicSeen>) {
    let is_private =
        |place: &&PlaceSeen| place.proof == Proof::Arithmetic && place.component != WHOLE;
    let places = keys.iter().flat_map(|seen| &seen.places);
    let mut private: Vec<Range<u64>> = places
        .filter(is_private)
        .flat_map(|place| &place.pieces)
        .map(|piece| piece.offset..piece.offset.saturating_add(piece.length))
        .collect();
    private.sort_unstable_by_key(|range| (range.start, range.end));
    private.dedup_by(|next, last| {
        let is_joined = next.start <= last.end;
        if is_joined {
            last.end = last.end.max(next.end);
        }
        is_joined
    });
    let shares = |piece: &Piece| {
        let end = piece.offset.saturating_add(piece.length);
        let first = private.partition_point(|range| range.end <= piece.offset);
        let behind = private.get(first..).unwrap_or_default().iter();
        let mut near = behind.take_while(|range| range.start < end);
        near.any(|range| range.start.max(piece.offset) + LEAST_COMMON <= range.end.min(end))
    };
    clues.retain(|clue| !clue.e_assumed || !clue.places.iter().any(|(_, piece)| shares(piece)));
}

/// The modulus of an RSA key.
fn modulus(identity: &Identity) -> Option<&[u8]> {
    match identity.key() {
        PublicKey::Rsa { n, .. } => Some(n),
        _ => None,
    }
}

/// Public exponents of which some program makes keys, the usual ones first: Fermat primes and their products, those of
/// PuTTY and old OpenSSH (37, 35), of old OpenSSL and PGP (17, 41), and the primes round powers of two.
const GUESSED: [u32; 27] = [
    65537,
    3,
    17,
    5,
    7,
    11,
    13,
    19,
    23,
    29,
    31,
    35,
    37,
    41,
    43,
    47,
    257,
    641,
    4097,
    32767,
    65535,
    65539,
    262_147,
    1_048_577,
    16_777_217,
    0x7fff_ffff,
    0xffff_ffff,
];

/// Bytes that a public number does not share with a private one by chance.
const LEAST_COMMON: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clue::Rank;
    use crate::crypto::material::{Material, PRIME};
    use crate::crypto::test_keys::rsa_keys;
    use crate::detect::Key;
    use crate::secret::Secret;

    fn identity(n: &[u8], e: &[u8]) -> Arc<Identity> {
        Arc::new(Identity::new(PublicKey::rsa(n, e).unwrap()))
    }

    fn clue(identity: &Arc<Identity>, e_assumed: bool, rank: Rank, offset: u64) -> PublicSeen {
        let piece = Piece {
            offset,
            length: 256,
            va: None,
        };
        PublicSeen {
            identity: identity.clone(),
            rank,
            e_assumed,
            places: vec![("raw.limbs-le", piece)],
            omitted: 0,
        }
    }

    fn proven(
        identity: &Arc<Identity>,
        e_assumed: bool,
        component: &'static str,
        at: Range<u64>,
    ) -> KeySeen {
        let material = Material::of([(PRIME, Secret::new(&[7]))]).unwrap();
        let place = PlaceSeen {
            form: "raw.limbs-le",
            component,
            encoding: "raw",
            proof: Proof::Arithmetic,
            fragment: None,
            pieces: vec![Piece {
                offset: at.start,
                length: at.end - at.start,
                va: None,
            }],
        };
        KeySeen {
            key: Key {
                e_assumed,
                ..Key::proven(identity.clone(), material)
            },
            places: vec![place],
            omitted: 0,
        }
    }

    #[test]
    fn whoever_knows_the_exponent_names_the_bare_copies() {
        let key = &rsa_keys()[0];
        let [assumed, own] = [&[1, 0, 1][..], &[17]].map(|e| identity(&key.n, e));
        let other = identity(&rsa_keys()[1].n, &[1, 0, 1]);
        for teller in ["user", "key", "public key", "nobody"] {
            let mut keys = vec![proven(&assumed, true, PRIME, 0..128)];
            let mut clues = vec![
                clue(&assumed, true, Rank::Pointed, 1024),
                clue(&other, true, Rank::Own, 2048),
            ];
            let mut user = Vec::new();
            match teller {
                "user" => user.push(own.clone()),
                "key" => keys.push(proven(&own, false, PRIME, 512..640)),
                "public key" => clues.push(clue(&own, false, Rank::Own, 4096)),
                _ => {}
            }
            tell_exponents(&user, &mut keys, &mut clues);
            let is_told = teller != "nobody";
            let name = if is_told { &own } else { &assumed };
            for seen in &keys {
                assert_eq!(seen.key.public.as_deref(), Some(&**name), "{teller}");
                assert_eq!(seen.key.e_assumed, !is_told, "{teller}");
            }
            assert_eq!(clues.len(), 2, "{teller}");
            for clue in &clues {
                let is_own = clue.identity.key() == name.key();
                assert_eq!(clue.e_assumed, !(is_own && is_told), "{teller}");
                let is_pointed = clue.rank == Rank::Pointed;
                assert_eq!(is_pointed, is_own, "{teller}: the best rank of its places");
                let places = 1 + usize::from(is_own && teller == "public key");
                assert_eq!(clue.places.len(), places, "{teller}");
            }
        }
    }

    #[test]
    fn private_numbers_are_no_moduli() {
        let keys = rsa_keys();
        let own = identity(&keys[0].n, &[1, 0, 1]);
        let bare = identity(&keys[1].n, &[1, 0, 1]);
        let listed = |component, at: Range<u64>, e_assumed, offset| {
            let keys = [
                proven(&own, false, component, at),
                proven(&own, false, PRIME, 0..64),
                proven(&own, false, PRIME, 0x9000..0x9040),
            ];
            let mut clues = vec![clue(&bare, e_assumed, Rank::Own, offset)];
            drop_private(&keys, &mut clues);
            clues.len()
        };
        // The private number is at 0x1000, 256 bytes of it or less.
        for (at, offset, left) in [
            (0x1000..0x1100, 0x1000, 0),
            (0x1000..0x1100, 0xff8, 0),
            (0x1000..0x1080, 0x1000, 0),
            (0x1080..0x1100, 0x1000, 0),
            (0x1000..0x1100, 0xf08, 1),
            (0x1000..0x1100, 0xf10, 0),
            (0x1000..0x1100, 0x10f0, 0),
            (0x1000..0x1100, 0x10f1, 1),
            (0x1000..0x1100, 0x1100, 1),
        ] {
            assert_eq!(
                listed(PRIME, at.clone(), true, offset),
                left,
                "{at:x?} {offset:x}"
            );
            assert_eq!(listed(PRIME, at.clone(), false, offset), 1, "announced");
            assert_eq!(
                listed(WHOLE, at, true, offset),
                1,
                "a structure holds its modulus too"
            );
        }
    }
}
