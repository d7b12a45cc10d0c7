//! `dumpgate scan`

use super::args::{Level, Scan};
use super::plan::{Filter, Step, steps};
use super::progress::Bar;
use super::{Exit, complain, use_color};
use crate::crypto::Fingerprint;
use crate::outcome::{DumpOutcome, Verdict, overall};
use crate::policy::Policy;
use crate::policy::baseline::Baseline;
use crate::report::{Detail, OUTPUTS, Origin, Reporter};
use crate::scan::{Progress, Question, Scanner};
use crate::source::Source;
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Scans what the user named, in that order.
pub fn run(arguments: &Scan) -> Exit {
    match prepare(arguments) {
        Ok((scanner, filter)) => {
            let mut verdicts = Vec::new();
            match scan_all(arguments, &scanner, &filter, &mut verdicts) {
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

/// The scanner and the filter that the options ask for, or what is wrong with them.
fn prepare(arguments: &Scan) -> Result<(Scanner, Filter), String> {
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
    let baseline = match &arguments.baseline {
        Some(path) => Baseline::read(path).map_err(|error| error.to_string())?,
        None => Baseline::default(),
    };
    let policy = Policy::default()
        .fail_on(arguments.fail_on.into())
        .strict(arguments.strict)
        .baseline(baseline);
    let threads = arguments.threads.map_or(0, usize::from);
    let builder = || {
        let builder = Scanner::builder()
            .threads(threads)
            .hash(arguments.hash)
            .deep(arguments.deep);
        builder.policy(policy.clone())
    };
    let scanner = builder()
        .build()
        .map_err(|error| format!("failed to start threads: {error}"))?;
    let mut questions: Vec<Question> = Vec::new();
    for path in &arguments.public_keys {
        let source =
            Source::read_small(path, MAX_PUBLIC_KEY_FILE).map_err(|error| error.to_string())?;
        let found = scanner.harvest(&source);
        if found.is_empty() {
            return Err(format!(
                "`{}`: expected a public key or certificate, found none",
                path.display()
            ));
        }
        let origin = path.to_string_lossy().into_owned();
        questions.extend(found.into_iter().map(|identity| Question {
            spki_sha256: identity.fingerprint(),
            identity: Some(identity),
            origin: Some(origin.clone()),
        }));
    }
    for text in &arguments.public_key_sha256 {
        let Some(spki_sha256) = Fingerprint::from_hex(text) else {
            return Err(format!(
                "`--public-key-sha256 {}`: expected 64 hexadecimal digits",
                crate::text::printable(text)
            ));
        };
        questions.push(Question {
            spki_sha256,
            identity: None,
            origin: None,
        });
    }
    let mut named = HashSet::new();
    questions.retain(|question| named.insert(question.spki_sha256));
    if questions.is_empty() {
        return Ok((scanner, filter));
    }
    let scanner = builder()
        .asked(questions)
        .build()
        .map_err(|error| format!("failed to start threads: {error}"))?;
    Ok((scanner, filter))
}

/// Scans all files; `verdicts` holds what came out so far, even when writing the report fails.
fn scan_all(
    arguments: &Scan,
    scanner: &Scanner,
    filter: &Filter,
    verdicts: &mut Vec<Verdict>,
) -> io::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    let detail = Detail {
        shapes: arguments.shapes || arguments.fail_on == Level::Shape,
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
    let budget = arguments.unpacking.budget();
    for step in steps(&arguments.paths, filter) {
        let (path, source, origin) = match step {
            Step::Skipped => {
                skipped += 1;
                continue;
            }
            Step::Unreadable(path, error) => (path, Err(error), Origin::Walked),
            Step::Stdin => (PathBuf::from("-"), Source::stdin(), Origin::Named),
            Step::File(path, origin) => {
                let source = Source::open(&path);
                (path, source, origin)
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
        match source {
            Ok(source) => {
                let watch = |name: &str, _: u64| -> Box<dyn Progress> {
                    Box::new(Bar::new(Path::new(name), arguments.quiet))
                };
                scanner.scan_packed(&path, source, &budget, &watch, &mut take);
            }
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
