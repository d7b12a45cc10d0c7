//! PKCS#8 PrivateKeyInfo and OneAsymmetricKey (RFC 5208, RFC 5958).
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
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::random::is_varied;
use crate::crypto::{Prover, PublicKey};
use crate::detect::der::sec1::{self, Named};
use crate::detect::der::{damaged, pkcs1};
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::Proof;
use crate::secret::Secret;

/// The detector.
pub struct Pkcs8;

impl Detector for Pkcs8 {
    fn name(&self) -> &'static str {
        "der.pkcs8"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.pkcs8"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Pkcs8 {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let lengths = MIN_CONTENTS..=LONGEST_FORM;
        let (start, _) = der::cut_header_before(hit.data, tag::SEQUENCE, hit.at, lengths)?;
        let data = hit.data.get(start..)?;
        match parse(data, hit.prover) {
            Some((key, length)) if key.proof > Proof::Shape => Some(Sighting::Key(key.at(
                self.name(),
                "raw",
                start..start + length,
            ))),
            _ => damaged::sighting(self.name(), hit, start),
        }
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
        oid::ED448 | oid::X448 => {
            let secret = Reader::new(private).expect(tag::OCTET_STRING)?;
            let (judgement, public) = match identifier {
                oid::ED448 => (prover.ed448(secret)?, public.and_then(PublicKey::ed448)),
                _ => (prover.x448(secret)?, public.and_then(PublicKey::x448)),
            };
            Key::edwards(&judgement, secret, public.as_ref())?
        }
        oid::DSA => {
            let mut group = algorithm.inside(tag::SEQUENCE)?;
            let [p, q, g] = [(); 3].map(|()| group.unsigned());
            let numbers = DsaNumbers {
                p: p?,
                q: q?,
                g: g?,
                y: None,
                x: Secret::new(Reader::new(private).unsigned()?),
            };
            Key::dsa(&numbers, prover)?
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

/// Version 0 or 1 and the head of an AlgorithmIdentifier.
const ANCHORS: &[Anchor] = &[
    Anchor::Bytes(b"\x02\x01\x00\x30"),
    Anchor::Bytes(b"\x02\x01\x01\x30"),
];

/// The shortest secret in bytes of an algorithm whose arithmetic is not here: DSA's x has 20.
const MIN_SECRET: usize = 20;

/// The shortest contents in bytes: version, algorithm and a seed of 32 bytes.
const MIN_CONTENTS: usize = 46;
