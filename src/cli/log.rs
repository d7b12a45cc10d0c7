//! The log of a command that runs unattended: what the library tells, on standard error.

use super::gate_args::LogFormat;
use crate::error::Error;
use crate::gate::Gate;
use crate::gate::names::shown;
use std::ffi::OsStr;
use std::io::{IsTerminal, stderr};
use std::path::Path;

/// Writes what is told from now on to standard error, as `format` says.
pub fn begin(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(stderr)
        .with_ansi(false)
        .with_target(false);
    let begun = match format {
        // A person who looks on knows the time; a file of lines does not.
        LogFormat::Human if stderr().is_terminal() => log.without_time().try_init(),
        LogFormat::Human => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    // Only the first in a process counts, and it has the same wish.
    _ = begun;
}

/// Tells the head of the audit log, to be kept elsewhere.
pub fn head(gate: &Gate) {
    if let Some(head) = gate.log().head() {
        let path = shown(gate.log().path().as_os_str());
        tracing::info!(
            "audit log `{path}`: {} records, head {}",
            head.seq,
            head.hash
        );
    }
}

/// Tells of something in a spool that stays there.
pub fn left(name: &OsStr, what: &str) {
    tracing::warn!("left alone: `{}` is {what}", shown(name));
}

/// Tells of a dump that could not be brought to its place.
pub fn stuck(path: &Path, error: &Error) {
    tracing::warn!(
        "`{}` is not in its place yet: {error}",
        shown(path.as_os_str())
    );
}
