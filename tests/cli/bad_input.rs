//! Input that is empty, damaged, hostile or no file at all.

use super::common::{Segment, each, elf_core, key, noise};
use super::samples::samples;
use super::{code, command, dumpgate, json, stderr, write};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The report and exit code of one file; standard error must be calm.
fn judge(path: &Path) -> (Value, i32) {
    let output = command()
        .args(["scan", "--format", "json", "--threads", "1"])
        .arg(path)
        .output()
        .unwrap();
    let told = stderr(&output);
    assert!(told.lines().count() <= 1, "{told}");
    assert!(!told.contains("internal error"), "{told}");
    (
        serde_json::from_slice(&output.stdout).unwrap(),
        code(&output),
    )
}

#[test]
fn an_empty_file_is_clean() {
    let directory = tempfile::tempdir().unwrap();
    let (report, code) = judge(&write(directory.path(), "empty", b""));
    assert_eq!(
        (&report["dumps"][0]["verdict"], code),
        (&Value::from("clean"), 0)
    );
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_refused_without_waiting() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    assert!(
        std::process::Command::new("mkfifo")
            .arg(at("fifo"))
            .status()
            .unwrap()
            .success()
    );
    let _listener = UnixListener::bind(at("socket")).unwrap();
    symlink(at("loop"), at("loop")).unwrap();
    symlink(directory.path(), at("up")).unwrap();
    for (path, expected) in [
        (at("fifo"), "is a FIFO, expected a regular file"),
        (at("socket"), "is a socket, expected a regular file"),
        (
            Path::new("/dev/zero").to_path_buf(),
            "is a device, expected a regular file",
        ),
        (at("loop"), "failed to open"),
    ] {
        let output = dumpgate([Path::new("scan"), &path]);
        assert_eq!(code(&output), 2, "{}", path.display());
        let told = stderr(&output);
        assert!(
            told.lines().count() == 1 && told.contains(expected),
            "{told}"
        );
    }
    let output = dumpgate([Path::new("scan"), directory.path()]);
    assert_eq!(code(&output), 2);
    write(directory.path(), "key", &key("p256.sec1.pem"));
    let output = dumpgate([Path::new("scan"), directory.path()]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("skipped 4 entries"),
        "{}",
        stderr(&output)
    );
    let quiet = dumpgate([Path::new("scan"), Path::new("--quiet"), directory.path()]);
    assert_eq!(stderr(&quiet), "");
}

#[test]
fn a_dump_cut_anywhere_is_scanned_as_far_as_it_goes() {
    each(samples(), |(path, _)| {
        let directory = tempfile::tempdir().unwrap();
        let data = fs::read(&path).unwrap();
        let whole = json([&path]);
        let step = (data.len() / 24).next_multiple_of(4096);
        for length in (0..data.len())
            .step_by(step)
            .chain([4, 5, 17, 31, 33, 63, 65, 100])
        {
            let (report, code) = judge(&write(directory.path(), "cut", &data[..length]));
            let dump = &report["dumps"][0];
            assert_eq!(dump["coverage"]["scanned"], length);
            assert_eq!(code == 0, dump["verdict"] == "clean");
            if length >= 4 {
                let truncated = &dump["truncated"];
                assert_eq!(
                    truncated["present"],
                    length,
                    "{} cut at {length}",
                    path.display()
                );
                assert!(truncated["declared"].as_u64().unwrap() > length as u64);
                assert_eq!(dump["coverage"]["missing"][0]["reason"], "truncated");
                assert!(
                    code == 1 || code == 3,
                    "{} cut at {length}: {code}",
                    path.display()
                );
            }
        }
        assert_eq!(
            whole["dumps"][0]["truncated"],
            Value::Null,
            "{}",
            path.display()
        );
    });
}

