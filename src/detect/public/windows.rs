//! Public keys as Windows writes them: CryptoAPI's PUBLICKEYBLOB of RSA keys, CNG's BCRYPT_RSAPUBLIC_BLOB and
//! BCRYPT_ECCPUBLIC_BLOB.
//!
//! | blob | bytes |
//! |---|---|
//! | PUBLICKEYBLOB | 06 02 00 00, aiKeyAlg, `RSA1`, bitlen, pubexp; n little-endian |
//! | BCRYPT_RSAPUBLIC_BLOB | `RSA1`, BitLength, cbPublicExp, cbModulus, 0, 0; e, n big-endian |
//! | BCRYPT_ECCPUBLIC_BLOB | `ECS1`, `ECS3`, `ECS5`, `ECK1`, `ECK3`, `ECK5`, cbKey; X, Y big-endian |

use crate::bytes::{array, slice, u32_le};
use crate::clue::Clue;
use crate::crypto::{Curve, PublicKey};
use crate::detect::windows::cng_ec::magic_start;
use crate::detect::windows::reversed;
use crate::detect::{Anchor, Detector, Hit, Sighting};
use std::ops::Range;

/// The detector.
pub struct WindowsPublic;

impl Detector for WindowsPublic {
    fn name(&self) -> &'static str {
        "public.windows"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["windows.public-blob"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(b"RSA1"),
            Anchor::Bytes(b"1\x20\0\0\0"),
            Anchor::Bytes(b"3\x30\0\0\0"),
            Anchor::Bytes(b"5\x42\0\0\0"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl WindowsPublic {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let (key, range) = match hit.data.get(hit.at)? {
            b'1' => point(hit, Curve::P256)?,
            b'3' => point(hit, Curve::P384)?,
            b'5' => point(hit, Curve::P521)?,
            _ => cng(hit).or_else(|| capi(hit))?,
        };
        Some(Sighting::Public(Clue::new(
            key,
            "windows.public-blob",
            range,
        )))
    }
}

fn point(hit: &Hit<'_>, curve: Curve) -> Option<(PublicKey, Range<usize>)> {
    let start = magic_start(hit.data, hit.at)?;
    let size = 2 * curve.field_bytes();
    let point = slice(hit.data, start + 8, size)?;
    let key = PublicKey::ec(curve, &[&[4], point].concat())?;
    Some((key, start..start + 8 + size))
}

fn cng(hit: &Hit<'_>) -> Option<(PublicKey, Range<usize>)> {
    let number = |at: usize| Some(u32_le(hit.data, hit.at + at)? as usize);
    let (e, n) = (number(8)?, number(12)?);
    let is_possible = n == number(4)?.div_ceil(8) && (1..=MAX_EXPONENT).contains(&e);
    is_possible.then_some(())?;
    let start = hit.at + 24;
    let exponent = slice(hit.data, start, e)?;
    let key = PublicKey::rsa(slice(hit.data, start + e, n)?, exponent)?;
    Some((key, hit.at..start + e + n))
}

fn capi(hit: &Hit<'_>) -> Option<(PublicKey, Range<usize>)> {
    let start = hit.at.checked_sub(8)?;
    matches!(
        array(hit.data, start),
        Some([6, 2 | 3, 0, 0, _, 1..=255, 0, 0])
    )
    .then_some(())?;
    let bits = u32_le(hit.data, hit.at + 4)?;
    let n = slice(hit.data, hit.at + 12, bits.div_ceil(8) as usize)?;
    let exponent = slice(hit.data, hit.at + 8, 4)?;
    let key = PublicKey::rsa(&reversed(n), &reversed(exponent))?;
    let is_whole = (bits.saturating_sub(7)..=bits).contains(&key.bits());
    is_whole.then_some((key, start..hit.at + 12 + n.len()))
}

/// Bytes of a public exponent at most.
const MAX_EXPONENT: usize = 32;
