//! What the user allows: known test keys, the baseline, the least proof; and what must not be lost with a report.

use super::common::{key, noise, root, rows};
use super::{code, command, dumpgate, json, stderr, stdout, write};
use minidump_synth::{DumpString, Memory, Module, SimpleStream, SynthMinidump};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// The name of a test key.
fn name(file: &str) -> String {
    let row = rows().into_iter().find(|row| row.file == file);
    row.unwrap_or_else(|| panic!("{file}")).spki_sha256
}

/// A published key in DER: of OpenSSL's speed test.
fn published() -> Vec<u8> {
    key("published/openssl-speed-rsa7680.der")
}

/// The published texts of keys that have no name here.
fn texts() -> Vec<Vec<u8>> {
    let directory = fs::read_dir(root().join("src/policy/known_texts")).unwrap();
    let mut paths: Vec<PathBuf> = directory.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn scan(options: &[&str], paths: &[&Path]) -> Output {
    let options = options.iter().map(OsStr::new);
    let paths = paths.iter().map(|path| path.as_os_str());
    dumpgate([OsStr::new("scan")].into_iter().chain(options).chain(paths))
}

fn findings(options: &[&str], path: &Path) -> Vec<Value> {
    let options = options.iter().map(OsStr::new);
    let report = json(options.chain([path.as_os_str()]));
    report["dumps"][0]["findings"].as_array().unwrap().clone()
}

/// A baseline with one entry.
fn baseline(directory: &Path, file: &str, until: &str) -> PathBuf {
    let text = format!(
        "version = 1\n\n[[key]]\nspki_sha256 = \"{}\"\nreason = \"test signer of staging\"\nuntil = {until}\n",
        name(file)
    );
    write(directory, "baseline.toml", text.as_bytes())
}

#[test]
fn known_test_keys_are_listed_apart_and_count_for_the_strict_only() {
    let directory = tempfile::tempdir().unwrap();
    let dump = [noise(999, 1), published(), noise(99, 2), texts().concat()].concat();
    let dump = write(directory.path(), "dump", &dump);
    let output = scan(&[], &[&dump]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let number = 1 + texts().len();
    let said = stdout(&output);
    assert!(said.starts_with("clean "), "{said}");
    assert!(
        said.contains(&format!(": {number} known test keys\n")),
        "{said}"
    );
    assert!(
        said.contains("\n  known test keys: everyone has them"),
        "{said}"
    );
    let line = "rsa-private-key 7680 bits  d2d8c7d1de1e118e810c15eb7f8d9560a433e15cd55eac52aade81d6669cf133  OpenSSL 3.0 openssl speed (apps/testrsa.h); der.pkcs1 at 0x3e7, raw bytes";
    assert!(said.contains(line), "{said}");
    let found = findings(&[], &dump);
    assert_eq!(found.len(), number);
    for finding in &found {
        assert_eq!(finding["counts"], false, "{finding}");
        assert!(finding["known"].as_str().is_some(), "{finding}");
        assert_eq!(finding["below"], Value::Null);
    }
    let strict = scan(&["--strict"], &[&dump]);
    assert_eq!(code(&strict), 1);
    assert!(stdout(&strict).contains(&format!(": {number} keys in ")));
    assert!(stdout(&strict).contains("known test key: OpenSSL 3.0"));
    for finding in findings(&["--strict"], &dump) {
        assert_eq!(finding["counts"], true, "{finding}");
        assert!(finding["known"].as_str().is_some(), "{finding}");
    }
}

#[test]
fn a_known_key_hides_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let dump = [published(), texts().concat(), key("p256.sec1.pem")].concat();
    let dump = write(directory.path(), "dump", &dump);
    let output = scan(&[], &[&dump]);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains(": 1 key in 1 place; 7 known test keys\n"));
    let summary = scan(&[], &[&dump, &root().join("samples/README.md")]);
    assert!(
        stdout(&summary).ends_with("2 files: 1 found, 1 clean; 1 private key; 7 known test keys\n"),
        "{}",
        stdout(&summary)
    );
}

