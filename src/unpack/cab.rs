//! Windows cabinets: MS-CAB. Folders are streams of blocks, files are ranges of what comes out of a folder. A folder
//! is unpacked once, however many files it holds.
//!
//! | structure | fields used, at offset |
//! |---|---|
//! | CFHEADER | `MSCF` 0, reserved 4, size 8, first file 16, version 24, folders 26, files 28, flags 30, reserves 36 |
//! | CFFOLDER | first block 0, blocks 4, method 6 |
//! | CFFILE | size 0, offset in the folder 4, folder 8, attributes 14, name 16 |
//! | CFDATA | checksum 0, packed bytes 4, unpacked bytes 6 |

use super::item::{Filled, Halt, Member, Trouble};
use super::stream::{Stream, damaged, unsupported};
use super::walk::Walk;
use crate::bytes::{array, slice, u32_le};
use crate::source::Source;
use flate2::{Decompress, FlushDecompress, Status};
use lzxd::{Lzxd, WindowSize};
use std::io::{self, Read};

/// Whether `data` starts as a cabinet.
pub fn sniff(data: &[u8]) -> bool {
    let is_version = || slice(data, 24, 2) == Some(&[3, 1]);
    data.starts_with(b"MSCF\0\0\0\0") || (data.starts_with(b"MSCF") && is_version())
}

/// Whether the header at the start of `data` is sound.
pub fn looks_real(data: &[u8]) -> bool {
    sniff(data)
        && slice(data, 24, 2) == Some(&[3, 1])
        && half(data, 26).is_some_and(|folders| folders > 0)
        && half(data, 30).is_some_and(|flags| flags <= 7)
}

/// Gives on every file.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    let data = source.bytes();
    let Some(cabinet) = Cabinet::read(data) else {
        let what = "a cabinet's header, folders and files, found less".to_owned();
        walk.fault(Trouble::Damaged, None, 0, what);
        return Ok(());
    };
    walk.structure(0..cabinet.end as u64);
    if cabinet.files_said == 0 && data.len() > cabinet.end {
        let what = format!(
            "no bytes behind a directory of no file, found {}",
            data.len() - cabinet.end
        );
        walk.fault(Trouble::Damaged, None, cabinet.end as u64, what);
    }
    if cabinet.size > data.len() as u64 {
        let what = format!("{} bytes, found {}", cabinet.size, data.len());
        walk.fault(Trouble::Damaged, None, data.len() as u64, what);
    }
    for file in &cabinet.spanned {
        let what = "a file in this cabinet, found one that goes on in another".to_owned();
        walk.fault(Trouble::Unsupported, Some(&file.name), file.at as u64, what);
    }
    if cabinet.files_said != cabinet.files.len() + cabinet.spanned.len() {
        let what = format!(
            "{} files, found {}",
            cabinet.files_said,
            cabinet.files.len() + cabinet.spanned.len()
        );
        walk.fault(Trouble::Damaged, None, cabinet.end as u64, what);
    }
    for (index, folder) in cabinet.folders.iter().enumerate() {
        folder.open(index, &cabinet, data, walk)?;
    }
    for file in &cabinet.files {
        if usize::from(file.folder) >= cabinet.folders.len() {
            let what = format!(
                "a folder below {}, found {}",
                cabinet.folders.len(),
                file.folder
            );
            walk.fault(Trouble::Damaged, Some(&file.name), file.at as u64, what);
        }
    }
    Ok(())
}

struct Cabinet {
    size: u64,
    /// Behind the last file's record.
    end: usize,
    folders: Vec<Folder>,
    files: Vec<File>,
    /// Files whose folder begins or ends in another cabinet.
    spanned: Vec<File>,
    files_said: usize,
    /// Reserved bytes in front of each block's data.
    reserve: usize,
}

struct Folder {
    start: usize,
    blocks: u16,
    method: u16,
}

struct File {
    name: String,
    size: u64,
    /// Offset in what comes out of its folder.
    offset: u64,
    folder: u16,
    /// Where its record is.
    at: usize,
}

impl Cabinet {
    fn read(data: &[u8]) -> Option<Self> {
        let flags = half(data, 30)?;
        let mut at = 36;
        let (mut folder_reserve, mut reserve) = (0, 0);
        if flags & HAS_RESERVE != 0 {
            let [folder, block] = array(data, 38)?;
            (folder_reserve, reserve) = (usize::from(folder), usize::from(block));
            at = 40 + usize::from(half(data, 36)?);
        }
        for flag in [HAS_PREVIOUS, HAS_NEXT] {
            if flags & flag != 0 {
                at = text(data, at)?.1;
                at = text(data, at)?.1;
            }
        }
        let mut folders = Vec::new();
        for _ in 0..half(data, 26)? {
            folders.push(Folder {
                start: u32_le(data, at)? as usize,
                blocks: half(data, at + 4)?,
                method: half(data, at + 6)?,
            });
            at += 8 + folder_reserve;
        }
        let files_said = usize::from(half(data, 28)?);
        let mut cabinet = Self {
            size: u32_le(data, 8)?.into(),
            end: at,
            folders,
            files: Vec::new(),
            spanned: Vec::new(),
            files_said,
            reserve,
        };
        at = u32_le(data, 16)? as usize;
        for _ in 0..files_said {
            let Some((file, next)) = File::read(data, at) else {
                break;
            };
            match file.folder {
                0xfffd.. => cabinet.spanned.push(file),
                _ => cabinet.files.push(file),
            }
            at = next;
        }
        cabinet.end = cabinet.end.max(at).min(data.len());
        Some(cabinet)
    }
}

