//! Which files are scanned, in what order, and how the process ends.

use super::common::{key, noise};
use super::{code, command, dumpgate, json, stderr, stdout, write};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

fn scan(arguments: &[&Path]) -> std::process::Output {
    dumpgate([Path::new("scan")].iter().chain(arguments))
}

#[test]
fn exit_codes() {
    let directory = tempfile::tempdir().unwrap();
    let clean = write(directory.path(), "clean", &noise(5000, 1));
    let found = write(directory.path(), "found", &key("p256.sec1.pem"));
    let packed = write(directory.path(), "packed", b"\x1f\x8b\x08\0\0\0\0\0");
    let absent = directory.path().join("absent");
    assert_eq!(code(&scan(&[&clean])), 0);
    assert_eq!(code(&scan(&[&found])), 1);
    assert_eq!(code(&scan(&[&absent])), 2);
    assert_eq!(code(&scan(&[&packed])), 3);
    assert_eq!(code(&scan(&[&clean, &packed])), 3);
    assert_eq!(code(&scan(&[&packed, &absent])), 2);
    assert_eq!(code(&scan(&[&absent, &packed, &clean, &found])), 1);
    assert_eq!(code(&dumpgate(["scan"])), 2);
    assert_eq!(code(&dumpgate(["scan", "--format", "xml", "x"])), 2);
    assert_eq!(code(&dumpgate(["scan", "--include", "[", "samples"])), 2);
}

#[test]
fn an_unopenable_file_is_told_in_one_line_and_the_others_are_scanned() {
    let directory = tempfile::tempdir().unwrap();
    let found = write(directory.path(), "found", &key("p256.sec1.pem"));
    let absent = directory.path().join("absent");
    let output = scan(&[&absent, &found]);
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("absent") && told.contains("failed to open"),
        "{told}"
    );
    assert!(stdout(&output).contains("ec-private-key"));
}

#[test]
fn standard_input_is_scanned_as_a_pipe_and_as_a_file() {
    let key = [noise(100_000, 3), key("rsa2048.pkcs8.pem")].concat();
    let mut child = command()
        .args(["scan", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&key).unwrap();
    let piped = child.wait_with_output().unwrap();
    assert_eq!(code(&piped), 1);
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "key", &key);
    let file = fs::File::open(path).unwrap();
    let redirected = command()
        .args(["scan", "--format", "json", "-"])
        .stdin(file)
        .output()
        .unwrap();
    assert_eq!(redirected.stdout, piped.stdout);
    let report: serde_json::Value = serde_json::from_slice(&piped.stdout).unwrap();
    assert_eq!(report["dumps"][0]["path"], "-");
    assert_eq!(report["dumps"][0]["size"], key.len());
}

