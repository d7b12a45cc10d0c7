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
use crate::crypto::{Curve, Prover};
use crate::detect::der::algorithm::EC_ANCHOR;
use crate::detect::der::damaged;
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::finding::Proof;
use memchr::memmem;

/// The detector.
pub struct Sec1;

impl Detector for Sec1 {
    fn name(&self) -> &'static str {
        "der.sec1"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.sec1"]
    }

    /// Version 1 and the head of a scalar of any size: some writers drop its leading zeros.
    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(b"\x02\x01\x01\x04")]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Sec1 {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let least = match *hit.data.get(hit.at + 4)? {
            size @ MIN_SCALAR..=MAX_SCALAR => 5 + usize::from(size),
            _ => return None,
        };
        let whole = der::header_before(hit.data, tag::SEQUENCE, hit.at, least)
            .filter(|(_, length)| *length <= MAX_CONTENTS);
        let (start, body) = match whole {
            Some((start, length)) => (start, hit.data.get(hit.at..hit.at + length)?),
            None => (hit.at, hit.data.get(hit.at..)?),
        };
        let outer = enclosing_curve(hit.data, start).unwrap_or(Named::Open);
        let Some((key, length)) = contents(body, outer, hit.prover) else {
            return self.left(hit, outer);
        };
        let end = hit.at + whole.map_or(length, |(_, length)| length);
        let is_whole = whole.is_some_and(|(_, given)| given == length);
        let counts = is_whole || key.proof == Proof::Arithmetic;
        if counts && key.proof > Proof::Shape {
            Some(Sighting::Key(key.at(self.name(), "raw", start..end)))
        } else {
            self.left(hit, outer)
        }
    }

    /// What is left of a structure that lost its end.
    fn left(&self, hit: &Hit<'_>, outer: Named) -> Option<Sighting> {
        let lengths = usize::from(MIN_SCALAR)..=MAX_CONTENTS;
        let (start, _) = der::cut_header_before(hit.data, tag::SEQUENCE, hit.at, lengths)?;
        // Behind a curve that is no part of the structure the end is not lost but never was one.
        (outer == Named::Open).then_some(())?;
        damaged::sighting(self.name(), hit, start)
    }
}

/// Whether `point` is an uncompressed point and lies on none of the curves here.
fn is_of_another_curve(point: &[u8]) -> bool {
    matches!(point, [4, coordinates @ ..] if coordinates.len() % 2 == 0 && coordinates.len() >= MIN_POINT)
        && Curve::ALL
            .into_iter()
            .all(|curve| curve.point(point).is_none())
}

/// What a structure says about the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Nothing: the point decides, or the size.
    Open,
    /// A curve whose arithmetic is here.
    Known(Curve),
    /// Another curve of a known family.
    Other,
    /// An identifier that names no curve.
    Nonsense,
}

impl Named {
    /// The curve of ECParameters (RFC 5480, section 2.1.1; explicit ones: X9.62, SEC 1 appendix C.2).
    pub fn parameters(mut reader: Reader<'_>) -> Self {
        if let Some(identifier) = reader.expect(tag::OID) {
            return Self::new(identifier);
        }
        let field = reader.inside(tag::SEQUENCE).and_then(|mut explicit| {
            explicit.unsigned()?;
            let mut field = explicit.inside(tag::SEQUENCE)?;
            field
                .expect(tag::OID)?
                .starts_with(FIELD_ARC)
                .then_some(field)
        });
        match field {
            Some(mut field) => field
                .unsigned()
                .and_then(Curve::from_field)
                .map_or(Self::Other, Self::Known),
            None => Self::Nonsense,
        }
    }

    /// The curve an object identifier names.
    fn new(identifier: &[u8]) -> Self {
        match Curve::from_oid(identifier) {
            Some(curve) => Self::Known(curve),
            None if CURVE_ARCS.iter().any(|arc| identifier.starts_with(arc)) => Self::Other,
            None => Self::Nonsense,
        }
    }
}

/// The curve that a PKCS#8 structure names whose OCTET STRING holds the ECPrivateKey at `start`.
fn enclosing_curve(data: &[u8], start: usize) -> Option<Named> {
    let (string, _) = der::header_before(data, tag::OCTET_STRING, start, 1)?;
    let before = data.get(string.saturating_sub(MAX_PARAMETERS)..string)?;
    let algorithm = memmem::rfind(before, EC_ANCHOR)?;
    let mut parameters = Reader::new(before.get(algorithm + EC_ANCHOR.len() - 1..)?);
    let named = Named::parameters(parameters);
    parameters.element()?;
    parameters.is_at_end().then_some(named)
}

/// The key in a whole ECPrivateKey, and the bytes it takes. `curve` is what an outer structure names.
pub fn parse(data: &[u8], curve: Named, prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    let body = reader.expect(tag::SEQUENCE)?;
    let (key, understood) = contents(body, curve, prover)?;
    // The beginning of the structure stands as a constant in programs: what follows it is no key.
    (understood == body.len() || key.proof == Proof::Arithmetic).then(|| (key, reader.position()))
}

/// The key in the contents of the SEQUENCE, and how many of their bytes were understood.
fn contents(data: &[u8], outer: Named, prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut reader = Reader::new(data);
    (reader.unsigned()? == [1]).then_some(())?;
    let scalar = reader.expect(tag::OCTET_STRING)?;
    let curve = reader
        .inside(tag::explicit(0))
        .map_or(outer, Named::parameters);
    let point = reader
        .inside(tag::explicit(1))
        .and_then(|mut public| public.expect(tag::BIT_STRING))
        .and_then(|bits| bits.strip_prefix(&[0]));
    let key = match curve {
        Named::Known(curve) => Key::ec(Some(curve), scalar, point, prover)?,
        Named::Open if point.is_some_and(is_of_another_curve) => Key::other_curve(scalar)?,
        Named::Open => Key::ec(None, scalar, point, prover)?,
        Named::Other => Key::other_curve(scalar)?,
        Named::Nonsense => return None,
    };
    Some((key, reader.position()))
}

/// Arc of the identifiers of prime and binary fields (X9.62): 1.2.840.10045.1.
const FIELD_ARC: &[u8] = b"\x2a\x86\x48\xce\x3d\x01";

/// Arcs of curve identifiers: X9.62, SECG, Brainpool (RFC 5639), SM2, GOST (RFC 4357).
const CURVE_ARCS: &[&[u8]] = &[
    b"\x2a\x86\x48\xce\x3d\x03",
    b"\x2b\x81\x04\x00",
    b"\x2b\x24\x03\x03\x02\x08",
    b"\x2a\x81\x1c\xcf\x55\x01",
    b"\x2a\x85\x03",
];

/// Bytes of a scalar: of 192 bits, with some leading zeros dropped, to 521 bits and a zero too many.
const MIN_SCALAR: u8 = 20;
const MAX_SCALAR: u8 = 67;

/// Bytes of the coordinates of the smallest point that is taken for one of another curve.
const MIN_POINT: usize = 40;

/// Bytes of an AlgorithmIdentifier with explicit parameters.
const MAX_PARAMETERS: usize = 512;

/// The longest contents in bytes: a P-521 key with a seed and explicit parameters stays below.
const MAX_CONTENTS: usize = 1024;
