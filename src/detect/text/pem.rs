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

use crate::crypto::Prover;
use crate::crypto::random::is_ciphertext;
use crate::detect::der::{self, dsa, encrypted, pkcs1, pkcs8, sec1};
use crate::detect::key::{Evidence, Key, Parse};
use crate::detect::ssh::openssh;
use crate::detect::{Anchor, Detector, Hit, MAX_CHARACTERS, Sighting};
use crate::finding::{Kind, Proof};
use crate::text::{Alphabet, Base64Text, TextView};

/// The detector.
pub struct PrivatePem;

impl Detector for PrivatePem {
    fn name(&self) -> &'static str {
        "text.pem"
    }

    fn forms(&self) -> &'static [&'static str] {
        FORMS
    }

    /// The end of the BEGIN line, as it is and as forms and URLs write it.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Text("PRIVATE KEY-----"),
            Anchor::Text("PRIVATE+KEY-----"),
            Anchor::Text("PRIVATE%20KEY-----"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        hit.best(|(view, at)| key_at(view, at, hit.prover))
    }
}

/// The key whose BEGIN line has the word `PRIVATE` at `at`.
pub fn key_at(view: TextView<'_>, at: usize, prover: &Prover<'_>) -> Option<Evidence> {
    let line = BeginLine::around(view, at)?;
    let plain = behind(&line, view, prover);
    let is_whole =
        |evidence: &Evidence| evidence.key.proof > Proof::Shape && evidence.fragment.is_none();
    if plain.as_ref().is_some_and(is_whole) {
        return plain;
    }
    // What stands before the BEGIN line may stand before every line, or be no part of the text.
    let prefixed = behind(&line, view.with_prefix_before(line.start), prover);
    prefixed.filter(is_whole).or(plain)
}

/// The key in the lines behind a BEGIN line.
fn behind(line: &BeginLine, view: TextView<'_>, prover: &Prover<'_>) -> Option<Evidence> {
    let headers = Headers::read(view, line.end);
    if !prover.afford(EXPECTED_CHARACTERS) {
        return None;
    }
    let (text, gathered) =
        Base64Text::gather(view, headers.end, MAX_CHARACTERS, Alphabet::Standard);
    if gathered.overlong || text.len() < MIN_CHARACTERS {
        return None;
    }
    let bytes = text.decode()?;
    let footer = line.footer(view, gathered.end);
    let label = line.label;
    let (key, fragment) = match headers.block {
        Some(block) => {
            let is_whole = footer.is_some() && is_ciphertext(&bytes, block);
            (is_whole.then(|| Key::encrypted(None, &bytes))?, None)
        }
        None => match (label.parse)(&bytes, prover) {
            Some((key, _)) if key.proof > Proof::Shape => (key, None),
            _ => {
                let read = der::read(&bytes, prover)?;
                (read.key, read.fragment)
            }
        },
    };
    let form = if key.kind == Kind::Encrypted {
        label.encrypted_form
    } else {
        label.form
    };
    let end = footer.unwrap_or(gathered.last);
    let evidence = key.at(form, view.encoding().name(), line.start..end);
    Some(Evidence {
        fragment,
        ..evidence
    })
}

/// A BEGIN line of a private key.
struct BeginLine {
    start: usize,
    end: usize,
    label: &'static Label,
    /// What stands between its words.
    space: &'static str,
}

impl BeginLine {
    /// The line whose word `PRIVATE` stands at `at`.
    fn around(view: TextView<'_>, at: usize) -> Option<Self> {
        let behind = view.skip(at, "PRIVATE")?;
        SPACES.iter().find_map(|&space| {
            let end = view.skip(view.skip(behind, space)?, "KEY-----")?;
            let (start, label) = LABELS.iter().find_map(|label| {
                let word = match label.name {
                    "" => at,
                    name => view.skip_back(view.skip_back(at, space)?, name)?,
                };
                let begin = view.skip_back(view.skip_back(word, space)?, "-----BEGIN")?;
                Some((begin, label))
            })?;
            Some(Self {
                start,
                end,
                label,
                space,
            })
        })
    }

    /// The end of the END line that belongs to this one and stands at `at`.
    fn footer(&self, view: TextView<'_>, at: usize) -> Option<usize> {
        let at = view.line_break(at).unwrap_or(at);
        let mut behind = view.skip(view.skip(at, "-----END")?, self.space)?;
        if !self.label.name.is_empty() {
            behind = view.skip(view.skip(behind, self.label.name)?, self.space)?;
        }
        view.skip(
            view.skip(view.skip(behind, "PRIVATE")?, self.space)?,
            "KEY-----",
        )
    }
}

/// What a label says about the body.
struct Label {
    /// The word before `PRIVATE KEY`, if there is one.
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
        name: "RSA",
        form: "pem.pkcs1",
        encrypted_form: "pem.pkcs1-encrypted",
        parse: pkcs1::parse,
    },
    Label {
        name: "EC",
        form: "pem.sec1",
        encrypted_form: "pem.sec1-encrypted",
        parse: parse_sec1,
    },
    Label {
        name: "ENCRYPTED",
        form: "pem.pkcs8-encrypted",
        encrypted_form: "pem.pkcs8-encrypted",
        parse: encrypted::parse,
    },
    Label {
        name: "DSA",
        form: "pem.dsa",
        encrypted_form: "pem.dsa-encrypted",
        parse: dsa::parse,
    },
    Label {
        name: "ANY",
        form: "pem.pkcs8",
        encrypted_form: "pem.pkcs8-encrypted",
        parse: pkcs8::parse,
    },
    Label {
        name: "OPENSSH",
        form: "pem.openssh",
        encrypted_form: "pem.openssh-encrypted",
        parse: openssh::parse,
    },
];

/// The forms of all labels, some of them twice.
pub const FORMS: &[&str] = &{
    let mut forms = [""; 2 * LABELS.len()];
    let mut index = 0;
    while index < LABELS.len() {
        #[allow(clippy::indexing_slicing)] // the compiler evaluates it
        {
            forms[2 * index] = LABELS[index].form;
            forms[2 * index + 1] = LABELS[index].encrypted_form;
        }
        index += 1;
    }
    forms
};

fn parse_sec1(data: &[u8], prover: &crate::crypto::Prover<'_>) -> Option<(Key, usize)> {
    sec1::parse(data, sec1::Named::Open, prover)
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
            let Some(line) = view.line_break(view.blanks(at)) else {
                break;
            };
            let Some(end) = header(view, line) else { break };
            if let Some(info) = view.skip(line, "DEK-Info:") {
                headers.block = initialisation_vector(view, view.blanks(info), end);
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

/// Parts of names of ciphers and modes that put out any number of bytes.
const STREAM_MODES: [&str; 5] = ["CFB", "OFB", "CTR", "CHACHA", "RC4"];

/// Header lines that are read.
const MAX_HEADERS: usize = 16;

/// Characters of a header line.
const MAX_HEADER_LINE: usize = 256;

/// What stands between words: in a text, in a form (`application/x-www-form-urlencoded`), in a URL.
const SPACES: [&str; 3] = [" ", "+", "%20"];

/// Base64 characters of an ordinary body, which count as work.
const EXPECTED_CHARACTERS: usize = 2048;

/// The fewest base64 characters of a body: the 39 bytes of a P-256 scalar in SEC 1 without more.
const MIN_CHARACTERS: usize = 52;