#[test]
fn an_empty_stream_is_no_clean_dump() {
    let mut child = command()
        .args(["scan", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("an empty or closed stream"),
        "{}",
        stderr(&output)
    );
    assert_eq!(code(&dumpgate(["scan", "-", "-"])), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_without_a_size_is_read() {
    let secret = String::from_utf8(key("p256.sec1.pem")).unwrap();
    let output = command()
        .args(["scan", "/proc/self/environ"])
        .env("SECRET", secret)
        .output()
        .unwrap();
    assert_eq!(code(&output), 1, "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn directories_are_searched_in_order_and_globs_narrow_them() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("b")).unwrap();
    write(directory.path(), "c.core", b"c");
    write(directory.path(), "a.txt", b"a");
    write(&directory.path().join("b"), "d.core", b"d");
    let names = |options: &[&str]| -> Vec<String> {
        let report = json(options.iter().map(Path::new).chain([directory.path()]));
        let dumps = report["dumps"].as_array().unwrap();
        let name = |path: &str| {
            Path::new(path)
                .strip_prefix(directory.path())
                .unwrap()
                .display()
                .to_string()
        };
        dumps
            .iter()
            .map(|dump| name(dump["path"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(names(&[]), ["a.txt", "b/d.core", "c.core"]);
    assert_eq!(names(&["--include", "*.core"]), ["b/d.core", "c.core"]);
    assert_eq!(names(&["--exclude", "b/*"]), ["a.txt", "c.core"]);
    assert_eq!(
        names(&["--include", "*.core", "--exclude", "d*"]),
        ["c.core"]
    );
}

#[test]
fn files_of_a_directory_that_are_no_dump_are_one_line_unless_something_is_found() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        write(directory.path(), name, &noise(1000, 1));
    }
    let output = scan(&[directory.path()]);
    assert!(
        stdout(&output).starts_with("clean       3 files that are no dump  (raw, 2.9 KiB)\n"),
        "{}",
        stdout(&output)
    );
    write(directory.path(), "d", &key("p256.sec1.pem"));
    let output = scan(&[directory.path()]);
    assert!(
        stdout(&output).contains("/d  (raw, "),
        "{}",
        stdout(&output)
    );
}

#[test]
fn nothing_to_scan_is_no_clean_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let output = scan(&[directory.path()]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("no file to scan"),
        "{}",
        stderr(&output)
    );
    write(directory.path(), "a.txt", b"a");
    let output = dumpgate([
        Path::new("scan"),
        Path::new("--include"),
        Path::new("*.core"),
        directory.path(),
    ]);
    assert_eq!(code(&output), 2);
}

#[test]
fn public_keys_of_the_user_prove_and_others_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let dump = write(
        directory.path(),
        "dump",
        &[noise(999, 1), key("p256.sec1-nopublic.der")].concat(),
    );
    let proof = |options: &[&str]| {
        json(options.iter().map(Path::new).chain([&*dump]))["dumps"][0]["findings"][0]["proof"]
            .clone()
    };
    assert_eq!(proof(&[]), "parsed");
    for public in [
        "p256.spki.pem",
        "p256.spki.der",
        "p256.cert.pem",
        "p256.cert.der",
    ] {
        assert_eq!(
            proof(&["--public-keys", &format!("tests/keys/{public}")]),
            "arithmetic",
            "{public}"
        );
    }
    assert_eq!(
        proof(&["--public-keys", "tests/keys/p384.spki.pem"]),
        "parsed"
    );
    let output = dumpgate(["scan", "--public-keys", "README.md", "samples"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("expected a public key"),
        "{}",
        stderr(&output)
    );
}

/// In so many words: what each search covered, whether it came to its end, and what was not run.
#[test]
fn the_answer_to_a_question_says_what_was_searched() {
    let directory = tempfile::tempdir().unwrap();
    let dump = write(directory.path(), "dump", &noise(9999, 1));
    let asked = ["--public-keys", "tests/keys/rsa2048.spki.pem"].map(Path::new);
    for (is_deep, options) in [
        (false, &asked[..]),
        (true, &[asked[0], asked[1], Path::new("--deep")]),
    ] {
        let report = json(options.iter().copied().chain([&*dump]));
        let text = command()
            .arg("scan")
            .args(options)
            .arg(&dump)
            .output()
            .unwrap();
        let text = stdout(&text);
        let (_, answered) = text.split_once("asked for: rsa 2048").unwrap();
        let searches = report["dumps"][0]["searches"].as_array().unwrap();
        assert!(searches.len() > 5);
        for search in searches {
            let state = match (&search["ran"], &search["complete"]) {
                (serde_json::Value::Bool(true), serde_json::Value::Bool(true)) => "complete",
                (serde_json::Value::Bool(true), _) => "cut short",
                _ => "not run",
            };
            let [name, scope] = ["name", "scope"].map(|part| search[part].as_str().unwrap());
            let line = answered
                .lines()
                .find(|line| line.trim_start().starts_with(&format!("{name} ")));
            let line = line.unwrap_or_else(|| panic!("{name} is not told of: {answered}"));
            assert!(line.contains(state) && line.ends_with(scope), "{line}");
        }
        assert_eq!(answered.contains("not run"), !is_deep, "{answered}");
    }
    let text = stdout(&dumpgate(["scan".as_ref(), dump.as_os_str()]));
    assert!(!text.contains("searched"), "nobody asked: {text}");
}

#[test]
fn the_hash_is_that_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "abc", b"abc");
    let report = json([Path::new("--hash"), &path]);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(report["dumps"][0]["sha256"], abc);
    assert_eq!(json([&path])["dumps"][0]["sha256"], serde_json::Value::Null);
}

#[test]
fn json_lines_come_one_a_dump_and_a_last_one() {
    let output = dumpgate([
        "scan",
        "--format",
        "jsonl",
        "samples/README.md",
        "tests/keys/p256.sec1.pem",
    ]);
    let lines: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["type"], "dump");
    assert_eq!(lines[0]["verdict"], "clean");
    assert_eq!(lines[1]["findings"][0]["kind"], "ec-private-key");
    assert_eq!(lines[2]["type"], "summary");
    assert_eq!(lines[2]["verdict"], "found");
    assert!(lines.iter().all(|line| line["schema_version"] == 1));
}

#[test]
fn colours_are_for_those_who_want_them() {
    let escape = |options: &[&str], no_color: &str| {
        let output = command()
            .args(["scan", "samples/README.md"])
            .args(options)
            .env("NO_COLOR", no_color)
            .output()
            .unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!escape(&[], ""));
    assert!(escape(&["--color", "always"], ""));
    assert!(escape(&["--color", "always"], "1"));
    assert!(!escape(&["--color", "never"], ""));
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "a\u{1b}[2Jb\n", &key("p256.sec1.pem"));
    let output = scan(&[&path]);
    assert_eq!(code(&output), 1);
    assert!(!output.stdout.contains(&0x1b));
    assert!(stdout(&output).contains("a\\u{1b}[2Jb\\u{a}"));
}
