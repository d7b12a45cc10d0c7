//! bzip2. Streams one behind the other are one.

use super::item::Halt;
use super::single;
use super::stream::{Begin, Feed, Frames, Next, Steps};
use super::walk::Walk;
use crate::bytes::array;
use crate::source::Source;
use bzip2::bufread::BzDecoder;
use std::io;

/// Whether `data` starts as a bzip2 file. An empty one has no block, so no more is asked.
pub fn sniff(data: &[u8]) -> bool {
    data.starts_with(b"BZh") && matches!(array(data, 3), Some([b'1'..=b'9']))
}

/// Whether a block, or the end of an empty file, follows the header.
pub fn looks_real(data: &[u8]) -> bool {
    let begun: Option<[u8; 6]> = array(data, 4);
    sniff(data) && begun.is_some_and(|magic| magic == BLOCK || magic == END)
}

/// Unpacks the file.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    single::open(source, walk, "bzip2", None, stream)
}

/// The streams at the start of `data` as one.
pub fn stream(data: &[u8]) -> Frames<'_> {
    Frames::new(
        data,
        next,
        Begin {
            magic: b"BZh",
            is_sound: looks_real,
        },
    )
}

fn next<'d>(feed: &Feed<'d>) -> io::Result<Next<'d>> {
    Ok(if sniff(feed.rest()) {
        Next::Frame(Box::new(Steps::new(BzDecoder::new(feed.clone()))))
    } else {
        Next::End
    })
}

/// Pi, and its square root, in decimal.
const BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unpack::stream::Stream;
    use std::io::{Read, Write};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn streams_are_one() {
        let file = [&packed(b"abc")[..], &packed(b""), &packed(b"def"), b"tail"].concat();
        let mut stream = stream(&file);
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"abcdef");
        assert_eq!(stream.consumed(), file.len() as u64 - 4);
        assert!(looks_real(&file) && looks_real(&packed(b"")));
    }

    #[test]
    fn no_beginning_of_a_file_is_whole() {
        let file = packed(b"some text, some more text");
        for length in 4..file.len() {
            let mut out = Vec::new();
            assert!(
                stream(&file[..length]).read_to_end(&mut out).is_err(),
                "{length} bytes"
            );
        }
    }
}
