//! `dumpgate gate`

use super::gate_args::Gate as Arguments;
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
    use super::super::args::InfoFormat;
    use super::super::log;
    use super::{Arguments, Exit};
    use crate::gate::tell::{json_line, sentence};
    use crate::gate::{Done, Event, Fate, Gate, Places, Rules};
    use crate::outcome::{Verdict, overall};
    use std::io::{self, Write};
    use std::time::Duration;

    pub fn run(arguments: &Arguments) -> Result<Exit, String> {
        log::begin(arguments.judging.log_format);
        let places = Places {
            spool: arguments.spool.clone(),
            release: arguments.release.clone(),
            quarantine: arguments.quarantine.clone(),
            audit: arguments.audit.clone(),
        };
        let judged = arguments.judging.judged(arguments.dry_run)?;
        let rules = Rules {
            wait: Duration::from_secs(arguments.wait),
            ..judged.rules
        };
        let mut gate = Gate::open(&places, rules, judged.options, judged.policy)
            .map_err(|error| error.to_string())?
            .on_found(arguments.on_found.clone())
            .metrics(arguments.metrics.clone());
        let stop = gate.stop();
        stop.on_signals()
            .map_err(|error| format!("failed to listen to signals: {error}"))?;
        // A gate that stays may see any number of dumps: only the worst counts.
        let mut worst = Verdict::Clean;
        let mut written = Ok(());
        let mut each = |event: &Event<'_>| {
            worst = overall([worst, verdict(event)]);
            let told = tell(event, arguments.format);
            // The dumps come first: what cannot be told is told at the end, once.
            if written.is_ok() {
                written = told;
            }
        };
        let round = if arguments.watch {
            gate.watch(Duration::from_secs(arguments.poll), &mut each);
            Ok(())
        } else {
            gate.round(&mut each)
        };
        if arguments.watch {
            worst = Verdict::Clean;
        }
        log::head(&gate);
        if let Err(error) = round {
            tracing::error!("{error}");
            worst = overall([worst, Verdict::Unopened]);
        }
        if let Err(error) = written {
            tracing::error!("failed to write what was done: {error}");
            worst = overall([worst, Verdict::Unopened]);
        }
        Ok(Exit::from(worst))
    }

    fn tell(event: &Event<'_>, format: InfoFormat) -> io::Result<()> {
        let line = match (format, event) {
            (InfoFormat::Json, event) => json_line(event),
            (InfoFormat::Text, Event::Done(done)) => sentence(done),
            (InfoFormat::Text, Event::Left { name, what }) => {
                log::left(name, what);
                return Ok(());
            }
            (InfoFormat::Text, Event::Stuck { path, error }) => {
                log::stuck(path, error);
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
