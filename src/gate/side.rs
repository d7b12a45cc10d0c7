//! Side files: what lies beside a dump, belongs to it and goes where it goes.
//!
//! They are claimed into the slot of their dump, each in a slot of its own below it, judged and copied like it, and one
//! decision is about all: a key in any of them keeps all of them.

use super::claim::Slot;
use super::disk::Directory;
use super::in_words;
use super::names::shown;
use crate::error::Error;
use rustix::fs::FileType;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// What travels with which dumps.
struct Rule {
    /// How the names of such dumps end; what is before it is the stem.
    dumps: &'static [&'static str],
    /// Where the side file lies.
    place: Place,
    /// What it is called.
    name: Name,
}

/// Where side files lie.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Beside the dump.
    Spool,
    /// In `attachments/STEM/` in the spool.
    Attachments,
    /// In `attachments/STEM/` beside the spool, where that is one of Crashpad's directories.
    Database,
}

/// What side files are called.
#[derive(Clone, Copy)]
enum Name {
    /// The stem and this.
    Stem(&'static str),
    /// Whatever ends so, where the spool has one such dump only.
    Sole(&'static str),
    /// Anything.
    Any,
}

/// One line each. The number of a rule is part of names on disk while a dump is claimed: new ones come last.
const RULES: &[Rule] = &[
    // Crashpad: doc/overview_design.md, "The Crashpad Handler"; client/crash_report_database_generic.cc
    rule(&[".dmp"], Place::Spool, Name::Stem(".meta")),
    rule(&[".dmp"], Place::Attachments, Name::Any),
    rule(&[".dmp"], Place::Database, Name::Any),
    // Windows Error Reporting: one report a directory
    rule(WER, Place::Spool, Name::Sole("Report.wer")),
    rule(WER, Place::Spool, Name::Sole(".WERInternalMetadata.xml")),
];

/// How the names of Windows Error Reporting's dumps end.
const WER: &[&str] = &[".mdmp", ".hdmp", ".dmp"];

/// Crashpad holds a report by an empty file of this name while it works on it.
const LOCK: Rule = rule(&[".dmp"], Place::Spool, Name::Stem(".lock"));

/// The directories of a Crashpad database in which dumps are.
const DATABASE: &[&str] = &["new", "pending", "completed"];

/// The directory of attachments.
const ATTACHMENTS: &str = "attachments";

const fn rule(dumps: &'static [&'static str], place: Place, name: Name) -> Rule {
    Rule { dumps, place, name }
}

/// What a file in the spool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A dump, as far as its name tells.
    Dump,
    /// A dump that Crashpad works on.
    Locked,
    /// It goes with its dump, which is there.
    Side,
    /// It goes with a dump that is not there: not yet, or not any more.
    Orphan,
}

/// What `name` is among `names`, which are all in the spool.
pub fn role(name: &OsStr, names: &BTreeSet<OsString>) -> Role {
    let bytes = name.as_bytes();
    let mut role = Role::Dump;
    for rule in RULES.iter().chain([&LOCK]) {
        let owners = match rule.name {
            Name::Stem(suffix) => bytes.strip_suffix(suffix.as_bytes()).map(|stem| {
                let is_there = |end: &&str| names.contains(&joined(stem, end));
                usize::from(rule.dumps.iter().any(is_there))
            }),
            Name::Sole(suffix) if bytes.ends_with(suffix.as_bytes()) => {
                Some(sole(rule.dumps, names).count())
            }
            Name::Sole(_) | Name::Any => None,
        };
        match owners {
            Some(0) => role = Role::Orphan,
            Some(1) => return Role::Side,
            // Nobody knows whose it is: it goes on its own merits.
            Some(_) | None => {}
        }
    }
    let is_locked = stem(&LOCK, name).is_some_and(|stem| names.contains(&joined(stem, ".lock")));
    if is_locked { Role::Locked } else { role }
}

/// A side file where it lies.
struct Found {
    rule: usize,
    directory: Directory,
    name: OsString,
}

/// Claims what travels with the dump in `slot`, which was called `dump` in `spool`. May be done again.
///
/// # Errors
/// When one of them cannot be claimed.
pub fn claim(slot: &Slot, spool: &Directory, dump: &OsStr) -> Result<(), Error> {
    for found in find(spool, dump)? {
        let sides = slot.sides_directory()?;
        let number = sides.names()?.len();
        let side = slot.make_side(&sides, &format!("{}-{number}", found.rule))?;
        match found.directory.take(&found.name, &side.entry, &found.name) {
            Ok(()) => {}
            // Somebody else took it away; the empty slot goes with the others.
            Err(error) if super::disk::is_not_found(&error) => continue,
            Err(error) => return Err(error),
        }
        side.entry.sync()?;
        found.directory.sync()?;
    }
    Ok(())
}

