//! `dumpgate scan`

use super::args::{Level, Scan};
use super::config::{Config, Trust};
use super::judge::{Bytes, Judge};
use super::plan::{Filter, Step, steps};
use super::{Exit, complain, use_color};
use crate::crypto::Fingerprint;
use crate::finding::Proof;
use crate::outcome::{DumpOutcome, Verdict, overall};
use crate::report::{Detail, OUTPUTS, Origin, Reporter};
use crate::source::Source;
use crate::worker::{Given, Options};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
#[cfg(unix)]
use std::time::Duration;

/// Scans what the user named, in that order.
pub fn run(arguments: &Scan) -> Exit {
    match prepare(arguments) {
        Ok((mut judge, filter)) => {
            let mut verdicts = Vec::new();
            match scan_all(arguments, &mut judge, &filter, &mut verdicts) {
                Ok(exit) => exit,
                Err(error) => {
                    complain(&format_args!("failed to write the report: {error}"));
                    // A report that is lost must not lose a key that was found.
                    match overall(verdicts) {
                        Verdict::Found => Exit::Found,
                        _ => Exit::Usage,
                    }
                }
            }
        }
        Err(message) => {
            complain(&message);
            Exit::Usage
        }
    }
}

/// The judge and the filter that the options ask for, or what is wrong with them.
fn prepare(arguments: &Scan) -> Result<(Judge, Filter), String> {
    if arguments
        .paths
        .iter()
        .filter(|path| path.as_os_str() == "-")
        .count()
        > 1
    {
        return Err("standard input can be scanned once only".to_owned());
    }
    let filter =
        Filter::new(&arguments.include, &arguments.exclude).map_err(|error| error.to_string())?;
    let config = Config::find(arguments.config.as_deref(), Trust::User)?;
    let (policy, mut asked) = config.policy(
        arguments.fail_on.map(Proof::from),
        arguments.strict,
        arguments.baseline.as_deref(),
    )?;
    for path in &arguments.public_keys {
        let source =
            Source::read_small(path, MAX_PUBLIC_KEY_FILE).map_err(|error| error.to_string())?;
        asked.push(Given::Keys {
            bytes: source.bytes().to_vec(),
            origin: path.to_string_lossy().into_owned(),
        });
    }
    for text in &arguments.public_key_sha256 {
        let Some(spki_sha256) = Fingerprint::from_hex(text) else {
            return Err(format!(
                "`--public-key-sha256 {}`: expected 64 hexadecimal digits",
                crate::text::printable(text)
            ));
        };
        asked.push(Given::Name(spki_sha256));
    }
    let judge = Judge::new(options(arguments, asked), policy, arguments.quiet)?;
    Ok((judge, filter))
}

/// What was typed, as a worker knows it.
fn options(arguments: &Scan, asked: Vec<Given>) -> Options {
    #[cfg(unix)]
    let (memory, time) = (
        arguments.max_worker_memory,
        arguments.timeout.map(Duration::from_secs),
    );
    #[cfg(not(unix))]
    let (memory, time) = (u64::MAX, None);
    Options {
        threads: arguments.threads.map_or(0, usize::from),
        hash: arguments.hash,
        deep: arguments.deep,
        asked,
        budget: arguments.unpacking.budget(),
        memory,
        time,
    }
}

/// Scans all files; `verdicts` holds what came out so far, even when writing the report fails.
fn scan_all(
    arguments: &Scan,
    judge: &mut Judge,
    filter: &Filter,
    verdicts: &mut Vec<Verdict>,
) -> io::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    let detail = Detail {
        shapes: arguments.shapes || arguments.fail_on == Some(Level::Shape),
        public: arguments.public,
        color: use_color(arguments.color),
        baseline: arguments.baseline.is_some(),
    };
    let output = OUTPUTS
        .iter()
        .find(|output| output.name == arguments.format.name());
    let mut reporter = (output
        .expect("every format of the command line has an output")
        .reporter)(detail);
    let mut skipped = 0usize;
    for step in steps(&arguments.paths, filter) {
        let (path, bytes, origin) = match step {
            Step::Skipped => {
                skipped += 1;
                continue;
            }
            Step::Unreadable(path, error) => (path, Err(error), Origin::Walked),
            Step::Stdin => (PathBuf::from("-"), Bytes::stdin(), Origin::Named),
            Step::File(path, origin) => {
                let bytes = Bytes::open(&path);
                (path, bytes, origin)
            }
        };
        let mut written = Ok(());
        let mut take = |outcome: DumpOutcome| {
            verdicts.push(outcome.verdict);
            written = tell(&outcome, &mut out)
                .and_then(|()| report(&mut *reporter, &outcome, origin, &mut out));
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        match bytes {
            Ok(bytes) => judge.judge(&path, bytes, &mut take),
            Err(error) => _ = take(DumpOutcome::unopened(path, error)),
        }
        written?;
    }
    if skipped > 0 && !arguments.quiet {
        complain(&format_args!(
            "skipped {skipped} entries of directories that are neither files nor directories (links, FIFOs, devices)"
        ));
    }
    let nothing = verdicts.is_empty();
    let verdict = if nothing {
        Verdict::Unopened
    } else {
        overall(verdicts.iter().copied())
    };
    reporter.finish(verdict, &mut out)?;
    out.flush()?;
    if nothing {
        complain(&"no file to scan: the directories given hold none that is wanted");
    }
    Ok(Exit::from(verdict))
}

/// One line on standard error about what is wrong with a file, behind what is reported so far.
fn tell(outcome: &DumpOutcome, out: &mut dyn Write) -> io::Result<()> {
    let Some(error) = &outcome.error else {
        return Ok(());
    };
    out.flush()?;
    match outcome.verdict {
        Verdict::Unopened => complain(error),
        _ => complain(&format_args!(
            "`{}`: {}",
            crate::text::printable(&outcome.place()),
            error.detail()
        )),
    }
    Ok(())
}

fn report(
    reporter: &mut dyn Reporter,
    outcome: &DumpOutcome,
    origin: Origin,
    out: &mut dyn Write,
) -> io::Result<()> {
    reporter.dump(outcome, origin, out)?;
    out.flush()
}

/// Bytes of a file of public keys.
const MAX_PUBLIC_KEY_FILE: u64 = 16 << 20;
