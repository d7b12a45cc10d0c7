//! zip: APPNOTE.TXT 6.3.10. Read by the central directory, then by the local headers that the directory does not
//! name, so that neither a lost directory nor one that keeps silent hides a member.
//!
//! | record | signature | fields used, at offset |
//! |---|---|---|
//! | local header, 4.3.7 | `PK\3\4` | flags 6, method 8, CRC 14, packed 18, size 22, name length 26, extra length 28 |
//! | directory entry, 4.3.12 | `PK\1\2` | flags 8, method 10, CRC 16, packed 20, size 24, lengths 28 30 32, local header 42 |
//! | end, 4.3.16 | `PK\5\6` | entries 10, directory's size 12, its offset 16, comment length 20 |
//! | zip64 end, 4.3.14 | `PK\6\6` | entries 32, directory's size 40, its offset 48 |
//! | zip64 locator, 4.3.15 | `PK\6\7` | offset of the zip64 end 8 |

use super::item::{Halt, Member, Trouble};
use super::stream::{Checked, Feed, MAX_WINDOW, Single, Steps, damaged, unsupported};
use super::walk::Walk;
use crate::bytes::{array, slice, u32_le, u64_le};
use crate::source::Source;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use memchr::memmem;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Whether `data` is a zip archive: by its start, or by a directory at its very end, as behind the program of a
/// self-extracting one.
pub fn sniff(data: &[u8]) -> bool {
    const STARTS: [&[u8]; 3] = [LOCAL, END, b"PK\x07\x08"];
    STARTS.iter().any(|start| data.starts_with(start)) || is_appended(data)
}

/// Whether a local header that a packer writes stands at the start of `data`.
pub fn looks_real(data: &[u8]) -> bool {
    let Some(header) = Local::read(data, 0) else {
        return false;
    };
    let version = slice(data, 4, 2).unwrap_or_default();
    let name = slice(data, 30, header.name_length).unwrap_or_default();
    version.first().is_some_and(|&version| version <= 63)
        && !name.is_empty()
        && name.iter().all(|&byte| byte >= 0x20)
        && METHODS.iter().any(|(method, _)| *method == header.method)
}

/// Gives on every member.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    let data = source.bytes();
    let mut zip = Zip {
        source,
        taken: BTreeMap::new(),
    };
    match Directory::find(data) {
        Some(directory) => zip.by_directory(&directory, walk)?,
        None => {
            let what = "a central directory, found none: members are read by their local headers";
            walk.fault(Trouble::Damaged, None, data.len() as u64, what.to_owned());
        }
    }
    zip.unlisted(walk)
}

struct Zip<'s> {
    source: &'s Source,
    /// Start and end of the packed bytes of the members so far.
    taken: BTreeMap<u64, u64>,
}

/// A member, by the directory or by its local header.
#[derive(Clone)]
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Offset of the local header.
    header: u64,
}

