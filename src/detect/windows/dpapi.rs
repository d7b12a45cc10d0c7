//! DPAPI blobs: a secret under a key of the user or machine. Not documented; the layout as programs that
//! decrypt them have it. All little-endian.
//!
//! | field | bytes |
//! |---|---|
//! | version 1; provider df9d8cd0-1501-11d1-8c7a-00c04fc297eb | 4, 16 |
//! | version 1 and GUID of the master key; flags | 4, 16, 4 |
//! | description, UTF-16 with a zero at its end, behind its length | 4 and it |
//! | cipher and its key length; salt behind its length; HMAC key behind its length | 4, 4; 4 and it; 4 and it |
//! | hash and its length; second HMAC key behind its length | 4, 4; 4 and it |
//! | data behind its length; signature behind its length | 4 and it; 4 and it |

use crate::bytes::{slice, u32_le};
use crate::crypto::random::is_ciphertext;
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};

/// The detector.
pub struct Dpapi;

impl Detector for Dpapi {
    fn name(&self) -> &'static str {
        "windows.dpapi"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["windows.dpapi"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(PROVIDER)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Dpapi {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let start = hit.at.checked_sub(4)?;
        let mut fields = Fields {
            data: hit.data.get(start..)?,
            at: 0,
        };
        (fields.number()? == 1).then_some(())?;
        fields.take(PROVIDER.len())?;
        (fields.number()? == 1).then_some(())?;
        fields.take(16)?;
        let _flags = fields.number()?;
        let is_text = |length: usize| length.is_multiple_of(2) && length <= MAX_DESCRIPTION;
        let _description = fields.counted(is_text)?;
        (fields.number()? & CLASS == CIPHER).then_some(())?;
        let _key_bits = fields.number()?;
        let _salt = fields.counted(|length| (8..=64).contains(&length))?;
        let _hmac_key = fields.counted(|length| length <= 64)?;
        (fields.number()? & CLASS == HASH).then_some(())?;
        let _hash_bits = fields.number()?;
        let _second_key = fields.counted(|length| length <= 64)?;
        let data = fields.counted(|length| (8..=LONGEST_FORM).contains(&length))?;
        let signature = fields.counted(|length| (16..=64).contains(&length))?;
        // Data of one or two blocks is too short to look random; the signature is not.
        let is_random = is_ciphertext(data, 8) || is_ciphertext(&[data, signature].concat(), 1);
        (is_random && fields.at <= LONGEST_FORM).then_some(())?;
        let range = start..start + fields.at;
        Some(Sighting::Key(Key::protected(data).at(
            self.name(),
            "raw",
            range,
        )))
    }
}

/// A reader of numbers and of bytes behind their length.
struct Fields<'d> {
    data: &'d [u8],
    at: usize,
}

impl<'d> Fields<'d> {
    fn take(&mut self, length: usize) -> Option<&'d [u8]> {
        let bytes = slice(self.data, self.at, length)?;
        self.at += length;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u32> {
        let number = u32_le(self.data, self.at)?;
        self.at += 4;
        Some(number)
    }

    fn counted(&mut self, is_possible: impl Fn(usize) -> bool) -> Option<&'d [u8]> {
        let length = self.number()? as usize;
        is_possible(length).then(|| self.take(length))?
    }
}

/// df9d8cd0-1501-11d1-8c7a-00c04fc297eb
const PROVIDER: &[u8] = b"\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\x00\xc0\x4f\xc2\x97\xeb";

/// The class of an ALG_ID, and the classes of ciphers and hashes.
const CLASS: u32 = 0xffff_e000;
const CIPHER: u32 = 0x6000;
const HASH: u32 = 0x8000;

/// Bytes of a description at most.
const MAX_DESCRIPTION: usize = 1024;
