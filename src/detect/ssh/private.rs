//! A private key as SSH programs pass it on: its type and numbers one after the other, as in the private section
//! of openssh-key-v1 once it is decrypted and in messages to an agent (openssh-portable, PROTOCOL.key;
//! draft-ietf-sshm-ssh-agent, section 3.2).
//!
//! | type | numbers |
//! |---|---|
//! | ssh-rsa | n, e, d, iqmp, p, q |
//! | ssh-dss | p, q, g, y, x |
//! | ecdsa-sha2-* | curve's name, point, scalar |
//! | ssh-ed25519 | public key, seed with the public key behind it |

use super::wire::{Fields, ecdsa_curve};
use crate::bytes;
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Prover, PublicKey};
use crate::detect::key::{Fragment, Key};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::Proof;
use crate::secret::Secret;

/// The detector.
pub struct SshPrivate;

impl Detector for SshPrivate {
    fn name(&self) -> &'static str {
        "ssh.private"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["ssh.private"]
    }

    /// Key types with the last byte of their length, and of the numbers behind them what is the same in all.
    fn anchors(&self) -> &'static [Anchor] {
        WIRE_ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl SshPrivate {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let (start, data) = blob(hit)?;
        let mut fields = Fields::new(data);
        let entry = entry(&mut fields, None, hit.prover)?;
        (entry.key.proof == Proof::Arithmetic).then_some(())?;
        let end = start + fields.position();
        let key = entry.key;
        Some(Sighting::Key(if entry.is_whole {
            key.at(self.name(), "raw", start..end)
        } else {
            let fragment = Fragment {
                present: (end - start) as u64,
                expected: None,
            };
            key.fragment_at(self.name(), "raw", start..end, fragment)
        }))
    }
}

/// Where the string with the key's type starts whose anchor was hit, and the bytes from there on.
pub fn blob<'d>(hit: &Hit<'d>) -> Option<(usize, &'d [u8])> {
    let start = hit.at.checked_sub(3)?;
    let length = LONGEST_FORM.min(hit.data.len() - start);
    let data = bytes::slice(hit.data, start, length)?;
    data.starts_with(&[0; 3]).then_some((start, data))
}

/// An entry of a private section.
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// Whether its numbers are all there.
    pub is_whole: bool,
}

/// The key whose type and numbers `fields` go on with, against the public half `public` of an outer structure
/// if it has one. Reads as far as the numbers are there. `None` for types that are not known here.
pub fn entry(
    fields: &mut Fields<'_>,
    public: Option<&PublicKey>,
    prover: &Prover<'_>,
) -> Option<Entry> {
    let (key, is_whole) = match fields.string()? {
        b"ssh-rsa" => {
            let n = fields.unsigned()?;
            let e = fields.unsigned()?;
            let d = fields.unsigned().map(Secret::new);
            let [qinv, p, q] = std::array::from_fn(|_| fields.unsigned().map(Secret::new));
            let parts = RsaParts {
                n: Some(n),
                e: Some(e),
                d,
                p,
                q,
                qinv,
                ..RsaParts::default()
            };
            (Key::rsa_left(&parts, prover)?, q.is_some())
        }
        b"ssh-dss" => {
            let numbers = DsaNumbers {
                p: fields.unsigned()?,
                q: fields.unsigned()?,
                g: fields.unsigned()?,
                y: Some(fields.unsigned()?),
                x: Secret::new(fields.unsigned()?),
            };
            (Key::dsa(&numbers, prover)?, true)
        }
        b"ssh-ed25519" => {
            let own = PublicKey::ed25519(fields.string()?);
            (fields.number()? == 64).then_some(())?;
            let seed = fields.take(32)?;
            let is_whole = fields.take(32).is_some();
            let key = Key::edwards(&prover.ed25519(seed)?, seed, public.or(own.as_ref()))?;
            (key, is_whole)
        }
        key_type => {
            let curve = ecdsa_curve(key_type)?;
            fields.string()?;
            let point = fields.string()?;
            let scalar = fields.unsigned()?;
            (Key::ec(Some(curve), scalar, Some(point), prover)?, true)
        }
    };
    Some(Entry { key, is_whole })
}

/// How a key in wire form starts, public or private, behind the three zeros of its type's length.
pub const WIRE_ANCHORS: &[Anchor] = &[
    Anchor::Bytes(b"\x07ssh-rsa\0\0"),
    Anchor::Bytes(b"\x07ssh-dss\0\0"),
    Anchor::Bytes(b"\x0bssh-ed25519\0\0\0\x20"),
    Anchor::Bytes(b"\x13ecdsa-sha2-nistp"),
];
