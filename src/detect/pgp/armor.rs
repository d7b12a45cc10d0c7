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

    fn forms(&self) -> &'static [&'static str] {
        &FORMS
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
        let packet = bytes
            .get(first..behind.min(bytes.len()))
            .unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Algorithm, ProofCache};
    use crate::finding::{Kind, Proof};
    use crate::text::Encoding;

    /// RFC 9580, appendix A.4: a key of version 6 with a subkey.
    const VERSION_6: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----

xUsGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laMAGXKB
exK+cH6NX1hs5hNhIB00TrJmosgv3mg1ditlsLfCsQYfGwoAAABCBYJjh3/jAwsJ
BwUVCg4IDAIWAAKbAwIeCSIhBssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce6
2azJBScJAgcCAAAAAK0oIBA+LX0ifsDm185Ecds2v8lwgyU2kCcUmKfvBXbAf6rh
RYWzuQOwEn7E/aLwIwRaLsdry0+VcallHhSu4RN6HWaEQsiPlR4zxP/TP7mhfVEe
7XWPxtnMUMtf15OyA51YBMdLBmOHf+MZAAAAIIaTJINn+eUBXbki+PSAld2nhJh/
LVmFsS+60WyvXkQ1AE1gCk95TUR3XFeibg/u/tVY6a//1q0NWC1X+yui3O24wpsG
GBsKAAAALAWCY4d/4wKbDCIhBssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce6
2azJAAAAAAQBIKbpGG2dWTX8j+VjFM21J0hqWlEg+bdiojWnKfA5AQpWUWtnNwDE
M0g12vYxoWM8Y81W+bHBw805I8kWVkXU6vFOi+HWvv/ira7ofJu16NnoUkhclkUr
k0mXubZvyl4GBg==
-----END PGP PRIVATE KEY BLOCK-----";

    fn keys(sightings: Vec<Sighting>) -> Vec<(Kind, Proof, usize)> {
        let key = |sighting| match sighting {
            Sighting::Key(found) => (found.key.kind, found.key.proof, found.range.len()),
            Sighting::Public(clue) => panic!("a public key {clue:?}"),
        };
        sightings.into_iter().map(key).collect()
    }

    #[test]
    fn the_example_of_version_6_is_two_keys() {
        let cache = ProofCache::default();
        let prover = Prover::new(&cache, 16);
        let view = TextView::new(VERSION_6.as_bytes(), Encoding::Ascii);
        let expected = |bytes| {
            [Algorithm::Ed25519, Algorithm::X25519]
                .map(|kind| (Kind::Private(kind), Proof::Arithmetic, bytes))
        };
        let found = keys(read(view, 11, SECRET, &prover).unwrap());
        assert_eq!(found, expected(VERSION_6.len()));
        let (text, _) = Base64Text::gather(view, 39, LONGEST_FORM, Alphabet::Standard);
        let bytes = text.decode().unwrap();
        let detector = secret_key::SecretKey;
        let mut found = Vec::new();
        for anchor in detector.anchors() {
            let (pattern, is_wide) = anchor.patterns().next().unwrap();
            for at in memchr::memmem::find_iter(&bytes, &pattern) {
                let hit = Hit {
                    data: &bytes,
                    at,
                    is_wide,
                    prover: &prover,
                };
                found.extend(detector.examine(&hit));
            }
        }
        assert_eq!(keys(found), expected(77));
    }
}
