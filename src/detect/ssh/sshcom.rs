//! Private keys of ssh.com's programs and Tectia (as PuTTY's `import.c` reads and writes them).
//!
//! | field | type |
//! |---|---|
//! | magic 3f 6f f9 eb | uint32 |
//! | bytes in all | uint32 |
//! | key type: `if-modn{...` for RSA, `dl-modp{...` for DSA | string |
//! | cipher: `none`, `3des-cbc` | string |
//! | private section, encrypted unless the cipher is `none` | string |
//!
//! The private section: its length as uint32, then numbers, each with its bits as uint32 before it: RSA e, d, n,
//! u, p, q; DSA a uint32 0 and p, g, q, y, x.
//!
//! ```text
//! ---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----
//! Comment: "a name, \
//! on several lines"
//! base64 lines
//! ---- END SSH2 ENCRYPTED PRIVATE KEY ----
//! ```
//!
//! The text says `ENCRYPTED` of keys in clear too.

use super::wire::Fields;
use crate::bytes;
use crate::crypto::Prover;
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::random::is_ciphertext;
use crate::crypto::rsa_parts::RsaParts;
use crate::detect::key::{Evidence, Fragment, Key};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::Secret;
use crate::text::{Alphabet, Base64Text, TextView};

/// The detector of the binary form.
pub struct SshCom;

impl Detector for SshCom {
    fn name(&self) -> &'static str {
        "ssh.sshcom"
    }

    fn forms(&self) -> &'static [&'static str] {
        &BINARY
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(ANCHOR)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let seen = hit.data.get(hit.at..).and_then(|data| {
            let seen = read(data, hit.prover)?;
            let end = hit.at + seen.present;
            Some(seen.at(BINARY, "raw", hit.at..end))
        });
        seen.map(Sighting::Key).into_iter().collect()
    }
}

/// The detector of the text.
pub struct SshComText;

impl Detector for SshComText {
    fn name(&self) -> &'static str {
        "pem.sshcom"
    }

    fn forms(&self) -> &'static [&'static str] {
        &TEXT
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Text(LABEL)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        hit.views()
            .find_map(|(view, at)| read_text(view, at, hit.prover))
            .map(Sighting::Key)
            .into_iter()
            .collect()
    }
}

fn read_text(view: TextView<'_>, label: usize, prover: &Prover<'_>) -> Option<Evidence> {
    let start = view.skip_back(label, "---- BEGIN ")?;
    let mut body = view.line_break(view.skip(label, LABEL)?)?;
    let mut continues = false;
    for _ in 0..MAX_HEADERS {
        let Some(line) = view.line(body) else { break };
        if !continues && !view.contains(&line.text, b':') {
            break;
        }
        continues = view
            .before(line.text.end)
            .is_some_and(|last| view.char_at(last) == Some(b'\\'));
        body = line.next;
    }
    let (text, gathered) = Base64Text::gather(view, body, LONGEST_FORM, Alphabet::Standard);
    let seen = read(&text.decode()?, prover)?;
    let footer = view
        .skip(gathered.end, "---- END ")
        .and_then(|footer| view.skip(footer, LABEL));
    let end = footer.unwrap_or(gathered.last);
    Some(seen.at(TEXT, view.encoding().name(), start..end))
}

/// A key and how much of its structure is there.
struct Seen {
    key: Key,
    is_whole: bool,
    present: usize,
    expected: usize,
}

