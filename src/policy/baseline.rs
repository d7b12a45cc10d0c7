//! The baseline: keys that a user accepts in his dumps, each with a reason and a last day.
//!
//! ```toml
//! version = 1
//!
//! [[key]]
//! spki_sha256 = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e"
//! reason = "test signer of staging"
//! until = 2027-03-31
//! added = 2026-11-21
//! ```
//!
//! A key is accepted by its name, never by a path. Whatever is not understood is an error: a baseline that
//! is half read would accept more or less than its author meant.

use crate::crypto::Fingerprint;
use crate::error::Error;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use time::{Date, Month};
use toml_edit::{Document, Item, Key, Table};

/// The accepted keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<Fingerprint, Entry>,
}

/// One accepted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its public half.
    pub spki_sha256: Fingerprint,
    /// Why it is accepted: one line.
    pub reason: String,
    /// The last day on which it is accepted, in UTC.
    pub until: Date,
    /// The day on which it was accepted.
    pub added: Option<Date>,
    /// The line of its file on which it begins; 0 for one that is in no file yet.
    pub line: usize,
}

impl Entry {
    /// Whether its last day is before `today`.
    pub fn is_expired(&self, today: Date) -> bool {
        self.until < today
    }

    /// Days from `today` to its last day; negative once that has passed.
    pub fn days_left(&self, today: Date) -> i64 {
        (self.until - today).whole_days()
    }
}

impl Baseline {
    /// The baseline in the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read or is no baseline; the error names the line.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&text(path)?).map_err(|error| error.at_path(path))
    }

    /// The baseline in a text.
    ///
    /// # Errors
    /// When it is none; the error names the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // The parser's own rendering of an error would quote the line, and someone may name a file of keys.
        let document = Document::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            Error::at_line(line(text, at), "TOML", error.message())
        })?;
        let reader = Reader { text };
        let mut version = None;
        let mut baseline = Self::default();
        for (name, key, item) in fields(&document) {
            match name {
                "version" => version = Some(reader.version(item)?),
                "key" => {
                    let tables = item.as_array_of_tables().ok_or_else(|| {
                        reader.unexpected(key, "tables that begin with `[[key]]`", item)
                    })?;
                    for table in tables {
                        baseline.insert(reader.entry(table)?)?;
                    }
                }
                _ => return Err(reader.unknown(key, "`version` or `[[key]]`")),
            }
        }
        match version {
            Some(()) => Ok(baseline),
            None => Err(Error::at_line(1, "`version = 1`", "no version")),
        }
    }

    /// The entry of a key.
    pub fn get(&self, key: Fingerprint) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// All entries, by fingerprint.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    fn insert(&mut self, entry: Entry) -> Result<(), Error> {
        if let Some(first) = self.entries.get(&entry.spki_sha256) {
            let found = format!("{} again, as on line {}", entry.spki_sha256, first.line);
            return Err(Error::at_line(entry.line, "one entry a key", found));
        }
        self.entries.insert(entry.spki_sha256, entry);
        Ok(())
    }
}

/// The text of a baseline's file.
///
/// # Errors
/// When it cannot be read, is no UTF-8 text or too long for a baseline.
pub fn text(path: &Path) -> Result<String, Error> {
    let failed = |cause| Error::io("read", cause).at_path(path);
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_FILE {
        let cause = format!("larger than {MAX_FILE} bytes");
        return Err(failed(io::Error::other(cause)));
    }
    Ok(text)
}

