//! OpenPGP key packets in binary (RFC 9580, section 5.5; RFC 4880, section 5.5).
//!
//! | field | bytes |
//! |---|---|
//! | packet header | see `packet` |
//! | version 2, 3, 4 or 6 | 04 |
//! | time of creation | 4 |
//! | days of validity, in versions 2 and 3 only | 2 |
//! | algorithm | 1 |
//! | bytes of the public half, in version 6 only | 4 |
//! | public half | RSA: n, e; DSA: p, q, g, y; EC: curve's identifier, point |
//!
//! A public key ends here. A secret key goes on:
//!
//! | field | bytes |
//! |---|---|
//! | usage: 0 in clear, 253 to 255 with a key from a passphrase, else a cipher | 1 |
//! | bytes of the parameters, in version 6 only and unless in clear | 1 |
//! | cipher, AEAD mode, key derivation, initialisation vector, unless in clear | |
//! | secret numbers, encrypted or not | RSA: d, p, q, u; DSA: x; EC: scalar |
//! | sum of the secret numbers' bytes, if in clear and not in version 6 | 2 |

use super::packet::{Fields, Header, Material};
use crate::bytes;
use crate::clue::Clue;
use crate::crypto::random::is_ciphertext;
use crate::crypto::{Prover, PublicKey};
use crate::detect::key::{Fragment, Key};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use std::ops::Range;

/// The detector.
pub struct SecretKey;

impl Detector for SecretKey {
    fn name(&self) -> &'static str {
        "pgp.secret-key"
    }

    fn forms(&self) -> &'static [&'static str] {
        &FORMS
    }

    fn anchors(&self) -> &'static [Anchor] {
        ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl SecretKey {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let data = hit.data;
        let packet = |body: usize| {
            Header::before_key(data, body).find_map(|(start, header)| {
                let end = body.checked_add(header.length)?.min(data.len());
                let seen = read(header, data.get(body..end)?, hit.prover)?;
                let seen = seen.sighting(FORMS, "raw", start..end);
                (hit.at < end).then_some(seen)
            })
        };
        let at = hit.at;
        match *data.get(at..at + 4)? {
            [0, 17, 1, 0] => moduli(data, at)
                .flat_map(|start| bodies(data, start))
                .find_map(packet),
            // In version 6 an algorithm and the bytes of its public half.
            [_, 0, 0, 0] => packet(at.checked_sub(5)?),
            _ => bodies(data, at).find_map(packet),
        }
    }
}

/// Where the RSA modulus may start in front of the exponent at `exponent`.
fn moduli(data: &[u8], exponent: usize) -> impl Iterator<Item = usize> {
    (MIN_MODULUS..=MAX_MODULUS).filter_map(move |length| {
        let start = exponent.checked_sub(length + 2)?;
        let bits = bytes::array(data, start).map(u16::from_be_bytes)?;
        let is_length = usize::from(bits.div_ceil(8)) == length;
        let first = *data.get(start + 2)?;
        (is_length && first >> ((bits - 1) % 8) == 1).then_some(start)
    })
}

/// Where the body of a key packet may start whose public half starts at `material`.
fn bodies(data: &[u8], material: usize) -> impl Iterator<Item = usize> {
    [(6, 4), (10, 6), (8, 3), (8, 2)]
        .into_iter()
        .filter_map(move |(before, version)| {
            let body = material.checked_sub(before)?;
            (*data.get(body)? == version).then_some(body)
        })
}

/// What a key packet holds.
pub enum Seen {
    /// A secret key, whole or cut.
    Key(Box<Key>, Option<Fragment>),
    /// A public key, or a secret one that lies elsewhere, as on a card.
    Public(PublicKey),
}

