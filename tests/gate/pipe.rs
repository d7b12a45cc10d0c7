//! `dumpgate pipe`: the kernel's contract replayed, and what becomes of dumps whose pipe ended.

use super::watch::until;
use super::{FAULT, clean_dump, code, key, leaking_dump, mode, program, text, verify};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const FAILPOINT: &str = "DUMPGATE_TEST_FAILPOINT";

/// A quarantine and a command that keeps what it gets.
struct Plumbing {
    directory: tempfile::TempDir,
    quarantine: PathBuf,
    command: PathBuf,
}

impl Plumbing {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let quarantine = directory.path().join("q");
        fs::create_dir(&quarantine).unwrap();
        let command = directory.path().join("command");
        // What it was given, each word in a line; directory, environment, descriptor 3; then the dump.
        let script = format!(
            "#!/bin/sh\n\
             d={}\n\
             {{ for word; do echo \"word $word\"; done; echo \"in $(pwd)\"; echo \"three $(cat 2>/dev/null <&3)\"; }} > $d/said\n\
             tr '\\0' '\\n' < /proc/$$/environ > $d/environ\n\
             cat > $d/dump\n\
             exit 7\n",
            directory.path().display()
        );
        fs::write(&command, script).unwrap();
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            directory,
            quarantine,
            command,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(["pipe", "--quarantine"])
            .arg(&self.quarantine)
            .args(options)
            .arg("--")
            .arg(&self.command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, options: &[&str], dump: &[u8]) -> Output {
        feed(self.command(options).spawn().unwrap(), dump)
    }

    /// What the command got, if it was started.
    fn passed(&self) -> Option<Vec<u8>> {
        fs::read(self.path("dump")).ok()
    }

    /// The quarantined dumps with their manifests.
    fn kept(&self) -> Vec<(Vec<u8>, Value)> {
        let mut kept = Vec::new();
        for (name, bytes) in super::files(&self.quarantine) {
            let name = name.into_string().unwrap();
            assert_eq!(mode(&self.quarantine.join(&name)), 0o600, "{name}");
            if !name.ends_with(".dumpgate.json") {
                let manifest = self.quarantine.join(format!("{name}.dumpgate.json"));
                let manifest = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
                kept.push((bytes, manifest));
            }
        }
        kept
    }

    fn incoming(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.quarantine.join(".incoming")) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "lock")
            .collect()
    }

    fn is_logged(&self) {
        let (code, said) = verify(&self.quarantine.join(".dumpgate/audit.jsonl"), None);
        assert_eq!(code, Some(0), "{said}");
    }

    fn events(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.quarantine.join(".dumpgate/audit.jsonl")).unwrap();
        log.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Gives all of `dump` to the pipe, which must take it, and waits for its end.
fn feed(mut pipe: Child, dump: &[u8]) -> Output {
    let mut stdin = pipe.stdin.take().unwrap();
    let written = stdin.write_all(dump);
    drop(stdin);
    let output = pipe.wait_with_output().unwrap();
    if output.status.code().is_some() {
        assert!(
            written.is_ok(),
            "not all was read: {}",
            text(&output.stderr)
        );
    }
    output
}

