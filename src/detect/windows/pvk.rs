//! PVK, the private key file of Microsoft's signing tools; little-endian. Not documented; the layout as
//! OpenSSL reads and writes it.
//!
//! | field | bytes |
//! |---|---|
//! | magic 0xb0b5f11e | 1e f1 b5 b0 |
//! | reserved 0; key type 1 (exchange) or 2 (signature); encrypted 0 or 1 | 4, 4, 4 |
//! | salt length, 0 unless encrypted; key length | 4, 4 |
//! | salt | its length |
//! | PRIVATEKEYBLOB; if encrypted, by RC4 from its ninth byte on | its length |

use super::capi;
use crate::bytes::{slice, u32_le};
use crate::crypto::random::is_ciphertext;
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};

/// The detector.
pub struct Pvk;

impl Detector for Pvk {
    fn name(&self) -> &'static str {
        "windows.pvk"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["windows.pvk", "windows.pvk-encrypted"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(b"\x1e\xf1\xb5\xb0")]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Pvk {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let number = |at: usize| u32_le(hit.data, hit.at + at);
        let is_header = number(4)? == 0 && (1..=2).contains(&number(8)?);
        let (salt, length) = (number(16)? as usize, number(20)? as usize);
        (is_header && salt <= MAX_SALT && (MIN_BLOB..=LONGEST_FORM).contains(&length))
            .then_some(())?;
        let start = hit.at + HEADER + salt;
        let blob = slice(hit.data, start, length)?;
        let (key, form) = match number(12)? {
            0 => (capi::parse(blob, hit.prover)?.0, self.name()),
            1 => {
                let ciphertext = blob.get(8..)?;
                (capi::is_header(blob, 0) && is_ciphertext(ciphertext, 1)).then_some(())?;
                (Key::encrypted(None, ciphertext), "windows.pvk-encrypted")
            }
            _ => return None,
        };
        Some(Sighting::Key(key.at(form, "raw", hit.at..start + length)))
    }
}

const HEADER: usize = 24;

/// Bytes of salt at most; writers use 16.
const MAX_SALT: usize = 64;

/// Bytes of a blob at least: a DSS key of 512 bits.
const MIN_BLOB: usize = 8 + 8 + 2 * 64 + 2 * 20;
