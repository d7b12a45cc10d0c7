//! apport's problem reports (Ubuntu's `/var/crash/*.crash`; problem_report.py): lines of `Key: value`, a longer
//! value on lines that begin with a blank. `Key: base64` announces bytes: each line is base64 of its own, of a piece
//! of one gzip file, in newer versions of one zstd file, in very old ones of a zlib stream.

use super::base64_lines::Base64Lines;
use super::item::{Halt, Member, Trouble};
use super::stream::{Feed, Single, Steps};
use super::walk::Walk;
use super::{gzip, zstd};
use crate::source::Source;
use memchr::{memchr, memmem};

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
    let finder = memmem::Finder::new(ANNOUNCED);
    let mut at = 0;
    while let Some(found) = data.get(at..).and_then(|rest| finder.find(rest)) {
        let announced = at + found;
        at = announced + ANNOUNCED.len();
        let line = memchr::memrchr(b'\n', data.get(..announced).unwrap_or_default());
        let start = line.map_or(0, |end| end + 1);
        let key = data.get(start..announced).unwrap_or_default();
        let behind = data.get(at..).unwrap_or_default();
        let is_line = behind.starts_with(b"\n") || behind.starts_with(b"\r\n");
        let is_key = is_line
            && !key.is_empty()
            && key.len() <= MAX_KEY
            && key
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte));
        if is_key {
            let name = String::from_utf8_lossy(key).into_owned();
            at += memchr(b'\n', behind).unwrap_or(0) + 1;
            at = value(source, at, name, walk)?.max(at);
        }
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
    if gzip::sniff(packed) {
        walk.packed(member("gzip in base64"), &mut gzip::stream(packed))?;
    } else if zstd::sniff(packed) {
        walk.packed(member("zstd in base64"), &mut zstd::stream(packed))?;
    } else if is_zlib(packed) {
        let feed = Feed::new(packed);
        let reader = Steps::new(flate2::bufread::ZlibDecoder::new(feed.clone()));
        walk.packed(member("zlib in base64"), &mut Single::new(reader, &feed))?;
    } else {
        let whole = 0..packed.len() as u64;
        walk.part(member("base64"), filled.consumed, &filled, whole)?;
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

/// Behind a key.
const ANNOUNCED: &[u8] = b": base64";

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