impl Zip<'_> {
    fn by_directory(&mut self, directory: &Directory, walk: &mut Walk<'_>) -> Result<(), Halt> {
        let data = self.source.bytes();
        walk.structure(directory.start..directory.end);
        let mut at = directory.start as usize;
        let mut seen = 0u64;
        while let Some((entry, next)) = Entry::of_directory(data, at, directory) {
            seen += 1;
            at = next;
            self.member(&entry, walk)?;
        }
        if seen != directory.entries && seen & 0xffff != directory.entries {
            let what = format!(
                "{} members in the directory, found {seen}",
                directory.entries
            );
            walk.fault(Trouble::Damaged, None, at as u64, what);
        }
        Ok(())
    }

    /// Opens a member that the directory names.
    fn member(&mut self, entry: &Entry, walk: &mut Walk<'_>) -> Result<(), Halt> {
        let data = self.source.bytes();
        let local = usize::try_from(entry.header)
            .ok()
            .and_then(|at| Local::read(data, at));
        let Some(local) = local else {
            let what = "a local header, found none".to_owned();
            walk.fault(Trouble::Damaged, Some(&entry.name), entry.header, what);
            return Ok(());
        };
        if (local.method, local.flags & ENCRYPTED) != (entry.method, entry.flags & ENCRYPTED) {
            let what = format!(
                "method {} as in the directory, found {} in the local header",
                entry.method, local.method
            );
            walk.fault(Trouble::Damaged, Some(&entry.name), entry.header, what);
        }
        walk.structure(entry.header..local.start);
        if entry.name.ends_with('/') && entry.packed == 0 {
            walk.empty();
            return Ok(());
        }
        let end = local.start.saturating_add(entry.packed);
        if let Some(other) = self.overlap(local.start, end) {
            let what = format!("bytes of its own, found those of the member at {other:#x}");
            walk.fault(Trouble::Damaged, Some(&entry.name), local.start, what);
            return Ok(());
        }
        self.taken.insert(local.start, end);
        self.unpack(entry, local.start, Some(entry.size), end, walk)?;
        if local.method != entry.method {
            // Which of the two lies is not known: both are tried.
            let entry = Entry {
                method: local.method,
                name: format!("{} (by its local header)", entry.name),
                ..entry.clone()
            };
            self.unpack(&entry, local.start, None, end, walk)?;
        }
        Ok(())
    }

    /// Where another member starts that shares bytes with `start..end`.
    fn overlap(&self, start: u64, end: u64) -> Option<u64> {
        let (&other, &its_end) = self.taken.range(..end).next_back()?;
        (its_end > start && start < end).then_some(other)
    }

    /// Unpacks what lies in `start..end`; how many of these bytes the stream had.
    fn unpack(
        &mut self,
        entry: &Entry,
        start: u64,
        size: Option<u64>,
        end: u64,
        walk: &mut Walk<'_>,
    ) -> Result<u64, Halt> {
        let data = self.source.bytes();
        let name = METHODS.iter().find(|(method, _)| *method == entry.method);
        let member = Member {
            name: entry.name.clone(),
            method: name.map_or("unknown", |(_, name)| name),
            offset: start,
        };
        let is_aes = entry.method == AES;
        if entry.flags & (ENCRYPTED | MASKED) != 0 || is_aes {
            let what = "a member in clear, found one under a passphrase".to_owned();
            walk.fault(Trouble::Encrypted, Some(&entry.name), start, what);
            walk.structure(start..end);
            walk.empty();
            return Ok(end.saturating_sub(start));
        }
        if entry.method == STORED {
            let bytes = slice_of(data, start, end);
            let mut crc = Crc::new();
            crc.update(bytes);
            // Cut bytes are told below.
            if size.is_some() && bytes.len() as u64 == entry.size && crc.sum() != entry.crc {
                let what = "bytes with the checksum in the directory, found others".to_owned();
                walk.fault(Trouble::Damaged, Some(&entry.name), start, what);
            } else if size.is_some_and(|size| size != entry.packed) {
                let what = format!(
                    "{} bytes as the directory says, found {}",
                    entry.size, entry.packed
                );
                walk.fault(Trouble::Damaged, Some(&entry.name), start, what);
            }
            walk.stored(member, self.source, start..end)?;
            return Ok(end.saturating_sub(start));
        }
        let packed = slice_of(data, start, end);
        let faults = walk.fault_count();
        let consumed = match decoder(entry.method, packed, size) {
            Ok(decoder) => {
                let crc = size.map(|_| entry.crc);
                let mut stream = Checked::new(decoder, size, crc);
                walk.packed(member, &mut stream)?
            }
            Err(cause) => {
                let (trouble, what) = match cause.kind() {
                    io::ErrorKind::Unsupported => (Trouble::Unsupported, "a method known here"),
                    _ => (Trouble::Damaged, "a sound packed stream"),
                };
                let what = format!("{what}, found {cause} (method {})", entry.method);
                walk.fault(trouble, Some(&entry.name), start, what);
                walk.empty();
                packed.len() as u64
            }
        };
        // Decoders of other methods may leave some bytes of their stream unread.
        let is_exact = matches!(entry.method, DEFLATE | BZIP2) && size.is_some();
        if is_exact && walk.fault_count() == faults && consumed < packed.len() as u64 {
            let what = format!(
                "{} packed bytes as the directory says, found {consumed}",
                packed.len()
            );
            walk.fault(Trouble::Damaged, Some(&entry.name), start + consumed, what);
            return Ok(consumed);
        }
        // Packed bytes that nothing came of are noise, no slack.
        if size.is_some() || walk.fault_count() > faults {
            walk.structure(start..end.min(data.len() as u64));
        }
        Ok(consumed)
    }

    /// Members whose local header lies where the directory names nothing.
    fn unlisted(&mut self, walk: &mut Walk<'_>) -> Result<(), Halt> {
        let data = self.source.bytes();
        let finder = memmem::Finder::new(LOCAL);
        for gap in walk.gaps(data.len() as u64) {
            let (mut at, gap_end) = (gap.start as usize, gap.end as usize);
            while let Some(found) = data.get(at..gap_end).and_then(|rest| finder.find(rest)) {
                let header = at + found;
                at = header + LOCAL.len();
                let Some((entry, local)) = Entry::of_local(data, header) else {
                    continue;
                };
                let what = "a member that the directory names, found one it does not".to_owned();
                walk.fault(Trouble::Damaged, Some(&entry.name), header as u64, what);
                walk.structure(header as u64..local.start);
                let is_sized = entry.flags & STREAMED == 0 || entry.packed > 0;
                let start = local.start;
                let consumed = if is_sized {
                    let end = start.saturating_add(entry.packed);
                    self.unpack(&entry, start, Some(entry.size), end, walk)?
                } else {
                    let rest = data.get(start as usize..gap_end).unwrap_or_default();
                    let end = match entry.method {
                        // Nothing tells its end but what follows.
                        STORED => memmem::find(rest, b"PK").unwrap_or(rest.len()),
                        _ => rest.len(),
                    };
                    self.unpack(&entry, start, None, start + end as u64, walk)?
                };
                let next = usize::try_from(start.saturating_add(consumed));
                at = next.unwrap_or(usize::MAX).max(at);
            }
        }
        Ok(())
    }
}

