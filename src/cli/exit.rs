//! How the process ends.

use crate::outcome::Verdict;
use std::process::{ExitCode, Termination};

/// The exit codes. A panic ends with 101, a signal with a code of its own: neither looks like one of
/// these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: every byte was looked at and no key was found.
    Clean,
    /// 1: a private key was found.
    Found,
    /// 2: the command line makes no sense, or a file could not be opened.
    Usage,
    /// 3: something was not examined.
    Incomplete,
    /// That of a command which was started.
    Of(u8),
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Clean => Self::Clean,
            Verdict::Found => Self::Found,
            Verdict::Unopened => Self::Usage,
            Verdict::Incomplete => Self::Incomplete,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Clean => 0,
            Self::Found => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Of(code) => code,
        })
    }
}
