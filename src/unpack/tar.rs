//! tar: ustar, GNU and pax archives (POSIX.1-2017, pax; GNU tar's manual, "Basic Tar Format"). Members lie there
//! as they are and are scanned in place.
//!
//! | offset | bytes | |
//! |---|---|---|
//! | 0 | 100 | name |
//! | 124 | 12 | size, octal or, with the highest bit set, binary |
//! | 148 | 8 | sum of the header's bytes, these taken as blanks |
//! | 156 | 1 | type |
//! | 257 | 6 | `ustar` |
//! | 345 | 155 | what comes before the name |
//! | 386 | 4 x 24 | GNU, type `S`: offset and length of what is no hole; at 482 whether more follow, at 483 the real size |
//!
//! The blocks are read here: a header that names a gigabyte of attributes must cost nothing.

use super::item::{Halt, Member, Trouble};
use super::stream::Stream;
use super::walk::Walk;
use crate::bytes::{is_zero, slice};
use crate::source::Source;
use std::io::{self, Read};

/// Whether `data` starts as a tar archive.
pub fn sniff(data: &[u8]) -> bool {
    let Some(header) = slice(data, 0, BLOCK) else {
        return false;
    };
    let is_named = header.first().is_some_and(|&byte| byte != 0);
    is_named && (header.get(257..262) == Some(b"ustar") || is_summed(header))
}

/// Gives on every member.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    let data = source.bytes();
    let mut at = 0usize;
    let mut said = Said::default();
    while at < data.len() {
        let Some(header) = slice(data, at, BLOCK) else {
            let what = format!("a header of {BLOCK} bytes, found {}", data.len() - at);
            walk.fault(Trouble::Damaged, None, at as u64, what);
            return Ok(());
        };
        if is_zero(header) {
            // The end, and padding to a record; what follows is slack.
            walk.structure(at as u64..(at + BLOCK) as u64);
            return Ok(());
        }
        if !is_summed(header) {
            let what = "a header with the sum it names, found another".to_owned();
            walk.fault(Trouble::Damaged, None, at as u64, what);
            let Some(next) = next_header(data, at) else {
                return Ok(());
            };
            at = next;
            said = Said::default();
            continue;
        }
        let kind = header.get(156).copied().unwrap_or_default();
        let own = number(header.get(124..136).unwrap_or_default());
        let size = match kind {
            b'x' | b'g' | b'L' | b'K' => own,
            _ => said.size.or(own),
        };
        let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else {
            let what = "a size in octal or binary, found neither".to_owned();
            walk.fault(Trouble::Damaged, None, at as u64, what);
            let Some(next) = next_header(data, at) else {
                return Ok(());
            };
            at = next;
            said = Said::default();
            continue;
        };
        walk.structure(at as u64..(at + BLOCK) as u64);
        let mut start = at + BLOCK;
        match kind {
            b'x' | b'g' => said.pax(head(data, start, size), kind),
            b'L' => said.name = Some(text(head(data, start, size))),
            b'K' => {}
            b'0' | b'\0' | b'7' | b'S' => {
                let name = said.name.take().unwrap_or_else(|| name(header));
                let mut map = std::mem::take(&mut said.map);
                let is_sparse = kind == b'S' || said.is_sparse || !map.is_empty();
                let mut real = said.real.unwrap_or(size as u64);
                if kind == b'S' {
                    real = number(header.get(483..495).unwrap_or_default()).unwrap_or(0);
                    start = old_map(data, start, header, &mut map);
                } else if said.is_sparse {
                    start = new_map(data, start, size, &mut map);
                }
                let end = match kind {
                    b'S' => start.saturating_add(size),
                    _ => (at + BLOCK).saturating_add(size),
                };
                let member = |method| Member {
                    name: name.clone(),
                    method,
                    offset: start as u64,
                };
                if is_sparse {
                    walk.structure(at as u64..start as u64);
                    let packed = data.get(start..end.min(data.len())).unwrap_or_default();
                    let mut stream = Sparse::new(packed, map, real);
                    walk.packed(member("sparse"), &mut stream)?;
                } else if size > 0 {
                    walk.stored(member("stored"), source, start as u64..end as u64)?;
                } else {
                    walk.empty();
                }
                start = at + BLOCK + (start - at - BLOCK) * usize::from(kind == b'S');
                said = Said::default();
            }
            b'1'..=b'6' => {
                walk.empty();
                said = Said::default();
            }
            _ => {
                // A type of someone's own: its bytes may be anything.
                let name = said.name.take().unwrap_or_else(|| name(header));
                if kind == b'M' {
                    let what = "a member from its start on, found the rest of one that begins in another volume";
                    walk.fault(Trouble::Damaged, Some(&name), at as u64, what.to_owned());
                }
                let member = Member {
                    name,
                    method: "stored",
                    offset: start as u64,
                };
                if size > 0 {
                    let end = (start as u64).saturating_add(size as u64);
                    walk.stored(member, source, start as u64..end)?;
                }
                said = Said::default();
            }
        }
        let end = start.saturating_add(size.next_multiple_of(BLOCK).max(size));
        if end > data.len() && matches!(kind, b'x' | b'g' | b'L' | b'K') {
            let what = format!(
                "{size} bytes of attributes, found {}",
                data.len().saturating_sub(start)
            );
            walk.fault(Trouble::Damaged, None, start as u64, what);
        }
        // Padding to a whole block.
        walk.structure(start.saturating_add(size) as u64..end as u64);
        at = end;
    }
    Ok(())
}