/// The bytes from `start` to `end`, as far as they are there.
fn slice_of(data: &[u8], start: u64, end: u64) -> &[u8] {
    let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(data.len());
    data.get(within(start)..within(end)).unwrap_or_default()
}

type Decoder<'d> = Single<'d, Box<dyn Read + 'd>>;

/// The decoder of a method over `packed`, for `size` bytes where that is known.
fn decoder(method: u16, packed: &[u8], size: Option<u64>) -> io::Result<Decoder<'_>> {
    let feed = Feed::new(packed);
    let reader: Box<dyn Read + '_> = match method {
        8 => Box::new(DeflateDecoder::new(feed.clone())),
        9 => Box::new(Steps::new(deflate64::Deflate64Decoder::with_buffer(
            feed.clone(),
        ))),
        12 => Box::new(Steps::new(bzip2::bufread::BzDecoder::new(feed.clone()))),
        14 => Box::new(Steps::new(lzma(&feed, size)?)),
        20 | 93 => return Ok(Single::of_frames(super::zstd::stream(packed))),
        95 => return Ok(Single::of_frames(super::xz::stream(packed))),
        _ => return Err(unsupported("another")),
    };
    Ok(Single::new(reader, &feed))
}

/// LZMA as in 5.8.8: version, length of the properties, the properties, then the stream.
fn lzma<'d>(feed: &Feed<'d>, size: Option<u64>) -> io::Result<lzma_rust2::LzmaReader<Feed<'d>>> {
    let data = feed.rest();
    let properties = slice(data, 4, 5).ok_or(io::ErrorKind::UnexpectedEof)?;
    let (Some(&first), Some(dictionary)) = (properties.first(), u32_le(properties, 1)) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    if slice(data, 2, 2) != Some(&[5, 0]) {
        return Err(damaged("properties of another length than 5"));
    }
    super::stream::bounded_dictionary(dictionary)?;
    feed.seek(9);
    let dictionary = u64::from(dictionary).min(MAX_WINDOW) as u32;
    lzma_rust2::LzmaReader::new_with_props(
        feed.clone(),
        size.unwrap_or(u64::MAX),
        first,
        dictionary,
        None,
    )
}

/// Where the directory lies.
struct Directory {
    /// Its first entry.
    start: u64,
    /// Behind the end record; its comment may hold anything.
    end: u64,
    /// Entries by the end record.
    entries: u64,
    /// Added to every offset: the length of what stands before the archive.
    base: u64,
}