impl Seen {
    fn at(
        self,
        [form, encrypted]: [&'static str; 2],
        encoding: &'static str,
        range: std::ops::Range<usize>,
    ) -> Evidence {
        let form = if self.key.kind == Kind::Encrypted {
            encrypted
        } else {
            form
        };
        if self.is_whole {
            return self.key.at(form, encoding, range);
        }
        let fragment = Fragment {
            present: self.present as u64,
            expected: Some(self.expected as u64),
        };
        self.key.fragment_at(form, encoding, range, fragment)
    }
}

/// The key in the structure that starts at the first byte.
fn read(data: &[u8], prover: &Prover<'_>) -> Option<Seen> {
    let mut fields = Fields::new(data);
    fields.literal(MAGIC)?;
    let expected = usize::try_from(fields.number()?).ok()?;
    (MIN_LENGTH..=LONGEST_FORM)
        .contains(&expected)
        .then_some(())?;
    let key_type = fields.string()?;
    let cipher = fields.string()?;
    let length = usize::try_from(fields.number()?).ok()?;
    (fields.position() + length == expected).then_some(())?;
    let section = fields.rest();
    let section = section.get(..length.min(section.len()))?;
    let present = fields.position() + section.len();
    let is_cut = section.len() < length;
    let (key, is_whole) = if cipher == b"none" {
        in_clear(key_type, section, prover)?
    } else {
        let is_cipher = CIPHERS.contains(&cipher) && TYPES.iter().any(|t| key_type.starts_with(t));
        let block = if is_cut { 1 } else { 8 };
        (is_cipher && is_ciphertext(section, block)).then_some(())?;
        let mut key = Key::encrypted(None, section);
        if is_cut {
            key.proof = Proof::Shape;
        }
        (key, true)
    };
    Some(Seen {
        key,
        is_whole: is_whole && !is_cut,
        present,
        expected,
    })
}

/// The key in a private section that is not encrypted, and whether all its numbers are there.
fn in_clear(key_type: &[u8], section: &[u8], prover: &Prover<'_>) -> Option<(Key, bool)> {
    let mut numbers = Fields::new(section);
    let _length = numbers.number()?;
    if key_type.starts_with(RSA) {
        let [e, d, n, qinv, p, q] = std::array::from_fn(|_| number(&mut numbers));
        let parts = RsaParts {
            n,
            e,
            d: d.map(Secret::new),
            p: p.map(Secret::new),
            q: q.map(Secret::new),
            qinv: qinv.map(Secret::new),
            ..RsaParts::default()
        };
        let key = match n {
            Some(_) => Key::rsa_left(&parts, prover)?,
            None => Key::rsa_parts(&parts, prover)?,
        };
        return Some((key, q.is_some()));
    }
    let is_own_group = key_type.starts_with(DSA) && numbers.number()? == 0;
    is_own_group.then_some(())?;
    let p = number(&mut numbers)?;
    let g = number(&mut numbers)?;
    let q = number(&mut numbers)?;
    let dsa = DsaNumbers {
        p,
        q,
        g,
        y: Some(number(&mut numbers)?),
        x: Secret::new(number(&mut numbers)?),
    };
    Some((Key::dsa(&dsa, prover)?, true))
}

/// A number with its bits as uint32 before it.
fn number<'d>(fields: &mut Fields<'d>) -> Option<&'d [u8]> {
    let bits = fields.number()?;
    let length = usize::try_from(bits.div_ceil(8)).ok()?;
    fields.take(length).map(bytes::trim_zeros)
}

/// Forms of keys in clear and of encrypted ones.
const BINARY: [&str; 2] = ["ssh.sshcom", "ssh.sshcom-encrypted"];
const TEXT: [&str; 2] = ["pem.sshcom", "pem.sshcom-encrypted"];

const MAGIC: &[u8] = b"\x3f\x6f\xf9\xeb";

/// The magic and the upper half of the length.
const ANCHOR: &[u8] = b"\x3f\x6f\xf9\xeb\0\0";

const LABEL: &str = "SSH2 ENCRYPTED PRIVATE KEY ----";

const RSA: &[u8] = b"if-modn";
const DSA: &[u8] = b"dl-modp";
const TYPES: [&[u8]; 2] = [RSA, DSA];

/// Ciphers of ssh.com's programs.
const CIPHERS: [&[u8]; 6] = [
    b"3des-cbc",
    b"aes128-cbc",
    b"aes256-cbc",
    b"blowfish-cbc",
    b"twofish-cbc",
    b"des-cbc",
];

/// Header lines that are read.
const MAX_HEADERS: usize = 16;

/// The fewest bytes of a structure: a DSA key of 512 bits takes some 300.
const MIN_LENGTH: usize = 128;