/// The date written `2027-03-31`; `None` when `text` is anything else.
pub fn date(text: &str) -> Option<Date> {
    let mut fields = text.splitn(3, '-');
    let mut number = |digits: usize| {
        let field = fields.next()?;
        let is_plain = field.len() == digits && field.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| field.parse::<u16>().ok())?
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    civil(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

/// `text` if it may be a reason: one line, neither empty nor too long.
pub fn reason(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_line = !text.is_empty() && !text.contains(char::is_control);
    (is_line && text.chars().count() <= MAX_REASON).then_some(text)
}

/// What a reason must be.
pub const REASON: &str = "a reason: one line of 1 to 200 characters";

fn civil(year: u16, month: u8, day: u8) -> Option<Date> {
    Date::from_calendar_date(i32::from(year), Month::try_from(month).ok()?, day).ok()
}

/// Names, keys and values of a table, in the order of the file.
pub(super) fn fields(table: &Table) -> impl Iterator<Item = (&str, &Key, &Item)> {
    table.iter().filter_map(|(name, _)| {
        let (key, item) = table.get_key_value(name)?;
        Some((name, key, item))
    })
}

/// The line of the byte at `at`, counted from 1.
pub(super) fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Reads fields, and knows where in the text they stand.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
}

impl Reader<'_> {
    pub(super) fn version(&self, item: &Item) -> Result<(), Error> {
        match item.as_integer() {
            Some(1) => Ok(()),
            Some(other) => Err(self.fault(item.span(), "`version = 1`", &other.to_string())),
            None => Err(self.fault(item.span(), "`version = 1`", item.type_name())),
        }
    }

    fn entry(&self, table: &Table) -> Result<Entry, Error> {
        let (mut name, mut why, mut until, mut added) = (None, None, None, None);
        for (field, key, item) in fields(table) {
            match field {
                "spki_sha256" => name = Some(self.fingerprint(item)?),
                "reason" => why = Some(self.reason(item)?),
                "until" => until = Some(self.date(item)?),
                "added" => added = Some(self.date(item)?),
                _ => {
                    let expected = "`spki_sha256`, `reason`, `until` or `added`";
                    return Err(self.unknown(key, expected));
                }
            }
        }
        let missing = |field: &str| {
            let expected = format!("an entry with `{field}`");
            self.fault(table.span(), &expected, "one without")
        };
        Ok(Entry {
            spki_sha256: name.ok_or_else(|| missing("spki_sha256"))?,
            reason: why.ok_or_else(|| missing("reason"))?,
            until: until.ok_or_else(|| missing("until"))?,
            added,
            line: self.line(table.span()),
        })
    }

    pub(super) fn fingerprint(&self, item: &Item) -> Result<Fingerprint, Error> {
        let read = item.as_str().and_then(Fingerprint::from_hex);
        read.ok_or_else(|| {
            self.fault(
                item.span(),
                "the SHA-256 of a public key in 64 hexadecimal digits",
                "something else",
            )
        })
    }

    fn reason(&self, item: &Item) -> Result<String, Error> {
        let read = item.as_str().and_then(reason).map(str::to_owned);
        read.ok_or_else(|| self.fault(item.span(), REASON, "something else"))
    }

    fn date(&self, item: &Item) -> Result<Date, Error> {
        let read = item
            .as_datetime()
            .filter(|value| value.time.is_none() && value.offset.is_none())
            .and_then(|value| value.date)
            .and_then(|date| civil(date.year, date.month, date.day));
        let found = match item.as_str() {
            Some(_) => "a string",
            None => "something else",
        };
        let expected = "a date without quotes, as 2027-03-31";
        read.ok_or_else(|| self.fault(item.span(), expected, found))
    }

    pub(super) fn unexpected(&self, key: &Key, expected: &str, found: &Item) -> Error {
        self.fault(key.span(), expected, found.type_name())
    }

    /// A field nobody knows. Only a short word is quoted: it may come out of any file.
    pub(super) fn unknown(&self, key: &Key, expected: &str) -> Error {
        let name = key.get();
        let is_word = name.len() <= MAX_WORD
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-');
        let found = if is_word {
            format!("`{name}`")
        } else {
            "another field".to_owned()
        };
        self.fault(key.span(), expected, &found)
    }

    pub(super) fn fault(
        &self,
        span: Option<std::ops::Range<usize>>,
        expected: &str,
        found: &str,
    ) -> Error {
        Error::at_line(self.line(span), expected, found)
    }

    fn line(&self, span: Option<std::ops::Range<usize>>) -> usize {
        line(self.text, span.map_or(0, |span| span.start))
    }
}

/// Bytes of a baseline: some ten thousand entries.
const MAX_FILE: u64 = 4 << 20;

/// Characters of a reason.
const MAX_REASON: usize = 200;

