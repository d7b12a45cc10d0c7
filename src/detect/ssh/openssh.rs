//! OpenSSH private keys (openssh-portable, PROTOCOL.key).
//!
//! | field | type |
//! |---|---|
//! | `openssh-key-v1` and a zero byte | literal |
//! | ciphername, kdfname, kdfoptions | string |
//! | number of keys, 1 | uint32 |
//! | public key | string |
//! | private section, encrypted unless ciphername is `none` | string |
//!
//! The private section: checkint twice, then per key its type, its numbers and a comment; padding 1, 2, 3...

use super::wire::{Fields, ecdsa_curve, public_key};
use crate::crypto::random::{is_ciphertext, is_varied};
use crate::crypto::rsa::RsaNumbers;
use crate::crypto::{Prover, PublicKey};
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::Kind;
use crate::secret::Secret;

/// The detector of the binary form.
pub struct OpenSsh;

impl Detector for OpenSsh {
    fn name(&self) -> &'static str {
        "ssh.openssh"
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(MAGIC)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl OpenSsh {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let (key, length) = parse(hit.data.get(hit.at..)?, hit.prover)?;
        let form = if key.kind == Kind::Encrypted {
            "ssh.openssh-encrypted"
        } else {
            self.name()
        };
        Some(Sighting::Key(key.at(form, "raw", hit.at..hit.at + length)))
    }
}

/// The key in a whole openssh-key-v1, and the bytes it takes.
pub fn parse(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut fields = Fields::new(data);
    fields.literal(MAGIC)?;
    let cipher = fields.string()?;
    let _kdf = fields.string()?;
    let _options = fields.string()?;
    (fields.number()? == 1).then_some(())?;
    let public = public_key(fields.string()?);
    let private = fields.string()?;
    if fields.position() > LONGEST_FORM {
        return None;
    }
    let key = if cipher == b"none" {
        private_section(private, public.as_ref(), prover)?
    } else {
        let is_cipher = CIPHERS.iter().any(|name| cipher.starts_with(name));
        let is_whole = private.len() >= MIN_CIPHERTEXT && is_ciphertext(private, 8);
        (is_cipher && is_whole).then(|| Key::encrypted(public, private))?
    };
    Some((key, fields.position()))
}

/// The key in a private section that is not encrypted.
fn private_section(data: &[u8], public: Option<&PublicKey>, prover: &Prover<'_>) -> Option<Key> {
    let mut fields = Fields::new(data);
    (fields.number()? == fields.number()?).then_some(())?;
    match fields.string()? {
        b"ssh-rsa" => {
            let n = fields.unsigned()?;
            let e = fields.unsigned()?;
            let d = fields.unsigned()?;
            let _coefficient = fields.unsigned()?;
            let p = fields.unsigned()?;
            let q = fields.unsigned()?;
            let numbers = RsaNumbers {
                n,
                e,
                d: Some(Secret::new(d)),
                p: Secret::new(p),
                q: Secret::new(q),
            };
            Key::rsa(&numbers, prover)
        }
        b"ssh-ed25519" => {
            let own = PublicKey::ed25519(fields.string()?);
            let seed = fields.string()?.get(..32)?;
            Key::edwards(&prover.ed25519(seed)?, seed, public.or(own.as_ref()))
        }
        b"ssh-dss" | b"sk-ssh-ed25519@openssh.com" | b"sk-ecdsa-sha2-nistp256@openssh.com" => {
            is_varied(data).then(|| Key::other(data))
        }
        key_type => {
            let curve = ecdsa_curve(key_type)?;
            fields.string()?;
            let point = fields.string()?;
            Key::ec(Some(curve), fields.unsigned()?, Some(point), prover)
        }
    }
}

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// How the names of OpenSSH's ciphers start.
const CIPHERS: &[&[u8]] = &[
    b"aes",
    b"chacha20-poly1305",
    b"3des-cbc",
    b"blowfish-cbc",
    b"cast128-cbc",
    b"arcfour",
    b"rijndael",
];

/// The shortest encrypted private section in bytes: an Ed25519 key takes 128 with its comment.
const MIN_CIPHERTEXT: usize = 96;
