//! Loss of power: a gate's changes are recorded, and after each of them a disk is made that has only what was synced.
//!
//! The disk is a harsh one. A change of a directory lasts only if that directory is synced afterwards (for a rename
//! either of the two: file systems commit both ends at once), and the bytes of a file are those of its last sync.

use super::{House, key, verify};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// One change, as the gate of a debug build records it.
struct Change {
    deed: String,
    paths: Vec<PathBuf>,
    number: Option<u64>,
    content: Option<(u64, File)>,
}

#[derive(Clone)]
struct File {
    mode: u32,
    bytes: Vec<u8>,
}

/// What lasts.
struct Disk {
    directories: BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, u64>,
    files: BTreeMap<u64, File>,
}

/// A gate's work on a filled house.
struct Recording {
    house: House,
    before: Disk,
    changes: Vec<Change>,
}

const CLEAN: [(&str, &[u8]); 2] = [("a.core", b"nothing"), ("linked.core", b"nothing either")];

impl Recording {
    fn make() -> Self {
        let house = House::new();
        for (name, bytes) in CLEAN {
            house.put(name, bytes);
        }
        fs::hard_link(
            house.spool.join("linked.core"),
            house.release.with_file_name("other"),
        )
        .unwrap();
        house.put("k.core", &key());
        let mut before = Disk {
            directories: BTreeSet::new(),
            names: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        for directory in [&house.spool, &house.release, &house.quarantine] {
            before.directories.insert(directory.clone());
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                let metadata = entry.metadata().unwrap();
                let file = File {
                    mode: metadata.mode() & 0o7777,
                    bytes: fs::read(entry.path()).unwrap(),
                };
                before.names.insert(entry.path(), metadata.ino());
                before.files.insert(metadata.ino(), file);
            }
        }
        let record = house.release.with_file_name("record");
        let mut gate = house.gate(&[]);
        let output = gate.env("DUMPGATE_TEST_TRACE", &record).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = fs::read_to_string(record).unwrap();
        let changes = text.lines().map(Change::parse).collect();
        Self {
            house,
            before,
            changes,
        }
    }

    /// What lasts when the power goes after `count` changes, if a sync counts only where `counts` says so.
    fn disk_after(&self, count: usize, counts: &dyn Fn(&Change) -> bool) -> Disk {
        let changes = &self.changes[..count];
        let mut disk = Disk {
            directories: self.before.directories.clone(),
            names: self.before.names.clone(),
            files: self.before.files.clone(),
        };
        for (at, change) in changes.iter().enumerate() {
            if let Some((number, file)) = &change.content {
                if counts(change) {
                    disk.files.insert(*number, file.clone());
                }
                continue;
            }
            let parents: Vec<&Path> = change
                .paths
                .iter()
                .filter_map(|path| path.parent())
                .collect();
            let is_synced = |later: &Change| {
                later.deed == "sync-directory"
                    && parents.contains(&later.paths[0].as_path())
                    && counts(later)
            };
            if change.deed != "sync-directory" && changes[at..].iter().any(is_synced) {
                disk.apply(change);
            }
        }
        disk
    }

    /// What is wrong after a loss of power at any moment, if anything is.
    fn violation(&self, counts: &dyn Fn(&Change) -> bool) -> Option<String> {
        (0..=self.changes.len()).find_map(|count| {
            let disk = self.disk_after(count, counts);
            self.check(&disk).err().map(|what| {
                let last = count.checked_sub(1).map(|last| &self.changes[last]);
                let last = last.map(|last| format!("{} {:?}", last.deed, last.paths));
                format!(
                    "after {count} changes ({}): {what}",
                    last.unwrap_or_default()
                )
            })
        })
    }