/// Bytes of a field's name that is quoted.
const MAX_WORD: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";

    fn refused(text: &str) -> String {
        Baseline::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn entries_are_read() {
        let text = format!(
            "# why\nversion = 1\n\n[[key]]\nspki_sha256 = \"{NAME}\"\nreason = \" staging \" # ours\nuntil = 2027-03-31\nadded = 2026-11-21\n"
        );
        let baseline = Baseline::parse(&text).unwrap();
        let entry = baseline.get(Fingerprint::from_hex(NAME).unwrap()).unwrap();
        assert_eq!(entry.reason, "staging");
        assert_eq!(entry.until.to_string(), "2027-03-31");
        assert_eq!(entry.added.unwrap().to_string(), "2026-11-21");
        assert_eq!(entry.line, 4);
        assert_eq!(entry.days_left(date("2027-03-30").unwrap()), 1);
        assert_eq!(entry.days_left(date("2027-04-02").unwrap()), -2);
        assert!(Baseline::parse("version = 1\n").unwrap().entries.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let entry = format!("[[key]]\nspki_sha256 = \"{NAME}\"\nreason = \"r\"\n");
        let dated = format!("{entry}until = 2027-03-31\n");
        for (text, wanted) in [
            (String::new(), "line 1: expected `version = 1`"),
            (
                "version = 2\n".to_owned(),
                "line 1: expected `version = 1`, found 2",
            ),
            (dated.clone(), "expected `version = 1`, found no version"),
            (
                "version = 1\nfoo = 3\n".to_owned(),
                "line 2: expected `version` or `[[key]]`, found `foo`",
            ),
            (
                "version = 1\nkey = 3\n".to_owned(),
                "line 2: expected tables that begin with `[[key]]`",
            ),
            (
                "version = 1\n[key]\n".to_owned(),
                "line 2: expected tables that begin with `[[key]]`",
            ),
            (
                "version = 1\n[[key]]\n".to_owned(),
                "line 2: expected an entry with `spki_sha256`",
            ),
            (
                format!("version = 1\n\n{entry}"),
                "line 3: expected an entry with `until`",
            ),
            (
                format!("version = 1\n{dated}pfad = 1\n"),
                "line 6: expected `spki_sha256`, `reason`, `until` or `added`, found `pfad`",
            ),
            (
                format!("version = 1\n{entry}until = \"2027-03-31\"\n"),
                "line 5: expected a date without quotes, as 2027-03-31, found a string",
            ),
            (
                format!("version = 1\n{entry}until = 2027-03-31T00:00:00Z\n"),
                "line 5: expected a date",
            ),
            (
                format!("version = 1\n{entry}until = 2027-02-30\n"),
                "line 5: expected ",
            ),
            (
                format!("version = 1\n{dated}\n{dated}"),
                "line 7: expected one entry a key, found 5bd7",
            ),
            (
                format!("version = 1\n{}", dated.replace("5bd7", "5bdx")),
                "line 3: expected the SHA-256",
            ),
            (
                format!("version = 1\n{}", dated.replace("\"r\"", "\"\"")),
                "line 4: expected a reason",
            ),
            (
                format!("version = 1\n{}", dated.replace("\"r\"", "\"a\\nb\"")),
                "line 4: expected a reason",
            ),
            (
                format!("version = 1\n{dated}until = 2027-03-31\n"),
                "line 6: expected TOML, found duplicate key",
            ),
            (
                "version = 1\nkey\n".to_owned(),
                "line 2: expected TOML, found ",
            ),
        ] {
            let error = refused(&text);
            assert!(error.contains(wanted), "{text}\n{error}\n{wanted}");
        }
    }

    #[test]
    fn an_error_quotes_no_text_of_the_file() {
        let secret = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC";
        for text in [
            format!("-----BEGIN PRIVATE KEY-----\n{secret}=\n"),
            format!("version = 1\n{secret} = 1\n"),
            format!("version = 1\n{secret}=\n"),
            format!("version = \"{secret}\"\n"),
            format!("version = 1\nkey = \"{secret}\"\n"),
            format!("version = 1\n[{secret}]\n"),
            format!("version = 1\n[[key]]\n{secret} = 1\n"),
            format!("version = 1\n[[key]]\nspki_sha256 = \"{secret}\"\n"),
            format!("version = 1\n[[key]]\nuntil = \"{secret}\"\n"),
            format!("version = 1\n[[key]]\nreason = \"\"\"\n{secret}\n\"\"\"\n"),
            format!("version = 1\n[[key]]\nreason = {secret}\n"),
        ] {
            let error = Baseline::parse(&text).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(
                !secret
                    .as_bytes()
                    .windows(8)
                    .any(|mark| { said.as_bytes().windows(8).any(|window| window == mark) }),
                "{said}"
            );
        }
    }

    #[test]
    fn dates_are_strict() {
        assert_eq!(date("2028-02-29").unwrap().to_string(), "2028-02-29");
        for wrong in [
            "",
            "2027-2-3",
            "2027-02-29",
            "2027-13-01",
            "20270331",
            "2027-03-31 ",
            "+027-03-31",
            "2027-03-31-1",
        ] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
