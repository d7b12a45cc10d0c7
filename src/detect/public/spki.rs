//! SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), bare or inside a certificate, whole or cut.
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 82 xx xx |
//! | algorithm SEQUENCE { OID, parameters } | 30 0d 06 09 ... 05 00 |
//! | subjectPublicKey BIT STRING | 03 82 xx xx 00 ... |

use crate::clue::{Clue, Rank};
use crate::crypto::der::{self, Reader, oid, tag};
use crate::crypto::{Curve, PublicKey};
use crate::detect::der::algorithm::{EC_ANCHOR, RSA_ANCHOR};
use crate::detect::{Anchor, Detector, Hit, Sighting};
use memchr::memmem;

/// The detector.
pub struct Spki;

impl Detector for Spki {
    fn name(&self) -> &'static str {
        "public.spki"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.spki"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(RSA_ANCHOR),
            Anchor::Bytes(EC_ANCHOR),
            Anchor::Bytes(ED25519_ANCHOR),
            Anchor::Bytes(X25519_ANCHOR),
            Anchor::Bytes(ED448_ANCHOR),
            Anchor::Bytes(X448_ANCHOR),
            Anchor::Bytes(DSA_ANCHOR),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Spki {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let behind = hit.data.get(hit.at..)?;
        let anchor = ANCHORS.iter().find(|anchor| behind.starts_with(anchor))?;
        let algorithm = algorithm_start(hit.data, hit.at, anchor)?;
        let (start, contents) =
            der::header_before(hit.data, tag::SEQUENCE, algorithm, MIN_CONTENTS)?;
        let range = start..algorithm + contents;
        let key = parse(hit.data.get(range.clone())?)?;
        let rank = rank_behind(hit.data, range.end);
        Some(Sighting::Public(
            Clue::new(key, "der.spki", range).ranked(rank),
        ))
    }
}

/// The start of the AlgorithmIdentifier in which `anchor` stands at `at`.
fn algorithm_start(data: &[u8], at: usize, anchor: &[u8]) -> Option<usize> {
    let identifier = match anchor {
        RSA_ANCHOR => at.checked_sub(7)?,
        EC_ANCHOR => at.checked_sub(5)?,
        _ => at,
    };
    Some(der::header_before(data, tag::SEQUENCE, identifier, MIN_ALGORITHM)?.0)
}

/// The key in a SubjectPublicKeyInfo that starts at the first byte.
pub fn parse(data: &[u8]) -> Option<PublicKey> {
    let mut info = Reader::new(data).inside(tag::SEQUENCE)?;
    let mut algorithm = info.inside(tag::SEQUENCE)?;
    let identifier = algorithm.expect(tag::OID)?;
    let key = info.expect(tag::BIT_STRING)?.strip_prefix(&[0])?;
    match identifier {
        oid::RSA_ENCRYPTION => parse_pkcs1(key),
        oid::EC_PUBLIC_KEY => PublicKey::ec(Curve::from_oid(algorithm.expect(tag::OID)?)?, key),
        oid::ED25519 => PublicKey::ed25519(key),
        oid::X25519 => PublicKey::x25519(key),
        oid::ED448 => PublicKey::ed448(key),
        oid::X448 => PublicKey::x448(key),
        oid::DSA => {
            let mut group = algorithm.inside(tag::SEQUENCE)?;
            let [p, q, g] = [(); 3].map(|()| group.unsigned());
            PublicKey::dsa(p?, q?, g?, Reader::new(key).unsigned()?)
        }
        _ => None,
    }
}

/// The key in a PKCS#1 RSAPublicKey (RFC 8017, appendix A.1.1).
pub fn parse_pkcs1(data: &[u8]) -> Option<PublicKey> {
    let mut numbers = Reader::new(data).inside(tag::SEQUENCE)?;
    let n = numbers.unsigned()?;
    PublicKey::rsa(n, numbers.unsigned()?)
}

/// The first SubjectPublicKeyInfo inside a larger structure, as a certificate, and whose key it is.
pub fn find(data: &[u8]) -> Option<(PublicKey, Rank)> {
    ANCHORS.iter().find_map(|anchor| {
        memmem::find_iter(data, anchor).find_map(|at| {
            let algorithm = algorithm_start(data, at, anchor)?;
            let (start, contents) =
                der::header_before(data, tag::SEQUENCE, algorithm, MIN_CONTENTS)?;
            let key = parse(data.get(start..)?)?;
            Some((key, rank_behind(data, algorithm + contents)))
        })
    })
}

