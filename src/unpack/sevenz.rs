//! 7z archives: 7zFormat.txt and Methods.txt of 7-Zip. The directory stands at the end and may be packed itself;
//! files that are packed together come out of one stream, one behind the other.
//!
//! The directory is read here: what it says must cost no more memory than it has bytes, and a folder that cannot be
//! unpacked must not hide the others.

use super::item::{Halt, Member, Trouble};
use super::sevenz_header::{Coder, Directory, Folder, Header, Start, crc, read};
use super::stream::{
    Checked, Feed, MAX_WINDOW, Single, Steps, Stream, bounded_dictionary, damaged, unsupported,
};
use super::walk::Walk;
use crate::bytes::{slice, u32_le};
use crate::source::Source;
use lzma_rust2::filter::{bcj::BcjReader, delta::DeltaReader};
use lzma_rust2::{Lzma2Reader, LzmaReader};
use std::borrow::Cow;
use std::io::{self, Read};

/// Whether `data` starts as a 7z archive.
pub fn sniff(data: &[u8]) -> bool {
    data.starts_with(&MAGIC)
}

/// Whether the signature header at the start of `data` has its checksum.
pub fn looks_real(data: &[u8]) -> bool {
    Start::read(data).is_some()
}

/// Gives on every file.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    let data = source.bytes();
    let length = data.len() as u64;
    let directory = match directory(data, walk) {
        Ok(directory) => directory,
        Err((trouble, offset, what)) => {
            walk.fault(trouble, None, offset, what.to_owned());
            // Packed bytes, which nothing tells apart.
            walk.structure(0..length);
            return Ok(());
        }
    };
    let mut names = directory
        .names
        .iter()
        .zip(directory.empty.iter().chain(std::iter::repeat(&false)))
        .filter_map(|(name, &is_empty)| (!is_empty).then_some(name));
    for _ in directory.empty.iter().filter(|&&is_empty| is_empty) {
        walk.empty();
    }
    if directory.names.is_empty() && directory.folders.is_empty() && data.len() > 32 {
        let what = format!(
            "no bytes behind a directory of no file, found {}",
            data.len() - 32
        );
        walk.fault(Trouble::Damaged, None, 32, what);
    }
    let mut packs = directory.packs.iter();
    for folder in &directory.folders {
        let packs: Vec<(u64, u64)> = packs.by_ref().take(folder.inputs.len()).copied().collect();
        let names: Vec<String> = (0..folder.files.len())
            .map(|index| {
                let named = names.next().filter(|name| !name.is_empty());
                named.map_or_else(|| format!("file {}", index + 1), Clone::clone)
            })
            .collect();
        for &(at, length) in &packs {
            walk.structure(at..at.saturating_add(length));
        }
        unpack(folder, &packs, &names, data, walk)?;
    }
    Ok(())
}

