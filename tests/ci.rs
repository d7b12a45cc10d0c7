//! `scripts/ci/`: what its scripts do in the places where a CI or pre-commit runs them, with the program that was built.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LEAK: &str = "samples/sh-deploy-ed25519/sh-deploy-ed25519.dmp";
const LEAKED_KEY: &str = "d0ede25c8e5464bd589c161427d3ae322d1b709cedf322c68652f70df1b9d2f5";
const CLEAN: &str = "samples/clean-socat/clean-socat.dmp";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A repository with a leaking dump, a clean one and a broken file, where a CI would have checked it out.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::copy(root().join(LEAK), directory.path().join("leak.dmp")).unwrap();
        fs::copy(root().join(CLEAN), directory.path().join("clean one.dmp")).unwrap();
        fs::write(
            directory.path().join("broken.gz"),
            b"\x1f\x8b\x08\0\0\0\0\0",
        )
        .unwrap();
        let baseline = format!(
            "version = 1\n\n[[key]]\nspki_sha256 = \"{LEAKED_KEY}\"\nreason = \"a test\"\nuntil = 9999-12-31\n"
        );
        fs::write(directory.path().join("accepted.toml"), baseline).unwrap();
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A script in this directory, with nothing but a search path and the program in its environment.
    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(root().join("scripts/ci").join(name));
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env(
                "DUMPGATE_PROGRAM",
                assert_cmd::cargo::cargo_bin!("dumpgate"),
            );
        command
    }

    /// Runs the action; its exit code, its outputs, and what it says to the runner.
    fn action(&self, environment: &[(&str, &str)]) -> (i32, BTreeMap<String, String>, String) {
        let outputs = self.path("outputs");
        fs::write(&outputs, "").unwrap();
        let mut command = self.script("action");
        command.env("GITHUB_OUTPUT", &outputs);
        for (name, value) in environment {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let outputs = fs::read_to_string(outputs).unwrap();
        let outputs = outputs.lines().map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        (
            output.status.code().unwrap(),
            outputs.collect(),
            said(&output),
        )
    }

    fn sarif(&self, name: &str) -> Value {
        let log: Value = serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap();
        assert_eq!(log["version"], "2.1.0");
        log["runs"][0].clone()
    }

    /// No half report is left.
    fn has_only_whole_reports(&self) {
        for entry in fs::read_dir(self.0.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.contains(".sarif."), "{name} is left");
        }
    }
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

