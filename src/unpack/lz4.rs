//! LZ4: the frame format and the legacy frame of old `lz4 -l` and kernels (lz4_Frame_format.md 1.6.3).
//!
//! The decoder takes the end of its input for the end of a frame, wherever that is. So the frame's blocks are
//! walked first, by their sizes; then the decoder gets exactly one frame.

use super::item::Halt;
use super::single;
use super::stream::{Begin, Feed, Frames, Next, unsupported};
use super::walk::Walk;
use crate::bytes::{array, u32_le};
use crate::source::Source;
use lz4_flex::frame::FrameDecoder;
use std::io::{self, Read};

/// Whether `data` starts as an LZ4 file.
pub fn sniff(data: &[u8]) -> bool {
    data.starts_with(FRAME) || data.starts_with(LEGACY)
}

/// Whether the frame header at the start of `data` is one that a packer writes.
pub fn looks_real(data: &[u8]) -> bool {
    let Some([flags, block]) = array(data, 4) else {
        return false;
    };
    data.starts_with(FRAME) && flags & 0xc2 == 0x40 && block & 0x8f == 0 && block >= 0x40
}

/// What follows the skippable frames at the start of `data`; `None` if there is none.
pub fn skippable(data: &[u8]) -> Option<&[u8]> {
    let mut rest = data;
    while u32_le(rest, 0).is_some_and(|magic| magic & 0xffff_fff0 == 0x184d_2a50) {
        rest = rest.get(u32_le(rest, 4)? as usize + 8..)?;
    }
    (rest.len() < data.len()).then_some(rest)
}

/// Unpacks the file.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    single::open(source, walk, "lz4", None, stream)
}

/// The frames at the start of `data` as one stream.
pub fn stream(data: &[u8]) -> Frames<'_> {
    Frames::new(
        data,
        next,
        Begin {
            magic: FRAME,
            is_sound: looks_real,
        },
    )
}

fn next<'d>(feed: &Feed<'d>) -> io::Result<Next<'d>> {
    let rest = feed.rest();
    if let Some(behind) = skippable(rest) {
        return Ok(Next::Skip(rest.len() - behind.len(), 8));
    }
    let extent = if rest.starts_with(FRAME) {
        frame(rest)?
    } else if rest.starts_with(LEGACY) {
        legacy(rest)
    } else {
        return Ok(Next::End);
    };
    let data = rest.get(..extent.length).unwrap_or(rest);
    Ok(Next::Frame(Box::new(Frame {
        decoder: FrameDecoder::new(Feed::new(data)),
        start: feed.position(),
        feed: feed.clone(),
        extent,
    })))
}

/// How far a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    /// Bytes of it that are there.
    length: usize,
    /// Whether it ends behind the data.
    is_cut: bool,
}

/// One frame.
struct Frame<'d> {
    decoder: FrameDecoder<Feed<'d>>,
    /// Where it starts in the feed.
    start: usize,
    feed: Feed<'d>,
    extent: Extent,
}

impl Read for Frame<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        self.feed
            .seek(self.start + self.decoder.get_ref().position());
        if read == 0 && !buffer.is_empty() {
            if self.extent.is_cut {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.feed.seek(self.start + self.extent.length);
        }
        Ok(read)
    }
}

/// The extent of a frame: header, blocks with their sizes, a size of zero, perhaps a checksum.
fn frame(data: &[u8]) -> io::Result<Extent> {
    let cut = Extent {
        length: data.len(),
        is_cut: true,
    };
    let Some([flags]) = array(data, 4) else {
        return Ok(cut);
    };
    let is = |bit: u8| usize::from(flags >> bit & 1);
    if is(0) == 1 {
        return Err(unsupported("LZ4 with a dictionary"));
    }
    let mut at = 7 + 8 * is(3);
    while let Some(size) = u32_le(data, at) {
        at += 4;
        if size == 0 {
            at += 4 * is(2);
            return Ok(if at <= data.len() {
                Extent {
                    length: at,
                    is_cut: false,
                }
            } else {
                cut
            });
        }
        at += (size & 0x7fff_ffff) as usize + 4 * is(4);
    }
    Ok(cut)
}

/// The extent of a legacy frame: blocks with their sizes, to the end of the file or another frame.
fn legacy(data: &[u8]) -> Extent {
    let mut at = 4;
    while at < data.len() {
        let Some(size) = u32_le(data, at) else {
            break;
        };
        if size as usize > LARGEST_LEGACY_BLOCK {
            return Extent {
                length: at,
                is_cut: false,
            };
        }
        at += 4 + size as usize;
    }
    Extent {
        length: at.min(data.len()),
        is_cut: at != data.len(),
    }
}

const FRAME: &[u8] = b"\x04\x22\x4d\x18";
const LEGACY: &[u8] = b"\x02\x21\x4c\x18";

/// Bytes of a legacy block that LZ4 could not make smaller: 8 MiB and one in 255, and 16.
const LARGEST_LEGACY_BLOCK: usize = (8 << 20) + (8 << 20) / 255 + 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::stream::Stream;
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn frames_are_one_stream() {
        let file = [&packed(b"abc")[..], &packed(b"def"), b"tail"].concat();
        let mut stream = stream(&file);
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"abcdef");
        assert_eq!(stream.consumed(), file.len() as u64 - 4);
        assert!(looks_real(&file));
    }

    #[test]
    fn no_beginning_of_a_file_is_whole() {
        let file = packed(&[7; 100_000]);
        for length in 4..file.len() {
            let mut out = Vec::new();
            assert!(
                stream(&file[..length]).read_to_end(&mut out).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_skippable_frame_leads_to_the_format_behind_it() {
        let skip = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
        let file = [&skip[..], &packed(b"abc")].concat();
        assert!(skippable(&file).is_some_and(sniff));
        assert!(!super::super::zstd::sniff(&file));
        assert_eq!(skippable(b"abc"), None);
    }
}