impl Seen {
    /// The sighting at `range`, its form being one of those of a key in clear, an encrypted one, and a public one.
    pub fn sighting(
        self,
        [clear, encrypted, public]: [&'static str; 3],
        encoding: &'static str,
        range: Range<usize>,
    ) -> Sighting {
        match self {
            Self::Key(key, fragment) => {
                let form = if key.kind == Kind::Encrypted {
                    encrypted
                } else {
                    clear
                };
                Sighting::Key(match fragment {
                    Some(fragment) => key.fragment_at(form, encoding, range, fragment),
                    None => key.at(form, encoding, range),
                })
            }
            Self::Public(key) => Sighting::Public(Clue::new(key, public, range)),
        }
    }
}

/// The key in the packet with this header, of whose body `body` is there.
pub fn read(header: Header, body: &[u8], prover: &Prover<'_>) -> Option<Seen> {
    if header.length > LONGEST_FORM {
        return None;
    }
    let mut fields = Fields::new(body);
    let version = fields.byte()?;
    let _created = fields.number()?;
    match version {
        2 | 3 => drop(fields.short()?),
        4 | 6 => {}
        _ => return None,
    }
    let algorithm = fields.byte()?;
    (version >= 4 || algorithm <= 3).then_some(())?;
    let public_bytes = (version == 6).then(|| fields.number());
    let start = fields.position();
    let material = Material::read(&mut fields, algorithm)?;
    if let Some(length) = public_bytes {
        (usize::try_from(length?).ok()? == fields.position() - start).then_some(())?;
    }
    if !header.is_secret() {
        let is_whole = fields.position() == header.length;
        return is_whole.then(|| material.public().map(Seen::Public))?;
    }
    let Some(usage) = fields.byte() else {
        return material.public().map(Seen::Public);
    };
    let is_cut = body.len() < header.length;
    let (key, is_whole) = if usage == 0 {
        in_clear(&material, version, &mut fields, is_cut, prover)?
    } else {
        match Protection::read(&mut fields, usage, version)? {
            Protection::Elsewhere => return material.public().map(Seen::Public),
            Protection::Passphrase => encrypted(&material, fields.rest(), is_cut)?,
        }
    };
    let present = if usage == 0 {
        fields.position()
    } else {
        body.len()
    };
    let fragment = (!is_whole).then_some(Fragment {
        present: (header.size + present) as u64,
        expected: Some((header.size + header.length) as u64),
    });
    Some(Seen::Key(Box::new(key), fragment))
}

/// The key whose secret numbers are not encrypted, and whether it is whole.
fn in_clear(
    material: &Material<'_>,
    version: u8,
    fields: &mut Fields<'_>,
    is_cut: bool,
    prover: &Prover<'_>,
) -> Option<(Key, bool)> {
    let secret = *fields;
    let (mut key, has_numbers) = material.judge(fields, prover)?;
    let numbers = secret.rest().get(..fields.position() - secret.position())?;
    let sum = numbers
        .iter()
        .fold(0u16, |sum, byte| sum.wrapping_add((*byte).into()));
    let is_sound = match version {
        6 => true,
        _ => fields.short() == Some(sum),
    } && fields.rest().is_empty();
    let is_whole = has_numbers && is_sound && !is_cut;
    if !is_whole && !is_cut && key.proof < Proof::Arithmetic {
        key.proof = Proof::Shape;
    }
    // Without its sum a number is only known to be right if it fits the public half.
    if !is_whole && key.public.is_none() && key.kind == Kind::Other {
        key.proof = Proof::Shape;
    }
    Some((key, is_whole))
}

/// The key whose secret numbers are `ciphertext`, and whether they are whole.
fn encrypted(material: &Material<'_>, ciphertext: &[u8], is_cut: bool) -> Option<(Key, bool)> {
    is_ciphertext(ciphertext, 1).then_some(())?;
    let mut key = Key::encrypted(material.public(), ciphertext);
    if is_cut {
        key.proof = Proof::Shape;
    }
    Some((key, !is_cut))
}

/// What keeps secret numbers.
enum Protection {
    /// A passphrase; behind it the ciphertext.
    Passphrase,
    /// They are not here: GnuPG's stub of an offline key or of one on a card.
    Elsewhere,
}

impl Protection {
    /// Reads the parameters behind `usage` (RFC 9580, section 3.7; GnuPG's `doc/DETAILS` for its stubs).
    fn read(fields: &mut Fields<'_>, usage: u8, version: u8) -> Option<Self> {
        if version == 6 {
            fields.byte()?;
        }
        let cipher = match usage {
            253..=255 => fields.byte()?,
            cipher => cipher,
        };
        if usage < 253 {
            fields.take(block(cipher)?)?;
            return Some(Self::Passphrase);
        }
        let mode = match usage {
            253 => Some(fields.byte()?),
            _ => None,
        };
        if version == 6 && usage != 255 {
            fields.byte()?;
        }
        match fields.byte()? {
            0 => drop(fields.take(1)?),
            1 => drop(fields.take(9)?),
            3 => drop(fields.take(10)?),
            4 => drop(fields.take(19)?),
            101 => {
                let _hash = fields.byte()?;
                return (fields.take(3)? == b"GNU" && matches!(fields.byte()?, 1 | 2))
                    .then_some(Self::Elsewhere);
            }
            _ => return None,
        }
        let vector = match mode {
            None => block(cipher)?,
            Some(1) => 16,
            Some(2) => 15,
            Some(3) => 12,
            Some(_) => return None,
        };
        fields.take(vector)?;
        Some(Self::Passphrase)
    }
}

/// Bytes of a block of a cipher (RFC 9580, section 9.3).
fn block(cipher: u8) -> Option<usize> {
    match cipher {
        1..=4 => Some(8),
        7..=13 => Some(16),
        _ => None,
    }
}

/// Forms of keys in clear, of encrypted ones and of public ones.
pub const FORMS: [&str; 3] = [
    "pgp.secret-key",
    "pgp.secret-key-encrypted",
    "pgp.public-key",
];

/// What is the same in all keys of a kind: RSA's exponent 65537; curves with the length of their identifiers;
/// in version 6, Ed25519 and X25519 with the bytes of their public half.
const ANCHORS: &[Anchor] = &[
    Anchor::Bytes(b"\x00\x11\x01\x00\x01"),
    Anchor::Bytes(b"\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"),
    Anchor::Bytes(b"\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01"),
    Anchor::Bytes(b"\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
    Anchor::Bytes(b"\x05\x2b\x81\x04\x00"),
    Anchor::Bytes(b"\x09\x2b\x24\x03\x03\x02\x08\x01\x01"),
    Anchor::Bytes(b"\x03\x2b\x65\x71"),
    Anchor::Bytes(b"\x1b\x00\x00\x00\x20"),
    Anchor::Bytes(b"\x19\x00\x00\x00\x20"),
];

/// Bytes of an RSA modulus.
const MIN_MODULUS: usize = 64;
const MAX_MODULUS: usize = 2048;
