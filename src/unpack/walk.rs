//! The way through a file's containers: members are opened one after the other on a thread of their own, while
//! whoever asked looks at the one before.

use super::budget::{Bound, Budget, Spent};
use super::frame::{Frame, merge};
use super::item::{Fault, Filled, Halt, Item, Leaf, Member, Opened, Packing, Trouble, shown, told};
use super::stream::Stream;
use super::{Container, sniff};
use crate::error::{Error, ErrorKind};
use crate::source::{Source, Spool};
use std::io;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;
use zeroize::Zeroizing;

/// Opens `source`, the file `name`, and gives each member that is no container and each container to `each`,
/// in the order of the file, until that breaks off. A file that is no container is a leaf of its own.
pub fn walk(
    source: Source,
    name: &str,
    budget: &Budget,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) {
    if sniff(source.bytes()).is_none_or(|container| container.open.is_none()) {
        let _ = each(Item::Leaf(Leaf {
            members: Vec::new(),
            packing: None,
            source,
            cut: None,
            is_tried: false,
        }));
        return;
    }
    // No member waits in the channel: one is scanned, one is unpacked.
    let (send, receive) = sync_channel(0);
    let kept = source.clone();
    let spawned = thread::scope(|scope| {
        let produce = move || {
            let mut walk = Walk::new(name, budget, move |item| send.send(item).is_ok());
            // A halt is told by the faults, or nobody is there to tell.
            let _ = walk.enter(None, source, None);
        };
        let spawned = thread::Builder::new()
            .name("unpack".to_owned())
            .spawn_scoped(scope, produce);
        for item in receive {
            if each(item).is_break() {
                break;
            }
        }
        spawned.map(drop)
    });
    if let Err(cause) = spawned {
        let fault = Fault {
            trouble: Trouble::Internal,
            member: None,
            offset: 0,
            what: format!("a thread to unpack it, found {cause}"),
        };
        let _ = each(Item::Container(Opened {
            members: Vec::new(),
            packing: None,
            format: sniff(kept.bytes()).map_or("unknown", |container| container.name),
            source: kept,
            covered: Vec::new(),
            faults: vec![fault],
            faults_omitted: 0,
            count: 0,
        }));
    }
}

/// Opens `source` as a `container`, whether it looks like one or not, on this thread.
pub fn open_as(
    container: &'static Container,
    source: Source,
    budget: &Budget,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) {
    if let Some(open) = container.open {
        let mut walk = Walk::new("", budget, |item| each(item).is_continue());
        // A halt is told by the faults.
        let _ = walk.open((container, open), None, source, None);
    }
}

