//! The move of a dump to where it was decided to go: it appears there whole, once, and under no name that is taken.

use super::audit::Log;
use super::claim::{ARRIVING, COPY, Slot};
use super::decision::{self, Decision, Fate};
use super::disk::{self, Directory, Renamed};
use super::facts;
use super::hold::{Held, Place, copy_bytes};
use super::names::{Bytes, candidates, hex, manifest};
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// How a move ended.
#[derive(Debug)]
pub enum Delivered {
    /// The dump is there.
    There {
        /// Where.
        path: PathBuf,
        /// What could not be kept of the file besides its bytes, in words.
        lost: Vec<String>,
    },
    /// The dump may have changed since it was judged. It is where it was.
    Changed,
}

/// What the audit log says when a dump gets another name.
#[derive(Serialize)]
struct Renaming<'d> {
    id: &'d str,
    name: Bytes,
}

/// The directory on another file system that a dump is being copied to, so that it is not looked for in another.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Way {
    file_system: u64,
    directory: u64,
}

impl Way {
    fn to(target: &Directory) -> Result<Self, Error> {
        let (_, directory) = target.identity()?;
        Ok(Self {
            file_system: target.file_system()?,
            directory,
        })
    }
}

/// Whether the dump in `slot` is where `decision` sends it, in `target`, and only the slot is left.
///
/// # Errors
/// When that cannot be told.
pub fn has_arrived(slot: &Slot, decision: &Decision, target: &Directory) -> Result<bool, Error> {
    let part = part_name(decision);
    if slot.directory.has(ARRIVING.as_ref())? {
        let mut known = Vec::new();
        let read = slot
            .directory
            .file(ARRIVING.as_ref())?
            .read_to_end(&mut known);
        read.map_err(|cause| Error::io("read", cause).at_path(slot.directory.path()))?;
        if serde_json::from_slice(&known).ok() != Some(Way::to(target)?) {
            let cause = io::Error::other(
                "it was on its way to another directory, on another file system, when a gate ended there: start one \
                 with that directory",
            );
            return Err(Error::io("finish a move", cause).at_path(slot.entry.path()));
        }
        // It lasted before this was written, so if it is there no more it has its name.
        return match target.stat(&part)? {
            None => Ok(true),
            // It has both names.
            Some(stat) if stat.st_nlink > 1 => target.remove(&part).map(|()| true),
            Some(_) => {
                slot.directory.remove(ARRIVING.as_ref())?;
                slot.directory.sync()?;
                Ok(false)
            }
        };
    }
    match decision.place {
        Place::Claimed => Ok(slot.name.is_none()),
        Place::Copy => Ok(!slot.directory.has(COPY.as_ref())? && slot.entry.names()?.is_empty()),
    }
}

/// Moves the dump that is held from `slot` into `target`, as `decision` says.
///
/// # Errors
/// When it cannot be moved: it is still in the slot, or has arrived in the sense of [`has_arrived`].
pub fn deliver(
    slot: &Slot,
    held: &Held,
    decision: &Decision,
    target: &Directory,
    log: &mut Log,
) -> Result<Delivered, Error> {
    let here = |error: Error| error.at_path(slot.entry.path());
    let mut lost = dress(&held.file, decision).map_err(here)?;
    let source = match held.place {
        Place::Claimed => slot.name.clone(),
        Place::Copy => slot.replace_by_copy()?,
    };
    let source = source.ok_or_else(|| gone(slot))?;
    let from = &slot.entry;
    let mut part: Option<OsString> = None;
    let (name, mark) = (decision.name(), decision.mark());
    for (number, candidate) in candidates(&name, &mark).enumerate() {
        if decision.fate == Fate::Quarantine && !announce(decision, target, &candidate)? {
            continue;
        }
        if number > 0 || candidate != name {
            let renaming = Renaming {
                id: &decision.id,
                name: Bytes::of(candidate.as_bytes()),
            };
            log.append("renamed", &renaming)?;
        }
        let mut renamed = match &part {
            Some(part) => target.settle(part, &candidate)?,
            // The last moment to ask: afterwards it is out of our hands.
            None if decision.fate == Fate::Release && !held.is_unchanged() => {
                return Ok(Delivered::Changed);
            }
            None => from.rename(&source, target, &candidate)?,
        };
        if renamed == Renamed::Elsewhere {
            let (made, kept) = match carry(slot, held, decision, target)? {
                Some(made) => made,
                None => return Ok(Delivered::Changed),
            };
            lost = kept;
            renamed = target.settle(&made, &candidate)?;
            part = Some(made);
        }
        if renamed == Renamed::Done {
            target.sync()?;
            from.sync()?;
            let path = target.path().join(candidate);
            return Ok(Delivered::There { path, lost });
        }
        if decision.fate == Fate::Quarantine {
            target.remove(&manifest(&candidate))?;
        }
    }
    let cause = io::Error::other("every name for it is taken");
    Err(Error::io("move", cause).at_path(&target.path().join(name)))
}

