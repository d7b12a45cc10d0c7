//! PEM private keys (RFC 7468; RFC 1421 headers for the legacy encrypted form; OpenSSH's PROTOCOL.key).
//!
//! ```text
//! -----BEGIN RSA PRIVATE KEY-----
//! [Proc-Type: 4,ENCRYPTED / DEK-Info: ...]
//! base64 lines
//! -----END RSA PRIVATE KEY-----
//! ```
//!
//! A header without a body, as in the string table of every crypto library, is no key.

use crate::crypto::random::is_ciphertext;
use crate::detect::der::{pkcs1, pkcs8, sec1};
use crate::detect::key::{Key, Parse};
use crate::detect::ssh::openssh;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::Kind;
use crate::text::{Alphabet, Base64Text, Encoding, TextView};

/// The detector.
pub struct PrivatePem;

impl Detector for PrivatePem {
    fn name(&self) -> &'static str {
        "text.pem"
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Text(ANCHOR)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl PrivatePem {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let view = TextView::new(hit.data, Encoding::Ascii);
        let (start, label) = LABELS.iter().find_map(|label| {
            let name = view.skip_back(hit.at, label.name)?;
            Some((view.skip_back(name, "-----BEGIN ")?, label))
        })?;
        let line_end = view.skip(hit.at, ANCHOR)?;
        let headers = Headers::read(view, line_end);
        let (text, gathered) =
            Base64Text::gather(view, headers.end, LONGEST_FORM, Alphabet::Standard);
        if gathered.overlong || text.len() < MIN_CHARACTERS {
            return None;
        }
        let bytes = text.decode()?;
        let footer = footer(view, gathered.end, label);
        let key = match headers.block {
            Some(block) => (footer.is_some() && is_ciphertext(&bytes, block))
                .then(|| Key::encrypted(None, &bytes))?,
            None => {
                let parsers =
                    std::iter::once(&label.parse).chain(LABELS.iter().map(|label| &label.parse));
                parsers
                    .copied()
                    .find_map(|parse| parse(&bytes, hit.prover))?
                    .0
            }
        };
        let form = if key.kind == Kind::Encrypted {
            label.encrypted_form
        } else {
            label.form
        };
        let end = footer.unwrap_or(gathered.last);
        Some(Sighting::Key(key.at(
            form,
            view.encoding().name(),
            start..end,
        )))
    }
}

/// What a label says about the body.
struct Label {
    /// What stands between `-----BEGIN ` and the anchor.
    name: &'static str,
    form: &'static str,
    /// The form's name when the key is under a passphrase.
    encrypted_form: &'static str,
    parse: Parse,
}

const LABELS: &[Label] = &[
    Label {
        name: "",
        form: "pem.pkcs8",
        encrypted_form: "pem.pkcs8-encrypted",
        parse: pkcs8::parse,
    },
    Label {
        name: "RSA ",
        form: "pem.pkcs1",
        encrypted_form: "pem.pkcs1-encrypted",
        parse: pkcs1::parse,
    },
    Label {
        name: "EC ",
        form: "pem.sec1",
        encrypted_form: "pem.sec1-encrypted",
        parse: parse_sec1,
    },
    Label {
        name: "ENCRYPTED ",
        form: "pem.pkcs8-encrypted",
        encrypted_form: "pem.pkcs8-encrypted",
        parse: pkcs8::parse_encrypted,
    },
    Label {
        name: "OPENSSH ",
        form: "pem.openssh",
        encrypted_form: "pem.openssh-encrypted",
        parse: openssh::parse,
    },
];

fn parse_sec1(data: &[u8], prover: &crate::crypto::Prover<'_>) -> Option<(Key, usize)> {
    sec1::parse(data, sec1::Named::Open, prover)
}

/// The end of the label's END line that stands at `at`.
fn footer(view: TextView<'_>, at: usize, label: &Label) -> Option<usize> {
    let at = view.line_break(at).unwrap_or(at);
    view.skip(view.skip(view.skip(at, "-----END ")?, label.name)?, ANCHOR)
}

/// Header lines between BEGIN and the body (RFC 1421, section 4.6; RFC 4716 and some programs write others).
struct Headers {
    /// Where the body starts.
    end: usize,
    /// Bytes of a block of the cipher, when they say that the body is encrypted.
    block: Option<usize>,
}

impl Headers {
    /// The headers behind the BEGIN line, none if that is what stands there.
    fn read(view: TextView<'_>, line_end: usize) -> Self {
        let mut headers = Self {
            end: line_end,
            block: None,
        };
        let mut at = line_end;
        for _ in 0..MAX_HEADERS {
            let Some(line) = view.line_break(skip_blanks(view, at)) else {
                break;
            };
            let Some(end) = header(view, line) else { break };
            if let Some(info) = view.skip(line, "DEK-Info:") {
                headers.block = initialisation_vector(view, skip_blanks(view, info), end);
            }
            at = end;
            headers.end = end;
        }
        headers
    }
}

/// The end of a `Name: value` line.
fn header(view: TextView<'_>, line: usize) -> Option<usize> {
    let mut at = line;
    let mut is_value = false;
    for _ in 0..MAX_HEADER_LINE {
        match view.char_at(at)? {
            b':' if !is_value && at > line => is_value = true,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' if !is_value => {}
            _ if !is_value => return None,
            _ if view.line_break(at).is_some() => return Some(at),
            _ => {}
        }
        at = view.after(at);
    }
    None
}

/// Bytes of the initialisation vector that follows the cipher's name and a comma: 8 or 16, the size of the
/// cipher's blocks; 1 in a mode without blocks. `None` when none stands between `at` and `end`.
fn initialisation_vector(view: TextView<'_>, at: usize, end: usize) -> Option<usize> {
    let mut digits = None;
    let is_stream = STREAM_MODES
        .iter()
        .any(|mode| (at..end).any(|at| view.skip(at, mode).is_some()));
    let mut at = at;
    while at < end {
        match (view.char_at(at)?, digits) {
            (b',', None) => digits = Some(0),
            (b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-', None) => {}
            (character, Some(count)) if character.is_ascii_hexdigit() => digits = Some(count + 1),
            (b' ' | b'\t', _) => {}
            _ => return None,
        }
        at = view.after(at);
    }
    let block = digits
        .map(|digits| digits / 2)
        .filter(|block| [8, 16].contains(block))?;
    Some(if is_stream { 1 } else { block })
}

fn skip_blanks(view: TextView<'_>, at: usize) -> usize {
    let mut at = at;
    while let Some(b' ' | b'\t') = view.char_at(at) {
        at = view.after(at);
    }
    at
}

/// Parts of names of ciphers and modes that put out any number of bytes.
const STREAM_MODES: [&str; 5] = ["CFB", "OFB", "CTR", "CHACHA", "RC4"];

/// Header lines that are read.
const MAX_HEADERS: usize = 16;

/// Characters of a header line.
const MAX_HEADER_LINE: usize = 256;

/// The end of every private key's BEGIN line.
const ANCHOR: &str = "PRIVATE KEY-----";

/// The fewest base64 characters of a body: the 39 bytes of a P-256 scalar in SEC 1 without more.
const MIN_CHARACTERS: usize = 52;
