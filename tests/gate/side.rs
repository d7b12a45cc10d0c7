//! Side files: what travels with a dump goes where the dump goes, and a key in any of it keeps all of it.

use super::{House, code, files, key, leaking_dump, text, verify};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const FAILPOINT: &str = "DUMPGATE_TEST_FAILPOINT";

/// A Crashpad database whose `pending` is the spool.
struct Database {
    house: House,
    root: PathBuf,
}

impl Database {
    fn new() -> Self {
        let mut house = House::new();
        let root = house.spool.with_file_name("database");
        fs::create_dir_all(root.join("attachments/a")).unwrap();
        house.spool = root.join("pending");
        fs::create_dir(&house.spool).unwrap();
        Self { house, root }
    }

    /// A report `a` with that dump and attachment.
    fn report(&self, dump: &[u8], attachment: &[u8]) {
        let attachments = self.root.join("attachments/a");
        fs::create_dir_all(&attachments).unwrap();
        fs::write(attachments.join("view.log"), attachment).unwrap();
        fs::write(attachments.join("other.log"), b"nothing").unwrap();
        self.house.put("a.meta", b"meta");
        self.house.put("a.dmp", dump);
    }

    /// Where the report is; all of it must be there.
    fn whereabouts(&self, dump: &[u8], attachment: &[u8], why: &str) -> &'static str {
        let released = tree(&self.house.release);
        let quarantined: Vec<(String, Vec<u8>)> = tree(&self.house.quarantine)
            .into_iter()
            .filter(|(name, _)| !name.contains(".dumpgate"))
            .collect();
        let name = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        let dump = name("a.dmp", dump);
        let meta = name("a.meta", b"meta");
        let left = tree(&self.house.spool);
        let left: Vec<&(String, Vec<u8>)> = left
            .iter()
            .filter(|(name, _)| !name.ends_with("lock"))
            .collect();
        assert!(left.is_empty(), "{why}: {left:?}");
        assert!(!self.root.join("attachments/a").exists(), "{why}");
        if released.is_empty() {
            let wanted = [
                dump,
                meta,
                name("other.log", b"nothing"),
                name("view.log", attachment),
            ];
            assert!(quarantined == wanted, "{why}: {quarantined:?}");
            "quarantine"
        } else {
            assert!(quarantined.is_empty(), "{why}: {quarantined:?}");
            let wanted = [
                dump,
                meta,
                name("attachments/a/other.log", b"nothing"),
                name("attachments/a/view.log", attachment),
            ];
            assert!(released == wanted, "{why}: {released:?}");
            "release"
        }
    }
}

/// All files below a directory, by their paths from there.
fn tree(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            } else {
                let name = entry.path();
                let name = name.strip_prefix(directory).unwrap().to_str().unwrap();
                found.push((name.to_owned(), fs::read(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_clean_report_is_released_as_a_whole() {
    let database = Database::new();
    database.report(b"a dump", b"a log");
    let output = database.house.run(&[]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert_eq!(database.whereabouts(b"a dump", b"a log", ""), "release");
}

#[test]
fn a_key_in_any_part_keeps_all_parts() {
    for (dump, attachment) in [
        (b"a dump".to_vec(), key()),
        (leaking_dump(), b"a log".to_vec()),
    ] {
        let database = Database::new();
        database.report(&dump, &attachment);
        let output = database.house.run(&[]);
        assert_eq!(code(&output), Some(1), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("a.dmp: found, 1 key"));
        assert_eq!(database.whereabouts(&dump, &attachment, ""), "quarantine");
        let events = database.house.events();
        assert_eq!(events[0]["verdict"], "found");
        assert_eq!(events[0]["sides"].as_array().unwrap().len(), 3);
        let manifest = database.house.quarantine.join("view.log.dumpgate.json");
        let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        assert_eq!(manifest["side_of"]["dump"]["text"], "a.dmp");
        assert_eq!(manifest["side_of"]["directory"]["text"], "attachments/a");
    }
}

#[test]
fn a_report_stays_whole_when_the_gate_is_killed() {
    // Every point, by turns: it is the same way but for its end.
    for (first, attachment) in [(1, b"a log".to_vec()), (2, key())] {
        for point in (first..).step_by(2) {
            let database = Database::new();
            database.report(b"a dump", &attachment);
            let mut gate = database.house.gate(&[]);
            gate.env(FAILPOINT, format!("kill {point}"));
            let first = gate.output().unwrap();
            let output = database.house.run(&[]);
            let why = format!("{point}: {}", text(&output.stderr));
            assert!(matches!(code(&output), Some(0 | 1)), "{why}");
            let there = database.whereabouts(b"a dump", &attachment, &why);
            let wanted = match attachment.as_slice() {
                b"a log" => "release",
                _ => "quarantine",
            };
            assert_eq!(there, wanted, "{why}");
            assert_eq!(verify(&database.house.log(), None).0, Some(0), "{why}");
            if code(&first).is_some() {
                assert!(point > 80, "{point}");
                break;
            }
        }
    }
}

#[test]
fn what_is_written_before_its_dump_waits_for_it() {
    let house = House::new();
    house.put("a.meta", b"meta");
    let gate = house
        .gate(&["--watch", "--wait", "3600", "--poll", "3600"])
        .spawn()
        .unwrap();
    house.put("b.core", b"nothing");
    super::watch::until("b", || house.release.join("b.core").exists());
    assert!(house.spool.join("a.meta").exists());
    house.put("a.dmp", &key());
    super::watch::until("a", || house.quarantine.join("a.dmp").exists());
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&gate),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert_eq!(code(&gate.wait_with_output().unwrap()), Some(0));
    assert!(house.quarantine.join("a.meta").exists());
    assert_eq!(files(&house.release).len(), 1);
    // Without a dump, and when nobody waits for one, it is a file like any other.
    house.put("c.meta", b"meta");
    assert_eq!(code(&house.run(&[])), Some(0));
    assert!(house.release.join("c.meta").exists());
}

#[test]
fn a_report_of_windows_goes_as_a_whole() {
    let xml = "WER2.tmp.WERInternalMetadata.xml";
    let house = House::new();
    house.put("WER1.tmp.mdmp", b"a dump");
    house.put(xml, b"<xml/>");
    house.put("Report.wer", &key());
    assert_eq!(code(&house.run(&[])), Some(1));
    assert!(files(&house.release).is_empty());
    assert_eq!(files(&house.quarantine).len(), 6);
    // Of two dumps nobody knows whose they are: each goes on its own merits.
    let house = House::new();
    house.put("WER1.tmp.mdmp", b"a dump");
    house.put("WER3.tmp.mdmp", b"another");
    house.put("Report.wer", &key());
    assert_eq!(code(&house.run(&[])), Some(1));
    assert_eq!(files(&house.release).len(), 2);
    assert_eq!(files(&house.quarantine).len(), 2);
}

#[test]
fn a_report_that_crashpad_works_on_is_left_for_a_while() {
    let house = House::new();
    house.put("a.dmp", b"a dump");
    house.put("a.lock", b"");
    let gate = house.gate(&["--wait", "60"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(house.spool.join("a.dmp").exists());
    fs::remove_file(house.spool.join("a.lock")).unwrap();
    assert_eq!(code(&gate.wait_with_output().unwrap()), Some(0));
    house.is_settled(&[("a.dmp", b"a dump")], &[], "");
}
