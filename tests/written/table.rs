//! README's tables of forms say what the code reports and what the samples prove.

use super::common::{key, noise, root, rows, scan};
use super::samples::samples;
use dumpgate::detect::DETECTORS;
use dumpgate::finding::Proof;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What the samples show of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    /// The best proof reached; none of a public key.
    proof: Option<Proof>,
    tools: BTreeSet<String>,
    encodings: BTreeSet<String>,
}

/// Programs that write bytes as text and know nothing of keys: they prove an encoding, not a form.
const ENCODERS: &[&str] = &["base64", "basenc", "hexdump", "od", "python base64", "sed", "xxd"];

/// A tool without its version.
fn name(tool: &str) -> &str {
    match tool.rsplit_once(' ') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
        _ => tool,
    }
}

/// Every sample by an independent program: file below `tests/keys`, and the program.
fn written() -> BTreeMap<String, String> {
    let forms = samples().into_iter();
    let forms = forms.map(|sample| (format!("forms/{}", sample.file), name(&sample.tool).to_owned()));
    let others = rows().into_iter().map(|row| {
        let tool = if row.file.starts_with("ssh-") { "ssh-keygen" } else { "openssl" };
        (row.file, tool.to_owned())
    });
    forms.chain(others).collect()
}

/// What all samples show of each form.
fn shown() -> BTreeMap<&'static str, Shown> {
    let mut all: BTreeMap<&'static str, Shown> = BTreeMap::new();
    for (file, tool) in written() {
        let outcome = scan(&[noise(700, 1), key(&file), noise(700, 2)].concat());
        let is_encoder = ENCODERS.contains(&&*tool);
        for found in outcome.findings.iter().filter(|found| found.proof >= Proof::Parsed) {
            for place in &found.places {
                let shown = all.entry(place.form).or_default();
                shown.encodings.insert(place.encoding.to_owned());
                if place.component == "key" && !is_encoder {
                    shown.proof = shown.proof.max(Some(place.proof));
                    shown.tools.insert(tool.clone());
                }
            }
        }
        for (form, _) in outcome.public_keys.iter().flat_map(|key| &key.places) {
            if !is_encoder {
                all.entry(form).or_default().tools.insert(tool.clone());
            }
        }
    }
    all
}

#[test]
fn show() {
    let forms: BTreeSet<_> = DETECTORS.iter().flat_map(|d| d.forms()).collect();
    let shown = shown();
    for form in &forms {
        println!("{form}\t{:?}", shown.get(*form));
    }
    println!("{}", forms.len());
    let _ = (fs::read(root().join("README.md")),);
}
