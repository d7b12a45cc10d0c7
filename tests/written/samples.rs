//! What independent tools wrote.

use super::common::root;
use dumpgate::finding::Proof;
use std::fs;

/// A row of `tests/keys/forms/index.tsv`.
#[derive(Clone, Debug)]
pub struct Sample {
    pub file: String,
    pub kind: String,
    pub curve: String,
    pub spki_sha256: Option<String>,
    pub form: String,
    pub note: String,
}

pub fn samples() -> Vec<Sample> {
    let text = fs::read_to_string(root().join("tests/keys/forms/index.tsv")).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, kind, _, curve, spki_sha256, form, _, note] = fields[..] else {
            panic!("eight fields in `{line}`")
        };
        Sample {
            file: file.to_owned(),
            kind: kind.to_owned(),
            curve: curve.to_owned(),
            spki_sha256: (spki_sha256 != "-").then(|| spki_sha256.to_owned()),
            form: form.to_owned(),
            note: note.to_owned(),
        }
    });
    rows.collect()
}

/// Ways of writing that are not read, by their notes: text of text, and bytes among other characters.
const NOT_READ: &[&str] = &[
    "base64 of base64",
    "C array",
    "hex with addresses",
    "hex in pairs of bytes",
    "\\x escapes",
];

#[test]
fn what_independent_tools_wrote_is_found() {
    let mut found_forms = 0;
    let mut missed = Vec::new();
    for sample in samples() {
        let data = fs::read(root().join("tests/keys/forms").join(&sample.file)).unwrap();
        let findings = super::findings(&data);
        let is_encrypted_text =
            sample.form == "der.pkcs8-encrypted" && sample.note.starts_with("hex");
        let is_windows_text = sample.form.starts_with("windows.") && sample.file.ends_with(".txt");
        if NOT_READ.iter().any(|note| sample.note.contains(note))
            || is_encrypted_text
            || is_windows_text
        {
            continue;
        }
        let has_name =
            |name: &Option<_>| name.as_ref().map(ToString::to_string) == sample.spki_sha256;
        let in_form = findings.iter().filter(|found| {
            found.places.iter().any(|place| {
                place.form == sample.form
                    || (sample.form == "der.pkcs12" && place.form == "der.pkcs8")
                    || (sample.form == "der.jks" && place.form == "der.pkcs8-encrypted")
            })
        });
        let fits = |found: &&dumpgate::finding::Finding| {
            let kind = found.kind.name();
            let is_hidden = kind == "encrypted-private-key";
            let is_nameless =
                ["private-key", "symmetric-key"].contains(&kind) && found.spki_sha256.is_none();
            found.proof >= Proof::Parsed
                && (has_name(&found.spki_sha256)
                    || (is_hidden && found.spki_sha256.is_none())
                    || is_nameless)
        };
        if in_form.into_iter().any(|found| fits(&found)) {
            found_forms += 1;
        } else {
            let got: Vec<_> = findings
                .iter()
                .map(|found| (found.kind.name(), found.proof, found.places[0].form))
                .collect();
            missed.push(format!(
                "{} ({} {}, {}, {}): {got:?}",
                sample.file, sample.kind, sample.curve, sample.form, sample.note
            ));
        }
    }
    assert!(
        missed.is_empty(),
        "{} missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
    assert!(found_forms > 400, "only {found_forms} samples");
}
