//! A dump that nobody but us can change: what is judged is what is released.
//!
//! A rename takes a file away from nobody: descriptors that were opened before it still write. So a claimed file is
//! judged where it is only if it has no other name and a read lease is granted; else its bytes are copied into a file
//! of ours, and that one is judged and released.

use super::claim::{COPY, Slot};
use super::disk;
use super::facts::Facts;
use super::lease::{self, Lease};
use super::service;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;

/// A dump that is held.
#[derive(Debug)]
pub struct Held {
    /// Its bytes, open for reading only.
    pub file: File,
    /// Which file they are in.
    pub place: Place,
    /// What the claimed file is besides its bytes.
    pub facts: Facts,
    /// Bytes.
    pub size: u64,
    /// Their SHA-256, where they were read by us.
    pub sha256: Option<[u8; 32]>,
}

/// Which file in a slot is judged and delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The claimed one itself, under a lease.
    Claimed,
    /// A copy in a file of ours.
    Copy,
}

/// Where a dump may be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// In place, if nobody can change it there.
    InPlace,
    /// In a copy, whatever else would do.
    Copy,
}

impl Held {
    /// Holds the dump in `slot`; `None` if it is no regular file.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room for a copy.
    pub fn take(slot: &Slot, wish: Wish) -> Result<Option<Self>, Error> {
        let Some(name) = &slot.name else {
            return Ok(None);
        };
        let file = slot.entry.file(name)?;
        let path = slot.entry.path().join(name);
        let here = |error: Error| error.at_path(&path);
        let metadata = |file: &File| {
            file.metadata()
                .map_err(|cause| Error::io("read", cause).at_path(&path))
        };
        if !metadata(&file)?.is_file() {
            return Ok(None);
        }
        // In quarantine it was shut.
        let facts = match slot.origin()? {
            Some(before) => before.file,
            None => Facts::of(&file).map_err(here)?,
        };
        slot.directory.remove(COPY.as_ref())?;
        let is_leased = wish == Wish::InPlace && lease::take(&file) == Lease::Granted;
        // Another name may be opened later by who knows it.
        let metadata = metadata(&file)?;
        if is_leased && metadata.nlink() == 1 {
            return Ok(Some(Self {
                file,
                place: Place::Claimed,
                facts,
                size: metadata.len(),
                sha256: None,
            }));
        }
        lease::give_up(&file);
        let mut copy = slot.directory.create(COPY.as_ref())?;
        let copied = copy_into(file, &mut copy).map_err(here)?;
        disk::sync(&copy).map_err(|cause| here(Error::io("write a copy of", cause)))?;
        slot.directory.sync()?;
        let file = slot.directory.file(COPY.as_ref())?;
        let size = file
            .metadata()
            .map_err(|cause| here(Error::io("read", cause)))?
            .len();
        Ok(Some(Self {
            file,
            place: Place::Copy,
            facts,
            size,
            sha256: copied,
        }))
    }

    /// The bytes of a copy that was made before, wherever in the slot it is.
    ///
    /// # Errors
    /// When there is none.
    pub fn copy(slot: &Slot, facts: Facts) -> Result<Self, Error> {
        let file = match &slot.name {
            Some(name) if !slot.directory.has(COPY.as_ref())? => slot.entry.file(name)?,
            _ => slot.directory.file(COPY.as_ref())?,
        };
        let size = file
            .metadata()
            .map_err(|cause| Error::io("read", cause).at_path(slot.directory.path()))?
            .len();
        Ok(Self {
            file,
            place: Place::Copy,
            facts,
            size,
            sha256: None,
        })
    }

    /// Whether the bytes are still those that were judged.
    pub fn is_unchanged(&self) -> bool {
        self.place == Place::Copy || lease::is_held(&self.file)
    }

    /// SHA-256 of the bytes, read anew.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn hash(&self) -> io::Result<[u8; 32]> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut hash = Sha256::new();
        let mut block = vec![0; BLOCK];
        loop {
            service::beat();
            match file.read(&mut block) {
                Ok(0) => return Ok(hash.finalize().into()),
                Ok(read) => hash.update(block.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.place == Place::Claimed {
            // A worker may have the same open file for a moment longer.
            lease::give_up(&self.file);
        }
    }
}

/// Copies all of `from` into the new file `to`, sharing blocks where the file system can. Returns the SHA-256 of the
/// bytes if they were read.
///
/// # Errors
/// When reading or writing fails.
pub fn copy_into(from: File, to: &mut File) -> Result<Option<[u8; 32]>, Error> {
    if share(&from, to) {
        return Ok(None);
    }
    copy_bytes(&from, to)
        .map(Some)
        .map_err(|cause| Error::io("copy", cause))
}

/// Copies by reading and writing; long runs of zeros become holes, as sparse dumps have them.
///
/// # Errors
/// When reading or writing fails.
pub fn copy_bytes(mut from: &File, to: &mut File) -> io::Result<[u8; 32]> {
    from.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; BLOCK];
    let mut length = 0u64;
    super::fault::before()?;
    loop {
        service::beat();
        let read = match from.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = block.get(..read).unwrap_or_default();
        hash.update(bytes);
        length += read as u64;
        if read == BLOCK && bytes.iter().all(|byte| *byte == 0) {
            to.seek(SeekFrom::Start(length))?;
        } else {
            to.write_all(bytes)?;
        }
    }
    // A hole at the end was not written.
    to.set_len(length)?;
    super::fault::after();
    Ok(hash.finalize().into())
}

#[cfg(target_os = "linux")]
fn share(from: &File, to: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn share(_: &File, _: &File) -> bool {
    false
}

/// Bytes read at a time, and the least run of zeros that becomes a hole.
const BLOCK: usize = 64 << 10;
