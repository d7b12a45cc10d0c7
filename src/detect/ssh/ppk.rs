//! PuTTY private keys, versions 1 to 3 (PuTTY manual, appendix C "PPK file format").
//!
//! ```text
//! PuTTY-User-Key-File-3: ssh-ed25519
//! Encryption: none | aes256-cbc
//! Comment: ...
//! Public-Lines: 2
//! base64 of the public key in SSH wire form
//! [Key-Derivation: Argon2id, Argon2-...: of encrypted keys in version 3]
//! Private-Lines: 1
//! base64 of the private numbers, encrypted or not
//! Private-MAC: hex (Private-Hash in version 1)
//! ```
//!
//! | algorithm | private numbers |
//! |---|---|
//! | ssh-rsa | d, p, q, iqmp |
//! | ssh-dss | x |
//! | ecdsa-sha2-* | scalar |
//! | ssh-ed25519, ssh-ed448 | secret as a string |

use super::wire::{Fields, ecdsa_curve, public_key};
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::random::{is_ciphertext, is_varied};
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Prover, PublicKey};
use crate::detect::key::{Evidence, Fragment, Key};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::{Secret, SecretBuf};
use crate::text::{Alphabet, Base64Text, TextView};

/// The detector.
pub struct Ppk;

impl Detector for Ppk {
    fn name(&self) -> &'static str {
        "ssh.ppk"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["ssh.ppk", "ssh.ppk-encrypted"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Text(MAGIC)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        if !hit.prover.afford(EXPECTED_BYTES) {
            return Vec::new();
        }
        hit.views()
            .find_map(|(view, at)| read(view, at, hit.prover))
            .map(Sighting::Key)
            .into_iter()
            .collect()
    }
}

/// The key in the file that starts at `start`.
fn read(view: TextView<'_>, start: usize, prover: &Prover<'_>) -> Option<Evidence> {
    let version = view.skip(start, MAGIC)?;
    matches!(view.char_at(version)?, b'1'..=b'3').then_some(())?;
    let algorithm = view.skip(view.after(version), ": ")?;
    let cipher = view.skip(view.line(algorithm)?.next, "Encryption: ")?;
    let is_encrypted = view.skip(cipher, "none").is_none();
    let comment = view.skip(view.line(cipher)?.next, "Comment:")?;
    let public_lines = view.skip(view.line(comment)?.next, "Public-Lines: ")?;
    let public = Body::read(view, public_lines, &[KEY_DERIVATION, PRIVATE_LINES])?;
    let mut header = public.next?;
    for _ in 0..MAX_DERIVATION {
        if view.skip(header, "Private-Lines: ").is_some() {
            break;
        }
        header = view.line(header)?.next;
    }
    let private_lines = view.skip(header, "Private-Lines: ")?;
    let private = Body::read(view, private_lines, &[PRIVATE_MAC, PRIVATE_HASH])?;
    let code = private.next.and_then(|line| authentication(view, line));
    let (key, is_whole) = if is_encrypted {
        encrypted(&public.bytes, &private.bytes, code.is_some())?
    } else {
        in_clear(&public.bytes, &private.bytes, prover)?
    };
    let form = if key.kind == Kind::Encrypted {
        "ssh.ppk-encrypted"
    } else {
        "ssh.ppk"
    };
    let encoding = view.encoding().name();
    let range = start..code.unwrap_or(private.last);
    if is_whole && code.is_some() {
        return Some(key.at(form, encoding, range));
    }
    let fragment = Fragment {
        present: (public.bytes.len() + private.bytes.len()) as u64,
        expected: None,
    };
    Some(key.fragment_at(form, encoding, range, fragment))
}

/// Lines of base64 whose number stands before them.
struct Body {
    bytes: SecretBuf,
    /// Behind the last character.
    last: usize,
    /// Where the header line behind them starts, if one of those expected stands there.
    next: Option<usize>,
}

/// A header line behind a body, parted where base64 characters end: the last line of a body without padding
/// runs on into it.
type Header = (&'static str, &'static str);