/// Where behind the block at `at` a header with a right sum stands.
fn next_header(data: &[u8], at: usize) -> Option<usize> {
    let first = at.checked_add(BLOCK)?;
    let (blocks, _) = data.get(first..)?.as_chunks::<BLOCK>();
    let found = blocks
        .iter()
        .position(|block| !is_zero(block) && is_summed(block))?;
    Some(first + found * BLOCK)
}

/// Whether the header at the start of `data` is that of an archive: for bytes in the middle of memory.
pub fn looks_real(data: &[u8]) -> bool {
    slice(data, 0, BLOCK)
        .is_some_and(|header| header.get(257..262) == Some(b"ustar") && is_summed(header))
}

/// What headers of attributes say of the next member.
#[derive(Default)]
struct Said {
    name: Option<String>,
    size: Option<u64>,
    /// The size with holes, where it is sparse.
    real: Option<u64>,
    is_sparse: bool,
    /// The map, where the attributes hold it (versions 0.0 and 0.1).
    map: Vec<Solid>,
}

impl Said {
    /// Records of pax: `LENGTH KEY=VALUE\n`.
    fn pax(&mut self, mut records: &[u8], kind: u8) {
        if kind == b'g' {
            return;
        }
        while let Some(blank) = records.iter().take(20).position(|&byte| byte == b' ') {
            let length = records.get(..blank).and_then(decimal);
            let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
                return;
            };
            let Some(record) = records.get(blank + 1..length) else {
                return;
            };
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let mut halves = record.splitn(2, |&byte| byte == b'=');
            let (key, value) = (
                halves.next().unwrap_or_default(),
                halves.next().unwrap_or_default(),
            );
            match key {
                b"path" if !self.is_sparse => self.name = Some(text(value)),
                b"size" => self.size = decimal(value),
                b"GNU.sparse.name" => self.name = Some(text(value)),
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => self.real = decimal(value),
                b"GNU.sparse.offset" if self.map.len() < MAX_SOLID => {
                    self.map.push((decimal(value).unwrap_or(0), 0));
                }
                b"GNU.sparse.numbytes" => {
                    if let Some((_, length)) = self.map.last_mut() {
                        *length = decimal(value).unwrap_or(0);
                    }
                }
                b"GNU.sparse.map" => {
                    let numbers: Vec<u64> = value
                        .split(|&byte| byte == b',')
                        .take(2 * MAX_SOLID)
                        .map_while(decimal)
                        .collect();
                    let (pairs, _) = numbers.as_chunks::<2>();
                    self.map = pairs
                        .iter()
                        .map(|&[offset, length]| (offset, length))
                        .collect();
                }
                // Version 1.0, where the map stands before the bytes.
                b"GNU.sparse.major" => self.is_sparse = value == b"1",
                _ => {}
            }
            records = records.get(length..).unwrap_or_default();
        }
    }
}

