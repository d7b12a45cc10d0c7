//! What a SARIF log says in words.

use super::log::Level;
use crate::finding::{Finding, Place, Standing};
use crate::outcome::{DumpOutcome, Missing, Note, Reason, Verdict};
use crate::report::{places, text};
use crate::text::printable;

/// Something to tell of a dump besides its findings.
pub struct Left {
    /// Its kind: a reason or a note.
    pub id: &'static str,
    pub level: Level,
    pub words: String,
    /// Where in the dump, in bytes.
    pub offset: Option<u64>,
    /// How much of it, in bytes, where that is known.
    pub length: Option<u64>,
}

/// Hostile text as part of a message. Readers take `[a](b)` for a link and `{0}` for a gap to be filled.
pub fn plain(text: &str) -> String {
    printable(text)
        .chars()
        .map(|character| match character {
            '[' | '{' => '(',
            ']' | '}' => ')',
            other => other,
        })
        .collect()
}

/// Kind, size, proof and name of a key, and how many places it has.
pub fn finding(finding: &Finding) -> String {
    let proof = text::proof(finding);
    let proof = proof.split(" [").next().unwrap_or(proof);
    let mut words = format!("{}: {proof}.", text::name(finding));
    if let Some(name) = finding.spki_sha256 {
        words += &format!(" Public key (SPKI SHA-256) {name}");
        words += match finding.e_assumed {
            true => ", if its exponent is 65537.",
            false => ".",
        };
    }
    if let Some(key_id) = &finding.key_id {
        words += &format!(" Key ID {}.", plain(key_id));
    }
    let number = finding.places.len() as u64 + finding.places_omitted;
    words += &match (number, finding.places_omitted) {
        (1, _) => " 1 place.".to_owned(),
        (_, 0) => format!(" {number} places."),
        (_, omitted) => format!(" {number} places, {omitted} of them not listed."),
    };
    if let Standing::Below(demanded) = finding.standing {
        let demanded = demanded.name();
        words += &format!(" Below --fail-on {demanded}: does not count.");
    }
    if finding.standing == Standing::Ignored {
        words += " The policy names other kinds: does not count.";
    }
    if let Some(name) = &finding.watched {
        words += &format!(" Critical: the watched key {}.", plain(name));
    }
    if let Some(entry) = finding.accepted.as_ref().filter(|entry| entry.expired) {
        words += &format!(
            " Baseline entry expired on {}: {}.",
            entry.until,
            plain(&entry.reason)
        );
    }
    if let Some(source) = finding.known {
        words += &format!(" Known test key: {}.", plain(source));
    }
    words
}

/// Why a finding does not count though its proof is enough, if so.
pub fn justification(finding: &Finding) -> Option<String> {
    match finding.standing {
        Standing::Accepted => {
            let entry = finding.accepted.as_ref();
            Some(entry.map_or_else(String::new, |entry| {
                let reason = printable(&entry.reason);
                format!("accepted by the baseline until {}: {reason}", entry.until)
            }))
        }
        Standing::Known => {
            let source = finding.known.unwrap_or_default();
            Some(format!("known test key, which everyone has: {source}"))
        }
        Standing::Counts | Standing::Below(_) | Standing::Ignored => None,
    }
}

/// What lies in piece `index` of the `number` pieces of a place.
pub fn place(place: &Place, index: usize, number: usize) -> String {
    let words = plain(&places::words(place));
    match number {
        0 | 1 => words,
        _ => format!("{words}; piece {} of {number}", index + 1),
    }
}

/// What of a dump was not examined: one entry a fault, and one for each other reason.
pub fn left_out(outcome: &DumpOutcome) -> Vec<Left> {
    let mut left: Vec<Left> = outcome
        .faults
        .iter()
        .map(|fault| Left {
            id: fault.reason.name(),
            level: Level::Error,
            words: format!("not examined: {}", plain(&fault.error().detail())),
            offset: Some(fault.offset),
            length: None,
        })
        .collect();
    // The faults come first in what is missing.
    let others = outcome.coverage.missing.get(outcome.faults.len()..);
    let others = others.unwrap_or_default();
    let mut reasons: Vec<Reason> = others.iter().map(|missing| missing.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let mut these = others.iter().filter(|missing| missing.reason == reason);
        let first = these.next();
        let more = these.count();
        left.push(Left {
            id: reason.name(),
            level: Level::Error,
            words: format!("not examined: {}", missing(outcome, reason, more)),
            offset: first
                .filter(|_| reason != Reason::Unreadable)
                .map(|missing| missing.offset),
            length: first.and_then(known_length),
        });
    }
    let is_complete = outcome.coverage.scanned == outcome.coverage.bytes;
    let is_complete =
        is_complete && !matches!(outcome.verdict, Verdict::Incomplete | Verdict::Unopened);
    if left.is_empty() && !is_complete {
        left.push(Left {
            id: "incomplete",
            level: Level::Error,
            words: format!(
                "not examined: {} of {} bytes were searched",
                outcome.coverage.scanned, outcome.coverage.bytes
            ),
            offset: None,
            length: None,
        });
    }
    left
}

/// What is worth knowing of a dump and makes no difference.
pub fn notes(outcome: &DumpOutcome) -> Vec<Left> {
    let note = |note: &Note| {
        let (words, offset) = match *note {
            Note::EmbeddedContainer {
                format,
                offset,
                count,
            } => (
                format!("packed files in it, not opened: {count}, {format}"),
                Some(offset),
            ),
            Note::EmptyContainer => (
                format!("this {} file holds no member", outcome.format),
                None,
            ),
        };
        Left {
            id: note.name(),
            level: Level::Note,
            words,
            offset,
            length: None,
        }
    };
    outcome.notes.iter().map(note).collect()
}

fn known_length(missing: &Missing) -> Option<u64> {
    (missing.length > 0).then_some(missing.length)
}

fn missing(outcome: &DumpOutcome, reason: Reason, more: usize) -> String {
    let what = match reason {
        Reason::Unreadable => {
            let error = outcome.error.as_ref();
            let cause = error.map(|error| plain(&error.detail()));
            format!("this file: {}", cause.unwrap_or_default())
        }
        Reason::Truncated => {
            "bytes that the dump's own tables name: the file ends before them".to_owned()
        }
        Reason::ContainerNotOpened => format!(
            "what is packed in this {} file; only its packed bytes were scanned",
            outcome.format
        ),
        Reason::LimitReached => "more than a limit allows: there is more than is listed".to_owned(),
        Reason::InternalError => "this file: the scanner failed on it".to_owned(),
        Reason::WorkerDied => {
            "this file: the process that judged it ended before it had an answer".to_owned()
        }
        Reason::OutOfMemory => {
            "this file: the process that judged it wanted more memory than it may have".to_owned()
        }
        Reason::TimedOut => "this file: it was not judged in the time given".to_owned(),
        Reason::Encrypted
        | Reason::UnsupportedMethod
        | Reason::Damaged
        | Reason::BudgetReached
        | Reason::NoRoom => "no more of this member could be unpacked".to_owned(),
    };
    match more {
        0 => what,
        _ => format!("{what} (and {more} more parts, for the same reason)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_makes_no_link_and_no_gap() {
        assert_eq!(plain("a[b](c){0}\n\u{1b}"), "a(b)(c)(0)\\u(a)\\u(1b)");
    }
}
