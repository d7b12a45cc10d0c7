//! PKCS#1 RSAPrivateKey (RFC 8017, appendix A.1.2).
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 82 xx xx |
//! | version INTEGER 0 | 02 01 00 |
//! | (version 1: further primes as SEQUENCE OF { prime, exponent, coefficient } at the end) | 30 ... |
//! | modulus, publicExponent, privateExponent, prime1, prime2, exponent1, exponent2, coefficient | 02 82 xx xx ... |

use crate::bytes;
use crate::crypto::Prover;
use crate::crypto::der::{self, Reader, tag};
use crate::crypto::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS, RsaNumbers};
use crate::detect::der::damaged;
use crate::detect::key::{Key, with_header};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::Proof;
use crate::secret::Secret;

/// The detector.
pub struct Pkcs1;

impl Detector for Pkcs1 {
    fn name(&self) -> &'static str {
        "der.pkcs1"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.pkcs1"]
    }

    /// Version 0 and the head of a modulus of 128 bytes and more, and those of 512 and 768 bits; version 1
    /// is that of more than two primes.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(b"\x02\x01\x00\x02\x82"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x81"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x41\x00"),
            Anchor::Bytes(b"\x02\x01\x00\x02\x61\x00"),
            Anchor::Bytes(b"\x02\x01\x01\x02\x82"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Pkcs1 {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let lengths = MIN_CONTENTS..=LONGEST_FORM;
        let header = der::cut_header_before(hit.data, tag::SEQUENCE, hit.at, lengths);
        match contents(hit.data.get(hit.at..)?, hit.prover) {
            Some((key, length)) if key.proof > Proof::Shape => {
                let range = with_header(hit.data, hit.at, length);
                Some(Sighting::Key(key.at(self.name(), "raw", range)))
            }
            _ => damaged::sighting(self.name(), hit, header?.0),
        }
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
    let is_multi = match reader.unsigned()? {
        [] => false,
        [1] => true,
        _ => return None,
    };
    let [n, e, d, p, q] = [(); 5].map(|()| reader.unsigned());
    let (n, e, d, p, q) = (n?, e?, d?, p?, q?);
    let crt = [reader.unsigned()?, reader.unsigned()?, reader.unsigned()?];
    let in_range = (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bytes::bit_length(n))
        && [d, p, q]
            .iter()
            .chain(&crt)
            .all(|number| !number.is_empty() && number.len() <= n.len());
    if !in_range {
        return None;
    }
    if is_multi {
        let mut primes = vec![Secret::new(p), Secret::new(q)];
        let mut others = reader.inside(tag::SEQUENCE)?;
        while let Some(mut other) = others.inside(tag::SEQUENCE) {
            primes.push(Secret::new(other.unsigned()?));
        }
        let key = Key::rsa_multi(n, e, Secret::new(d), &primes, prover)?;
        return Some((key, reader.position()));
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

/// The shortest contents in bytes: a modulus of 512 bits with all its numbers, some shorter by chance.
const MIN_CONTENTS: usize = 300;
