//! The gate: every dump ends in one of two places, whatever happens, and nothing with a key in it is released.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod log;
mod pipe;
mod policy;
mod power;
mod side;
mod store;
mod storms;
mod struck;
mod told;
mod watch;

use rustix::fs::{Mode, OFlags, XattrFlags};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What asks a worker of a debug build to commit a fault.
const FAULT: &str = "DUMPGATE_TEST_FAULT";
/// Bytes of a file without any: a while's work for the gate, a page for the disk.
const HOLE: u64 = 1 << 28;

/// The three directories of a gate.
struct House {
    _directories: Vec<tempfile::TempDir>,
    spool: PathBuf,
    release: PathBuf,
    quarantine: PathBuf,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_path_buf();
        Self::of(vec![directory], &path, &path, &path)
    }

    /// One whose dumps go to another file system; `None` where there is none.
    fn across() -> Option<Self> {
        let near = tempfile::tempdir().unwrap();
        let far = tempfile::tempdir_in("/dev/shm").ok()?;
        let device = |directory: &tempfile::TempDir| fs::metadata(directory.path()).unwrap().dev();
        if device(&near) == device(&far) {
            return None;
        }
        let (a, b) = (near.path().to_path_buf(), far.path().to_path_buf());
        Some(Self::of(vec![near, far], &a, &b, &b))
    }

    fn of(directories: Vec<tempfile::TempDir>, a: &Path, b: &Path, c: &Path) -> Self {
        let house = Self {
            _directories: directories,
            spool: a.join("spool"),
            release: b.join("release"),
            quarantine: c.join("quarantine"),
        };
        for path in [&house.spool, &house.release, &house.quarantine] {
            fs::create_dir(path).unwrap();
        }
        house
    }

    /// A gate that waits for no writer, if `arguments` do not say so.
    fn gate(&self, arguments: &[&str]) -> Command {
        let wait: &[&str] = match arguments.contains(&"--wait") {
            true => &[],
            false => &["--wait", "0"],
        };
        let mut command = Command::new(program());
        command
            .arg("gate")
            .arg(&self.spool)
            .arg("--release")
            .arg(&self.release)
            .arg("--quarantine")
            .arg(&self.quarantine)
            .args(wait)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.gate(arguments).output().unwrap()
    }

    fn log(&self) -> PathBuf {
        self.quarantine.join(".dumpgate/audit.jsonl")
    }

    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.log()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn count(&self, event: &str) -> usize {
        let events = self.events();
        events.iter().filter(|seen| seen["event"] == event).count()
    }

    fn put(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> PathBuf {
        let path = self.spool.join(name.as_ref());
        fs::write(&path, bytes).unwrap();
        path
    }

    /// All is in its place: `clean` and `leaking` count dumps by their bytes, and nothing else is anywhere.
    fn is_settled(&self, clean: &[(&str, &[u8])], leaking: &[(&str, &[u8])], why: &str) {
        let released = files(&self.release);
        let mut wanted: BTreeMap<OsString, Vec<u8>> = BTreeMap::new();
        for (name, bytes) in clean {
            wanted.insert(name.into(), bytes.to_vec());
        }
        assert!(released == wanted, "{why}: released {:?}", released.keys());
        let mut quarantined = files(&self.quarantine);
        for (name, bytes) in leaking {
            let dump = quarantined.remove(OsStr::new(name));
            assert!(dump.as_deref() == Some(*bytes), "{why}: no {name}");
            let manifest = quarantined.remove(OsStr::new(&format!("{name}.dumpgate.json")));
            let manifest: Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
            assert_eq!(manifest["fate"], "quarantine", "{why}");
            assert_eq!(manifest["verdict"], "found", "{why}");
            let path = self.quarantine.join(name);
            assert_eq!(mode(&path), 0o600, "{why}");
        }
        assert!(quarantined.is_empty(), "{why}: {:?}", quarantined.keys());
        assert_eq!(files(&self.spool).len(), 0, "{why}");
        let claims = self.spool.join(".dumpgate");
        let left: Vec<OsString> = fs::read_dir(claims)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["lock"], "{why}");
        let (code, said) = verify(&self.log(), None);
        assert_eq!(code, Some(0), "{why}: {said}");
    }
}

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("dumpgate").to_path_buf()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn clean_dump() -> Vec<u8> {
    fs::read(root().join("samples/clean-lua-verifier/clean-lua-verifier.core")).unwrap()
}

fn leaking_dump() -> Vec<u8> {
    fs::read(root().join("samples/sh-deploy-ed25519/sh-deploy-ed25519.dmp")).unwrap()
}

