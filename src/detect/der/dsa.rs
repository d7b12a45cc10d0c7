//! DSA private keys in the form OpenSSL has always written (no standard; `DSAPrivateKey` of `d2i_DSAPrivateKey`).
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 82 xx xx |
//! | version INTEGER 0 | 02 01 00 |
//! | p, q, g, public y, private x | 02 82 xx xx ... |

use crate::crypto::Prover;
use crate::crypto::der::{Reader, tag};
use crate::crypto::dsa::DsaNumbers;
use crate::detect::key::{Key, with_header};
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::finding::Proof;
use crate::secret::Secret;

/// The detector.
pub struct Dsa;

impl Detector for Dsa {
    fn name(&self) -> &'static str {
        "der.dsa"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.dsa"]
    }

    /// Version 0 and the head of p: those of a PKCS#1 modulus of the same size.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(b"\x02\x01\x00\x02\x82"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x81"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x41\x00"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x61\x00"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let key = hit
            .data
            .get(hit.at..)
            .and_then(|contents| self::contents(contents, hit.prover))
            .filter(|(key, _)| key.proof > Proof::Shape);
        let sighting = key.map(|(key, length)| {
            let range = with_header(hit.data, hit.at, length);
            Sighting::Key(key.at(self.name(), "raw", range))
        });
        sighting.into_iter().collect()
    }
}

/// The key in a whole structure, and the bytes it takes.
pub fn parse(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    let (key, _) = contents(reader.expect(tag::SEQUENCE)?, prover)?;
    Some((key, reader.position()))
}

/// The key in the contents of the SEQUENCE, and the bytes they take.
fn contents(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    reader.unsigned()?.is_empty().then_some(())?;
    let [p, q, g, y, x] = [(); 5].map(|()| reader.unsigned());
    let numbers = DsaNumbers {
        p: p?,
        q: q?,
        g: g?,
        y: Some(y?),
        x: Secret::new(x?),
    };
    Some((Key::dsa(&numbers, prover)?, reader.position()))
}
