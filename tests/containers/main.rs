//! Containers as independent programs write them: the leaking member is found, by the chain of its names and at the
//! offsets of the dump itself. Then those that lie: they end in bounded time, and never clean.
//!
//! A program that is not installed leaves its rows out, and says so.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

#[path = "../common/mod.rs"]
mod common;

mod bombs;
mod changed;
mod damaged;
mod formats;
mod hidden;
mod program;

use common::{scan_file as scan, scan_within};
use dumpgate::outcome::{DumpOutcome, Verdict};
use dumpgate::unpack::Budget;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The dump that the containers hold: small, and of a leaking process.
const SAMPLE: &str = "samples/sh-signer-p256/sh-signer-p256.core";

fn sample() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| fs::read(common::root().join(SAMPLE)).unwrap())
}

/// A key, a form, an offset.
type Found = (Option<String>, &'static str, u64);

fn found(outcome: &DumpOutcome) -> Vec<Found> {
    let findings = outcome.findings.iter();
    let places = findings.flat_map(|finding| {
        let name = finding.spki_sha256.map(|name| name.to_string());
        let places = finding.places.iter();
        places.map(move |place| (name.clone(), place.form, place.pieces[0].offset))
    });
    places.collect()
}

/// What the sample itself gives.
fn expected() -> &'static [Found] {
    static FOUND: OnceLock<Vec<Found>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = found(&common::scan(sample()));
        assert!(found.len() >= 2, "{found:?}");
        found
    })
}

/// The file holds the sample at `chain`, whole, and nothing in it is amiss.
#[track_caller]
fn assert_holds(path: &Path, chain: &[&str]) {
    let outcomes = scan(path);
    assert_sample(path, chain, &outcomes);
    for outcome in &outcomes {
        assert!(
            matches!(outcome.verdict, Verdict::Found | Verdict::Clean),
            "{} in {}: {:?}",
            outcome.place(),
            path.display(),
            outcome.error
        );
    }
}

#[track_caller]
fn assert_sample(path: &Path, chain: &[&str], outcomes: &[DumpOutcome]) {
    let places: Vec<String> = outcomes.iter().map(DumpOutcome::place).collect();
    let leaking: Vec<&DumpOutcome> = outcomes
        .iter()
        .filter(|outcome| outcome.members == chain)
        .collect();
    let [outcome] = leaking[..] else {
        panic!("{}: {chain:?} among {places:?}", path.display());
    };
    assert_eq!(outcome.format, "elf-core", "{}", outcome.place());
    assert_eq!(outcome.size, sample().len() as u64, "{}", outcome.place());
    assert_eq!(found(outcome), expected(), "{}", outcome.place());
}

/// Words of what is wrong in any outcome.
fn reasons(outcomes: &[DumpOutcome]) -> Vec<&'static str> {
    let mut reasons: Vec<&'static str> = outcomes
        .iter()
        .flat_map(DumpOutcome::reasons)
        .map(|reason| reason.name())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

/// Nothing in the file is whole and fine, and no part of the scanner failed.
#[track_caller]
fn assert_never_clean(what: &str, outcomes: &[DumpOutcome]) {
    let worst = dumpgate::outcome::overall(outcomes.iter().map(|outcome| outcome.verdict));
    assert!(
        matches!(worst, Verdict::Incomplete | Verdict::Found),
        "{what}: {worst:?}"
    );
    assert!(!reasons(outcomes).is_empty(), "{what}: no reason");
    assert!(
        !reasons(outcomes).contains(&"internal-error"),
        "{what}: the scanner failed"
    );
}

/// A directory with the sample as `core`.
fn workshop() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("core"), sample()).unwrap();
    directory
}

/// Whether all these programs are there; if not, says what is left out.
fn has(programs: &[&str]) -> bool {
    let is_there = |program: &&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    let missing: Vec<&&str> = programs
        .iter()
        .filter(|program| !is_there(program))
        .collect();
    if !missing.is_empty() {
        say(&format!("SKIPPED: {missing:?} not installed"));
    }
    missing.is_empty()
}

/// Past the harness, which keeps what tests that pass print.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "containers: {line}");
}

/// Runs a line of the shell in `directory`; whether it went well.
#[track_caller]
fn shell(directory: &Path, line: &str) {
    let output = Command::new("sh")
        .args(["-ec", line])
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a program of Python in `directory`.
#[track_caller]
fn python(directory: &Path, program: &str) {
    let output = Command::new("python3")
        .args(["-c", program])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// 7-Zip has three names.
fn seven() -> Option<&'static str> {
    let program = ["7zz", "7z", "7za"].into_iter().find(|program| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    });
    if program.is_none() {
        say("SKIPPED: none of 7zz, 7z and 7za is installed");
    }
    program
}

fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path
}