    fn check(&self, disk: &Disk) -> Result<(), String> {
        let log = disk.bytes(&self.house.log());
        let log = String::from_utf8(log.unwrap_or_default()).unwrap();
        for name in ["a.core", "linked.core", "k.core"] {
            let places: Vec<&PathBuf> = disk
                .names
                .keys()
                .filter(|path| path.ends_with(name))
                .collect();
            if places.is_empty() {
                return Err(format!("{name} is lost"));
            }
            let is_gone = places
                .iter()
                .any(|path| !path.starts_with(&self.house.spool));
            let is_recorded = log.lines().any(|line| {
                line.contains("\"event\":\"decided\"") && line.contains(&format!("\"{name}\""))
            });
            if is_gone && !is_recorded {
                return Err(format!("{name} was moved before that was recorded"));
            }
        }
        // The machine starts again, and a gate with it.
        let house = House::new();
        self.lay_out(disk, &house);
        let output = house.run(&[]);
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(super::text(&output.stderr));
        }
        let (released, kept) = (
            super::files(&house.release),
            super::files(&house.quarantine),
        );
        let is_whole = CLEAN.iter().all(|(name, bytes)| {
            released
                .get(name.as_ref() as &std::ffi::OsStr)
                .is_some_and(|dump| dump == bytes)
        });
        let is_kept = kept
            .get("k.core".as_ref() as &std::ffi::OsStr)
            .is_some_and(|dump| *dump == key());
        if released.len() != 2 || kept.len() != 2 || !is_whole || !is_kept {
            return Err(format!(
                "released {:?}, kept {:?}",
                released.keys(),
                kept.keys()
            ));
        }
        match verify(&house.log(), None) {
            (Some(0), _) => Ok(()),
            (_, said) => Err(said),
        }
    }

    /// Makes the directories of `house` what the disk has of ours.
    fn lay_out(&self, disk: &Disk, house: &House) {
        let from = self.house.release.parent().unwrap();
        let to = house.release.parent().unwrap();
        let moved = |path: &Path| to.join(path.strip_prefix(from).unwrap());
        for directory in &disk.directories {
            let path = moved(directory);
            if !path.exists() {
                fs::create_dir(&path).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            }
        }
        for (path, number) in &disk.names {
            let none = File {
                mode: 0o600,
                bytes: Vec::new(),
            };
            let file = disk.files.get(number).unwrap_or(&none);
            let path = moved(path);
            fs::write(&path, &file.bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).unwrap();
        }
    }
}

impl Change {
    fn parse(line: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap();
        let content = line["content"].as_array().map(|content| {
            let digits = content[2].as_str().unwrap().as_bytes();
            let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
            let bytes = digits
                .chunks(2)
                .map(|pair| digit(pair[0]) << 4 | digit(pair[1]));
            let file = File {
                mode: content[1].as_u64().unwrap() as u32,
                bytes: bytes.collect(),
            };
            (content[0].as_u64().unwrap(), file)
        });
        let paths = line["paths"].as_array().unwrap();
        Self {
            deed: line["deed"].as_str().unwrap().to_owned(),
            paths: paths
                .iter()
                .map(|path| path.as_str().unwrap().into())
                .collect(),
            number: line["number"].as_u64(),
            content,
        }
    }
}

impl Disk {
    fn apply(&mut self, change: &Change) {
        let path = &change.paths[0];
        let is_reachable = |disk: &Self, path: &Path| {
            path.parent()
                .is_some_and(|parent| disk.directories.contains(parent))
        };
        match change.deed.as_str() {
            "make-directory" if is_reachable(self, path) => {
                self.directories.insert(path.clone());
            }
            "make-file" if is_reachable(self, path) => {
                self.names.insert(path.clone(), change.number.unwrap());
            }
            "make-directory" | "make-file" => {}
            "rename" => {
                // In a directory that does not last nobody finds it again.
                if let Some(number) = self.names.remove(path)
                    && is_reachable(self, &change.paths[1])
                {
                    self.names.insert(change.paths[1].clone(), number);
                }
            }
            "remove" => {
                // With a directory goes what is in it: its own removals need not have lasted.
                self.names.retain(|name, _| !name.starts_with(path));
                self.directories.retain(|name| !name.starts_with(path));
            }
            other => panic!("{other}"),
        }
    }

    fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let file = self.files.get(self.names.get(path)?)?;
        Some(file.bytes.clone())
    }
}

#[test]
fn the_power_may_go_at_any_moment() {
    let recording = Recording::make();
    assert!(recording.changes.len() > 60, "{}", recording.changes.len());
    assert_eq!(recording.violation(&|_| true), None);
}

#[test]
fn a_sync_that_is_left_out_would_be_seen() {
    let recording = Recording::make();
    // The directory into which a dump is claimed is not made to last before the claim.
    let slots = |change: &Change| {
        let below = |path: &PathBuf| path.starts_with(recording.house.spool.join(".dumpgate"));
        change.deed != "sync-directory" || !change.paths.iter().any(below)
    };
    let seen = recording.violation(&slots).unwrap_or_default();
    assert!(seen.contains("is lost"), "{seen}");
    // The log is written and not synced before the dump is moved.
    let log = |change: &Change| {
        let content = change.content.as_ref();
        !content.is_some_and(|(_, file)| file.bytes.starts_with(b"{\"hash\""))
    };
    let seen = recording.violation(&log).unwrap_or_default();
    assert!(seen.contains("before that was recorded"), "{seen}");
}
