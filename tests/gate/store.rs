//! `dumpgate quarantine`: what a person does to dumps in quarantine, all of it in the log.

use super::{FAULT, House, code, files, key, mode, program, text, verify};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Output};

const FAILPOINT: &str = "DUMPGATE_TEST_FAILPOINT";

/// The command, with the house's directories where it wants them.
fn command(house: &House, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .arg("quarantine")
        .args(arguments)
        .arg("--quarantine")
        .arg(&house.quarantine);
    if matches!(arguments.first(), Some(&"release" | &"retry")) {
        command.arg("--release").arg(&house.release);
    }
    command
}

fn run(house: &House, arguments: &[&str]) -> Output {
    command(house, arguments).output().unwrap()
}

/// A leak in quarantine, which had this mode.
fn leaked(house: &House) {
    let path = house.put("k.core", &key());
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(code(&house.run(&[])), Some(1));
}

#[test]
fn dumps_are_listed_and_shown() {
    let house = House::new();
    leaked(&house);
    house.put("\u{1b}[2J", &key());
    house.run(&[]);
    let output = run(&house, &["list"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert_eq!(said.lines().count(), 2);
    assert!(
        said.contains("found") && said.contains("k.core; keys: 1"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'));
    let output = run(&house, &["list", "--format", "json"]);
    let line: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(line["verdict"], "found");
    let output = run(&house, &["show", "k.core"]);
    let manifest: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(manifest["file"]["mode"], 0o640);
    assert_eq!(code(&run(&house, &["show", "absent"])), Some(2));
}

#[test]
fn a_person_releases_a_dump_and_says_why() {
    let house = House::new();
    leaked(&house);
    assert_eq!(code(&run(&house, &["release", "k.core"])), Some(2));
    assert_eq!(
        code(&run(&house, &["release", "k.core", "--reason", " "])),
        Some(2)
    );
    let output = run(
        &house,
        &["release", "k.core", "--reason", "a test key of ours"],
    );
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let released = house.release.join("k.core");
    assert!(fs::read(&released).unwrap() == key());
    assert_eq!(mode(&released), 0o640);
    assert!(files(&house.quarantine).is_empty());
    let events = house.events();
    let last = &events[1];
    assert_eq!(last["event"], "released-by-hand");
    assert_eq!(last["by_hand"]["reason"], "a test key of ours");
    assert_eq!(last["verdict"], "found");
    assert_eq!(verify(&house.log(), None).0, Some(0));
}

#[test]
fn what_was_changed_in_quarantine_is_not_released() {
    let house = House::new();
    leaked(&house);
    fs::write(house.quarantine.join("k.core"), b"other bytes").unwrap();
    let output = run(&house, &["release", "k.core", "--reason", "r"]);
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stderr).contains("not those that its manifest tells of"));
    assert!(files(&house.release).is_empty());
    assert_eq!(files(&house.quarantine).len(), 2);
}

#[test]
fn a_report_is_released_as_a_whole() {
    let house = House::new();
    fs::create_dir_all(house.spool.join("attachments/a")).unwrap();
    house.put("a.dmp", b"a dump");
    house.put("a.meta", b"meta");
    house.put("attachments/a/log", &key());
    assert_eq!(code(&house.run(&[])), Some(1));
    assert_eq!(files(&house.quarantine).len(), 6);
    let output = run(&house, &["list"]);
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(text(&output.stdout).contains("with 2 side files"));
    let output = run(&house, &["release", "a.dmp", "--reason", "r"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert!(files(&house.quarantine).is_empty());
    assert_eq!(files(&house.release).len(), 2);
    assert!(fs::read(house.release.join("attachments/a/log")).unwrap() == key());
}

#[test]
fn what_the_scanner_could_not_do_is_tried_again() {
    let house = House::new();
    for name in ["good.core", "bad.core"] {
        let bytes = match name {
            "good.core" => b"nothing".to_vec(),
            _ => key(),
        };
        let path = house.put(name, &bytes);
        fs::set_permissions(path, fs::Permissions::from_mode(0o604)).unwrap();
        let mut gate = house.gate(&[]);
        gate.env(FAULT, format!("abort {name}"));
        assert_eq!(code(&gate.output().unwrap()), Some(3));
    }
    house.put("found.core", &key());
    house.run(&[]);
    // The same version with the same options would do no better.
    let output = run(&house, &["retry"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
    // Others may, or who asks for it.
    let output = run(&house, &["retry", "--timeout", "600"]);
    assert_eq!(code(&output), Some(1), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 2);
    assert_eq!(files(&house.release).len(), 1);
    let released = house.release.join("good.core");
    assert_eq!(fs::read(&released).unwrap(), b"nothing");
    assert_eq!(fs::metadata(&released).unwrap().mode() & 0o7777, 0o604);
    let manifest = fs::read(house.quarantine.join("bad.core.dumpgate.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["verdict"], "found");
    assert_eq!(manifest["file"]["mode"], 0o604);
    assert_eq!(
        manifest["path"]["text"],
        house.spool.join("bad.core").to_str().unwrap()
    );
    assert_eq!(files(&house.quarantine).len(), 4);
    // What was found is found.
    assert_eq!(text(&run(&house, &["retry", "--all"]).stdout), "");
    assert_eq!(verify(&house.log(), None).0, Some(0));
}

#[test]
fn old_dumps_are_removed_when_somebody_says_so() {
    let house = House::new();
    leaked(&house);
    house.put("l.core", &[key(), b" ".to_vec()].concat());
    house.run(&[]);
    assert_eq!(code(&run(&house, &["expire"])), Some(2));
    let output = run(&house, &["expire", "--older-than", "1"]);
    assert_eq!(code(&output), Some(0));
    assert_eq!(files(&house.quarantine).len(), 4);
    let manifest = house.quarantine.join("k.core.dumpgate.json");
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
    let times = fs::FileTimes::new().set_modified(then);
    fs::File::open(manifest).unwrap().set_times(times).unwrap();
    let output = run(&house, &["expire", "--older-than", "1"]);
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(!house.quarantine.join("k.core").exists());
    assert_eq!(house.count("expired"), 1);
    let output = run(&house, &["expire", "--keep-bytes", "0"]);
    assert_eq!(code(&output), Some(0));
    assert!(files(&house.quarantine).is_empty());
    assert_eq!(verify(&house.log(), None).0, Some(0));
}

#[test]
fn a_release_may_be_killed_at_any_point() {
    for point in (1..).step_by(2) {
        let house = House::new();
        leaked(&house);
        let mut release = command(&house, &["release", "k.core", "--reason", "r"]);
        let first = release
            .env(FAILPOINT, format!("kill {point}"))
            .output()
            .unwrap();
        // Any later command takes it back, or finishes it if it knows where to.
        let output = run(&house, &["list"]);
        assert_eq!(code(&output), Some(0), "{point}: {}", text(&output.stderr));
        let output = run(&house, &["retry"]);
        assert_eq!(code(&output), Some(0), "{point}: {}", text(&output.stderr));
        let released = files(&house.release);
        let kept = files(&house.quarantine);
        match released.len() {
            0 => assert_eq!(kept.len(), 2, "{point}: {:?}", kept.keys()),
            _ => {
                assert!(kept.is_empty(), "{point}: {:?}", kept.keys());
                let events = house.events();
                let is_told = |event: &Value| event["by_hand"]["reason"] == "r";
                assert!(events.iter().any(is_told), "{point}");
            }
        }
        assert_eq!(verify(&house.log(), None).0, Some(0), "{point}");
        if code(&first).is_some() {
            assert!(point > 20);
            assert_eq!(released.len(), 1);
            return;
        }
    }
}