#[test]
fn lying_headers_cost_labels_only() {
    // Each field of a format meets all lies in one sample or another.
    let all = [[0u32, u32::MAX], [1, 0x7fff_ffff]];
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (path, expected) in samples() {
        let turn = seen.entry(expected["format"].to_string()).or_default();
        let lies = all[*turn % all.len()];
        *turn += 1;
        let data = fs::read(&path).unwrap();
        let names = |report: &Value| -> Vec<Value> {
            let findings = report["dumps"][0]["findings"].as_array().unwrap();
            findings
                .iter()
                .map(|finding| finding["spki_sha256"].clone())
                .collect()
        };
        let whole = names(&json([&path]));
        let header = if expected["format"] == "minidump" {
            128
        } else {
            64 + 56
        };
        each((0..header).step_by(4), |at| {
            let directory = tempfile::tempdir().unwrap();
            for lie in lies {
                let mut changed = data.clone();
                changed[at..at + 4].copy_from_slice(&lie.to_le_bytes());
                let (report, code) = judge(&write(directory.path(), "lie", &changed));
                assert_eq!(report["dumps"][0]["coverage"]["scanned"], data.len());
                assert_eq!(
                    names(&report),
                    whole,
                    "{} with {lie:#x} at {at:#x}",
                    path.display()
                );
                assert!([0, 1, 3].contains(&code));
            }
        });
    }
    assert!(seen.len() == 2 && seen.values().all(|samples| *samples >= all.len()));
}

#[test]
fn a_core_whose_header_is_damaged_is_incomplete() {
    let directory = tempfile::tempdir().unwrap();
    let core = elf_core(&[Segment::new(0x7000, vec![0; 0x1000])], 0);
    let (report, status) = judge(&write(directory.path(), "sound", &core));
    assert_eq!(
        (&report["dumps"][0]["verdict"], status),
        (&"clean".into(), 0)
    );
    // Class, version, size and number of program headers.
    for (at, bytes) in [
        (4, &[7][..]),
        (6, &[9]),
        (54, &[0, 0]),
        (56, &[0, 0]),
        (56, &[0xff; 2]),
    ] {
        let mut core = core.clone();
        core[at..at + bytes.len()].copy_from_slice(bytes);
        let (report, status) = judge(&write(directory.path(), "damaged", &core));
        let dump = &report["dumps"][0];
        assert_eq!(
            (&dump["verdict"], status),
            (&"incomplete".into(), 3),
            "{at}"
        );
        assert_eq!(dump["coverage"]["missing"][0]["reason"], "damaged", "{at}");
    }
}

#[test]
fn memory_left_out_by_design_is_not_incomplete() {
    let mut segment = Segment::new(0x1000, noise(4096, 1));
    segment.memory_size = 10_000;
    let directory = tempfile::tempdir().unwrap();
    let (report, code) = judge(&write(directory.path(), "core", &elf_core(&[segment], 0)));
    assert_eq!(report["dumps"][0]["coverage"]["not_dumped"], 10_000 - 4096);
    assert_eq!(code, 0);
}

#[test]
fn containers_are_never_clean() {
    let directory = tempfile::tempdir().unwrap();
    let magics: &[&[u8]] = &[
        b"\x1f\x8b\x08\0",
        b"\x28\xb5\x2f\xfd",
        b"\xfd7zXZ\0",
        b"BZh9",
        b"\x04\x22\x4d\x18",
        b"PK\x03\x04",
        b"7z\xbc\xaf\x27\x1c",
        b"MSCF\0\0\0\0",
        b"ProblemType: Crash\n",
    ];
    for magic in magics {
        let (report, code) = judge(&write(
            directory.path(),
            "a.dmp",
            &[magic, &noise(500, 1)[..]].concat(),
        ));
        assert_eq!(code, 3, "{magic:x?}");
        let dumps = report["dumps"].as_array().unwrap();
        let own = dumps
            .iter()
            .find(|dump| dump["members"] == serde_json::json!([]));
        let reason = &own.unwrap()["coverage"]["missing"][0]["reason"];
        assert!(
            *reason == "damaged" || *reason == "unsupported-method",
            "{magic:x?}: {reason}"
        );
        let (report, code) = judge(&write(
            directory.path(),
            "b.dmp",
            &[magic, &key("p256.sec1.pem")[..]].concat(),
        ));
        assert_eq!(
            (code, &report["verdict"]),
            (1, &Value::from("found")),
            "{magic:x?}"
        );
    }
}