#[test]
fn the_kernels_contract_is_kept() {
    let plumbing = Plumbing::new();
    let three = plumbing.path("three");
    fs::write(&three, "a descriptor").unwrap();
    // As the kernel starts a handler: nothing in the environment, in the root directory, a descriptor 3 besides the
    // three, and the words as they stand.
    let mut kernel = Command::new("/usr/bin/env");
    kernel
        .args(["-i", "/bin/sh", "-c"])
        .arg(format!("exec \"$@\" 3<{}", three.display()))
        .arg("sh")
        .arg(program())
        .args(["pipe", "--quarantine"])
        .arg(&plumbing.quarantine)
        .arg("--")
        .arg(&plumbing.command)
        .args(["4711", "0", "a b", "", "!usr!bin!x", "--", "-1"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = feed(kernel.spawn().unwrap(), &clean_dump());
    assert_eq!(code(&output), Some(7), "{}", text(&output.stderr));
    assert!(plumbing.passed() == Some(clean_dump()));
    let said = fs::read_to_string(plumbing.path("said")).unwrap();
    assert_eq!(
        said,
        "word 4711\nword 0\nword a b\nword \nword !usr!bin!x\nword --\nword -1\nin /\nthree a descriptor\n"
    );
    // `sh` itself sets some.
    let environment = fs::read_to_string(plumbing.path("environ")).unwrap();
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        assert!(
            ["PWD", "SHLVL", "_", "OLDPWD", ""].contains(&name),
            "{line}"
        );
    }
    assert!(plumbing.kept().is_empty() && plumbing.incoming().is_empty());
    plumbing.is_logged();
    let events = plumbing.events();
    assert_eq!(events[0]["event"], "decided");
    assert_eq!(events[1]["event"], "passed");
    assert_eq!(events[1]["exit"], 7);
}

#[test]
fn a_leak_reaches_no_command() {
    let plumbing = Plumbing::new();
    let output = plumbing.run(&["--name", "core.4711"], &leaking_dump());
    assert_eq!(code(&output), Some(1));
    assert_eq!(plumbing.passed(), None);
    let kept = plumbing.kept();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].0 == leaking_dump());
    assert!(plumbing.quarantine.join("core.4711").exists());
    let manifest = &kept[0].1;
    assert_eq!(manifest["verdict"], "found");
    assert_eq!(
        manifest["options"]["command"][0]["text"],
        plumbing.command.to_str().unwrap()
    );
    assert!(plumbing.incoming().is_empty());
    plumbing.is_logged();
    // Whatever is found: everything is given on and recorded.
    let output = plumbing.run(&["--dry-run"], &leaking_dump());
    assert_eq!(code(&output), Some(7));
    assert!(plumbing.passed() == Some(leaking_dump()));
    assert_eq!(plumbing.kept().len(), 1);
    let events = plumbing.events();
    assert_eq!(events[1]["verdict"], "found");
    assert_eq!(events[1]["dry_run"], true);
}

#[test]
fn a_dump_that_cannot_be_judged_reaches_no_command() {
    let plumbing = Plumbing::new();
    let mut command = plumbing.command(&[]);
    command.env(FAULT, "abort -");
    let output = feed(command.spawn().unwrap(), b"nothing");
    assert_eq!(code(&output), Some(3), "{}", text(&output.stderr));
    assert_eq!(plumbing.passed(), None);
    assert_eq!(plumbing.kept()[0].1["verdict"], "incomplete");
}

#[test]
fn a_command_that_is_none_leaves_the_dump_in_quarantine() {
    let plumbing = Plumbing::new();
    fs::remove_file(&plumbing.command).unwrap();
    let output = plumbing.run(&[], b"nothing");
    assert_eq!(code(&output), Some(2), "{}", text(&output.stderr));
    let kept = plumbing.kept();
    assert_eq!(kept[0].0, b"nothing");
    assert_eq!(kept[0].1["verdict"], "incomplete");
    assert!(plumbing.incoming().is_empty());
    plumbing.is_logged();
}

#[test]
fn an_input_beyond_the_limit_is_drained_and_recorded() {
    let plumbing = Plumbing::new();
    // More than a pipe holds, so whoever wrote it would be told if nobody read on.
    let long = vec![b' '; 3 << 20];
    let output = plumbing.run(&["--max-size", "1M"], &long);
    assert_eq!(code(&output), Some(3), "{}", text(&output.stderr));
    assert_eq!(plumbing.passed(), None);
    let kept = plumbing.kept();
    assert_eq!(kept[0].0.len(), 1 << 20);
    assert_eq!(kept[0].1["received"], 3 << 20);
    assert_eq!(kept[0].1["verdict"], "incomplete");
    assert_eq!(plumbing.events()[0]["reasons"][0], "truncated");
    // What is kept is judged all the same, and one that fits goes on.
    let output = plumbing.run(&["--max-size", "1M"], &[key(), long].concat());
    assert_eq!(code(&output), Some(1));
    let output = plumbing.run(&["--max-size", "7"], b"nothing");
    assert_eq!(code(&output), Some(7));
}