/// A piece of a sparse member: offset and length in bytes.
type Solid = (u64, u64);

/// The map of GNU's type `S`: four pieces in the header, more in blocks behind it. Where the bytes start.
fn old_map(data: &[u8], mut start: usize, header: &[u8], map: &mut Vec<Solid>) -> usize {
    let mut take = |table: &[u8]| {
        let pairs = table.chunks_exact(24).map_while(|pair| {
            let (offset, length) = pair.split_at(12);
            Some((number(offset)?, number(length)?))
        });
        map.extend(pairs.filter(|(_, length)| *length > 0).take(MAX_SOLID));
    };
    take(header.get(386..482).unwrap_or_default());
    let mut has_more = header.get(482).is_some_and(|&more| more == 1);
    while has_more {
        let Some(block) = slice(data, start, BLOCK) else {
            break;
        };
        take(block.get(..504).unwrap_or_default());
        has_more = block.get(504).is_some_and(|&more| more == 1);
        start += BLOCK;
    }
    map.truncate(MAX_SOLID);
    start
}

/// The map of pax's version 1.0: decimal numbers in lines, their count first, padded to a block.
fn new_map(data: &[u8], start: usize, size: usize, map: &mut Vec<Solid>) -> usize {
    let bytes = data
        .get(start..start.saturating_add(size).min(data.len()))
        .unwrap_or_default();
    let mut at = 0;
    let mut line = || {
        let line = bytes.get(at..)?.split(|&byte| byte == b'\n').next()?;
        at += line.len() + 1;
        decimal(line).map(|number| (number, at))
    };
    let Some((count, mut end)) = line() else {
        return start;
    };
    for _ in 0..count.min(MAX_SOLID as u64) {
        let (Some((offset, _)), Some((length, behind))) = (line(), line()) else {
            break;
        };
        map.push((offset, length));
        end = behind;
    }
    start + end.next_multiple_of(BLOCK)
}

/// A sparse member: its pieces where they belong, zeros between them.
struct Sparse<'d> {
    packed: &'d [u8],
    at: usize,
    map: std::vec::IntoIter<Solid>,
    piece: Option<Solid>,
    position: u64,
    size: u64,
}

impl<'d> Sparse<'d> {
    fn new(packed: &'d [u8], map: Vec<Solid>, size: u64) -> Self {
        let mut map = map.into_iter();
        let piece = map.next();
        Self {
            packed,
            at: 0,
            map,
            piece,
            position: 0,
            size,
        }
    }
}

impl Read for Sparse<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // What lies behind the map's end still is the member's.
            let (offset, length) = self.piece.unwrap_or((self.size, 0));
            if self.position < offset {
                let zeros = (offset - self.position).min(buffer.len() as u64);
                let zeros = zeros.min(self.size.saturating_sub(self.position)) as usize;
                if zeros > 0 {
                    buffer.iter_mut().take(zeros).for_each(|byte| *byte = 0);
                    self.position += zeros as u64;
                    return Ok(zeros);
                }
            }
            let left = offset.saturating_add(length).saturating_sub(self.position);
            if left > 0 && self.piece.is_some() {
                let rest = self.packed.get(self.at..).unwrap_or_default();
                let rest = rest.get(..left.min(rest.len() as u64) as usize);
                let read = rest.unwrap_or_default().read(buffer)?;
                if read == 0 && !buffer.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.at += read;
                self.position += read as u64;
                return Ok(read);
            }
            if self.piece.is_none() {
                return Ok(0);
            }
            self.piece = self.map.next();
        }
    }
}

impl Stream for Sparse<'_> {
    fn consumed(&self) -> u64 {
        self.at as u64
    }
}

