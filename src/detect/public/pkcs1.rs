//! PKCS#1 RSAPublicKey (RFC 8017, appendix A.1.1): bare, or what is left of a certificate that was cut or
//! overwritten before or behind the modulus.
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 82 01 0a |
//! | modulus INTEGER | 02 82 01 01 00 ... |
//! | publicExponent INTEGER | 02 03 01 00 01 |
//!
//! A modulus counts when an exponent follows it, or when the SEQUENCE stands before it whose length leaves room
//! for an exponent and no more, as no private key's does. A private key that lost its primes shows its modulus so.

use crate::bytes::{slice, trim_zeros};
use crate::clue::Clue;
use crate::crypto::PublicKey;
use crate::crypto::der::{self, Reader, tag};
use crate::crypto::random::is_varied;
use crate::crypto::rsa::{COMMON_EXPONENT, RsaNumbers};
use crate::detect::public::spki;
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::secret::Secret;
use memchr::memmem;
use std::ops::Range;

/// The detector.
pub struct PublicPkcs1;

impl Detector for PublicPkcs1 {
    fn name(&self) -> &'static str {
        "public.pkcs1"
    }

    fn forms(&self) -> &'static [&'static str] {
        &[FORM]
    }

    /// Heads of moduli of 1024, 1536, 2048, 2560, 3072, 4096, 6144 and 8192 bits.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(b"\x02\x81\x81\x00"),
            Anchor::Bytes(b"\x02\x81\xc1\x00"),
            Anchor::Bytes(b"\x02\x82\x01\x01\x00"),
            Anchor::Bytes(b"\x02\x82\x01\x41\x00"),
            Anchor::Bytes(b"\x02\x82\x01\x81\x00"),
            Anchor::Bytes(b"\x02\x82\x02\x01\x00"),
            Anchor::Bytes(b"\x02\x82\x03\x01\x00"),
            Anchor::Bytes(b"\x02\x82\x04\x01\x00"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let seen = read(hit.data, hit.at).filter(|_| !is_told_elsewhere(hit.data, hit.at));
        let clue = seen.map(|seen| Clue {
            e_assumed: seen.e_assumed,
            ..Clue::new(seen.key, FORM, seen.range)
        });
        clue.map(Sighting::Public).into_iter().collect()
    }
}

/// What is left of an RSAPublicKey.
pub struct Left {
    /// The key.
    pub key: PublicKey,
    /// Its exponent is lost, and the usual one is taken.
    pub e_assumed: bool,
    /// Its bytes, as far as they are left.
    pub range: Range<usize>,
}

/// The first modulus with its exponent, or one whose exponent is cut off, inside a larger structure.
pub fn find(data: &[u8]) -> Option<Left> {
    memmem::find_iter(data, b"\x02\x82")
        .chain(memmem::find_iter(data, b"\x02\x81"))
        .find_map(|at| read(data, at))
}

/// The modulus whose INTEGER stands at `at`, and its exponent.
fn read(data: &[u8], at: usize) -> Option<Left> {
    let (length, octets) = der::length_at(data, at + 1)?;
    let start = at + 1 + octets;
    let n = match slice(data, start, length)? {
        [0, n @ ..] if *n.first()? >= 0x80 && n.last()? & 1 == 1 => n,
        _ => return None,
    };
    (n.len() >= MIN_BYTES && is_varied(n)).then_some(())?;
    let end = start + length;
    let room = end - at;
    let header =
        der::cut_header_before(data, tag::SEQUENCE, at, room + 3..=room + 2 + MAX_EXPONENT);
    let first = header.map_or(at, |(start, _)| start);
    let mut behind = Reader::new(data.get(end..)?);
    let exponent = behind
        .unsigned()
        .filter(|e| e.len() <= MAX_EXPONENT && is_exponent(e));
    let left = match (exponent, header) {
        (Some(e), _) => Left {
            key: PublicKey::rsa(n, e)?,
            e_assumed: false,
            range: first..end + behind.position(),
        },
        (None, Some(_)) => Left {
            key: PublicKey::rsa(n, &COMMON_EXPONENT)?,
            e_assumed: true,
            range: first..end,
        },
        (None, None) => return None,
    };
    Some(left)
}

/// Whether a number behind a modulus is an exponent. The generators 2 and 5 of Diffie-Hellman stand behind a
/// prime in the same way.
fn is_exponent(e: &[u8]) -> bool {
    matches!(e, [3] | [17..=255] | [_, _, ..])
}

/// Whether the modulus at `at` belongs to a SubjectPublicKeyInfo or private key that is whole.
fn is_told_elsewhere(data: &[u8], at: usize) -> bool {
    is_in_spki(data, at).is_some() || is_in_private_key(data, at).is_some()
}

fn is_in_spki(data: &[u8], at: usize) -> Option<()> {
    let (key, contents) = der::header_before(data, tag::SEQUENCE, at, MIN_BYTES)?;
    let bits = key.checked_sub(1).filter(|&at| data.get(at) == Some(&0))?;
    let (string, _) = der::header_before(data, tag::BIT_STRING, bits, contents)?;
    let before = data.get(..string)?;
    before.ends_with(ALGORITHM).then_some(())?;
    let algorithm = string - ALGORITHM.len();
    let (start, _) = der::header_before(data, tag::SEQUENCE, algorithm, contents)?;
    spki::parse(data.get(start..)?).map(|_| ())
}

