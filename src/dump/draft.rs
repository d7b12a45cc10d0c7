//! What a reader gathers before the bytes are tiled: labels, owners and faults, all of them bounded.

use super::span::Spans;
use crate::error::Error;
use crate::memory::{Dump, Label, MemoryMap, Module, Owners, Platform, Process, Thread};
use std::ops::Range;

/// A dump in the making.
pub struct Draft {
    length: u64,
    labels: Vec<Label>,
    names: Vec<String>,
    threads: Vec<Thread>,
    modules: Vec<Module>,
    heaps: Vec<Range<u64>>,
    declared_end: u64,
    faults: Vec<Error>,
    is_cut: bool,
    /// Machine and system.
    pub platform: Platform,
    /// The process.
    pub process: Process,
    /// Addresses whose memory the dump holds.
    pub dumped: Spans,
    /// Bytes left out by design.
    pub not_dumped: u64,
}

impl Draft {
    /// For a file of `length` bytes.
    pub fn new(length: u64) -> Self {
        Self {
            length,
            labels: Vec::new(),
            names: Vec::new(),
            threads: Vec::new(),
            modules: Vec::new(),
            heaps: Vec::new(),
            declared_end: 0,
            faults: Vec::new(),
            is_cut: false,
            platform: Platform::default(),
            process: Process::default(),
            dumped: Spans::default(),
            not_dumped: 0,
        }
    }

    /// Adds a label that the table entry at file offset `entry` gives. Names bytes beyond the end of
    /// the file: a fault, and the dump is truncated.
    pub fn label(&mut self, entry: u64, label: Label) {
        self.declare(entry, label.start, label.end - label.start);
        if self.labels.len() < MAX_ENTRIES {
            self.labels.push(label);
        } else {
            self.is_cut = true;
        }
    }

    /// Notes that the table entry at file offset `entry` names `length` bytes at `offset`.
    pub fn declare(&mut self, entry: u64, offset: u64, length: u64) {
        let end = offset.saturating_add(length);
        if length == 0 || end <= self.declared_end {
            return;
        }
        self.declared_end = end;
        if end > self.length {
            let expected = format!("{length} bytes at offset {offset:#x}");
            self.fault(Error::malformed(entry, expected, format!("a file of {} bytes", self.length)));
        }
    }

    /// Notes that something is not as the format demands. Only the first few are kept.
    pub fn fault(&mut self, fault: Error) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    /// The index of a new stream name.
    pub fn name(&mut self, name: impl Into<String>) -> u32 {
        if self.names.len() < MAX_ENTRIES {
            self.names.push(name.into());
        }
        u32::try_from(self.names.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Adds a thread.
    pub fn thread(&mut self, thread: Thread) {
        if self.threads.len() < MAX_ENTRIES {
            self.threads.push(thread);
        }
    }

    /// Adds a mapped file.
    pub fn module(&mut self, module: Module) {
        if self.modules.len() < MAX_ENTRIES {
            self.modules.push(module);
        }
    }

    /// Adds a heap by its addresses.
    pub fn heap(&mut self, addresses: Range<u64>) {
        if self.heaps.len() < MAX_ENTRIES {
            self.heaps.push(addresses);
        }
    }

    /// Mapped files so far.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Names a thread whose number is known already.
    pub fn name_thread(&mut self, id: u64, name: String) {
        if let Some(thread) = self.threads.iter_mut().find(|thread| thread.id == id) {
            thread.name = Some(name);
        }
    }

    /// Tiles the file.
    pub fn finish(self) -> Dump {
        let owners = Owners::new(self.threads, self.modules, self.heaps);
        Dump {
            map: MemoryMap::tile(self.length, self.labels, self.names, owners),
            platform: self.platform,
            process: self.process,
            not_dumped: self.not_dumped,
            declared_end: self.declared_end,
            faults: self.faults,
            is_cut: self.is_cut,
        }
    }
}

/// Labels, names, threads and modules kept at most, each: some 20 MiB of labels. The bytes behind
/// further entries are scanned all the same.
pub const MAX_ENTRIES: usize = 1 << 18;

const MAX_FAULTS: usize = 16;
