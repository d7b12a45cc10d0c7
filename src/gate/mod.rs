//! The gate: dumps in a spool end in one of two directories, released or quarantined, whatever happens.
//!
//! A dump is claimed (`claim`), held so that nobody can change it (`hold`), judged by a worker and decided about
//! (`decision`); the decision is kept beside the claim, then recorded in the audit log (`audit`), and only then the
//! dump is moved (`deliver`). Each step lasts before the next begins, so a gate that starts again knows what is left
//! to do: a dump without a decision is judged, one with a decision goes where that says, and is not judged again.
//!
//! For Unix. Leases, which let a dump be judged without a copy, are Linux' own.

pub mod audit;
mod claim;
mod decision;
mod deliver;
mod disk;
mod facts;
mod fault;
mod hold;
mod lease;
pub mod names;
pub mod tell;

pub use decision::{Decision, Fate};

use crate::error::{Error, ErrorKind};
use crate::policy::Policy;
use crate::worker::{Options, Supervisor};
use audit::Log;
use claim::{Claim, Claims, DIRECTORY, Slot};
use decision::Judge;
use deliver::{Delivered, deliver, has_arrived};
use disk::Directory;
use hold::{Held, Place, Wish};
use lease::Lease;
use rustix::fs::FileType;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where dumps come from and go to.
#[derive(Clone, Debug)]
pub struct Places {
    /// Where they are written.
    pub spool: PathBuf,
    /// Where they go that may leave.
    pub release: PathBuf,
    /// Where the others go.
    pub quarantine: PathBuf,
    /// The audit log; `None` for `.dumpgate/audit.jsonl` in the quarantine.
    pub audit: Option<PathBuf>,
}

/// What a verdict leads to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// What becomes of a dump that ends before what it declares, and is clean as far as it goes.
    pub truncated: Truncated,
    /// Releases everything, and records what would have been.
    pub dry_run: bool,
    /// How long a dump that somebody writes to is waited for.
    pub wait: Duration,
}

/// What becomes of a dump that ends before what it declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncated {
    /// It is quarantined.
    #[default]
    Quarantine,
    /// It is released if there is nothing else against it.
    Release,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'e> {
    /// A dump is in its place.
    Done(&'e Done),
    /// Something in the spool that is no dump stays there.
    Left {
        /// Its name.
        name: &'e OsStr,
        /// What it is.
        what: &'static str,
    },
    /// A dump could not be brought to its place. It stays claimed, for the next round.
    Stuck {
        /// Where it is or was.
        path: &'e Path,
        /// Why.
        error: &'e Error,
    },
}

/// A dump in its place.
#[derive(Debug)]
pub struct Done {
    /// What was decided.
    pub decision: Decision,
    /// Where it is; `None` if it went there before this gate began.
    pub path: Option<PathBuf>,
    /// What could not be kept of the file besides its bytes, in words.
    pub lost: Vec<String>,
}

/// A gate at work. Judges by a worker that ends with the thread that uses this.
pub struct Gate {
    spool: Directory,
    release: Directory,
    quarantine: Directory,
    claims: Claims,
    log: Log,
    supervisor: Supervisor,
    rules: Rules,
    options: Value,
}

/// What the audit log says when a decision does not hold.
#[derive(Serialize)]
struct Withdrawn<'d> {
    id: &'d str,
    why: &'d str,
}

impl Gate {
    /// A gate between `places`, whose dumps are judged as `options` and `policy` say.
    ///
    /// # Errors
    /// When a place cannot be used as one.
    pub fn open(
        places: &Places,
        rules: Rules,
        options: Options,
        policy: Policy,
    ) -> Result<Self, Error> {
        let spool = Directory::open(&places.spool)?;
        let release = Directory::open(&places.release)?;
        let quarantine = Directory::open(&places.quarantine)?;
        let identities = [
            spool.identity()?,
            release.identity()?,
            quarantine.identity()?,
        ];
        let [spool_is, release_is, quarantine_is] = identities;
        if spool_is == release_is || spool_is == quarantine_is || release_is == quarantine_is {
            let cause = io::Error::other("spool, release and quarantine must be three directories");
            return Err(Error::io("use", cause).at_path(&places.spool));
        }
        let claims = Claims::open(&spool)?;
        let log = match &places.audit {
            None => {
                let private = quarantine.private(DIRECTORY.as_ref())?;
                Log::open(&private, &audit::default_name())?
            }
            Some(path) => {
                let parent = match path.parent() {
                    Some(parent) if !parent.as_os_str().is_empty() => parent,
                    _ => Path::new("."),
                };
                let name = path.file_name().ok_or_else(|| {
                    let cause = io::Error::from(io::ErrorKind::IsADirectory);
                    Error::io("open", cause).at_path(path)
                })?;
                Log::open(&Directory::open(parent)?, name)?
            }
        };
        let words = serde_json::json!({
            "fail_on": policy.least_proof().name(),
            "strict": policy.is_strict(),
        });
        let options_in_words = decision::options_in_words(&options, &rules, words);
        Ok(Self {
            spool,
            release,
            quarantine,
            claims,
            log,
            supervisor: Supervisor::new(options, policy),
            rules,
            options: options_in_words,
        })
    }

