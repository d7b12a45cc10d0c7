//! Names of dumps, which are any bytes: how they are shown, written down, and changed where one is taken.

use crate::text::printable;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A name or path made safe for a terminal: control characters and what is no UTF-8 become escapes.
pub fn shown(name: &OsStr) -> String {
    let mut shown = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        shown.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

/// Bytes in JSON, none lost: text where they are UTF-8 that any terminal may see, else hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bytes {
    /// UTF-8 without control characters and the like.
    Text(String),
    /// Anything else.
    Hex(String),
}

impl Bytes {
    /// As JSON holds them.
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) if printable(text) == text => Self::Text(text.to_owned()),
            _ => Self::Hex(hex(bytes)),
        }
    }

    /// The bytes; `None` for digits that are none.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.clone().into_bytes()),
            Self::Hex(digits) => from_hex(digits),
        }
    }
}

/// Hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    rest.is_empty().then_some(())?;
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect()
}

/// The names a dump may get, best first: its own, then with more and more of `mark` in it, 64 hexadecimal digits.
/// Each leaves room for [`MANIFEST`].
pub fn candidates<'n>(name: &'n OsStr, mark: &'n str) -> impl Iterator<Item = OsString> + 'n {
    let own = (name.len() + MANIFEST.len() <= MAX_NAME).then(|| name.to_os_string());
    let marked = [8, 16, 64]
        .into_iter()
        .filter_map(|digits| Some(with(name, mark.get(..digits)?)));
    // Equal dumps of one name.
    let counted = (2..MAX_EQUAL)
        .filter_map(|number| Some(with(name, &format!("{}-{number}", mark.get(..16)?))));
    own.into_iter().chain(marked).chain(counted)
}

/// The name of a dump's manifest.
pub fn manifest(name: &OsStr) -> OsString {
    let mut manifest = name.to_os_string();
    manifest.push(MANIFEST);
    manifest
}

/// `core.dmp` with a mark: `core.MARK.dmp`. An extension stays, for what looks for it; a long name gets shorter.
fn with(name: &OsStr, mark: &str) -> OsString {
    let bytes = name.as_bytes();
    let dot = bytes
        .iter()
        .rposition(|byte| *byte == b'.')
        .filter(|dot| *dot > 0 && bytes.len() - dot <= MAX_EXTENSION);
    let (stem, extension) = bytes.split_at(dot.unwrap_or(bytes.len()));
    let room = MAX_NAME - MANIFEST.len() - mark.len() - 1 - extension.len();
    let mut end = stem.len().min(room);
    // Not in the middle of a character.
    while end < stem.len() && end > 0 && stem.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    let stem = stem.get(..end).unwrap_or(stem);
    OsString::from_vec([stem, b".", mark.as_bytes(), extension].concat())
}

/// What a manifest has behind the name of its dump.
pub const MANIFEST: &str = ".dumpgate.json";

/// Bytes of the longest name.
const MAX_NAME: usize = 255;

/// Bytes of an extension with its dot that is kept in its place.
const MAX_EXTENSION: usize = 16;

/// Dumps of one name and the same bytes that find a place.
const MAX_EQUAL: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_shown_without_harm() {
        let name = OsStr::from_bytes(b"a\n\x1b[2J\xff\xe2\x80\xae");
        assert_eq!(shown(name), "a\\u{a}\\u{1b}[2J\\xff\\u{202e}");
    }

    #[test]
    fn bytes_come_back() {
        for bytes in [
            &b"core"[..],
            b"",
            b"a\n",
            b"\xff\x00core",
            "\u{202e}".as_bytes(),
        ] {
            assert_eq!(Bytes::of(bytes).bytes().as_deref(), Some(bytes));
        }
        assert_eq!(Bytes::Hex("abc".to_owned()).bytes(), None);
        assert_eq!(Bytes::Hex("zz".to_owned()).bytes(), None);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_mark() {
        let mark = "0123456789abcdef".repeat(4);
        let names: Vec<OsString> = candidates(OsStr::new("core.dmp"), &mark).take(5).collect();
        assert_eq!(names[0], "core.dmp");
        assert_eq!(names[1], "core.01234567.dmp");
        assert_eq!(names[2], "core.0123456789abcdef.dmp");
        assert_eq!(names[3], OsString::from(format!("core.{mark}.dmp")));
        assert_eq!(names[4], "core.0123456789abcdef-2.dmp");
        let hidden = candidates(OsStr::new(".core"), &mark).nth(1);
        assert_eq!(hidden, Some(OsString::from(".core.01234567")));
    }

    #[test]
    fn every_name_leaves_room_for_a_manifest() {
        let mark = "f".repeat(64);
        for length in [1, 200, 241, 242, 255] {
            for name in ["x".repeat(length), "\u{e9}".repeat(length / 2)] {
                let name = OsString::from(name);
                for candidate in candidates(&name, &mark).take(20) {
                    assert!(manifest(&candidate).len() <= MAX_NAME);
                    assert!(candidate.to_str().is_some());
                }
            }
        }
    }
}
