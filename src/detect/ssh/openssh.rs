//! OpenSSH private keys (openssh-portable, PROTOCOL.key).
//!
//! | field | type |
//! |---|---|
//! | `openssh-key-v1` and a zero byte | literal |
//! | ciphername, kdfname, kdfoptions | string |
//! | number of keys, 1 as ssh-keygen writes it | uint32 |
//! | public key, of each key | string |
//! | private section, encrypted unless ciphername is `none` | string |
//!
//! The private section: checkint twice, then per key its type, its numbers and a comment; padding 1, 2, 3...

use super::private::entry;
use super::wire::{Fields, public_key};
use crate::crypto::random::{is_ciphertext, is_varied};
use crate::crypto::{Prover, PublicKey};
use crate::detect::key::{Fragment, Key};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};

/// The detector of the binary form.
pub struct OpenSsh;

impl Detector for OpenSsh {
    fn name(&self) -> &'static str {
        "ssh.openssh"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["ssh.openssh", "ssh.openssh-encrypted"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(MAGIC)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let data = hit.data.get(hit.at..).unwrap_or_default();
        let Some(file) = read(data, hit.prover) else {
            return Vec::new();
        };
        let range = hit.at..hit.at + file.present;
        let fragment = Fragment {
            present: file.present as u64,
            expected: Some(file.expected as u64),
        };
        let sighting = |key: Key| {
            let form = if key.kind == Kind::Encrypted {
                "ssh.openssh-encrypted"
            } else {
                self.name()
            };
            Sighting::Key(if file.is_whole {
                key.at(form, "raw", range.clone())
            } else {
                key.fragment_at(form, "raw", range.clone(), fragment)
            })
        };
        file.keys.into_iter().map(sighting).collect()
    }
}

/// The first key in a whole openssh-key-v1, and the bytes it takes.
pub fn parse(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let file = read(data, prover).filter(|file| file.is_whole)?;
    Some((file.keys.into_iter().next()?, file.present))
}

/// What an openssh-key-v1 holds.
pub struct File {
    /// Its keys, at least one.
    pub keys: Vec<Key>,
    /// Whether the keys and the private section are all there.
    pub is_whole: bool,
    /// Bytes that are there.
    pub present: usize,
    /// Bytes of the whole.
    pub expected: usize,
}

/// The keys in the openssh-key-v1 that starts at the first byte, whole or cut.
pub fn read(data: &[u8], prover: &Prover<'_>) -> Option<File> {
    let mut fields = Fields::new(data);
    fields.literal(MAGIC)?;
    let cipher = fields.string()?;
    let _kdf = fields.string()?;
    let _options = fields.string()?;
    let count = fields.number()?;
    (1..=MAX_KEYS).contains(&count).then_some(())?;
    let mut public = Vec::new();
    for _ in 0..count {
        public.push(public_key(fields.string()?));
    }
    let length = usize::try_from(fields.number()?).ok()?;
    let expected = fields.position().checked_add(length)?;
    if expected > LONGEST_FORM {
        return None;
    }
    let private = fields.rest();
    let private = private.get(..length.min(private.len()))?;
    let is_cut = private.len() < length;
    let (keys, are_whole) = if cipher == b"none" {
        private_section(private, &public, is_cut, prover)?
    } else {
        let is_cipher = CIPHERS.iter().any(|name| cipher.starts_with(name));
        let block = if is_cut { 1 } else { 8 };
        let is_enough = is_cut || private.len() >= MIN_CIPHERTEXT;
        (is_cipher && is_enough && is_ciphertext(private, block)).then_some(())?;
        let mut key = Key::encrypted(public.into_iter().next()?, private);
        if is_cut {
            key.proof = Proof::Shape;
        }
        (vec![key], true)
    };
    Some(File {
        keys,
        is_whole: are_whole && !is_cut,
        present: fields.position() + private.len(),
        expected,
    })
}

/// The keys in a private section that is not encrypted, and whether they are all there.
fn private_section(
    data: &[u8],
    public: &[Option<PublicKey>],
    is_cut: bool,
    prover: &Prover<'_>,
) -> Option<(Vec<Key>, bool)> {
    let mut fields = Fields::new(data);
    (fields.number()? == fields.number()?).then_some(())?;
    let mut keys = Vec::new();
    for public in public {
        let mut numbers = fields;
        match entry(&mut numbers, public.as_ref(), prover) {
            Some(entry) => {
                keys.push(entry.key);
                if !entry.is_whole {
                    return Some((keys, false));
                }
                let _comment = numbers.string();
                fields = numbers;
            }
            // The numbers of another type are not told apart: they are one key with all that follows.
            None => {
                let rest = fields.rest();
                let key_type = fields.string()?;
                let is_other = OTHER_TYPES.contains(&key_type) && is_varied(rest);
                if is_other && !is_cut {
                    keys.push(Key::other(data));
                }
                let is_whole = is_other && !is_cut;
                return (!keys.is_empty()).then_some((keys, is_whole));
            }
        }
    }
    Some((keys, true))
}

/// Key types whose arithmetic is not here.
const OTHER_TYPES: &[&[u8]] = &[
    b"ssh-ed448",
    b"sk-ssh-ed25519@openssh.com",
    b"sk-ecdsa-sha2-nistp256@openssh.com",
    b"ssh-xmss@openssh.com",
];

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

/// Keys in one file; ssh-keygen writes one.
const MAX_KEYS: u32 = 16;
