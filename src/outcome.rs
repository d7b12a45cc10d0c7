//! What a scan of one dump came to: verdict, coverage, searches and findings. Reports see nothing else.

use crate::crypto::{Algorithm, Fingerprint};
use crate::error::Error;
use crate::finding::{Finding, Proof, PublicFinding, Standing};
use std::path::PathBuf;

/// The answer for one dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every byte was looked at and no key that counts was found.
    Clean,
    /// Something was not looked at, and no key that counts was found in the rest.
    Incomplete,
    /// The file could not be opened.
    Unopened,
    /// A private key that counts is in it.
    Found,
}

impl Verdict {
    /// The word reports use. What could not be opened is incomplete, with a reason and an exit code of
    /// its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Incomplete | Self::Unopened => "incomplete",
            Self::Found => "found",
        }
    }
}

/// Why bytes were not examined. The list is closed: policies name its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The file could not be opened.
    Unreadable,
    /// A table of the dump names bytes beyond the end of the file.
    Truncated,
    /// The file is a container whose contents only an unpacker could show.
    ContainerNotOpened,
    /// A bound on findings, public keys, candidates or regions was reached.
    LimitReached,
    /// The scanner itself failed on this file.
    InternalError,
    /// A member of a container is under a passphrase.
    Encrypted,
    /// A member of a container is packed in a way that is not known here.
    UnsupportedMethod,
    /// Packed bytes, a container's directory or a dump's tables are not as their format demands.
    Damaged,
    /// A bound on unpacking was reached.
    BudgetReached,
    /// There was no room to keep unpacked bytes.
    NoRoom,
    /// The process that judged the file ended before it had an answer.
    WorkerDied,
    /// The process that judged the file asked for more memory than it may have.
    OutOfMemory,
    /// The file was not judged in the time given.
    TimedOut,
}

impl Reason {
    /// The word reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Truncated => "truncated",
            Self::ContainerNotOpened => "container-not-opened",
            Self::LimitReached => "limit-reached",
            Self::InternalError => "internal-error",
            Self::Encrypted => "encrypted",
            Self::UnsupportedMethod => "unsupported-method",
            Self::Damaged => "damaged",
            Self::BudgetReached => "budget-reached",
            Self::NoRoom => "no-room",
            Self::WorkerDied => "worker-died",
            Self::OutOfMemory => "out-of-memory",
            Self::TimedOut => "timed-out",
        }
    }
}

/// Bytes that were not examined, by file offset and length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Offset of the first byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
    /// Why.
    pub reason: Reason,
}

/// What was looked at. All numbers in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Size of the file.
    pub bytes: u64,
    /// Bytes of the file that were searched.
    pub scanned: u64,
    /// Memory of the process that its dump left out by design; no fault of the file.
    pub not_dumped: u64,
    /// What was not examined, and why.
    pub missing: Vec<Missing>,
}

/// A dump that ends before what it declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// Size in bytes by the dump's own tables.
    pub declared: u64,
    /// Size in bytes of the file.
    pub present: u64,
}

/// One way of searching, over what, and whether it came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Its name, as `anchors`.
    pub name: &'static str,
    /// What it covered, in words.
    pub scope: String,
    /// Whether nothing was left out because of a limit.
    pub complete: bool,
}

/// A search that was not asked for, and how to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun {
    /// Its name, as `deep`.
    pub name: &'static str,
    /// What it would have covered, in words.
    pub scope: &'static str,
}

/// A key the user asked for by its public half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name of its public half.
    pub spki_sha256: Fingerprint,
    /// Algorithm and bits, where the public half itself is known and not only its name.
    pub key: Option<(Algorithm, u32)>,
    /// Where the user has it from: a path as he gave it, or nothing where he gave the fingerprint.
    pub origin: Option<String>,
    /// The answer.
    pub answer: Answer,
}

/// Whether a key that was asked for is in a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its private half is, with this proof.
    Found(Proof),
    /// Its private half was looked for and not found.
    NotFound {
        /// Places of its public half.
        public_places: u64,
    },
    /// Only written forms could be looked for: the dump holds no public key of this name, and without one
    /// nobody can tell its raw numbers from others.
    NotFoundWritten,
}

