//! Who judges the files of a scan: a worker where there is Unix, this process elsewhere.

#[cfg(not(unix))]
pub use here::{Bytes, Judge};
#[cfg(unix)]
pub use in_worker::{Bytes, Judge, serve};

#[cfg(unix)]
mod in_worker {
    use super::super::progress::Bar;
    use super::super::{Exit, complain};
    use crate::error::Error;
    use crate::outcome::DumpOutcome;
    use crate::policy::Policy;
    use crate::scan::Progress;
    use crate::source::Source;
    use crate::text::printable;
    use crate::worker::{self, Handle, Hash, Options, Question, Supervisor};
    use std::fs::File;
    use std::io::IsTerminal;
    use std::ops::ControlFlow;
    use std::os::fd::AsFd;
    use std::path::Path;

    /// A file that is open, for a worker to read.
    pub struct Bytes {
        file: File,
        handle: Handle,
    }

    impl Bytes {
        /// Those of the regular file at `path`.
        pub fn open(path: &Path) -> Result<Self, Error> {
            Ok(Self {
                file: Source::file(path)?,
                handle: Handle::File,
            })
        }

        /// Those of standard input.
        pub fn stdin() -> Result<Self, Error> {
            let stdin = std::io::stdin().as_fd().try_clone_to_owned();
            let failed = |cause| Error::io("open", cause).at_path(Path::new("-"));
            Ok(Self {
                file: File::from(stdin.map_err(failed)?),
                handle: Handle::Stream,
            })
        }
    }

    /// Has files judged by workers.
    pub struct Judge {
        supervisor: Supervisor,
        is_quiet: bool,
    }

    impl Judge {
        /// Judges as `options` say.
        pub fn new(options: Options, policy: Policy, is_quiet: bool) -> Result<Self, String> {
            if !options.asked.is_empty() {
                // What is wrong with the user's own files is told before the first dump.
                options.scanner(&policy)?;
            }
            let is_watched = !is_quiet && std::io::stderr().is_terminal();
            Ok(Self {
                supervisor: Supervisor::new(options, policy).progress(is_watched),
                is_quiet,
            })
        }

        /// Judges the file at `path`, and gives what it came to to `each`.
        pub fn judge(
            &mut self,
            path: &Path,
            bytes: Bytes,
            each: &mut dyn FnMut(DumpOutcome) -> ControlFlow<()>,
        ) {
            let question = Question {
                path,
                file: &bytes.file,
                handle: bytes.handle,
                hash: Hash::None,
            };
            let is_quiet = self.is_quiet;
            let watch = |name: &str, _: u64| -> Box<dyn Progress> {
                Box::new(Bar::new(Path::new(name), is_quiet))
            };
            let mut aside = |line: &str| {
                let line = line.strip_prefix("dumpgate: ").unwrap_or(line);
                complain(&printable(line));
            };
            // The outcomes say all of it.
            _ = self.supervisor.judge(&question, &watch, &mut aside, each);
        }
    }

    /// Is a worker.
    pub fn serve() -> Exit {
        match worker::serve() {
            Ok(()) => Exit::Clean,
            Err(message) => {
                complain(&message);
                Exit::Usage
            }
        }
    }
}

#[cfg(not(unix))]
mod here {
    use super::super::progress::Bar;
    use crate::error::Error;
    use crate::outcome::DumpOutcome;
    use crate::policy::Policy;
    use crate::scan::{Progress, Scanner};
    use crate::source::Source;
    use crate::unpack::Budget;
    use crate::worker::Options;
    use std::ops::ControlFlow;
    use std::path::Path;

    /// A file that is open.
    pub struct Bytes(Source);

    impl Bytes {
        /// Those of the regular file at `path`.
        pub fn open(path: &Path) -> Result<Self, Error> {
            Source::open(path).map(Self)
        }

        /// Those of standard input.
        pub fn stdin() -> Result<Self, Error> {
            Source::stdin().map(Self)
        }
    }

    /// Judges files in this process.
    pub struct Judge {
        scanner: Scanner,
        budget: Budget,
        is_quiet: bool,
    }

    impl Judge {
        /// Judges as `options` say.
        pub fn new(options: Options, policy: Policy, is_quiet: bool) -> Result<Self, String> {
            Ok(Self {
                scanner: options.scanner(&policy)?,
                budget: options.budget,
                is_quiet,
            })
        }

        /// Judges the file at `path`, and gives what it came to to `each`.
        pub fn judge(
            &mut self,
            path: &Path,
            bytes: Bytes,
            each: &mut dyn FnMut(DumpOutcome) -> ControlFlow<()>,
        ) {
            let is_quiet = self.is_quiet;
            let watch = |name: &str, _: u64| -> Box<dyn Progress> {
                Box::new(Bar::new(Path::new(name), is_quiet))
            };
            self.scanner
                .scan_packed(path, bytes.0, &self.budget, &watch, each);
        }
    }
}
