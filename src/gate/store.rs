//! What is in quarantine: told, released by hand, judged again, removed when it is old.
//!
//! A dump that is released or judged again is claimed first, with its manifest and what travels with it, in
//! `QUARANTINE/.dumpgate` as in a spool. What was not decided when a command ended there is given back by the next.

use super::claim::{Claim, Claims, DIRECTORY, MANIFEST, Slot};
use super::decision::{ByHand, Decision, Fate};
use super::disk::{Directory, Renamed};
use super::hold::{Held, Wish};
use super::names::{Bytes, hex, manifest};
use super::work::Ended;
use super::{Done, Event, Gate, Ground, Rules, open_log};
use crate::error::Error;
use crate::policy::Policy;
use crate::worker::Options;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A quarantine that somebody looks into.
pub struct Store {
    gate: Gate,
}

/// A dump in quarantine.
#[derive(Debug)]
pub struct Item {
    /// What it is called there.
    pub name: OsString,
    /// Its manifest.
    pub manifest: Decision,
    /// When it came there.
    pub since: SystemTime,
    /// What travels with it.
    pub sides: Vec<Item>,
}

/// Which dumps are judged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Those that another version or other options could not judge.
    Changed,
    /// Also those that this version could not judge with these options.
    All,
}

/// Which dumps are removed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep {
    /// Those that are there for longer.
    pub time: Option<Duration>,
    /// The oldest, until no more bytes are left.
    pub bytes: Option<u64>,
}

/// What the audit log says of a dump that is removed.
#[derive(Serialize)]
struct Expired<'d> {
    id: &'d str,
    name: Bytes,
    verdict: &'static str,
    size: u64,
    sha256: Option<&'d str>,
}

impl Store {
    /// The one in the directory `quarantine`, whose dumps are released to `release`.
    ///
    /// # Errors
    /// When a place cannot be used as one.
    pub fn open(
        quarantine: &Path,
        release: Option<&Path>,
        audit: Option<&Path>,
        (rules, options, policy): (Rules, Options, Policy),
    ) -> Result<Self, Error> {
        let quarantine = Directory::open(quarantine)?;
        let release = release.map(Directory::open).transpose()?;
        if let Some(release) = &release
            && release.identity()? == quarantine.identity()?
        {
            let cause = io::Error::other("release and quarantine must be two directories");
            return Err(Error::io("use", cause).at_path(release.path()));
        }
        let log = open_log(&quarantine, audit)?;
        let ground = Ground {
            spool: quarantine.again()?,
            release,
            claims: Claims::at(quarantine.private(DIRECTORY.as_ref())?)?,
            quarantine,
            log,
        };
        Ok(Self {
            gate: Gate::on(ground, rules, options, policy),
        })
    }

