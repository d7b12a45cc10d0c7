//! What users see, to the letter: exit code, standard output and standard error in one snapshot.

use super::{command, stderr, stdout, without_counts};

/// Runs the program and lays out everything it said.
fn said(arguments: &[&str]) -> String {
    let output = command().args(arguments).output().unwrap();
    format!(
        "$ dumpgate {}\n{}[stderr]\n{}[exit {}]\n",
        arguments.join(" "),
        stdout(&output),
        stderr(&output),
        super::code(&output)
    )
}

#[test]
fn help() {
    insta::assert_snapshot!("help", said(&["--help"]));
    insta::assert_snapshot!("help_scan", said(&["scan", "--help"]));
    insta::assert_snapshot!("help_gate", said(&["gate", "--help"]));
    insta::assert_snapshot!("help_pipe", said(&["pipe", "--help"]));
    insta::assert_snapshot!("help_quarantine", said(&["quarantine", "--help"]));
    insta::assert_snapshot!("help_audit", said(&["audit", "verify", "--help"]));
    insta::assert_snapshot!("help_info", said(&["info", "--help"]));
    insta::assert_snapshot!("help_baseline", said(&["baseline", "--help"]));
    insta::assert_snapshot!("help_baseline_add", said(&["baseline", "add", "--help"]));
}

#[test]
fn scan_as_text() {
    insta::assert_snapshot!("scan_text", without_counts(&said(&["scan", "samples"])));
    insta::assert_snapshot!(
        "scan_public",
        said(&["scan", "--public", "samples/clean-socat"])
    );
    insta::assert_snapshot!("scan_absent", said(&["scan", "samples/absent"]));
}

#[test]
fn scan_as_json() {
    insta::assert_snapshot!(
        "scan_json",
        said(&[
            "scan",
            "--format",
            "json",
            "samples/sh-signer-p256",
            "samples/clean-socat"
        ])
    );
    insta::assert_snapshot!(
        "scan_jsonl",
        said(&["scan", "--format", "jsonl", "samples/sh-deploy-ed25519"])
    );
}

#[test]
fn keys_that_do_not_count() {
    insta::assert_snapshot!(
        "scan_known",
        said(&["scan", "tests/keys/published", "src/policy/known_texts"])
    );
    let sample = "samples/sh-signer-p256";
    for (name, baseline) in [
        ("scan_accepted", "tests/baselines/far.toml"),
        ("scan_expired", "tests/baselines/past.toml"),
    ] {
        insta::assert_snapshot!(name, said(&["scan", "--baseline", baseline, sample]));
    }
}

#[test]
fn info() {
    insta::assert_snapshot!(
        "info_core",
        said(&["info", "samples/sh-signer-p256/sh-signer-p256.core"])
    );
    insta::assert_snapshot!(
        "info_minidump",
        said(&["info", "samples/sh-deploy-ed25519/sh-deploy-ed25519.dmp"])
    );
}
