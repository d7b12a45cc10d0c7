//! Keys written as JSON and XML by independent tools: whole, in three encodings, quoted in other texts, cut at
//! every length, changed at every byte; and texts that only look like keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

use common::{key, noise, scan};
use dumpgate::finding::{Finding, Proof};
use std::collections::BTreeMap;

/// A row of `tests/keys/forms/index.tsv`.
#[derive(Clone, Debug)]
struct Form {
    file: String,
    kind: String,
    spki_sha256: String,
    form: String,
}

/// The samples of the forms of this test, and of PEM inside JSON.
fn samples() -> Vec<Form> {
    let index = String::from_utf8(key("forms/index.tsv")).unwrap();
    let rows = index.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        Form {
            file: format!("forms/{}", fields[0]),
            kind: fields[1].to_owned(),
            spki_sha256: fields[4].to_owned(),
            form: fields[5].to_owned(),
        }
    });
    rows.filter(|row| row.form == "json.jwk" || row.form.starts_with("xml."))
        .collect()
}

/// Whether the arithmetic of the key's kind is here.
fn is_known(kind: &str) -> bool {
    ["rsa", "ec", "ed25519", "x25519", "dsa"].contains(&kind)
}

/// The sample in ASCII, UTF-16LE and UTF-16BE.
fn encodings(text: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    [
        ("ascii", text.to_vec()),
        ("utf16le", text.iter().flat_map(|&c| [c, 0]).collect()),
        ("utf16be", text.iter().flat_map(|&c| [0, c]).collect()),
    ]
}

/// A text sample; those in UTF-16 as ASCII.
fn text(file: &str) -> Vec<u8> {
    let bytes = key(file);
    match &bytes[..] {
        [0xff, 0xfe, wide @ ..] => wide.iter().step_by(2).copied().collect(),
        wide if wide.get(1) == Some(&0) => wide.iter().step_by(2).copied().collect(),
        _ => bytes,
    }
}

fn name(found: &Finding) -> String {
    found.spki_sha256.map_or("-".to_owned(), |name| name.to_string())
}

#[test]
fn every_sample_is_found_named_and_proven_in_every_encoding() {
    let mut files: BTreeMap<String, Vec<Form>> = BTreeMap::new();
    for row in samples() {
        files.entry(row.file.clone()).or_default().push(row);
    }
    assert!(files.len() > 50, "only {} samples", files.len());
    for (file, rows) in &files {
        for (encoding, data) in encodings(&text(file)) {
            let outcome = scan(&[noise(1000, 1), data.clone(), noise(1000, 2)].concat());
            let mut seen: Vec<_> = outcome
                .findings
                .iter()
                .map(|found| (found.kind.name().to_owned(), found.proof, name(found)))
                .collect();
            let mut expected: Vec<_> = rows
                .iter()
                .map(|row| match row.kind.as_str() {
                    kind if is_known(kind) => (
                        format!("{kind}-private-key"),
                        Proof::Arithmetic,
                        row.spki_sha256.clone(),
                    ),
                    "symmetric" => ("symmetric-key".to_owned(), Proof::Parsed, "-".to_owned()),
                    _ => ("private-key".to_owned(), Proof::Parsed, "-".to_owned()),
                })
                .collect();
            seen.sort();
            expected.sort();
            assert_eq!(seen, expected, "{file} as {encoding}");
            for found in &outcome.findings {
                assert_eq!(found.places.len(), 1, "{file} as {encoding}");
                let place = &found.places[0];
                assert_eq!(
                    (place.form, place.encoding, place.fragment),
                    (&*rows[0].form, encoding, None),
                    "{file}"
                );
                if let [_] = rows[..]
                    && [".jwk", ".xml"].iter().any(|end| file.ends_with(end))
                {
                    let bytes = text(file).trim_ascii().len() * data.len() / text(file).len();
                    let piece = &place.pieces[0];
                    assert_eq!((piece.offset, piece.length), (1000, bytes as u64), "{file}");
                }
            }
        }
    }
}
