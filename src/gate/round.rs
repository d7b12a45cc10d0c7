//! One look at the spool: which dumps are there and can be taken, and which somebody still writes.

use super::claim::DIRECTORY;
use super::disk::{self, is_of_the_disk};
use super::lease::{self, Lease};
use super::side::{self, Role};
use super::{Event, Gate, Left, in_words, service};
use crate::error::Error;
use rustix::fs::FileType;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How a dump that somebody writes was seen first, since it changed last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    since: Instant,
    size: i64,
    modified: (i64, i64),
}

impl Seen {
    #[allow(clippy::unnecessary_cast)] // other systems have narrower numbers
    fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            since: Instant::now(),
            size: stat.st_size as i64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        }
    }

    fn is_as(&self, other: &Self) -> bool {
        (self.size, self.modified) == (other.size, other.modified)
    }
}

impl Gate {
    /// Takes each dump that is in the spool, and waits for those that somebody writes.
    ///
    /// # Errors
    /// When the spool cannot be read or nothing can be claimed.
    pub fn round(&mut self, tell: &mut dyn FnMut(&Event<'_>)) -> Result<(), Error> {
        while self.pass(tell)? == Left::Busy && !self.stop.is_asked() {
            service::beat();
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Finishes what gates that are no more left, then takes each dump in the spool that nobody writes.
    ///
    /// # Errors
    /// When the spool cannot be read or nothing can be claimed.
    pub(super) fn pass(&mut self, tell: &mut dyn FnMut(&Event<'_>)) -> Result<Left, Error> {
        if self.stuck == 0 {
            self.told.clear();
            self.resumed.clear();
            self.stuck_since = None;
        }
        self.stuck = 0;
        for claim in self.claims.dead()? {
            match claim.slots() {
                Ok(slots) => {
                    for slot in slots {
                        if self.stop.is_asked() {
                            break;
                        }
                        self.resume(&claim, slot, tell);
                    }
                }
                Err(error) => self.stick(claim.path(), &error, tell),
            }
            self.claims.end(claim)?;
        }
        let (ready, left) = self.waiting(tell)?;
        self.measure(left == Left::Nothing);
        if ready.is_empty() || self.stop.is_asked() {
            return Ok(left);
        }
        let mut claim = self.claims.begin()?;
        for name in ready {
            if self.stop.is_asked() {
                break;
            }
            self.tick();
            self.queue.0 = self.queue.0.saturating_sub(1);
            match claim.take(&self.spool, &name) {
                Ok(None) => {}
                Ok(Some(slot)) => {
                    if self.process(&claim, slot, tell).is_break() {
                        break;
                    }
                }
                Err(error) => {
                    self.stick(&self.spool.path().join(&name), &error, tell);
                    if is_of_the_disk(&error) {
                        break;
                    }
                }
            }
        }
        self.claims.end(claim)?;
        self.queue.1 = None;
        self.measure(true);
        Ok(left)
    }

    /// Tells of a dump that cannot be brought to its place now.
    pub(super) fn stick(&mut self, path: &Path, error: &Error, tell: &mut dyn FnMut(&Event<'_>)) {
        self.stuck += 1;
        self.stuck_since.get_or_insert_with(SystemTime::now);
        let (words, now) = (error.to_string(), Instant::now());
        let known = self.told.get(path);
        let is_known = known.is_some_and(|(said, at)| *said == words && at.elapsed() < AGAIN);
        if !is_known {
            self.told.insert(path.to_path_buf(), (words, now));
            tell(&Event::Stuck { path, error });
        }
    }

    /// What is done again and again while the gate is at work.
    pub(super) fn tick(&self) {
        service::beat();
    }

    /// The names of dumps in the spool that are ready to be taken, and whether there are others; tells of what is no
    /// dump.
    fn waiting(
        &mut self,
        tell: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(Vec<OsString>, Left), Error> {
        let mut own = vec![self.quarantine.identity()?];
        if let Some(release) = &self.release {
            own.push(release.identity()?);
        }
        let (mut ready, mut left) = (Vec::new(), Left::Nothing);
        let mut written = HashMap::new();
        let mut strange = HashSet::new();
        let mut queue = (0, None);
        let names: BTreeSet<OsString> = self.spool.names()?.into_iter().collect();
        for name in &names {
            let role = side::role(name, &names);
            let name = name.clone();
            let Some(stat) = self.spool.stat(&name)? else {
                continue;
            };
            let kind = FileType::from_raw_mode(stat.st_mode);
            if kind == FileType::RegularFile && role != Role::Side {
                let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
                let written = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
                queue.0 += 1;
                queue.1 = Some(
                    queue
                        .1
                        .map_or(written, |oldest: SystemTime| oldest.min(written)),
                );
            }
            match kind {
                // It is claimed with its dump.
                FileType::RegularFile if role == Role::Side => {}
                FileType::RegularFile
                    if matches!(role, Role::Locked | Role::Orphan) || self.is_written(&name) =>
                {
                    let now = Seen::of(&stat);
                    let before = self.written.get(&name);
                    // As long as it grows nobody could tell how much of it is still to come.
                    let seen = before.filter(|seen| seen.is_as(&now)).copied();
                    let seen = seen.unwrap_or(now);
                    if seen.since.elapsed() < self.rules.wait {
                        left = Left::Busy;
                        written.insert(name, seen);
                    } else {
                        ready.push(name);
                    }
                }
                FileType::RegularFile => ready.push(name),
                FileType::Directory
                    if name == DIRECTORY || own.contains(&disk::identity(&stat)) => {}
                kind => {
                    if !self.strange.contains(&name) {
                        tell(&Event::Left {
                            name: &name,
                            what: in_words(kind),
                        });
                    }
                    strange.insert(name);
                }
            }
        }
        self.queue = queue;
        self.strange = strange;
        self.written = written;
        Ok((ready, left))
    }

    /// Whether somebody has the dump `name` open for writing, as far as the system tells; else whether it changed a
    /// moment ago.
    fn is_written(&self, name: &OsStr) -> bool {
        let Ok(file) = self.spool.file(name) else {
            return false;
        };
        match lease::take(&file) {
            Lease::Granted => false,
            Lease::Busy => true,
            Lease::Unknown => file.metadata().is_ok_and(|metadata| {
                let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let age = SystemTime::now().duration_since(modified);
                // One from the future is not written for ever.
                age.is_ok_and(|age| age < QUIET)
            }),
        }
    }
}

/// When what keeps a dump from its place is told again.
const AGAIN: Duration = Duration::from_secs(600);

/// How long a file must not have changed, where the system does not tell whether somebody writes it.
const QUIET: Duration = Duration::from_secs(2);

/// Between one look at dumps that are being written and the next.
const PAUSE: Duration = Duration::from_millis(50);
