//! gzip: RFC 1952. Members one behind the other are one stream.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 2 | 1f 8b |
//! | 2 | 1 | method, 8 for deflate |
//! | 3 | 1 | flags: 1 text, 2 header checksum, 4 extra field, 8 name, 16 comment |
//! | 4 | 6 | time, extra flags, system |

use super::item::Halt;
use super::single;
use super::stream::{Begin, Feed, Frames, Next};
use super::walk::Walk;
use crate::bytes::{array, slice};
use crate::source::Source;
use flate2::bufread::GzDecoder;
use std::io;

/// Whether `data` starts as a gzip file.
pub fn sniff(data: &[u8]) -> bool {
    data.starts_with(b"\x1f\x8b\x08")
}

/// Whether the header at the start of `data` is one that a packer writes: a test for bytes that only might be
/// gzip, as in the middle of memory.
pub fn looks_real(data: &[u8]) -> bool {
    let Some([_, _, _, flags, _, _, _, _, extra, system]) = array(data, 0) else {
        return false;
    };
    // The first block of deflate: none is of type 3.
    let is_block = flags != 0
        || slice(data, 10, 1)
            .is_some_and(|first| first != [0] && first.iter().all(|byte| byte & 6 != 6));
    sniff(data)
        && flags & 0xe0 == 0
        && matches!(extra, 0 | 2 | 4)
        && (system <= 13 || system == 255)
        && is_block
}

/// Unpacks the file.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    single::open(source, walk, "gzip", name(source.bytes()), stream)
}

/// The members at the start of `data` as one stream.
pub fn stream(data: &[u8]) -> Frames<'_> {
    Frames::new(
        data,
        next,
        Begin {
            magic: b"\x1f\x8b\x08",
            is_sound: looks_real,
        },
    )
}

fn next<'d>(feed: &Feed<'d>) -> io::Result<Next<'d>> {
    let rest = feed.rest();
    if !rest.starts_with(b"\x1f\x8b") {
        return Ok(Next::End);
    }
    let reader = Box::new(GzDecoder::new(feed.clone()));
    Ok(match header(rest) {
        Some(length) if length >= LEAST_TEXT => Next::Headed(reader, length),
        _ => Next::Frame(reader),
    })
}

/// Bytes of the header at the start of `data`: its fields may hold any text.
fn header(data: &[u8]) -> Option<usize> {
    let [flags] = array(data, 3)?;
    let mut at = 10;
    if flags & EXTRA != 0 {
        at += 2 + usize::from(u16::from_le_bytes(array(data, at)?));
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            at += memchr::memchr(0, data.get(at..)?)? + 1;
        }
    }
    Some(at)
}

/// The file's name in the header of the first member, without directories.
fn name(data: &[u8]) -> Option<String> {
    let [flags] = array(data, 3)?;
    if flags & NAME == 0 {
        return None;
    }
    let mut at = 10;
    if flags & EXTRA != 0 {
        at += 2 + usize::from(u16::from_le_bytes(array(data, at)?));
    }
    let name = data.get(at..)?.split(|&byte| byte == 0).next()?;
    let name: String = name
        .iter()
        .take(MAX_NAME)
        .map(|&byte| char::from(byte))
        .collect();
    let file = name.rsplit(['/', '\\']).next()?;
    (!file.is_empty()).then(|| file.to_owned())
}

const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// Bytes of a header that may hold a key: the shortest one, of Ed25519, has 48.
const LEAST_TEXT: usize = 48;

/// Characters of a name that are taken.
const MAX_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn packed(bytes: &[u8], name: &str) -> Vec<u8> {
        let mut packer = flate2::GzBuilder::new()
            .filename(name)
            .write(Vec::new(), flate2::Compression::default());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn members_are_one_stream_and_what_follows_is_not() {
        let file = [&packed(b"abc", "a/core")[..], &packed(b"def", "x"), b"tail"].concat();
        let mut stream = stream(&file);
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"abcdef");
        assert_eq!(
            super::super::stream::Stream::consumed(&stream),
            file.len() as u64 - 4
        );
        assert_eq!(name(&file).as_deref(), Some("core"));
        assert!(looks_real(&file));
        assert!(!looks_real(b"\x1f\x8b\x08\xff\0\0\0\0\0\x03\0\0"));
    }

    #[test]
    fn no_beginning_of_a_file_is_whole() {
        let file = packed(b"some text, some more text", "a");
        for length in 3..file.len() {
            let mut out = Vec::new();
            assert!(
                stream(&file[..length]).read_to_end(&mut out).is_err(),
                "{length} bytes"
            );
        }
    }
}
