//! PKCS#1 RSAPrivateKey (RFC 8017, appendix A.1.2).
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 82 xx xx |
//! | version INTEGER 0 | 02 01 00 |
//! | modulus, publicExponent, privateExponent, prime1, prime2, exponent1, exponent2, coefficient | 02 82 xx xx ... |

use crate::bytes;
use crate::crypto::Prover;
use crate::crypto::der::{Reader, tag};
use crate::crypto::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS, RsaNumbers};
use crate::detect::key::{Key, with_header};
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::finding::Proof;
use crate::secret::Secret;

/// The detector.
pub struct Pkcs1;

impl Detector for Pkcs1 {
    fn name(&self) -> &'static str {
        "der.pkcs1"
    }

    /// Version 0 and the head of a modulus of 128 bytes and more, and those of 512 and 768 bits.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(b"\x02\x01\x00\x02\x82"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x81"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x41\x00"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x61\x00"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Pkcs1 {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let (key, length) = contents(hit.data.get(hit.at..)?, hit.prover)?;
        let range = with_header(hit.data, hit.at, length);
        let has_header = range.start < hit.at;
        let counts = has_header || key.proof > Proof::Shape;
        counts.then(|| Sighting::Key(key.at(self.name(), "raw", range)))
    }
}

/// The key in a whole RSAPrivateKey, and the bytes it takes.
pub fn parse(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    let body = reader.expect(tag::SEQUENCE)?;
    let (key, _) = contents(body, prover)?;
    Some((key, reader.position()))
}

/// The key in the contents of the SEQUENCE, and the bytes they take.
fn contents(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    let two_primes = reader.unsigned()?.is_empty();
    let n = reader.unsigned()?;
    let e = reader.unsigned()?;
    let d = reader.unsigned()?;
    let p = reader.unsigned()?;
    let q = reader.unsigned()?;
    let crt = [reader.unsigned()?, reader.unsigned()?, reader.unsigned()?];
    let in_range = two_primes
        && (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bytes::bit_length(n))
        && [d, p, q]
            .iter()
            .chain(&crt)
            .all(|number| !number.is_empty() && number.len() <= n.len());
    if !in_range {
        return None;
    }
    let numbers = RsaNumbers {
        n,
        e,
        d: Some(Secret::new(d)),
        p: Secret::new(p),
        q: Secret::new(q),
    };
    Some((Key::rsa(&numbers, prover)?, reader.position()))
}
