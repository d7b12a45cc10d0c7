//! The directory of a 7z archive: 7zFormat.txt of 7-Zip. Numbers and properties as they stand there.

use crate::bytes::{array, slice, u32_le, u64_le};
use flate2::Crc;

/// The signature header: where the directory lies.
pub struct Start {
    /// Offset of the directory.
    pub at: u64,
    /// Its bytes.
    pub length: u64,
    /// Its CRC-32.
    pub crc: u32,
}

impl Start {
    /// Reads the first 32 bytes; `None` if their checksum is wrong.
    pub fn read(data: &[u8]) -> Option<Self> {
        if slice(data, 0, 6)? != super::sevenz::MAGIC {
            return None;
        }
        let fields = slice(data, 12, 20)?;
        (u32_le(data, 8)? == crc(fields)).then_some(Self {
            at: u64_le(data, 12)?.checked_add(32)?,
            length: u64_le(data, 20)?,
            crc: u32_le(data, 28)?,
        })
    }
}

/// What a directory says.
#[derive(Debug, Default)]
pub struct Directory {
    /// Packed streams: offset in the file and length.
    pub packs: Vec<(u64, u64)>,
    /// Folders: chains of coders.
    pub folders: Vec<Folder>,
    /// Names of the files, in their order; files without bytes included.
    pub names: Vec<String>,
    /// By file whether it has no bytes.
    pub empty: Vec<bool>,
}

/// Packed streams and the coders that unpack them to one stream.
#[derive(Debug, Default)]
pub struct Folder {
    /// Coders in the order of the file.
    pub coders: Vec<Coder>,
    /// Bindings: the input of one coder is the output of another.
    pub bonds: Vec<(u64, u64)>,
    /// Inputs that are packed streams.
    pub inputs: Vec<u64>,
    /// Bytes that come out of each coder.
    pub sizes: Vec<u64>,
    /// CRC-32 of what comes out.
    pub crc: Option<u32>,
    /// The files in it: their sizes and CRC-32.
    pub files: Vec<(u64, Option<u32>)>,
    /// Outputs of all its coders.
    outputs: u64,
    /// Whether the directory says how many files are in it.
    is_counted: bool,
}

/// One step of unpacking.
#[derive(Debug, Default)]
pub struct Coder {
    /// The method's id.
    pub id: Vec<u8>,
    /// Its properties.
    pub properties: Vec<u8>,
    /// Whether it has more than one input or output.
    pub is_complex: bool,
}

/// A directory in clear, or one that is packed itself.
pub enum Header {
    /// It can be read.
    Plain(Directory),
    /// It comes out of the only folder.
    Packed(Directory),
}

/// Reads the directory in `data`; `None` if it breaks the rules or a bound.
pub fn read(data: &[u8]) -> Option<Header> {
    let mut reader = Reader { data, at: 0 };
    let mut directory = Directory::default();
    match reader.byte()? {
        ENCODED => {
            streams(&mut reader, &mut directory)?;
            Some(Header::Packed(directory))
        }
        HEADER => {
            loop {
                match reader.byte()? {
                    END => break,
                    ARCHIVE_PROPERTIES => {
                        while reader.byte()? != END {
                            let length = reader.number()?;
                            reader.skip(length)?;
                        }
                    }
                    MAIN_STREAMS => streams(&mut reader, &mut directory)?,
                    FILES => files(&mut reader, &mut directory)?,
                    _ => return None,
                }
            }
            Some(Header::Plain(directory))
        }
        _ => None,
    }
}

fn streams(reader: &mut Reader<'_>, directory: &mut Directory) -> Option<()> {
    loop {
        match reader.byte()? {
            END => break,
            PACK => packs(reader, directory)?,
            UNPACK => folders(reader, directory)?,
            SUBSTREAMS => substreams(reader, directory)?,
            _ => return None,
        }
    }
    // Without any word of files in it a folder is one file.
    for folder in &mut directory.folders {
        if !folder.is_counted {
            folder.files.push((folder.size()?, folder.crc));
        }
    }
    Some(())
}

fn packs(reader: &mut Reader<'_>, directory: &mut Directory) -> Option<()> {
    let mut at = reader.number()?.checked_add(32)?;
    let count = reader.count()?;
    loop {
        match reader.byte()? {
            END => return Some(()),
            SIZE => {
                for _ in 0..count {
                    let length = reader.number()?;
                    directory.packs.push((at, length));
                    at = at.checked_add(length)?;
                }
            }
            CRC => {
                reader.digests(count)?;
            }
            _ => return None,
        }
    }
}