fn key() -> Vec<u8> {
    fs::read(root().join("tests/keys/p256.pkcs8.pem")).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The regular files in a directory.
fn files(directory: &Path) -> BTreeMap<OsString, Vec<u8>> {
    fs::read_dir(directory)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
        .collect()
}

fn verify(log: &Path, head: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(program());
    command.args(["audit", "verify"]).arg(log);
    if let Some(head) = head {
        command.args(["--head", head]);
    }
    let output = command.output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    (code(&output), said)
}

#[test]
fn a_clean_dump_is_released_as_it_was() {
    let house = House::new();
    let path = house.put("clean.core", &clean_dump());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let file = File::open(&path).unwrap();
    let name = "user.coredump.pid";
    rustix::fs::fsetxattr(&file, name, b"4711", XattrFlags::empty()).unwrap();
    let then = std::time::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    let times = fs::FileTimes::new().set_accessed(then).set_modified(then);
    file.set_times(times).unwrap();
    drop(file);
    let inode = fs::metadata(&path).unwrap().ino();
    // The same again, in a copy: it has another name elsewhere.
    let linked = house.spool.join("linked.core");
    fs::copy(&path, &linked).unwrap();
    let other = house.release.parent().unwrap().join("other");
    fs::hard_link(&linked, &other).unwrap();
    let file = File::open(&linked).unwrap();
    rustix::fs::fsetxattr(&file, name, b"4711", XattrFlags::empty()).unwrap();
    file.set_times(times).unwrap();

    let output = house.run(&[]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    for name in ["clean.core", "linked.core"] {
        let released = house.release.join(name);
        let metadata = fs::metadata(&released).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o640, "{name}");
        assert_eq!(metadata.modified().unwrap(), then, "{name}");
        assert_eq!(metadata.nlink(), 1, "{name}");
        let mut value = [0; 16];
        let length = rustix::fs::getxattr(&released, "user.coredump.pid", &mut value).unwrap();
        assert_eq!(&value[..length], b"4711", "{name}");
    }
    let ino = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(ino(&house.release.join("clean.core")), inode);
    assert_ne!(ino(&house.release.join("linked.core")), ino(&other));
    let clean = clean_dump();
    house.is_settled(&[("clean.core", &clean), ("linked.core", &clean)], &[], "");
}

#[test]
fn a_leaking_dump_is_quarantined_with_a_manifest() {
    let house = House::new();
    let path = house.put("leak.dmp", &leaking_dump());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(1));
    let said = text(&output.stdout);
    assert!(said.starts_with("quarantined  leak.dmp: found, 1 key; ed25519"));
    let manifest = fs::read(house.quarantine.join("leak.dmp.dumpgate.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["file"]["mode"], 0o644);
    assert_eq!(manifest["size"], leaking_dump().len());
    assert_eq!(manifest["path"]["text"], path.to_str().unwrap());
    assert_eq!(manifest["dumps"][0]["findings"][0]["counts"], true);
    assert_eq!(
        mode(&house.quarantine.join("leak.dmp.dumpgate.json")),
        0o600
    );
    house.is_settled(&[], &[("leak.dmp", &leaking_dump())], "");
    let events = house.events();
    assert_eq!(events[0]["event"], "decided");
    assert_eq!(events[0]["keys"][0]["kind"], "ed25519-private-key");
}

#[test]
fn a_dry_run_releases_all_and_records_all() {
    let house = House::new();
    house.put("leak.dmp", &leaking_dump());
    let output = house.run(&["--dry-run", "--format", "json"]);
    assert_eq!(code(&output), Some(0));
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&line["verdict"], &line["fate"]),
        (&"found".into(), &"release".into())
    );
    assert_eq!(line["dry_run"], true);
    assert_eq!(house.events()[0]["verdict"], "found");
    assert_eq!(house.events()[0]["dry_run"], true);
    house.is_settled(&[("leak.dmp", &leaking_dump())], &[], "");
}

#[test]
fn what_a_descriptor_from_before_writes_is_never_released_unjudged() {
    let house = House::new();
    let bytes = clean_dump();
    let path = house.put("written.core", &bytes);
    let mut writer = File::options().append(true).open(&path).unwrap();
    let gate = house.gate(&[]).spawn().unwrap();
    while path.exists() {
        std::thread::sleep(Duration::from_micros(100));
    }
    writer.write_all(&key()).unwrap();
    let output = gate.wait_with_output().unwrap();
    writer.write_all(&key()).unwrap();
    let released = files(&house.release);
    let quarantined = files(&house.quarantine);
    let inode = writer.metadata().unwrap().ino();
    match released.get(OsStr::new("written.core")) {
        // Copied before the key came.
        Some(dump) => {
            assert!(dump == &bytes);
            assert!(quarantined.is_empty());
            let released = fs::metadata(house.release.join("written.core")).unwrap();
            assert_ne!(released.ino(), inode);
            assert_eq!(code(&output), Some(0));
        }
        None => assert!(quarantined.contains_key(OsStr::new("written.core"))),
    }
    assert_eq!(verify(&house.log(), None).0, Some(0));
}

