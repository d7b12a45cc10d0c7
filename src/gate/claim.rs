//! Claims: where a dump is while it is judged, and whose it is.
//!
//! ```text
//! SPOOL/.dumpgate/            0700
//!   lock                      held while claims begin, end and are looked for
//!   CLAIM/                    one gate that runs or ran
//!     lock                    held by that gate; nobody holds that of a dead one
//!     N/                      a slot: one dump
//!       in/NAME               the dump, renamed from SPOOL/NAME
//!       copy                  its bytes in a file of ours, where it cannot be judged in place; takes its place and name
//!                             before it is moved
//!       decision              what was decided and may not be done yet
//!       arriving              the dump is being copied to another file system
//!       manifest              what was decided before, of a dump that was in quarantine
//!       side/RULE-N/          a slot of a file that travels with the dump
//! ```
//!
//! A dump keeps its name while it is claimed, so no instant loses it.

use super::decision::Decision;
use super::disk::{self, Directory};
use crate::error::Error;
use rustix::fs::{FileType, FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// All claims on one spool.
#[derive(Debug)]
pub struct Claims {
    directory: Directory,
    lock: File,
}

/// What one gate has claimed. It is ours: no other gate touches it while this is there.
#[derive(Debug)]
pub struct Claim {
    name: OsString,
    directory: Directory,
    /// Locked.
    _lock: File,
    next: u64,
}

/// One claimed dump.
#[derive(Debug)]
pub struct Slot {
    /// Which it is, unlike all others there were and will be.
    pub id: String,
    /// The slot itself.
    pub directory: Directory,
    /// Where the dump is.
    pub entry: Directory,
    /// Its name; `None` if it is there no more.
    pub name: Option<OsString>,
    number: OsString,
}

impl Claims {
    /// Those on `spool`.
    ///
    /// # Errors
    /// When the gate's directory cannot be made, is somebody else's, or lies on another file system.
    pub fn open(spool: &Directory) -> Result<Self, Error> {
        let claims = Self::at(spool.private(DIRECTORY.as_ref())?)?;
        let directory = &claims.directory;
        if directory.identity()?.0 != spool.identity()?.0 {
            let cause = io::Error::other("it lies on another file system than the spool");
            return Err(Error::io("use", cause).at_path(directory.path()));
        }
        Ok(claims)
    }

    /// Those in `directory`, which is private.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub fn at(directory: Directory) -> Result<Self, Error> {
        let lock = directory.create_or_open(LOCK.as_ref())?;
        Ok(Self { directory, lock })
    }

    /// A new claim.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn begin(&self) -> Result<Claim, Error> {
        let _alone = self.alone()?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = OsString::from(format!("{:x}-{}", now.as_nanos(), std::process::id()));
        self.directory.make(&name)?;
        let claim = self.hold(name)?;
        self.directory.sync()?;
        claim.ok_or_else(|| {
            let cause = io::Error::from(io::ErrorKind::WouldBlock);
            Error::io("lock", cause).at_path(self.directory.path())
        })
    }

    /// Takes over the claims of gates that are no more.
    ///
    /// # Errors
    /// When they cannot be looked for.
    pub fn dead(&self) -> Result<Vec<Claim>, Error> {
        let _alone = self.alone()?;
        let mut dead = Vec::new();
        for name in self.directory.names()? {
            if self.directory.kind(&name)? == Some(FileType::Directory) {
                dead.extend(self.hold(name)?);
            }
        }
        Ok(dead)
    }

    /// Ends a claim; one that has dumps in it stays for the next gate.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn end(&self, claim: Claim) -> Result<(), Error> {
        let _alone = self.alone()?;
        let names = claim.directory.names()?;
        if names.iter().any(|name| name != LOCK) {
            return Ok(());
        }
        claim.directory.remove(LOCK.as_ref())?;
        self.directory.remove_directory(&claim.name)?;
        self.directory.sync()
    }

    /// The claim of that name, if nobody holds it.
    fn hold(&self, name: OsString) -> Result<Option<Claim>, Error> {
        let directory = self.directory.below(&name)?;
        let lock = directory.create_or_open(LOCK.as_ref())?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            held => {
                held.map_err(|error| Error::io("lock", error.into()).at_path(directory.path()))?
            }
        }
        let numbers = directory.names()?;
        let next = numbers
            .iter()
            .filter_map(|number| number.to_str()?.parse::<u64>().ok())
            .max()
            .map_or(1, |last| last + 1);
        Ok(Some(Claim {
            name,
            directory,
            _lock: lock,
            next,
        }))
    }

    /// Keeps other gates from beginning, ending and looking for claims until the guard goes.
    fn alone(&self) -> Result<Alone<'_>, Error> {
        flock(&self.lock, FlockOperation::LockExclusive)
            .map_err(|error| Error::io("lock", error.into()).at_path(self.directory.path()))?;
        Ok(Alone(&self.lock))
    }
}

