//! The entries of a baseline.

use super::human::{CAUTION, paint};
use crate::policy::baseline::{Baseline, Entry};
use crate::text::printable;
use serde::Serialize;
use std::io::{self, Write};
use time::Date;

#[derive(Serialize)]
struct List {
    schema_version: u32,
    entries: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    spki_sha256: String,
    until: String,
    days_left: i64,
    expired: bool,
    added: Option<String>,
    reason: String,
}

impl Row {
    fn new(entry: &Entry, today: Date) -> Self {
        Self {
            spki_sha256: entry.spki_sha256.to_string(),
            until: entry.until.to_string(),
            days_left: entry.days_left(today),
            expired: entry.is_expired(today),
            added: entry.added.map(|date| date.to_string()),
            reason: entry.reason.clone(),
        }
    }
}

/// Writes the entries of `baseline` as they stand on `today`, those that end first at the top: for people,
/// or as a JSON document.
///
/// # Errors
/// When `out` fails.
pub fn write_baseline(
    baseline: &Baseline,
    today: Date,
    as_json: bool,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut entries: Vec<&Entry> = baseline.entries().collect();
    entries.sort_by_key(|entry| (entry.until, entry.spki_sha256));
    let rows = entries.iter().map(|entry| Row::new(entry, today));
    if as_json {
        let list = List {
            schema_version: super::json::SCHEMA_VERSION,
            entries: rows.collect(),
        };
        serde_json::to_writer_pretty(&mut *out, &list)?;
        return writeln!(out);
    }
    let mut expired = 0;
    for row in rows {
        let left = match row.days_left {
            0 => "last day".to_owned(),
            1 => "1 day left".to_owned(),
            days if days > 0 => format!("{days} days left"),
            _ => {
                expired += 1;
                "expired".to_owned()
            }
        };
        let padded = format!("{left:<15}");
        let left = match row.expired {
            true => paint(color, CAUTION, &padded),
            false => padded,
        };
        let reason = printable(&row.reason);
        writeln!(out, "{}  {}  {left}  {reason}", row.spki_sha256, row.until)?;
    }
    let number = entries.len();
    let keys = if number == 1 {
        "1 entry"
    } else {
        &format!("{number} entries")
    };
    match expired {
        0 => writeln!(out, "{keys}"),
        _ => writeln!(out, "{keys}, {expired} expired"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::baseline::date;

    #[test]
    fn entries_are_listed_by_their_last_day() {
        let name = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";
        let mut text = "version = 1\n".to_owned();
        for (digit, until) in [
            ("1", "2027-01-03"),
            ("2", "2026-12-31"),
            ("3", "2027-01-01"),
            ("4", "2027-01-02"),
        ] {
            let name = name.replacen('5', digit, 1);
            text += &format!(
                "[[key]]\nspki_sha256 = \"{name}\"\nreason = \"for \u{202e}{digit}\"\nuntil = {until}\n"
            );
        }
        let baseline = Baseline::parse(&text).unwrap();
        let mut out = Vec::new();
        write_baseline(
            &baseline,
            date("2027-01-01").unwrap(),
            false,
            false,
            &mut out,
        )
        .unwrap();
        let rest = &name[1..];
        let wanted = format!(
            "2{rest}  2026-12-31  expired          for \\u{{202e}}2\n\
             3{rest}  2027-01-01  last day         for \\u{{202e}}3\n\
             4{rest}  2027-01-02  1 day left       for \\u{{202e}}4\n\
             1{rest}  2027-01-03  2 days left      for \\u{{202e}}1\n\
             4 entries, 1 expired\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }
}
