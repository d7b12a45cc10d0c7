//! PKCS#12 key stores (RFC 7292): the bag of a key under a passphrase. A key bag in clear is a PKCS#8
//! structure, which its own detector finds.
//!
//! | field | bytes |
//! |---|---|
//! | PFX SEQUENCE | 30 82 xx xx |
//! | version INTEGER 3 | 02 01 03 |
//! | authSafe ContentInfo | 30 82 xx xx 06 09 2a 86 48 86 f7 0d 01 07 01 ... |
//! | ... SafeBag: pkcs8ShroudedKeyBag | 06 0b 2a 86 48 86 f7 0d 01 0c 0a 01 02 |
//! | bagValue `[0]` EncryptedPrivateKeyInfo | a0 82 xx xx 30 82 xx xx ... |
//! | bagAttributes SET: localKeyID, friendlyName | 31 xx 30 xx 06 09 2a 86 48 86 f7 0d 01 09 15 ... |

use super::encrypted;
use crate::crypto::der::{self, Reader, tag};
use crate::crypto::{Prover, PublicKey};
use crate::detect::key::Key;
use crate::detect::public::spki;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use memchr::memmem;
use std::ops::Range;

/// The detector.
pub struct Pkcs12;

impl Detector for Pkcs12 {
    fn name(&self) -> &'static str {
        "der.pkcs12"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.pkcs12"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(SHROUDED_KEY_BAG)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        if !hit.prover.afford(EXPECTED_BYTES) {
            return Vec::new();
        }
        self.look(hit).into_iter().collect()
    }
}

impl Pkcs12 {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let store = store_around(hit.data, hit.at);
        let (key, bag) = bag(hit.data, hit.at, store.clone(), hit.prover)?;
        let range = store.unwrap_or(bag);
        Some(Sighting::Key(key.at(self.name(), "raw", range)))
    }
}

/// The first key under a passphrase in a whole key store that starts at the first byte, and the bytes the
/// store takes. A key in clear is found where it stands, also in a store.
pub fn parse(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let store = store_at(data, 0)?;
    let inside = data.get(store.clone())?;
    let key = memmem::find_iter(inside, SHROUDED_KEY_BAG)
        .find_map(|at| bag(data, at, Some(store.clone()), prover))
        .map(|(key, _)| key);
    let key = key.or_else(|| {
        memmem::find_iter(inside, KEY_BAG).find_map(|at| {
            let mut value = Reader::new(inside.get(at + KEY_BAG.len()..)?);
            Some(super::pkcs8::parse(value.expect(tag::explicit(0))?, prover)?.0)
        })
    })?;
    Some((key, store.end))
}

/// The key in the bag whose identifier stands at `at`, and the bytes of the bag from there on.
fn bag(
    data: &[u8],
    at: usize,
    store: Option<Range<usize>>,
    prover: &Prover<'_>,
) -> Option<(Key, Range<usize>)> {
    let value = at + SHROUDED_KEY_BAG.len();
    let mut fields = Reader::new(data.get(value..)?);
    let (mut key, _) = encrypted::parse(fields.expect(tag::explicit(0))?, prover)?;
    let attributes = fields.expect(tag::SET).unwrap_or_default();
    let id = local_key_id(attributes);
    let public = store
        .and_then(|store| data.get(store))
        .and_then(|store| certificate(store, id));
    if let Some(public) = public {
        key = key.with_public(public);
    }
    key.key_id = id.map(Into::into);
    Some((key, at..value + fields.position()))
}

/// The public key of the certificate in clear that has the same localKeyID; of the first one if it has none.
fn certificate(store: &[u8], id: Option<&[u8]>) -> Option<PublicKey> {
    let mut bags = memmem::find_iter(store, CERT_BAG).filter_map(|at| {
        let mut fields = Reader::new(store.get(at + CERT_BAG.len()..)?);
        let value = fields.expect(tag::explicit(0))?;
        let attributes = fields.expect(tag::SET).unwrap_or_default();
        Some((spki::find(value)?.0, local_key_id(attributes)))
    });
    match id {
        Some(_) => bags.find(|(_, other)| *other == id).map(|(key, _)| key),
        None => bags.next().map(|(key, _)| key),
    }
}

/// The value of the localKeyID among the attributes of a bag.
fn local_key_id(attributes: &[u8]) -> Option<&[u8]> {
    let mut attributes = Reader::new(attributes);
    while let Some(mut attribute) = attributes.inside(tag::SEQUENCE) {
        if attribute.expect(tag::OID)? == LOCAL_KEY_ID {
            let id = attribute.inside(tag::SET)?.expect(tag::OCTET_STRING)?;
            return (id.len() <= MAX_KEY_ID).then_some(id);
        }
    }
    None
}

/// The key store that holds the byte at `at`: the nearest beginning of one before it.
fn store_around(data: &[u8], at: usize) -> Option<Range<usize>> {
    let reach = at.saturating_sub(LONGEST_FORM);
    let before = data.get(reach..at)?;
    let versions = memmem::rfind_iter(before, VERSION);
    versions
        .filter_map(|version| {
            let version = reach + version;
            let (start, _) = der::header_before(data, tag::SEQUENCE, version, MIN_CONTENTS)?;
            store_at(data, start)
        })
        .find(|store| store.contains(&at))
}

/// The key store that starts at `start`.
fn store_at(data: &[u8], start: usize) -> Option<Range<usize>> {
    let mut outer = Reader::new(data.get(start..)?);
    let mut pfx = outer.inside(tag::SEQUENCE)?;
    (pfx.unsigned()? == [3]).then_some(())?;
    let mut content = pfx.inside(tag::SEQUENCE)?;
    (content.expect(tag::OID)? == PKCS7_DATA).then_some(())?;
    Some(start..start + outer.position())
}

/// pkcs8ShroudedKeyBag (RFC 7292, appendix D), with its head.
pub const SHROUDED_KEY_BAG: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02";
/// keyBag, with its head.
const KEY_BAG: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01";
/// certBag, with its head.
const CERT_BAG: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03";
/// id-data (RFC 5652, section 4).
const PKCS7_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
/// localKeyID (RFC 2985, section 5.5.2).
const LOCAL_KEY_ID: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15";
/// Version 3 and the head of the ContentInfo.
const VERSION: &[u8] = b"\x02\x01\x03\x30";

/// The shortest key store in bytes: an Ed25519 key under a passphrase and nothing else.
const MIN_CONTENTS: usize = 200;

/// Bytes of a localKeyID; a hash, or a short text of Java's.
const MAX_KEY_ID: usize = 64;

/// Bytes that are looked at for one anchor, which count as work.
const EXPECTED_BYTES: usize = 8 << 10;
