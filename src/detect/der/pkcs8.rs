//! PKCS#8 PrivateKeyInfo and OneAsymmetricKey (RFC 5208, RFC 5958), and EncryptedPrivateKeyInfo.
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 82 xx xx |
//! | version INTEGER 0 or 1 | 02 01 00 |
//! | privateKeyAlgorithm SEQUENCE { OID, parameters } | 30 0d 06 09 ... 05 00 |
//! | privateKey OCTET STRING | 04 82 xx xx ... |
//! | attributes `[0]`, optional | a0 ... |
//! | publicKey `[1]` IMPLICIT BIT STRING, optional (version 1) | 81 21 00 ... |

use crate::crypto::der::{self, Reader, oid, tag};
use crate::crypto::random::{is_ciphertext, is_varied};
use crate::crypto::{Prover, PublicKey};
use crate::detect::der::algorithm::{EC_ANCHOR, RSA_ANCHOR, algorithm_start};
use crate::detect::der::pkcs1;
use crate::detect::der::sec1::{self, Named};
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};

/// The detector.
pub struct Pkcs8;

impl Detector for Pkcs8 {
    fn name(&self) -> &'static str {
        "der.pkcs8"
    }

    /// The ends of AlgorithmIdentifiers; those of RSA and EC also stand in public keys.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(RSA_ANCHOR),
            Anchor::Bytes(EC_ANCHOR),
            Anchor::Bytes(ED25519_ANCHOR),
            Anchor::Bytes(X25519_ANCHOR),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Pkcs8 {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let algorithm = algorithm_start(hit)?;
        let version = algorithm.checked_sub(3)?;
        let head = hit.data.get(version..algorithm)?;
        matches!(head, [tag::INTEGER, 1, 0 | 1]).then_some(())?;
        let (start, _) = der::header_before(hit.data, tag::SEQUENCE, version, MIN_CONTENTS)?;
        let (key, length) = parse(hit.data.get(start..)?, hit.prover)?;
        Some(Sighting::Key(key.at(
            self.name(),
            "raw",
            start..start + length,
        )))
    }
}

/// The key in a whole PrivateKeyInfo, and the bytes it takes.
pub fn parse(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut outer = Reader::new(data);
    let mut info = outer.inside(tag::SEQUENCE)?;
    if outer.position() > LONGEST_FORM {
        return None;
    }
    matches!(info.unsigned()?, [] | [1]).then_some(())?;
    let mut algorithm = info.inside(tag::SEQUENCE)?;
    let identifier = algorithm.expect(tag::OID)?;
    let private = info.expect(tag::OCTET_STRING)?;
    let _attributes = info.expect(tag::explicit(0));
    let public = info
        .expect(tag::implicit(1))
        .and_then(|bits| bits.strip_prefix(&[0]));
    let key = match identifier {
        oid::RSA_ENCRYPTION | oid::RSASSA_PSS => pkcs1::parse(private, prover)?.0,
        oid::EC_PUBLIC_KEY => {
            let curve = if algorithm.is_at_end() {
                Named::Open
            } else {
                Named::parameters(algorithm)
            };
            sec1::parse(private, curve, prover)?.0
        }
        oid::ED25519 => {
            let seed = Reader::new(private).expect(tag::OCTET_STRING)?;
            Key::edwards(
                &prover.ed25519(seed)?,
                seed,
                public.and_then(PublicKey::ed25519).as_ref(),
            )?
        }
        oid::X25519 => {
            let scalar = Reader::new(private).expect(tag::OCTET_STRING)?;
            Key::edwards(
                &prover.x25519(scalar)?,
                scalar,
                public.and_then(PublicKey::x25519).as_ref(),
            )?
        }
        // Any other algorithm: only an identifier of a known root and a secret of some length count.
        [0x2a | 0x2b | 0x60, ..]
            if private.len() >= MIN_SECRET && info.is_at_end() && is_varied(private) =>
        {
            Key::other(private)
        }
        _ => return None,
    };
    Some((key, outer.position()))
}

/// The key in a whole EncryptedPrivateKeyInfo (RFC 5958, section 3), and the bytes it takes.
pub fn parse_encrypted(data: &[u8], _: &Prover<'_>) -> Option<(Key, usize)> {
    let mut outer = Reader::new(data);
    let mut info = outer.inside(tag::SEQUENCE)?;
    let mut algorithm = info.inside(tag::SEQUENCE)?;
    algorithm.expect(tag::OID)?.strip_prefix(oid::PKCS)?;
    let ciphertext = info.expect(tag::OCTET_STRING)?;
    let has_parameters = algorithm
        .element()
        .is_some_and(|parameters| parameters.contents.len() >= MIN_PBE);
    let plausible = has_parameters && info.is_at_end() && is_ciphertext(ciphertext, 1);
    plausible.then(|| (Key::encrypted(None, ciphertext), outer.position()))
}

const ED25519_ANCHOR: &[u8] = b"\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
const X25519_ANCHOR: &[u8] = b"\x06\x03\x2b\x65\x6e\x04\x22\x04\x20";

/// The shortest parameters of password-based encryption in bytes: a salt of eight and a count.
const MIN_PBE: usize = 12;

/// The shortest secret in bytes of an algorithm whose arithmetic is not here: DSA's x has 20.
const MIN_SECRET: usize = 20;

/// The shortest contents in bytes: version, algorithm and a seed of 32 bytes.
const MIN_CONTENTS: usize = 46;
