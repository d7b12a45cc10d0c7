//! Files are judged in a child process: it dies, hangs, lies, and the rest is judged all the same.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test stops at the first surprise

use dumpgate::outcome::{DumpOutcome, Reason, Verdict};
use dumpgate::policy::Policy;
use dumpgate::worker::{Cause, Handle, Hash, Judged, Options, Question, Supervisor};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What asks a worker of a debug build to commit a fault.
const FAULT: &str = "DUMPGATE_TEST_FAULT";

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("dumpgate").to_path_buf()
}

fn scan(arguments: &[&str], paths: &[&Path]) -> Command {
    let mut command = Command::new(program());
    command
        .args(["scan", "--format", "json"])
        .args(arguments)
        .args(paths)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The dumps of a report, and the exit code.
fn dumps(output: &Output) -> (Vec<Value>, Option<i32>) {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (
        report["dumps"].as_array().unwrap().clone(),
        output.status.code(),
    )
}

/// The reasons in a dump of a report.
fn reasons(dump: &Value) -> Vec<&str> {
    let missing = dump["coverage"]["missing"].as_array().unwrap();
    missing
        .iter()
        .map(|missing| missing["reason"].as_str().unwrap())
        .collect()
}

/// Three files in a directory: a small one, one to go wrong, and a key.
struct Spool {
    directory: tempfile::TempDir,
}

impl Spool {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.core"), b"nothing here").unwrap();
        fs::write(directory.path().join("b.core"), b"something else").unwrap();
        let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys/p256.pkcs8.pem");
        fs::copy(key, directory.path().join("c.core")).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes the file that goes wrong a hole of many bytes, which takes a scan long and no room.
    fn with_hole(self) -> Self {
        let file = File::create(self.path("b.core")).unwrap();
        file.set_len(HOLE).unwrap();
        self
    }
}

/// Bytes of a hole that takes a scan many seconds.
const HOLE: u64 = 256 << 30;

/// The workers of a process that runs, by number.
fn workers(parent: &Child) -> Vec<u32> {
    let mut workers = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let name = entry.unwrap().file_name();
        let Ok(process) = name.to_string_lossy().parse::<u32>() else {
            continue;
        };
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let parent = format!("PPid:\t{}\n", parent.id());
        if status.contains(&parent) {
            workers.push(process);
        }
    }
    workers
}

