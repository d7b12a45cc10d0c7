//! A stream kept where a map can reach it: memory without a name, from a size on a file without a name.

use super::map::FileMap;
use crate::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use zeroize::Zeroizing;

/// The bytes of a stream that came to its end.
#[derive(Debug)]
pub struct Spooled {
    map: FileMap,
    /// Kept for wiping; the map alone would keep the bytes alive.
    file: File,
    is_on_disk: bool,
    length: u64,
}

impl Spooled {
    /// Reads `stream` to its end.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room to keep it.
    pub fn read(stream: &mut dyn Read) -> Result<Self, Error> {
        let no_room = |cause| Error::io("keep standard input", cause);
        let (mut file, mut is_on_disk) = match in_memory() {
            Some(file) => (file, false),
            None => (tempfile::tempfile().map_err(no_room)?, true),
        };
        let mut length = 0u64;
        let mut block = Zeroizing::new(vec![0; BLOCK]);
        loop {
            let read = match stream.read(&mut block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(Error::io("read", cause)),
            };
            if !is_on_disk && length + read as u64 > MEMORY_LIMIT {
                file = to_disk(file).map_err(no_room)?;
                is_on_disk = true;
            }
            file.write_all(block.get(..read).unwrap_or_default())
                .map_err(no_room)?;
            length += read as u64;
        }
        let map = FileMap::new(&file).map_err(|cause| Error::io("map", cause))?;
        Ok(Self {
            map,
            file,
            is_on_disk,
            length,
        })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.map.bytes()
    }
}

impl Drop for Spooled {
    /// Overwrites what was written to disk. A failure has nowhere to go: the file has no name and its
    /// blocks are free once it is closed.
    fn drop(&mut self) {
        if self.is_on_disk {
            let _ = wipe(&mut self.file, self.length);
        }
    }
}

/// Standard input itself, when it is a regular file read from its start.
pub fn stdin_file() -> Option<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let mut file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
        let is_whole = file.metadata().ok()?.is_file() && file.stream_position().ok()? == 0;
        is_whole.then_some(file)
    }
    #[cfg(not(unix))]
    None
}

/// A file that lives in memory only; `None` where the system has none.
fn in_memory() -> Option<File> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        rustix::fs::memfd_create("dumpgate", rustix::fs::MemfdFlags::CLOEXEC)
            .ok()
            .map(File::from)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    None
}

/// Moves what `memory` holds to an unnamed file and returns that.
fn to_disk(mut memory: File) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    memory.seek(SeekFrom::Start(0))?;
    io::copy(&mut memory, &mut file)?;
    Ok(file)
}

/// Overwrites `length` bytes of `file` with zeros.
fn wipe(file: &mut File, length: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut io::repeat(0).take(length), file)?;
    file.sync_data()
}

/// Bytes read at a time.
const BLOCK: usize = 256 << 10;

/// Bytes of a stream kept in memory before it moves to disk.
const MEMORY_LIMIT: u64 = 1 << 30;
