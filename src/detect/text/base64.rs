//! Private keys in base64 without a frame: DER structures, and whole PEM texts, as environment variables,
//! Kubernetes secrets and configuration files hold them. A PEM body that lost its BEGIN line is one too.
//!
//! DER announces itself a few characters behind its start. Base64 turns three bytes into four characters,
//! so what stands behind a header of two, three or four bytes looks different each time:
//!
//! | structure | bytes | characters |
//! |---|---|---|
//! | PKCS#1, 2048 bits | 30 82 04 a4 02 01 00 02 82 01 01 00 | `MIIEpAIBAAKCAQEA` |
//! | PKCS#8, P-256 | 30 81 87 02 01 00 30 13 06 07 | `MIGHAgEAMBMGBw` |
//! | SEC 1, P-256 | 30 77 02 01 01 04 20 | `MHcCAQEEI` |

use super::pem;
use crate::crypto::Prover;
use crate::detect::der;
use crate::detect::key::Evidence;
use crate::detect::{Anchor, Detector, Hit, MAX_CHARACTERS, Sighting};
use crate::finding::Proof;
use crate::text::{Alphabet, Base64Text, Encoding, TextView};
use memchr::memmem;

/// The detector of DER in base64.
pub struct Base64Der;

impl Detector for Base64Der {
    fn name(&self) -> &'static str {
        "text.base64-der"
    }

    fn forms(&self) -> &'static [&'static str] {
        der::FORMS
    }

    fn anchors(&self) -> &'static [Anchor] {
        DER_ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        hit.best(|(view, at)| {
            let starts = DER_STARTS.iter().filter_map(|(anchor, before)| {
                view.skip(at, anchor)?;
                at.checked_sub(before * view.encoding().width())
            });
            starts
                .filter(|start| matches!(view.char_at(*start), Some(b'M' | b'b')))
                .find_map(|start| der_at(view, start, hit.prover))
        })
    }
}

/// The key in the DER whose first character stands at `start`.
fn der_at(view: TextView<'_>, start: usize, prover: &Prover<'_>) -> Option<Evidence> {
    let most = characters_of(view, start)?;
    if !prover.afford(most) {
        return None;
    }
    let read = |alphabet| {
        let (text, _) = Base64Text::gather(view, start, most, alphabet);
        let read = der::read(&text.decode()?, prover)?;
        let characters = (read.length * 4).div_ceil(3);
        let mut end = Base64Text::end_of(view, start, characters, alphabet);
        for _ in characters..characters.next_multiple_of(4) {
            end = view.skip(end, "=").unwrap_or(end);
        }
        Some((read, end))
    };
    // In the alphabet of URLs the hyphens of an END line would be part of the text: only if it helps.
    let is_whole = |found: &(der::Read, usize)| found.0.fragment.is_none();
    let plain = read(Alphabet::Standard);
    let (read, end) = match plain {
        Some(found) if is_whole(&found) => found,
        damaged => read(Alphabet::Either).filter(is_whole).or(damaged)?,
    };
    let evidence = read.key.at(read.form, encoding_name(view), start..end);
    Some(Evidence {
        fragment: read.fragment,
        ..evidence
    })
}

/// Characters of the structure whose first ones stand at `start`, as far as those tell its length.
fn characters_of(view: TextView<'_>, start: usize) -> Option<usize> {
    let (head, _) = Base64Text::gather(view, start, HEAD, Alphabet::Either);
    let bytes = head.decode()?;
    match der::length_of(&bytes) {
        Some(length) => Some((length * 4).div_ceil(3).min(MAX_CHARACTERS)),
        None => (bytes.first() == Some(&b'o')).then_some(MAX_CHARACTERS),
    }
}

/// Characters that hold the header of a structure.
const HEAD: usize = 8;

/// The detector of PEM in base64.
pub struct Base64Pem;

impl Detector for Base64Pem {
    fn name(&self) -> &'static str {
        "text.base64-pem"
    }

    fn forms(&self) -> &'static [&'static str] {
        pem::FORMS
    }

    /// The words `PRIVATE KEY`, as they look at each of the three places in a group of three bytes. Each
    /// of the anchors starts a group of four characters.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Text("UFJJVkFURSBL"),
            Anchor::Text("SVZBVEUgS0VZ"),
            Anchor::Text("UklWQVRFIEtF"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        hit.best(|(view, at)| pem_round(view, at, hit.prover))
    }
}