fn folders(reader: &mut Reader<'_>, directory: &mut Directory) -> Option<()> {
    if reader.byte()? != FOLDER {
        return None;
    }
    let count = reader.count()?;
    if reader.byte()? != 0 {
        // In another file.
        return None;
    }
    for _ in 0..count {
        directory.folders.push(folder(reader)?);
    }
    loop {
        match reader.byte()? {
            END => return Some(()),
            CODERS_SIZE => {
                for folder in &mut directory.folders {
                    for _ in 0..folder.outputs {
                        folder.sizes.push(reader.number()?);
                    }
                }
            }
            CRC => {
                let digests = reader.digests(count)?;
                for (folder, digest) in directory.folders.iter_mut().zip(digests) {
                    folder.crc = digest;
                }
            }
            _ => return None,
        }
    }
}

fn folder(reader: &mut Reader<'_>) -> Option<Folder> {
    let mut folder = Folder::default();
    let coders = reader.number()?;
    if !(1..=MAX_CODERS).contains(&coders) {
        return None;
    }
    let mut inputs = 0u64;
    for _ in 0..coders {
        let flags = reader.byte()?;
        if flags & 0xc0 != 0 {
            return None;
        }
        let mut coder = Coder {
            id: reader.bytes(u64::from(flags & 15))?.to_vec(),
            ..Coder::default()
        };
        let (mut ins, mut outs) = (1, 1);
        if flags & 0x10 != 0 {
            (ins, outs) = (reader.number()?, reader.number()?);
            coder.is_complex = (ins, outs) != (1, 1);
        }
        if !(1..=MAX_CODERS).contains(&ins) || !(1..=MAX_CODERS).contains(&outs) {
            return None;
        }
        if flags & 0x20 != 0 {
            let length = reader.number()?;
            coder.properties = reader.bytes(length)?.to_vec();
        }
        inputs += ins;
        folder.outputs += outs;
        folder.coders.push(coder);
    }
    for _ in 1..folder.outputs {
        folder.bonds.push((reader.number()?, reader.number()?));
    }
    let packed = inputs.checked_sub(folder.outputs - 1)?;
    if packed == 1 {
        let is_bound = |input: &u64| folder.bonds.iter().any(|(bound, _)| bound == input);
        folder
            .inputs
            .extend((0..inputs).find(|input| !is_bound(input)));
    } else {
        for _ in 0..packed {
            folder.inputs.push(reader.number()?);
        }
    }
    Some(folder)
}

fn substreams(reader: &mut Reader<'_>, directory: &mut Directory) -> Option<()> {
    let mut kind = reader.byte()?;
    let mut counts = vec![1; directory.folders.len()];
    if kind == COUNT {
        for count in &mut counts {
            *count = reader.count()?;
        }
        kind = reader.byte()?;
    }
    let mut total = 0usize;
    for (folder, &count) in directory.folders.iter_mut().zip(&counts) {
        folder.is_counted = true;
        total = total.checked_add(usize::try_from(count).ok()?)?;
        if total as u64 > MAX_COUNT {
            return None;
        }
        let mut left = folder.size()?;
        for index in 0..count {
            let is_last = index + 1 == count;
            let size = match kind {
                _ if is_last => left,
                SIZE => reader.number()?,
                _ => return None,
            };
            left = left.checked_sub(size)?;
            folder.files.push((size, None));
        }
    }
    if kind == SIZE {
        kind = reader.byte()?;
    }
    // Only those are told whose folder does not tell it already.
    for folder in &mut directory.folders {
        if let ([file], Some(crc)) = (&mut folder.files[..], folder.crc) {
            file.1 = Some(crc);
        }
    }
    loop {
        match kind {
            END => return Some(()),
            CRC => {
                let files = || {
                    let folders = directory.folders.iter();
                    folders.flat_map(|folder| folder.files.iter())
                };
                let unknown = files().filter(|(_, crc)| crc.is_none()).count();
                let mut digests = reader.digests(unknown as u64)?.into_iter();
                for folder in &mut directory.folders {
                    for (_, crc) in folder.files.iter_mut().filter(|(_, crc)| crc.is_none()) {
                        *crc = digests.next()?;
                    }
                }
            }
            _ => return None,
        }
        kind = reader.byte()?;
    }
}

fn files(reader: &mut Reader<'_>, directory: &mut Directory) -> Option<()> {
    let count = reader.count()?;
    directory.empty = vec![false; usize::try_from(count).ok()?];
    loop {
        let kind = reader.byte()?;
        if kind == END {
            return Some(());
        }
        let length = reader.number()?;
        let mut property = Reader {
            data: reader.bytes(length)?,
            at: 0,
        };
        match kind {
            EMPTY => directory.empty = property.bits(count)?,
            NAMES => {
                if property.byte()? != 0 {
                    return None;
                }
                let (units, _) = property.data.get(1..)?.as_chunks::<2>();
                let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
                let names = units.split(|&unit| unit == 0).take(directory.empty.len());
                directory.names = names.map(String::from_utf16_lossy).collect();
            }
            _ => {}
        }
    }
}

