//! `dumpgate gate`

use super::args::Gate as Arguments;
use super::{Exit, complain};

/// Brings the dumps in a spool where they belong.
#[cfg(unix)]
pub fn run(arguments: &Arguments) -> Exit {
    match on_unix::run(arguments) {
        Ok(exit) => exit,
        Err(message) => {
            complain(&message);
            Exit::Usage
        }
    }
}

/// Says that it cannot.
#[cfg(not(unix))]
pub fn run(_: &Arguments) -> Exit {
    complain(&"`gate` needs Unix: this system has no renames and locks as it needs them");
    Exit::Usage
}

#[cfg(unix)]
mod on_unix {
    use super::super::args::{Cut, InfoFormat};
    use super::{Arguments, Exit, complain};
    use crate::gate::names::shown;
    use crate::gate::tell::{json_line, sentence};
    use crate::gate::{Done, Event, Fate, Gate, Places, Rules, Truncated};
    use crate::outcome::{Verdict, overall};
    use crate::policy::Policy;
    use crate::worker::Options;
    use std::io::{self, Write};
    use std::time::Duration;

    pub fn run(arguments: &Arguments) -> Result<Exit, String> {
        let places = Places {
            spool: arguments.spool.clone(),
            release: arguments.release.clone(),
            quarantine: arguments.quarantine.clone(),
            audit: arguments.audit.clone(),
        };
        let rules = Rules {
            truncated: match arguments.truncated {
                Cut::Quarantine => Truncated::Quarantine,
                Cut::Release => Truncated::Release,
            },
            dry_run: arguments.dry_run,
            wait: Duration::from_secs(arguments.wait),
        };
        let options = Options {
            threads: arguments.threads.map_or(0, usize::from),
            deep: arguments.deep,
            budget: arguments.unpacking.budget(),
            memory: arguments.max_worker_memory,
            time: arguments.timeout.map(Duration::from_secs),
            ..Options::default()
        };
        let mut gate = Gate::open(&places, rules, options, Policy::default())
            .map_err(|error| error.to_string())?;
        let mut verdicts = Vec::new();
        let mut written = Ok(());
        let round = gate.round(&mut |event| {
            verdicts.push(verdict(event));
            let told = tell(event, arguments.format);
            // The dumps come first: what cannot be told is told at the end, once.
            if written.is_ok() {
                written = told;
            }
        });
        if let Some(head) = gate.log().head() {
            complain(&format_args!(
                "audit log `{}`: {} records, head {}",
                shown(gate.log().path().as_os_str()),
                head.seq,
                head.hash
            ));
        }
        if let Err(error) = round {
            complain(&error);
            verdicts.push(Verdict::Unopened);
        }
        if let Err(error) = written {
            complain(&format_args!("failed to write what was done: {error}"));
            verdicts.push(Verdict::Unopened);
        }
        Ok(Exit::from(overall(verdicts)))
    }

    fn tell(event: &Event<'_>, format: InfoFormat) -> io::Result<()> {
        let line = match (format, event) {
            (InfoFormat::Json, event) => json_line(event),
            (InfoFormat::Text, Event::Done(done)) => sentence(done),
            (InfoFormat::Text, Event::Left { name, what }) => {
                complain(&format_args!("left alone: `{}` is {what}", shown(name)));
                return Ok(());
            }
            (InfoFormat::Text, Event::Stuck { path, error }) => {
                complain(&format_args!(
                    "`{}` is not in its place yet: {error}",
                    shown(path.as_os_str())
                ));
                return Ok(());
            }
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    }

    /// What an event counts for the exit code.
    fn verdict(event: &Event<'_>) -> Verdict {
        match event {
            Event::Done(Done { decision, .. }) => match decision.fate {
                Fate::Release => Verdict::Clean,
                Fate::Quarantine => decision.verdict(),
            },
            Event::Left { .. } => Verdict::Clean,
            Event::Stuck { .. } => Verdict::Incomplete,
        }
    }
}
