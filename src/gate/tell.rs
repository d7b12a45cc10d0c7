//! What happened, as a line for people or for programs.

use super::names::{Bytes, shown};
use super::{Done, Event, Fate};
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// An event as one line of JSON.
pub fn json_line(event: &Event<'_>) -> String {
    let value = match event {
        Event::Done(done) => {
            let decision = &done.decision;
            let mut value = serde_json::to_value(decision.told()).unwrap_or_default();
            if let Value::Object(fields) = &mut value {
                fields.insert("event".to_owned(), json!("done"));
                fields.insert("to".to_owned(), path(done.path.as_deref()));
                fields.insert("lost".to_owned(), json!(done.lost));
            }
            value
        }
        Event::Left { name, what } => json!({
            "event": "left",
            "name": Bytes::of(name.as_bytes()),
            "what": what,
        }),
        Event::Stuck { path: at, error } => json!({
            "event": "stuck",
            "path": path(Some(at)),
            "error": error.to_string(),
        }),
    };
    value.to_string()
}

fn path(path: Option<&Path>) -> Value {
    path.map_or(Value::Null, |path| {
        serde_json::to_value(Bytes::of(path.as_os_str().as_bytes())).unwrap_or_default()
    })
}

/// What became of a dump, in one line, with all names made safe for a terminal.
pub fn sentence(done: &Done) -> String {
    let decision = &done.decision;
    let deed = match decision.fate {
        Fate::Release => "released   ",
        Fate::Quarantine => "quarantined",
    };
    let mut line = format!("{deed}  {}: {}", shown(&decision.name()), verdict(done));
    if let Some(path) = &done.path {
        // Under its own name it is where everybody looks for it.
        if path.file_name() != Some(&decision.name()) {
            line.push_str(&format!("; now called {}", shown(path.as_os_str())));
        }
    }
    for lost in &done.lost {
        line.push_str(&format!("; not kept: {}", crate::text::printable(lost)));
    }
    line
}

fn verdict(done: &Done) -> String {
    let decision = &done.decision;
    let mut words = decision.verdict().name().to_owned();
    let keys = decision.keys();
    if !keys.is_empty() {
        let noun = if keys.len() == 1 { "key" } else { "keys" };
        words.push_str(&format!(", {} {noun}", keys.len()));
        for key in keys.iter().take(SHOWN_KEYS) {
            let field = |name: &str| key.get(name).and_then(Value::as_str);
            words.push_str(&format!(
                "; {} {}",
                field("kind").unwrap_or_default(),
                field("spki_sha256").unwrap_or("without a known public half")
            ));
            if let Some(name) = field("watched") {
                words.push_str(&format!(
                    ", critical: the watched key `{}`",
                    crate::text::printable(name)
                ));
            }
        }
        if keys.len() > SHOWN_KEYS {
            words.push_str("; …");
        }
    }
    if let Some(doubt) = decision.doubt() {
        words.push_str(&format!("; {}", crate::text::printable(doubt)));
    } else if !decision.reasons().is_empty() {
        words.push_str(&format!("; {}", decision.reasons().join(", ")));
    }
    if decision.dry_run {
        words.push_str("; dry run");
    }
    words
}

/// Keys that are named in a line.
const SHOWN_KEYS: usize = 3;