/// Waits until a worker of `parent` maps a file of the size of a hole.
fn busy_worker(parent: &Child) -> u32 {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(60) {
        for worker in workers(parent) {
            let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap_or_default();
            let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
            let kilobytes = size.and_then(|size| size.trim().trim_end_matches(" kB").parse().ok());
            if kilobytes.is_some_and(|kilobytes: u64| kilobytes > HOLE >> 10) {
                return worker;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no worker maps the file");
}

/// The second of three dumps is incomplete for `reason`; the others are as they are.
fn only_the_second_fails(output: &Output, reason: &str) -> Value {
    let (dumps, code) = dumps(output);
    assert_eq!(dumps.len(), 3);
    assert_eq!(dumps[0]["verdict"], "clean");
    assert_eq!(dumps[1]["verdict"], "incomplete");
    assert_eq!(reasons(&dumps[1]), [reason], "{}", dumps[1]);
    assert_eq!(dumps[1]["coverage"]["scanned"], 0);
    assert_eq!(dumps[2]["verdict"], "found");
    assert_eq!(code, Some(1));
    dumps[1].clone()
}

fn message(dump: &Value) -> &str {
    dump["error"]["message"].as_str().unwrap()
}

#[test]
fn a_file_that_is_cut_during_its_scan_is_incomplete() {
    let spool = Spool::new().with_hole();
    let parent = scan(&[], &[spool.directory.path()]).spawn().unwrap();
    busy_worker(&parent);
    let file = File::options().write(true).open(spool.path("b.core"));
    file.unwrap().set_len(4096).unwrap();
    let output = parent.wait_with_output().unwrap();
    let dump = only_the_second_fails(&output, "worker-died");
    assert!(message(&dump).contains("signal 7 (SIGBUS)"), "{dump}");
    assert!(message(&dump).contains("bytes shorter"), "{dump}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("b.core`: the worker that judged it"),
        "{said}"
    );
}

#[test]
fn a_killed_worker_costs_one_file() {
    let spool = Spool::new().with_hole();
    let parent = scan(&[], &[spool.directory.path()]).spawn().unwrap();
    let worker = busy_worker(&parent);
    kill(worker);
    let output = parent.wait_with_output().unwrap();
    let dump = only_the_second_fails(&output, "worker-died");
    assert!(message(&dump).contains("signal 9 (SIGKILL)"), "{dump}");
}

fn kill(process: u32) {
    let process = rustix::process::Pid::from_raw(process as i32).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_file_has_the_time_it_is_given() {
    let spool = Spool::new().with_hole();
    let since = Instant::now();
    let output = scan(&["--timeout", "1"], &[spool.directory.path()])
        .output()
        .unwrap();
    let dump = only_the_second_fails(&output, "timed-out");
    assert!(message(&dump).contains("after 1 seconds"), "{dump}");
    assert!(since.elapsed() >= Duration::from_secs(1));
    // Alone, it makes the exit code.
    let output = scan(&["--timeout", "1"], &[&spool.path("b.core")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn too_little_memory_is_told() {
    let spool = Spool::new();
    let output = scan(&["--max-worker-memory", "64K"], &[spool.directory.path()])
        .output()
        .unwrap();
    let (dumps, code) = dumps(&output);
    assert_eq!(code, Some(3), "{dumps:?}");
    assert_eq!(dumps.len(), 3);
    for dump in &dumps {
        assert_eq!(dump["verdict"], "incomplete");
    }
}

#[test]
fn a_worker_ends_with_its_parent() {
    let spool = Spool::new().with_hole();
    let mut parent = scan(&[], &[spool.directory.path()]).spawn().unwrap();
    let worker = busy_worker(&parent);
    parent.kill().unwrap();
    parent.wait().unwrap();
    let since = Instant::now();
    let is_alive = || {
        let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap_or_default();
        !status.is_empty() && !status.contains("State:\tZ")
    };
    while is_alive() {
        assert!(since.elapsed() < Duration::from_secs(20), "it lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_kernel_says_that_a_worker_is_confined() {
    let spool = Spool::new().with_hole();
    let mut parent = scan(&[], &[spool.directory.path()]).spawn().unwrap();
    let worker = busy_worker(&parent);
    let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap_or_default();
    let threads: Vec<String> = fs::read_dir(format!("/proc/{worker}/task"))
        .unwrap()
        .map(|thread| fs::read_to_string(thread.unwrap().path().join("status")).unwrap())
        .collect();
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(&words[4..6], ["0", "0"], "{limits}");
    if in_force("seccomp") {
        assert!(threads.len() > 1);
        for thread in threads {
            assert!(thread.contains("Seccomp:\t2"), "{thread}");
        }
    }
}

/// Whether the program says that this is in force here.
fn in_force(name: &str) -> bool {
    let output = Command::new(program())
        .args(["--version", "--verbose"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find(|line| line.trim_start().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("nothing of {name}: {text}"));
    !line.contains("NOT in force")
}

#[test]
fn a_verbose_version_says_what_is_in_force() {
    for name in [
        "core-limit",
        "memory-limit",
        "not-dumpable",
        "no-new-privileges",
        "parent-death",
    ] {
        assert!(in_force(name), "{name}");
    }
    // These are the kernel's to have; that they are told is all that is promised.
    in_force("landlock");
    in_force("seccomp");
    let short = Command::new(program()).arg("--version").output().unwrap();
    let expected = format!("dumpgate {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(short.stdout).unwrap(), expected);
}

#[test]
fn a_worker_without_a_parent_says_so() {
    use std::os::unix::process::CommandExt;
    let output = Command::new(program())
        .arg0("dumpgate-worker")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("started by dumpgate itself"), "{said}");
}

/// What becomes of three files when the worker commits `fault` on the second.
fn with_fault(fault: &str, arguments: &[&str]) -> Output {
    let spool = Spool::new();
    scan(arguments, &[spool.directory.path()])
        .env(FAULT, format!("{fault} b.core"))
        .output()
        .unwrap()
}

#[test]
fn whatever_a_worker_does_only_its_file_is_incomplete() {
    if !cfg!(debug_assertions) {
        return; // a release build commits no faults
    }
    for (fault, arguments, reason, words) in [
        ("panic", &[][..], "worker-died", "exit code 101"),
        ("abort", &[], "worker-died", "signal 6 (SIGABRT)"),
        ("exit", &[], "worker-died", "exit code 0"),
        ("hang", &["--timeout", "2"], "timed-out", "2 seconds"),
        (
            "eat",
            &["--max-worker-memory", "512M"],
            "out-of-memory",
            "536870912 bytes",
        ),
        ("babble", &[], "internal-error", "malformed answer"),
    ] {
        let dump = only_the_second_fails(&with_fault(fault, arguments), reason);
        assert!(message(&dump).contains(words), "{fault}: {dump}");
    }
}

#[test]
fn a_worker_can_do_nothing_but_scan() {
    if !cfg!(debug_assertions) || !in_force("landlock") || !in_force("seccomp") {
        return;
    }
    let output = with_fault("probe", &[]);
    let (dumps, code) = dumps(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(dumps[1]["verdict"], "clean", "{said}");
    assert_eq!(code, Some(1));
}

/// What the supervisor makes of a file.
fn judged(supervisor: &mut Supervisor, path: &Path, hash: Hash) -> (Judged, Vec<DumpOutcome>) {
    let file = File::open(path).unwrap();
    let question = Question {
        path,
        file: &file,
        handle: Handle::File,
        hash,
    };
    let mut outcomes = Vec::new();
    let watch = |_: &str, _: u64| -> Box<dyn dumpgate::scan::Progress> { Box::new(()) };
    let judged = supervisor.judge(&question, &watch, &mut |_| (), &mut |outcome| {
        outcomes.push(outcome);
        ControlFlow::Continue(())
    });
    (judged, outcomes)
}

fn supervisor() -> Supervisor {
    let options = Options {
        threads: 1,
        ..Options::default()
    };
    Supervisor::new(options, Policy::default()).program(program())
}

#[test]
fn a_worker_hashes_what_it_judged() {
    let spool = Spool::new();
    let mut supervisor = supervisor();
    for name in ["a.core", "c.core"] {
        let bytes = fs::read(spool.path(name)).unwrap();
        let (judged, outcomes) = judged(&mut supervisor, &spool.path(name), Hash::Sha256);
        let expected = Judged::Whole {
            size: Some(bytes.len() as u64),
            sha256: Some(Sha256::digest(&bytes).into()),
        };
        assert_eq!(judged, expected);
        assert_eq!(outcomes.len(), 1);
        assert_eq!(outcomes[0].path, spool.path(name));
        assert_eq!(outcomes[0].sha256, None);
    }
    let (judged, _) = judged(&mut supervisor, &spool.path("a.core"), Hash::None);
    let expected = Judged::Whole {
        size: Some(12),
        sha256: None,
    };
    assert_eq!(judged, expected);
    assert_eq!(supervisor.deaths(), 0);
}

/// A program that does as the script says, and is no worker.
fn liar(directory: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::OpenOptionsExt;
    let path = directory.join("liar");
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o700)
        .open(&path)
        .unwrap();
    writeln!(file, "#!/bin/sh\n{script}").unwrap();
    path
}

#[test]
fn a_program_that_is_no_worker_is_believed_nothing() {
    let spool = Spool::new();
    for (script, is_expected) in [
        (
            "exit 0",
            (|cause| *cause == Cause::Exit(0)) as fn(&Cause) -> bool,
        ),
        ("echo clean >&0; sleep 5", |cause| {
            *cause == Cause::Exit(0) || *cause == Cause::Malformed
        }),
        ("head -c 400 /dev/zero >&0; sleep 5", |cause| {
            *cause == Cause::Malformed
        }),
        ("kill -SEGV $$", |cause| *cause == Cause::Signal(11)),
    ] {
        let liar = liar(spool.directory.path(), script);
        let mut supervisor = supervisor().program(liar);
        let (judged, outcomes) = judged(&mut supervisor, &spool.path("a.core"), Hash::Sha256);
        let Judged::Died(death) = judged else {
            panic!("{script}: {judged:?}");
        };
        assert!(is_expected(&death.cause), "{script}: {death:?}");
        assert_eq!(outcomes.len(), 1);
        assert_eq!(outcomes[0].verdict, Verdict::Incomplete);
        assert!(matches!(
            outcomes[0].reasons()[..],
            [Reason::WorkerDied | Reason::InternalError]
        ));
    }
    let mut absent = supervisor().program(spool.path("absent"));
    let (judged, outcomes) = judged(&mut absent, &spool.path("a.core"), Hash::None);
    assert!(matches!(judged, Judged::Died(_)));
    assert_eq!(outcomes[0].reasons(), [Reason::InternalError]);
}

#[test]
fn a_stream_is_judged_in_a_worker_too() {
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys/p256.pkcs8.pem");
    let bytes = fs::read(&key).unwrap();
    let mut child = scan(&[], &[Path::new("-")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let piped = child.wait_with_output().unwrap();
    let mapped = scan(&[], &[Path::new("-")])
        .stdin(File::open(&key).unwrap())
        .output()
        .unwrap();
    assert_eq!(dumps(&piped).1, Some(1));
    assert_eq!(dumps(&piped).0, dumps(&mapped).0);
}