fn is_in_private_key(data: &[u8], at: usize) -> Option<()> {
    let before = data.get(..at)?;
    (before.ends_with(&[tag::INTEGER, 1, 0]) || before.ends_with(&[tag::INTEGER, 1, 1]))
        .then_some(())?;
    let mut numbers = Reader::new(data.get(at..)?);
    let [n, e, d, p, q] = [(); 5].map(|()| numbers.unsigned());
    let numbers = RsaNumbers {
        n: n?,
        e: e?,
        d: Some(Secret::new(d?)),
        p: Secret::new(p?),
        q: Secret::new(q?),
    };
    (trim_zeros(numbers.e) == numbers.e && numbers.look_consistent()).then_some(())
}

const FORM: &str = "der.pkcs1-public";

/// The AlgorithmIdentifier of RSA keys (RFC 3279, section 2.3.1).
const ALGORITHM: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// Bytes of the least modulus read.
const MIN_BYTES: usize = 128;

/// Bytes of a public exponent at most.
const MAX_EXPONENT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{ProofCache, Prover, test_keys};

    /// What the detector makes of the modulus that begins at `at`.
    fn seen(data: &[u8], at: usize) -> Option<Clue> {
        let cache = ProofCache::default();
        let prover = Prover::new(&cache, 16);
        let hit = Hit {
            data,
            at,
            is_wide: false,
            prover: &prover,
        };
        match PublicPkcs1.examine(&hit).pop()? {
            Sighting::Public(clue) => Some(clue),
            Sighting::Key(_) => panic!("a private key"),
        }
    }

    /// The public keys of the samples whose moduli have an anchor: key, SPKI, and where the modulus' INTEGER and
    /// the RSAPublicKey begin in it.
    fn samples() -> Vec<(PublicKey, Vec<u8>, usize, usize)> {
        let keys = test_keys::rsa_keys();
        let sized = keys.iter().filter(|key| key.n.len() >= MIN_BYTES);
        let samples: Vec<_> = sized
            .map(|key| {
                let key = PublicKey::rsa(&key.n, &key.e).unwrap();
                let spki = key.to_spki_der();
                let PublicKey::Rsa { n, .. } = &key else {
                    unreachable!()
                };
                let modulus = memmem::find(&spki, n).unwrap();
                let head = if n.len() < 255 { 4 } else { 5 };
                let bits = memmem::find(&spki, ALGORITHM).unwrap() + ALGORITHM.len();
                let (_, octets) = der::length_at(&spki, bits + 1).unwrap();
                (key, spki, modulus - head, bits + 2 + octets)
            })
            .collect();
        assert!(samples.len() >= 2);
        samples
    }

    #[test]
    fn a_bare_key_is_seen_and_one_inside_a_whole_spki_is_left_to_its_detector() {
        for (key, spki, at, start) in samples() {
            let bare = &spki[start..];
            let clue = seen(bare, at - start).unwrap();
            assert_eq!(clue.identity.key(), &key);
            assert_eq!(clue.range, 0..bare.len());
            assert!(!clue.e_assumed);
            assert!(seen(&spki, at).is_none());
        }
    }

    #[test]
    fn a_cut_key_is_seen_as_long_as_its_modulus_is_whole() {
        for (key, spki, at, start) in samples() {
            let PublicKey::Rsa { n, .. } = &key else {
                unreachable!()
            };
            for first in 0..=at {
                let clue = seen(&spki[first..], at - first);
                // Without its first byte a SubjectPublicKeyInfo is none.
                let expected = (first > 0).then(|| key.clone());
                assert_eq!(clue.map(|clue| clue.identity.key().clone()), expected);
            }
            let end = at + n.len() + if n.len() < 255 { 4 } else { 5 };
            for last in start..spki.len() {
                let clue = seen(&spki[..last], at);
                let PublicKey::Rsa { e, .. } = &key else {
                    unreachable!()
                };
                if last < end || **e != COMMON_EXPONENT {
                    continue;
                }
                let clue = clue.unwrap();
                assert!(clue.e_assumed);
                assert_eq!(clue.identity.key(), &key);
                assert_eq!(clue.range, start..end);
            }
            assert!(seen(&spki[..end - 1], at).is_none());
        }
    }

    #[test]
    fn a_private_key_shows_its_modulus_only_when_it_lost_its_primes() {
        let row = test_keys::index();
        let row = row
            .iter()
            .find(|row| row.form == "der.pkcs1" && test_keys::read(&row.file).len() > 1000)
            .unwrap();
        let mut der = test_keys::read(&row.file);
        assert!(seen(&der, 7).is_none());
        let half = der.len() / 2;
        der[half..].fill(0);
        let clue = seen(&der, 7).unwrap();
        assert_eq!(clue.identity.fingerprint().to_string(), row.spki_sha256);
        assert!(!clue.e_assumed);
    }

    #[test]
    fn other_numbers_are_no_modulus() {
        let (_, spki, at, start) = samples().swap_remove(0);
        let change = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bare = spki[start..].to_vec();
            change(&mut bare);
            seen(&bare, at - start).is_none()
        };
        let end = spki.len() - start - 5;
        // An even modulus, and one whose top bit is zero.
        assert!(change(&|bare| bare[end - 1] &= 0xfe));
        assert!(change(&|bare| bare[at - start + 4] &= 0x7f));
        assert!(change(&|bare| bare[at - start + 8..end - 1].fill(0x55)));
        // Parameters of Diffie-Hellman: no header of a public key, and the generator 5.
        assert!(change(&|bare| {
            bare[1] = 0;
            bare.splice(end.., [2, 1, 5]);
        }));
    }
}