impl Directory {
    /// By the last end record of which the comment fits.
    fn find(data: &[u8]) -> Option<Self> {
        // Usually in the last 64 KiB; but something may have been appended.
        memmem::rfind_iter(data, END)
            .take(MAX_ENDS)
            .find_map(|found| Self::at(data, found))
    }

    /// By the end record at `at`.
    fn at(data: &[u8], at: usize) -> Option<Self> {
        let comment = usize::from(u16::from_le_bytes(array(data, at + 20)?));
        let end = at + END_BYTES + comment;
        if end > data.len() {
            return None;
        }
        let mut entries = u64::from(u16::from_le_bytes(array(data, at + 10)?));
        let mut size = u64::from(u32_le(data, at + 12)?);
        let mut offset = u64::from(u32_le(data, at + 16)?);
        let mut behind = at as u64;
        if let Some(wide) = Self::zip64(data, at) {
            (behind, entries, size, offset) = wide;
        }
        let start = behind.checked_sub(size)?;
        let base = start.checked_sub(offset);
        // An offset that is a lie leaves the directory where the end record says it ends.
        let base = base.unwrap_or(0);
        let is_there = size == 0 || data.get(start as usize..)?.starts_with(ENTRY);
        is_there.then_some(Self {
            start,
            end: (at + END_BYTES) as u64,
            entries,
            base,
        })
    }

    /// Where the zip64 end record stands, and what it says: entries, size, offset.
    fn zip64(data: &[u8], end: usize) -> Option<(u64, u64, u64, u64)> {
        let locator = end.checked_sub(20)?;
        if slice(data, locator, 4)? != b"PK\x06\x07" {
            return None;
        }
        // Before an archive something may stand, which the offset does not know of: usually the record is
        // directly before the locator.
        let named = usize::try_from(u64_le(data, locator + 8)?).ok();
        let near = locator.checked_sub(56);
        let at = [named, near]
            .into_iter()
            .flatten()
            .find(|&at| slice(data, at, 4) == Some(b"PK\x06\x06"))?;
        Some((
            at as u64,
            u64_le(data, at + 32)?,
            u64_le(data, at + 40)?,
            u64_le(data, at + 48)?,
        ))
    }
}

/// Whether an end record is the very last thing and the directory is where it says.
fn is_appended(data: &[u8]) -> bool {
    let at = data.len().checked_sub(END_BYTES);
    // In a dump the last bytes are memory, whatever they look like.
    let is_dump = DUMPS.iter().any(|magic| data.starts_with(magic))
        || (data.starts_with(b"\x7fELF")
            && slice(data, 16, 2).is_some_and(|kind| kind.contains(&4)));
    !is_dump
        && at.is_some_and(|at| {
            slice(data, at, 4) == Some(END)
                && slice(data, at + 20, 2) == Some(&[0, 0])
                && Directory::at(data, at).is_some_and(|directory| directory.entries > 0)
        })
}

/// A local header.
struct Local {
    flags: u16,
    method: u16,
    name_length: usize,
    /// Where the member's bytes start.
    start: u64,
}

impl Local {
    fn read(data: &[u8], at: usize) -> Option<Self> {
        let header = slice(data, at, 30)?;
        if !header.starts_with(LOCAL) {
            return None;
        }
        let half = |offset| array(header, offset).map(u16::from_le_bytes);
        let name_length = usize::from(half(26)?);
        let start = at + 30 + name_length + usize::from(half(28)?);
        Some(Self {
            flags: half(6)?,
            method: half(8)?,
            name_length,
            start: start as u64,
        })
    }
}

