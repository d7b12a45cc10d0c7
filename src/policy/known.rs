//! Private keys that everyone has: self-tests and speed tests of libraries, examples of RFCs.
//!
//! Any dump with an image of such a library holds them. They are listed by the fingerprint of their public
//! half, from published sources only (`known_keys.tsv`, which `scripts/known-keys` extends). A key whose
//! public half this version cannot compute is listed by its published text (`known_texts/`); the scanner
//! reads both texts the same way and compares what it read in memory.

use crate::crypto::Fingerprint;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Where the key with this public half is published; `None` for a key that is in no table.
pub fn source(fingerprint: Fingerprint) -> Option<&'static str> {
    static TABLE: OnceLock<HashMap<Fingerprint, &'static str>> = OnceLock::new();
    let table = TABLE.get_or_init(|| rows(KEYS).collect());
    table.get(&fingerprint).copied()
}

/// Fingerprint and source of each row: `spki_sha256`, `kind`, `bits`, `source`, with tabs between them.
fn rows(table: &'static str) -> impl Iterator<Item = (Fingerprint, &'static str)> {
    table.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let fingerprint = Fingerprint::from_hex(fields.next()?)?;
        Some((fingerprint, fields.nth(2)?))
    })
}

/// A published key in the form in which it was published.
#[derive(Clone, Copy, Debug)]
pub struct KnownText {
    /// A PEM text behind a line of comment.
    text: &'static str,
}

impl KnownText {
    /// What to scan.
    pub fn bytes(&self) -> &'static [u8] {
        self.text.as_bytes()
    }

    /// Where it is published: the comment on its first line.
    pub fn source(&self) -> &'static str {
        let line = self.text.lines().next().unwrap_or_default();
        line.trim_start_matches(['#', ' '])
    }
}

const KEYS: &str = include_str!("known_keys.tsv");

/// All published texts. A new one is one file and one line here.
pub const TEXTS: &[KnownText] = &[
    KnownText {
        text: include_str!("known_texts/gnutls-benchmark-gost2012-256.pem"),
    },
    KnownText {
        text: include_str!("known_texts/gnutls-gost2001.pem"),
    },
    KnownText {
        text: include_str!("known_texts/gnutls-gost2012-256.pem"),
    },
    KnownText {
        text: include_str!("known_texts/gnutls-gost2012-512.pem"),
    },
    KnownText {
        text: include_str!("known_texts/gnutls-p192.pem"),
    },
    KnownText {
        text: include_str!("known_texts/gnutls-p224.pem"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let lines = KEYS.lines().filter(|line| !line.starts_with('#'));
        let mut lines = lines.collect::<Vec<_>>();
        assert_eq!(lines.remove(0), "spki_sha256\tkind\tbits\tsource");
        let read: HashMap<_, _> = rows(KEYS).collect();
        assert_eq!(read.len(), lines.len(), "a row twice, or one not read");
        for (line, (fingerprint, source)) in lines.iter().zip(rows(KEYS)) {
            assert_eq!(line.split('\t').count(), 4, "{line}");
            assert!(line.starts_with(&fingerprint.to_string()));
            assert!(!source.is_empty() && !source.contains(char::is_control));
            assert_eq!(super::source(fingerprint), Some(source));
        }
    }

    #[test]
    fn every_text_has_a_source_and_one_line_in_the_list() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/policy/known_texts");
        let files = std::fs::read_dir(directory).unwrap().count();
        assert_eq!(files, TEXTS.len());
        for text in TEXTS {
            assert!(text.source().len() > 20, "{}", text.source());
        }
    }
}
