//! Which of the keys that were read are published ones.

use super::anchors::Anchors;
use super::ledger::Ledger;
use super::linear;
use crate::crypto::prover::Digest256;
use crate::crypto::{ProofCache, Prover};
use crate::detect::Key;
use crate::finding::{Kind, Proof};
use crate::policy::known::{self, TEXTS};
use std::collections::HashMap;

/// Published keys: by name in the policy's table, and by what the detectors read in the published texts.
pub struct Published {
    texts: HashMap<(Kind, Digest256), &'static str>,
}

impl Published {
    /// Reads the published texts with the detectors that will read dumps, so that a key in another form of
    /// the same numbers is the same key.
    pub fn read(anchors: &Anchors) -> Self {
        let mut texts = HashMap::new();
        for text in TEXTS {
            let keys = keys_in(text.bytes(), anchors);
            texts.extend(
                keys.into_iter()
                    .map(|key| ((key.kind, key.digest), text.source())),
            );
        }
        Self { texts }
    }

    /// Where `key` is published. A public half that merely stands beside a secret, as beside a key under a
    /// passphrase, says nothing about that secret: only one that arithmetic confirms, or that was derived from
    /// the secret, is asked for. Of several derived ones any will do, since all are of the same secret numbers.
    pub fn source(&self, key: &Key) -> Option<&'static str> {
        if key.public.is_none() && key.derived.is_empty() {
            return self.texts.get(&(key.kind, key.digest)).copied();
        }
        if !matches!(key.kind, Kind::Private(_)) {
            return None;
        }
        let confirmed = key.public.iter().filter(|_| key.proof == Proof::Arithmetic);
        confirmed
            .chain(&key.derived)
            .find_map(|half| known::source(half.fingerprint()))
    }
}

/// The private keys in a text.
fn keys_in(data: &[u8], anchors: &Anchors) -> Vec<Key> {
    let cache = ProofCache::default();
    let prover = Prover::new(&cache, linear::WORK_IN_SHARE);
    let mut ledger = Ledger::default();
    let share = linear::examine(anchors, data, 0..data.len(), &prover);
    ledger.take(share, |_| Vec::new());
    let (keys, _) = ledger.into_parts();
    keys.into_iter().map(|seen| seen.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Identity, PublicKey};
    use crate::detect::DETECTORS;
    use std::sync::Arc;

    #[test]
    fn every_text_is_one_key_without_a_name_of_its_own() {
        let published = Published::read(&Anchors::new(DETECTORS));
        assert_eq!(published.texts.len(), TEXTS.len());
        for (kind, _) in published.texts.keys() {
            assert_eq!(*kind, Kind::Other);
        }
    }

    #[test]
    fn a_published_public_half_beside_another_secret_is_not_known() {
        let published = Published::read(&Anchors::new(DETECTORS));
        // RFC 8032, section 7.1, test 1: in the table.
        let public = [
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64,
            0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68,
            0xf7, 0x07, 0x51, 0x1a,
        ];
        let public = PublicKey::ed25519(&public).unwrap();
        let name = Identity::new(public.clone()).fingerprint();
        assert!(known::source(name).is_some(), "{name}");
        let encrypted = Key::encrypted(Some(public.clone()), &[7; 64]);
        assert_eq!(published.source(&encrypted), None);
        let mut beside = Key::other(&[7; 64]);
        beside.kind = Kind::Private(public.algorithm());
        beside.public = Some(Arc::new(Identity::new(public)));
        assert_eq!(published.source(&beside), None);
        beside.proof = Proof::Arithmetic;
        assert!(published.source(&beside).is_some());
        beside.proof = Proof::Parsed;
        beside.derived = beside.public.take().into_iter().collect();
        assert!(published.source(&beside).is_some());
    }

    #[test]
    fn a_text_is_known_in_another_form() {
        let anchors = Anchors::new(DETECTORS);
        let published = Published::read(&anchors);
        for text in TEXTS {
            // The same text in one line, as a C source without line ends writes it.
            let one_line: Vec<u8> = text
                .bytes()
                .split(|byte| *byte == b'\n')
                .skip(1)
                .flatten()
                .copied()
                .collect();
            let keys = keys_in(&one_line, &anchors);
            assert_eq!(keys.len(), 1, "{}", text.source());
            assert_eq!(published.source(&keys[0]), Some(text.source()));
        }
    }
}