impl Folder {
    /// The coder whose output is the folder's.
    pub fn last(&self) -> Option<usize> {
        let is_bound = |output: u64| self.bonds.iter().any(|(_, bound)| *bound == output);
        let last = (0..self.outputs).find(|&output| !is_bound(output))?;
        usize::try_from(last).ok()
    }

    /// Bytes that come out.
    pub fn size(&self) -> Option<u64> {
        self.sizes.get(self.last()?).copied()
    }
}

/// The CRC-32 of `bytes`.
pub fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

struct Reader<'d> {
    data: &'d [u8],
    at: usize,
}

impl<'d> Reader<'d> {
    fn byte(&mut self) -> Option<u8> {
        let [byte] = array(self.data, self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn bytes(&mut self, length: u64) -> Option<&'d [u8]> {
        let bytes = slice(self.data, self.at, usize::try_from(length).ok()?)?;
        self.at += bytes.len();
        Some(bytes)
    }

    fn skip(&mut self, length: u64) -> Option<()> {
        self.bytes(length).map(drop)
    }

    /// A number: as many of the first byte's highest bits are set as bytes follow; the others are its highest.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let mut number = 0u64;
        for index in 0..more.min(8) {
            number |= u64::from(self.byte()?) << (8 * index);
        }
        if more < 7 {
            let high = u64::from(first & (0x7f >> more));
            number |= high << (8 * more);
        }
        Some(number)
    }

    /// A number of things that each take at least a bit of the directory.
    fn count(&mut self) -> Option<u64> {
        let count = self.number()?;
        (count <= MAX_COUNT && count <= 8 * self.data.len() as u64).then_some(count)
    }

    fn bits(&mut self, count: u64) -> Option<Vec<bool>> {
        let bytes = self.bytes(count.div_ceil(8))?;
        let bits = bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| byte & (0x80 >> bit) != 0));
        Some(bits.take(usize::try_from(count).ok()?).collect())
    }

    fn digests(&mut self, count: u64) -> Option<Vec<Option<u32>>> {
        let defined = match self.byte()? {
            0 => self.bits(count)?,
            _ => vec![true; usize::try_from(count).ok()?],
        };
        let mut digests = Vec::new();
        for is_defined in defined {
            let digest = match is_defined {
                true => Some(u32_le(self.bytes(4)?, 0)?),
                false => None,
            };
            digests.push(digest);
        }
        Some(digests)
    }
}

const END: u8 = 0;
const HEADER: u8 = 1;
const ARCHIVE_PROPERTIES: u8 = 2;
const MAIN_STREAMS: u8 = 4;
const FILES: u8 = 5;
const PACK: u8 = 6;
const UNPACK: u8 = 7;
const SUBSTREAMS: u8 = 8;
const SIZE: u8 = 9;
const CRC: u8 = 10;
const FOLDER: u8 = 11;
const CODERS_SIZE: u8 = 12;
const COUNT: u8 = 13;
const EMPTY: u8 = 14;
const NAMES: u8 = 17;
const ENCODED: u8 = 23;

/// Coders of a folder, and inputs of one.
const MAX_CODERS: u64 = 32;

/// Files, folders and streams.
const MAX_COUNT: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_length_in_front() {
        let number = |data: &[u8]| Reader { data, at: 0 }.number();
        assert_eq!(number(&[0x7f]), Some(127));
        assert_eq!(number(&[0x81, 2]), Some(0x102));
        assert_eq!(number(&[0xc0, 1, 2]), Some(0x201));
        assert_eq!(
            number(&[0xff, 1, 0, 0, 0, 0, 0, 0, 0x80]),
            Some(1 << 63 | 1)
        );
        assert_eq!(number(&[0xfe, 1, 0, 0, 0, 0, 0, 1]), Some(1 << 48 | 1));
        assert_eq!(number(&[0x80]), None);
    }

    #[test]
    fn a_directory_that_lies_about_a_number_is_none() {
        assert!(read(&[]).is_none());
        assert!(read(&[HEADER, FILES, 0xff, 255, 255, 255, 255, 255, 255, 255, 127]).is_none());
        assert!(read(&[HEADER, MAIN_STREAMS, PACK, 0, 0xc0, 255, 255, SIZE]).is_none());
        assert!(matches!(read(&[HEADER, END]), Some(Header::Plain(_))));
    }
}