/// The header's bytes sum up to what it says, as unsigned or, by old programs, as signed ones.
fn is_summed(header: &[u8]) -> bool {
    let Some(wanted) = number(header.get(148..156).unwrap_or_default()) else {
        return false;
    };
    let blanks = 8 * u64::from(b' ');
    let outside = || {
        let (front, rest) = header.split_at(148.min(header.len()));
        front.iter().chain(rest.iter().skip(8))
    };
    let unsigned: u64 = outside().map(|&byte| u64::from(byte)).sum();
    let signed: i64 = outside().map(|&byte| i64::from(byte.cast_signed())).sum();
    unsigned + blanks == wanted || u64::try_from(signed + blanks as i64) == Ok(wanted)
}

/// A number of a header: octal digits between blanks and zeros, or binary with the highest bit set.
fn number(field: &[u8]) -> Option<u64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        if first != 0x80 {
            return None;
        }
        return rest.iter().try_fold(0u64, |number, &byte| {
            Some(number.checked_mul(256)? + u64::from(byte))
        });
    }
    let end = |byte: &u8| matches!(byte, b' ' | 0);
    let digits = field
        .iter()
        .skip_while(|byte| end(byte))
        .take_while(|byte| !end(byte));
    digits.into_iter().try_fold(0u64, |number, &byte| {
        matches!(byte, b'0'..=b'7')
            .then(|| number.checked_mul(8)?.checked_add(u64::from(byte - b'0')))?
    })
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The name in a header.
fn name(header: &[u8]) -> String {
    let name = text(header.get(..100).unwrap_or_default());
    let prefix = match header.get(257..263) {
        Some(b"ustar\0") => text(header.get(345..500).unwrap_or_default()),
        _ => String::new(),
    };
    if prefix.is_empty() {
        name
    } else {
        format!("{prefix}/{name}")
    }
}

/// Text up to its first zero.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// The first bytes of a header's attributes.
fn head(data: &[u8], start: usize, size: usize) -> &[u8] {
    let end = start
        .saturating_add(size.min(MAX_ATTRIBUTES))
        .min(data.len());
    data.get(start..end).unwrap_or_default()
}

const BLOCK: usize = 512;

/// Bytes of attributes that are read of one header.
const MAX_ATTRIBUTES: usize = 64 << 10;

/// Pieces of a sparse member: a dump of a terabyte in pieces of a MiB.
const MAX_SOLID: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, size: u64, kind: u8) -> Vec<u8> {
        let mut header = vec![0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        header[156] = kind;
        header[257..263].copy_from_slice(b"ustar\0");
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum::<u64>() + 8 * 32;
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        header
    }

    #[test]
    fn headers_are_told_by_their_sum() {
        assert!(sniff(&header("core", 3, b'0')));
        let mut old = header("core", 3, b'0');
        old[257..263].fill(0);
        let sum = old.iter().map(|&byte| u64::from(byte)).sum::<u64>()
            - old[148..156]
                .iter()
                .map(|&byte| u64::from(byte))
                .sum::<u64>()
            + 8 * 32;
        old[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        assert!(sniff(&old));
        old[0] ^= 1;
        assert!(!sniff(&old));
        assert!(!sniff(&[0; 512]));
        assert!(!sniff(b"\x7fELF"));
    }

    #[test]
    fn numbers_are_octal_or_binary() {
        assert_eq!(number(b"00000000017\0"), Some(15));
        assert_eq!(number(b"  17 \0"), Some(15));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(
            number(b"\x80\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            None
        );
        assert_eq!(number(b"9"), None);
    }

    #[test]
    fn a_sparse_member_has_its_holes_again() {
        let mut out = Vec::new();
        let mut stream = Sparse::new(b"abcdef", vec![(2, 3), (8, 3)], 13);
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"\0\0abc\0\0\0def\0\0");
        let mut stream = Sparse::new(b"abcdef", vec![(2, 3), (8, 3), (13, 0)], 13);
        out.clear();
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"\0\0abc\0\0\0def\0\0");
        let mut stream = Sparse::new(b"ab", vec![(0, 3)], 3);
        assert!(stream.read_to_end(&mut out).is_err());
    }
}
