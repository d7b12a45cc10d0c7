//! Public keys and the fingerprint that names them: SHA-256 of the canonical SubjectPublicKeyInfo.

use super::curve::Curve;
use super::der::oid;
use super::{dsa, edwards, rsa};
use crate::bytes::{bit_length, trim_zeros};
use pkcs1::RsaPublicKey;
use sha2::{Digest, Sha256};
use spki::der::asn1::{Any, BitString, Null, ObjectIdentifier, UintRef};
use spki::der::{Encode, Tag};
use spki::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use std::fmt;

/// The kinds of key whose arithmetic is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSA
    Rsa,
    /// ECDSA or ECDH on a Weierstrass curve
    Ec,
    /// Ed25519
    Ed25519,
    /// X25519
    X25519,
    /// DSA
    Dsa,
    /// Ed448
    Ed448,
    /// X448
    X448,
}

/// A public key whose numbers are in range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Modulus and public exponent, big-endian without leading zeros.
    Rsa {
        /// Modulus
        n: Box<[u8]>,
        /// Public exponent
        e: Box<[u8]>,
    },
    /// An uncompressed point (0x04, X, Y) on a curve.
    Ec {
        /// The curve
        curve: Curve,
        /// SEC 1 uncompressed encoding
        point: Box<[u8]>,
    },
    /// RFC 8032 encoding of the point.
    Ed25519([u8; 32]),
    /// RFC 7748 encoding of the u-coordinate.
    X25519([u8; 32]),
    /// RFC 8032 encoding of the point.
    Ed448([u8; 57]),
    /// RFC 7748 encoding of the u-coordinate.
    X448([u8; 56]),
    /// Numbers of a DSA key, big-endian without leading zeros.
    Dsa {
        /// Prime modulus
        p: Box<[u8]>,
        /// Prime divisor of p - 1
        q: Box<[u8]>,
        /// Generator
        g: Box<[u8]>,
        /// Public number
        y: Box<[u8]>,
    },
}

impl PublicKey {
    /// An RSA public key of plausible size; `None` otherwise.
    pub fn rsa(n: &[u8], e: &[u8]) -> Option<Self> {
        let (n, e) = (trim_zeros(n), trim_zeros(e));
        rsa::is_plausible_public(n, e).then(|| Self::Rsa {
            n: n.into(),
            e: e.into(),
        })
    }

    /// An EC public key from a SEC 1 encoded point; `None` unless it lies on `curve`.
    pub fn ec(curve: Curve, encoded: &[u8]) -> Option<Self> {
        Some(Self::Ec {
            curve,
            point: curve.point(encoded)?,
        })
    }

    /// An Ed25519 public key; `None` unless `encoded` is a point of the curve.
    pub fn ed25519(encoded: &[u8]) -> Option<Self> {
        let encoded = encoded.try_into().ok()?;
        edwards::is_ed25519_point(&encoded).then_some(Self::Ed25519(encoded))
    }

    /// An X25519 public key of 32 bytes; zero is refused.
    pub fn x25519(encoded: &[u8]) -> Option<Self> {
        let encoded: [u8; 32] = encoded.try_into().ok()?;
        (encoded != [0; 32]).then_some(Self::X25519(encoded))
    }

    /// An Ed448 public key; `None` unless `encoded` is a point of the curve.
    pub fn ed448(encoded: &[u8]) -> Option<Self> {
        let encoded = encoded.try_into().ok()?;
        edwards::is_ed448_point(&encoded).then_some(Self::Ed448(encoded))
    }

    /// An X448 public key of 56 bytes; zero is refused.
    pub fn x448(encoded: &[u8]) -> Option<Self> {
        let encoded: [u8; 56] = encoded.try_into().ok()?;
        (encoded != [0; 56]).then_some(Self::X448(encoded))
    }