/// Gives the file what it should be besides its bytes, where it goes.
fn dress(file: &File, decision: &Decision) -> Result<Vec<String>, Error> {
    let lost = match decision.fate {
        Fate::Release => decision.file.give(file)?,
        Fate::Quarantine => facts::shut(file).map(|()| Vec::new())?,
    };
    disk::sync(file).map_err(|cause| Error::io("write", cause))?;
    Ok(lost)
}

/// Copies the dump to the file system of `target`, under a name that is none. Returns that name and what was lost;
/// `None` if the bytes are not those that were judged.
fn carry(
    slot: &Slot,
    held: &Held,
    decision: &Decision,
    target: &Directory,
) -> Result<Option<(OsString, Vec<String>)>, Error> {
    let part = part_name(decision);
    let here = |error: Error| error.at_path(&target.path().join(&part));
    target.remove(&part)?;
    let mut file = target.create(&part)?;
    let copied = copy_bytes(&held.file, &mut file);
    let hash = match copied {
        Ok(hash) => hash,
        Err(cause) => {
            // Room for others.
            _ = target.remove(&part);
            return Err(here(Error::io("copy", cause)));
        }
    };
    let is_same = decision.sha256.as_deref() == Some(hex(&hash).as_str());
    if decision.fate == Fate::Release && !is_same {
        target.remove(&part)?;
        return Ok(None);
    }
    let lost = dress(&file, decision).map_err(here)?;
    target.sync()?;
    let way = serde_json::to_vec(&Way::to(target)?).unwrap_or_default();
    slot.directory.write(ARRIVING, &way)?;
    Ok(Some((part, lost)))
}

/// Writes the manifest of the dump that is to be called `name`. `false` if that name is taken.
fn announce(decision: &Decision, target: &Directory, name: &OsStr) -> Result<bool, Error> {
    let manifest = manifest(name);
    if target.has(&manifest)? {
        // Ours, if we were interrupted.
        let mut text = Vec::new();
        let is_read = target
            .file(&manifest)
            .is_ok_and(|file| file.take(MAX_MANIFEST).read_to_end(&mut text).is_ok());
        let is_ours = is_read && decision::is_of(&text, &decision.id);
        if is_ours && target.has(name)? {
            target.remove(&manifest)?;
            return Ok(false);
        }
        return Ok(is_ours);
    }
    if target.has(name)? {
        return Ok(false);
    }
    let draft = OsString::from(format!(".dumpgate-{}.manifest", decision.id));
    target.remove(&draft)?;
    let mut file = target.create(&draft)?;
    let written = disk::write(&mut file, &decision.document()).and_then(|()| disk::sync(&file));
    if let Err(cause) = written {
        _ = target.remove(&draft);
        return Err(Error::io("write", cause).at_path(&target.path().join(&manifest)));
    }
    let renamed = target.settle(&draft, &manifest)?;
    if renamed != Renamed::Done {
        target.remove(&draft)?;
        return Ok(false);
    }
    target.sync()?;
    Ok(true)
}

/// What a dump is called that is not whole yet.
fn part_name(decision: &Decision) -> OsString {
    OsString::from(format!(".dumpgate-{}.part", decision.id))
}

fn gone(slot: &Slot) -> Error {
    let cause = io::Error::from(io::ErrorKind::NotFound);
    Error::io("find the dump in", cause).at_path(slot.entry.path())
}

/// Bytes of a manifest that are read to tell whose it is.
const MAX_MANIFEST: u64 = 256 << 20;
