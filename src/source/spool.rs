//! A stream kept where a map can reach it: memory without a name, from a size on a file without a name.
//! Pages of zeros stay holes, so that a sparse dump stays sparse.

use super::map::FileMap;
use crate::bytes::is_zero;
use crate::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Bytes of a stream that is still being written, in private storage.
#[derive(Debug)]
pub struct Spool {
    kept: Kept,
    length: u64,
    /// Bytes of pages that are not all zero.
    solid: u64,
    /// Where the file's own position is.
    position: u64,
}

impl Spool {
    /// Private storage for a stream, in memory until that does not suffice: what a header says of its length may be
    /// a lie.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn new() -> Result<Self, Error> {
        let kept = match in_memory() {
            Some(file) => Kept {
                file,
                is_on_disk: false,
                reserved: 0,
                length: 0,
            },
            None => Kept::on_disk().map_err(no_room)?,
        };
        Ok(Self::in_place(kept))
    }

    fn in_place(kept: Kept) -> Self {
        Self {
            kept,
            length: 0,
            solid: 0,
            position: 0,
        }
    }

    /// Appends `block`.
    ///
    /// # Errors
    /// When there is no room.
    pub fn write(&mut self, block: &[u8]) -> Result<(), Error> {
        self.append(block).map_err(no_room)
    }

    /// Bytes written so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Bytes written so far in pages that are not all zero: what takes up room.
    pub fn solid(&self) -> u64 {
        self.solid
    }

    /// The whole, mapped.
    ///
    /// # Errors
    /// When it cannot be mapped.
    pub fn finish(self) -> Result<Spooled, Error> {
        let map = |cause| Error::io("map", cause);
        // A hole at the end has no byte behind it yet.
        self.kept.file.set_len(self.length).map_err(map)?;
        let map = FileMap::new(&self.kept.file).map_err(map)?;
        Ok(Spooled {
            map,
            _kept: self.kept,
        })
    }

    fn append(&mut self, block: &[u8]) -> io::Result<()> {
        let end = self.length + block.len() as u64;
        if !self.kept.is_on_disk && !self.kept.reserve(end) {
            self.move_to_disk()?;
        }
        // Page by page of the file, neighbours of a kind together.
        let first = (PAGE - self.length % PAGE).min(block.len() as u64) as usize;
        let (head, tail) = block.split_at(first);
        let mut run = Run::default();
        for page in std::iter::once(head).chain(tail.chunks(PAGE as usize)) {
            let is_hole = is_zero(page);
            if is_hole != run.is_hole {
                self.put(block, &run)?;
                run = Run {
                    start: run.start + run.length,
                    length: 0,
                    is_hole,
                };
            }
            run.length += page.len();
        }
        self.put(block, &run)
    }

    fn put(&mut self, block: &[u8], run: &Run) -> io::Result<()> {
        if !run.is_hole && run.length > 0 {
            if self.position != self.length {
                self.kept.file.seek(SeekFrom::Start(self.length))?;
            }
            let bytes = block.get(run.start..run.start + run.length);
            self.kept.file.write_all(bytes.unwrap_or_default())?;
            self.position = self.length + run.length as u64;
            self.solid += run.length as u64;
        }
        self.length += run.length as u64;
        self.kept.length = self.length;
        Ok(())
    }

    /// Moves what is in memory to an unnamed file.
    fn move_to_disk(&mut self) -> io::Result<()> {
        self.kept.file.set_len(self.length)?;
        let memory = FileMap::new(&self.kept.file)?;
        let mut disk = Self::in_place(Kept::on_disk()?);
        for block in memory.bytes().chunks(BLOCK) {
            disk.append(block)?;
        }
        *self = disk;
        Ok(())
    }
}

/// Pages of a block of one kind.
#[derive(Default)]
struct Run {
    start: usize,
    length: usize,
    is_hole: bool,
}

/// The bytes of a stream that came to its end.
#[derive(Debug)]
pub struct Spooled {
    map: FileMap,
    /// Kept for wiping; the map alone would keep the bytes alive.
    _kept: Kept,
}

impl Spooled {
    /// Reads `stream` to its end.
    ///
    /// # Errors
    /// When it cannot be read, or there is no room to keep it.
    pub fn read(stream: &mut dyn Read) -> Result<Self, Error> {
        let mut spool = Spool::new()?;
        let mut block = Zeroizing::new(vec![0; BLOCK]);
        loop {
            match stream.read(&mut block) {
                Ok(0) => return spool.finish(),
                Ok(read) => spool.write(block.get(..read).unwrap_or_default())?,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(Error::io("read", cause)),
            }
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.map.bytes()
    }
}

/// A file of ours without a name, wiped when it goes.
#[derive(Debug)]
struct Kept {
    file: File,
    is_on_disk: bool,
    /// Bytes of the memory that all spools share.
    reserved: u64,
    length: u64,
}

impl Kept {
    fn on_disk() -> io::Result<Self> {
        Ok(Self {
            file: match &mut *ahead() {
                Some(files) => files
                    .pop()
                    .ok_or_else(|| io::Error::other("all files opened ahead are in use"))?,
                None => tempfile::tempfile()?,
            },
            is_on_disk: true,
            reserved: 0,
            length: 0,
        })
    }

