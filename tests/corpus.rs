//! A corpus of real dumps with ground truth, where there is one: `DUMPGATE_CORPUS` names its directory.
//!
//! For every process the whole PEM and DER forms of its key that an independent search found must be found,
//! as ELF core and as minidump, and nothing else may be; in public dumps nothing may be found at all. Of a key that
//! is proven every copy of a private number must be among its places. It has
//! a `main` of its own so that it can say that it was skipped, and print the table of what is found.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

use common::{scan, scan_file};
use dumpgate::finding::{Finding, Kind, Proof};
use dumpgate::outcome::{DumpOutcome, Verdict};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

fn main() -> ExitCode {
    let Some(corpus) = env::var_os("DUMPGATE_CORPUS").map(PathBuf::from) else {
        println!(
            "corpus: SKIPPED, DUMPGATE_CORPUS does not name a directory of dumps with ground truth"
        );
        println!("0 passed, 0 failed, 1 skipped");
        return ExitCode::SUCCESS;
    };
    let mut tally = Tally::default();
    if Command::new("zstd").arg("--version").output().is_err() {
        println!("corpus: SKIPPED, the program `zstd` is not installed");
        println!("0 passed, 0 failed, 1 skipped");
        return ExitCode::SUCCESS;
    }
    let converter = converter(&corpus);
    if converter.is_none() {
        println!(
            "corpus: minidump conversions SKIPPED, python3 lacks the modules zstandard and ahocorasick_rs"
        );
    }
    for directory in sorted(&corpus.join("processes")) {
        process(&directory, converter.as_deref(), &mut tally);
    }
    wine(&corpus.join("windows/wine"), &mut tally);
    for (file, member) in CONTAINERS {
        let path = corpus.join("windows").join(file);
        tally.check(file, expect_member(&path, member));
    }
    for path in sorted(&corpus.join("public")) {
        if path.extension().is_none_or(|extension| extension != "tsv") {
            let outcome = scan(&fs::read(&path).unwrap());
            tally.check(&name(&path), expect_only(&outcome, &BTreeSet::new()));
        }
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn check(&mut self, what: &str, result: Result<(), String>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => {
                self.failed += 1;
                println!("FAILED {what}: {error}");
            }
        }
    }
}

/// One process: its core, the minidump that stands beside it, and the one the corpus' tool makes of the core.
fn process(directory: &Path, converter: Option<&Path>, tally: &mut Tally) {
    let truth = json(&directory.join("scan.json"));
    let keys: Vec<&Value> = truth["keys"]
        .as_array()
        .map(|keys| keys.iter().collect())
        .unwrap_or_default();
    let own: BTreeSet<String> = keys
        .iter()
        .map(|key| key["spki_sha256"].as_str().unwrap().to_owned())
        .collect();
    let core = unpack(&directory.join("core.zst"));
    let outcome = scan(&core);
    let what = format!("{} packed", name(directory));
    tally.check(&what, expect_same(&directory.join("core.zst"), &outcome));
    println!("{:<26} {}", name(directory), table(&outcome, &own));
    tally.check(&name(directory), expect_only(&outcome, &own));
    if name(directory).starts_with("clean-") {
        let verdict = outcome.verdict;
        let is_clean = verdict == Verdict::Clean;
        let wrong = Err(format!("the verdict is {verdict:?}"));
        tally.check(&name(directory), if is_clean { Ok(()) } else { wrong });
    }
    for key in &keys {
        let offsets = whole_forms(key);
        tally.check(&name(directory), expect_key(&outcome, key, &offsets));
        if expect_proven(&outcome, key).is_ok() {
            let what = format!("{} copies", name(directory));
            tally.check(&what, expect_copies(&outcome, key));
        }
        let mut minidumps = Vec::new();
        if directory.join("full.dmp.zst").exists() {
            minidumps.push(unpack(&directory.join("full.dmp.zst")));
        }
        if let Some(converter) = converter {
            minidumps.push(convert(converter, &core));
        }
        for minidump in minidumps {
            let outcome = scan(&minidump);
            let what = format!("{} as minidump", name(directory));
            tally.check(
                &what,
                if outcome.format == "minidump" {
                    Ok(())
                } else {
                    Err(outcome.format.to_owned())
                },
            );
            tally.check(&what, expect_only(&outcome, &own));
            if !offsets.is_empty() {
                tally.check(&what, expect_proven(&outcome, key));
            }
        }
    }
}

/// File offsets at which the independent search saw a whole PEM in ASCII or a whole DER.
fn whole_forms(key: &Value) -> Vec<u64> {
    let mut offsets = Vec::new();
    for (family, encodings) in [("pem", &["lf", "crlf"][..]), ("der", &["raw"])] {
        let forms = key["components"][family]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, form)| form);
        for form in forms {
            for encoding in encodings {
                offsets.extend(
                    form[*encoding]["offsets"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_u64),
                );
            }
        }
    }
    offsets
}

