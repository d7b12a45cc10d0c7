//! multipart bodies (RFC 7578, RFC 2046 section 5.1), as Crashpad and Breakpad upload them: parts behind
//! `--boundary` lines, each with headers, an empty line and its bytes, which are scanned in place.

use super::base64_lines::Base64Lines;
use super::item::{Halt, Member, Trouble};
use super::walk::Walk;
use crate::source::Source;
use memchr::{memchr, memmem};

/// Whether `data` starts with a boundary line and a header of content behind it, or with empty lines or the headers of a
/// message (RFC 5322) or of a request before that. A PEM file has dashes too, and
/// headers when it is encrypted, but none of content.
pub fn sniff(data: &[u8]) -> bool {
    first(data).is_some() || packed_body(data).is_some()
}

/// Gives on every part.
///
/// # Errors
/// When the walk must end.
pub fn open(source: &Source, walk: &mut Walk<'_>) -> Result<(), Halt> {
    let data = source.bytes();
    let Some((before, boundary)) = first(data) else {
        let Some(start) = packed_body(data) else {
            return Ok(());
        };
        let body = Member {
            name: "body".to_owned(),
            method: "stored",
            offset: start as u64,
        };
        walk.structure(0..start as u64);
        return walk.stored(body, source, start as u64..data.len() as u64);
    };
    walk.structure(0..before as u64);
    let is_crlf = data.get(before + boundary.len()) == Some(&b'\r');
    let line_end: &[u8] = if is_crlf { b"\r\n" } else { b"\n" };
    let between = [line_end, boundary].concat();
    let finder = memmem::Finder::new(&between);
    let mut at = before + boundary.len();
    let mut number = 0;
    loop {
        let rest = data.get(at..).unwrap_or_default();
        if rest.starts_with(b"--") {
            let end = at + 2 + line_end.len();
            walk.structure((at - boundary.len()) as u64..end as u64);
            return Ok(());
        }
        number += 1;
        let head = at - boundary.len();
        let Some((headers, start)) = headers(data, at) else {
            let what = "a part's headers and an empty line, found none".to_owned();
            walk.fault(Trouble::Damaged, None, at as u64, what);
            return Ok(());
        };
        walk.structure(head as u64..start as u64);
        // An empty part's line end may be that of its headers.
        let from = start - line_end.len();
        let found = finder.find(data.get(from..).unwrap_or_default());
        let end = found.map_or(data.len(), |found| (from + found).max(start));
        let part = Part::new(headers, number);
        part.give(source, start, end, walk)?;
        if found.is_none() {
            let what = "a boundary that ends the last part, found the end".to_owned();
            walk.fault(Trouble::Damaged, Some(&part.name), end as u64, what);
            return Ok(());
        }
        walk.structure(end as u64..(end + between.len()) as u64);
        at = from + found.unwrap_or(0) + between.len();
    }
}

/// What a part's headers say.
struct Part {
    name: String,
    is_base64: bool,
    /// Encodings that are not known here: of the transfer, and of the content.
    encodings: [Option<String>; 2],
}

impl Part {
    fn new(headers: &[u8], number: usize) -> Self {
        let text = unfolded(headers);
        let disposition = header(&text, "content-disposition").unwrap_or_default();
        let name = parameter(disposition, "filename")
            .or_else(|| parameter(disposition, "name"))
            .or_else(|| parameter(header(&text, "content-type")?, "name"));
        let [transfer, content] = ["content-transfer-encoding", "content-encoding"]
            .map(|name| token(header(&text, name).unwrap_or_default()));
        let unless = |known: &[&str], word: String| (!known.contains(&&*word)).then_some(word);
        Self {
            name: name.unwrap_or_else(|| format!("part {number}")),
            is_base64: transfer == "base64",
            encodings: [
                unless(&["", "7bit", "8bit", "binary", "base64"], transfer),
                unless(&["", "identity"], content),
            ],
        }
    }