    /// Starts workers from the program at this path instead of the one that runs, as a test has to.
    #[must_use]
    pub fn program(mut self, path: PathBuf) -> Self {
        self.supervisor = self.supervisor.program(path);
        self
    }

    /// The audit log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Finishes what gates that are no more left, then takes each dump that is in the spool.
    ///
    /// # Errors
    /// When the spool cannot be read or nothing can be claimed.
    pub fn round(&mut self, tell: &mut dyn FnMut(&Event<'_>)) -> Result<(), Error> {
        for claim in self.claims.dead()? {
            match claim.slots() {
                Ok(slots) => slots
                    .into_iter()
                    .for_each(|slot| self.resume(&claim, slot, tell)),
                Err(error) => tell(&Event::Stuck {
                    path: claim.path(),
                    error: &error,
                }),
            }
            self.claims.end(claim)?;
        }
        let mut waiting = self.waiting(tell)?;
        if waiting.is_empty() {
            return Ok(());
        }
        let mut claim = self.claims.begin()?;
        let since = Instant::now();
        let mut passed = 0;
        while let Some(name) = waiting.pop_front() {
            if since.elapsed() < self.rules.wait && self.is_written(&name) {
                waiting.push_back(name);
                passed += 1;
                if passed >= waiting.len() {
                    passed = 0;
                    std::thread::sleep(PAUSE);
                }
                continue;
            }
            passed = 0;
            let path = self.spool.path().join(&name);
            match claim.take(&self.spool, &name) {
                Ok(None) => {}
                Ok(Some(slot)) => {
                    if self.process(&claim, slot, tell).is_break() {
                        break;
                    }
                }
                Err(error) => {
                    tell(&Event::Stuck {
                        path: &path,
                        error: &error,
                    });
                    if is_of_the_disk(&error) {
                        break;
                    }
                }
            }
        }
        self.claims.end(claim)
    }

    /// The names of dumps in the spool; tells of what is none.
    fn waiting(&self, tell: &mut dyn FnMut(&Event<'_>)) -> Result<VecDeque<OsString>, Error> {
        let own = [self.release.identity()?, self.quarantine.identity()?];
        let mut waiting = VecDeque::new();
        for name in self.spool.names()? {
            let Some(stat) = self.spool.stat(&name)? else {
                continue;
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => waiting.push_back(name),
                FileType::Directory
                    if name == DIRECTORY || own.contains(&disk::identity(&stat)) => {}
                kind => tell(&Event::Left {
                    name: &name,
                    what: in_words(kind),
                }),
            }
        }
        Ok(waiting)
    }

    /// Whether somebody has the dump `name` open for writing, as far as the system tells.
    fn is_written(&self, name: &OsStr) -> bool {
        let is_busy = |file| lease::take(&file) == Lease::Busy;
        self.spool.file(name).is_ok_and(is_busy)
    }

    /// Brings a claimed dump to its place. Breaks when there is no sense in claiming another.
    fn process(
        &mut self,
        claim: &Claim,
        slot: Slot,
        tell: &mut dyn FnMut(&Event<'_>),
    ) -> std::ops::ControlFlow<()> {
        let name = slot.name.clone().unwrap_or_default();
        let path = self.spool.path().join(&name);
        let done = match self.judge(&slot, &path) {
            Ok(Some(done)) => claim.free(&slot).map(|()| Some(done)),
            Ok(None) => self.hand_back(claim, &slot, &name, tell).map(|()| None),
            Err(error) => Err(error),
        };
        match done {
            Ok(Some(done)) => tell(&Event::Done(&done)),
            Ok(None) => {}
            Err(error) => {
                tell(&Event::Stuck {
                    path: &path,
                    error: &error,
                });
                if is_of_the_disk(&error) {
                    return std::ops::ControlFlow::Break(());
                }
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Judges the dump in `slot`, decides, and moves it; `None` if it is no regular file.
    fn judge(&mut self, slot: &Slot, path: &Path) -> Result<Option<Done>, Error> {
        let mut wish = Wish::InPlace;
        loop {
            let Some(held) = Held::take(slot, wish)? else {
                return Ok(None);
            };
            let mut judge = Judge {
                supervisor: &mut self.supervisor,
                rules: &self.rules,
                options: &self.options,
            };
            let decision = judge.decide(slot, &held, path);
            decision.keep(slot)?;
            self.log.append("decided", &decision.told())?;
            if let Some(done) = self.carry_out(slot, &held, decision)? {
                return Ok(Some(done));
            }
            wish = Wish::Copy;
        }
    }

    /// Moves a dump as was decided; `None` if the decision is withdrawn because it may have changed.
    fn carry_out(
        &mut self,
        slot: &Slot,
        held: &Held,
        decision: Decision,
    ) -> Result<Option<Done>, Error> {
        let target = match decision.fate {
            Fate::Release => &self.release,
            Fate::Quarantine => &self.quarantine,
        };
        match deliver(slot, held, &decision, target, &mut self.log)? {
            Delivered::There { path, lost } => Ok(Some(Done {
                decision,
                path: Some(path),
                lost,
            })),
            Delivered::Changed => {
                self.withdraw(slot, &decision, CHANGED)?;
                Ok(None)
            }
        }
    }

    /// Forgets a decision that does not hold.
    fn withdraw(&mut self, slot: &Slot, decision: &Decision, why: &str) -> Result<(), Error> {
        let id = &decision.id;
        self.log.append("withdrawn", &Withdrawn { id, why })?;
        slot.directory.remove(claim::DECISION.as_ref())?;
        slot.directory.sync()
    }

    /// Finishes what another gate began.
    fn resume(&mut self, claim: &Claim, slot: Slot, tell: &mut dyn FnMut(&Event<'_>)) {
        let resumed = match Decision::read(&slot) {
            Ok(Some(decision)) => self.execute(&slot, decision).and_then(|done| match done {
                Some(done) => claim.free(&slot).map(|()| Some(done)),
                None => Ok(None),
            }),
            // Nothing was claimed yet.
            Ok(None) if slot.name.is_none() => match claim.free(&slot) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match resumed {
            Ok(Some(done)) => tell(&Event::Done(&done)),
            Ok(None) => _ = self.process(claim, slot, tell),
            Err(error) => tell(&Event::Stuck {
                path: slot.entry.path(),
                error: &error,
            }),
        }
    }

    /// Does what was decided before; `None` if it has to be decided anew, because the dump is another.
    fn execute(&mut self, slot: &Slot, mut decision: Decision) -> Result<Option<Done>, Error> {
        let target = match decision.fate {
            Fate::Release => &self.release,
            Fate::Quarantine => &self.quarantine,
        };
        // Whether it was recorded is not known, and twice is better than not at all.
        if has_arrived(slot, &decision, target)? {
            self.log.append("finished", &decision.told())?;
            return Ok(Some(Done {
                decision,
                path: None,
                lost: Vec::new(),
            }));
        }
        if decision.dry_run && !self.rules.dry_run {
            // Now it counts.
            self.withdraw(slot, &decision, "it was made in a dry run")?;
            return Ok(None);
        }
        let held = match decision.place {
            Place::Copy => Some(Held::copy(slot, decision.file.clone())?),
            Place::Claimed => Held::take(slot, Wish::InPlace)?,
        };
        let Some(held) = held else {
            return Ok(None);
        };
        // Nobody had a lease while no gate ran.
        let hash = held.hash().ok().map(|hash| names::hex(&hash));
        if decision.fate == Fate::Release && (hash.is_none() || hash != decision.sha256) {
            self.withdraw(slot, &decision, CHANGED)?;
            return Ok(None);
        }
        if held.place != decision.place {
            decision.place = held.place;
            decision.keep(slot)?;
        }
        self.log.append("resumed", &decision.told())?;
        self.carry_out(slot, &held, decision)
    }

    /// Gives back what turned out to be no regular file.
    fn hand_back(
        &mut self,
        claim: &Claim,
        slot: &Slot,
        name: &OsStr,
        tell: &mut dyn FnMut(&Event<'_>),
    ) -> Result<(), Error> {
        let kind = slot.entry.kind(name)?;
        if slot.entry.rename(name, &self.spool, name)? != disk::Renamed::Done {
            let cause = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(Error::io("give back", cause).at_path(&self.spool.path().join(name)));
        }
        self.spool.sync()?;
        claim.free(slot)?;
        tell(&Event::Left {
            name,
            what: kind.map_or("something unknown", in_words),
        });
        Ok(())
    }
}

/// Whether the next dump would meet the same.
fn is_of_the_disk(error: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        ErrorKind::Io { cause, .. }
            if matches!(cause.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
    )
}

fn in_words(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something unknown",
    }
}

/// Why a decision does not hold.
const CHANGED: &str = "the dump may have changed since it was judged";

/// Between one look at dumps that are being written and the next.
const PAUSE: Duration = Duration::from_millis(50);