impl Answer {
    /// The word reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::NotFound { .. } => "not-found",
            Self::NotFoundWritten => "not-found-written",
        }
    }
}

/// Something in a container that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub reason: Reason,
    /// The member, if it is one; hostile text.
    pub member: Option<String>,
    /// Offset in the container.
    pub offset: u64,
    /// What was expected and what was found, in words.
    pub what: String,
}

impl Fault {
    /// As an error of the container.
    pub fn error(&self) -> Error {
        Error::member(self.offset, self.member.clone(), self.what.clone())
    }
}

/// Something worth knowing that does not touch the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A container's header lies in a dump. What is packed there is not opened.
    EmbeddedContainer {
        /// The container's format.
        format: &'static str,
        /// Offset of the first header.
        offset: u64,
        /// How many there are of this format.
        count: u64,
    },
    /// A container that holds no member.
    EmptyContainer,
}

impl Note {
    /// The word reports use.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EmbeddedContainer { .. } => "embedded-container",
            Self::EmptyContainer => "empty-container",
        }
    }
}

/// Everything a scan says about one file, or one member of a container.
#[derive(Debug)]
pub struct DumpOutcome {
    /// The path as the user gave it or as it was found in a directory.
    pub path: PathBuf,
    /// For a member of a container, the names that lead to it from the file at `path`; hostile text. All offsets
    /// are those in the innermost member.
    pub members: Vec<String>,
    /// The format's name: `minidump`, `elf-core`, `raw`.
    pub format: &'static str,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file, if it was asked for.
    pub sha256: Option<[u8; 32]>,
    /// The answer.
    pub verdict: Verdict,
    /// Why the file could not be opened, or the first thing in it that is not as its format demands.
    pub error: Option<Error>,
    /// What was looked at.
    pub coverage: Coverage,
    /// Set when the dump declares more than is there.
    pub truncated: Option<Truncated>,
    /// How it was searched.
    pub searches: Vec<Search>,
    /// How it could have been searched and was not, because nobody asked.
    pub not_run: Vec<NotRun>,
    /// The keys the user asked for, in his order.
    pub asked: Vec<Asked>,
    /// Private keys, by the offset of their first place.
    pub findings: Vec<Finding>,
    /// Public keys, by the offset of their first place.
    pub public_keys: Vec<PublicFinding>,
    /// What in a container could not be opened; `error` is the first.
    pub faults: Vec<Fault>,
    /// What else is worth knowing.
    pub notes: Vec<Note>,
}

impl DumpOutcome {
    /// The outcome for a file that gave no byte.
    pub fn unopened(path: PathBuf, error: Error) -> Self {
        Self {
            path,
            members: Vec::new(),
            format: "unknown",
            size: 0,
            sha256: None,
            verdict: Verdict::Unopened,
            error: Some(error),
            coverage: Coverage {
                missing: vec![Missing {
                    offset: 0,
                    length: 0,
                    reason: Reason::Unreadable,
                }],
                ..Coverage::default()
            },
            truncated: None,
            searches: Vec::new(),
            not_run: Vec::new(),
            asked: Vec::new(),
            findings: Vec::new(),
            public_keys: Vec::new(),
            faults: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// File and members as people read them: `wer.cab!dump.mdmp`. Hostile text.
    pub fn place(&self) -> String {
        let mut place = self.path.to_string_lossy().into_owned();
        for member in &self.members {
            place.push('!');
            place.push_str(member);
        }
        place
    }

    /// Findings that make the verdict `found`.
    pub fn keys(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.standing == Standing::Counts)
    }

    /// Reasons for which something was not examined, each once.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = self
            .coverage
            .missing
            .iter()
            .map(|missing| missing.reason)
            .collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }
}

/// The one answer for several files: the first of found, unopened, incomplete, clean that occurs, so
/// that an unreadable file never hides a leak.
pub fn overall(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    verdicts.into_iter().max().unwrap_or(Verdict::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_never_hidden() {
        use Verdict::*;
        assert_eq!(overall([]), Clean);
        assert_eq!(overall([Clean, Incomplete]), Incomplete);
        assert_eq!(overall([Incomplete, Unopened, Clean]), Unopened);
        assert_eq!(overall([Unopened, Found, Incomplete]), Found);
    }
}