struct Alone<'l>(&'l File);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // The end of the process would do it too.
        _ = flock(self.0, FlockOperation::Unlock);
    }
}

impl Claim {
    /// Claims `name` in `spool`; `None` if it is there no more.
    ///
    /// # Errors
    /// When it cannot be claimed; it is where it was then.
    pub fn take(&mut self, spool: &Directory, name: &OsStr) -> Result<Option<Slot>, Error> {
        let mut slot = self.empty()?;
        match spool.take(name, &slot.entry, name) {
            Ok(()) => slot.name = Some(name.to_os_string()),
            Err(error) => {
                self.free(&slot)?;
                return if disk::is_not_found(&error) {
                    Ok(None)
                } else {
                    Err(error)
                };
            }
        }
        slot.entry.sync()?;
        spool.sync()?;
        Ok(Some(slot))
    }

    /// A slot without a dump.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn empty(&mut self) -> Result<Slot, Error> {
        let number = OsString::from(self.next.to_string());
        self.next += 1;
        let directory = self.directory.make(&number)?;
        let entry = directory.make(ENTRY.as_ref())?;
        directory.sync()?;
        self.directory.sync()?;
        Ok(self.slot(number, directory, entry, None))
    }

    /// What it is called in messages.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The slots there are.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn slots(&self) -> Result<Vec<Slot>, Error> {
        let mut slots = Vec::new();
        for number in self.directory.names()? {
            if number == LOCK {
                continue;
            }
            let directory = self.directory.below(&number)?;
            // One that was not finished, or was being removed.
            if !directory.has(ENTRY.as_ref())? && !directory.has(DECISION.as_ref())? {
                self.directory.remove_directory(&number)?;
                continue;
            }
            let entry = match directory.has(ENTRY.as_ref())? {
                true => directory.below(ENTRY.as_ref())?,
                false => directory.make(ENTRY.as_ref())?,
            };
            let name = entry.names()?.into_iter().next();
            slots.push(self.slot(number, directory, entry, name));
        }
        Ok(slots)
    }

    /// Removes a slot whose dump is in its place. What has to be known of it goes last.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn free(&self, slot: &Slot) -> Result<(), Error> {
        if let Some(sides) = slot.directory.below_if_there(SIDES.as_ref())? {
            for side in slot.sides()? {
                free(&sides, &side)?;
            }
            slot.directory.remove_directory(SIDES.as_ref())?;
        }
        free(&self.directory, slot)
    }

    fn slot(
        &self,
        number: OsString,
        directory: Directory,
        entry: Directory,
        name: Option<OsString>,
    ) -> Slot {
        Slot {
            id: format!(
                "{}-{}",
                self.name.to_string_lossy(),
                number.to_string_lossy()
            ),
            directory,
            entry,
            name,
            number,
        }
    }
}