/// Where a walk is, for the formats: they tell it what they find.
pub struct Walk<'w> {
    budget: &'w Budget,
    spent: Spent,
    name: &'w str,
    chain: Vec<String>,
    frames: Vec<Frame>,
    send: Box<dyn FnMut(Item) -> bool + 'w>,
    block: Zeroizing<Vec<u8>>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        name: &'w str,
        budget: &'w Budget,
        send: impl FnMut(Item) -> bool + 'w,
    ) -> Self {
        Self {
            budget,
            spent: Spent::default(),
            name,
            chain: Vec::new(),
            frames: Vec::new(),
            send: Box::new(send),
            block: Zeroizing::new(vec![0; BLOCK]),
        }
    }

    /// The name of the container that is open: its member's, or the file's.
    pub fn outer(&self) -> &str {
        self.chain.last().map_or(self.name, String::as_str)
    }

    /// Gives on the bytes at `range` of `container` as they lie there. A range beyond its end is cut, and said.
    ///
    /// # Errors
    /// When the walk must end.
    pub fn stored(
        &mut self,
        member: Member,
        container: &Source,
        range: Range<u64>,
    ) -> Result<(), Halt> {
        self.count(&member)?;
        let length = container.bytes().len() as u64;
        let end = range.end.min(length);
        let start = range.start.min(end);
        let mut cut = None;
        if end < range.end {
            let what = format!(
                "{} bytes of the member, found {}",
                range.end.saturating_sub(range.start),
                end - start
            );
            self.fault(Trouble::Damaged, Some(&member.name), length, what);
            cut = Some(Trouble::Damaged);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.covered.push(start..end);
        }
        let Some(source) = container.slice(start..end) else {
            return Ok(());
        };
        self.enter(Some((member, end - start)), source, cut)
    }

    /// Unpacks `stream` and gives on what comes out. Packed bytes read.
    ///
    /// # Errors
    /// When the walk must end.
    pub fn packed(&mut self, member: Member, stream: &mut dyn Stream) -> Result<u64, Halt> {
        self.count(&member)?;
        let Some(filled) = self.fill(&member, stream) else {
            return Ok(stream.consumed());
        };
        let consumed = filled.consumed;
        if let Some(frame) = self.frames.last_mut() {
            let first = member.offset;
            let mut at = 0;
            for gap in filled.skipped {
                frame.covered.push(first + at..first + gap.range.start);
                let own = gap.range.start + gap.own;
                frame.structure.push(first + gap.range.start..first + own);
                at = gap.range.end;
            }
            frame.covered.push(first + at..first + consumed);
        }
        self.enter(Some((member, consumed)), filled.source, filled.cut)?;
        if self.is_spent() {
            return Err(Halt::Spent);
        }
        Ok(consumed)
    }

    /// As [`Walk::packed`], for one of several members that come out of one stream, of which `before` packed bytes
    /// were read for the others. Their packed bytes must be noted as structure.
    ///
    /// # Errors
    /// When the walk must end.
    pub fn packed_again(
        &mut self,
        member: Member,
        before: u64,
        stream: &mut dyn Stream,
    ) -> Result<(), Halt> {
        self.count(&member)?;
        let Some(filled) = self.fill(&member, stream) else {
            return Ok(());
        };
        let consumed = filled.consumed;
        self.covered(member.offset + before..member.offset + consumed);
        let packed = consumed.saturating_sub(before);
        self.enter(Some((member, packed)), filled.source, filled.cut)?;
        if self.is_spent() {
            return Err(Halt::Spent);
        }
        Ok(())
    }

    /// As [`Walk::packed`], for packed bytes that are given on as they lie there too.
    ///
    /// # Errors
    /// When the walk must end.
    pub fn packed_beside(&mut self, member: Member, stream: &mut dyn Stream) -> Result<u64, Halt> {
        self.count(&member)?;
        let Some(filled) = self.fill(&member, stream) else {
            return Ok(stream.consumed());
        };
        let consumed = filled.consumed;
        self.enter(Some((member, consumed)), filled.source, filled.cut)?;
        match self.is_spent() {
            true => Err(Halt::Spent),
            false => Ok(consumed),
        }
    }

    /// Unpacks `stream` into private storage without giving it on. `None` when there is none; that is noted.
    pub fn fill(&mut self, member: &Member, stream: &mut dyn Stream) -> Option<Filled> {
        let mut spool = match Spool::new() {
            Ok(spool) => spool,
            Err(error) => {
                self.error(member, 0, &error);
                return None;
            }
        };
        let mut block = std::mem::take(&mut self.block);
        let mut cut = None;
        loop {
            let started = Instant::now();
            // A decoder of another crate may panic on what it never thought of.
            let most = self.room(&spool).min(block.len());
            let part = block.get_mut(..most).unwrap_or_default();
            let read = catch_unwind(AssertUnwindSafe(|| stream.read(part)));
            let read = match read {
                Ok(Ok(0)) => break,
                Ok(Ok(read)) => read,
                Ok(Err(cause)) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Ok(Err(cause)) => {
                    let (trouble, what) = told(&cause);
                    let offset = member.offset.saturating_add(stream.consumed());
                    self.fault(trouble, Some(&member.name), offset, what);
                    cut = Some(trouble);
                    break;
                }
                Err(_) => {
                    let what = "packed bytes the decoder can stand, found some it fails on";
                    self.fault(
                        Trouble::Internal,
                        Some(&member.name),
                        member.offset,
                        what.to_owned(),
                    );
                    cut = Some(Trouble::Internal);
                    break;
                }
            };
            if let Err(error) = spool.write(block.get(..read).unwrap_or_default()) {
                self.error(member, stream.consumed(), &error);
                cut = Some(Trouble::NoRoom);
                break;
            }
            self.spent.bytes += read as u64;
            self.spent.time += started.elapsed();
            let bound = self.budget.reached(
                &self.spent,
                spool.length(),
                spool.solid(),
                stream.consumed(),
            );
            if let Some(bound) = bound {
                self.bound(bound, Some(&member.name), member.offset + stream.consumed());
                cut = Some(Trouble::Budget);
                break;
            }
        }
        self.block = block;
        match Source::of_spool(spool) {
            Ok(source) => Some(Filled {
                source,
                consumed: stream.consumed(),
                cut,
                skipped: stream.skipped().to_vec(),
            }),
            Err(error) => {
                self.error(member, stream.consumed(), &error);
                None
            }
        }
    }

    /// Bytes that may come into `spool` within the budget, and one beyond it, which shows that there are more.
    fn room(&self, spool: &Spool) -> usize {
        let of_all = self.budget.bytes.saturating_sub(self.spent.bytes);
        let of_member = self.budget.member_bytes.saturating_sub(spool.length());
        usize::try_from(of_all.min(of_member))
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }

    /// Gives on a part of what [`Walk::fill`] unpacked, which lies in `packed` bytes of the container.
    ///
    /// # Errors
    /// When the walk must end.
    pub fn part(
        &mut self,
        member: Member,
        packed: u64,
        filled: &Filled,
        range: Range<u64>,
    ) -> Result<(), Halt> {
        self.count(&member)?;
        let length = filled.source.bytes().len() as u64;
        let end = range.end.min(length);
        let start = range.start.min(end);
        let cut = (end < range.end).then(|| filled.cut.unwrap_or(Trouble::Damaged));
        if cut.is_some() {
            let what = format!(
                "{} bytes of the member, found {}",
                range.end.saturating_sub(range.start),
                end - start
            );
            let trouble = filled.cut.unwrap_or(Trouble::Damaged);
            self.fault(trouble, Some(&member.name), member.offset, what);
        }
        let Some(source) = filled.source.slice(start..end) else {
            return Ok(());
        };
        self.enter(Some((member, packed)), source, cut)
    }

    /// Notes that `range` of the container was unpacked.
    pub fn covered(&mut self, range: Range<u64>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.covered.push(range);
        }
    }

    /// Notes that `range` of the container is its own, as a directory, or that what is there cannot be opened:
    /// it is no slack.
    pub fn structure(&mut self, range: Range<u64>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.structure.push(range);
        }
    }

    /// Counts a member that holds nothing to scan, as a directory.
    pub fn empty(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.count += 1;
        }
    }

    /// Ranges of the container, of `length` bytes, that are neither member nor structure yet.
    pub fn gaps(&self, length: u64) -> Vec<Range<u64>> {
        self.frames
            .last()
            .map_or_else(Vec::new, |frame| frame.gaps(length))
    }

    /// Notes what is wrong at `offset` of the container.
    pub fn fault(&mut self, trouble: Trouble, member: Option<&str>, offset: u64, what: String) {
        if let Some(frame) = self.frames.last_mut() {
            frame.fault(Fault {
                trouble,
                member: member.map(|name| shown(name.to_owned())),
                offset,
                what,
            });
        }
    }

    /// Faults of the container that is open, so far.
    pub fn fault_count(&self) -> u64 {
        self.frames.last().map_or(0, Frame::fault_count)
    }

    fn bound(&mut self, bound: Bound, member: Option<&str>, offset: u64) {
        let what = format!(
            "a member within the budget, found {}",
            bound.said(self.budget)
        );
        self.fault(Trouble::Budget, member, offset, what);
    }

    fn error(&mut self, member: &Member, consumed: u64, error: &Error) {
        let what = match error.kind() {
            ErrorKind::Io { .. } => format!("room for its bytes: {error}"),
            _ => error.to_string(),
        };
        let offset = member.offset.saturating_add(consumed);
        self.fault(Trouble::NoRoom, Some(&member.name), offset, what);
    }

    /// Another member.
    fn count(&mut self, member: &Member) -> Result<(), Halt> {
        if self.is_spent() {
            return Err(Halt::Spent);
        }
        self.spent.members += 1;
        if self.spent.members > self.budget.members {
            self.bound(Bound::Members, Some(&member.name), member.offset);
            return Err(Halt::Spent);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.count += 1;
        }
        Ok(())
    }

    fn is_spent(&self) -> bool {
        self.spent.bytes > self.budget.bytes
            || self.spent.time > self.budget.time
            || self.spent.members > self.budget.members
    }

    /// Opens a member if it is a container, else gives it on.
    fn enter(
        &mut self,
        member: Option<(Member, u64)>,
        source: Source,
        mut cut: Option<Trouble>,
    ) -> Result<(), Halt> {
        let container = sniff(source.bytes());
        let open = container.and_then(|container| Some((container, container.open?)));
        let is_deep = self.frames.len() >= self.budget.depth;
        let packing = member.as_ref().map(|(member, packed)| Packing {
            method: member.method,
            offset: member.offset,
            packed: *packed,
        });
        if let (Some(_), true, Some((member, _))) = (&open, is_deep, &member) {
            self.bound(Bound::Depth, Some(&member.name), member.offset);
            cut = Some(Trouble::Budget);
        }
        let is_member = member.is_some();
        if let Some((member, _)) = member {
            self.chain.push(shown(member.name));
        }
        let result = match open {
            Some((container, open)) if !is_deep => {
                self.open((container, open), packing, source, cut)
            }
            _ => self.give(Item::Leaf(Leaf {
                members: self.chain.clone(),
                packing,
                source,
                cut,
                is_tried: false,
            })),
        };
        if is_member {
            self.chain.pop();
        }
        result
    }

    fn open(
        &mut self,
        (container, open): (&'static Container, super::Open),
        packing: Option<Packing>,
        source: Source,
        cut: Option<Trouble>,
    ) -> Result<(), Halt> {
        let (frames, chain) = (self.frames.len(), self.chain.len());
        self.frames.push(Frame::default());
        if let Some(trouble) = cut {
            let length = source.bytes().len();
            let what = format!("the whole of it, found its first {length} bytes");
            self.fault(trouble, None, length as u64, what);
        }
        let result = catch_unwind(AssertUnwindSafe(|| {
            open(&source, self).and_then(|()| self.rest(&source))
        }));
        // After a panic further in, what was open there is told too.
        self.frames.truncate(frames + 1);
        self.chain.truncate(chain);
        let result = result.unwrap_or_else(|_| {
            let what = "a container the unpacker can stand, found one it fails on";
            self.fault(Trouble::Internal, None, 0, what.to_owned());
            Ok(())
        });
        let mut frame = self.frames.pop().unwrap_or_default();
        merge(&mut frame.covered);
        if result == Err(Halt::Gone) {
            return result;
        }
        let opened = Opened {
            members: self.chain.clone(),
            packing,
            format: container.name,
            source,
            covered: frame.covered,
            faults: frame.faults,
            faults_omitted: frame.faults_omitted,
            count: frame.count,
        };
        self.give(Item::Container(opened)).and(result)
    }

    /// Gives on what is neither member nor structure, as the start of a self-extracting archive or what was
    /// written behind a compressed file.
    fn rest(&mut self, container: &Source) -> Result<(), Halt> {
        let frame = self.frames.last();
        for range in frame.map_or_else(Vec::new, |frame| frame.rests(container.bytes())) {
            let start = range.start;
            let member = Member {
                name: format!("(rest at {start:#x})"),
                method: "stored",
                offset: start,
            };
            if start > 0 {
                self.stored(member, container, range)?;
            } else {
                self.as_it_is(member, container, range.end)?;
            }
        }
        Ok(())
    }

    /// Gives on the first `end` bytes of `container`, of which nothing came: what they look like was tried.
    fn as_it_is(&mut self, member: Member, container: &Source, end: u64) -> Result<(), Halt> {
        self.count(&member)?;
        self.covered(0..end);
        let Some(source) = container.slice(0..end) else {
            return Ok(());
        };
        let packing = Packing {
            method: member.method,
            offset: 0,
            packed: end,
        };
        self.chain.push(member.name);
        let leaf = Leaf {
            members: self.chain.clone(),
            packing: Some(packing),
            source,
            cut: None,
            is_tried: true,
        };
        let result = self.give(Item::Leaf(leaf));
        self.chain.pop();
        result
    }

    fn give(&mut self, item: Item) -> Result<(), Halt> {
        if (self.send)(item) {
            Ok(())
        } else {
            Err(Halt::Gone)
        }
    }
}

/// Bytes unpacked at a time.
const BLOCK: usize = 256 << 10;
