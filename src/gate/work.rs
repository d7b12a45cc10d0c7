//! What becomes of one claimed dump: judged, decided about, moved; and what another gate left undone.

use super::claim::{self, Claim, Slot};
use super::decision::{Decision, Fate, Judge};
use super::deliver::{Delivered, deliver, has_arrived};
use super::disk::{self, Directory, is_of_the_disk};
use super::hold::{Held, Place, Wish};
use super::{Done, Event, Gate, in_words, names, side, target};
use crate::error::Error;
use serde::Serialize;
use std::ffi::OsStr;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// How the judging of a dump ended.
pub enum Ended {
    /// It is in its place.
    Done(Box<Done>),
    /// It is no regular file.
    NoFile,
    /// The gate is to end before it is judged.
    Stopped,
}

/// What the audit log says when a decision does not hold.
#[derive(Serialize)]
struct Withdrawn<'d> {
    id: &'d str,
    why: &'d str,
}

impl Gate {
    /// Brings a claimed dump to its place. Breaks when there is no sense in claiming another.
    pub(super) fn process(
        &mut self,
        claim: &Claim,
        slot: Slot,
        tell: &mut dyn FnMut(&Event<'_>),
    ) -> ControlFlow<()> {
        let name = slot.name.clone().unwrap_or_default();
        let path = self.spool.path().join(&name);
        let since = Instant::now();
        let claimed = side::claim(&slot, &self.spool, &name);
        let done = match claimed.and_then(|()| self.judge(&slot, &path)) {
            Ok(Ended::Done(done)) => claim.free(&slot).map(|()| Some(*done)),
            Ok(Ended::NoFile) => self.hand_back(claim, &slot, &name, None, tell),
            Ok(Ended::Stopped) => self.hand_back(claim, &slot, &name, Some(STOPPED), tell),
            Err(error) => Err(error),
        };
        match done {
            Ok(Some(done)) => {
                self.settled(&done, since.elapsed());
                tell(&Event::Done(&done));
            }
            Ok(None) => {}
            Err(error) => {
                self.stick(&path, &error, tell);
                if is_of_the_disk(&error) {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Judges the dump in `slot`, decides, and moves it.
    pub(super) fn judge(&mut self, slot: &Slot, path: &Path) -> Result<Ended, Error> {
        let mut wish = Wish::InPlace;
        loop {
            let Some(held) = Held::take(slot, wish)? else {
                return Ok(Ended::NoFile);
            };
            // What changes in them meanwhile cannot be told when they are moved, one after the other: copies cannot.
            let mut sides = Vec::new();
            for side in slot.sides()? {
                if let Some(held) = Held::take(&side, Wish::Copy)? {
                    sides.push((side, held));
                }
            }
            let dump = match slot.origin()? {
                Some(before) => before.name(),
                None => slot.name.clone().unwrap_or_default(),
            };
            let mut judge = Judge {
                supervisor: &mut self.supervisor,
                rules: &self.rules,
                options: &self.options,
                stop: &self.stop,
            };
            let Some(mut decision) = judge.decide(slot, &held, path) else {
                return Ok(Ended::Stopped);
            };
            let mut decisions = Vec::new();
            for (side, held) in &sides {
                let name = side.name.clone().unwrap_or_default();
                let below = side::below(side, &dump);
                let path = match (side.origin()?, &below) {
                    (Some(before), _) => before.path(),
                    (None, Some(below)) => self.spool.path().join(below).join(name),
                    (None, None) => self.spool.path().join(name),
                };
                match judge.decide(side, held, &path) {
                    Some(decision) => decisions.push((decision, below)),
                    None => return Ok(Ended::Stopped),
                }
            }
            decision.join(decisions);
            drop(sides);
            decision.keep(slot)?;
            self.log.append("decided", &decision.told())?;
            if let Some(done) = self.carry_out(slot, &held, decision)? {
                side::tidy(&self.spool, &dump);
                return Ok(Ended::Done(Box::new(done)));
            }
            wish = Wish::Copy;
        }
    }

    /// Moves a dump as was decided; `None` if the decision is withdrawn because it may have changed.
    pub(super) fn carry_out(
        &mut self,
        slot: &Slot,
        held: &Held,
        decision: Decision,
    ) -> Result<Option<Done>, Error> {
        if decision.fate == Fate::Release && !held.is_unchanged() {
            self.withdraw(slot, &decision, CHANGED)?;
            return Ok(None);
        }
        // They go first: who waits for the dump finds them beside it.
        if !self.send_sides(slot, &decision)? {
            self.withdraw(slot, &decision, CHANGED)?;
            return Ok(None);
        }
        let target = &self.goal(&decision)?;
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

    /// The directory in which a dump or what travels with it goes.
    fn goal(&self, decision: &Decision) -> Result<Directory, Error> {
        let target = target(self.release.as_ref(), &self.quarantine, decision.fate)?;
        match (decision.fate, decision.below()) {
            (Fate::Release, Some(below)) => target.reach(&below),
            _ => target.again(),
        }
    }

    /// Moves what travels with a dump as was decided; `false` if something of it may have changed.
    fn send_sides(&mut self, slot: &Slot, decision: &Decision) -> Result<bool, Error> {
        for side in slot.sides()? {
            let Some(decision) = decision.sides.iter().find(|known| known.id == side.id) else {
                continue;
            };
            let target = &self.goal(decision)?;
            if !has_arrived(&side, decision, target)? {
                let held = Held::copy(&side, decision.file.clone())?;
                let hash = held.hash().ok().map(|hash| names::hex(&hash));
                let is_same = hash.is_some() && hash == decision.sha256;
                if decision.fate == Fate::Release && !is_same {
                    return Ok(false);
                }
                match deliver(&side, &held, decision, target, &mut self.log)? {
                    Delivered::There { .. } => {}
                    Delivered::Changed => return Ok(false),
                }
            }
            // It is not to go again if the dump is judged anew.
            slot.free_side(&side)?;
        }
        Ok(true)
    }

    /// Forgets a decision that does not hold.
    pub(super) fn withdraw(
        &mut self,
        slot: &Slot,
        decision: &Decision,
        why: &str,
    ) -> Result<(), Error> {
        let id = &decision.id;
        self.log.append("withdrawn", &Withdrawn { id, why })?;
        slot.directory.remove(claim::DECISION.as_ref())?;
        slot.directory.sync()
    }

    /// Finishes what another gate began.
    pub(super) fn resume(&mut self, claim: &Claim, slot: Slot, tell: &mut dyn FnMut(&Event<'_>)) {
        let resumed = match Decision::read(&slot) {
            Ok(Some(decision)) => self.execute(&slot, decision).and_then(|done| match done {
                Some(done) => {
                    side::tidy(&self.spool, &done.decision.name());
                    claim.free(&slot).map(|()| Some(done))
                }
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
            Ok(Some(done)) => {
                self.settled(&done, Duration::ZERO);
                tell(&Event::Done(&done));
            }
            // What travels with it may not have been claimed yet, if it was not decided about.
            Ok(None) => _ = self.process(claim, slot, tell),
            Err(error) => {
                let path = match &slot.name {
                    Some(name) => self.spool.path().join(name),
                    None => slot.entry.path().to_path_buf(),
                };
                self.stick(&path, &error, tell);
            }
        }
    }

    /// Does what was decided before; `None` if it has to be decided anew, because the dump is another.
    pub(super) fn execute(
        &mut self,
        slot: &Slot,
        mut decision: Decision,
    ) -> Result<Option<Done>, Error> {
        let target = &self.goal(&decision)?;
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
        if self.resumed.insert(decision.id.clone()) {
            self.log.append("resumed", &decision.told())?;
        }
        self.carry_out(slot, &held, decision)
    }

    /// Gives back what turned out to be no regular file, or is not judged, and tells why.
    fn hand_back(
        &mut self,
        claim: &Claim,
        slot: &Slot,
        name: &OsStr,
        why: Option<&'static str>,
        tell: &mut dyn FnMut(&Event<'_>),
    ) -> Result<Option<Done>, Error> {
        let kind = slot.entry.kind(name)?;
        for side in slot.sides()? {
            if let Some(known) = &side.name {
                let origin = side::origin(&side, &self.spool, name)?;
                give_back(&side.entry, &origin, known)?;
            }
        }
        give_back(&slot.entry, &self.spool, name)?;
        claim.free(slot)?;
        let what = why.or_else(|| kind.map(in_words));
        tell(&Event::Left {
            name,
            what: what.unwrap_or("something unknown"),
        });
        Ok(None)
    }
}

/// Moves `name` back to where it came from.
fn give_back(from: &Directory, to: &Directory, name: &OsStr) -> Result<(), Error> {
    if from.rename(name, to, name)? != disk::Renamed::Done {
        let cause = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(Error::io("give back", cause).at_path(&to.path().join(name)));
    }
    to.sync()
}

/// Why a decision does not hold.
pub(super) const CHANGED: &str = "the dump may have changed since it was judged";

/// What a dump is that is given back.
const STOPPED: &str = "not judged yet: the gate ends";
