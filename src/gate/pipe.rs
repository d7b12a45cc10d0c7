//! A dump from standard input, judged before a command sees it.
//!
//! ```text
//! QUARANTINE/.incoming/       0700, claims as in a spool: one for each pipe that runs or ran
//! ```
//!
//! The dump is spooled there and judged; only a clean one is given to the command, the others are quarantined. A pipe
//! that ended before its dump was in one of the two leaves it there: the next pipe records it as `incomplete`. Which
//! pipes run is told by their locks.

use super::claim::{Claim, Claims, Slot};
use super::decision::{Decision, Fate, Judge};
use super::disk::Directory;
use super::hold::{Held, Wish};
use super::{Done, Event, Gate, Ground, Rules, disk, fault, open_log};
use crate::error::{Error, ErrorKind};
use crate::policy::Policy;
use crate::worker::Options;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A pipe with a gate in it.
pub struct Pipe {
    gate: Gate,
}

/// A clean dump on its way to a command.
#[derive(Debug)]
pub struct Passing {
    claim: Claim,
    slot: Slot,
    held: Held,
    /// What was decided.
    pub decision: Decision,
}

/// What became of a dump.
#[derive(Debug)]
pub enum Taken {
    /// It may go on.
    Clean(Box<Passing>),
    /// It is quarantined.
    Kept(Box<Done>),
}

/// What came of an input.
struct Spooled {
    received: u64,
    /// Why not all of it is kept.
    cut: Option<String>,
}

/// What the audit log says when a command is done.
#[derive(Serialize)]
struct Passed<'d> {
    id: &'d str,
    exit: Option<i32>,
}

impl Pipe {
    /// A pipe whose dumps end in the directory `quarantine`, if they are not clean. The log is at `audit`, or there.
    ///
    /// # Errors
    /// When a place cannot be used as one.
    pub fn open(
        quarantine: &Path,
        audit: Option<&Path>,
        rules: Rules,
        options: Options,
        policy: Policy,
    ) -> Result<Self, Error> {
        let quarantine = Directory::open(quarantine)?;
        let log = open_log(&quarantine, audit)?;
        let ground = Ground {
            claims: Claims::at(quarantine.private(INCOMING.as_ref())?)?,
            spool: quarantine.private(INCOMING.as_ref())?,
            release: None,
            quarantine,
            log,
        };
        Ok(Self {
            gate: Gate::on(ground, rules, options, policy),
        })
    }

