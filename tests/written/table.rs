//! README's tables of forms say what the code reports and what the samples of independent programs prove.

use super::common::{key, noise, root, rows, scan};
use dumpgate::detect::DETECTORS;
use dumpgate::finding::Proof;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What the samples show of a form.
#[derive(Default)]
struct Shown {
    /// The best proof that a whole key reaches by itself.
    proof: Option<Proof>,
    /// The programs that wrote it.
    tools: BTreeSet<String>,
    /// How it is written.
    encodings: BTreeSet<&'static str>,
}

/// Programs that write bytes as text and know nothing of keys: they show an encoding, not a form.
const ENCODERS: &[&str] = &[
    "base64",
    "basenc",
    "hexdump",
    "od",
    "python base64",
    "python json",
    "sed",
    "xxd",
];

/// A tool without its version.
fn name(tool: &str) -> &str {
    match tool.rsplit_once(' ') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
        _ => tool,
    }
}

/// Each sample below `tests/keys`, and the program that wrote it.
fn written() -> BTreeMap<String, String> {
    let mut written = BTreeMap::new();
    for row in rows() {
        let tool = if row.file.starts_with("ssh-") {
            "ssh-keygen"
        } else {
            "openssl"
        };
        written.insert(row.file, tool.to_owned());
    }
    for index in ["index.tsv", "extra.tsv", "public.tsv"] {
        let text = String::from_utf8(key(&format!("forms/{index}"))).unwrap();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split('\t').collect();
            written.insert(format!("forms/{}", fields[0]), name(fields[6]).to_owned());
        }
    }
    written
}

/// What all samples show of each form.
fn shown() -> BTreeMap<&'static str, Shown> {
    let mut all: BTreeMap<&'static str, Shown> = BTreeMap::new();
    for (file, tool) in written() {
        let outcome = scan(&[noise(700, 1), key(&file), noise(700, 2)].concat());
        let is_encoder = ENCODERS.contains(&&*tool);
        for place in outcome.findings.iter().flat_map(|found| &found.places) {
            if place.proof < Proof::Parsed || place.fragment.is_some() {
                continue;
            }
            let shown = all.entry(place.form).or_default();
            shown.encodings.insert(place.encoding);
            if !is_encoder {
                shown.proof = shown.proof.max(Some(place.proof));
                shown.tools.insert(tool.clone());
            }
        }
        let clues = outcome.public_keys.iter().flat_map(|key| &key.places);
        for (form, _) in clues.filter(|_| !is_encoder) {
            all.entry(form).or_default().tools.insert(tool.clone());
        }
    }
    all
}

/// A row of README's tables.
struct Row {
    form: String,
    /// Words as `raw`, and the proof; of private keys.
    private: Option<(String, String)>,
    tools: String,
}

fn table() -> Vec<Row> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## What it finds\n").unwrap();
    let (section, _) = section.split_once("\n### Containers\n").unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (form, private, tools) = match cells[..] {
            [form, _, written, proof, tools] => {
                (form, Some((written.to_owned(), proof.to_owned())), tools)
            }
            [form, _, tools] => (form, None, tools),
            _ => panic!("three or five cells in `{line}`"),
        };
        Row {
            form: form.trim_matches('`').to_owned(),
            private,
            tools: tools.to_owned(),
        }
    });
    rows.collect()
}

/// The word of the tables for an encoding of the code.
fn word(encoding: &str) -> &str {
    match encoding.split('-').next().unwrap() {
        "ascii" | "utf16le" | "utf16be" => "text",
        other => other,
    }
}

#[test]
fn every_form_has_a_row_and_every_row_a_form() {
    let forms: BTreeSet<&str> = DETECTORS
        .iter()
        .flat_map(|detector| detector.forms())
        .copied()
        .collect();
    let table = table();
    let listed: BTreeSet<&str> = table.iter().map(|row| &*row.form).collect();
    assert_eq!(listed, forms);
    assert_eq!(table.len(), forms.len(), "a form twice");
}

#[test]
fn rows_say_what_the_samples_show() {
    let untested = String::from_utf8(key("forms/UNTESTED.tsv")).unwrap();
    let untested: BTreeSet<&str> = untested
        .lines()
        .filter_map(|line| line.split(['\t', ' ', ',']).next())
        .collect();
    let shown = shown();
    for row in table() {
        let form = &*row.form;
        let Some(shown) = shown.get(form).filter(|shown| !shown.tools.is_empty()) else {
            assert!(
                row.tools.starts_with("**untested**"),
                "{form} has no sample"
            );
            assert!(untested.contains(form), "{form} is not in UNTESTED.tsv");
            assert!(row.private.is_none_or(|(_, proof)| proof == "-"), "{form}");
            continue;
        };
        let tools: Vec<&str> = shown.tools.iter().map(String::as_str).collect();
        assert_eq!(row.tools, tools.join(", "), "{form}");
        let Some((written, proof)) = row.private else {
            assert_eq!(shown.proof, None, "{form} is a private key");
            continue;
        };
        assert_eq!(Some(&*proof), shown.proof.map(Proof::name), "{form}");
        let written: BTreeSet<&str> = written.split(", ").collect();
        for encoding in &shown.encodings {
            assert!(written.contains(word(encoding)), "{form} as {encoding}");
        }
    }
}

#[test]
fn public_keys_that_independent_tools_wrote_are_clues() {
    let index = String::from_utf8(key("forms/public.tsv")).unwrap();
    for line in index.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (file, spki_sha256, form) = (fields[0], fields[4], fields[5]);
        let data = key(&format!("forms/{file}"));
        let outcome = scan(&[noise(700, 1), data, noise(700, 2)].concat());
        assert!(outcome.findings.is_empty(), "{file}");
        let is_seen = outcome.public_keys.iter().any(|key| {
            let mut places = key.places.iter();
            key.spki_sha256.to_string() == spki_sha256 && places.any(|(seen, _)| *seen == form)
        });
        assert!(is_seen, "{file}: {:?}", outcome.public_keys);
    }
}
