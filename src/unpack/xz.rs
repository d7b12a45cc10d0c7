//! xz: The .xz File Format 1.2.1. Streams one behind the other, with padding of zeros, are one stream.

use super::item::Halt;
use super::single;
use super::stream::{Begin, Feed, Frames, MAX_WINDOW, Next, Steps};
use super::walk::Walk;
use crate::bytes::{slice, u32_le};
use crate::source::Source;
use flate2::Crc;
use lzma_rust2::XzReader;
use std::io;

/// Whether `data` starts as an xz file.
pub fn sniff(data: &[u8]) -> bool {
    data.starts_with(MAGIC)
}

/// Whether the stream header at the start of `data` is sound: its flags have a checksum.
pub fn looks_real(data: &[u8]) -> bool {
    let mut crc = Crc::new();
    crc.update(slice(data, 6, 2).unwrap_or_default());
    sniff(data) && u32_le(data, 8) == Some(crc.sum())
}

/// Unpacks the file.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    single::open(source, walk, "xz", None, stream)
}

/// The streams at the start of `data` as one.
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
    if sniff(rest) {
        let limit = (MAX_WINDOW >> 10) as u32 + OVERHEAD;
        let reader = XzReader::new_mem_limit(feed.clone(), false, limit);
        return Ok(Next::Frame(Box::new(Steps::new(reader))));
    }
    let padding = rest.iter().take_while(|&&byte| byte == 0).count();
    Ok(match rest.get(padding..) {
        Some(behind) if padding > 0 && (sniff(behind) || behind.is_empty()) => {
            Next::Skip(padding, 0)
        }
        _ => Next::End,
    })
}

const MAGIC: &[u8] = b"\xfd7zXZ\0";

/// KiB that a decoder needs beside its dictionary.
const OVERHEAD: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::stream::Stream;
    use std::io::{Read, Write};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn streams_are_one() {
        let file = [&packed(b"abc")[..], &[0; 8], &packed(b"def"), b"tail"].concat();
        let mut stream = stream(&file);
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"abcdef");
        assert_eq!(stream.consumed(), file.len() as u64 - 4);
        assert!(looks_real(&file));
        assert!(!looks_real(b"\xfd7zXZ\0\0\0abcd"));
    }

    #[test]
    fn no_beginning_of_a_file_is_whole() {
        let file = packed(b"some text, some more text");
        for length in 6..file.len() {
            let mut out = Vec::new();
            assert!(
                stream(&file[..length]).read_to_end(&mut out).is_err(),
                "{length} bytes"
            );
        }
    }
}