    /// Says in each record which command the dump was meant for.
    pub fn meant_for<'a>(&mut self, command: impl Iterator<Item = &'a OsStr>) {
        use super::names::Bytes;
        use std::os::unix::ffi::OsStrExt;
        let words: Vec<Bytes> = command.map(|word| Bytes::of(word.as_bytes())).collect();
        if let serde_json::Value::Object(options) = &mut self.gate.options {
            let words = serde_json::to_value(words).unwrap_or_default();
            options.insert("command".to_owned(), words);
        }
    }

    /// Runs `command` when a key was found; see [`Gate::on_found`].
    #[must_use]
    pub fn on_found(mut self, command: Option<OsString>) -> Self {
        self.gate = self.gate.on_found(command);
        self
    }

    /// The gate in it.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Takes all of `input`, at most `limit` bytes of which are kept, as the dump `name`, and judges it. Its input is
    /// always read to the end: who writes it waits for that.
    ///
    /// # Errors
    /// When it cannot be kept, or what is decided not be recorded. What is kept of it is recorded by the next pipe.
    pub fn take(
        &mut self,
        input: &mut dyn Read,
        name: &OsStr,
        limit: Option<u64>,
    ) -> Result<Taken, Error> {
        let spooled = self.begin(name).and_then(|(claim, slot, mut file)| {
            let spooled = spool(input, &mut file, limit.unwrap_or(u64::MAX))
                .map_err(|cause| Error::io("spool", cause).at_path(slot.entry.path()))?;
            disk::sync(&file)
                .map_err(|cause| Error::io("write", cause).at_path(slot.entry.path()))?;
            slot.entry.sync()?;
            Ok((claim, slot, spooled))
        });
        if spooled.is_err() {
            _ = io::copy(input, &mut io::sink());
        }
        let (claim, slot, spooled) = spooled?;
        self.judge(claim, slot, &spooled)
    }

    fn begin(&self, name: &OsStr) -> Result<(Claim, Slot, File), Error> {
        let mut claim = self.gate.claims.begin()?;
        let mut slot = claim.empty()?;
        let file = slot.entry.create(name)?;
        slot.name = Some(name.to_os_string());
        Ok((claim, slot, file))
    }

    fn judge(&mut self, claim: Claim, slot: Slot, spooled: &Spooled) -> Result<Taken, Error> {
        let gate = &mut self.gate;
        let since = std::time::Instant::now();
        let mut wish = Wish::InPlace;
        loop {
            let Some(held) = Held::take(&slot, wish)? else {
                return Err(missing(&slot));
            };
            let mut judge = Judge {
                supervisor: &mut gate.supervisor,
                rules: &gate.rules,
                options: &gate.options,
                stop: &gate.stop,
            };
            let path = Path::new(STDIN);
            let mut decision = match judge.decide(&slot, &held, path) {
                Some(decision) => decision,
                None => judge.refuse(
                    &slot,
                    &held,
                    path,
                    "it was not judged to the end".to_owned(),
                ),
            };
            if let Some(why) = &spooled.cut {
                decision.cut(spooled.received, why.clone());
            }
            decision.keep(&slot)?;
            gate.log.append("decided", &decision.told())?;
            match decision.fate {
                Fate::Release if held.is_unchanged() => {
                    // In a dry run.
                    gate.alarm(&decision, None);
                    return Ok(Taken::Clean(Box::new(Passing {
                        claim,
                        slot,
                        held,
                        decision,
                    })));
                }
                Fate::Release => gate.withdraw(&slot, &decision, super::work::CHANGED)?,
                Fate::Quarantine => {
                    if let Some(done) = gate.carry_out(&slot, &held, decision)? {
                        claim.free(&slot)?;
                        gate.claims.end(claim)?;
                        gate.settled(&done, since.elapsed());
                        return Ok(Taken::Kept(Box::new(done)));
                    }
                }
            }
            wish = Wish::Copy;
        }
    }

    /// Ends what a command had: it ended with this exit code, or by a signal.
    ///
    /// # Errors
    /// When that cannot be recorded, or the dump not be removed; the next pipe finds it.
    pub fn passed(&mut self, passing: Passing, exit: Option<i32>) -> Result<(), Error> {
        let Passing {
            claim,
            slot,
            held,
            decision,
        } = passing;
        let id = &decision.id;
        self.gate.log.append("passed", &Passed { id, exit })?;
        drop(held);
        claim.free(&slot)?;
        self.gate.claims.end(claim)
    }

    /// Quarantines what no command could be given, for the reason `why`.
    ///
    /// # Errors
    /// When it cannot be; the next pipe finds it.
    pub fn refuse(&mut self, passing: Passing, why: &str) -> Result<Done, Error> {
        let Passing {
            claim,
            slot,
            held,
            decision,
        } = passing;
        drop(held);
        self.gate.withdraw(&slot, &decision, why)?;
        let done = self.keep(&claim, &slot, why)?;
        self.gate.claims.end(claim)?;
        Ok(done)
    }

    /// Records what pipes that are no more left.
    ///
    /// # Errors
    /// When that cannot be looked for.
    pub fn recover(&mut self, tell: &mut dyn FnMut(&Event<'_>)) -> Result<(), Error> {
        for claim in self.gate.claims.dead()? {
            for slot in claim.slots()? {
                let path = slot.entry.path().to_path_buf();
                match self.settle(&claim, slot) {
                    Ok(Some(done)) => tell(&Event::Done(&done)),
                    Ok(None) => {}
                    Err(error) => tell(&Event::Stuck {
                        path: &path,
                        error: &error,
                    }),
                }
            }
            self.gate.claims.end(claim)?;
        }
        Ok(())
    }

    fn settle(&mut self, claim: &Claim, mut slot: Slot) -> Result<Option<Done>, Error> {
        match Decision::read(&slot)? {
            Some(decision) if decision.fate == Fate::Quarantine => {
                let done = self.gate.execute(&slot, decision)?;
                if done.is_some() {
                    claim.free(&slot)?;
                    return Ok(done);
                }
            }
            // Its command may have had a part of it.
            Some(decision) if slot.name.is_some() => self.gate.withdraw(&slot, &decision, DEAD)?,
            Some(_) => {}
            None => {}
        }
        slot.name = slot.entry.names()?.into_iter().next();
        if slot.name.is_none() {
            claim.free(&slot)?;
            return Ok(None);
        }
        self.keep(claim, &slot, DEAD).map(Some)
    }

    /// Quarantines the dump in `slot` unjudged.
    fn keep(&mut self, claim: &Claim, slot: &Slot, why: &str) -> Result<Done, Error> {
        let gate = &mut self.gate;
        let held = Held::take(slot, Wish::InPlace)?.ok_or_else(|| missing(slot))?;
        let judge = Judge {
            supervisor: &mut gate.supervisor,
            rules: &gate.rules,
            options: &gate.options,
            stop: &gate.stop,
        };
        let mut decision = judge.refuse(slot, &held, Path::new(STDIN), why.to_owned());
        if why == DEAD {
            // How much was still to come nobody knows.
            decision.cut(held.size, why.to_owned());
        }
        decision.keep(slot)?;
        gate.log.append("decided", &decision.told())?;
        let done = gate.carry_out(slot, &held, decision)?;
        claim.free(slot)?;
        // Only what is released can turn out to have changed.
        done.ok_or_else(|| missing(slot))
    }
}