#[test]
fn a_dump_that_is_opened_for_writing_while_it_is_judged_is_judged_again() {
    let house = House::new();
    let path = house.spool.join("hole.core");
    let file = File::create(&path).unwrap();
    file.set_len(HOLE).unwrap();
    drop(file);
    let reader = File::open(&path).unwrap();
    let inode = reader.metadata().unwrap().ino();
    let mut gate = house.gate(&["--threads", "1"]).spawn().unwrap();
    let since = Instant::now();
    let lease = format!(":{inode} ");
    let is_leased = |line: &str| line.contains("LEASE") && line.contains(&lease);
    while !fs::read_to_string("/proc/locks")
        .unwrap()
        .lines()
        .any(is_leased)
    {
        assert!(since.elapsed() < Duration::from_secs(60), "no lease");
        assert!(gate.try_wait().unwrap().is_none(), "judged too soon");
        std::thread::sleep(Duration::from_micros(200));
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let again = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let opened = rustix::fs::open(again, flags, Mode::empty());
    assert_eq!(opened.unwrap_err(), rustix::io::Errno::WOULDBLOCK);
    let output = gate.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let released = fs::metadata(house.release.join("hole.core")).unwrap();
    assert_ne!(released.ino(), inode);
    assert_eq!(released.len(), HOLE);
    // Its holes stay holes.
    assert!(released.blocks() < 1 << 10);
    let events: Vec<Value> = house.events();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["decided", "withdrawn", "decided"]);
}

#[test]
fn a_writer_is_waited_for() {
    let house = House::new();
    let path = house.put("slow.core", b"begin");
    let mut writer = File::options().append(true).open(&path).unwrap();
    let gate = house.gate(&["--wait", "60"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(path.exists());
    writer.write_all(b" and end").unwrap();
    drop(writer);
    let output = gate.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    house.is_settled(&[("slow.core", b"begin and end")], &[], "");
}

#[test]
fn a_dump_that_grows_is_not_taken_while_it_does() {
    let house = House::new();
    let path = house.put("slow.core", b"0");
    let mut writer = File::options().append(true).open(&path).unwrap();
    let gate = house.gate(&["--wait", "2"]).spawn().unwrap();
    // Longer than is waited for a writer that writes nothing.
    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(100));
        writer.write_all(b"1").unwrap();
    }
    drop(writer);
    let output = gate.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let whole = format!("0{}", "1".repeat(30));
    house.is_settled(&[("slow.core", whole.as_bytes())], &[], "");
}

#[test]
fn a_name_that_is_taken_is_not_overwritten() {
    let house = House::new();
    house.put("a.core", b"new");
    house.put("k.core", &key());
    fs::write(house.release.join("a.core"), b"old").unwrap();
    fs::write(house.quarantine.join("k.core"), b"old").unwrap();
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(1));
    let released = files(&house.release);
    assert_eq!(released[OsStr::new("a.core")], b"old");
    assert_eq!(released.len(), 2);
    let marked = released.keys().find(|name| *name != "a.core").unwrap();
    let marked = marked.to_str().unwrap();
    assert!(marked.starts_with("a.") && marked.ends_with(".core"));
    assert_eq!(released[OsStr::new(marked)], b"new");
    let quarantined = files(&house.quarantine);
    assert_eq!(quarantined[OsStr::new("k.core")], b"old");
    // The other dump, and its manifest alone.
    assert_eq!(quarantined.len(), 3, "{:?}", quarantined.keys());
    assert_eq!(house.count("renamed"), 2);
    // A manifest that is in the way is not overwritten either.
    house.put("m.core", &key());
    fs::write(house.quarantine.join("m.core.dumpgate.json"), b"{}").unwrap();
    house.run(&[]);
    let quarantined = files(&house.quarantine);
    assert_eq!(quarantined[OsStr::new("m.core.dumpgate.json")], b"{}");
    assert_eq!(quarantined.len(), 6, "{:?}", quarantined.keys());
}

#[test]
fn hostile_names_are_moved_and_never_printed_raw() {
    for format in ["text", "json"] {
        let house = House::new();
        let names: [&[u8]; 4] = [b"a\nb", b"c\x1b[2J", b"d\xff\xfe", "e\u{202e}".as_bytes()];
        for name in names {
            house.put(OsStr::from_bytes(name), b"nothing");
        }
        let long = "n".repeat(255);
        house.put(&long, &key());
        let output = house.run(&["--format", format]);
        assert_eq!(code(&output), Some(1));
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(
            !said.contains('\u{1b}') && !said.contains('\u{202e}'),
            "{said}"
        );
        assert_eq!(text(&output.stdout).lines().count(), 5);
        let released = files(&house.release);
        for name in names {
            assert!(released.contains_key(OsStr::from_bytes(name)), "{name:?}");
        }
        assert_eq!(files(&house.quarantine).len(), 2);
        let log = fs::read_to_string(house.log()).unwrap();
        assert!(!log.contains('\u{1b}'));
        assert_eq!(verify(&house.log(), None).0, Some(0));
    }
}

