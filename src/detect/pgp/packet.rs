//! OpenPGP packets and what key packets hold (RFC 9580, sections 4.2, 5.5 and 9.2; RFC 4880, section 4.2).
//!
//! | header | bytes |
//! |---|---|
//! | legacy | 1000 0000 + tag in four bits + size of the length in two; length of one, two or four bytes |
//! | current | 1100 0000 + tag in six bits; length below 192, or c0..df xx, or ff and four bytes |
//!
//! Legacy packets of indeterminate length and current ones of partial length never hold keys.

use crate::bytes;
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::random::is_varied;
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Curve, Prover, PublicKey};
pub use crate::detect::fields::Fields;
use crate::detect::key::Key;
use crate::secret::{Secret, SecretBuf};

/// What a packet holds.
pub mod tag {
    /// Secret key
    pub const SECRET_KEY: u8 = 5;
    /// Public key
    pub const PUBLIC_KEY: u8 = 6;
    /// Secret subkey
    pub const SECRET_SUBKEY: u8 = 7;
    /// Public subkey
    pub const PUBLIC_SUBKEY: u8 = 14;
}

/// The header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the packet holds.
    pub tag: u8,
    /// Bytes of the header.
    pub size: usize,
    /// Bytes of the body.
    pub length: usize,
}

impl Header {
    /// The header at `at`.
    pub fn read(data: &[u8], at: usize) -> Option<Self> {
        let first = *data.get(at)?;
        let byte = |offset: usize| data.get(at + offset).map(|byte| usize::from(*byte));
        let word = |offset| bytes::u32_be(data, at + offset).and_then(|n| usize::try_from(n).ok());
        let (tag, size, length) = match first {
            0x80..=0xbf => {
                let (size, length) = match first & 3 {
                    0 => (2, byte(1)?),
                    1 => (3, byte(1)? << 8 | byte(2)?),
                    2 => (5, word(1)?),
                    _ => return None,
                };
                (first >> 2 & 0x0f, size, length)
            }
            0xc0.. => {
                let (size, length) = match byte(1)? {
                    short @ 0..=191 => (2, short),
                    high @ 192..=223 => (3, ((high - 192) << 8) + byte(2)? + 192),
                    255 => (6, word(2)?),
                    _ => return None,
                };
                (first & 0x3f, size, length)
            }
            _ => return None,
        };
        Some(Self { tag, size, length })
    }

    /// Headers that may end where `body` starts, of packets that hold keys.
    pub fn before_key(data: &[u8], body: usize) -> impl Iterator<Item = (usize, Self)> {
        [3, 2, 6, 5].into_iter().filter_map(move |size| {
            let start = body.checked_sub(size)?;
            let header = Self::read(data, start).filter(|header| header.size == size)?;
            header.holds_key().then_some((start, header))
        })
    }

    /// Whether a packet like this holds a key, public or secret.
    pub fn holds_key(&self) -> bool {
        self.is_secret() || [tag::PUBLIC_KEY, tag::PUBLIC_SUBKEY].contains(&self.tag)
    }

    /// Whether a packet like this holds a secret key.
    pub fn is_secret(&self) -> bool {
        [tag::SECRET_KEY, tag::SECRET_SUBKEY].contains(&self.tag)
    }
}

impl<'d> Fields<'d> {
    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// Two bytes, big-endian.
    pub fn short(&mut self) -> Option<u16> {
        bytes::array(self.take(2)?, 0).map(u16::from_be_bytes)
    }

    /// A multiprecision integer: its bits in two bytes, then its bytes. Some programs count the bits of leading
    /// zeros too.
    pub fn mpi(&mut self) -> Option<&'d [u8]> {
        let mut ahead = *self;
        let bits = ahead.short()?;
        let number = ahead.take(usize::from(bits.div_ceil(8)))?;
        *self = ahead;
        Some(number)
    }
}

/// The public half in a key packet.
#[derive(Clone, Copy, Debug)]
pub enum Material<'d> {
    /// RSA: modulus and public exponent.
    Rsa {
        /// Modulus
        n: &'d [u8],
        /// Public exponent
        e: &'d [u8],
    },
    /// DSA: group and public number.
    Dsa {
        /// Prime modulus
        p: &'d [u8],
        /// Prime divisor of p - 1
        q: &'d [u8],
        /// Generator
        g: &'d [u8],
        /// Public number
        y: &'d [u8],
    },
    /// Elgamal, whose arithmetic is not here.
    Elgamal,
    /// A point on a curve that an object identifier names.
    Ec {
        /// The object identifier's contents
        curve: &'d [u8],
        /// The point as the packet writes it
        point: &'d [u8],
    },
    /// A key of a curve that the algorithm names, in its own encoding.
    Native {
        /// The algorithm
        algorithm: u8,
        /// The public key
        key: &'d [u8],
    },
}

