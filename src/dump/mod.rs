//! Dump formats: bytes to labelled memory. A reader never fails and never decides what is scanned;
//! what it cannot make sense of costs labels.

mod draft;
pub mod elf;
pub mod minidump;
mod proc_maps;
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
    FORMATS
        .iter()
        .copied()
        .find(|format| format.sniff(data))
        .unwrap_or(&raw::Raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_has_a_fuzz_target() {
        for format in FORMATS.iter().filter(|format| format.name() != "raw") {
            let name = format.name().replace('-', "_");
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets/reader_").to_owned()
                + &name
                + ".rs";
            assert!(std::path::Path::new(&path).exists(), "{path}");
        }
    }
}
