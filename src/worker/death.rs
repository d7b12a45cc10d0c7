//! How a worker ended that came to no answer, in the words of an outcome.

use crate::error::Error;
use crate::outcome::{Coverage, DumpOutcome, Missing, Reason, Verdict};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// A worker that came to no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// How it ended.
    pub cause: Cause,
    /// Bytes by which the file was shorter afterwards than when it was opened.
    pub cut: u64,
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By a signal.
    Signal(i32),
    /// By itself, with this exit code.
    Exit(i32),
    /// For want of memory, of which it may have so many bytes.
    OutOfMemory(u64),
    /// By us: it took longer than this.
    TimedOut(Duration),
    /// By us: what it said was not as it should be.
    Malformed,
    /// It never began.
    NotStarted(String),
}

impl Cause {
    /// From how the process ended and the last it said on standard error; `memory` is how many bytes it might have.
    pub fn of(status: ExitStatus, said: &str, memory: u64) -> Self {
        // Rust's runtime says so and aborts; the process has no other way to tell.
        let is_hungry = said.contains("memory allocation of ") && said.contains(" failed");
        match (status.signal(), status.code()) {
            (Some(SIGABRT), _) if is_hungry => Self::OutOfMemory(memory),
            (Some(signal), _) => Self::Signal(signal),
            (None, code) => Self::Exit(code.unwrap_or_default()),
        }
    }

    /// Whether it was told to end, as a service or the programs of a terminal are.
    pub fn is_order(&self) -> bool {
        matches!(self, Self::Signal(SIGTERM | SIGINT))
    }
}

impl Death {
    /// The word reports use.
    pub fn reason(&self) -> Reason {
        match self.cause {
            Cause::Signal(_) | Cause::Exit(_) => Reason::WorkerDied,
            Cause::OutOfMemory(_) => Reason::OutOfMemory,
            Cause::TimedOut(_) => Reason::TimedOut,
            Cause::Malformed | Cause::NotStarted(_) => Reason::InternalError,
        }
    }

    /// What happened, as a sentence about the file.
    pub fn what(&self) -> String {
        let mut what = match &self.cause {
            Cause::Signal(signal) => {
                let (name, meaning) = signal_in_words(*signal);
                format!("the worker that judged it was ended by signal {signal}{name}{meaning}")
            }
            Cause::Exit(code) => format!("the worker that judged it ended with exit code {code}"),
            Cause::OutOfMemory(bytes) => format!(
                "the worker that judged it needed more than the {bytes} bytes of memory it may have \
                 (`--max-worker-memory`)"
            ),
            Cause::TimedOut(time) => format!(
                "the worker that judged it was not done after {} seconds (`--timeout`)",
                time.as_secs_f64()
            ),
            Cause::Malformed => "the worker that judged it gave a malformed answer".to_owned(),
            Cause::NotStarted(why) => format!("no worker to judge it: {why}"),
        };
        if self.cut > 0 {
            let cut = format!("; the file became {} bytes shorter meanwhile", self.cut);
            what.push_str(&cut);
        }
        what
    }

    /// The outcome of the file at `path`, of `size` bytes.
    pub fn outcome(&self, path: PathBuf, size: u64) -> DumpOutcome {
        let missing = vec![Missing {
            offset: 0,
            length: size,
            reason: self.reason(),
        }];
        DumpOutcome {
            size,
            verdict: Verdict::Incomplete,
            coverage: Coverage {
                bytes: size,
                missing,
                ..Coverage::default()
            },
            ..DumpOutcome::unopened(path, Error::worker(self.what()))
        }
    }
}

/// Name of a signal in brackets, and what it tends to mean here.
fn signal_in_words(signal: i32) -> (&'static str, &'static str) {
    match signal {
        SIGABRT => (" (SIGABRT)", ""),
        SIGBUS => (
            " (SIGBUS)",
            ": bytes of the file could not be read any more",
        ),
        SIGKILL => (
            " (SIGKILL)",
            ": by a user, or by a system that ran out of memory",
        ),
        SIGSEGV => (" (SIGSEGV)", ""),
        SIGTERM => (" (SIGTERM)", ""),
        _ => ("", ""),
    }
}

const SIGABRT: i32 = rustix::process::Signal::ABORT.as_raw();
const SIGBUS: i32 = rustix::process::Signal::BUS.as_raw();
const SIGINT: i32 = rustix::process::Signal::INT.as_raw();
const SIGKILL: i32 = rustix::process::Signal::KILL.as_raw();
const SIGSEGV: i32 = rustix::process::Signal::SEGV.as_raw();
const SIGTERM: i32 = rustix::process::Signal::TERM.as_raw();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_by_status_and_last_words() {
        let of = |raw, said: &str| Cause::of(ExitStatus::from_raw(raw), said, 9);
        assert_eq!(of(SIGBUS, ""), Cause::Signal(SIGBUS));
        assert_eq!(of(101 << 8, ""), Cause::Exit(101));
        assert_eq!(of(SIGABRT, ""), Cause::Signal(SIGABRT));
        let said = "memory allocation of 4096 bytes failed\n";
        assert_eq!(of(SIGABRT, said), Cause::OutOfMemory(9));
        assert_eq!(of(SIGKILL, said), Cause::Signal(SIGKILL));
    }

    #[test]
    fn a_death_is_never_clean() {
        for cause in [
            Cause::Signal(11),
            Cause::Exit(0),
            Cause::OutOfMemory(1),
            Cause::TimedOut(Duration::from_secs(1)),
            Cause::Malformed,
            Cause::NotStarted(String::new()),
        ] {
            let death = Death { cause, cut: 0 };
            let mut outcome = death.outcome(PathBuf::from("a"), 7);
            assert_eq!(outcome.reasons(), [death.reason()]);
            crate::policy::Policy::default().judge(&mut outcome);
            assert_eq!(outcome.verdict, Verdict::Incomplete);
        }
    }
}