/// Whose key it is, told by the extensions (RFC 5280, section 4.1) that stand at `at`, right behind a
/// SubjectPublicKeyInfo: a certificate authority's if basicConstraints say so, even when what follows them is lost.
fn rank_behind(data: &[u8], at: usize) -> Rank {
    let is_authority = || {
        (*data.get(at)? == tag::explicit(3)).then_some(())?;
        let (length, octets) = der::length_at(data, at + 1)?;
        let start = at + 1 + octets;
        let end = data.len().min(start + length.min(MAX_EXTENSIONS));
        let extensions = data.get(start..end)?;
        let constraints = memmem::find(extensions, BASIC_CONSTRAINTS)? + BASIC_CONSTRAINTS.len();
        let mut reader = Reader::new(extensions.get(constraints..)?);
        let _is_critical = reader.expect(tag::BOOLEAN);
        let mut value = Reader::new(reader.expect(tag::OCTET_STRING)?);
        let is_authority = value.inside(tag::SEQUENCE)?.expect(tag::BOOLEAN)?;
        (is_authority != [0]).then_some(())
    };
    match is_authority() {
        Some(()) => Rank::Authority,
        None => Rank::Own,
    }
}

const ANCHORS: &[&[u8]] = &[
    RSA_ANCHOR,
    EC_ANCHOR,
    ED25519_ANCHOR,
    X25519_ANCHOR,
    ED448_ANCHOR,
    X448_ANCHOR,
    DSA_ANCHOR,
];
const ED448_ANCHOR: &[u8] = b"\x06\x03\x2b\x65\x71\x03\x3a\x00";
const X448_ANCHOR: &[u8] = b"\x06\x03\x2b\x65\x6f\x03\x39\x00";
/// Identifier of DSA with its head, and the head of its parameters.
const DSA_ANCHOR: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01\x30";
const ED25519_ANCHOR: &[u8] = b"\x06\x03\x2b\x65\x70\x03\x21\x00";
const X25519_ANCHOR: &[u8] = b"\x06\x03\x2b\x65\x6e\x03\x21\x00";

/// The OBJECT IDENTIFIER of basicConstraints (RFC 5280, section 4.2.1.9).
const BASIC_CONSTRAINTS: &[u8] = b"\x06\x03\x55\x1d\x13";

/// Bytes of extensions looked through at most.
const MAX_EXTENSIONS: usize = 16 << 10;

/// The shortest AlgorithmIdentifier contents in bytes: an identifier of three.
const MIN_ALGORITHM: usize = 5;

/// The shortest contents in bytes: algorithm and key of Ed25519.
const MIN_CONTENTS: usize = 42;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Fingerprint, test_keys};

    #[test]
    fn the_key_of_a_certificate_is_found_even_when_the_end_is_lost() {
        for row in test_keys::index()
            .iter()
            .filter(|row| row.form == "der.certificate")
        {
            let certificate = test_keys::read(&row.file);
            let name = |data: &[u8]| find(data).map(|(key, _)| Fingerprint::of(&key).to_string());
            assert_eq!(
                name(&certificate),
                Some(row.spki_sha256.clone()),
                "{}",
                row.file
            );
            let without_signature = &certificate[..certificate.len() * 3 / 4];
            assert_eq!(
                name(without_signature),
                Some(row.spki_sha256.clone()),
                "{} cut",
                row.file
            );
            assert_eq!(name(&certificate[..60]), None, "{}", row.file);
        }
    }

    #[test]
    fn extensions_tell_whose_key_it_is() {
        let extensions = |constraints: &[u8]| {
            let usage = b"\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x01\x06";
            let extension = [&[0x30, constraints.len() as u8], constraints].concat();
            let all = [&usage[..], &extension].concat();
            let list = [&[0x30, all.len() as u8][..], &all].concat();
            [&[0xa3, list.len() as u8][..], &list].concat()
        };
        let rank = |constraints: &[u8]| rank_behind(&extensions(constraints), 0);
        let critical = b"\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff";
        assert_eq!(rank(critical), Rank::Authority);
        let limited = b"\x06\x03\x55\x1d\x13\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00";
        assert_eq!(rank(limited), Rank::Authority);
        let end_entity = b"\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00";
        assert_eq!(rank(end_entity), Rank::Own);
        let told_so = b"\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\x00";
        assert_eq!(rank(told_so), Rank::Own);
        assert_eq!(rank(b"\x06\x03\x55\x1d\x0e\x04\x01\x00"), Rank::Own);
        // Extensions belong to the certificate only right behind the key.
        let apart = [&[0x30, 0][..], &extensions(critical)].concat();
        assert_eq!(rank_behind(&apart, 0), Rank::Own);
        let whole = extensions(critical);
        for end in 0..whole.len() {
            assert_eq!(rank_behind(&whole[..end], 0), Rank::Own, "cut at {end}");
        }
    }
}