    /// The gate in it.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The dumps that are there, the oldest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn items(&self) -> Result<Vec<Item>, Error> {
        let quarantine = &self.gate.quarantine;
        let (mut items, mut sides) = (Vec::new(), Vec::new());
        for name in quarantine.names()? {
            let Some(dump) = name
                .as_bytes()
                .strip_suffix(super::names::MANIFEST.as_bytes())
            else {
                continue;
            };
            let dump = OsString::from_vec(dump.to_vec());
            let (Some(stat), Some(manifest)) =
                (quarantine.stat(&name)?, read_manifest(quarantine, &name)?)
            else {
                continue;
            };
            let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
            let item = Item {
                name: dump,
                manifest,
                since: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
                sides: Vec::new(),
            };
            match item.manifest.is_side() {
                true => sides.push(item),
                false => items.push(item),
            }
        }
        for side in sides {
            let owner = side.manifest.id.rsplit_once('.').map(|(owner, _)| owner);
            let found = items
                .iter_mut()
                .find(|item: &&mut Item| Some(item.manifest.id.as_str()) == owner);
            match found {
                Some(item) => item.sides.push(side),
                None => items.push(side),
            }
        }
        items.sort_by_key(|item| (item.since, item.name.clone()));
        Ok(items)
    }

    /// The dump `name`.
    ///
    /// # Errors
    /// When there is none of that name with a manifest.
    pub fn item(&self, name: &OsStr) -> Result<Item, Error> {
        let found = self.items()?.into_iter().find(|item| item.name == name);
        found.ok_or_else(|| {
            let cause = io::Error::from(io::ErrorKind::NotFound);
            Error::io("find a dump with a manifest", cause)
                .at_path(&self.gate.quarantine.path().join(name))
        })
    }

    /// Finishes or takes back what commands that are no more left.
    ///
    /// # Errors
    /// When that cannot be looked for.
    pub fn recover(&mut self, tell: &mut dyn FnMut(&Event<'_>)) -> Result<(), Error> {
        for claim in self.gate.claims.dead()? {
            for slot in claim.slots()? {
                match self.settle(&claim, &slot) {
                    Ok(Some(done)) => tell(&Event::Done(&done)),
                    Ok(None) => {}
                    Err(error) => tell(&Event::Stuck {
                        path: slot.entry.path(),
                        error: &error,
                    }),
                }
            }
            self.gate.claims.end(claim)?;
        }
        Ok(())
    }

    fn settle(&mut self, claim: &Claim, slot: &Slot) -> Result<Option<Done>, Error> {
        if let Some(decision) = Decision::read(slot)?
            && let Some(done) = self.gate.execute(slot, decision)?
        {
            claim.free(slot)?;
            return Ok(Some(done));
        }
        self.give_back(claim, slot)?;
        Ok(None)
    }

    /// Releases `item` by hand, and says in the log who wants it and why.
    ///
    /// # Errors
    /// When it cannot be released, or its bytes are not those that were quarantined.
    pub fn release(&mut self, item: &Item, reason: &str) -> Result<Done, Error> {
        let (claim, slot) = self.claim(item)?;
        let done = self.hand_out(&slot, reason);
        self.finish(claim, &slot, done)
    }

    fn hand_out(&mut self, slot: &Slot, reason: &str) -> Result<Option<Done>, Error> {
        let by = ByHand {
            reason: reason.to_owned(),
            user: rustix::process::getuid().as_raw(),
        };
        let held = Held::take(slot, Wish::Copy)?.ok_or_else(|| lost(slot))?;
        let mut decision = released(slot, &held, &by)?;
        let mut sides = Vec::new();
        for side in slot.sides()? {
            let held = Held::take(&side, Wish::Copy)?.ok_or_else(|| lost(&side))?;
            sides.push(released(&side, &held, &by)?);
        }
        decision.sides = sides;
        decision.keep(slot)?;
        self.gate.log.append("released-by-hand", &decision.told())?;
        self.gate.carry_out(slot, &held, decision)
    }

    /// Judges `item` again; what is clean now is released.
    ///
    /// # Errors
    /// When it cannot be judged or moved.
    pub fn retry(&mut self, item: &Item) -> Result<Done, Error> {
        let (claim, slot) = self.claim(item)?;
        let path = item.manifest.path();
        let done = match self.gate.judge(&slot, &path) {
            Ok(Ended::Done(done)) => Ok(Some(*done)),
            Ok(Ended::NoFile | Ended::Stopped) => Ok(None),
            Err(error) => Err(error),
        };
        self.finish(claim, &slot, done)
    }

    /// The dumps that are worth judging again: the scanner, and not the dump, was why they were not examined whole.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn retriable(&self, again: Again) -> Result<Vec<Item>, Error> {
        let mut items = self.items()?;
        items.retain(|item| {
            let manifest = &item.manifest;
            let is_news = again == Again::All || !manifest.is_by(&self.gate.options);
            manifest.is_scanners_fault() && is_news
        });
        Ok(items)
    }

    /// Removes what need not be kept, and gives each to `tell`.
    ///
    /// # Errors
    /// When it cannot be recorded or removed.
    pub fn expire(&mut self, keep: Keep, tell: &mut dyn FnMut(&Item)) -> Result<(), Error> {
        let items = self.items()?;
        let size = |item: &Item| -> u64 {
            let sides = item.sides.iter().map(|side| side.manifest.size);
            item.manifest.size + sides.sum::<u64>()
        };
        let mut bytes: u64 = items.iter().map(size).sum();
        for item in &items {
            let age = item.since.elapsed().unwrap_or_default();
            let is_old = keep.time.is_some_and(|time| age > time);
            let is_much = keep.bytes.is_some_and(|most| bytes > most);
            if is_old || is_much {
                bytes -= size(item);
                for one in item.sides.iter().chain([item]) {
                    self.remove(one)?;
                }
                tell(item);
            }
        }
        Ok(())
    }

    fn remove(&mut self, item: &Item) -> Result<(), Error> {
        let expired = Expired {
            id: &item.manifest.id,
            name: Bytes::of(item.name.as_bytes()),
            verdict: item.manifest.verdict().name(),
            size: item.manifest.size,
            sha256: item.manifest.sha256.as_deref(),
        };
        self.gate.log.append("expired", &expired)?;
        // A manifest without a dump is removed with the next; a dump without one would stay for ever.
        self.gate.quarantine.remove(&item.name)?;
        self.gate.quarantine.sync()?;
        self.gate.quarantine.remove(&manifest(&item.name))?;
        self.gate.quarantine.sync()
    }

    fn claim(&self, item: &Item) -> Result<(Claim, Slot), Error> {
        let quarantine = &self.gate.quarantine;
        let mut claim = self.gate.claims.begin()?;
        let slot = claim.take(quarantine, &item.name)?;
        let Some(slot) = slot else {
            self.gate.claims.end(claim)?;
            let cause = io::Error::from(io::ErrorKind::NotFound);
            return Err(Error::io("claim", cause).at_path(&quarantine.path().join(&item.name)));
        };
        let taken = self.claim_rest(&slot, item);
        if let Err(error) = taken {
            self.give_back(&claim, &slot)?;
            self.gate.claims.end(claim)?;
            return Err(error);
        }
        Ok((claim, slot))
    }

    fn claim_rest(&self, slot: &Slot, item: &Item) -> Result<(), Error> {
        let quarantine = &self.gate.quarantine;
        quarantine.take(&manifest(&item.name), &slot.directory, MANIFEST.as_ref())?;
        slot.directory.sync()?;
        for one in &item.sides {
            let Some((_, number)) = one.manifest.id.rsplit_once('.') else {
                continue;
            };
            let side = slot.make_side(&slot.sides_directory()?, number)?;
            quarantine.take(&one.name, &side.entry, &one.name)?;
            side.entry.sync()?;
            quarantine.take(&manifest(&one.name), &side.directory, MANIFEST.as_ref())?;
            side.directory.sync()?;
        }
        quarantine.sync()
    }

    /// Frees a slot whose dump is in its place, or gives the dump back.
    fn finish(
        &self,
        claim: Claim,
        slot: &Slot,
        done: Result<Option<Done>, Error>,
    ) -> Result<Done, Error> {
        match &done {
            Ok(Some(_)) => claim.free(slot)?,
            // What was decided is done by the next command.
            Err(_) if slot.directory.has(super::claim::DECISION.as_ref())? => {}
            Ok(None) | Err(_) => self.give_back(&claim, slot)?,
        }
        self.gate.claims.end(claim)?;
        done?.ok_or_else(|| {
            let cause = io::Error::other("it was not judged to the end");
            Error::io("release", cause).at_path(self.gate.quarantine.path())
        })
    }

    fn give_back(&self, claim: &Claim, slot: &Slot) -> Result<(), Error> {
        for side in slot.sides()? {
            self.put_back(&side)?;
        }
        self.put_back(slot)?;
        claim.free(slot)
    }

    fn put_back(&self, slot: &Slot) -> Result<(), Error> {
        let quarantine = &self.gate.quarantine;
        let back = |from: &Directory, old: &OsStr, name: &OsStr| match from
            .rename(old, quarantine, name)?
        {
            Renamed::Done => quarantine.sync(),
            Renamed::Exists | Renamed::Elsewhere => {
                let cause = io::Error::from(io::ErrorKind::AlreadyExists);
                Err(Error::io("give back", cause).at_path(&quarantine.path().join(name)))
            }
        };
        let Some(name) = &slot.name else {
            return Ok(());
        };
        if slot.directory.has(MANIFEST.as_ref())? {
            back(&slot.directory, MANIFEST.as_ref(), &manifest(name))?;
        }
        back(&slot.entry, name, name)
    }
}