impl File {
    fn read(data: &[u8], at: usize) -> Option<(Self, usize)> {
        let (name, next) = text(data, at + 16)?;
        let file = Self {
            name,
            size: u32_le(data, at)?.into(),
            offset: u32_le(data, at + 4)?.into(),
            folder: half(data, at + 8)?,
            at,
        };
        Some((file, next))
    }
}

impl Folder {
    fn open(
        &self,
        index: usize,
        cabinet: &Cabinet,
        data: &[u8],
        walk: &mut Walk<'_>,
    ) -> Result<(), Halt> {
        let files = cabinet
            .files
            .iter()
            .filter(|file| usize::from(file.folder) == index);
        let start = self.start as u64;
        let member = Member {
            name: format!("folder {index}"),
            method: self.method_name(),
            offset: start,
        };
        let mut blocks = match Blocks::new(self, cabinet.reserve, data) {
            Ok(blocks) => blocks,
            Err(cause) => {
                let what = format!("a method known here, found {cause}");
                let name = files.map(|file| file.name.as_str()).next();
                walk.fault(
                    Trouble::Unsupported,
                    name.or(Some(&member.name)),
                    start,
                    what,
                );
                walk.structure(start..blocks_end(self, cabinet.reserve, data) as u64);
                return Ok(());
            }
        };
        let Some(filled) = walk.fill(&member, &mut blocks) else {
            return Ok(());
        };
        let end = start + filled.consumed;
        walk.covered(start..end);
        if filled.cut.is_some() {
            walk.structure(end..blocks_end(self, cabinet.reserve, data) as u64);
        }
        let mut reach = 0;
        for file in files {
            let range = file.offset..file.offset + file.size;
            let member = Member {
                name: file.name.clone(),
                method: self.method_name(),
                offset: start,
            };
            // What no file names is given on too.
            self.between(reach..range.start, &filled, walk)?;
            reach = reach.max(range.end);
            if file.size == 0 {
                walk.empty();
            } else {
                walk.part(member, filled.consumed, &filled, range)?;
            }
        }
        self.between(reach..filled.source.bytes().len() as u64, &filled, walk)
    }

    /// Bytes of the folder that no file names.
    fn between(
        &self,
        range: std::ops::Range<u64>,
        filled: &Filled,
        walk: &mut Walk<'_>,
    ) -> Result<(), Halt> {
        let end = range.end.min(filled.source.bytes().len() as u64);
        if range.start >= end {
            return Ok(());
        }
        let member = Member {
            name: format!("(no file at {:#x})", range.start),
            method: self.method_name(),
            offset: self.start as u64,
        };
        walk.part(member, filled.consumed, filled, range.start..end)
    }

    fn method_name(&self) -> &'static str {
        match self.method & 15 {
            0 => "stored",
            1 => "MSZIP",
            2 => "Quantum",
            3 => "LZX",
            _ => "unknown",
        }
    }
}

/// Where the blocks of a folder end, as far as they can be followed.
fn blocks_end(folder: &Folder, reserve: usize, data: &[u8]) -> usize {
    let mut at = folder.start;
    for _ in 0..folder.blocks {
        let Some(packed) = half(data, at + 4) else {
            break;
        };
        at += 8 + reserve + usize::from(packed);
    }
    at.min(data.len())
}

/// A folder's blocks, unpacked one after the other.
struct Blocks<'d> {
    data: &'d [u8],
    start: usize,
    at: usize,
    left: u16,
    reserve: usize,
    method: Method,
    /// The last block, unpacked: MSZIP's next one refers to it.
    out: Vec<u8>,
    given: usize,
}

enum Method {
    Stored,
    MsZip(Decompress),
    Lzx(Box<Lzxd>),
}

impl<'d> Blocks<'d> {
    fn new(folder: &Folder, reserve: usize, data: &'d [u8]) -> io::Result<Self> {
        let method = match folder.method & 15 {
            0 => Method::Stored,
            1 => Method::MsZip(Decompress::new(false)),
            3 => {
                let window = match folder.method >> 8 & 31 {
                    15 => WindowSize::KB32,
                    16 => WindowSize::KB64,
                    17 => WindowSize::KB128,
                    18 => WindowSize::KB256,
                    19 => WindowSize::KB512,
                    20 => WindowSize::MB1,
                    21 => WindowSize::MB2,
                    _ => return Err(unsupported("LZX with a window that cabinets do not have")),
                };
                Method::Lzx(Box::new(Lzxd::new(window)))
            }
            2 => return Err(unsupported("Quantum")),
            _ => return Err(unsupported("another")),
        };
        Ok(Self {
            data,
            start: folder.start,
            at: folder.start,
            left: folder.blocks,
            reserve,
            method,
            out: Vec::new(),
            given: 0,
        })
    }

