//! Files that may be containers: every member is scanned as a dump of its own, and the container's own bytes are
//! searched for what no member covers.

use super::{Ledger, Progress, Scanner, linear};
use crate::correlate;
use crate::crypto::ProofCache;
use crate::error::Error;
use crate::memory::MemoryMap;
use crate::outcome::{Coverage, DumpOutcome, Fault, Missing, Note, Reason, Search, Verdict};
use crate::source::{Source, Spool};
use crate::sweep::public_halves::PublicHalves;
use crate::unpack::{self, Budget, Item, Leaf, Opened, Trouble};
use sha2::{Digest, Sha256};
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Makes what is told how far the scan of one member has come, of its name and size in bytes.
pub type Watch<'w> = &'w dyn Fn(&str, u64) -> Box<dyn Progress + 'w>;

impl Scanner {
    /// What the file at `path`, whose bytes are `source`, holds: one outcome for a dump; for a container one a
    /// member, in its order, and one of its own where something in it could not be opened, where a key lies outside
    /// its members, where it is empty, or where hashes are asked for. Ends early when `each` breaks off.
    pub fn scan_packed(
        &self,
        path: &Path,
        source: Source,
        budget: &Budget,
        watch: Watch<'_>,
        each: &mut dyn FnMut(DumpOutcome) -> ControlFlow<()>,
    ) {
        let name = path.to_string_lossy();
        unpack::walk(source, &name, budget, &mut |item| match item {
            Item::Leaf(leaf) => each(self.leaf(path, leaf, watch)),
            Item::Container(opened) => match self.container(path, opened) {
                Some(outcome) => each(outcome),
                None => ControlFlow::Continue(()),
            },
        });
    }

    fn leaf(&self, path: &Path, leaf: Leaf, watch: Watch<'_>) -> DumpOutcome {
        let size = leaf.source.bytes().len() as u64;
        let name = leaf.members.last().cloned();
        let name = name.unwrap_or_else(|| path.to_string_lossy().into_owned());
        let progress = watch(&name, size);
        let container = match leaf.is_tried {
            true => None,
            false => unpack::sniff(leaf.source.bytes()),
        };
        let mut outcome = self.scan_but(container, path.to_path_buf(), &leaf.source, &*progress);
        outcome.members = leaf.members;
        if let Some(trouble) = leaf.cut {
            outcome.coverage.missing.push(Missing {
                offset: size,
                length: 0,
                reason: reason(trouble),
            });
            if outcome.verdict == Verdict::Clean {
                outcome.verdict = Verdict::Incomplete;
            }
        }
        outcome
    }

    /// The outcome of a container itself, if there is something to say.
    fn container(&self, path: &Path, opened: Opened) -> Option<DumpOutcome> {
        let size = opened.source.bytes().len() as u64;
        let judged = catch_unwind(AssertUnwindSafe(|| {
            self.pool.install(|| self.outside(path, &opened))
        }));
        let mut outcome = judged.unwrap_or_else(|_| super::broken(path.to_path_buf(), size));
        outcome.members.clone_from(&opened.members);
        let is_said = self.hash
            || !outcome.findings.is_empty()
            || !outcome.reasons().is_empty()
            || !outcome.notes.is_empty();
        is_said.then_some(outcome)
    }