impl Slot {
    /// The slots of files that travel with the dump.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn sides(&self) -> Result<Vec<Self>, Error> {
        let Some(sides) = self.directory.below_if_there(SIDES.as_ref())? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for number in sides.names()? {
            let directory = sides.below(&number)?;
            let entry = match directory.below_if_there(ENTRY.as_ref())? {
                Some(entry) => entry,
                None => directory.make(ENTRY.as_ref())?,
            };
            let name = entry.names()?.into_iter().next();
            found.push(self.side(number, directory, entry, name));
        }
        Ok(found)
    }

    /// The directory of those slots, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn sides_directory(&self) -> Result<Directory, Error> {
        match self.directory.below_if_there(SIDES.as_ref())? {
            Some(sides) => Ok(sides),
            None => {
                let sides = self.directory.make(SIDES.as_ref())?;
                self.directory.sync()?;
                Ok(sides)
            }
        }
    }

    /// A new one of those slots, in `sides`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_side(&self, sides: &Directory, number: &str) -> Result<Self, Error> {
        let directory = sides.make(number.as_ref())?;
        let entry = directory.make(ENTRY.as_ref())?;
        directory.sync()?;
        sides.sync()?;
        Ok(self.side(OsString::from(number), directory, entry, None))
    }

    /// What was decided about the dump before, where it was in quarantine.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn origin(&self) -> Result<Option<Decision>, Error> {
        if !self.directory.has(MANIFEST.as_ref())? {
            return Ok(None);
        }
        let mut text = Vec::new();
        let read = self
            .directory
            .file(MANIFEST.as_ref())?
            .read_to_end(&mut text);
        read.map_err(|cause| Error::io("read", cause).at_path(self.directory.path()))?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Puts the copy, which lasts, in the place of the claimed file and under its name, if that was not done before: so
    /// the dump is nowhere twice when it is moved. Returns the name.
    ///
    /// # Errors
    /// When the copy cannot be moved.
    pub fn replace_by_copy(&self) -> Result<Option<OsString>, Error> {
        let name = self.entry.names()?.into_iter().next();
        if let Some(name) = &name
            && self.directory.has(COPY.as_ref())?
        {
            self.directory.take(COPY.as_ref(), &self.entry, name)?;
            self.entry.sync()?;
            self.directory.sync()?;
        }
        Ok(name)
    }

    /// The rule by which it is one of those slots.
    pub fn rule(&self) -> Option<usize> {
        self.number.to_str()?.split_once('-')?.0.parse().ok()
    }

    /// Removes one of those slots, whose file is in its place.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn free_side(&self, side: &Self) -> Result<(), Error> {
        free(&self.sides_directory()?, side)
    }

    fn side(
        &self,
        number: OsString,
        directory: Directory,
        entry: Directory,
        name: Option<OsString>,
    ) -> Self {
        Self {
            id: format!("{}.{}", self.id, number.to_string_lossy()),
            directory,
            entry,
            name,
            number,
        }
    }
}

/// Removes `slot`, which is in `directory`. What has to be known of it goes last.
fn free(directory: &Directory, slot: &Slot) -> Result<(), Error> {
    for name in slot.entry.names()? {
        slot.entry.remove(&name)?;
    }
    slot.entry.sync()?;
    slot.directory.remove(COPY.as_ref())?;
    slot.directory.sync()?;
    for name in slot.directory.names()? {
        if name != ENTRY && name != DECISION {
            slot.directory.remove(&name)?;
        }
    }
    slot.directory.remove_directory(ENTRY.as_ref())?;
    slot.directory.remove(DECISION.as_ref())?;
    directory.remove_directory(&slot.number)
}

/// What the gate calls its directory in a spool.
pub const DIRECTORY: &str = ".dumpgate";

/// The copy in a slot.
pub const COPY: &str = "copy";

/// The decision in a slot.
pub const DECISION: &str = "decision";

/// That a dump is on its way to another file system.
pub const ARRIVING: &str = "arriving";

/// The manifest in a slot of a dump that was in quarantine.
pub const MANIFEST: &str = "manifest";

const SIDES: &str = "side";

const ENTRY: &str = "in";

const LOCK: &str = "lock";
