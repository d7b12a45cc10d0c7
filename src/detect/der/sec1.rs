//! SEC 1 ECPrivateKey (RFC 5915, section 3).
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 77 |
//! | version INTEGER 1 | 02 01 01 |
//! | privateKey OCTET STRING | 04 20 ... |
//! | parameters `[0]` OBJECT IDENTIFIER, optional | a0 0a 06 08 ... |
//! | publicKey `[1]` BIT STRING, optional | a1 44 03 42 00 04 ... |

use crate::crypto::der::{self, Reader, tag};
use crate::crypto::random::looks_random;
use crate::crypto::{Curve, Prover};
use crate::detect::key::Key;
use crate::detect::{Detector, Hit, Sighting};
use crate::finding::Proof;

/// The detector.
pub struct Sec1;

impl Detector for Sec1 {
    fn name(&self) -> &'static str {
        "der.sec1"
    }

    /// Version 1 and the head of a scalar of 32, 48 or 66 bytes.
    fn anchors(&self) -> &'static [&'static [u8]] {
        &[b"\x02\x01\x01\x04\x20", b"\x02\x01\x01\x04\x30", b"\x02\x01\x01\x04\x42"]
    }

    fn examine(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let least = 5 + usize::from(*hit.data.get(hit.at + 4)?);
        let whole =
            der::header_before(hit.data, tag::SEQUENCE, hit.at, least).filter(|(_, length)| *length <= MAX_CONTENTS);
        let (start, body) = match whole {
            Some((start, length)) => (start, hit.data.get(hit.at..hit.at + length)?),
            None => (hit.at, hit.data.get(hit.at..)?),
        };
        let (key, length) = contents(body, Named::Open, hit.prover)?;
        let end = hit.at + whole.map_or(length, |(_, length)| length);
        let is_whole = whole.is_some_and(|(_, given)| given == length);
        let counts = is_whole || key.proof == Proof::Arithmetic;
        counts.then(|| Sighting::Key(key.at(self.name(), "raw", start..end)))
    }
}

/// What a structure says about the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Nothing, or explicit parameters: the point decides, or the size.
    Open,
    /// A curve whose arithmetic is here.
    Known(Curve),
    /// Another curve of a known family.
    Other,
    /// An identifier that names no curve.
    Nonsense,
}

impl Named {
    /// The curve an object identifier names.
    pub fn new(identifier: &[u8]) -> Self {
        match Curve::from_oid(identifier) {
            Some(curve) => Self::Known(curve),
            None if CURVE_ARCS.iter().any(|arc| identifier.starts_with(arc)) => Self::Other,
            None => Self::Nonsense,
        }
    }
}

/// The key in a whole ECPrivateKey, and the bytes it takes. `curve` is what an outer structure names.
pub fn parse(data: &[u8], curve: Named, prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    let body = reader.expect(tag::SEQUENCE)?;
    let (key, _) = contents(body, curve, prover)?;
    Some((key, reader.position()))
}

/// The key in the contents of the SEQUENCE, and how many of their bytes were understood.
fn contents(data: &[u8], outer: Named, prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    (reader.unsigned()? == [1]).then_some(())?;
    let scalar = reader.expect(tag::OCTET_STRING)?;
    let curve = match reader.inside(tag::explicit(0)).and_then(|mut parameters| parameters.expect(tag::OID)) {
        Some(identifier) => Named::new(identifier),
        None => outer,
    };
    let point = reader
        .inside(tag::explicit(1))
        .and_then(|mut public| public.expect(tag::BIT_STRING))
        .and_then(|bits| bits.strip_prefix(&[0]));
    let key = match curve {
        Named::Known(curve) => Key::ec(Some(curve), scalar, point, prover)?,
        Named::Open => Key::ec(None, scalar, point, prover)?,
        Named::Other => looks_random(scalar).then(|| Key::other(scalar))?,
        Named::Nonsense => return None,
    };
    Some((key, reader.position()))
}

/// Arcs of curve identifiers: X9.62, SECG, Brainpool (RFC 5639), SM2, GOST (RFC 4357).
const CURVE_ARCS: &[&[u8]] = &[
    b"\x2a\x86\x48\xce\x3d\x03",
    b"\x2b\x81\x04\x00",
    b"\x2b\x24\x03\x03\x02\x08",
    b"\x2a\x81\x1c\xcf\x55\x01",
    b"\x2a\x85\x03",
];

/// The longest contents in bytes: a P-521 key with a seed and explicit parameters stays below.
const MAX_CONTENTS: usize = 1024;
