//! What a reader gathers before the bytes are tiled: labels, owners and faults, all of them bounded.

use super::span::{SortedSpans, Spans};
use crate::error::Error;
use crate::memory::{Dump, Label, MemoryMap, Module, Owners, Platform, Process, Thread};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// A dump in the making.
pub struct Draft {
    length: u64,
    labels: Vec<Label>,
    names: Vec<String>,
    /// Index of each name, for look-up only.
    known_names: HashMap<String, u32>,
    /// Bytes of names that may still be kept.
    name_room: usize,
    threads: Vec<Thread>,
    thread_names: BTreeMap<u64, String>,
    modules: Vec<Module>,
    heaps: Vec<Range<u64>>,
    writable: Vec<Range<u64>>,
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
            known_names: HashMap::new(),
            name_room: MAX_NAME_BYTES,
            threads: Vec::new(),
            thread_names: BTreeMap::new(),
            modules: Vec::new(),
            heaps: Vec::new(),
            writable: Vec::new(),
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
    /// the file: a fault, and the dump is truncated. Addresses beyond all there are: a fault, and memory without an address.
    pub fn label(&mut self, entry: u64, mut label: Label) {
        let last = (label.end - label.start).saturating_sub(1);
        if let Some(va) = label.va.filter(|va| va.checked_add(last).is_none()) {
            label.va = None;
            let found = format!("{} bytes from address {va:#x} on", last + 1);
            self.fault(Error::malformed(entry, "addresses below 2^64", found));
        }
        // A range that would end beyond all offsets is cut there, and may have no byte left.
        let length = (label.end - label.start).max(u64::from(label.end == u64::MAX));
        self.declare(entry, label.start, length);
        if self.labels.len() < MAX_ENTRIES {
            self.labels.push(label);
        } else {
            self.cut();
        }
    }

    /// Notes that the table entry at file offset `entry` names `length` bytes at `offset`.
    pub fn declare(&mut self, entry: u64, offset: u64, length: u64) {
        let end = offset.saturating_add(length);
        if length == 0 || end <= self.declared_end {
            return;
        }
        self.declared_end = end;
        if end > self.length && self.faults.len() < MAX_FAULTS {
            let expected = format!("{length} bytes at offset {offset:#x}");
            self.fault(Error::malformed(
                entry,
                expected,
                format!("a file of {} bytes", self.length),
            ));
        }
    }

    /// Notes that something is not as the format demands. Only the first few are kept.
    pub fn fault(&mut self, fault: Error) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    /// Notes that a table has more entries than are read.
    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The index of a stream name: equal names have equal indices.
    pub fn name(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.known_names.get(name) {
            return index;
        }
        let index = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let Some(name) = self
            .keep(name.to_owned())
            .filter(|_| self.names.len() < MAX_ENTRIES)
        else {
            return u32::MAX;
        };
        self.known_names.insert(name.clone(), index);
        self.names.push(name);
        index
    }

    /// Adds a thread.
    pub fn thread(&mut self, thread: Thread) {
        if self.threads.len() < MAX_ENTRIES {
            self.threads.push(thread);
        }
    }

    /// Adds a mapped file; without its name when names already take too much room.
    pub fn module(&mut self, addresses: Range<u64>, offset: u64, name: String) {
        let is_memory = SHARED_MEMORY.iter().any(|start| name.starts_with(start));
        if self.modules.len() < MAX_ENTRIES && !is_memory {
            let name = self.keep(name).unwrap_or_default();
            self.modules.push(Module {
                base: addresses.start.saturating_sub(offset),
                addresses,
                name,
            });
        }
    }

    /// `name`, unless names already take too much room.
    fn keep(&mut self, name: String) -> Option<String> {
        self.name_room = self.name_room.checked_sub(name.len())?;
        Some(name)
    }

    /// Memory the process could write to.
    pub fn writable(&mut self, addresses: Range<u64>) {
        if self.writable.len() < MAX_ENTRIES {
            self.writable.push(addresses);
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

    /// Mapped files as a set of addresses.
    pub fn files(&self) -> SortedSpans {
        let mut files = Spans::default();
        for module in &self.modules {
            files.add(
                module.addresses.start,
                module.addresses.end.saturating_sub(module.addresses.start),
            );
        }
        files.sorted()
    }

    /// Names the thread of number `id`, whether it is known already or not.
    pub fn name_thread(&mut self, id: u64, name: String) {
        if self.thread_names.len() < MAX_ENTRIES
            && let Some(name) = self.keep(name)
        {
            self.thread_names.insert(id, name);
        }
    }

    /// Lets the stacks begin where the ranges they begin in do, but no further down than frames that
    /// returned may reach: some dumps give only the part above the stack pointer as the stack.
    pub fn deepen_stacks(&mut self, ranges: &SortedSpans) {
        for stack in self
            .threads
            .iter_mut()
            .filter_map(|thread| thread.stack.as_mut())
        {
            if let Some(range) = ranges.around(stack.start) {
                stack.start = range.start.max(stack.start.saturating_sub(MAX_DEAD_STACK));
            }
        }
    }

    /// Tiles the file.
    pub fn finish(mut self) -> Dump {
        for thread in self
            .threads
            .iter_mut()
            .filter(|thread| thread.name.is_none())
        {
            thread.name = self.thread_names.get(&thread.id).cloned();
        }
        let owners =
            Owners::new(self.threads, self.modules, self.heaps).with_writable(self.writable);
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

/// Bytes below the stack pointer that still belong to the thread: frames that returned.
pub const MAX_DEAD_STACK: u64 = 1 << 20;

/// Bytes of one name that are kept: Linux allows a path 4096.
pub const MAX_NAME: usize = 4096;

/// Bytes of all names together: some 100,000 paths.
const MAX_NAME_BYTES: usize = 16 << 20;

/// Names Linux gives to memory that processes share and that is no file.
const SHARED_MEMORY: [&str; 3] = ["/dev/zero", "/SYSV", "/memfd:"];

const MAX_FAULTS: usize = 16;