#[test]
fn links_and_fifos_are_left_alone() {
    let house = House::new();
    let target = house.release.parent().unwrap().join("target");
    fs::write(&target, key()).unwrap();
    std::os::unix::fs::symlink(&target, house.spool.join("link")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, house.spool.join("fifo"), Mode::RUSR).unwrap();
    fs::create_dir(house.spool.join("directory")).unwrap();
    house.put("a.core", b"nothing");
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(0));
    let said = text(&output.stderr);
    for left in [
        "`link` is a symbolic link",
        "`fifo` is a FIFO",
        "`directory` is a directory",
    ] {
        assert!(said.contains(left), "{said}");
    }
    assert!(house.spool.join("link").is_symlink());
    assert!(house.spool.join("fifo").exists());
    house.is_settled(&[("a.core", b"nothing")], &[], "");
}

#[test]
fn a_dump_whose_worker_dies_is_quarantined() {
    for fault in ["abort", "panic", "exit", "babble", "eat"] {
        let house = House::new();
        house.put("a.core", b"nothing");
        house.put("b.core", b"nothing");
        let mut gate = house.gate(&["--max-worker-memory", "512M"]);
        gate.env(FAULT, format!("{fault} a.core"));
        let output = gate.output().unwrap();
        assert_eq!(code(&output), Some(3), "{fault}: {}", text(&output.stderr));
        assert!(house.release.join("b.core").exists(), "{fault}");
        assert!(!house.release.join("a.core").exists(), "{fault}");
        let manifest = fs::read(house.quarantine.join("a.core.dumpgate.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["verdict"], "incomplete", "{fault}");
        assert_eq!(
            manifest["sha256"].as_str().map(str::len),
            Some(64),
            "{fault}"
        );
    }
}

#[test]
fn a_truncated_dump_is_released_only_if_that_is_the_rule() {
    let cut = &clean_dump()[..1_200_000];
    let house = House::new();
    house.put("cut.core", cut);
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(3));
    assert_eq!(
        text(&output.stdout),
        "quarantined  cut.core: incomplete; truncated\n"
    );
    let manifest = fs::read(house.quarantine.join("cut.core.dumpgate.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["options"]["truncated"], "quarantine");
    assert!(files(&house.release).is_empty());

    let house = House::new();
    house.put("cut.core", cut);
    let leaking = leaking_dump();
    house.put("leak.dmp", &leaking[..leaking.len() - 100]);
    let output = house.run(&["--truncated", "release"]);
    assert_eq!(code(&output), Some(1));
    house.is_settled(
        &[("cut.core", cut)],
        &[("leak.dmp", &leaking[..leaking.len() - 100])],
        "",
    );
}

#[test]
fn two_gates_share_a_spool() {
    let house = House::new();
    let names: Vec<String> = (0..40).map(|number| format!("{number}.core")).collect();
    for (number, name) in names.iter().enumerate() {
        let bytes = match number % 2 {
            0 => format!("nothing in {number}").into_bytes(),
            _ => [key(), vec![number as u8]].concat(),
        };
        house.put(name, &bytes);
    }
    let gates = [
        house.gate(&[]).spawn().unwrap(),
        house.gate(&[]).spawn().unwrap(),
    ];
    for gate in gates {
        let output = gate.wait_with_output().unwrap();
        assert!(
            matches!(code(&output), Some(0 | 1)),
            "{}",
            text(&output.stderr)
        );
    }
    assert_eq!(files(&house.release).len(), 20);
    assert_eq!(files(&house.quarantine).len(), 40);
    assert_eq!(files(&house.spool).len(), 0);
    assert_eq!(house.count("decided"), 40);
    assert_eq!(verify(&house.log(), None).0, Some(0));
}

#[test]
fn places_that_cannot_be_used_are_refused() {
    let house = House::new();
    house.put("a.core", b"nothing");
    fs::create_dir(house.spool.join(".dumpgate")).unwrap();
    fs::set_permissions(
        house.spool.join(".dumpgate"),
        fs::Permissions::from_mode(0o777),
    )
    .unwrap();
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stderr).contains("open to nobody else"));
    assert!(house.spool.join("a.core").exists());
    let same = Command::new(program())
        .arg("gate")
        .arg(&house.spool)
        .arg("--release")
        .arg(&house.spool)
        .arg("--quarantine")
        .arg(&house.quarantine)
        .output()
        .unwrap();
    assert_eq!(code(&same), Some(2));
}
