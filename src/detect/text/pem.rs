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

use crate::detect::der::{pkcs1, pkcs8, sec1};
use crate::detect::key::{Key, Parse};
use crate::detect::ssh::openssh;
use crate::detect::{Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::Kind;
use crate::text::{Base64Text, Encoding, TextView};

/// The detector.
pub struct PrivatePem;

impl Detector for PrivatePem {
    fn name(&self) -> &'static str {
        "text.pem"
    }

    fn anchors(&self) -> &'static [&'static [u8]] {
        const { &[ANCHOR.as_bytes()] }
    }

    fn examine(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let view = TextView::new(hit.data, Encoding::Ascii);
        let (start, label) = LABELS.iter().find_map(|label| {
            let name = view.skip_back(hit.at, label.name)?;
            Some((view.skip_back(name, "-----BEGIN ")?, label))
        })?;
        let line_end = view.skip(hit.at, ANCHOR)?;
        let (body, is_encrypted) = match skip_headers(view, line_end) {
            Some(body) => (body, true),
            None => (line_end, false),
        };
        let (text, gathered) = Base64Text::gather(view, body, LONGEST_FORM);
        if gathered.overlong || text.len() < MIN_CHARACTERS {
            return None;
        }
        let bytes = text.decode()?;
        let key = if is_encrypted {
            Key::encrypted(None, &bytes)
        } else {
            let parsers = std::iter::once(&label.parse).chain(LABELS.iter().map(|label| &label.parse));
            parsers.copied().find_map(|parse| parse(&bytes, hit.prover))?.0
        };
        let form = if key.kind == Kind::Encrypted { label.encrypted_form } else { label.form };
        let end = view
            .skip(gathered.end, "-----END ")
            .and_then(|name| view.skip(name, label.name))
            .and_then(|anchor| view.skip(anchor, ANCHOR))
            .unwrap_or(gathered.last);
        Some(Sighting::Key(key.at(form, view.encoding().name(), start..end)))
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
    Label { name: "", form: "pem.pkcs8", encrypted_form: "pem.pkcs8-encrypted", parse: pkcs8::parse },
    Label { name: "RSA ", form: "pem.pkcs1", encrypted_form: "pem.pkcs1-encrypted", parse: pkcs1::parse },
    Label { name: "EC ", form: "pem.sec1", encrypted_form: "pem.sec1-encrypted", parse: parse_sec1 },
    Label {
        name: "ENCRYPTED ",
        form: "pem.pkcs8-encrypted",
        encrypted_form: "pem.pkcs8-encrypted",
        parse: pkcs8::parse_encrypted,
    },
    Label { name: "OPENSSH ", form: "pem.openssh", encrypted_form: "pem.openssh-encrypted", parse: openssh::parse },
];

fn parse_sec1(data: &[u8], prover: &crate::crypto::Prover<'_>) -> Option<(Key, usize)> {
    sec1::parse(data, sec1::Named::Open, prover)
}

/// The end of RFC 1421 headers that announce an encrypted body; `None` when there are none.
fn skip_headers(view: TextView<'_>, line_end: usize) -> Option<usize> {
    let mut at = skip_line_end(view, line_end)?;
    at = skip_line(view, view.skip(at, "Proc-Type: 4,ENCRYPTED")?)?;
    at = skip_line(view, view.skip(at, "DEK-Info: ")?)?;
    skip_line_end(view, at)
}

/// Behind the rest of a line of at most 100 characters and its end.
fn skip_line(view: TextView<'_>, at: usize) -> Option<usize> {
    let mut at = at;
    for _ in 0..100 {
        match view.char_at(at)? {
            b'\r' | b'\n' => return skip_line_end(view, at),
            _ => at = view.after(at),
        }
    }
    None
}

/// Behind CRLF, LF or CR.
fn skip_line_end(view: TextView<'_>, at: usize) -> Option<usize> {
    ["\r\n", "\n", "\r"].into_iter().find_map(|end| view.skip(at, end))
}

/// The end of every private key's BEGIN line.
const ANCHOR: &str = "PRIVATE KEY-----";

/// The fewest base64 characters of a body: the 39 bytes of a P-256 scalar in SEC 1 without more.
const MIN_CHARACTERS: usize = 52;
