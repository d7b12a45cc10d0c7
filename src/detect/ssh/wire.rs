//! The data types of RFC 4251, section 5: big-endian lengths, strings, multiple-precision integers.

use crate::bytes;
use crate::crypto::{Curve, PublicKey};

/// Reads fields one after the other.
#[derive(Clone, Copy)]
pub struct Fields<'d> {
    data: &'d [u8],
    at: usize,
}

impl<'d> Fields<'d> {
    /// A reader at the start of `data`.
    pub fn new(data: &'d [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// A `uint32`.
    pub fn number(&mut self) -> Option<u32> {
        let number = bytes::u32_be(self.data, self.at)?;
        self.at += 4;
        Some(number)
    }

    /// A `string`.
    pub fn string(&mut self) -> Option<&'d [u8]> {
        let length = bytes::u32_be(self.data, self.at)?;
        let string = bytes::slice(self.data, self.at + 4, usize::try_from(length).ok()?)?;
        self.at += 4 + string.len();
        Some(string)
    }

    /// A non-negative `mpint` without leading zeros.
    pub fn unsigned(&mut self) -> Option<&'d [u8]> {
        let number = self.string()?;
        (number.first().copied().unwrap_or(0) & 0x80 == 0).then(|| bytes::trim_zeros(number))
    }

    /// Exactly these bytes.
    pub fn literal(&mut self, literal: &[u8]) -> Option<()> {
        let found = bytes::slice(self.data, self.at, literal.len())?;
        self.at += literal.len();
        (found == literal).then_some(())
    }
}

/// The curve of an `ecdsa-sha2-*` key type (RFC 5656, section 10.1).
pub fn ecdsa_curve(key_type: &[u8]) -> Option<Curve> {
    match key_type {
        b"ecdsa-sha2-nistp256" => Some(Curve::P256),
        b"ecdsa-sha2-nistp384" => Some(Curve::P384),
        b"ecdsa-sha2-nistp521" => Some(Curve::P521),
        _ => None,
    }
}

/// A public key blob (RFC 4253, section 6.6; RFC 5656, section 3.1; RFC 8709, section 4).
pub fn public_key(blob: &[u8]) -> Option<PublicKey> {
    let mut fields = Fields::new(blob);
    match fields.string()? {
        b"ssh-rsa" => {
            let e = fields.unsigned()?;
            PublicKey::rsa(fields.unsigned()?, e)
        }
        b"ssh-ed25519" => PublicKey::ed25519(fields.string()?),
        key_type => {
            let curve = ecdsa_curve(key_type)?;
            fields.string()?;
            PublicKey::ec(curve, fields.string()?)
        }
    }
}
