//! Dump formats: bytes to labelled memory. A reader never fails and never decides what is scanned;
//! what it cannot make sense of costs labels.

mod draft;
pub mod elf;
pub mod minidump;
pub mod raw;
mod span;
mod stream_names;

use crate::memory::Dump;

/// A dump format.
pub trait Format: Sync {
    /// Its name in reports; never changes once released.
    fn name(&self) -> &'static str;

    /// Whether `data` starts as this format does.
    fn sniff(&self, data: &[u8]) -> bool;

    /// Labels the bytes of a dump that was sniffed.
    fn read(&self, data: &[u8]) -> Dump;
}

/// All formats, the raw one last, since it takes anything. A new format is one file, its `mod` line
/// and one line here.
pub const FORMATS: &[&dyn Format] = &[&minidump::Minidump, &elf::ElfCore, &raw::Raw];

/// The format `data` is in.
pub fn sniff(data: &[u8]) -> &'static dyn Format {
    FORMATS.iter().copied().find(|format| format.sniff(data)).unwrap_or(&raw::Raw)
}