    fn give(
        &self,
        source: &Source,
        start: usize,
        end: usize,
        walk: &mut Walk<'_>,
    ) -> Result<(), Halt> {
        let member = Member {
            name: self.name.clone(),
            method: if self.is_base64 { "base64" } else { "stored" },
            offset: start as u64,
        };
        if start == end {
            walk.empty();
            return Ok(());
        }
        if self.is_base64 {
            let data = source.bytes().get(start..end).unwrap_or_default();
            let mut lines = Base64Lines::new(data, |_| false);
            walk.packed(member, &mut lines)?;
            return Ok(());
        }
        let data = source.bytes().get(start..end).unwrap_or_default();
        let [transfer, content] = &self.encodings;
        // What is packed in a way that is read here is told by its first bytes.
        let content = content.as_ref().filter(|_| super::sniff(data).is_none());
        if let Some(encoding) = transfer.as_ref().or(content) {
            // What stands there instead of an encoding may be anything.
            let said = ENCODINGS.iter().find(|known| encoding == *known);
            let what = match said {
                Some(known) => format!("a part in clear, found one in {known}"),
                None => "a part in clear, found one in another encoding".to_owned(),
            };
            walk.fault(Trouble::Unsupported, Some(&self.name), start as u64, what);
        }
        walk.stored(member, source, start as u64..end as u64)
    }
}

/// The headers' lines, with those that go on put together (RFC 5322, 2.2.3).
fn unfolded(headers: &[u8]) -> String {
    let mut text = String::new();
    for line in String::from_utf8_lossy(headers).lines() {
        if !line.starts_with([' ', '\t']) {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}

/// A header's first word, without quotes, comments and parameters.
fn token(value: &str) -> String {
    let mut depth = 0u32;
    let is_word = |&character: &char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    let word: String = value
        .chars()
        .take_while(|&c| c != ';')
        .filter(is_word)
        .collect();
    let word = word.trim().trim_matches('"').to_ascii_lowercase();
    word.chars().take(MAX_TOKEN).collect()
}

/// Where the packed body of a request or a message starts that announces several parts.
fn packed_body(data: &[u8]) -> Option<usize> {
    let (_, start) = message(data)?;
    super::sniff(data.get(start..)?).map(|_| start)
}

/// Where the first boundary stands, and it.
fn first(data: &[u8]) -> Option<(usize, &[u8])> {
    let blank = data
        .iter()
        .take(MAX_BOUNDARY)
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let rest = data.get(blank..)?;
    let start = if rest.starts_with(b"--") {
        blank
    } else {
        blank + behind_message(rest)?
    };
    Some((start, boundary(data.get(start..)?)?))
}

/// Where in a message or a request the first boundary stands, behind its headers.
fn behind_message(data: &[u8]) -> Option<usize> {
    let (boundary, start) = message(data)?;
    let line = format!("\n--{boundary}");
    let body = data.get(start.checked_sub(1)?..)?;
    let body = body.get(..MAX_PREAMBLE).unwrap_or(body);
    Some(start + memmem::find(body, line.as_bytes())?)
}

/// The boundary that the headers of a message or a request name, and where its body starts.
fn message(data: &[u8]) -> Option<(String, usize)> {
    let window = data.get(..MAX_HEADERS).unwrap_or(data);
    let mut text = String::new();
    let mut at = 0;
    loop {
        let end = at + memchr(b'\n', window.get(at..)?)?;
        let line = window.get(at..end)?;
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
        let is_folded = line.starts_with([' ', '\t']);
        let is_header = line.split_once(':').is_some_and(|(name, _)| {
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !name.is_empty() && name.bytes().all(is_token)
        });
        let is_first = at == 0 && (line.starts_with("From ") || line.contains("HTTP/"));
        at = end + 1;
        if line.is_empty() {
            break;
        }
        if !(is_folded || is_header || is_first) {
            return None;
        }
        if !is_folded {
            text.push('\n');
        }
        text.push_str(line);
    }
    let kind = header(&text, "content-type")?;
    if !kind
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("multipart/")
    {
        return None;
    }
    Some((parameter(kind, "boundary")?, at))
}

/// The boundary with its dashes, if a body starts here.
fn boundary(data: &[u8]) -> Option<&[u8]> {
    let window = data.get(..MAX_BOUNDARY).unwrap_or(data);
    let line = window.get(..memchr(b'\n', window)?)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let name = line.strip_prefix(b"--")?;
    let is_name = (1..=70).contains(&name.len()) && name.iter().all(|&byte| is_boundary(byte));
    if !is_name {
        return None;
    }
    let (headers, _) = headers(data, line.len())?;
    let text = String::from_utf8_lossy(headers);
    let is_content = ["content-disposition", "content-type"]
        .iter()
        .any(|name| header(&text, name).is_some());
    is_content.then_some(line)
}

/// Characters of a boundary (RFC 2046, section 5.1.1).
fn is_boundary(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte)
}

/// The headers behind the boundary that ends at `at`, and where the part's bytes start.
fn headers(data: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = data.get(at..)?;
    let window = rest.get(..MAX_HEADERS).unwrap_or(rest);
    let start = memchr(b'\n', window)? + 1;
    let mut line = start;
    loop {
        let end = line + memchr(b'\n', window.get(line..)?)?;
        let text = window.get(line..end)?;
        if text.is_empty() || text == b"\r" {
            return Some((window.get(start..line)?, at + end + 1));
        }
        line = end + 1;
    }
}

/// The value of the header of that name, which is in lower case; lines that go on are not followed.
fn header<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim_end().eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A parameter of a header's value, quoted or not.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|part| {
        let (key, text) = part.trim().split_once('=')?;
        let text = text.trim_matches('"');
        (key.eq_ignore_ascii_case(name) && !text.is_empty()).then(|| text.to_owned())
    })
}

