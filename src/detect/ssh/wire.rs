//! The data types of RFC 4251, section 5: big-endian lengths, strings, multiple-precision integers.

use crate::bytes;
use crate::crypto::{Curve, PublicKey};
pub use crate::detect::fields::Fields;

impl<'d> Fields<'d> {
    /// A `string`.
    pub fn string(&mut self) -> Option<&'d [u8]> {
        let mut ahead = *self;
        let length = ahead.number()?;
        let string = ahead.take(usize::try_from(length).ok()?)?;
        *self = ahead;
        Some(string)
    }

    /// A non-negative `mpint` without leading zeros.
    pub fn unsigned(&mut self) -> Option<&'d [u8]> {
        let number = self.string()?;
        (number.first().copied().unwrap_or(0) & 0x80 == 0).then(|| bytes::trim_zeros(number))
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
    public_key_prefix(blob).map(|(key, _)| key)
}

/// The public key that starts at the first byte, and the bytes it takes.
pub fn public_key_prefix(data: &[u8]) -> Option<(PublicKey, usize)> {
    let mut fields = Fields::new(data);
    let key = match fields.string()? {
        b"ssh-rsa" => {
            let e = fields.unsigned()?;
            PublicKey::rsa(fields.unsigned()?, e)
        }
        b"ssh-ed25519" => PublicKey::ed25519(fields.string()?),
        b"ssh-dss" => PublicKey::dsa(
            fields.unsigned()?,
            fields.unsigned()?,
            fields.unsigned()?,
            fields.unsigned()?,
        ),
        key_type => {
            let curve = ecdsa_curve(key_type)?;
            fields.string()?;
            PublicKey::ec(curve, fields.string()?)
        }
    }?;
    Some((key, fields.position()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Fingerprint, test_keys};

    #[test]
    fn fields_end_at_the_end() {
        let mut fields = Fields::new(b"\0\0\0\x02ab\0\0\0\x05abc");
        assert_eq!(fields.string(), Some(&b"ab"[..]));
        assert_eq!(fields.string(), None);
        assert_eq!(fields.position(), 6);
        assert_eq!(fields.number(), Some(5));
        assert_eq!(Fields::new(b"\0\0\0\x01\x80").unsigned(), None);
        assert_eq!(
            Fields::new(b"\0\0\0\x02\0\x80").unsigned(),
            Some(&[0x80][..])
        );
        assert_eq!(Fields::new(b"\xff\xff\xff\xff").string(), None);
    }

    #[test]
    fn public_keys_of_ssh_keygen_have_their_fingerprint() {
        use base64ct::{Base64, Encoding};
        for row in test_keys::index()
            .iter()
            .filter(|row| row.form == "ssh.public")
        {
            let text = String::from_utf8(test_keys::read(&row.file)).unwrap();
            let blob = Base64::decode_vec(text.split(' ').nth(1).unwrap()).unwrap();
            let key = public_key(&blob).expect("a key written by ssh-keygen");
            assert_eq!(
                Fingerprint::of(&key).to_string(),
                row.spki_sha256,
                "{}",
                row.file
            );
            for length in 0..blob.len() {
                assert_eq!(
                    public_key(&blob[..length]),
                    None,
                    "{} cut at {length}",
                    row.file
                );
            }
        }
    }
}
