//! The bytes of one dump, whatever they come from: a mapped file, standard input, a buffer.

mod map;
mod spool;

use crate::error::Error;
use map::FileMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

pub use spool::{Spool, open_ahead};

/// All bytes of one dump as one slice. It may be a part of a larger one, as of the archive it lies in; copies
/// share the bytes.
#[derive(Clone, Debug)]
pub struct Source {
    bytes: Arc<Bytes>,
    range: Range<usize>,
}

#[derive(Debug)]
enum Bytes {
    Mapped(FileMap),
    Spooled(spool::Spooled),
    Buffer(Vec<u8>),
}

impl Source {
    /// Maps the regular file at `path`; symbolic links are followed.
    ///
    /// # Errors
    /// When it cannot be opened or mapped, or is no regular file: reading a FIFO or a device could
    /// wait for ever.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::of_file(Self::file(path)?).map_err(|error| error.at_path(path))
    }

    /// Opens the regular file at `path` for reading, so that another process can map it.
    ///
    /// # Errors
    /// When it cannot be opened or is no regular file.
    pub fn file(path: &Path) -> Result<File, Error> {
        let at_path = |error: Error| error.at_path(path);
        let kind = fs::metadata(path).map_err(|cause| at_path(Error::io("open", cause)))?;
        if let Some(found) = not_regular(&kind) {
            return Err(at_path(Error::not_regular(
                found,
                "; use `-` to read a stream from standard input",
            )));
        }
        open(path).map_err(|cause| at_path(Error::io("open", cause)))
    }

    /// Maps a regular file. One that says it is empty, or that cannot be mapped, is read instead: those
    /// of `/proc` have bytes and no size.
    ///
    /// # Errors
    /// When it can be neither mapped nor read, or has no size and no end.
    pub fn of_file(mut file: File) -> Result<Self, Error> {
        let is_sized = file.metadata().is_ok_and(|metadata| metadata.len() > 0);
        if let (true, Ok(map)) = (is_sized, FileMap::new(&file)) {
            return Ok(Self::all(Bytes::Mapped(map)));
        }
        let spooled = spool::Spooled::read(&mut (&mut file).take(MAX_UNSIZED + 1))?;
        if spooled.bytes().len() as u64 > MAX_UNSIZED {
            let expected = format!("a file that tells its size, or of at most {MAX_UNSIZED} bytes");
            return Err(Error::malformed(0, expected, "a longer one"));
        }
        Ok(Self::all(Bytes::Spooled(spooled)))
    }

    /// Reads standard input to its end. A regular file redirected to it is mapped; anything else is
    /// kept in memory the system can swap, and from a size on in a file without a name.
    ///
    /// # Errors
    /// When it cannot be read, there is no room for it, or it is empty: what should have written to it
    /// has failed.
    pub fn stdin() -> Result<Self, Error> {
        let source = match spool::stdin_file() {
            Some(file) => Self::of_file(file),
            None => spool::Spooled::read(&mut io::stdin().lock())
                .map(|spooled| Self::all(Bytes::Spooled(spooled))),
        };
        source
            .and_then(Self::not_empty)
            .map_err(|error| error.at_path(Path::new("-")))
    }

    /// The same of a descriptor of any kind, as another process passed it on.
    ///
    /// # Errors
    /// As [`Source::stdin`].
    #[cfg(unix)]
    pub fn of_stream(mut stream: File) -> Result<Self, Error> {
        let source = if spool::is_whole(&mut stream) {
            Self::of_file(stream)
        } else {
            spool::Spooled::read(&mut stream).map(|spooled| Self::all(Bytes::Spooled(spooled)))
        };
        source.and_then(Self::not_empty)
    }

    fn not_empty(self) -> Result<Self, Error> {
        if self.bytes().is_empty() {
            return Err(Error::malformed(0, "a dump", "an empty or closed stream"));
        }
        Ok(self)
    }

    /// A dump that is in memory already.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self::all(Bytes::Buffer(bytes))
    }

    /// What was written to private storage.
    ///
    /// # Errors
    /// When it cannot be mapped.
    pub fn of_spool(spool: Spool) -> Result<Self, Error> {
        Ok(Self::all(Bytes::Spooled(spool.finish()?)))
    }

    fn all(bytes: Bytes) -> Self {
        let range = 0..bytes.all().len();
        Self {
            bytes: Arc::new(bytes),
            range,
        }
    }

    /// The part at `range`, in bytes from the start of this source; `None` if that goes beyond its end.
    /// Nothing is copied.
    pub fn slice(&self, range: Range<u64>) -> Option<Self> {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok()?;
        (start <= end && end <= self.range.len()).then(|| Self {
            bytes: Arc::clone(&self.bytes),
            range: self.range.start + start..self.range.start + end,
        })
    }

    /// Reads a whole small file, as a public key, of at most `limit` bytes.
    ///
    /// # Errors
    /// When it cannot be read or is larger.
    pub fn read_small(path: &Path, limit: u64) -> Result<Self, Error> {
        let failed = |cause| Error::io("read", cause).at_path(path);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(failed(io::Error::other(format!(
                "larger than {limit} bytes"
            ))));
        }
        Ok(Self::from_bytes(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.all().get(self.range.clone()).unwrap_or_default()
    }
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map.bytes(),
            Self::Spooled(spooled) => spooled.bytes(),
            Self::Buffer(buffer) => buffer,
        }
    }
}

/// Opens a file so that no read of it waits: a file of `/proc` or a FIFO put in place meanwhile could.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    }
    options.read(true).open(path)
}

/// What a file that is not regular is; `None` for a regular one.
fn not_regular(metadata: &fs::Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a directory");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a FIFO");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Some("a device");
        }
    }
    Some("no regular file")
}

/// Bytes of a file that tells no size: some of `/proc` have no end.
const MAX_UNSIZED: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_mapped_and_a_directory_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dump");
        fs::write(&path, b"abc").unwrap();
        assert_eq!(Source::open(&path).unwrap().bytes(), b"abc");
        fs::write(&path, b"").unwrap();
        assert_eq!(Source::open(&path).unwrap().bytes(), b"");
        let error = Source::open(directory.path()).unwrap_err().to_string();
        assert!(
            error.contains("is a directory, expected a regular file"),
            "{error}"
        );
        let error = Source::open(&directory.path().join("absent"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("failed to open"), "{error}");
    }

    #[test]
    fn small_files_are_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, b"abc").unwrap();
        assert_eq!(Source::read_small(&path, 3).unwrap().bytes(), b"abc");
        assert!(Source::read_small(&path, 2).is_err());
    }

    #[test]
    fn a_part_of_a_source_is_a_source() {
        let whole = Source::from_bytes(b"0123456789".to_vec());
        let part = whole.slice(2..8).unwrap();
        drop(whole);
        assert_eq!(part.bytes(), b"234567");
        assert_eq!(part.slice(1..3).unwrap().bytes(), b"34");
        assert_eq!(part.slice(6..6).unwrap().bytes(), b"");
        assert!(part.slice(5..7).is_none());
        assert!(part.slice(0..u64::MAX).is_none());
    }

    #[test]
    fn a_stream_is_read_to_its_end() {
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        let spooled = spool::Spooled::read(&mut &bytes[..]).unwrap();
        assert_eq!(spooled.bytes(), bytes);
    }
}
