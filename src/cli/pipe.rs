//! `dumpgate pipe`

use super::gate_args::Pipe as Arguments;
use super::{Exit, complain};

/// Judges standard input, and gives it to a command if it is clean.
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
    complain(&"`pipe` needs Unix, as the gate");
    Exit::Usage
}

#[cfg(unix)]
mod on_unix {
    use super::super::log;
    use super::{Arguments, Exit};
    use crate::error::Error;
    use crate::gate::pipe::{Passing, Pipe, Taken};
    use crate::gate::tell::sentence;
    use crate::gate::{Event, names};
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus};
    use std::time::{SystemTime, UNIX_EPOCH};

    pub fn run(arguments: &Arguments) -> Result<Exit, String> {
        log::begin(arguments.judging.log_format);
        let name = match &arguments.name {
            Some(name) => plain(name)?.to_os_string(),
            None => default_name(),
        };
        let judged = arguments.judging.judged(arguments.dry_run)?;
        let limit = arguments.max_size.or(judged.input_bytes);
        let mut pipe = Pipe::open(
            &arguments.quarantine,
            arguments.audit.as_deref(),
            judged.rules,
            judged.options,
            judged.policy,
        )
        .map_err(|error| {
            // Who writes the dump waits until somebody reads it.
            _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            error.to_string()
        })?
        .on_found(arguments.on_found.clone());
        pipe.meant_for(arguments.command.iter().map(OsString::as_os_str));
        let exit = pass(arguments, &mut pipe, (&name, limit));
        // Dumps of others come last: the kernel waits for ours.
        let recovered = pipe.recover(&mut |event| match event {
            Event::Done(done) => tracing::warn!("left by another: {}", sentence(done)),
            Event::Left { name, what } => log::left(name, what),
            Event::Stuck { path, error } => log::stuck(path, error),
        });
        if let Err(error) = recovered {
            tracing::warn!("{error}");
        }
        log::head(pipe.gate());
        exit.map_err(|error| error.to_string())
    }

    fn pass(
        arguments: &Arguments,
        pipe: &mut Pipe,
        (name, limit): (&OsStr, Option<u64>),
    ) -> Result<Exit, Error> {
        // Without a buffer, and open until the end: the kernel keeps the crashed process for as long.
        let stdin = io::stdin().as_fd().try_clone_to_owned();
        let mut stdin = File::from(stdin.map_err(|cause| Error::io("read standard input", cause))?);
        match pipe.take(&mut stdin, name, limit)? {
            Taken::Kept(done) => {
                tracing::error!("not given on: {}", sentence(&done));
                Ok(Exit::from(done.decision.verdict()))
            }
            Taken::Clean(passing) => match start(arguments, &passing) {
                Ok(status) => {
                    // The command had it: what cannot be recorded now is recorded by the next pipe.
                    if let Err(error) = pipe.passed(*passing, status.code()) {
                        tracing::error!("{error}");
                    }
                    Ok(Exit::Of(code(status)))
                }
                Err(error) => {
                    let done = pipe.refuse(*passing, "its command could not be started")?;
                    tracing::error!("{error}; {}", sentence(&done));
                    Ok(Exit::Usage)
                }
            },
        }
    }

    /// Starts the command on the dump, and waits for its end.
    fn start(arguments: &Arguments, passing: &Passing) -> Result<ExitStatus, Error> {
        let (program, rest) = arguments
            .command
            .split_first()
            .expect("the command line demands a command");
        let failed = |cause| Error::io("start", cause).at_path(program.as_ref());
        let mut command = Command::new(program);
        command.args(rest).stdin(passing.file()?);
        command.status().map_err(failed)
    }

    /// As shells have it.
    fn code(status: ExitStatus) -> u8 {
        let code = match (status.code(), status.signal()) {
            (Some(code), _) => code,
            (None, signal) => 128 + signal.unwrap_or_default(),
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// `name` if it may be a file's.
    fn plain(name: &OsStr) -> Result<&OsStr, String> {
        let bytes = name.as_encoded_bytes();
        let is_plain = !bytes.is_empty()
            && bytes.len() <= MAX_NAME
            && !bytes.starts_with(b".")
            && !bytes.contains(&b'/');
        is_plain.then_some(name).ok_or_else(|| {
            format!(
                "`--name {}`: expected a file name of at most {MAX_NAME} bytes that begins with no dot",
                names::shown(name)
            )
        })
    }

    fn default_name() -> OsString {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default();
        OsString::from(format!(
            "pipe-{}-{:06}-{}.core",
            since.as_secs(),
            since.subsec_micros(),
            std::process::id()
        ))
    }

    /// Bytes of the longest name of a file.
    const MAX_NAME: usize = 255;
}