/// The key in the PEM text of whose BEGIN line a group of characters stands at `at`.
fn pem_round(view: TextView<'_>, at: usize, prover: &Prover<'_>) -> Option<Evidence> {
    let group = 4 * view.encoding().width();
    let is_group = |start: usize| {
        let mut at = start;
        (0..4).all(|_| {
            let character = view.char_at(at).and_then(|c| Alphabet::Either.standard(c));
            at = view.after(at);
            character.is_some()
        })
    };
    let mut start = at;
    for _ in 0..MAX_GROUPS_BEFORE {
        match start.checked_sub(group).filter(|before| is_group(*before)) {
            Some(before) => start = before,
            None => break,
        }
    }
    let alphabet = Alphabet::Either;
    if !prover.afford(MAX_CHARACTERS) {
        return None;
    }
    let (text, _) = Base64Text::gather(view, start, MAX_CHARACTERS, alphabet);
    let bytes = text.decode()?;
    let head = bytes.get(..bytes.len().min(MAX_GROUPS_BEFORE * 3 + 16))?;
    let inner = TextView::new(&bytes, Encoding::Ascii);
    let evidence = memmem::find_iter(head, b"PRIVATE")
        .find_map(|word| pem::key_at(inner, word, prover))
        .filter(|evidence| evidence.key.proof > Proof::Shape)?;
    let first = Base64Text::start_of(view, start, evidence.range.start * 4 / 3, alphabet);
    let last = (evidence.range.end * 4).div_ceil(3);
    let end = Base64Text::end_of(view, start, last, alphabet);
    Some(Evidence {
        encoding: encoding_name(view),
        range: first..end,
        ..evidence
    })
}

/// How base64 in a text of some encoding is called.
pub fn encoding_name(view: TextView<'_>) -> &'static str {
    match view.encoding() {
        Encoding::Ascii => "base64",
        Encoding::Utf16Le => "base64-utf16le",
        Encoding::Utf16Be => "base64-utf16be",
    }
}

/// Groups of characters that may stand before the anchor: of `-----BEGIN ENCRYPTED ` and some text of a
/// certificate or comment before it.
const MAX_GROUPS_BEFORE: usize = 16;

/// Characters near the start of a DER structure, and how many stand before them.
const DER_STARTS: &[(&str, usize)] = &[
    // PKCS#1 and DSA: version, head of the modulus.
    ("IBAAKC", 6),
    ("IBAAKB", 6),
    ("IBAAJ", 6),
    ("IBAQKC", 6),
    // PKCS#8: version, head of the algorithm; headers of four, three and two bytes.
    ("IBADA", 6),
    ("IBADC", 6),
    ("IBATA", 6),
    ("AgEAM", 4),
    ("AgEBM", 4),
    ("AQAwE", 4),
    ("AQAwF", 4),
    ("AQAwBQYDK2V", 4),
    ("AQEwBQYDK2V", 4),
    // SEC 1: version, head of the scalar.
    ("AQEE", 4),
    ("AgEBB", 4),
    ("IBAQQ", 6),
    // EncryptedPrivateKeyInfo: identifiers of password-based encryption.
    ("BgkqhkiG9w0BBQ", 8),
    ("BgoqhkiG9w0BDAE", 8),
    ("CSqGSIb3DQEF", 8),
    ("CiqGSIb3DQEMAQ", 8),
    // PKCS#12: version, head of the ContentInfo.
    ("IBAzCC", 6),
    // openssh-key-v1
    ("b3BlbnNzaC1rZXktdjEA", 0),
];

const DER_ANCHORS: &[Anchor] = &{
    let mut anchors = [Anchor::Text(""); DER_STARTS.len()];
    let mut index = 0;
    while index < DER_STARTS.len() {
        #[allow(clippy::indexing_slicing)] // the compiler evaluates it
        {
            anchors[index] = Anchor::Text(DER_STARTS[index].0);
        }
        index += 1;
    }
    anchors
};

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64, Encoding as _};

    #[test]
    fn words_look_as_the_anchors_say() {
        let mut seen = Vec::new();
        for before in [
            "-----BEGIN ",
            "-----BEGIN EC ",
            "-----BEGIN RSA ",
            "-----BEGIN OPENSSH ",
        ] {
            let text = Base64::encode_string(format!("{before}PRIVATE KEY-----").as_bytes());
            let found = Base64Pem.anchors().iter().position(|anchor| {
                matches!(anchor, Anchor::Text(anchor) if text.find(anchor).is_some_and(|at| at % 4 == 0))
            });
            seen.push(found.unwrap_or_else(|| panic!("{before}")));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [0, 1, 2]);
    }
}
