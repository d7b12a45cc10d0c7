//! The answer to "is this key in it?", in so many words.

use crate::finding::Kind;
use crate::outcome::{Answer, Asked, DumpOutcome, Reason};
use crate::text::printable;

/// Question and answer, a line each.
pub fn lines(asked: &Asked, outcome: &DumpOutcome) -> [String; 2] {
    let key = asked.key.map_or_else(
        || "the key".to_owned(),
        |(algorithm, bits)| {
            let kind = Kind::Private(algorithm).name();
            format!("{} {bits}", kind.trim_end_matches("-private-key"))
        },
    );
    let origin = asked
        .origin
        .as_ref()
        .map(|origin| format!(" ({})", printable(origin)))
        .unwrap_or_default();
    let question = format!("asked for: {key} {}{origin}", asked.spki_sha256);
    [question, answer(asked, outcome)]
}

/// What the answers rest on, a line each: every search that ran, whether it came to its end and what it covered, and what
/// was not run.
pub fn searched(outcome: &DumpOutcome) -> Vec<String> {
    let ran = outcome.searches.iter().map(|search| {
        let state = match search.complete {
            true => "complete",
            false => "cut short",
        };
        (search.name, state, &*search.scope)
    });
    let not_run = outcome.not_run.iter();
    let not_run = not_run.map(|search| (search.name, "not run", search.scope));
    let rows: Vec<_> = ran.chain(not_run).collect();
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let lines = rows
        .iter()
        .map(|(name, state, scope)| format!("{name:<width$}  {state:<9}  {scope}"));
    lines.collect()
}

fn answer(asked: &Asked, outcome: &DumpOutcome) -> String {
    let limits = but(outcome);
    match asked.answer {
        Answer::Found(proof) => {
            format!(
                "IS IN THE DUMP: its private half is listed above ({})",
                proof.name()
            )
        }
        Answer::NotFound { public_places } => {
            let public = match public_places {
                0 => "its public half is not in the dump either".to_owned(),
                1 => "its public half is, in 1 place".to_owned(),
                places => format!("its public half is, in {places} places"),
            };
            format!(
                "its private half was not found, neither in a written form nor as raw numbers; {public}{limits}"
            )
        }
        Answer::NotFoundWritten => format!(
            "its private half was not found in a written form; as raw numbers it could not be looked for, since no \
             public key of this name is in the dump and only the fingerprint was given (`--public-keys` takes the key itself){}{limits}",
            nameless(outcome)
        ),
    }
}

/// Keys that are there under a name that may not be theirs.
fn nameless(outcome: &DumpOutcome) -> String {
    let findings = outcome.findings.iter();
    match findings.filter(|finding| finding.e_assumed).count() {
        0 => String::new(),
        1 => "; it may be the key listed above whose public exponent nothing tells".to_owned(),
        count => {
            format!(
                "; it may be one of the {count} keys listed above whose public exponents nothing tells"
            )
        }
    }
}

/// What keeps a "not found" from being a "not there": a word, and in so many words.
pub fn limits(outcome: &DumpOutcome) -> Vec<[&'static str; 2]> {
    let mut limits = Vec::new();
    let is_whole = outcome
        .coverage
        .missing
        .iter()
        .all(|missing| missing.reason == Reason::LimitReached);
    if !is_whole {
        limits.push(["not-whole", "a part of the dump could not be examined"]);
    }
    if outcome.searches.iter().any(|search| !search.complete) {
        limits.push(["search-cut", "a search was cut short by a limit"]);
    }
    if !outcome.not_run.is_empty() {
        limits.push(["not-deep", "`--deep` was not asked for"]);
    }
    limits
}

/// The same behind an answer.
fn but(outcome: &DumpOutcome) -> String {
    let limits = limits(outcome);
    let words: Vec<&str> = limits.iter().map(|[_, words]| *words).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("; but {}", words.join(", and "))
    }
}