impl Body {
    fn read(view: TextView<'_>, count: usize, followers: &[Header]) -> Option<Self> {
        let (lines, behind) = view.decimal(count)?;
        let at = view.line_break(behind)?;
        let (all, gathered) = Base64Text::gather(view, at, LONGEST_FORM, Alphabet::Standard);
        let end = gathered.end;
        let next = followers.iter().find_map(|(word, rest)| {
            if view.skip(end, rest).is_some() {
                return Some((
                    view.skip_back(end, word)?,
                    all.len().checked_sub(word.len())?,
                ));
            }
            view.skip(view.skip(end, word)?, rest)?;
            Some((end, all.len()))
        });
        let length = next.map_or(all.len().min(lines.saturating_mul(LINE)), |(_, length)| {
            length
        });
        let (text, _) = Base64Text::gather(view, at, length, Alphabet::Standard);
        let last = match next {
            Some((start, _)) if start == end => gathered.last,
            _ => Base64Text::end_of(view, at, length, Alphabet::Standard),
        };
        (length > 0).then_some(())?;
        Some(Self {
            bytes: text.decode()?,
            last,
            next: next.map(|(start, _)| start),
        })
    }
}

/// The end of the line with the authentication code at `line`, if that is whole: 20 or 32 bytes.
fn authentication(view: TextView<'_>, line: usize) -> Option<usize> {
    let code = ["Private-MAC: ", "Private-Hash: "]
        .iter()
        .find_map(|name| view.skip(line, name))?;
    let digits = |count: usize| {
        (0..count).try_fold(code, |at, _| {
            view.char_at(at)?
                .is_ascii_hexdigit()
                .then(|| view.after(at))
        })
    };
    digits(64).or_else(|| digits(40))
}

fn encrypted(public: &[u8], private: &[u8], is_whole: bool) -> Option<(Key, bool)> {
    let block = if is_whole { 16 } else { 1 };
    is_ciphertext(private, block).then_some(())?;
    let mut key = Key::encrypted(public_key(public), private);
    if !is_whole {
        key.proof = Proof::Shape;
    }
    Some((key, is_whole))
}

/// The key whose private numbers are not encrypted, and whether they are all there.
fn in_clear(public: &[u8], private: &[u8], prover: &Prover<'_>) -> Option<(Key, bool)> {
    let mut open = Fields::new(public);
    let mut secret = Fields::new(private);
    match open.string()? {
        b"ssh-rsa" => {
            let e = open.unsigned()?;
            let n = open.unsigned()?;
            let [d, p, q, qinv] = std::array::from_fn(|_| secret.unsigned().map(Secret::new));
            let parts = RsaParts {
                n: Some(n),
                e: Some(e),
                d,
                p,
                q,
                qinv,
                ..RsaParts::default()
            };
            Some((Key::rsa_left(&parts, prover)?, qinv.is_some()))
        }
        b"ssh-dss" => {
            let numbers = DsaNumbers {
                p: open.unsigned()?,
                q: open.unsigned()?,
                g: open.unsigned()?,
                y: Some(open.unsigned()?),
                x: Secret::new(secret.unsigned()?),
            };
            Some((Key::dsa(&numbers, prover)?, true))
        }
        b"ssh-ed25519" => {
            let public = PublicKey::ed25519(open.string()?);
            let seed = secret.string()?;
            let key = Key::edwards(&prover.ed25519(seed)?, seed, public.as_ref())?;
            Some((key, true))
        }
        b"ssh-ed448" => {
            let seed = secret.string()?;
            is_varied(seed).then(|| (Key::other(seed), true))
        }
        algorithm => {
            let curve = ecdsa_curve(algorithm)?;
            open.string()?;
            let point = open.string()?;
            let scalar = secret.unsigned()?;
            Some((Key::ec(Some(curve), scalar, Some(point), prover)?, true))
        }
    }
}

const MAGIC: &str = "PuTTY-User-Key-File-";

const KEY_DERIVATION: Header = ("Key", "-Derivation: ");
const PRIVATE_LINES: Header = ("Private", "-Lines: ");
const PRIVATE_MAC: Header = ("Private", "-MAC: ");
const PRIVATE_HASH: Header = ("Private", "-Hash: ");

/// Lines of parameters of the key derivation.
const MAX_DERIVATION: usize = 8;

/// Characters of a line of base64.
const LINE: usize = 64;

/// Bytes that are looked at for one anchor, which count as work.
const EXPECTED_BYTES: usize = 8 << 10;
