//! The real dumps in `samples/`, each against the `expected.json` beside it. A new sample needs no code.

use super::{common::root, json};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// Sample dumps with what is expected of them.
pub fn samples() -> Vec<(PathBuf, Value)> {
    let mut samples = Vec::new();
    for directory in fs::read_dir(root().join("samples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let Ok(expected) = fs::read(directory.join("expected.json")) else {
            continue;
        };
        let dump = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let dump = dump
            .filter(|path| !path.ends_with("expected.json"))
            .collect::<Vec<_>>();
        assert_eq!(dump.len(), 1, "one dump in {}", directory.display());
        samples.push((dump[0].clone(), serde_json::from_slice(&expected).unwrap()));
    }
    samples.sort_by_key(|(path, _)| path.clone());
    assert!(
        samples.len() >= 4,
        "samples of both formats, leaking and clean"
    );
    samples
}

#[test]
fn each_sample_is_judged_as_expected() {
    for (path, expected) in samples() {
        let name = path.display();
        assert!(
            fs::metadata(&path).unwrap().len() <= 2 << 20,
            "{name} is larger than 2 MiB"
        );
        let report = json([&path]);
        let dump = &report["dumps"][0];
        assert_eq!(dump["verdict"], expected["verdict"], "{name}");
        assert_eq!(report["verdict"], expected["verdict"], "{name}");
        assert_eq!(dump["format"], expected["format"], "{name}");
        assert_eq!(dump["coverage"]["scanned"], dump["size"], "{name}");
        let findings = dump["findings"].as_array().unwrap();
        let wanted = expected["findings"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        assert_eq!(findings.len(), wanted.len(), "{name}: {findings:#?}");
        for wanted in wanted {
            let found = findings
                .iter()
                .find(|found| found["spki_sha256"] == wanted["spki_sha256"]);
            let found =
                found.unwrap_or_else(|| panic!("{name}: {} not found", wanted["spki_sha256"]));
            for field in ["kind", "bits", "curve", "proof"] {
                assert_eq!(found[field], wanted[field], "{name}: {field}");
            }
            let forms: BTreeSet<&str> = found["places"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|place| is_plain(place))
                .map(|place| place["form"].as_str().unwrap())
                .collect();
            let wanted: BTreeSet<&str> = wanted["forms"]
                .as_array()
                .unwrap()
                .iter()
                .map(|form| form.as_str().unwrap())
                .collect();
            assert_eq!(forms, wanted, "{name}");
        }
    }
}

/// Whether a place is a whole structure, and not the bare text of one: `expected.json` lists no others.
fn is_plain(place: &Value) -> bool {
    place["component"] == "key" && (place["encoding"] == "raw" || place["encoding"] == "ascii")
}

#[test]
fn places_point_at_the_bytes_they_name() {
    for (path, _) in samples() {
        let data = fs::read(&path).unwrap();
        let report = json([&path]);
        for finding in report["dumps"][0]["findings"].as_array().unwrap() {
            for place in finding["places"].as_array().unwrap() {
                if !is_plain(place) {
                    continue;
                }
                let piece = &place["pieces"][0];
                let at = usize::try_from(piece["offset"].as_u64().unwrap()).unwrap();
                let start: &[u8] = match place["form"].as_str().unwrap() {
                    form if form.starts_with("pem.") => b"-----BEGIN ",
                    _ => b"\x30",
                };
                assert!(
                    data[at..].starts_with(start),
                    "{} at {at:#x}",
                    path.display()
                );
                assert!(
                    piece["va"].as_str().is_none_or(|va| va.starts_with("0x")),
                    "addresses are strings"
                );
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_byte_of_the_report() {
    let run = |threads: &str| {
        super::dumpgate([
            "scan",
            "--public",
            "--shapes",
            "--threads",
            threads,
            "samples",
        ])
        .stdout
    };
    let one = run("1");
    for threads in ["2", "3", "16"] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
    assert_eq!(
        super::dumpgate(["scan", "--public", "--shapes", "samples"]).stdout,
        one
    );
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let output = super::stdout(&super::dumpgate(["scan", "samples"]));
    assert!(
        super::without_counts(&readme).contains(&super::without_counts(&output)),
        "README.md must hold what `dumpgate scan samples` prints:\n{output}"
    );
}

/// Samples as they travel, in `samples/packed`: the dump's name, then whatever the packing adds.
#[test]
fn packed_samples_give_what_their_dumps_do() {
    let mut number = 0;
    for entry in fs::read_dir(root().join("samples/packed")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let name = file.split('.').next().unwrap();
        let (dump, _) = samples()
            .into_iter()
            .find(|(dump, _)| dump.file_stem().is_some_and(|stem| stem == name))
            .unwrap_or_else(|| panic!("{file}: no sample `{name}`"));
        let (packed, plain) = (json([&path]), json([&dump]));
        let [packed, plain] = [packed, plain].map(|mut report| {
            assert_eq!(report["dumps"].as_array().unwrap().len(), 1, "{file}");
            report["dumps"][0].take()
        });
        let member = dump.file_name().unwrap().to_string_lossy();
        assert_eq!(packed["members"], serde_json::json!([member]), "{file}");
        for field in ["format", "size", "verdict", "findings", "coverage"] {
            assert_eq!(packed[field], plain[field], "{file}: {field}");
        }
        number += 1;
    }
    assert!(number >= 2, "packed samples");
}
