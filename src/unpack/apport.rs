//! apport's problem reports (Ubuntu's `/var/crash/*.crash`; problem_report.py): lines of `Key: value`, a longer
//! value on lines that begin with a blank. `Key: base64` announces bytes: each line is base64 of its own, of a piece
//! of one gzip file, in newer versions of one zstd file, in very old ones of a zlib stream.

use super::base64_lines::Base64Lines;
use super::item::{Halt, Member, Trouble};
use super::stream::{Feed, Single, Steps};
use super::walk::Walk;
use super::{gzip, zstd};
use crate::bytes::is_zero;
use crate::source::Source;
use memchr::memchr;

/// Whether `data` starts as a report.
pub fn sniff(data: &[u8]) -> bool {
    data.starts_with(b"ProblemType: ")
}

/// Gives on the values that are bytes; the text round them is slack.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    let data = source.bytes();
    let mut at = 0;
    // The name of the value that the next lines hold, and whether it is announced as bytes.
    let mut field = (String::new(), false);
    while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
        let length = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..length).unwrap_or_default();
        let text = line.strip_prefix(b" ");
        if text.is_some_and(|text| field.1 || is_packed(text)) {
            let (name, announced) = std::mem::take(&mut field);
            if !announced {
                let what = "`base64` behind the key of packed bytes, found something else";
                walk.fault(Trouble::Damaged, Some(&name), at as u64, what.to_owned());
            }
            at = value(source, at, name, walk)?.max(at + length);
            continue;
        }
        if field.1 {
            let what = "bytes behind their key, found another line".to_owned();
            walk.fault(Trouble::Damaged, Some(&field.0), at as u64, what);
            field.1 = false;
        }
        if let Some(key) = key(line) {
            field = key;
        }
        at += length;
    }
    if field.1 {
        let what = "bytes behind their key, found the end".to_owned();
        walk.fault(Trouble::Damaged, Some(&field.0), data.len() as u64, what);
    }
    for gap in walk.gaps(data.len() as u64) {
        let text = data.get(gap.start as usize..gap.end as usize);
        if let Some(at) = stray_line(text.unwrap_or_default()) {
            let what = "a key or an indented line, found neither".to_owned();
            walk.fault(Trouble::Damaged, None, gap.start + at as u64, what);
        }
    }
    Ok(())
}

/// The key in a line, and whether its value is announced as bytes.
fn key(line: &[u8]) -> Option<(String, bool)> {
    let colon = memchr(b':', line.get(..MAX_KEY + 1).unwrap_or(line))?;
    let (key, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let is_bytes = value.trim_ascii().eq_ignore_ascii_case(ANNOUNCED);
    (!key.is_empty() && key.iter().all(is_key))
        .then(|| (String::from_utf8_lossy(key).into_owned(), is_bytes))
}

/// Whether a line of a value is base64 of how gzip, zstd or zlib files begin, whatever announces it.
fn is_packed(text: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let text = text.trim_ascii_end();
    let begins = [&b"H4sI"[..], b"KLUv/", b"eJ", b"eN"];
    text.len() >= LEAST_PACKED
        && begins.iter().any(|start| text.starts_with(start))
        && text.iter().all(is_base64)
}

/// Where a line starts that neither has a key nor goes on with a value, or that does not end.
fn stray_line(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let is_value = matches!(line.first(), Some(b' ' | b'\n' | b'\r'));
        let is_key = memchr(b':', line.get(..MAX_KEY).unwrap_or(line)).is_some();
        if !line.ends_with(b"\n") || !(is_value || is_key) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// Gives on the value that starts at `start`; where it ends.
fn value(source: &Source, start: usize, name: String, walk: &mut Walk<'_>) -> Result<usize, Halt> {
    let data = source.bytes();
    let rest = data.get(start..).unwrap_or_default();
    let member = |method| Member {
        name: name.clone(),
        method,
        offset: start as u64,
    };
    let mut lines = Base64Lines::new(rest, |line| !line.starts_with(b" "));
    let Some(filled) = walk.fill(&member("base64"), &mut lines) else {
        return Ok(start);
    };
    let end = start as u64 + filled.consumed;
    walk.covered(start as u64..end);
    let packed = filled.source.bytes();
    let faults = walk.fault_count();
    // Where the packed bytes are damaged is told by where the value starts: lines have no offsets of the stream.
    let consumed = if gzip::sniff(packed) {
        walk.packed(member("gzip in base64"), &mut gzip::stream(packed))?
    } else if zstd::sniff(packed) {
        walk.packed(member("zstd in base64"), &mut zstd::stream(packed))?
    } else if is_zlib(packed) {
        let feed = Feed::new(packed);
        let reader = Steps::new(flate2::bufread::ZlibDecoder::new(feed.clone()));
        walk.packed(member("zlib in base64"), &mut Single::new(reader, &feed))?
    } else {
        if !packed.is_empty() && walk.fault_count() == faults {
            let what = "gzip, zstd or zlib in base64, found none".to_owned();
            walk.fault(Trouble::Damaged, Some(&name), start as u64, what);
        }
        let whole = 0..packed.len() as u64;
        walk.part(member("base64"), filled.consumed, &filled, whole)?;
        packed.len() as u64
    };
    let tail = packed.get(consumed as usize..).unwrap_or_default();
    if !is_zero(tail) {
        if walk.fault_count() == faults {
            let what = format!("the end of the packed bytes, found {} more", tail.len());
            walk.fault(Trouble::Damaged, Some(&name), start as u64, what);
        }
        let rest = Member {
            name: format!("{name} (rest)"),
            ..member("base64")
        };
        let range = consumed..packed.len() as u64;
        walk.part(rest, filled.consumed, &filled, range)?;
    }
    let is_last = end == data.len() as u64;
    if is_last && !data.ends_with(b"\n") && walk.fault_count() == faults {
        let what = "a line end behind the last value, found none".to_owned();
        walk.fault(Trouble::Damaged, Some(&name), end, what);
    }
    Ok(end as usize)
}

/// zlib (RFC 1950), as reports of old held it: method, window and their checksum.
fn is_zlib(data: &[u8]) -> bool {
    matches!(*data, [0x78, flags, ..] if u16::from_be_bytes([0x78, flags]).is_multiple_of(31))
}

/// The value of a key that bytes follow.
const ANNOUNCED: &[u8] = b"base64";

/// Characters of base64 that are no word of a text: apport's first line has the header of a gzip file.
const LEAST_PACKED: usize = 16;

/// Characters of a key.
const MAX_KEY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_keys_and_indented_lines() {
        assert_eq!(stray_line(b"A: b\n c\n\nD:\n e\n"), None);
        assert_eq!(stray_line(b"A: b\nc\n"), Some(5));
        assert_eq!(stray_line(b"A: b"), Some(0));
    }
}
