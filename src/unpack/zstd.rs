//! Zstandard: RFC 8878. Frames one behind the other are one stream; skippable frames hold none of it.

use super::item::Halt;
use super::single;
use super::stream::{Begin, Feed, Frames, MAX_WINDOW, Next, damaged, too_large, unsupported};
use super::walk::Walk;
use crate::bytes::{array, slice, u32_le};
use crate::source::Source;
use std::io::{self, Read};
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

/// Whether `data` starts as a zstd file; skippable frames may come first, which another format may have too.
pub fn sniff(data: &[u8]) -> bool {
    data.starts_with(MAGIC)
        || (is_skippable(data)
            && super::lz4::skippable(data).is_none_or(|rest| !super::lz4::sniff(rest)))
}

/// Whether the frame header at the start of `data` is one that a packer writes.
pub fn looks_real(data: &[u8]) -> bool {
    let Some([descriptor]) = array(data, 4) else {
        return false;
    };
    data.starts_with(MAGIC)
        && descriptor & UNUSED == 0
        && window(data).is_some_and(|window| window <= MAX_WINDOW)
}

/// Unpacks the file.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    single::open(source, walk, "zstd", None, stream)
}

/// The frames at the start of `data` as one stream.
pub fn stream(data: &[u8]) -> Frames<'_> {
    Frames::new(
        data,
        next,
        Begin {
            magic: MAGIC,
            is_sound: looks_real,
        },
    )
}

fn next<'d>(feed: &Feed<'d>) -> io::Result<Next<'d>> {
    let rest = feed.rest();
    if is_skippable(rest) {
        let length = u32_le(rest, 4).ok_or(io::ErrorKind::UnexpectedEof)? as usize + 8;
        return match length <= rest.len() {
            true => Ok(Next::Skip(length, 8)),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        };
    }
    if !rest.starts_with(MAGIC) {
        return Ok(Next::End);
    }
    if let Some(window) = window(rest)
        && window > MAX_WINDOW
    {
        let what = format!("a window of {window} bytes, of at most {MAX_WINDOW}");
        return Err(too_large(what));
    }
    let mut context = DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
    context
        .set_parameter(DParameter::WindowLogMax(MAX_WINDOW.ilog2()))
        .map_err(failed)?;
    Ok(Next::Frame(Box::new(Frame {
        context,
        feed: feed.clone(),
        length: zstd_safe::find_frame_compressed_size(rest).unwrap_or(0),
        start: feed.position(),
        next: 5,
        is_over: false,
    })))
}

/// One frame.
struct Frame<'d> {
    context: DCtx<'static>,
    feed: Feed<'d>,
    /// Where the frame starts, and its bytes as its blocks tell; 0 where they do not.
    start: usize,
    length: usize,
    /// Bytes that the decoder asks for: those up to the end of a block.
    next: usize,
    is_over: bool,
}

impl Read for Frame<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.is_over && !buffer.is_empty() {
            // Block by block: of a call that fails nothing is left.
            let all = self.feed.rest();
            let rest = all.get(..self.next).unwrap_or(all);
            let mut input = InBuffer::around(rest);
            let mut output = OutBuffer::around(&mut *buffer);
            let hint = match self.context.decompress_stream(&mut output, &mut input) {
                Ok(hint) => hint,
                Err(code) => {
                    self.is_over = true;
                    // The next frame can be read, whatever is wrong in this one.
                    if self.length > 0 {
                        self.feed.seek(self.start + self.length);
                    }
                    return Err(failed(code));
                }
            };
            let (read, written) = (input.pos(), output.pos());
            self.feed.seek(self.feed.position() + read);
            self.is_over = hint == 0;
            self.next = hint;
            if written > 0 {
                return Ok(written);
            }
            if !self.is_over && read == all.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

fn failed(code: usize) -> io::Error {
    match zstd_safe::get_error_name(code) {
        "Dictionary mismatch" => unsupported("zstd with a dictionary"),
        "Frame requires too much memory for decoding" => {
            too_large(format!("a window of more than {MAX_WINDOW} bytes"))
        }
        name => damaged(name),
    }
}

/// The window in bytes that the frame at the start of `data` asks for (RFC 8878, section 3.1.1.1).
fn window(data: &[u8]) -> Option<u64> {
    let [descriptor] = array(data, 4)?;
    if descriptor & SINGLE == 0 {
        let [window] = array(data, 5)?;
        let base = 1u64 << (10 + u32::from(window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let dictionary = *[0, 1, 2, 4].get(usize::from(descriptor & 3))?;
    let at = 5 + dictionary;
    match descriptor >> 6 {
        0 => slice(data, at, 1)?.first().map(|&size| size.into()),
        1 => Some(u64::from(u16::from_le_bytes(array(data, at)?)) + 256),
        2 => u32_le(data, at).map(u64::from),
        _ => array(data, at).map(u64::from_le_bytes),
    }
}

fn is_skippable(data: &[u8]) -> bool {
    u32_le(data, 0).is_some_and(|magic| magic & 0xffff_fff0 == 0x184d_2a50)
}

const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";

/// Bits of the frame header's descriptor.
const SINGLE: u8 = 0x20;
const UNUSED: u8 = 0x08;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::stream::Stream;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![0; bytes.len() + 1000];
        let length = zstd_safe::compress(&mut out[..], bytes, 3).unwrap();
        out.truncate(length);
        out
    }

    #[test]
    fn frames_are_one_stream_and_skippable_ones_are_none_of_it() {
        let file = [
            b"\x53\x2a\x4d\x18\x03\0\0\0key",
            &packed(b"abc")[..],
            b"\x50\x2a\x4d\x18\x01\0\0\0k",
            &packed(b"def"),
            b"tail",
        ]
        .concat();
        assert!(sniff(&file));
        let mut stream = stream(&file);
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"abcdef");
        assert_eq!(stream.consumed(), file.len() as u64 - 4);
        assert_eq!(stream.skipped().len(), 2);
        assert_eq!(stream.skipped()[0].range, 0..11);
        assert!(looks_real(&packed(b"abc")));
    }

    #[test]
    fn no_beginning_of_a_file_is_whole() {
        let file = packed(&(0..5000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        for length in (4..file.len()).step_by(7) {
            let mut out = Vec::new();
            assert!(
                stream(&file[..length]).read_to_end(&mut out).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_huge_window_is_refused_before_it_is_allocated() {
        // Window of 2 GiB, then an empty last block.
        let file = b"\x28\xb5\x2f\xfd\x00\xa8\x01\0\0";
        let error = stream(file).read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(!looks_real(file));
    }
}
