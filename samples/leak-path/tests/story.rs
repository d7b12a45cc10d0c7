//! A small version of the whole story: three crashes each way, and what must be true of the table whatever the race does.

use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_leaking_dump_never_passes_the_gate_and_a_clean_one_always_does() {
    let dumpgate = dumpgate();
    // The race is a real one: three crashes may all miss the window. Of four rounds one surely has a leak.
    let leaking = (0..4).any(|_| story(&dumpgate) > 0);
    assert!(leaking, "no crash of twelve fell into the window");
}

/// One round; the number of leaking dumps.
fn story(dumpgate: &Path) -> u64 {
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("report.json");
    let kept = directory.path().join("kept");
    let output = Command::new(env!("CARGO_BIN_EXE_leak-path"))
        .args(["reproduce", "3", "--dumpgate"])
        .arg(dumpgate)
        .arg("--report")
        .arg(&report)
        .arg("--keep")
        .arg(&kept)
        .output()
        .expect("it runs");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    let text = fs::read_to_string(report).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let sums = |race: &str, name: &str| {
        report[race][name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name}"))
    };
    for race in ["on", "off"] {
        let of = |name| sums(race, name);
        assert_eq!((of("crashes"), of("dumps")), (3, 3), "{said}");
        assert_eq!(
            of("quarantined"),
            of("leaking"),
            "every leaking dump is caught: {said}"
        );
        assert_eq!(
            of("named"),
            of("leaking"),
            "proven, and named by its kid: {said}"
        );
        assert_eq!(of("released_leaking"), 0, "{said}");
        assert_eq!(of("false_alarms"), 0, "{said}");
        let clean = of("dumps") - of("leaking") - of("only_remains");
        let let_go = of("only_remains") - of("remains_quarantined");
        assert_eq!(
            of("released"),
            clean + let_go,
            "every clean dump arrives: {said}"
        );
        assert_eq!(
            of("unlisted_places"),
            0,
            "every true place is reported: {said}"
        );
        assert!(of("true_places") >= of("leaking"), "{said}");
    }
    assert_eq!(
        (
            sums("off", "leaking"),
            sums("off", "only_remains"),
            sums("off", "released")
        ),
        (0, 0, 3),
        "{said}"
    );
    let leaking = sums("on", "leaking");
    let tries = report["intruder"]["on"]
        .as_array()
        .expect("what the intruder tried");
    assert_eq!(!tries.is_empty(), leaking > 0, "{said}");
    for tried in tries {
        if tried["when"] == "after revocation" {
            assert_eq!(tried["opened"], false, "{said}");
        } else if tried["check_scope"] == "off" {
            assert_eq!(tried["opened"], true, "{said}");
        }
    }
    tells_no_key(&kept, &[&said, &text]);
    leaking
}

/// No part of a live key is in what was printed or written.
fn tells_no_key(kept: &Path, told: &[&str]) {
    let mut keys = 0;
    for race in ["race-on", "race-off"] {
        for entry in fs::read_dir(kept.join(race).join("production/store")).expect("the store") {
            let pem = fs::read_to_string(entry.expect("an entry").path()).expect("a key");
            keys += 1;
            // The last lines of base64 are private in both kinds of keys, but for the point of an EC key.
            let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
            for line in body.iter().skip(body.len() / 2) {
                let start = line.get(..20).unwrap_or(line);
                assert!(line.len() < 8 || told.iter().all(|text| !text.contains(start)));
            }
        }
    }
    assert_eq!(keys, 4, "a live key of each use, both ways");
}

/// The program under test: the one that `DUMPGATE` names, else the one built beside us.
fn dumpgate() -> PathBuf {
    if let Some(path) = env::var_os("DUMPGATE") {
        // Relative to the repository: tests run in their package's directory.
        return root().join(path);
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--package", "dumpgate"])
        .current_dir(root())
        .status()
        .expect("cargo runs");
    assert!(built.success());
    let ours = Path::new(env!("CARGO_BIN_EXE_leak-path"));
    ours.with_file_name("dumpgate")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