    fn next_block(&mut self) -> io::Result<()> {
        let header = slice(self.data, self.at, 8).ok_or(io::ErrorKind::UnexpectedEof)?;
        let (Some(sum), Some(packed), Some(size)) =
            (u32_le(header, 0), half(header, 4), half(header, 6))
        else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let (packed, size) = (usize::from(packed), usize::from(size));
        if size > BLOCK {
            return Err(damaged("a block of more than 32 KiB"));
        }
        let start = self.at + 8 + self.reserve;
        let block = slice(self.data, start, packed).ok_or(io::ErrorKind::UnexpectedEof)?;
        let summed = slice(self.data, self.at + 4, 4 + self.reserve + packed);
        if sum != 0 && checksum(summed.unwrap_or_default(), self.reserve) != sum {
            return Err(damaged("a block that does not have its checksum"));
        }
        let out = match &mut self.method {
            Method::Stored => block.to_vec(),
            Method::MsZip(decompress) => mszip(decompress, &self.out, block, size)?,
            Method::Lzx(lzx) => {
                let out = lzx.decompress_next(block, size);
                out.map_err(|_| damaged("LZX that cannot be unpacked"))?
                    .to_vec()
            }
        };
        if out.len() != size {
            return Err(damaged("a block of another size than it says"));
        }
        self.out = out;
        self.given = 0;
        self.at = start + packed;
        Ok(())
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.next_block()?;
            self.left -= 1;
        }
        let read = self
            .out
            .get(self.given..)
            .unwrap_or_default()
            .read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

impl Stream for Blocks<'_> {
    fn consumed(&self) -> u64 {
        (self.at - self.start) as u64
    }
}

/// A block of MSZIP (MS-MCI): `CK`, then deflate that may refer to the block before.
fn mszip(
    decompress: &mut Decompress,
    before: &[u8],
    block: &[u8],
    size: usize,
) -> io::Result<Vec<u8>> {
    let packed = block
        .strip_prefix(b"CK")
        .ok_or(damaged("MSZIP without its signature"))?;
    let failed = |_| damaged("MSZIP that cannot be unpacked");
    decompress.reset(false);
    if !before.is_empty() {
        decompress.set_dictionary(before).map_err(failed)?;
    }
    let mut out = vec![0; size];
    let status = decompress.decompress(packed, &mut out, FlushDecompress::Finish);
    let is_whole = matches!(status.map_err(failed)?, Status::StreamEnd | Status::Ok);
    if !is_whole || decompress.total_out() != size as u64 {
        return Err(damaged("MSZIP of another size than it says"));
    }
    Ok(out)
}

/// MS-CAB's checksum of a block: the exclusive or of its words, first over the data, then over the two sizes and the
/// reserve. `bytes` start with the sizes.
fn checksum(bytes: &[u8], reserve: usize) -> u32 {
    let (head, data) = bytes.split_at((4 + reserve).min(bytes.len()));
    words(head, words(data, 0))
}

fn words(bytes: &[u8], sum: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let sum = words
        .iter()
        .fold(sum, |sum, word| sum ^ u32::from_le_bytes(*word));
    // The last bytes are taken with the highest first.
    rest.iter()
        .fold(0, |last, &byte| last << 8 | u32::from(byte))
        ^ sum
}

/// The text up to a zero at `at`, and what follows.
fn text(data: &[u8], at: usize) -> Option<(String, usize)> {
    let rest = data.get(at..)?;
    let window = rest.get(..MAX_NAME).unwrap_or(rest);
    let length = memchr::memchr(0, window)?;
    let text = String::from_utf8_lossy(window.get(..length)?).into_owned();
    Some((text, at + length + 1))
}

fn half(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_le_bytes)
}

const HAS_PREVIOUS: u16 = 1;
const HAS_NEXT: u16 = 2;
const HAS_RESERVE: u16 = 4;

/// Unpacked bytes of a block.
const BLOCK: usize = 32 << 10;

/// Bytes of a name; MS-CAB allows 255.
const MAX_NAME: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_summed_to_the_last_byte() {
        assert_eq!(words(&[1, 0, 0, 0, 2, 0, 0, 0], 0), 3);
        assert_eq!(words(&[1, 2, 3], 0), 0x0001_0203);
        assert_eq!(words(&[0, 0, 0, 0, 1, 2], 4), 0x0106);
    }

    #[test]
    fn only_sound_headers_are_told_in_the_middle_of_memory() {
        let mut header = vec![0; 36];
        header[..4].copy_from_slice(b"MSCF");
        assert!(sniff(&header) && !looks_real(&header));
        header[24] = 3;
        header[25] = 1;
        header[26] = 1;
        assert!(looks_real(&header));
    }
}