/// Bytes of a boundary's line, and of a part's headers.
const MAX_BOUNDARY: usize = 76;
const MAX_HEADERS: usize = 16 << 10;

/// Encodings that are told by their names.
const ENCODINGS: [&str; 10] = [
    "quoted-printable",
    "gzip",
    "x-gzip",
    "deflate",
    "compress",
    "br",
    "zstd",
    "x-uuencode",
    "uuencode",
    "x-yencode",
];

/// Characters of an encoding's name.
const MAX_TOKEN: usize = 40;

/// Bytes that may stand between a message's headers and the first boundary.
const MAX_PREAMBLE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_from_other_text_with_dashes() {
        assert!(sniff(
            b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--X--\r\n"
        ));
        assert!(sniff(b"--X\ncontent-type: text/plain\n\nb\n--X--\n"));
        assert!(!sniff(
            b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMII"
        ));
        assert!(!sniff(b"--X\r\nContent-Type: text/plain\r\n"));
        assert!(!sniff(b"--"));
        let body = "--X\r\nContent-Type: text/plain\r\n\r\nb\r\n--X--\r\n";
        let head = "Content-Type: multipart/form-data;\r\n boundary=\"X\"\r\nHost: a\r\n\r\n";
        for before in ["\r\n", head, &format!("POST /upload HTTP/1.1\r\n{head}")] {
            let message = format!("{before}{body}");
            assert_eq!(first(message.as_bytes()), Some((before.len(), &b"--X"[..])));
            assert!(sniff(message.as_bytes()));
        }
        let request = "POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=--a\r\n\r\n----a\r\nContent-Type: b\r\n\r\n";
        assert!(sniff(request.as_bytes()));
        assert!(!sniff(format!("Subject: a\r\n\r\n{body}").as_bytes()));
    }

    #[test]
    fn encodings_are_told() {
        let part = |line: &str| Part::new(format!("A: b\r\n{line}\r\n").as_bytes(), 1);
        for line in [
            "Content-Transfer-Encoding:\r\n base64",
            "content-transfer-encoding: (mail) BASE64 ; x=y",
            "Content-Transfer-Encoding: \"base64\"",
        ] {
            assert!(part(line).is_base64, "{line}");
        }
        let strange = [
            "Content-Transfer-Encoding: x-uuencode",
            "Content-Encoding: br",
        ];
        for line in strange {
            assert!(part(line).encodings.iter().any(Option::is_some), "{line}");
        }
        for line in [
            "Content-Transfer-Encoding: 8bit",
            "Content-Encoding: identity",
        ] {
            assert!(part(line).encodings.iter().all(Option::is_none), "{line}");
        }
    }

    #[test]
    fn names_come_from_the_disposition() {
        let part = Part::new(
            b"Content-Disposition: form-data; name=\"upload\"; filename=\"a.dmp\"\r\n",
            1,
        );
        assert_eq!(part.name, "a.dmp");
        assert_eq!(Part::new(b"", 3).name, "part 3");
    }
}