fn outputs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn the_action_fails_on_a_leak_and_hands_over_the_report() {
    let checkout = Checkout::new();
    let (code, told, said) = checkout.action(&[("DUMPGATE_PATHS", "leak.dmp\n")]);
    assert_eq!(code, 1, "{said}");
    let wanted = [
        ("sarif-file", "dumpgate.sarif"),
        ("verdict", "found"),
        ("exit-code", "1"),
    ];
    assert_eq!(told, outputs(&wanted));
    assert!(
        said.contains("::error title=dumpgate::a private key was found"),
        "{said}"
    );
    let run = checkout.sarif("dumpgate.sarif");
    assert_eq!(
        run["results"][0]["fingerprints"]["spkiSha256/v1"],
        LEAKED_KEY
    );
    assert_eq!(run["artifacts"][0]["location"]["uri"], "leak.dmp");
    let mode = fs::metadata(checkout.path("dumpgate.sarif"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(
        mode & 0o777,
        0o644,
        "the uploading step may be another user's"
    );
    checkout.has_only_whole_reports();
}

#[test]
fn the_action_passes_what_is_clean_or_accepted() {
    let checkout = Checkout::new();
    let (code, told, said) = checkout.action(&[
        ("DUMPGATE_PATHS", "clean one.dmp\n\n"),
        ("DUMPGATE_SARIF_FILE", "a report.sarif"),
    ]);
    assert_eq!(code, 0, "{said}");
    let wanted = [
        ("sarif-file", "a report.sarif"),
        ("verdict", "clean"),
        ("exit-code", "0"),
    ];
    assert_eq!(told, outputs(&wanted));
    assert_eq!(
        checkout.sarif("a report.sarif")["results"],
        serde_json::json!([])
    );
    let (code, told, said) = checkout.action(&[
        ("DUMPGATE_PATHS", "leak.dmp\nclean one.dmp"),
        ("DUMPGATE_BASELINE", "accepted.toml"),
    ]);
    assert_eq!((code, &*told["verdict"]), (0, "clean"), "{said}");
    assert_eq!(
        checkout.sarif("dumpgate.sarif")["results"][0]["baselineState"],
        "unchanged"
    );
}

#[test]
fn the_action_fails_on_what_was_not_examined_unless_told_otherwise() {
    let checkout = Checkout::new();
    let paths = ("DUMPGATE_PATHS", "broken.gz\nclean one.dmp");
    for (option, wanted) in [(None, 3), (Some("true"), 3), (Some("false"), 0)] {
        let option = option.map(|value| ("DUMPGATE_FAIL_ON_INCOMPLETE", value));
        let environment: Vec<_> = [Some(paths), option].into_iter().flatten().collect();
        let (code, told, said) = checkout.action(&environment);
        assert_eq!(code, wanted, "{said}");
        assert_eq!(
            (&*told["verdict"], &*told["exit-code"]),
            ("incomplete", "3")
        );
        let invocation = &checkout.sarif(&told["sarif-file"])["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
    }
    // A leak beside it is a leak.
    let (code, told, _) = checkout.action(&[
        ("DUMPGATE_PATHS", "broken.gz\nleak.dmp"),
        ("DUMPGATE_FAIL_ON_INCOMPLETE", "false"),
    ]);
    assert_eq!((code, &*told["verdict"]), (1, "found"));
    // What cannot be opened may not be waved through.
    let (code, told, _) = checkout.action(&[
        ("DUMPGATE_PATHS", "absent.dmp"),
        ("DUMPGATE_FAIL_ON_INCOMPLETE", "false"),
    ]);
    assert_eq!((code, &*told["verdict"]), (2, "failed"));
}

#[test]
fn the_action_takes_no_old_report_for_a_new_one() {
    let checkout = Checkout::new();
    checkout.action(&[("DUMPGATE_PATHS", "leak.dmp")]);
    assert!(checkout.path("dumpgate.sarif").exists());
    // A baseline that is not there is a wrong command line: no report.
    let (code, told, said) = checkout.action(&[
        ("DUMPGATE_PATHS", "leak.dmp"),
        ("DUMPGATE_BASELINE", "absent.toml"),
    ]);
    assert_eq!(code, 2, "{said}");
    assert_eq!(told, outputs(&[("verdict", "failed"), ("exit-code", "2")]));
    assert!(!checkout.path("dumpgate.sarif").exists());
    checkout.has_only_whole_reports();
}

#[test]
fn the_action_believes_no_crashed_program() {
    let checkout = Checkout::new();
    let program = checkout.path("crashes");
    fs::write(&program, "#!/bin/sh\necho '{}'\nkill -SEGV $$\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, told, said) = checkout.action(&[
        ("DUMPGATE_PATHS", "clean one.dmp"),
        ("DUMPGATE_PROGRAM", program.to_str().unwrap()),
        ("DUMPGATE_FAIL_ON_INCOMPLETE", "false"),
    ]);
    assert_eq!(code, 139, "{said}");
    assert_eq!(
        told,
        outputs(&[("verdict", "failed"), ("exit-code", "139")])
    );
    assert!(!checkout.path("dumpgate.sarif").exists());
    checkout.has_only_whole_reports();
}

#[test]
fn the_action_refuses_inputs_that_make_no_sense() {
    let checkout = Checkout::new();
    for environment in [
        &[("DUMPGATE_PATHS", "")][..],
        &[("DUMPGATE_PATHS", "\n \n")],
        &[
            ("DUMPGATE_PATHS", "leak.dmp"),
            ("DUMPGATE_FAIL_ON_INCOMPLETE", "no"),
        ],
        &[
            ("DUMPGATE_PATHS", "leak.dmp"),
            ("DUMPGATE_SARIF_FILE", "a\nverdict=clean"),
        ],
        &[
            ("DUMPGATE_PATHS", "leak.dmp"),
            ("DUMPGATE_PROGRAM", "no-such-program"),
        ],
    ] {
        let (code, told, said) = checkout.action(environment);
        assert_eq!(code, 2, "{environment:?}: {said}");
        assert_eq!(told, outputs(&[("verdict", "failed"), ("exit-code", "2")]));
        assert!(said.starts_with("::error title=dumpgate::"), "{said}");
    }
    // A path is a path, whatever it looks like.
    let (code, ..) = checkout.action(&[("DUMPGATE_PATHS", "--help")]);
    assert_eq!(code, 2);
    let (code, told, _) = checkout.action(&[("DUMPGATE_PATHS", "$(touch pwned); `touch pwned`")]);
    assert_eq!((code, &*told["verdict"]), (2, "failed"));
    assert!(!checkout.path("pwned").exists());
}

#[test]
fn the_action_hands_its_inputs_to_the_script() {
    let action = fs::read_to_string(root().join("scripts/ci/action.yml")).unwrap();
    let script = fs::read_to_string(root().join("scripts/ci/action")).unwrap();
    let handed: Vec<(&str, &str)> = action
        .lines()
        .filter_map(|line| line.trim().split_once(": ${{ inputs."))
        .map(|(name, input)| (name, input.trim_end_matches(" }}")))
        .collect();
    assert_eq!(handed.len(), 5);
    for (name, input) in handed {
        assert!(
            script.contains(&format!("${{{name}")),
            "the script reads no {name}"
        );
        assert!(
            action.contains(&format!("\n  {input}:\n")),
            "no input {input}"
        );
    }
    let told = action
        .lines()
        .filter_map(|line| line.split_once("steps.scan.outputs."));
    let told: Vec<&str> = told.map(|(_, name)| name.trim_end_matches(" }}")).collect();
    assert_eq!(told, ["sarif-file", "verdict", "exit-code"]);
    for name in told {
        assert!(
            script.contains(&format!("output {name} ")),
            "the script tells no {name}"
        );
    }
    // The command that the runner gives to bash.
    let command = action
        .lines()
        .find_map(|line| line.trim().strip_prefix("run: '"));
    let command = command.unwrap().trim_end_matches('\'');
    let checkout = Checkout::new();
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command])
        .current_dir(checkout.0.path())
        .env("GITHUB_ACTION_PATH", root().join("scripts/ci"))
        .env(
            "DUMPGATE_PROGRAM",
            assert_cmd::cargo::cargo_bin!("dumpgate"),
        )
        .env("DUMPGATE_PATHS", "leak.dmp")
        .env_remove("GITHUB_OUTPUT")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn pre_commit_lets_only_clean_files_pass() {
    let checkout = Checkout::new();
    let hook = |arguments: &[&str]| {
        let output = checkout
            .script("pre-commit")
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code().unwrap(), said(&output))
    };
    let (code, told) = hook(&["--", "clean one.dmp"]);
    assert_eq!(code, 0, "{told}");
    let (code, told) = hook(&["--", "clean one.dmp", "leak.dmp"]);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains(LEAKED_KEY) && told.contains("revoke the key"),
        "{told}"
    );
    let (code, told) = hook(&["--", "broken.gz"]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("not every file could be examined"), "{told}");
    let (code, told) = hook(&["--baseline", "accepted.toml", "--", "leak.dmp"]);
    assert_eq!(code, 0, "{told}");
    let output = checkout
        .script("pre-commit")
        .env("DUMPGATE_PROGRAM", "no-such-program")
        .args(["--", "clean one.dmp"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn the_pre_commit_snippet_names_the_script() {
    let snippet = fs::read_to_string(root().join("scripts/ci/pre-commit-config.yaml")).unwrap();
    let entry = snippet
        .lines()
        .find_map(|line| line.trim().strip_prefix("entry: "))
        .unwrap();
    let mode = fs::metadata(root().join(entry))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111, "{entry} can be run");
}
