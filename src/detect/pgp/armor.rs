//! OpenPGP's ASCII armor (RFC 9580, section 6.2; RFC 4880, section 6.2).
//!
//! ```text
//! -----BEGIN PGP PRIVATE KEY BLOCK-----
//! [Version: ... / Comment: ...]
//!
//! base64 lines
//! [=checksum]
//! -----END PGP PRIVATE KEY BLOCK-----
//! ```
//!
//! A block holds a primary key and its subkeys, with names and signatures between them.

use super::packet::Header;
use super::secret_key;
use crate::crypto::Prover;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::text::{Alphabet, Base64Text, TextView};

/// The detector.
pub struct Armor;

impl Detector for Armor {
    fn name(&self) -> &'static str {
        "pem.pgp"
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Text(SECRET), Anchor::Text(PUBLIC)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        hit.views()
            .find_map(|(view, at)| {
                [SECRET, PUBLIC]
                    .iter()
                    .find_map(|label| read(view, at, label, hit.prover))
            })
            .unwrap_or_default()
    }
}

/// The keys in the block whose BEGIN line has `label` at `at`.
fn read(view: TextView<'_>, at: usize, label: &str, prover: &Prover<'_>) -> Option<Vec<Sighting>> {
    let start = view.skip_back(at, "-----BEGIN ")?;
    let mut body = view.line_break(view.skip(at, label)?)?;
    for _ in 0..MAX_HEADERS {
        match view.line(body) {
            Some(line) if view.contains(&line.text, b':') => body = line.next,
            _ => break,
        }
    }
    let (text, gathered) = Base64Text::gather(view, body, LONGEST_FORM, Alphabet::Standard);
    let bytes = text.decode()?;
    let end = footer(view, gathered.end, label).unwrap_or(gathered.last);
    let encoding = view.encoding().name();
    let mut sightings = Vec::new();
    let mut at = 0;
    for _ in 0..MAX_PACKETS {
        let Some(header) = Header::read(&bytes, at) else {
            break;
        };
        let first = at + header.size;
        let behind = first.saturating_add(header.length);
        let packet = bytes.get(first..behind.min(bytes.len())).unwrap_or_default();
        if header.holds_key() {
            let seen = secret_key::read(header, packet, prover);
            sightings.extend(seen.map(|seen| seen.sighting(FORMS, encoding, start..end)));
        }
        at = behind;
    }
    Some(sightings)
}

/// The end of the END line behind the checksum at `at`, if it is there.
fn footer(view: TextView<'_>, at: usize, label: &str) -> Option<usize> {
    let mut line = at;
    for _ in 0..MAX_CHECKSUM {
        if let Some(name) = view.skip(line, "-----END ") {
            return view.skip(name, label);
        }
        line = view.after(line);
    }
    None
}

const SECRET: &str = "PGP PRIVATE KEY BLOCK-----";
const PUBLIC: &str = "PGP PUBLIC KEY BLOCK-----";

/// Forms of keys in clear, of encrypted ones and of public ones.
const FORMS: [&str; 3] = ["pem.pgp", "pem.pgp-encrypted", "pem.pgp-public"];

/// Header lines that are read.
const MAX_HEADERS: usize = 16;

/// Packets of a block that are looked at.
const MAX_PACKETS: usize = 256;

/// Characters of the line with the checksum and of the breaks round it.
const MAX_CHECKSUM: usize = 32;
