//! EncryptedPrivateKeyInfo (RFC 5958, section 3): a PKCS#8 structure under a passphrase.
//!
//! | field | bytes |
//! |---|---|
//! | SEQUENCE | 30 82 xx xx |
//! | encryptionAlgorithm SEQUENCE { OID, parameters } | 30 xx 06 09 2a 86 48 86 f7 0d 01 05 ... |
//! | encryptedData OCTET STRING | 04 82 xx xx ... |

use crate::crypto::Prover;
use crate::crypto::der::{self, Reader, oid, tag};
use crate::crypto::random::is_ciphertext;
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};

/// The detector.
pub struct EncryptedPkcs8;

impl Detector for EncryptedPkcs8 {
    fn name(&self) -> &'static str {
        "der.pkcs8-encrypted"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.pkcs8-encrypted"]
    }

    /// Identifiers of password-based encryption: the arcs of PKCS#5 (RFC 8018, appendix C), of PKCS#12
    /// (RFC 7292, appendix C), and of Java's key stores JKS and JCEKS (1.3.6.1.4.1.42.2.17 and .19).
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(PKCS5),
            Anchor::Bytes(PKCS12),
            Anchor::Bytes(JAVA),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl EncryptedPkcs8 {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let identifier = match hit.data.get(hit.at)? {
            &tag::OID => hit.at,
            _ => hit.at.checked_sub(2)?,
        };
        let (algorithm, length) =
            der::header_before(hit.data, tag::SEQUENCE, identifier, MIN_ALGORITHM)?;
        let least = identifier - algorithm + length;
        let (start, given) = der::header_before(hit.data, tag::SEQUENCE, algorithm, least)?;
        // Inside a PKCS#12 it is a bag, which that form tells better.
        let is_bag = der::header_before(hit.data, tag::explicit(0), start, given)
            .and_then(|(bag, _)| hit.data.get(..bag))
            .is_some_and(|before| before.ends_with(super::pkcs12::SHROUDED_KEY_BAG));
        if is_bag || given > LONGEST_FORM {
            return None;
        }
        let (key, length) = parse(hit.data.get(start..)?, hit.prover)?;
        Some(Sighting::Key(key.at(
            self.name(),
            "raw",
            start..start + length,
        )))
    }
}

/// The key in a whole EncryptedPrivateKeyInfo, and the bytes it takes.
pub fn parse(data: &[u8], _: &Prover<'_>) -> Option<(Key, usize)> {
    let mut outer = Reader::new(data);
    let mut info = outer.inside(tag::SEQUENCE)?;
    let mut algorithm = info.inside(tag::SEQUENCE)?;
    let identifier = algorithm.expect(tag::OID)?;
    let ciphertext = info.expect(tag::OCTET_STRING)?;
    let parameters = algorithm
        .element()
        .map_or(0, |parameters| parameters.contents.len());
    // JKS keeps salt and check in the ciphertext.
    let has_parameters = if identifier.starts_with(oid::PKCS) {
        parameters >= MIN_PBE
    } else {
        identifier.starts_with(oid::SUN_PROTECTORS)
    };
    let plausible = has_parameters && info.is_at_end() && is_ciphertext(ciphertext, 1);
    plausible.then(|| (Key::encrypted(None, ciphertext), outer.position()))
}

const PKCS5: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05";
const JAVA: &[u8] = b"\x2b\x06\x01\x04\x01\x2a\x02";
const PKCS12: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";

/// The shortest AlgorithmIdentifier contents in bytes: JKS' identifier alone.
const MIN_ALGORITHM: usize = 12;

/// The shortest parameters of password-based encryption in bytes: a salt of eight and a count.
const MIN_PBE: usize = 12;