impl Passing {
    /// The dump, from its beginning, for reading.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn file(&self) -> Result<File, Error> {
        match (self.held.place, &self.slot.name) {
            (super::hold::Place::Claimed, Some(name)) => self.slot.entry.file(name),
            _ => self.slot.directory.file(super::claim::COPY.as_ref()),
        }
    }

    /// Where it is meanwhile.
    pub fn path(&self) -> PathBuf {
        self.slot.entry.path().to_path_buf()
    }
}

/// Reads all of `input` and keeps at most `limit` bytes of it in `file`, or as many as there is room for.
fn spool(input: &mut dyn Read, file: &mut File, limit: u64) -> io::Result<Spooled> {
    let mut block = vec![0; BLOCK];
    let (mut received, mut kept) = (0u64, 0u64);
    let mut cut = None;
    let mut room = fault::before();
    loop {
        let read = match input.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        received += read as u64;
        let fits = usize::try_from(limit - kept).map_or(read, |left| left.min(read));
        if fits < read && cut.is_none() {
            cut = Some(format!(
                "it is longer than the {limit} bytes that are kept (`--max-size`)"
            ));
        }
        if room.is_ok() {
            let bytes = block.get(..fits).unwrap_or_default();
            room = file.write_all(bytes);
            kept += fits as u64;
        }
    }
    fault::after();
    if let Err(error) = room {
        cut = Some(format!("not all of it could be kept: {error}"));
    }
    Ok(Spooled { received, cut })
}

fn missing(slot: &Slot) -> Error {
    let kind = ErrorKind::Io {
        tried: "find the dump in",
        cause: io::Error::from(io::ErrorKind::NotFound),
    };
    Error::of_parts(kind, Some(slot.entry.path().to_path_buf()), None)
}

/// Where dumps are spooled, in the quarantine.
const INCOMING: &str = ".incoming";

/// What an input is called.
const STDIN: &str = "-";

/// Why a dump was not judged.
const DEAD: &str = "the pipe that received it ended before its command had all of it";

/// Bytes read at a time.
const BLOCK: usize = 256 << 10;