    /// A DSA public key of plausible size; `None` otherwise.
    pub fn dsa(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Option<Self> {
        let [p, q, g, y] = [p, q, g, y].map(trim_zeros);
        let is_plausible = dsa::is_plausible_group(p, q, g)
            && (bit_length(p) / 2..=bit_length(p)).contains(&bit_length(y));
        is_plausible.then(|| Self::Dsa {
            p: p.into(),
            q: q.into(),
            g: g.into(),
            y: y.into(),
        })
    }

    /// Which kind of key it is.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rsa,
            Self::Ec { .. } => Algorithm::Ec,
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::X25519(_) => Algorithm::X25519,
            Self::Dsa { .. } => Algorithm::Dsa,
            Self::Ed448(_) => Algorithm::Ed448,
            Self::X448(_) => Algorithm::X448,
        }
    }

    /// Size in bits: of the modulus, or of a field element.
    pub fn bits(&self) -> u32 {
        match self {
            Self::Rsa { n, .. } => bit_length(n),
            Self::Dsa { p, .. } => bit_length(p),
            Self::Ec { curve, .. } => curve.bits(),
            Self::Ed25519(_) | Self::X25519(_) => 256,
            Self::Ed448(_) => 456,
            Self::X448(_) => 448,
        }
    }

    /// The curve, for EC keys.
    pub fn curve(&self) -> Option<Curve> {
        match self {
            Self::Ec { curve, .. } => Some(*curve),
            _ => None,
        }
    }

    /// The canonical DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7): rsaEncryption with NULL
    /// parameters, named curve, uncompressed point, RFC 8410 for Curve25519 and Curve448,
    /// Dss-Parms (RFC 3279) for DSA.
    pub fn to_spki_der(&self) -> Vec<u8> {
        let (algorithm, parameters, key) = match self {
            Self::Rsa { n, e } => {
                let key = UintRef::new(n).and_then(|modulus| {
                    let public_exponent = UintRef::new(e)?;
                    RsaPublicKey {
                        modulus,
                        public_exponent,
                    }
                    .to_der()
                });
                (
                    oid::RSA_ENCRYPTION,
                    Any::encode_from(&Null).ok(),
                    key.unwrap_or_default(),
                )
            }
            Self::Ec { curve, point } => {
                let curve = object_identifier(curve.oid());
                (
                    oid::EC_PUBLIC_KEY,
                    Any::encode_from(&curve).ok(),
                    point.to_vec(),
                )
            }
            Self::Ed25519(key) => (oid::ED25519, None, key.to_vec()),
            Self::X25519(key) => (oid::X25519, None, key.to_vec()),
            Self::Ed448(key) => (oid::ED448, None, key.to_vec()),
            Self::X448(key) => (oid::X448, None, key.to_vec()),
            Self::Dsa { p, q, g, y } => {
                let parameters = [p, q, g].iter().try_fold(Vec::new(), |mut all, number| {
                    UintRef::new(number)?.encode_to_vec(&mut all)?;
                    Ok::<_, spki::der::Error>(all)
                });
                let parameters = parameters.and_then(|numbers| Any::new(Tag::Sequence, numbers));
                let key = UintRef::new(y).and_then(|y| y.to_der());
                (oid::DSA, parameters.ok(), key.unwrap_or_default())
            }
        };
        let algorithm = AlgorithmIdentifier {
            oid: object_identifier(algorithm),
            parameters,
        };
        BitString::from_bytes(&key)
            .and_then(|subject_public_key| {
                SubjectPublicKeyInfo {
                    algorithm,
                    subject_public_key,
                }
                .to_der()
            })
            .expect("numbers of checked size always have a DER encoding")
    }
}

fn object_identifier(contents: &[u8]) -> ObjectIdentifier {
    ObjectIdentifier::from_bytes(contents).expect("the project's own identifiers are valid")
}

/// SHA-256 of a canonical SubjectPublicKeyInfo; printed in lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `key`.
    pub fn of(key: &PublicKey) -> Self {
        Self(Sha256::digest(key.to_spki_der()).into())
    }

    /// The fingerprint of these 32 bytes, computed elsewhere.
    pub const fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The fingerprint written as 64 hexadecimal digits; `None` when `text` is anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            let value = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(value(*high)? << 4 | value(*low)?).ok()?;
        }
        Some(Self(hash))
    }

    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A public key together with its fingerprint, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    key: PublicKey,
    spki_sha256: Fingerprint,
}

impl Identity {
    /// Computes the fingerprint of `key`.
    pub fn new(key: PublicKey) -> Self {
        let spki_sha256 = Fingerprint::of(&key);
        Self { key, spki_sha256 }
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Its name.
    pub fn fingerprint(&self) -> Fingerprint {
        self.spki_sha256
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys;

    #[test]
    fn fingerprints_agree_with_openssl() {
        for row in test_keys::index() {
            let Some(spki) = test_keys::spki_der(&row) else {
                continue;
            };
            let key = crate::detect::public::parse_spki(&spki).expect("an SPKI written by openssl");
            assert_eq!(key.to_spki_der(), spki, "{}", row.file);
            assert_eq!(
                Fingerprint::of(&key).to_string(),
                row.spki_sha256,
                "{}",
                row.file
            );
            assert_eq!(key.bits(), row.bits, "{}", row.file);
        }
    }

    #[test]
    fn fingerprints_are_read_back() {
        let hash = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";
        assert_eq!(Fingerprint::from_hex(hash).unwrap().to_string(), hash);
        let upper = Fingerprint::from_hex(&hash.to_uppercase()).unwrap();
        assert_eq!(upper.to_string(), hash);
        for wrong in ["", &hash[1..], &format!("{hash}0"), &hash.replace('5', "+")] {
            assert_eq!(Fingerprint::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(PublicKey::rsa(&[0xff; 16], &[3]), None);
        assert_eq!(PublicKey::rsa(&[0xff; 256], &[4]), None);
        assert_eq!(PublicKey::rsa(&[0xff; 4096], &[3]), None);
        assert_eq!(PublicKey::ec(Curve::P256, &[4; 65]), None);
        assert_eq!(PublicKey::ed25519(&[0; 32]), None);
        assert_eq!(PublicKey::ed25519(&[1; 31]), None);
        assert_eq!(PublicKey::x25519(&[0; 32]), None);
    }
}
