//! One labelled range of the file.

use std::ops::Range;

/// What the bytes of a region are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionKind {
    /// The dump's headers and tables.
    Header,
    /// A stream or note; its name is `MemoryMap::name`.
    Stream,
    /// Memory of the process.
    Memory,
    /// Bytes no table speaks of: gaps, slack, trailing bytes.
    Gap,
    /// A file that is no dump.
    Raw,
}

impl RegionKind {
    /// The word reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Stream => "stream",
            Self::Memory => "memory",
            Self::Gap => "gap",
            Self::Raw => "raw",
        }
    }
}

/// What a reader says about a range of the file. Offsets in bytes; the range may lie beyond the end
/// or overlap others: `MemoryMap::tile` puts that right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// First byte.
    pub start: u64,
    /// Behind the last byte.
    pub end: u64,
    /// What they are.
    pub kind: RegionKind,
    /// Virtual address of the first byte, for memory.
    pub va: Option<u64>,
    /// Index of the stream's name among the reader's names.
    pub name: u32,
}

impl Label {
    /// Memory of the process from address `va` on. A range whose end overflows ends at the last
    /// offset there is.
    pub fn memory(offset: u64, length: u64, va: u64) -> Self {
        Self {
            start: offset,
            end: offset.saturating_add(length),
            kind: RegionKind::Memory,
            va: Some(va),
            name: 0,
        }
    }

    /// A range without an address.
    pub fn other(offset: u64, length: u64, kind: RegionKind, name: u32) -> Self {
        Self {
            start: offset,
            end: offset.saturating_add(length),
            kind,
            va: None,
            name,
        }
    }
}

/// A range of the file that overlaps no other region. Regions tile the file from its first byte to
/// its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// Behind the last byte.
    pub end: u64,
    /// What the bytes are.
    pub kind: RegionKind,
    /// Virtual address of the first byte, for memory.
    pub va: Option<u64>,
    /// Index of the stream's name.
    pub name: u32,
}

impl Region {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Whether it has no byte; tiles always have some.
    pub fn is_empty(&self) -> bool {
        self.end == self.start
    }

    /// The bytes as a range of offsets.
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }

    /// The address of the byte at file offset `offset`.
    pub fn va_at(&self, offset: u64) -> Option<u64> {
        self.va?.checked_add(offset.checked_sub(self.start)?)
    }

    /// The address behind the last byte.
    pub fn va_end(&self) -> Option<u64> {
        self.va?.checked_add(self.len())
    }
}
