//! Files mapped into memory; the one place that may do so.

use memmap2::Mmap;
#[cfg(unix)]
use memmap2::UncheckedAdvice;
use std::fs::File;
use std::io;
use std::ops::Range;

/// A private read-only map of a whole file.
#[derive(Debug)]
pub struct FileMap {
    /// `None` for an empty file, which cannot be mapped everywhere.
    map: Option<Mmap>,
}

impl FileMap {
    /// Maps `file` from its first byte to its present end.
    pub fn new(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the map is read-only and lives as long as this value. Another process may still
        // change the file: then bytes change under the scan, which reads every byte as data of
        // unknown value and relies on nothing between two reads but the length, which is fixed here.
        // If the file is cut shorter meanwhile, touching the lost pages raises SIGBUS and ends the
        // process without a verdict, which no caller takes for `clean`.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self { map: Some(map) })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }

    /// Gives the pages wholly inside `range` back to the system; they are read again if they are
    /// needed again. Done by each thread for what it has scanned, this is shared work; left to the end
    /// of the process it is a fifth of a scan's time on one thread. A failure costs that time only.
    #[cfg(unix)]
    pub fn release(&self, range: Range<usize>) {
        let start = range.start.next_multiple_of(PAGE);
        let length = range.end.saturating_sub(start) / PAGE * PAGE;
        if let Some(map) = self.map.as_ref().filter(|map| length > 0 && start + length <= map.len()) {
            // SAFETY: the map is a read-only one of a file, never written to, so its pages hold nothing
            // the file does not: dropping them can change no byte.
            let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, length) };
        }
    }
}

#[cfg(not(unix))]
impl FileMap {
    /// Nothing: the system takes pages back by itself.
    pub fn release(&self, _: Range<usize>) {}
}

/// The size of a page, or of several where pages are smaller.
#[cfg(unix)]
const PAGE: usize = 64 << 10;
