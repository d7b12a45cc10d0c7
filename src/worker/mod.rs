//! One file judged in a supervised, confined child process of the same program.
//!
//! The child can die of what it reads: of a map whose file another process cuts shorter (SIGBUS), of memory, of a
//! fault in a decoder, of time. Its death is that file's `incomplete`; the next file is judged by another child. The
//! parent opens the file and passes the descriptor, so that the child can give up all access to files before it sees
//! one: see [`Measure`].
//!
//! Limits: Landlock, the filter of system calls and the signal on the parent's death are Linux' own. On another Unix a
//! worker whose parent was killed judges its file to the end before it notices. Memory files that hold unpacked bytes
//! do not count as memory: [`Budget`] bounds them. There is no worker where there is no Unix.

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod confine;
#[cfg(unix)]
mod death;
#[cfg(unix)]
mod descriptor;
#[cfg(all(unix, debug_assertions))]
mod fault;
#[cfg(unix)]
mod frame;
#[cfg(unix)]
mod message;
#[cfg(unix)]
mod numbers;
#[cfg(unix)]
mod outcome;
#[cfg(unix)]
mod reply;
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64"
    )
))]
mod seccomp;
#[cfg(unix)]
mod supervisor;
#[cfg(unix)]
mod wire;
#[cfg(unix)]
mod words;

#[cfg(unix)]
pub use child::{NAME, serve};
#[cfg(unix)]
pub use death::{Cause, Death};
#[cfg(unix)]
pub use supervisor::{Judged, Meanwhile, Question, Supervisor, measures};

use crate::crypto::Fingerprint;
use crate::policy::Policy;
use crate::scan::{self, Scanner};
use crate::source::Source;
use crate::unpack::Budget;
use std::collections::HashSet;
use std::time::Duration;

/// How files are judged, but for the policy, which the parent applies.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads of a scan; 0 for one a processor.
    pub threads: usize,
    /// Whether each outcome holds the SHA-256 of its dump or member.
    pub hash: bool,
    /// Whether to look also where keys are unlikely.
    pub deep: bool,
    /// Public keys whose private halves are asked for.
    pub asked: Vec<Given>,
    /// What a container may unpack to.
    pub budget: Budget,
    /// Bytes of memory a worker may write to, besides maps of files (Linux: `RLIMIT_DATA`).
    pub memory: u64,
    /// Time for one file, unpacking included; `None` for as long as it takes.
    pub time: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 0,
            hash: false,
            deep: false,
            asked: Vec::new(),
            budget: Budget::default(),
            memory: DEFAULT_MEMORY,
            time: None,
        }
    }
}

/// Public keys the user gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// All those in the bytes of a file of his.
    Keys {
        /// The file's bytes.
        bytes: Vec<u8>,
        /// Where he has it from.
        origin: String,
    },
    /// One by its name.
    Name(Fingerprint),
}

impl Options {
    /// The scanner for these options and `policy`.
    ///
    /// # Errors
    /// When the system gives no threads, or a file that was given holds no public key: what is wrong, in words.
    pub fn scanner(&self, policy: &Policy) -> Result<Scanner, String> {
        let build = |questions: Vec<scan::Question>| {
            Scanner::builder()
                .threads(self.threads)
                .hash(self.hash)
                .deep(self.deep)
                .policy(policy.clone())
                .asked(questions)
                .build()
                .map_err(|error| format!("failed to start threads: {error}"))
        };
        let scanner = build(Vec::new())?;
        if self.asked.is_empty() {
            return Ok(scanner);
        }
        let mut questions: Vec<scan::Question> = Vec::new();
        for given in &self.asked {
            match given {
                Given::Keys { bytes, origin } => {
                    let found = scanner.harvest(&Source::from_bytes(bytes.clone()));
                    if found.is_empty() {
                        return Err(format!(
                            "`{origin}`: expected a public key or certificate, found none"
                        ));
                    }
                    questions.extend(found.into_iter().map(|identity| scan::Question {
                        spki_sha256: identity.fingerprint(),
                        identity: Some(identity),
                        origin: Some(origin.clone()),
                    }));
                }
                Given::Name(fingerprint) => questions.push(scan::Question {
                    spki_sha256: *fingerprint,
                    identity: None,
                    origin: None,
                }),
            }
        }
        let mut named = HashSet::new();
        questions.retain(|question| named.insert(question.spki_sha256));
        drop(scanner);
        build(questions)
    }
}

/// Whether a worker hashes all bytes of what it judges, for a parent that compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hash {
    /// It does not.
    #[default]
    None,
    /// It does.
    Sha256,
}

/// What a descriptor leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// A regular file.
    File,
    /// Anything that can be read to its end, as a pipe; one that is empty is an error.
    Stream,
}

/// Something a worker gives up before it sees a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What takes it away: `landlock`.
    pub name: &'static str,
    /// Whether it does so here.
    pub is_in_force: bool,
    /// What is given up, or why it is not.
    pub detail: String,
}

/// Bytes of memory a worker may write to, if nothing else is said.
pub const DEFAULT_MEMORY: u64 = 4 << 30;