impl<'d> Material<'d> {
    /// Reads the public half of a key of `algorithm`; `None` when a part lies out of range.
    pub fn read(fields: &mut Fields<'d>, algorithm: u8) -> Option<Self> {
        match algorithm {
            1..=3 => {
                let n = fields.mpi()?;
                let e = fields.mpi()?;
                PublicKey::rsa(n, e)?;
                Some(Self::Rsa { n, e })
            }
            16 => {
                let p = fields.mpi()?;
                let g = fields.mpi()?;
                let y = fields.mpi()?;
                let is_plausible = (MIN_ELGAMAL..=LONGEST_ELGAMAL).contains(&bytes::bit_length(p))
                    && p.last().is_some_and(|last| last & 1 == 1)
                    && !g.is_empty()
                    && g.len() <= p.len()
                    && (p.len() / 2..=p.len()).contains(&y.len())
                    && is_varied(p);
                is_plausible.then_some(Self::Elgamal)
            }
            17 => {
                let [p, q, g, y] = [fields.mpi()?, fields.mpi()?, fields.mpi()?, fields.mpi()?];
                PublicKey::dsa(p, q, g, y)?;
                Some(Self::Dsa { p, q, g, y })
            }
            18 | 19 | 22 => {
                let length = fields.byte()?;
                let curve = fields.take(length.into())?;
                let point = fields.mpi()?;
                if algorithm == 18 {
                    // Parameters of the key derivation: a hash and a cipher.
                    let length = fields.byte()?;
                    matches!(fields.take(length.into())?, [1, _, _]).then_some(())?;
                }
                let material = Self::Ec { curve, point };
                let is_known = material.public().is_some();
                let is_other = OTHER_CURVES
                    .iter()
                    .any(|other| curve.starts_with(other) && is_varied(point));
                (is_known || is_other).then_some(material)
            }
            _ => {
                let (public, _) = native_sizes(algorithm)?;
                let key = fields.take(public)?;
                let material = Self::Native { algorithm, key };
                (material.public().is_some() || [26, 28].contains(&algorithm) && is_varied(key))
                    .then_some(material)
            }
        }
    }

    /// The public half, if its arithmetic is here.
    pub fn public(&self) -> Option<PublicKey> {
        match *self {
            Self::Rsa { n, e } => PublicKey::rsa(n, e),
            Self::Dsa { p, q, g, y } => PublicKey::dsa(p, q, g, y),
            Self::Elgamal => None,
            Self::Ec { curve, point } => match curve {
                ED25519_LEGACY | ED25519 => PublicKey::ed25519(point.strip_prefix(&[NATIVE])?),
                CURVE25519_LEGACY | X25519 => PublicKey::x25519(point.strip_prefix(&[NATIVE])?),
                _ => PublicKey::ec(Curve::from_oid(curve)?, point),
            },
            Self::Native { algorithm, key } => match algorithm {
                27 => PublicKey::ed25519(key),
                25 => PublicKey::x25519(key),
                _ => None,
            },
        }
    }