#[test]
fn a_text_that_differs_from_a_published_one_counts() {
    let directory = tempfile::tempdir().unwrap();
    for text in texts() {
        let mut text = String::from_utf8(text).unwrap();
        // The last whole characters of the secret.
        let end = text.find("\n-----END").unwrap();
        let at = text[..end].trim_end_matches('=').len() - 6;
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        text.replace_range(at..=at, other);
        let dump = write(directory.path(), "dump", text.as_bytes());
        let found = findings(&[], &dump);
        // A changed point of a SEC 1 text leaves the scalar as it is.
        let is_point = text.contains("EC PRIVATE");
        for finding in found {
            assert_eq!(finding["known"] == Value::Null, !is_point, "{text}");
        }
    }
}

#[test]
fn a_key_compiled_into_a_program_counts() {
    let section = |bytes: &[u8]| {
        let stream = SimpleStream {
            stream_type: 0,
            section: Default::default(),
        };
        stream.section.append_bytes(bytes)
    };
    let directory = tempfile::tempdir().unwrap();
    let endian = section(b"").endian;
    for (image, exit, known) in [(key("rsa2048.pkcs1.der"), 1, false), (published(), 0, true)] {
        let program = DumpString::new("/usr/bin/signer", endian);
        let dump = SynthMinidump::new()
            .add_module(Module::new(endian, 0x40_0000, 0x8000, &program, 0, 0, None))
            .add(program)
            .add_memory(Memory::with_section(section(&image), 0x40_1000))
            .finish()
            .unwrap();
        let dump = write(directory.path(), "dump.dmp", &dump);
        assert_eq!(code(&scan(&[], &[&dump])), exit);
        let found = findings(&[], &dump);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["known"] != Value::Null, known);
        let owner = &found[0]["places"][0]["owner"];
        assert_eq!(owner["kind"], "module");
        assert_eq!(owner["name"], "/usr/bin/signer+0x1000");
    }
}

#[test]
fn a_baseline_accepts_until_its_last_day() {
    let directory = tempfile::tempdir().unwrap();
    let dump = [key("p256.pkcs8.pem"), noise(99, 1), key("p256.sec1.der")].concat();
    let dump = write(directory.path(), "dump", &dump);
    let path = baseline(directory.path(), "p256.pkcs8.pem", "9999-12-31");
    let options = ["--baseline", path.to_str().unwrap()];
    let output = scan(&options, &[&dump]);
    let said = stdout(&output);
    assert_eq!(code(&output), 0, "{said}");
    assert!(said.contains(": 1 accepted key\n"), "{said}");
    let line = format!(
        "    ec-private-key P-256  {}  until 9999-12-31: test signer of staging; 2 places, first pem.pkcs8 at 0x0, raw bytes\n",
        name("p256.pkcs8.pem")
    );
    assert!(said.contains(&line), "{said}");
    let found = findings(&options, &dump);
    assert_eq!(found[0]["counts"], false);
    assert_eq!(
        found[0]["accepted"],
        serde_json::json!({"reason": "test signer of staging", "until": "9999-12-31", "expired": false})
    );

    baseline(directory.path(), "p256.pkcs8.pem", "2001-02-03");
    let output = scan(&options, &[&dump]);
    let said = stdout(&output);
    assert_eq!(code(&output), 1, "{said}");
    let line = "\n    baseline entry expired on 2001-02-03: test signer of staging\n";
    assert!(said.contains(line), "{said}");
    let found = findings(&options, &dump);
    assert_eq!(found[0]["counts"], true);
    assert_eq!(found[0]["accepted"]["expired"], true);
}

#[test]
fn a_baseline_accepts_no_other_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = baseline(directory.path(), "p256.pkcs8.pem", "9999-12-31");
    let options = ["--baseline", path.to_str().unwrap()];
    let both = [key("p256.pkcs8.pem"), key("p384.pkcs8.pem")].concat();
    let dump = write(directory.path(), "dump", &both);
    let output = scan(&options, &[&dump]);
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains(": 1 key in 1 place; 1 accepted key\n"));
    // Without a public half there is nothing to accept.
    let dump = write(
        directory.path(),
        "dump",
        &key("rsa2048.pkcs8-encrypted.pem"),
    );
    assert_eq!(code(&scan(&options, &[&dump])), 1);
}