/// A fault: why, where, what was expected and found.
type Refused = (Trouble, u64, &'static str);

/// The directory, unpacked if it is packed.
fn directory(data: &[u8], walk: &mut Walk<'_>) -> Result<Directory, Refused> {
    let refused = |trouble, at, what| Err((trouble, at, what));
    let Some(start) = Start::read(data) else {
        let what = "a signature header with its checksum, found none";
        return refused(Trouble::Damaged, 8, what);
    };
    walk.structure(0..32);
    walk.structure(start.at..start.at.saturating_add(start.length));
    if start.length == 0 {
        return Ok(Directory::default());
    }
    let place = usize::try_from(start.at)
        .ok()
        .zip(usize::try_from(start.length).ok());
    let Some(bytes) = place.and_then(|(at, length)| slice(data, at, length)) else {
        let what = "a directory, found the end of the archive before it";
        return refused(Trouble::Damaged, data.len() as u64, what);
    };
    if crc(bytes) != start.crc {
        let what = "a directory with its checksum, found another";
        return refused(Trouble::Damaged, start.at, what);
    }
    let mut header = Cow::Borrowed(bytes);
    for _ in 0..MAX_LAYERS {
        let packed = match read(&header) {
            Some(Header::Plain(directory)) => return Ok(directory),
            Some(Header::Packed(packed)) => packed,
            None => break,
        };
        let Some(folder) = packed.folders.first() else {
            break;
        };
        for &(at, length) in &packed.packs {
            walk.structure(at..at.saturating_add(length));
        }
        if folder.coders.iter().any(Coder::is_encrypted) {
            let what = "a directory in clear, found one under a passphrase";
            return refused(Trouble::Encrypted, start.at, what);
        }
        let size = folder.size().unwrap_or(u64::MAX);
        if size > MAX_DIRECTORY {
            let what = "a directory of at most 64 MiB, found a larger one";
            return refused(Trouble::Budget, start.at, what);
        }
        let mut unpacked = Vec::new();
        let done = decoder(folder, &packed.packs, data)
            .and_then(|decoder| decoder.take(size).read_to_end(&mut unpacked));
        if done.is_err() || folder.crc.is_some_and(|wanted| wanted != crc(&unpacked)) {
            let what = "a directory that can be unpacked, found a damaged one";
            return refused(Trouble::Damaged, start.at, what);
        }
        header = Cow::Owned(unpacked);
    }
    let what = "a directory as 7zFormat.txt has it, found another";
    refused(Trouble::Damaged, start.at, what)
}

/// Gives on the files of a folder.
fn unpack(
    folder: &Folder,
    packs: &[(u64, u64)],
    names: &[String],
    data: &[u8],
    walk: &mut Walk<'_>,
) -> Result<(), Halt> {
    let offset = packs.first().map_or(0, |pack| pack.0);
    if folder.coders.iter().any(Coder::is_encrypted) {
        for name in names {
            let what = "a file in clear, found one under a passphrase".to_owned();
            walk.fault(Trouble::Encrypted, Some(name), offset, what);
            walk.empty();
        }
        return Ok(());
    }
    let mut decoder = match decoder(folder, packs, data) {
        Ok(decoder) => decoder,
        Err(cause) => {
            let (trouble, what) = match cause.kind() {
                io::ErrorKind::Unsupported => (Trouble::Unsupported, "a method known here"),
                io::ErrorKind::OutOfMemory => (Trouble::Budget, "a stream within bounds"),
                _ => (Trouble::Damaged, "a sound packed stream"),
            };
            for name in names {
                let what = format!("{what}, found {cause}");
                walk.fault(trouble, Some(name), offset, what);
                walk.empty();
            }
            return Ok(());
        }
    };
    let method = folder
        .last()
        .and_then(|last| folder.coders.get(last))
        .map_or("unknown", Coder::method);
    for (name, &(size, crc)) in names.iter().zip(&folder.files) {
        let member = Member {
            name: name.clone(),
            method,
            offset,
        };
        let faults = walk.fault_count();
        let before = decoder.consumed();
        let mut part = Checked::new(Part::new(&mut decoder, size), Some(size), crc);
        walk.packed_again(member, before, &mut part)?;
        if walk.fault_count() > faults && decoder.is_broken {
            let what = "the files before it whole, since it is packed with them".to_owned();
            let behind = names.iter().skip_while(|other| *other != name).skip(1);
            for name in behind {
                walk.fault(Trouble::Damaged, Some(name), offset, what.clone());
            }
            return Ok(());
        }
    }
    Ok(())
}

/// The next `left` bytes of a stream that several files share.
struct Part<'s, 'd> {
    stream: &'s mut Chain<'d>,
    left: u64,
}

impl<'s, 'd> Part<'s, 'd> {
    fn new(stream: &'s mut Chain<'d>, left: u64) -> Self {
        Self { stream, left }
    }
}

impl Read for Part<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = self.left.min(buffer.len() as u64) as usize;
        let read = self
            .stream
            .read(buffer.get_mut(..wanted).unwrap_or_default())?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl Stream for Part<'_, '_> {
    fn consumed(&self) -> u64 {
        self.stream.consumed()
    }
}

/// The coders of a folder, one behind the other.
struct Chain<'d> {
    stream: Single<'d, Box<dyn Read + 'd>>,
    is_broken: bool,
}

impl Read for Chain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer);
        self.is_broken |= match &read {
            Ok(0) => !buffer.is_empty(),
            Ok(_) => false,
            Err(_) => true,
        };
        read
    }
}

impl Stream for Chain<'_> {
    fn consumed(&self) -> u64 {
        self.stream.consumed()
    }
}

fn decoder<'d>(folder: &Folder, packs: &[(u64, u64)], data: &'d [u8]) -> io::Result<Chain<'d>> {
    if folder.coders.iter().any(|coder| coder.is_complex) || folder.inputs.len() != 1 {
        return Err(unsupported("one of several streams, as BCJ2"));
    }
    let (Some(&(at, length)), Some(&input)) = (packs.first(), folder.inputs.first()) else {
        return Err(damaged("no packed bytes"));
    };
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(data.len());
    let end = usize::try_from(length).map_or(usize::MAX, |length| at.saturating_add(length));
    let packed = data.get(at..end.min(data.len())).unwrap_or_default();
    let feed = Feed::new(packed);
    let mut reader: Box<dyn Read + 'd> = Box::new(feed.clone());
    let mut index = input;
    // Each coder has one input and one output, so both have its number.
    for _ in 0..folder.coders.len() {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let coder = folder.coders.get(place).ok_or(damaged("no such coder"))?;
        let size = folder.sizes.get(place).copied().unwrap_or(0);
        reader = coder.over(reader, size)?;
        match folder.bonds.iter().find(|(_, output)| *output == index) {
            Some(&(input, _)) => index = input,
            None => {
                return Ok(Chain {
                    stream: Single::new(reader, &feed),
                    is_broken: false,
                });
            }
        }
    }
    Err(damaged("coders that feed each other"))
}

