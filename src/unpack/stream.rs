//! Packed bytes as readers: what a decoder is fed, frames one behind the other, checked lengths and sums.

use flate2::Crc;
use memchr::memmem;
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::rc::Rc;

/// A reader of unpacked bytes that knows how far it is in the packed ones.
pub trait Stream: Read {
    /// Packed bytes read so far.
    fn consumed(&self) -> u64;

    /// Ranges of packed bytes that hold something else than the stream, as skippable frames and headers with text.
    fn skipped(&self) -> &[Skipped] {
        &[]
    }
}

/// Packed bytes that are no part of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// In bytes from the first packed one.
    pub range: Range<u64>,
    /// Bytes at its start that are the format's own.
    pub own: u64,
}

/// A decoder that is asked for a few bytes at a time: what came out before an error is not lost with it. Decoders of
/// some crates drop what they wrote when they fail.
pub struct Steps<R> {
    reader: R,
    failed: Option<io::Error>,
}

impl<R> Steps<R> {
    /// Asks `reader`.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            failed: None,
        }
    }
}

impl<R: Read> Read for Steps<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut written = 0;
        for step in buffer.chunks_mut(STEP) {
            match self.reader.read(step) {
                Ok(0) => break,
                Ok(read) => {
                    written += read;
                    if read < step.len() {
                        break;
                    }
                }
                Err(error) if written == 0 => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(written)
    }
}

/// Bytes that a decoder is asked for at a time, and that may be lost before damage.
const STEP: usize = 128;

/// What a decoder reads from: a slice whose position can be seen from outside.
#[derive(Clone, Debug)]
pub struct Feed<'d> {
    data: &'d [u8],
    at: Rc<Cell<usize>>,
}

impl<'d> Feed<'d> {
    /// All of `data`.
    pub fn new(data: &'d [u8]) -> Self {
        Self {
            data,
            at: Rc::default(),
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at.get()
    }

    /// Goes to another place.
    pub fn seek(&self, at: usize) {
        self.at.set(at.min(self.data.len()));
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'d [u8] {
        self.data.get(self.at.get()..).unwrap_or_default()
    }
}

impl Read for Feed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.rest().read(buffer)?;
        self.seek(self.position() + read);
        Ok(read)
    }
}

impl BufRead for Feed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.rest())
    }

    fn consume(&mut self, amount: usize) {
        self.seek(self.position() + amount);
    }
}

/// One decoder over a feed.
pub struct Single<'d, R> {
    reader: R,
    feed: Feed<'d>,
}

impl<'d> Single<'d, Box<dyn Read + 'd>> {
    /// All of `frames`.
    pub fn of_frames(frames: Frames<'d>) -> Self {
        Self {
            feed: frames.feed.clone(),
            reader: Box::new(frames),
        }
    }
}

impl<'d, R> Single<'d, R> {
    /// `reader` reads from `feed`.
    pub fn new(reader: R, feed: &Feed<'d>) -> Self {
        Self {
            reader,
            feed: feed.clone(),
        }
    }
}

impl<R: Read> Read for Single<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: Read> Stream for Single<'_, R> {
    fn consumed(&self) -> u64 {
        self.feed.position() as u64
    }
}

/// What stands where a frame could begin.
pub enum Next<'d> {
    /// A frame, and the decoder that reads it from the feed.
    Frame(Box<dyn Read + 'd>),
    /// The same; so many bytes at its start are a header that may hold anything.
    Headed(Box<dyn Read + 'd>, usize),
    /// So many bytes that are no part of the stream, and how many at their start are the format's own.
    Skip(usize, usize),
    /// No frame: the stream is over.
    End,
}

/// How frames of a format begin.
#[derive(Clone, Copy)]
pub struct Begin {
    /// Their first bytes.
    pub magic: &'static [u8],
    /// Whether what begins so has a sound header.
    pub is_sound: fn(&[u8]) -> bool,
}

/// Frames of a format one behind the other, which are one stream. Where one is damaged those behind it are read too, and
/// the damage is told at the end.
pub struct Frames<'d> {
    feed: Feed<'d>,
    next: fn(&Feed<'d>) -> io::Result<Next<'d>>,
    begin: Begin,
    current: Option<Box<dyn Read + 'd>>,
    skipped: Vec<Skipped>,
    is_over: bool,
    /// The first damage, told at the end.
    failed: Option<io::Error>,
    /// Frames that were read behind damage.
    frames: usize,
    /// Where the last frame starts.
    begun: usize,
}

impl<'d> Frames<'d> {
    /// The frames at the start of `data`, as `next` tells them. Behind damage the next one is looked for by how frames
    /// `begin`.
    pub fn new(data: &'d [u8], next: fn(&Feed<'d>) -> io::Result<Next<'d>>, begin: Begin) -> Self {
        Self {
            feed: Feed::new(data),
            next,
            begin,
            current: None,
            skipped: Vec::new(),
            is_over: false,
            failed: None,
            frames: 0,
            begun: 0,
        }
    }

    /// How the next of these frames that is sound begins, at `from` or behind it.
    pub fn begins_behind(&self, from: usize) -> Option<usize> {
        let Begin { magic, is_sound } = self.begin;
        let rest = self.feed.data.get(from..)?;
        let is_real = |start: &usize| rest.get(*start..).is_some_and(is_sound);
        let start = memmem::find_iter(rest, magic).find(is_real)?;
        Some(from + start)
    }

    /// Notes that `length` bytes from `start` on, `own` of them the format's, are no part of the stream.
    fn skip(&mut self, start: usize, length: usize, own: usize) {
        let start = start as u64;
        let end = start.saturating_add(length as u64);
        match self.skipped.last_mut() {
            // Padding in many pieces.
            Some(last) if last.range.end == start && own == 0 => last.range.end = end,
            _ => self.skipped.push(Skipped {
                range: start..end,
                own: own as u64,
            }),
        }
    }

    /// After damage: on with the next frame.
    fn fail(&mut self, error: io::Error) -> io::Result<()> {
        self.current = None;
        let Begin { magic, is_sound } = self.begin;
        let at = self.feed.position();
        if !self.feed.rest().starts_with(magic) {
            // A decoder that fails may have read too far.
            self.feed.seek(self.begun + 1);
            let rest = self.feed.rest();
            let behind = |start: usize| rest.get(start..).unwrap_or_default();
            let sound = memmem::find_iter(rest, magic).find(|&start| is_sound(behind(start)));
            let Some(start) = sound else {
                self.feed.seek(at);
                return Err(self.failed.take().unwrap_or(error));
            };
            self.feed.seek(self.begun + 1 + start);
        }
        self.begun = self.feed.position();
        match (self.next)(&self.feed) {
            Ok(Next::Frame(reader) | Next::Headed(reader, _)) if self.frames < MAX_DAMAGED => {
                self.frames += 1;
                self.current = Some(reader);
                let what = format!(
                    "{error}, before {:#x}; frames behind it were read",
                    self.feed.position()
                );
                let told = io::Error::new(error.kind(), what);
                self.failed.get_or_insert(told);
                Ok(())
            }
            _ => {
                self.feed.seek(at);
                Err(self.failed.take().unwrap_or(error))
            }
        }
    }
}

