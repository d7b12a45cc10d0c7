//! A throwaway key: making it, its PKCS#8 and PEM, its numbers, and what is published of it.

use crate::Result;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::fmt;

/// What a key is for. The incident's key was a consumer key, and what it opened were enterprise mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Use {
    /// RSA-2048, signs RS256 tokens of consumer accounts.
    Consumer,
    /// EC P-256, signs ES256 tokens of enterprise accounts.
    Enterprise,
}

impl Use {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Consumer, Self::Enterprise];

    /// The name in kids, tokens and the JWKS.
    pub fn name(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Enterprise => "enterprise",
        }
    }

    /// The use of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// JWT's name of the algorithm.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Consumer => "RS256",
            Self::Enterprise => "ES256",
        }
    }
}

/// The numbers of a key, big-endian, without zeros on top (of P-256 always 32 bytes).
pub enum Numbers {
    /// The fields of PKCS#1.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
        /// The private numbers with their names: d, p, q, dp, dq, qinv.
        private: Box<[(&'static str, Vec<u8>); 6]>,
    },
    /// A key on P-256.
    Ec {
        /// `04 || X || Y`
        point: Vec<u8>,
        /// The private number.
        scalar: Vec<u8>,
    },
}

/// A private key with its name.
pub struct Key {
    /// What the JWKS calls it.
    pub kid: String,
    /// What it is for.
    pub usage: Use,
    /// PKCS#8.
    pub der: Vec<u8>,
    /// What is in it.
    pub numbers: Numbers,
}

/// Says the name alone.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// A new key. Its kid is `consumer-NUMBER` or `enterprise-NUMBER`.
    ///
    /// # Errors
    /// When the library makes none.
    pub fn generate(usage: Use, number: usize) -> Result<Self> {
        let der = match usage {
            Use::Consumer => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
                let der: Pkcs8V1Der<'_> = pair.as_der()?;
                der.as_ref().to_vec()
            }
            Use::Enterprise => {
                let random = aws_lc_rs::rand::SystemRandom::new();
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
                made.as_ref().to_vec()
            }
        };
        Self::from_pkcs8(&format!("{}-{number}", usage.name()), der)
    }

    /// The key in a PEM of PKCS#8.
    ///
    /// # Errors
    /// When it is none, or of another kind.
    pub fn from_pem(kid: &str, pem: &str) -> Result<Self> {
        let body = pem
            .trim()
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(END))
            .ok_or("the PEM has not the frame of PKCS#8")?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = Base64::decode_vec(&body).map_err(|_| "the PEM holds no base64")?;
        Self::from_pkcs8(kid, der)
    }

    /// The key in a PKCS#8 structure.
    ///
    /// # Errors
    /// When it is not RSA, nor a key on P-256 with its point.
    pub fn from_pkcs8(kid: &str, der: Vec<u8>) -> Result<Self> {
        let wrong = || format!("the PKCS#8 of `{kid}` is not as it should be");
        let numbers = numbers(&der).ok_or_else(wrong)?;
        let usage = match numbers {
            Numbers::Rsa { .. } => Use::Consumer,
            Numbers::Ec { .. } => Use::Enterprise,
        };
        Ok(Self {
            kid: kid.to_owned(),
            usage,
            der,
            numbers,
        })
    }

    /// PKCS#8 in PEM, 64 characters a line.
    pub fn pem(&self) -> String {
        let base64 = Base64::encode_string(&self.der);
        let lines = base64.as_bytes().chunks(64);
        let mut pem = format!("{BEGIN}\n");
        for line in lines {
            pem.extend(line.iter().copied().map(char::from));
            pem.push('\n');
        }
        pem + END + "\n"
    }

    /// The public half as a JWK. `issuer` says what the key is for, as the JWKS of a large identity provider does.
    pub fn jwk(&self) -> Value {
        let (usage, alg) = (self.usage.name(), self.usage.algorithm());
        match &self.numbers {
            Numbers::Rsa { n, e, .. } => json!({
                "kty": "RSA", "use": "sig", "alg": alg, "kid": self.kid, "issuer": usage,
                "n": Base64UrlUnpadded::encode_string(n), "e": Base64UrlUnpadded::encode_string(e),
            }),
            Numbers::Ec { point, .. } => json!({
                "kty": "EC", "use": "sig", "alg": alg, "kid": self.kid, "issuer": usage, "crv": "P-256",
                "x": Base64UrlUnpadded::encode_string(&point[1..33]),
                "y": Base64UrlUnpadded::encode_string(&point[33..65]),
            }),
        }
    }
}