fn expect_proven(outcome: &DumpOutcome, key: &Value) -> Result<(), String> {
    let wanted = key["spki_sha256"].as_str().unwrap();
    let found = outcome.findings.iter().find(|found| {
        found
            .spki_sha256
            .is_some_and(|name| name.to_string() == wanted)
    });
    match found.map(|found| found.proof) {
        Some(Proof::Arithmetic) => Ok(()),
        other => Err(format!("its key is not proven: {other:?}")),
    }
}

/// The key is proven and every whole form of it is among the places.
fn expect_key(outcome: &DumpOutcome, key: &Value, offsets: &[u64]) -> Result<(), String> {
    if offsets.is_empty() {
        return Ok(());
    }
    expect_proven(outcome, key)?;
    let pieces: Vec<_> = outcome
        .findings
        .iter()
        .flat_map(|found| &found.places)
        .flat_map(|place| &place.pieces)
        .collect();
    for offset in offsets {
        let is_seen = pieces
            .iter()
            .any(|piece| piece.offset <= *offset && *offset < piece.offset + piece.length);
        if !is_seen {
            return Err(format!("no place at {offset:#x}"));
        }
    }
    Ok(())
}

/// Every place of a private number that the independent search saw lies inside one of the key's.
fn expect_copies(outcome: &DumpOutcome, key: &Value) -> Result<(), String> {
    let wanted = key["spki_sha256"].as_str().unwrap();
    let of_key = |found: &&Finding| {
        found
            .spki_sha256
            .is_some_and(|name| name.to_string() == wanted)
    };
    let pieces: Vec<_> = outcome
        .findings
        .iter()
        .filter(of_key)
        .flat_map(|found| &found.places)
        .flat_map(|place| &place.pieces)
        .collect();
    let mut missed = Vec::new();
    let mut count = 0;
    for (role, component) in [
        ("secret", "p"),
        ("secret", "q"),
        ("secret", "d"),
        ("secret", "scalar"),
        ("secret", "seed"),
        ("secret2", "dp"),
        ("secret2", "dq"),
        ("aux", "qinv"),
        ("aux", "pinv"),
        ("aux", "scalar_mont"),
    ] {
        let encodings = key["components"][role][component].as_object();
        for (encoding, copies) in encodings.into_iter().flatten() {
            let offsets = copies["offsets"].as_array().into_iter().flatten();
            for offset in offsets.filter_map(Value::as_u64) {
                count += 1;
                let (first, last) = (offset, offset + 15);
                let is_seen = pieces
                    .iter()
                    .any(|piece| piece.offset <= first && last < piece.offset + piece.length);
                if !is_seen {
                    missed.push(format!("{component} {encoding} at {offset:#x}"));
                }
            }
        }
    }
    println!("    copies: {} of {count}", count - missed.len());
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("no place for {}", missed.join(", ")))
    }
}

/// No key but the process' own counts, which is never a known test key. In the key store that a process read it
/// from it is under a passphrase, and has no name there.
fn expect_only(outcome: &DumpOutcome, own: &BTreeSet<String>) -> Result<(), String> {
    let is_stored = |found: &&Finding| {
        found.kind == Kind::Encrypted && found.spki_sha256.is_none() && !own.is_empty()
    };
    let names = outcome
        .keys()
        .filter(|found| !is_stored(found))
        .map(|found| {
            found
                .spki_sha256
                .map_or("unnamed".to_owned(), |name| name.to_string())
        });
    let foreign: Vec<String> = names.filter(|name| !own.contains(name)).collect();
    if !foreign.is_empty() {
        return Err(format!("foreign keys: {foreign:?}"));
    }
    let mistaken = outcome.findings.iter().find(|found| {
        let name = found.spki_sha256.map(|name| name.to_string());
        found.known.is_some() && name.is_some_and(|name| own.contains(&name))
    });
    match mistaken {
        Some(found) => Err(format!("its own key counts as known: {found:?}")),
        None => Ok(()),
    }
}

/// The core scanned as it is packed gives what the unpacked one does.
fn expect_same(packed: &Path, unpacked: &DumpOutcome) -> Result<(), String> {
    let outcomes = scan_file(packed);
    let [outcome] = &outcomes[..] else {
        return Err(format!("{} outcomes", outcomes.len()));
    };
    let parts = |outcome: &DumpOutcome| {
        let findings = outcome.findings.iter();
        let findings: Vec<String> = findings.map(|found| format!("{found:?}")).collect();
        (outcome.verdict, outcome.size, outcome.format, findings)
    };
    if outcome.members != ["core"] {
        Err(format!("its member is {:?}", outcome.members))
    } else if parts(outcome) != parts(unpacked) {
        Err("the findings are others than those of the unpacked core".to_owned())
    } else {
        Ok(())
    }
}

/// How dumps travel: containers round the minidump of a process with a key on its stack, and its member.
const CONTAINERS: [(&str, &str); 7] = [
    ("dump.mdmp.gz", "dump.mdmp"),
    ("dump.mdmp.zst", "dump.mdmp"),
    ("sentry.envelope", "upload_file_minidump.dmp"),
    ("upload.multipart", "a.dmp"),
    ("wer.7z", "WERA1B2.tmp.mdmp"),
    ("wer.zip", "WERA1B2.tmp.mdmp"),
    ("wer_mszip.cab", "WERA1B2.tmp.mdmp"),
];

