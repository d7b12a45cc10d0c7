//! Each encoding of each private number alone: a copy of a real dump in which every other private form of its key is
//! overwritten must still give the key, with proof. So a PEM in the same dump cannot hide a search that is broken.
//!
//! `DUMPGATE_CORPUS` names the directory of dumps with ground truth. It has a `main` of its own so that it can say that
//! it was skipped, and print the table of what is found by what.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

use dumpgate::finding::Proof;
use dumpgate::outcome::DumpOutcome;
use dumpgate::scan::Scanner;
use dumpgate::source::Source;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

fn main() -> ExitCode {
    let Some(corpus) = env::var_os("DUMPGATE_CORPUS").map(PathBuf::from) else {
        println!(
            "masked: SKIPPED, DUMPGATE_CORPUS does not name a directory of dumps with ground truth"
        );
        return ExitCode::SUCCESS;
    };
    if Command::new("zstd").arg("--version").output().is_err() {
        println!("masked: SKIPPED, the program `zstd` is not installed");
        return ExitCode::SUCCESS;
    }
    let wanted = env::args().nth(1).filter(|wanted| !wanted.starts_with('-'));
    let scanners = [false, true].map(|is_deep| Scanner::builder().deep(is_deep).build().unwrap());
    let (mut passed, mut deep, mut failed) = (0, 0, 0);
    let mut cases: Vec<PathBuf> = fs::read_dir(corpus.join("processes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            wanted
                .as_ref()
                .is_none_or(|part| path.to_string_lossy().contains(part))
        })
        .collect();
    cases.sort();
    for case in cases {
        let (scan, truth) = (
            json(&case.join("scan.json")),
            json(&case.join("truth.json")),
        );
        let keys = scan["keys"].as_array().cloned().unwrap_or_default();
        if keys.is_empty() {
            continue;
        }
        let core = unpack(&case.join("core.zst"));
        for (seen, key) in keys.iter().zip(truth["keys"].as_array().unwrap()) {
            let forms = forms(seen, key);
            for kept in kept(&forms) {
                let name = case.file_name().unwrap().to_string_lossy().into_owned();
                let masked = mask(&core, &forms, &kept);
                let fingerprint = seen["spki_sha256"].as_str().unwrap();
                let judge = |scanner: &Scanner| {
                    let source = Source::from_bytes(masked.clone());
                    proven(
                        &scanner.scan(PathBuf::from("masked"), &source, &()),
                        fingerprint,
                    )
                };
                let (how, note) = match judge(&scanners[0]) {
                    Ok(how) => (how, ""),
                    Err(first) => match judge(&scanners[1]) {
                        Ok(how) => (how, " (with --deep)"),
                        Err(_) => (first, "FAILED"),
                    },
                };
                match note {
                    "" => passed += 1,
                    "FAILED" => failed += 1,
                    _ => deep += 1,
                }
                println!("| {name} | {} | {how}{note} |", kept.join(" with "));
            }
        }
    }
    println!("{passed} passed, {deep} with --deep only, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Name of a private or public form, and its places.
type Forms = BTreeMap<String, Vec<Range<usize>>>;

/// Every form of the key that the independent search saw, as `secret p le`.
fn forms(seen: &Value, key: &Value) -> Forms {
    let mut forms = Forms::new();
    for (role, components) in seen["components"].as_object().unwrap() {
        for (component, encodings) in components.as_object().unwrap() {
            for (encoding, places) in encodings.as_object().unwrap() {
                let length = length(key, role, component, encoding);
                let offsets = places["offsets"].as_array().unwrap();
                let ranges = offsets.iter().map(|offset| {
                    let start = offset.as_u64().unwrap() as usize;
                    start..start + length
                });
                forms.insert(format!("{role} {component} {encoding}"), ranges.collect());
            }
        }
    }
    forms
}

/// What to keep, one row a test: an encoding of one number, dp and dq together, or a text.
fn kept(forms: &Forms) -> Vec<Vec<String>> {
    let is_text = |encoding: &str| encoding.contains("b64");
    let mut rows = Vec::new();
    for name in forms.keys() {
        let [role, component, encoding] = name.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{name}")
        };
        match (role, component) {
            ("secret", _) if !is_text(encoding) => rows.push(vec![name.clone()]),
            ("pem" | "der", _) => rows.push(vec![name.clone()]),
            ("secret2", "dp") if !is_text(encoding) => {
                let other = format!("secret2 dq {encoding}");
                if forms.contains_key(&other) {
                    rows.push(vec![name.clone(), other]);
                }
            }
            _ => {}
        }
    }
    rows
}

/// The dump with the bytes of all private forms overwritten, but for those that are kept and those of public numbers.
fn mask(core: &[u8], forms: &Forms, kept: &[String]) -> Vec<u8> {
    let mut masked = core.to_vec();
    let (open, hidden): (Vec<_>, Vec<_>) = forms
        .iter()
        .partition(|(name, _)| name.starts_with("public ") || kept.contains(name));
    let fill = env::var("DUMPGATE_MASK").map_or(0, |byte| byte.parse::<u32>().unwrap());
    let mut state = 0x9e37_79b9u32;
    for range in hidden.iter().flat_map(|(_, ranges)| ranges.iter()) {
        let end = range.end.min(masked.len());
        for byte in &mut masked[range.start..end] {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = if fill > 255 {
                (state >> 24) as u8
            } else {
                fill as u8
            };
        }
    }
    for range in open.iter().flat_map(|(_, ranges)| ranges.iter()) {
        let end = range.end.min(core.len());
        masked[range.start..end].copy_from_slice(&core[range.start..end]);
    }
    masked
}

fn proven(outcome: &DumpOutcome, fingerprint: &str) -> Result<String, String> {
    let found = outcome.findings.iter().find(|found| {
        found
            .spki_sha256
            .is_some_and(|name| name.to_string() == fingerprint)
    });
    match found {
        Some(found) if found.proof == Proof::Arithmetic => {
            let mut forms: BTreeMap<String, usize> = BTreeMap::new();
            for place in &found.places {
                *forms
                    .entry(format!("{} {}", place.form, place.component))
                    .or_default() += 1;
            }
            let assumed = if found.e_assumed { ", e assumed" } else { "" };
            let forms: Vec<String> = forms
                .iter()
                .map(|(form, number)| format!("{number} {form}"))
                .collect();
            Ok(format!("{}{assumed}", forms.join(", ")))
        }
        Some(found) => Err(format!("only {} ", found.proof.name())),
        None => Err("not found ".to_owned()),
    }
}

/// Bytes of a form, from the length of its number or text.
fn length(key: &Value, role: &str, component: &str, encoding: &str) -> usize {
    let text = |family: &str| key[family][component].as_str().map(str::to_owned);
    if role == "pem" || component == "cert_pem" {
        let pem = text("pem")
            .or_else(|| {
                key["cert_pem"]
                    .as_str()
                    .filter(|_| component == "cert_pem")
                    .map(str::to_owned)
            })
            .or_else(|| key["openssh_pem"].as_str().map(str::to_owned))
            .unwrap();
        let pem = pem.trim();
        let lines = pem.lines().count();
        return match encoding {
            "crlf" | "esc_n" => pem.len() + lines - 1,
            "body_one_line" => {
                let body: Vec<&str> = pem.lines().collect();
                body[1..body.len() - 1].iter().map(|line| line.len()).sum()
            }
            "utf16" => 2 * pem.len(),
            "ucs4" => 4 * pem.len(),
            _ => pem.len(),
        };
    }
    let hex = |name: &str| key[name].as_str().map(|digits| digits.len().div_ceil(2));
    let bytes = match (role, component) {
        ("der", "sec1_noparams") => {
            hex_of(&key["der"]["pkcs8"]) - 27 - if key["bits"] == 256 { 0 } else { 3 }
        }
        ("der", _) => hex_of(&key["der"][component]),
        ("public", "spki") => hex_of(&key["spki_der"]),
        ("public", "cert") => hex_of(&key["cert_der"]),
        ("public", "point_xy") => hex("x").unwrap() + hex("y").unwrap(),
        ("public", "x" | "x_mont") | ("aux", "scalar_mont") => {
            (key["bits"].as_u64().unwrap() as usize).div_ceil(8)
        }
        ("public", "ssh_pub_line") => {
            key["ssh_pub"]
                .as_str()
                .unwrap()
                .split(' ')
                .nth(1)
                .unwrap()
                .len()
                * 3
                / 4
        }
        (_, "phi") => hex("n").unwrap(),
        (_, "pinv" | "p-1" | "q-1" | "qinv") => hex("p").unwrap(),
        (_, "expanded") => 32,
        (_, name) if name.starts_with("scalar") => hex("scalar").unwrap(),
        (_, name) => hex(name).unwrap(),
    };
    let digits = |bits: usize, each: usize| (8 * bytes).div_ceil(bits) * each;
    match encoding {
        "py30" => digits(30, 4),
        "limb28_u32" => digits(28, 4),
        "limb60" => digits(60, 8),
        "limb56" => digits(56, 8),
        "limb52" => digits(52, 8),
        "smi28" | "f64_28" => digits(28, 8),
        "smi26" | "f64_26" => digits(26, 8),
        "f64_24" => digits(24, 8),
        "int32be_le" => bytes.next_multiple_of(4),
        "int64be_le" => bytes.next_multiple_of(8),
        "hex_lower" | "hex_upper" => 2 * bytes,
        "hex_colon" => 3 * bytes,
        "dec" => bytes * 241 / 100,
        "b64" | "b64url" => bytes * 4 / 3,
        "utf16_hex" => 4 * bytes,
        "utf16_b64" => bytes * 8 / 3,
        _ => bytes,
    }
}

fn hex_of(value: &Value) -> usize {
    value.as_str().unwrap().len() / 2
}

fn unpack(path: &Path) -> Vec<u8> {
    let done = Command::new("zstd").arg("-dcq").arg(path).output().unwrap();
    assert!(done.status.success(), "{}", path.display());
    done.stdout
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