    /// Judges the secret numbers that stand in `fields`, and says whether they are all there.
    pub fn judge(&self, fields: &mut Fields<'_>, prover: &Prover<'_>) -> Option<(Key, bool)> {
        let public = self.public();
        let key = match *self {
            Self::Rsa { n, e } => {
                let [d, p, q, qinv] = std::array::from_fn(|_| fields.mpi().map(Secret::new));
                // OpenPGP has the inverse of p modulo q, which is the coefficient of the primes in other order.
                let parts = RsaParts {
                    n: Some(n),
                    e: Some(e),
                    d,
                    p: q,
                    q: p,
                    ..RsaParts::default()
                };
                return Some((Key::rsa_left(&parts, prover)?, qinv.is_some()));
            }
            Self::Dsa { p, q, g, y } => {
                let numbers = DsaNumbers {
                    p,
                    q,
                    g,
                    y: Some(y),
                    x: Secret::new(fields.mpi()?),
                };
                Key::dsa(&numbers, prover)?
            }
            Self::Elgamal => {
                let x = fields.mpi()?;
                (x.len() >= MIN_SECRET && is_varied(x)).then(|| Key::other(x))?
            }
            Self::Ec { curve, .. } => {
                let number = fields.mpi()?;
                match (curve, public) {
                    (ED25519_LEGACY | ED25519, Some(public)) => {
                        let seed = padded(number)?;
                        Key::edwards(&prover.ed25519(&seed)?, &seed, Some(&public))?
                    }
                    (CURVE25519_LEGACY | X25519, Some(public)) => {
                        let mut scalar = padded(number)?;
                        scalar.bytes_mut().reverse();
                        Key::edwards(&prover.x25519(&scalar)?, &scalar, Some(&public))?
                    }
                    (_, Some(PublicKey::Ec { curve, point })) => {
                        Key::ec(Some(curve), number, Some(&point), prover)?
                    }
                    _ => (number.len() >= MIN_SECRET)
                        .then(|| Key::other_curve(number))
                        .flatten()?,
                }
            }
            Self::Native { algorithm, .. } => {
                let (_, secret) = native_sizes(algorithm)?;
                let secret = fields.take(secret)?;
                match algorithm {
                    27 => Key::edwards(&prover.ed25519(secret)?, secret, public.as_ref())?,
                    25 => Key::edwards(&prover.x25519(secret)?, secret, public.as_ref())?,
                    _ => is_varied(secret).then(|| Key::other(secret))?,
                }
            }
        };
        Some((key, true))
    }
}

/// A number of 32 bytes with the leading zeros that its integer dropped.
pub fn padded(number: &[u8]) -> Option<SecretBuf> {
    let number = bytes::trim_zeros(number);
    let mut padded = SecretBuf::zeroed(32);
    let start = padded.len().checked_sub(number.len())?;
    padded.bytes_mut().get_mut(start..)?.copy_from_slice(number);
    Some(padded)
}

/// Bytes of the public and of the secret key of an algorithm with a curve of its own.
fn native_sizes(algorithm: u8) -> Option<(usize, usize)> {
    match algorithm {
        25 | 27 => Some((32, 32)),
        26 => Some((56, 56)),
        28 => Some((57, 57)),
        _ => None,
    }
}

/// The byte before a point in its curve's own encoding.
pub const NATIVE: u8 = 0x40;

const ED25519_LEGACY: &[u8] = b"\x2b\x06\x01\x04\x01\xda\x47\x0f\x01";
const CURVE25519_LEGACY: &[u8] = b"\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01";
const ED25519: &[u8] = b"\x2b\x65\x70";
const X25519: &[u8] = b"\x2b\x65\x6e";

/// How the identifiers of curves start whose arithmetic is not here: Brainpool, X448 and Ed448.
const OTHER_CURVES: [&[u8]; 3] = [
    b"\x2b\x24\x03\x03\x02\x08\x01\x01",
    b"\x2b\x65\x6f",
    b"\x2b\x65\x71",
];

/// Bits of Elgamal's modulus.
const MIN_ELGAMAL: u32 = 512;
const LONGEST_ELGAMAL: u32 = 8192;

/// Bytes of a secret number of an algorithm whose arithmetic is not here.
const MIN_SECRET: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_size() {
        let header = |data: &[u8]| Header::read(data, 0).map(|h| (h.tag, h.size, h.length));
        assert_eq!(header(b"\x94\x58"), Some((5, 2, 0x58)));
        assert_eq!(header(b"\x95\x03\x98"), Some((5, 3, 0x398)));
        assert_eq!(header(b"\x9e\0\0\x01\x02"), Some((7, 5, 0x102)));
        assert_eq!(header(b"\x97"), None);
        assert_eq!(header(b"\xc5\x4b"), Some((5, 2, 0x4b)));
        assert_eq!(header(b"\xc7\xc5\xfb"), Some((7, 3, 1723)));
        assert_eq!(header(b"\xc5\xff\0\0\x01\x02"), Some((5, 6, 0x102)));
        assert_eq!(header(b"\xc5\xe1"), None);
        assert_eq!(header(b"\x45\x4b"), None);
    }

    #[test]
    fn integers_end_at_the_end() {
        let mut fields = Fields::new(b"\0\x11\x01\0\x01\0\x09\x01");
        assert_eq!(fields.mpi(), Some(&b"\x01\0\x01"[..]));
        assert_eq!(fields.mpi(), None);
        assert_eq!(fields.position(), 5);
    }
}