/// The decision to release the dump in `slot`, which has the bytes that were quarantined.
fn released(slot: &Slot, held: &Held, by: &ByHand) -> Result<Decision, Error> {
    let old = slot.origin()?.ok_or_else(|| lost(slot))?;
    let hash = held.hash().ok().map(|hash| hex(&hash));
    if hash.is_none() || hash != old.sha256 {
        let cause = io::Error::other("its bytes are not those that its manifest tells of");
        return Err(Error::io("release", cause).at_path(slot.entry.path()));
    }
    Ok(old.by_hand(slot, held, by.clone()))
}

/// The manifest in the file `name`; `None` for one that is no manifest of ours.
fn read_manifest(directory: &Directory, name: &OsStr) -> Result<Option<Decision>, Error> {
    let mut text = Vec::new();
    let read = directory
        .file(name)?
        .take(MAX_MANIFEST)
        .read_to_end(&mut text);
    read.map_err(|cause| Error::io("read", cause).at_path(&directory.path().join(name)))?;
    let parsed: Option<Decision> = serde_json::from_slice(&text).ok();
    if parsed.is_none() {
        tracing::warn!(
            "`{}` is no manifest that is known here",
            super::names::shown(name)
        );
    }
    Ok(parsed.filter(|decision| decision.fate == Fate::Quarantine))
}

fn lost(slot: &Slot) -> Error {
    let cause = io::Error::from(io::ErrorKind::NotFound);
    Error::io("find a dump and its manifest in", cause).at_path(slot.directory.path())
}

/// Bytes of a manifest.
const MAX_MANIFEST: u64 = 256 << 20;