/// The member of a container leaks, and its other members are clean.
fn expect_member(path: &Path, member: &str) -> Result<(), String> {
    let key = "e07c1e89192bf974d1e2bc507c9fa03ed47be447a5c8c3f4087e2d116de26b00";
    let own = BTreeSet::from([key.to_owned()]);
    let outcomes = scan_file(path);
    for outcome in &outcomes {
        expect_only(outcome, &own)?;
        let is_it = outcome.members == [member];
        let wanted = if is_it {
            Verdict::Found
        } else {
            Verdict::Clean
        };
        if outcome.verdict != wanted {
            return Err(format!("{}: {:?}", outcome.place(), outcome.verdict));
        }
    }
    match outcomes
        .iter()
        .filter(|outcome| outcome.members == [member])
        .count()
    {
        1 => Ok(()),
        number => Err(format!("{number} members `{member}`")),
    }
}

fn wine(directory: &Path, tally: &mut Tally) {
    let key = "e07c1e89192bf974d1e2bc507c9fa03ed47be447a5c8c3f4087e2d116de26b00";
    for (file, own) in [
        ("stack_pem.normal.dmp", Some(key)),
        ("userstream.self.dmp", Some(key)),
        (
            "capi_blob.dmp.zst",
            Some("8b51ce6dea9fba43a7c9208ec9b53ccbdce667266a21d380cdc0fae439a24f6b"),
        ),
        (
            "cng_rsa3_blob.dmp.zst",
            Some("047385ae04bfd840bfb4e1e3570fbc607980361e297872b793d416d8c0fe8e5c"),
        ),
        (
            "cng_rsa3_blob_freed.dmp.zst",
            Some("4f222608aa37d3736d2ea52efa4e3c63bb006cf402fc0bde02128ed943372b61"),
        ),
        (
            "cng_ecdsa256_blob.dmp.zst",
            Some("a950f402dce486aa07f487b4d1c93e89ae0db3ef1f86671a4cea0f1ddf71bffa"),
        ),
        ("pem_wide_pkcs8.dmp.zst", Some(key)),
        ("clean.normal.dmp", None),
        ("clean.dmp.zst", None),
        ("clean_pub.dmp.zst", None),
    ] {
        let path = directory.join(file);
        let data = if file.ends_with(".zst") {
            unpack(&path)
        } else {
            fs::read(&path).unwrap()
        };
        let outcome = scan(&data);
        let own: BTreeSet<String> = own.into_iter().map(str::to_owned).collect();
        println!("{file:<26} {}", table(&outcome, &own));
        tally.check(file, expect_only(&outcome, &own));
        let wanted = if own.is_empty() {
            Verdict::Clean
        } else {
            Verdict::Found
        };
        let is_proven = outcome.keys().all(|found| found.proof == Proof::Arithmetic);
        tally.check(
            file,
            is_proven
                .then_some(())
                .ok_or("a key is not proven".to_owned()),
        );
        let verdict = outcome.verdict;
        tally.check(
            file,
            if verdict == wanted {
                Ok(())
            } else {
                Err(format!("the verdict is {verdict:?}"))
            },
        );
    }
}

/// What is found, in a line: forms with their number, and how many known test keys.
fn table(outcome: &DumpOutcome, own: &BTreeSet<String>) -> String {
    let is_own = |name: &Option<String>| name.as_ref().is_some_and(|name| own.contains(name));
    let mut forms: BTreeMap<&str, usize> = BTreeMap::new();
    let mut proof = None;
    for found in outcome.keys() {
        if is_own(&found.spki_sha256.map(|name| name.to_string())) {
            proof = Some(found.proof.name());
            found
                .places
                .iter()
                .for_each(|place| *forms.entry(place.form).or_default() += 1);
        }
    }
    let known = outcome
        .findings
        .iter()
        .filter(|found| found.known.is_some())
        .count();
    let forms: Vec<String> = forms
        .iter()
        .map(|(form, number)| format!("{number} {form}"))
        .collect();
    let known = if known > 0 {
        format!("; {known} known test keys")
    } else {
        String::new()
    };
    format!("{} {}{known}", proof.unwrap_or("-"), forms.join(", "))
}

/// The corpus' tool that makes a minidump of a core, if its modules are there.
fn converter(corpus: &Path) -> Option<PathBuf> {
    let modules = Command::new("python3")
        .args(["-c", "import zstandard, ahocorasick_rs"])
        .output()
        .ok()?;
    modules
        .status
        .success()
        .then(|| corpus.join("tools/core2mdmp.py"))
}

fn convert(tool: &Path, core: &[u8]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("core"), directory.path().join("dmp"));
    fs::write(&from, core).unwrap();
    let done = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(tool)
        .args([&from, &to])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    fs::read(&to).unwrap()
}

fn unpack(path: &Path) -> Vec<u8> {
    let done = Command::new("zstd").arg("-dcq").arg(path).output().unwrap();
    assert!(done.status.success(), "{}", path.display());
    done.stdout
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn sorted(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
