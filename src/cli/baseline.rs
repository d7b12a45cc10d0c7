//! `dumpgate baseline`

use super::args::{Add, Baseline as Arguments, InfoFormat, List};
use super::{Exit, complain, use_color};
use crate::crypto::Fingerprint;
use crate::policy;
use crate::policy::baseline::{self, Baseline, Entry};
use crate::policy::baseline_edit::{BaselineEdit, Duplicate};
use crate::report::{reread, write_baseline};
use crate::source::Source;
use std::io::{self, Write};

/// Adds to a baseline or lists it.
pub fn run(arguments: &Arguments) -> Exit {
    let done = match arguments {
        Arguments::Add(arguments) => add(arguments),
        Arguments::List(arguments) => list(arguments),
    };
    match done {
        Ok(()) => Exit::Clean,
        Err(message) => {
            complain(&message);
            Exit::Usage
        }
    }
}

fn add(arguments: &Add) -> Result<(), String> {
    let today = policy::today();
    let reason = baseline::reason(&arguments.reason)
        .ok_or_else(|| format!("`--reason`: expected {}", baseline::REASON))?;
    let until =
        baseline::date(&arguments.until).ok_or("`--until`: expected a date, as 2027-03-31")?;
    if until < today {
        return Err(format!(
            "`--until`: expected a day that is not over, found {until}; today is {today} in UTC"
        ));
    }
    let keys = keys(arguments)?;
    let duplicate = match arguments.replace {
        true => Duplicate::Replace,
        false => Duplicate::Refuse,
    };
    let say = |error: crate::error::Error| match duplicate {
        Duplicate::Refuse => format!("{error}; `--replace` changes an entry"),
        Duplicate::Replace => error.to_string(),
    };
    let mut edit = BaselineEdit::open(&arguments.file).map_err(|error| error.to_string())?;
    for &spki_sha256 in &keys {
        let entry = Entry {
            spki_sha256,
            reason: reason.to_owned(),
            until,
            added: Some(today),
            line: 0,
        };
        edit.add(&entry, duplicate).map_err(say)?;
    }
    edit.save().map_err(|error| error.to_string())?;
    let mut out = io::stdout().lock();
    keys.iter()
        .try_for_each(|key| writeln!(out, "accepted until {until}: {key}"))
        .and_then(|()| out.flush())
        .map_err(|error| format!("failed to write what was accepted: {error}"))
}

/// The keys to add, each once.
fn keys(arguments: &Add) -> Result<Vec<Fingerprint>, String> {
    let mut keys = Vec::new();
    for text in &arguments.key {
        let key = Fingerprint::from_hex(text)
            .ok_or("`--key`: expected the SHA-256 of a public key in 64 hexadecimal digits")?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if let Some(path) = &arguments.from {
        let source = Source::open(path).map_err(|error| error.to_string())?;
        let reported = reread::keys(source.bytes()).map_err(|error| {
            format!(
                "`{}`: {error}",
                crate::text::printable(&path.to_string_lossy())
            )
        })?;
        if reported.unnamed > 0 {
            complain(&format_args!(
                "{} of the report have no known public half and cannot be accepted",
                match reported.unnamed {
                    1 => "1 key".to_owned(),
                    number => format!("{number} keys"),
                }
            ));
        }
        for key in reported.keys {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    if keys.is_empty() {
        return Err("no key to accept: the report names none that counts".to_owned());
    }
    Ok(keys)
}

fn list(arguments: &List) -> Result<(), String> {
    let baseline = Baseline::read(&arguments.file).map_err(|error| error.to_string())?;
    let as_json = arguments.format == InfoFormat::Json;
    let color = use_color(arguments.color);
    let mut out = io::stdout().lock();
    write_baseline(&baseline, policy::today(), as_json, color, &mut out)
        .and_then(|()| out.flush())
        .map_err(|error| format!("failed to write: {error}"))
}