    /// Takes so much of the shared memory that `bytes` fit; whether there was enough. Holes count, since
    /// reading one through a map fills it.
    fn reserve(&mut self, bytes: u64) -> bool {
        let wanted = bytes.saturating_sub(self.reserved);
        let before = IN_MEMORY.fetch_add(wanted, Ordering::Relaxed);
        if before + wanted > MEMORY_LIMIT {
            IN_MEMORY.fetch_sub(wanted, Ordering::Relaxed);
            return false;
        }
        self.reserved += wanted;
        true
    }
}

impl Drop for Kept {
    /// Overwrites what was written. A failure has nowhere to go: the file has no name and its blocks or pages are
    /// free once it is closed.
    fn drop(&mut self) {
        let _ = wipe(&mut self.file, self.length);
        if self.is_on_disk {
            let _ = self.file.sync_data();
            if let Some(files) = &mut *ahead() {
                files.extend(emptied(&mut self.file).ok());
            }
        }
        IN_MEMORY.fetch_sub(self.reserved, Ordering::Relaxed);
    }
}

/// Standard input itself, when it is a regular file read from its start.
pub fn stdin_file() -> Option<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let mut file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
        is_whole(&mut file).then_some(file)
    }
    #[cfg(not(unix))]
    None
}

/// Whether `file` is a regular one of which nothing was read yet.
#[cfg(unix)]
pub fn is_whole(file: &mut File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
        && file.stream_position().is_ok_and(|position| position == 0)
}

/// Opens up to `count` files without a name, of which spools on disk take theirs from now on: for a process that
/// soon may open none. Returns how many there are.
pub fn open_ahead(count: usize) -> usize {
    let files: Vec<File> = std::iter::repeat_with(tempfile::tempfile)
        .take(count)
        .map_while(Result::ok)
        .collect();
    let opened = files.len();
    *ahead() = Some(files);
    opened
}

/// The files opened ahead; `None` in a process that opens them as it needs them.
fn ahead() -> MutexGuard<'static, Option<Vec<File>>> {
    static AHEAD: Mutex<Option<Vec<File>>> = Mutex::new(None);
    AHEAD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_room(cause: io::Error) -> Error {
    Error::io("keep a stream in private storage", cause)
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

/// The file again, without its bytes.
fn emptied(file: &mut File) -> io::Result<File> {
    file.set_len(0)?;
    file.rewind()?;
    file.try_clone()
}

/// Overwrites the first `length` bytes of `file` with zeros, save holes.
fn wipe(file: &mut File, length: u64) -> io::Result<()> {
    let mut at = 0;
    while let Some((start, end)) = next_data(file, at, length) {
        file.seek(SeekFrom::Start(start))?;
        let mut left = end - start;
        while left > 0 {
            let part = left.min(ZEROS.len() as u64);
            file.write_all(ZEROS.get(..part as usize).unwrap_or_default())?;
            left -= part;
        }
        at = end;
    }
    Ok(())
}

/// What kept bytes are overwritten with.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// The first run of bytes at or behind `at` that is no hole, as far as the file system tells.
fn next_data(file: &File, at: u64, length: u64) -> Option<(u64, u64)> {
    if at >= length {
        return None;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{SeekFrom as From, seek};
        match seek(file, From::Data(at)) {
            Ok(start) => {
                let end = seek(file, From::Hole(start)).unwrap_or(length).min(length);
                return (start < end).then_some((start, end));
            }
            Err(rustix::io::Errno::NXIO) => return None,
            Err(_) => {}
        }
    }
    let _ = file;
    Some((at, length))
}

/// Bytes of the spools in memory now.
static IN_MEMORY: AtomicU64 = AtomicU64::new(0);

/// Bytes read at a time.
const BLOCK: usize = 256 << 10;

/// Bytes that become a hole together, if all are zero.
const PAGE: u64 = 4096;

/// Bytes of all streams kept in memory before one moves to disk.
const MEMORY_LIMIT: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_and_blocks_of_any_size_come_back_as_they_were() {
        let mut bytes = vec![0; 70_001];
        for (index, byte) in bytes.iter_mut().enumerate() {
            if (index / 5000) % 3 == 1 {
                *byte = index as u8;
            }
        }
        for step in [1, 100, 4096, 5001, 70_001] {
            let mut spool = Spool::new().unwrap();
            for block in bytes.chunks(step) {
                spool.write(block).unwrap();
            }
            assert_eq!(spool.length(), bytes.len() as u64);
            assert!(spool.solid() < 60_000, "{}", spool.solid());
            assert_eq!(spool.finish().unwrap().bytes(), bytes, "steps of {step}");
        }
    }

    #[test]
    fn a_spool_on_disk_is_as_good_as_one_in_memory_and_is_wiped() {
        let mut spool = Spool::in_place(Kept::on_disk().unwrap());
        assert!(spool.kept.is_on_disk);
        spool.write(&[0; 100_000]).unwrap();
        spool.write(b"secret").unwrap();
        let mut twin = spool.kept.file.try_clone().unwrap();
        drop(spool);
        twin.seek(SeekFrom::Start(0)).unwrap();
        let mut left = Vec::new();
        twin.read_to_end(&mut left).unwrap();
        assert!(is_zero(&left), "something is left");
    }

    #[test]
    fn moving_to_disk_keeps_the_bytes() {
        let mut spool = Spool::new().unwrap();
        spool.write(&[0; 5000]).unwrap();
        spool.write(b"abc").unwrap();
        spool.move_to_disk().unwrap();
        spool.write(b"def").unwrap();
        let spooled = spool.finish().unwrap();
        assert_eq!(spooled.bytes().len(), 5006);
        assert!(spooled.bytes().ends_with(b"\0abcdef"));
    }
}
