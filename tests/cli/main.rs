//! The program as a user runs it: exit codes, what it prints, and what it never prints.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod info;
mod kinds;
mod leak;
mod paths;
mod policy;
mod samples;
mod snapshots;

use std::path::Path;
use std::process::{Command, Output};

/// The program with arguments, in the repository's root, without colours or a terminal.
fn dumpgate<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(arguments: I) -> Output {
    command()
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn command() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("dumpgate"));
    command
        .current_dir(common::root())
        .env_remove("NO_COLOR")
        .stdin(std::process::Stdio::null());
    command
}

/// Standard output as text.
fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8 on standard output")
}

/// What a scan of `samples` says, whatever lies there beside dumps: how many other files there are, and how large they
/// are, is nobody's business.
fn without_counts(said: &str) -> String {
    let line = |line: &str| match line.split_once(" files: ") {
        _ if line.contains(" files that are no dump ") => {
            "clean       N files that are no dump\n".to_owned()
        }
        Some((_, rest)) if line.starts_with(|first: char| first.is_ascii_digit()) => {
            let clean = rest.split_once(" clean").map(|(before, after)| {
                let others = before.trim_end_matches(|last: char| last.is_ascii_digit());
                format!("{others}N clean{after}")
            });
            format!("N files: {}\n", clean.as_deref().unwrap_or(rest))
        }
        _ => format!("{line}\n"),
    };
    said.lines().map(line).collect()
}

/// Standard error as text.
fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8 on standard error")
}

/// The exit code; a signal is a failure.
fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("ended by a signal: {}", stderr(output)))
}

/// The JSON report of a scan.
fn json<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(arguments: I) -> serde_json::Value {
    let output = command()
        .args(["scan", "--format", "json"])
        .args(arguments)
        .output()
        .expect("the program runs");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stdout(&output)))
}

/// A file with these bytes in a directory.
fn write(directory: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("a file in a temporary directory");
    path
}
