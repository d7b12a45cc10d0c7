//! Files mapped into memory; the one place that may do so.

use memmap2::Mmap;
use std::fs::File;
use std::io;

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
        // process without a verdict, which no caller takes for `clean`: in a worker the supervisor tells it.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self { map: Some(map) })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}