    /// Searches what of a container lies in none of its members for what is written there, as behind an archive or
    /// between its members.
    fn outside(&self, path: &Path, opened: &Opened) -> DumpOutcome {
        let size = opened.source.bytes().len() as u64;
        let outside = Outside::gather(opened);
        let data = outside.as_ref().map_or(&[][..], Outside::bytes);
        let map = MemoryMap::raw(data.len() as u64);
        let cache = ProofCache::default();
        let mut ledger = Ledger::default();
        let scanned = linear::scan(&self.anchors, data, &map, &cache, &mut ledger, &());
        let is_limited = ledger.is_limited();
        let unconfirmed = ledger.unconfirmed(&self.user);
        let halves = PublicHalves::arm(&unconfirmed);
        let confirmed = halves
            .as_ref()
            .map(|halves| halves.search(data, |_| ()))
            .unwrap_or_default();
        let complete = !is_limited && halves.is_none_or(|halves| halves.is_complete());
        let knowledge = correlate::Knowledge {
            user: &self.user,
            seen: &confirmed,
            published: &|key| self.published.source(key),
        };
        let (keys, clues) = ledger.into_parts();
        let mut findings = correlate::findings(keys, &clues, &knowledge, &map);
        let places = findings.iter_mut().flat_map(|finding| &mut finding.places);
        for piece in places.flat_map(|place| &mut place.pieces) {
            piece.offset = outside
                .as_ref()
                .map_or(piece.offset, |outside| outside.offset(piece.offset));
        }
        let is_searched = outside.is_ok() && scanned == data.len() as u64;
        let faults: Vec<Fault> = opened.faults.iter().map(fault).collect();
        let mut missing: Vec<Missing> = faults.iter().map(missing).collect();
        if outside.is_err() {
            missing.push(Missing {
                offset: 0,
                length: size,
                reason: Reason::NoRoom,
            });
        }
        if opened.faults_omitted > 0 || !complete {
            missing.push(Missing {
                offset: 0,
                length: 0,
                reason: Reason::LimitReached,
            });
        }
        let mut outcome = DumpOutcome {
            format: opened.format,
            size,
            sha256: self
                .hash
                .then(|| Sha256::digest(opened.source.bytes()).into()),
            error: faults.first().map(Fault::error),
            coverage: Coverage {
                bytes: size,
                scanned: if is_searched { size } else { 0 },
                not_dumped: 0,
                missing,
            },
            searches: vec![Search {
                name: "anchors",
                scope: "every byte of the container that lies outside its members".to_owned(),
                complete,
            }],
            not_run: self.not_run(false),
            findings,
            faults,
            notes: match opened.count {
                0 if opened.faults.is_empty() => vec![Note::EmptyContainer],
                _ => Vec::new(),
            },
            ..DumpOutcome::unopened(path.to_path_buf(), Error::not_regular("a container", ""))
        };
        outcome.asked = self.answers(&outcome);
        self.policy.judge(&mut outcome);
        outcome
    }
}

/// The bytes of a container that lie outside its members, one range behind the other with zeros between them.
struct Outside {
    /// `None` when there are none.
    source: Option<Source>,
    /// Where each range starts in the source, and in the container.
    starts: Vec<(u64, u64)>,
}

impl Outside {
    fn gather(opened: &Opened) -> Result<Self, Error> {
        let data = opened.source.bytes();
        let mut outside = Self {
            source: None,
            starts: Vec::new(),
        };
        let mut gaps: Vec<Range<u64>> = Vec::new();
        let mut at = 0;
        let end = data.len() as u64;
        for range in opened.covered.iter().chain([&(end..end)]) {
            if at < range.start {
                gaps.push(at..range.start);
            }
            at = at.max(range.end);
        }
        if let [gap] = &gaps[..] {
            outside.starts.push((0, gap.start));
            outside.source = opened.source.slice(gap.clone());
        } else if !gaps.is_empty() {
            let mut spool = Spool::new()?;
            for gap in gaps {
                outside.starts.push((spool.length(), gap.start));
                let bytes = data.get(gap.start as usize..gap.end as usize);
                spool.write(bytes.unwrap_or_default())?;
                spool.write(&[0; BETWEEN])?;
            }
            outside.source = Some(Source::of_spool(spool)?);
        }
        Ok(outside)
    }

    fn bytes(&self) -> &[u8] {
        self.source.as_ref().map_or(&[], Source::bytes)
    }

    /// The offset in the container of a byte here.
    fn offset(&self, at: u64) -> u64 {
        let index = self.starts.partition_point(|(start, _)| *start <= at);
        let range = index
            .checked_sub(1)
            .and_then(|index| self.starts.get(index));
        range.map_or(at, |(start, there)| there + (at - start))
    }
}

/// Zeros between ranges, which no key runs through.
const BETWEEN: usize = 64;

fn fault(fault: &unpack::Fault) -> Fault {
    Fault {
        reason: reason(fault.trouble),
        member: fault.member.clone(),
        offset: fault.offset,
        what: fault.what.clone(),
    }
}

fn missing(fault: &Fault) -> Missing {
    Missing {
        offset: fault.offset,
        length: 0,
        reason: fault.reason,
    }
}

fn reason(trouble: Trouble) -> Reason {
    match trouble {
        Trouble::Encrypted => Reason::Encrypted,
        Trouble::Unsupported => Reason::UnsupportedMethod,
        Trouble::Damaged => Reason::Damaged,
        Trouble::Budget => Reason::BudgetReached,
        Trouble::NoRoom => Reason::NoRoom,
        Trouble::Internal => Reason::InternalError,
    }
}
