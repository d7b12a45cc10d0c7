//! A directory that stands for a machine, on which the shipped files are installed.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A directory that stands for the machine, and the shipped files with their paths led into it.
pub struct Machine(pub tempfile::TempDir);

impl Machine {
    /// One with an empty quarantine.
    pub fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.make(KEPT);
        machine
    }

    /// Where `path` of the real machine is.
    pub fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    pub fn make(&self, directory: &str) -> PathBuf {
        fs::create_dir_all(self.at(directory)).unwrap();
        self.at(directory)
    }

    pub fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A program at `path` that is this text.
    pub fn program(&self, path: &str, script: &str) -> PathBuf {
        let path = self.put(path, self.led(script).as_bytes());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// `text` with its paths led here.
    pub fn led(&self, text: &str) -> String {
        let here = self.0.path().to_str().unwrap();
        let real = assert_cmd::cargo::cargo_bin!("dumpgate");
        let mut text = text.to_owned();
        for place in [
            "/var/",
            "/dumps",
            "/released",
            "/bucket",
            "/app/",
            "/usr/lib/",
        ] {
            // Not within a longer path.
            for before in [" ", "\"", "=", "'", "`", "\n"] {
                text = text.replace(
                    &format!("{before}{place}"),
                    &format!("{before}{here}{place}"),
                );
            }
        }
        text.replace("/usr/bin/dumpgate", real.to_str().unwrap())
    }

    /// Whether this file is there by now.
    pub fn has(&self, directory: &str, name: &str) -> bool {
        self.at(directory).join(name).exists()
    }

    /// The files in quarantine, which no gate works at meanwhile, but for manifests, which each must have.
    pub fn kept(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = files(&self.at(KEPT));
        let names: Vec<String> = files.keys().cloned().collect();
        for name in names.iter().filter(|name| !name.ends_with(MANIFEST)) {
            let manifest = files.remove(&format!("{name}{MANIFEST}"));
            let manifest: Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
            assert_eq!(manifest["fate"], "quarantine", "{name}");
            let path = self.at(KEPT).join(name);
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        files
    }

    /// Runs a gate that stays by these words until `is_done`, then ends it as a service manager does.
    pub fn watch(&self, words: &[String], is_done: impl Fn() -> bool) {
        let gate = Command::new(&words[0])
            .args(&words[1..])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut gate = Running(gate.unwrap());
        until(is_done);
        let process = rustix::process::Pid::from_child(&gate.0);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        assert_eq!(gate.0.wait().unwrap().code(), Some(0));
    }
}

/// A process that does not outlive its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

pub const KEPT: &str = "/var/lib/dumpgate/kept";
pub const RELEASED: &str = "/var/lib/dumpgate/released";
const MANIFEST: &str = ".dumpgate.json";

pub fn until(is_done: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_done() {
        assert!(since.elapsed() < Duration::from_secs(120), "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn shipped(name: &str) -> String {
    let path = root().join("scripts/integrations").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn sample(name: &str) -> Vec<u8> {
    fs::read(root().join("samples").join(name)).unwrap()
}

pub fn clean() -> Vec<u8> {
    sample("clean-lua-verifier/clean-lua-verifier.core")
}

pub fn leaking() -> Vec<u8> {
    sample("sh-signer-p256/sh-signer-p256.core")
}

pub fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

pub fn names(directory: &Path) -> Vec<String> {
    files(directory).into_keys().collect()
}

/// Gives `input` to `command`, and waits for its end.
pub fn feed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// The values of `name` in a unit and its drop-ins, in order.
pub fn settings(units: &[&str], name: &str) -> Vec<String> {
    let lines = units.iter().flat_map(|unit| unit.lines());
    let values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    values.map(str::to_owned).collect()
}

/// The words of the unit's `ExecStart=`, with the variables that it and its drop-ins set.
fn exec_start(units: &[&str]) -> Vec<String> {
    let mut line = settings(units, "ExecStart").pop().unwrap();
    let mut variables = BTreeMap::new();
    for value in settings(units, "Environment") {
        for pair in value.split(' ') {
            let (name, value) = pair.split_once('=').unwrap();
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    for (name, value) in &variables {
        line = line.replace(&format!("${{{name}}}"), value);
    }
    assert!(!line.contains('$'), "{line}");
    line.split(' ').map(str::to_owned).collect()
}

/// The unit with these drop-ins, its paths led into `machine`, and the directories of its tmpfiles made.
pub fn unit(machine: &Machine, drop_ins: &[&str]) -> Vec<String> {
    let mut units = vec![shipped("systemd/dumpgate.service")];
    units.extend(drop_ins.iter().map(|name| shipped(name)));
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    for line in shipped("systemd/tmpfiles.conf").lines() {
        if let Some(directory) = line
            .split_whitespace()
            .nth(1)
            .filter(|_| line.starts_with("d "))
        {
            machine.make(directory);
        }
    }
    let words = exec_start(&units);
    // What the gate writes to must be writable in the unit.
    let writable = settings(&units, "ReadWritePaths");
    for path in words.iter().filter(|word| word.starts_with("/var/")) {
        let is_below = |place: &String| Path::new(path).starts_with(place);
        assert!(writable.iter().any(is_below), "{path}: {writable:?}");
    }
    let led = words.iter().map(|word| machine.led(&format!(" {word}")));
    led.map(|word| word.trim_start().to_owned()).collect()
}