impl Entry {
    /// The directory's entry at `at`, and where the next one is.
    fn of_directory(data: &[u8], at: usize, directory: &Directory) -> Option<(Self, usize)> {
        let header = slice(data, at, 46)?;
        if !header.starts_with(ENTRY) || at as u64 >= directory.end {
            return None;
        }
        let half = |offset| array(header, offset).map(u16::from_le_bytes);
        let (name, extra, comment) = (
            usize::from(half(28)?),
            usize::from(half(30)?),
            usize::from(half(32)?),
        );
        let mut entry = Self {
            name: String::from_utf8_lossy(slice(data, at + 46, name)?).into_owned(),
            flags: half(8)?,
            method: half(10)?,
            crc: u32_le(header, 16)?,
            packed: u32_le(header, 20)?.into(),
            size: u32_le(header, 24)?.into(),
            header: u32_le(header, 42)?.into(),
        };
        let fields = slice(data, at + 46 + name, extra)?;
        let Entry {
            packed,
            size,
            header,
            ..
        } = &mut entry;
        widen(fields, &mut [size, packed, header]);
        entry.header = entry.header.saturating_add(directory.base);
        Some((entry, at + 46 + name + extra + comment))
    }

    /// What a local header says of its member.
    fn of_local(data: &[u8], at: usize) -> Option<(Self, Local)> {
        let local = Local::read(data, at)?;
        let header = slice(data, at, 30)?;
        let name = slice(data, at + 30, local.name_length)?;
        let known = METHODS.iter().any(|(method, _)| *method == local.method);
        if !known || name.is_empty() || local.start > data.len() as u64 {
            return None;
        }
        let mut entry = Self {
            name: plain(name).unwrap_or_else(|| format!("(member at {at:#x})")),
            flags: local.flags,
            method: local.method,
            crc: u32_le(header, 14)?,
            packed: u32_le(header, 18)?.into(),
            size: u32_le(header, 22)?.into(),
            header: at as u64,
        };
        let fields = data.get(at + 30 + local.name_length..usize::try_from(local.start).ok()?)?;
        let Entry { packed, size, .. } = &mut entry;
        widen(fields, &mut [size, packed]);
        Some((entry, local))
    }
}

/// A name that nothing but a header tells, which may be memory like any other: text as a path is.
fn plain(name: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(name).ok()?;
    let is_plain = text.len() <= MAX_PLAIN && !text.chars().any(char::is_control);
    is_plain.then(|| text.to_owned())
}

/// The zip64 extra field (4.5.3): those numbers that are all ones, in this order.
fn widen(mut fields: &[u8], numbers: &mut [&mut u64]) {
    while let (Some(kind), Some(length)) = (array(fields, 0), array(fields, 2)) {
        let length = usize::from(u16::from_le_bytes(length));
        let field = fields.get(4..4 + length).unwrap_or_default();
        if kind == [1, 0] {
            let mut values = field.chunks_exact(8).filter_map(|value| u64_le(value, 0));
            for number in numbers
                .iter_mut()
                .filter(|number| ***number == u64::from(u32::MAX))
            {
                if let Some(value) = values.next() {
                    **number = value;
                }
            }
            return;
        }
        fields = fields.get(4 + length..).unwrap_or_default();
    }
}

/// Methods (4.4.5) and their names; those beyond the known ones are told as unknown.
const METHODS: &[(u16, &str)] = &[
    (STORED, "stored"),
    (1, "shrink"),
    (6, "implode"),
    (DEFLATE, "deflate"),
    (9, "deflate64"),
    (BZIP2, "bzip2"),
    (14, "lzma"),
    (20, "zstd"),
    (93, "zstd"),
    (95, "xz"),
    (98, "ppmd"),
    (AES, "aes"),
];

const STORED: u16 = 0;
const DEFLATE: u16 = 8;
const BZIP2: u16 = 12;
const AES: u16 = 99;

/// Bits of the flags: encrypted; sizes behind the member; directory encrypted.
const ENCRYPTED: u16 = 1;
const STREAMED: u16 = 1 << 3;
const MASKED: u16 = 1 << 13;

const LOCAL: &[u8] = b"PK\x03\x04";
const ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

/// Beginnings of dumps that are no ELF cores: minidumps of either byte order, Windows' kernel dumps.
const DUMPS: [&[u8]; 3] = [b"MDMP", b"PMDM", b"PAGE"];

/// Bytes of a path that only a local header tells.
const MAX_PLAIN: usize = 255;

/// Bytes of an end record without its comment.
const END_BYTES: usize = 22;

/// End records that are tried: a comment may hold any number.
const MAX_ENDS: usize = 64;