impl Coder {
    fn is_encrypted(&self) -> bool {
        self.id == [0x06, 0xf1, 0x07, 0x01]
    }

    fn method(&self) -> &'static str {
        match self.id[..] {
            [0x00] => "stored",
            [0x21] => "LZMA2",
            [0x03, 0x01, 0x01] => "LZMA",
            [0x03, 0x04, 0x01] => "PPMd",
            [0x04, 0x01, 0x08] => "deflate",
            [0x04, 0x01, 0x09] => "deflate64",
            [0x04, 0x02, 0x02] => "bzip2",
            [0x04, 0xf7, 0x11, 0x01] => "zstd",
            [0x03] | [0x03, ..] | [0x04..=0x0b] => "filtered",
            _ => "unknown",
        }
    }

    /// A decoder of this method for `size` bytes.
    fn over<'d>(&self, inner: Box<dyn Read + 'd>, size: u64) -> io::Result<Box<dyn Read + 'd>> {
        let bcj = |new: NewFilter<'d>, inner| Ok(Box::new(new(inner, 0)) as Box<dyn Read + 'd>);
        let short = || damaged("properties that are too short");
        match self.id[..] {
            [0x00] => Ok(inner),
            [0x21] => {
                let &bits = self.properties.first().ok_or_else(short)?;
                if bits > 40 {
                    return Err(damaged("a dictionary of more than 4 GiB"));
                }
                let dictionary = match bits {
                    40 => u32::MAX,
                    _ => (2 | u32::from(bits & 1)) << (bits / 2 + 11),
                };
                bounded_dictionary(dictionary)?;
                Ok(Box::new(Steps::new(Lzma2Reader::new(
                    inner, dictionary, None,
                ))))
            }
            [0x03, 0x01, 0x01] => {
                let (Some(&first), Some(dictionary)) =
                    (self.properties.first(), u32_le(&self.properties, 1))
                else {
                    return Err(short());
                };
                bounded_dictionary(dictionary)?;
                let reader = LzmaReader::new_with_props(inner, size, first, dictionary, None)?;
                Ok(Box::new(Steps::new(reader)))
            }
            [0x04, 0x01, 0x08] => Ok(Box::new(flate2::read::DeflateDecoder::new(inner))),
            [0x04, 0x01, 0x09] => Ok(Box::new(Steps::new(deflate64::Deflate64Decoder::new(
                inner,
            )))),
            [0x04, 0x02, 0x02] => Ok(Box::new(Steps::new(bzip2::read::MultiBzDecoder::new(
                inner,
            )))),
            [0x03] => {
                let distance = self.properties.first().copied().unwrap_or(0);
                Ok(Box::new(DeltaReader::new(inner, usize::from(distance) + 1)))
            }
            [0x04] | [0x03, 0x03, 0x01, 0x03] => bcj(BcjReader::new_x86, inner),
            [0x05] | [0x03, 0x03, 0x02, 0x05] => bcj(BcjReader::new_ppc, inner),
            [0x06] | [0x03, 0x03, 0x04, 0x01] => bcj(BcjReader::new_ia64, inner),
            [0x07] | [0x03, 0x03, 0x05, 0x01] => bcj(BcjReader::new_arm, inner),
            [0x08] | [0x03, 0x03, 0x07, 0x01] => bcj(BcjReader::new_arm_thumb, inner),
            [0x09] | [0x03, 0x03, 0x08, 0x05] => bcj(BcjReader::new_sparc, inner),
            [0x0a] => bcj(BcjReader::new_arm64, inner),
            [0x0b] => bcj(BcjReader::new_riscv, inner),
            [0x03, 0x04, 0x01] => Err(unsupported("PPMd")),
            _ => Err(unsupported("another")),
        }
    }
}

/// Makes a filter that starts at an offset.
type NewFilter<'d> = fn(Box<dyn Read + 'd>, usize) -> BcjReader<Box<dyn Read + 'd>>;

/// `7z`, and four bytes that are no text.
pub const MAGIC: [u8; 6] = *b"7z\xbc\xaf\x27\x1c";

/// Directories packed in one another.
const MAX_LAYERS: usize = 4;

/// Bytes of a directory that was packed.
const MAX_DIRECTORY: u64 = 64 << 20;

const _: () = assert!(MAX_DIRECTORY < MAX_WINDOW);