/// Damaged frames that are passed over.
const MAX_DAMAGED: usize = 1000;

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            if let Some(reader) = &mut self.current {
                match reader.read(buffer) {
                    Ok(0) => self.current = None,
                    Ok(read) => return Ok(read),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                    Err(error) => self.fail(error)?,
                }
            } else {
                // Some decoders read their header when they are made.
                let start = self.feed.position();
                self.begun = start;
                match (self.next)(&self.feed)? {
                    Next::Frame(reader) => self.current = Some(reader),
                    Next::Headed(reader, header) => {
                        self.skip(start, header, header);
                        self.current = Some(reader);
                    }
                    Next::Skip(length, own) => {
                        self.skip(start, length, own);
                        self.feed.seek(start.saturating_add(length));
                    }
                    Next::End => self.is_over = true,
                }
            }
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(0),
        }
    }
}

impl Stream for Frames<'_> {
    fn consumed(&self) -> u64 {
        self.feed.position() as u64
    }

    fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

/// What a directory says of a member, held against what comes out of it.
pub struct Checked<R> {
    reader: R,
    crc: Option<(Crc, u32)>,
    size: Option<u64>,
    seen: u64,
}

impl<R> Checked<R> {
    /// `reader`, which should give `size` bytes with the CRC-32 `crc`, where these are known.
    pub fn new(reader: R, size: Option<u64>, crc: Option<u32>) -> Self {
        Self {
            reader,
            crc: crc.map(|crc| (Crc::new(), crc)),
            size,
            seen: 0,
        }
    }
}

impl<R: Stream> Stream for Checked<R> {
    fn consumed(&self) -> u64 {
        self.reader.consumed()
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.seen += read as u64;
        if let Some((crc, wanted)) = &mut self.crc {
            crc.update(buffer.get(..read).unwrap_or_default());
            if read == 0 && !buffer.is_empty() && crc.sum() != *wanted {
                return Err(damaged(
                    "bytes that do not have the checksum in the directory",
                ));
            }
        }
        match self.size {
            Some(size) if read == 0 && !buffer.is_empty() && size != self.seen => {
                let what = format!("{} bytes where the directory says {size}", self.seen);
                Err(io::Error::new(io::ErrorKind::InvalidData, what))
            }
            _ => Ok(read),
        }
    }
}

/// Packed bytes that are not as their format demands.
pub fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// A way of packing that is not known here.
pub fn unsupported(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

/// Packed bytes that could only be unpacked with more memory than anyone needs.
pub fn too_large(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, what)
}

/// Refuses an LZMA dictionary of too many bytes.
///
/// # Errors
/// When it is larger than [`MAX_WINDOW`].
pub fn bounded_dictionary(bytes: u32) -> io::Result<()> {
    if u64::from(bytes) > MAX_WINDOW {
        let what = format!("a dictionary of {bytes} bytes, of at most {MAX_WINDOW}");
        return Err(too_large(what));
    }
    Ok(())
}

/// Memory in bytes that a decoder may take for its window or dictionary. `zstd --long` and `xz -9` need no more.
pub const MAX_WINDOW: u64 = 128 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_about_size_or_sum_is_told_at_the_end() {
        let mut sum = Crc::new();
        sum.update(b"abc");
        let read = |size, crc| {
            let mut out = Vec::new();
            Checked::new(&b"abc"[..], size, crc)
                .read_to_end(&mut out)
                .map(|_| out)
        };
        assert_eq!(read(Some(3), Some(sum.sum())).unwrap(), b"abc");
        assert!(read(Some(4), None).is_err());
        assert!(read(Some(2), None).is_err());
        assert!(read(None, Some(1)).is_err());
    }
}