#[test]
fn a_full_disk_starts_no_command_and_the_input_is_drained() {
    let mut is_over = false;
    for point in 1..60 {
        let plumbing = Plumbing::new();
        let mut command = plumbing.command(&[]);
        command.env(FAILPOINT, format!("full {point}"));
        let output = feed(command.spawn().unwrap(), &vec![b' '; 300 << 10]);
        if code(&output) == Some(7) {
            // The command had it when the disk got full.
            is_over = true;
            continue;
        }
        assert!(matches!(code(&output), Some(2 | 3)), "{point}");
        assert!(!is_over || plumbing.passed().is_some(), "{point}");
        // What was kept is recorded by the next one.
        let output = plumbing.run(&[], b"nothing");
        assert_eq!(code(&output), Some(7), "{point}: {}", text(&output.stderr));
        assert!(plumbing.incoming().is_empty(), "{point}");
        plumbing.is_logged();
    }
    assert!(is_over);
}

#[test]
fn what_a_dead_pipe_left_is_recorded_and_that_of_a_live_one_is_not_touched() {
    let plumbing = Plumbing::new();
    let size = |name: &str| {
        let mut size = 0;
        for entry in walk(&plumbing.quarantine.join(".incoming")) {
            if entry.file_name().is_some_and(|found| found == name) {
                size = fs::metadata(entry).map_or(0, |metadata| metadata.len());
            }
        }
        size
    };
    let begin = |name: &str| {
        let mut pipe = plumbing.command(&["--name", name]).spawn().unwrap();
        let mut stdin = pipe.stdin.take().unwrap();
        stdin.write_all(b"half of it").unwrap();
        until("spooled", || size(name) == 10);
        (pipe, stdin)
    };
    let (mut dead, _stdin) = begin("dead.core");
    dead.kill().unwrap();
    dead.wait().unwrap();
    let (live, mut stdin) = begin("live.core");
    let output = plumbing.run(&["--name", "other.core"], b"nothing");
    assert_eq!(code(&output), Some(7), "{}", text(&output.stderr));
    let kept = plumbing.kept();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].0, b"half of it");
    assert_eq!(kept[0].1["verdict"], "incomplete");
    assert!(plumbing.quarantine.join("dead.core").exists());
    assert_eq!(plumbing.incoming().len(), 1);
    stdin.write_all(b", and the rest").unwrap();
    drop(stdin);
    assert_eq!(code(&live.wait_with_output().unwrap()), Some(7));
    assert_eq!(plumbing.passed().unwrap(), b"half of it, and the rest");
    assert!(plumbing.incoming().is_empty());
    plumbing.is_logged();
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        found.push(entry.path());
        found.extend(walk(&entry.path()));
    }
    found
}

#[test]
fn a_pipe_may_be_killed_at_any_point() {
    for (dump, step) in [(b"nothing".to_vec(), 1), (key(), 3)] {
        let is_leak = dump != b"nothing";
        for point in (1..).step_by(step) {
            let plumbing = Plumbing::new();
            let mut command = plumbing.command(&["--name", "a.core"]);
            command.env(FAILPOINT, format!("kill {point}"));
            let first = feed(command.spawn().unwrap(), &dump);
            let passed = plumbing.passed();
            assert!(!is_leak || passed.is_none(), "{point}: a key is given on");
            let output = plumbing.run(&["--name", "b.core"], b"other");
            assert_eq!(code(&output), Some(7), "{point}: {}", text(&output.stderr));
            assert!(plumbing.incoming().is_empty(), "{point}");
            plumbing.is_logged();
            // All of it, or what was spooled when the pipe ended.
            for (kept, manifest) in plumbing.kept() {
                assert!(dump.starts_with(&kept), "{point}");
                assert_ne!(manifest["verdict"], "clean", "{point}");
            }
            assert!(plumbing.kept().len() <= 1, "{point}");
            if code(&first).is_some() {
                assert!(point > 20, "{point}");
                assert_eq!(passed.is_some(), !is_leak);
                break;
            }
        }
    }
}
