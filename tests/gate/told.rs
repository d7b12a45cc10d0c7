//! What a gate tells others: numbers, a command for findings, and its log.

use super::{FAULT, House, code, key, leaking_dump, text};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// The value of a sample.
fn sample(metrics: &str, name: &str) -> Option<f64> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn numbers_are_kept_in_a_file() {
    let house = House::new();
    let path = house.release.with_file_name("dumpgate.prom");
    house.put("a.core", b"nothing");
    house.put("b.core", b"nothing");
    house.put("leak.dmp", &leaking_dump());
    house.put("dead.core", b"nothing");
    let mut gate = house.gate(&["--metrics", path.to_str().unwrap()]);
    gate.env(FAULT, "abort dead.core");
    assert_eq!(code(&gate.output().unwrap()), Some(1));
    let metrics = fs::read_to_string(&path).unwrap();
    let bytes = (3 * b"nothing".len() + leaking_dump().len()) as f64;
    for (name, value) in [
        (
            "dumpgate_dumps_total{verdict=\"clean\",fate=\"release\"}",
            2.0,
        ),
        (
            "dumpgate_dumps_total{verdict=\"found\",fate=\"quarantine\"}",
            1.0,
        ),
        (
            "dumpgate_dumps_total{verdict=\"incomplete\",fate=\"quarantine\"}",
            1.0,
        ),
        ("dumpgate_findings_total{kind=\"ed25519-private-key\"}", 1.0),
        ("dumpgate_bytes_total", bytes),
        ("dumpgate_worker_deaths_total", 1.0),
        ("dumpgate_queue", 0.0),
        ("dumpgate_oldest_seconds", 0.0),
        ("dumpgate_stuck", 0.0),
        ("dumpgate_audit_records", 4.0),
    ] {
        assert_eq!(sample(&metrics, name), Some(value), "{name}\n{metrics}");
    }
    assert!(sample(&metrics, "dumpgate_seconds_total").unwrap() > 0.0);
    let head = house.events()[3]["hash"].as_str().unwrap().to_owned();
    assert!(metrics.contains(&format!("dumpgate_audit_head{{hash=\"{head}\"}} 1")));
    assert_eq!(metrics.matches("dumpgate_free_bytes{place=").count(), 3);
    assert!(metrics.matches("# TYPE ").count() >= 11);
    // Nothing is left beside it.
    let left = fs::read_dir(path.parent().unwrap()).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !names
            .iter()
            .any(|name| name.as_bytes().starts_with(b".dumpgate-"))
    );
}

#[test]
fn a_command_is_told_of_findings_and_of_no_secret() {
    let house = House::new();
    let told = house.release.with_file_name("told");
    house.put("a.core", b"nothing");
    house.put(OsStr::from_bytes(b"k\n\x1b[2J"), &key());
    let command = format!("{{ env; echo $#; }} >> {}; exit 3", told.display());
    let mut gate = house.gate(&["--on-found", &command]);
    let output = gate.env("SECRET_OF_THE_GATE", "x").output().unwrap();
    // What becomes of the command changes nothing for the dump.
    assert_eq!(code(&output), Some(1));
    assert!(text(&output.stderr).contains("`--on-found`: the command ended with"));
    let told = fs::read_to_string(told).unwrap();
    let value = |name: &str| {
        let mut lines = told.lines().filter_map(|line| line.strip_prefix(name));
        let value = lines.next().unwrap_or_else(|| panic!("{name}: {told}"));
        assert_eq!(lines.next(), None);
        value
    };
    assert_eq!(value("DUMPGATE_NAME="), "k\\u{a}\\u{1b}[2J");
    assert_eq!(value("DUMPGATE_VERDICT="), "found");
    assert_eq!(value("DUMPGATE_FATE="), "quarantine");
    assert_eq!(value("DUMPGATE_FINGERPRINTS=").len(), 64);
    assert_eq!(value("DUMPGATE_KINDS="), "ec-private-key");
    assert!(value("DUMPGATE_PATH=").contains("/quarantine/"));
    assert!(!told.contains("SECRET"));
}

#[test]
fn a_command_for_findings_holds_no_other_dump() {
    let house = House::new();
    let [begun, seen] = ["begun", "seen"].map(|name| house.release.with_file_name(name));
    house.put("a-key.core", &key());
    house.put("b.core", b"nothing");
    // It ends only when the dump behind it is released.
    let command = format!(
        "touch {}; until [ -e {} ]; do sleep 0.05; done; touch {}",
        begun.display(),
        house.release.join("b.core").display(),
        seen.display()
    );
    let output = house.run(&["--on-found", &command]);
    assert_eq!(code(&output), Some(1));
    assert!(begun.exists() && seen.exists());
    assert!(!text(&output.stderr).contains("--on-found"));
}

#[test]
fn the_log_is_lines_of_json_if_that_is_wanted() {
    let house = House::new();
    let link = house.spool.join(OsStr::from_bytes(b"l\n\x1b[2J"));
    std::os::unix::fs::symlink("/dev/null", link).unwrap();
    let output = house.run(&["--log-format", "json"]);
    assert_eq!(code(&output), Some(0));
    let said = text(&output.stderr);
    assert!(!said.contains('\u{1b}'));
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["level"], "WARN");
    let message = lines[0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "left alone: `l\\u{a}\\u{1b}[2J` is a symbolic link"
    );
    assert!(lines[1]["message"].as_str().unwrap().contains("head "));
}