impl Key {
    /// SHA-256 of the public half's SubjectPublicKeyInfo, in hexadecimal: what dumpgate calls a key.
    pub fn spki_sha256(&self) -> String {
        let spki = match &self.numbers {
            Numbers::Rsa { n, e, .. } => {
                let number = |bytes: &[u8]| der(INTEGER, &[&[0], bytes].concat());
                let exponent = der(INTEGER, e);
                let key = der(SEQUENCE, &[number(n), exponent].concat());
                let bits = der(BITS, &[&[0], &key[..]].concat());
                der(SEQUENCE, &[&RSA_ALGORITHM[..], &bits].concat())
            }
            Numbers::Ec { point, .. } => {
                let bits = der(BITS, &[&[0], &point[..]].concat());
                der(SEQUENCE, &[&P256_ALGORITHM[..], &bits].concat())
            }
        };
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &spki);
        digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// A DER structure of up to 64 KiB.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let [.., high, low] = value.len().to_be_bytes();
    let head = match value.len() {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head[..], value].concat()
}

/// The numbers in a PKCS#8 structure: `SEQUENCE { version, algorithm, OCTET STRING { key } }`.
fn numbers(der: &[u8]) -> Option<Numbers> {
    let mut fields = Der(Der(der).value(SEQUENCE)?);
    fields.value(INTEGER)?;
    fields.value(SEQUENCE)?;
    let mut key = Der(Der(fields.value(OCTETS)?).value(SEQUENCE)?);
    let version = key.value(INTEGER)?;
    if version == [1] {
        // SEC 1: scalar, perhaps the curve, the point.
        let scalar = key.value(OCTETS)?.to_vec();
        let mut next = key.any()?;
        if next.0 == CURVE {
            next = key.any()?;
        }
        let point = Der((next.0 == POINT).then_some(next.1)?).value(BITS)?;
        let point = point.strip_prefix(&[0])?.to_vec();
        return (scalar.len() == 32 && point.len() == 65).then_some(Numbers::Ec { point, scalar });
    }
    let mut number = || {
        let bytes = key.value(INTEGER)?;
        Some(bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec())
    };
    let (n, e) = (number()?, number()?);
    let [d, p, q, dp, dq, qinv] =
        ["d", "p", "q", "dp", "dq", "qinv"].map(|name| Some((name, number()?)));
    Some(Numbers::Rsa {
        n,
        e,
        private: Box::new([d?, p?, q?, dp?, dq?, qinv?]),
    })
}

/// What is left of a DER structure.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next tag and its value.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x82 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (
                    bytes
                        .iter()
                        .fold(0, |length, byte| length << 8 | usize::from(*byte)),
                    rest,
                )
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The next value, if it has this tag.
    fn value(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.any()
            .filter(|(tag, _)| *tag == wanted)
            .map(|(_, value)| value)
    }
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// rsaEncryption, NULL
const RSA_ALGORITHM: [u8; 15] = *b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// id-ecPublicKey, prime256v1
const P256_ALGORITHM: [u8; 21] =
    *b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const CURVE: u8 = 0xa0;
const POINT: u8 = 0xa1;

#[cfg(test)]
mod tests {
    use super::{Key, Numbers, Use};

    #[test]
    fn keys_survive_their_pem() {
        for usage in Use::ALL {
            let key = Key::generate(usage, 7).expect("a key");
            let again = Key::from_pem(&key.kid, &key.pem()).expect("the same key");
            assert_eq!(key.der, again.der);
            assert_eq!(again.usage, usage);
            if let Numbers::Rsa { n, private, .. } = &again.numbers {
                assert_eq!(
                    (n.len(), private[1].1.len(), private[5].0),
                    (256, 128, "qinv")
                );
            }
        }
        assert!(
            Key::from_pem(
                "x",
                "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
            )
            .is_err()
        );
    }
}