fn find(spool: &Directory, dump: &OsStr) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for (number, rule) in RULES.iter().enumerate() {
        let Some(stem) = stem(rule, dump) else {
            continue;
        };
        let Some(directory) = open(rule.place, spool, stem)? else {
            continue;
        };
        let wanted = |name: &OsStr| match rule.name {
            Name::Stem(suffix) => name.as_bytes() == [stem, suffix.as_bytes()].concat(),
            Name::Sole(suffix) => name.as_bytes().ends_with(suffix.as_bytes()),
            Name::Any => true,
        };
        let names = directory.names()?;
        if matches!(rule.name, Name::Sole(_)) {
            let all: BTreeSet<OsString> = names.iter().cloned().collect();
            if sole(rule.dumps, &all).any(|other| other != dump) {
                continue;
            }
        }
        for name in names {
            let kind = directory.kind(&name)?;
            let is_file = kind == Some(FileType::RegularFile);
            if let (Name::Any, Some(kind), false) = (rule.name, kind, is_file) {
                let path = directory.path().join(&name);
                tracing::warn!(
                    "left alone, and not judged with its dump: {} ({})",
                    shown(path.as_os_str()),
                    in_words(kind)
                );
            }
            if wanted(&name) && is_file && name != dump {
                found.push(Found {
                    rule: number,
                    directory: open(rule.place, spool, stem)?.map_or_else(|| spool.again(), Ok)?,
                    name,
                });
            }
        }
    }
    Ok(found)
}

/// Where the side file in `side` lay, whose dump was called `dump` in `spool`.
///
/// # Errors
/// When that directory is gone.
pub fn origin(side: &Slot, spool: &Directory, dump: &OsStr) -> Result<Directory, Error> {
    let rule = side.rule().and_then(|number| RULES.get(number));
    let known = rule.and_then(|rule| Some((rule, stem(rule, dump)?)));
    match known {
        Some((rule, stem)) => open(rule.place, spool, stem)?.map_or_else(|| spool.again(), Ok),
        None => spool.again(),
    }
}

/// The directory, below the one that a dump goes to, in which its side file goes.
pub fn below(side: &Slot, dump: &OsStr) -> Option<PathBuf> {
    let rule = RULES.get(side.rule()?)?;
    match rule.place {
        Place::Spool => None,
        Place::Attachments | Place::Database => {
            let stem = OsStr::from_bytes(stem(rule, dump)?);
            Some(PathBuf::from(ATTACHMENTS).join(stem))
        }
    }
}

/// Removes the directories that side files of `dump` were in, if they are empty now.
pub fn tidy(spool: &Directory, dump: &OsStr) {
    for rule in RULES {
        let Some(stem) = stem(rule, dump) else {
            continue;
        };
        let above = match rule.place {
            Place::Spool => continue,
            Place::Attachments => spool.below(ATTACHMENTS.as_ref()),
            Place::Database => match is_database(spool) {
                true => above(spool),
                false => continue,
            },
        };
        // One in which something is left stays.
        _ = above.and_then(|above| above.remove_directory(OsStr::from_bytes(stem)));
    }
}

fn open(place: Place, spool: &Directory, stem: &[u8]) -> Result<Option<Directory>, Error> {
    let attachments = match place {
        Place::Spool => return spool.again().map(Some),
        Place::Attachments => spool.below_if_there(ATTACHMENTS.as_ref())?,
        Place::Database if is_database(spool) => match above(spool) {
            Ok(attachments) => Some(attachments),
            Err(error) if super::disk::is_not_found(&error) => None,
            Err(error) => return Err(error),
        },
        Place::Database => None,
    };
    match attachments {
        Some(attachments) => attachments.below_if_there(OsStr::from_bytes(stem)),
        None => Ok(None),
    }
}

/// `attachments` beside the spool.
fn above(spool: &Directory) -> Result<Directory, Error> {
    spool.below("..".as_ref())?.below(ATTACHMENTS.as_ref())
}

fn is_database(spool: &Directory) -> bool {
    let name = spool.path().file_name();
    name.is_some_and(|name| DATABASE.iter().any(|known| name == *known))
}

/// What is before the end of a dump's name that `rule` knows; never empty, nor a name that leads elsewhere.
fn stem<'n>(rule: &Rule, dump: &'n OsStr) -> Option<&'n [u8]> {
    rule.dumps
        .iter()
        .find_map(|end| dump.as_bytes().strip_suffix(end.as_bytes()))
        .filter(|stem| !matches!(*stem, b"" | b"." | b".."))
}

fn sole<'n>(
    ends: &'n [&'n str],
    names: &'n BTreeSet<OsString>,
) -> impl Iterator<Item = &'n OsString> {
    names.iter().filter(|name| {
        ends.iter()
            .any(|end| name.as_bytes().ends_with(end.as_bytes()))
    })
}

fn joined(stem: &[u8], end: &str) -> OsString {
    OsString::from_vec([stem, end.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_travels() {
        let names = |list: &[&str]| list.iter().map(OsString::from).collect::<BTreeSet<_>>();
        let of = |name: &str, list: &[&str]| role(OsStr::new(name), &names(list));
        assert_eq!(of("a.dmp", &["a.dmp", "a.meta"]), Role::Dump);
        assert_eq!(of("a.meta", &["a.dmp", "a.meta"]), Role::Side);
        assert_eq!(of("a.meta", &["b.dmp", "a.meta"]), Role::Orphan);
        assert_eq!(of("a.dmp", &["a.dmp", "a.lock"]), Role::Locked);
        assert_eq!(of("a.lock", &["a.dmp", "a.lock"]), Role::Side);
        let xml = "WER1.tmp.WERInternalMetadata.xml";
        assert_eq!(of(xml, &["WER0.tmp.mdmp", xml]), Role::Side);
        assert_eq!(of("Report.wer", &["WER0.tmp.mdmp", xml]), Role::Side);
        assert_eq!(of("Report.wer", &["a.mdmp", "b.mdmp"]), Role::Dump);
        assert_eq!(of("Report.wer", &["core"]), Role::Orphan);
        assert_eq!(of("core", &["core", "core.dmp"]), Role::Dump);
    }
}