#[test]
fn a_baseline_with_a_fault_ends_before_any_scan_and_shows_no_byte_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let secret = String::from_utf8(key("p256.pkcs8.pem")).unwrap();
    let body: Vec<&str> = secret
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let good = format!(
        "version = 1\n[[key]]\nspki_sha256 = \"{}\"\nreason = \"r\"\n",
        name("p256.pkcs8.pem")
    );
    for (text, wanted) in [
        (secret.clone(), "line 1: expected TOML"),
        (format!("version = 1\n{}=\n", body[0]), "line 2: expected"),
        (
            format!("version = 1\n{} = \"{}\"\n", body[0], body[1]),
            "line 2: expected",
        ),
        (
            format!("version = 1\n[[key]]\nreason = '''{secret}'''\n"),
            "line 3: expected a reason",
        ),
        (good.clone(), "line 2: expected an entry with `until`"),
        (
            format!("{good}until = 2027-03-31\nuntl = 1\n"),
            "line 6: expected",
        ),
    ] {
        let path = write(directory.path(), "baseline.toml", text.as_bytes());
        let path = path.to_str().unwrap();
        let options = ["--baseline", path];
        for output in [
            scan(&options, &[&root().join("samples")]),
            dumpgate(["baseline", "list", path]),
            dumpgate([
                "baseline",
                "add",
                path,
                "--key",
                &name("p384.pkcs8.pem"),
                "--reason",
                "r",
                "--until",
                "9999-01-01",
            ]),
        ] {
            let said = stderr(&output);
            assert_eq!(code(&output), 2, "{said}");
            assert_eq!(stdout(&output), "");
            assert!(
                said.contains("baseline.toml") && said.contains(wanted),
                "{said}"
            );
            for line in &body {
                let shown = line
                    .as_bytes()
                    .windows(8)
                    .any(|mark| said.as_bytes().windows(8).any(|window| window == mark));
                assert!(!shown, "{said}");
            }
        }
        assert_eq!(fs::read_to_string(path).unwrap(), text, "left as it was");
    }
    let absent = directory.path().join("absent.toml");
    let output = scan(
        &["--baseline", absent.to_str().unwrap()],
        &[&root().join("samples")],
    );
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("absent.toml"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_baseline_is_made_of_a_report_and_accepts_what_was_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("baseline.toml");
    let file = file.to_str().unwrap();
    for format in ["json", "jsonl"] {
        let report = scan(&["--format", format], &[&root().join("samples")]);
        let report = write(directory.path(), "report.json", &report.stdout);
        let add = |options: &[&str]| {
            let from = [
                "--from",
                report.to_str().unwrap(),
                "--reason",
                "samples",
                "--until",
                "9999-12-31",
            ];
            dumpgate(["baseline", "add", file].iter().chain(&from).chain(options))
        };
        let _ = fs::remove_file(file);
        let output = add(&[]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert_eq!(stdout(&output).lines().count(), 6);
        let output = scan(&["--baseline", file], &[&root().join("samples")]);
        assert_eq!(code(&output), 0, "{}", stdout(&output));
        let said = super::without_counts(&stdout(&output));
        assert!(
            said.ends_with("N files: N clean; 8 accepted keys\n"),
            "{said}"
        );
        let before = fs::read(file).unwrap();
        let again = add(&[]);
        assert_eq!(code(&again), 2);
        assert!(
            stderr(&again).contains("expected a key without an entry"),
            "{}",
            stderr(&again)
        );
        assert_eq!(fs::read(file).unwrap(), before);
        assert_eq!(code(&add(&["--replace"])), 0);
    }
    let list = dumpgate(["baseline", "list", file]);
    assert_eq!(code(&list), 0);
    assert!(stdout(&list).ends_with("6 entries\n"), "{}", stdout(&list));
    let list = dumpgate(["baseline", "list", file, "--format", "json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(list["entries"].as_array().unwrap().len(), 6);
    assert_eq!(list["entries"][0]["reason"], "samples");
    assert_eq!(list["entries"][0]["expired"], false);
}

#[test]
fn baseline_add_refuses_what_it_does_not_understand() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("baseline.toml");
    let file = file.to_str().unwrap();
    let name = name("p256.pkcs8.pem");
    let long = "x".repeat(201);
    for (key, reason, until, wanted) in [
        ("abc", "r", "9999-12-31", "`--key`: expected the SHA-256"),
        (&*name, "", "9999-12-31", "`--reason`: expected a reason"),
        (
            &*name,
            "a\nb",
            "9999-12-31",
            "`--reason`: expected a reason",
        ),
        (
            &*name,
            &*long,
            "9999-12-31",
            "`--reason`: expected a reason",
        ),
        (&*name, "r", "31.12.9999", "`--until`: expected a date"),
        (
            &*name,
            "r",
            "2001-02-03",
            "`--until`: expected a day that is not over",
        ),
    ] {
        let output = dumpgate([
            "baseline", "add", file, "--key", key, "--reason", reason, "--until", until,
        ]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(wanted), "{}", stderr(&output));
        assert!(!Path::new(file).exists());
    }
    let neither = dumpgate([
        "baseline",
        "add",
        file,
        "--reason",
        "r",
        "--until",
        "9999-12-31",
    ]);
    assert_eq!(code(&neither), 2);
}

#[test]
fn the_least_proof_that_counts_is_the_users() {
    let directory = tempfile::tempdir().unwrap();
    // No public half: parsed. A public half of another key: shape.
    let parsed = write(directory.path(), "parsed", &key("p256.sec1-nopublic.der"));
    let proven = write(directory.path(), "proven", &key("p256.sec1.der"));
    let mut wrong = key("p256.sec1.der");
    wrong[20] ^= 1;
    let shape = write(directory.path(), "shape", &wrong);
    for (level, exits) in [
        ("shape", [1, 1, 1]),
        ("parsed", [0, 1, 1]),
        ("arithmetic", [0, 0, 1]),
    ] {
        for (path, exit) in [&shape, &parsed, &proven].into_iter().zip(exits) {
            let output = scan(&["--fail-on", level], &[path]);
            assert_eq!(code(&output), exit, "{level} {}", stdout(&output));
        }
    }
    let output = scan(&["--fail-on", "arithmetic"], &[&parsed]);
    let said = stdout(&output);
    assert!(said.starts_with("clean "), "{said}");
    assert!(
        said.contains(": below --fail-on arithmetic: 1 key\n"),
        "{said}"
    );
    assert!(
        said.contains("\n    below --fail-on arithmetic: does not count\n"),
        "{said}"
    );
    let found = findings(&["--fail-on", "arithmetic"], &parsed);
    assert_eq!(found[0]["counts"], false);
    assert_eq!(found[0]["below"], "arithmetic");
    let found = findings(&["--fail-on", "shape"], &shape);
    assert_eq!(found[0]["proof"], "shape");
    assert_eq!(found[0]["counts"], true);
    assert!(findings(&[], &shape).is_empty(), "shapes are not shown");
    let shown = findings(&["--shapes"], &shape);
    assert_eq!(shown[0]["counts"], false);
    assert_eq!(shown[0]["below"], "parsed");
}

#[test]
#[cfg(target_os = "linux")]
fn a_report_that_cannot_be_written_loses_no_key() {
    let directory = tempfile::tempdir().unwrap();
    let found = write(directory.path(), "found", &key("p256.sec1.pem"));
    let clean = write(directory.path(), "clean", &noise(5000, 1));
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for format in ["text", "json", "jsonl"] {
        for (paths, exit) in [
            (vec![&found], 1),
            (vec![&clean], 2),
            (vec![&found, &clean], 1),
        ] {
            let run = |out: Stdio, error: Stdio| {
                let mut command = command();
                command.args(["scan", "--format", format]).args(&paths);
                command.stdout(out).stderr(error).output().unwrap()
            };
            let output = run(full().into(), Stdio::piped());
            assert_eq!(code(&output), exit, "{format}: {}", stderr(&output));
            assert!(stderr(&output).contains("failed to write the report"));
            // A pipe that nobody reads.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            assert_eq!(code(&run(writer.into(), Stdio::piped())), exit, "{format}");
            // Nobody to complain to, either.
            assert_eq!(code(&run(full().into(), full().into())), exit, "{format}");
        }
    }
}
