//! The one error type: what was tried, where in which file, and what was expected there.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a dump could not be opened, or what in it is not as its format demands.
///
/// The text never quotes bytes of the dump: only offsets, sizes and names of structures.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    path: Option<PathBuf>,
    offset: Option<u64>,
}

/// The classes of failure a caller may want to tell apart.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The operating system refused.
    #[error("failed to {tried}: {cause}")]
    Io {
        /// The deed that failed, as a verb phrase: `open`, `map`.
        tried: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The path names something that has no bytes of its own to judge.
    #[error("is {found}, expected a regular file{hint}")]
    NotRegular {
        /// What it is: `a directory`, `a FIFO`.
        found: &'static str,
        /// What to do instead, or empty.
        hint: &'static str,
    },
    /// A line of a file the user wrote is not as it should be.
    #[error("line {line}: expected {expected}, found {found}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What should stand there.
        expected: String,
        /// What stands there, without a quotation of unknown text.
        found: String,
    },
    /// Something in a container could not be opened.
    #[error("{}expected {what}", named(member.as_deref()))]
    Member {
        /// The member, if it is one; hostile text.
        member: Option<String>,
        /// What was expected and what was found, in words.
        what: String,
    },
    /// The process that judged the file came to no answer.
    #[error("{what}")]
    Worker {
        /// How it ended, in words; nothing that it said itself.
        what: String,
    },
    /// The bytes break the format's rules.
    #[error("expected {expected}, found {found}")]
    Malformed {
        /// What the format demands here.
        expected: String,
        /// What is there instead, in sizes and counts.
        found: String,
    },
}

impl Error {
    /// An I/O failure of the deed `tried`.
    pub fn io(tried: &'static str, cause: io::Error) -> Self {
        Self {
            kind: ErrorKind::Io { tried, cause },
            path: None,
            offset: None,
        }
    }

    /// A path that names no regular file.
    pub fn not_regular(found: &'static str, hint: &'static str) -> Self {
        Self {
            kind: ErrorKind::NotRegular { found, hint },
            path: None,
            offset: None,
        }
    }

    /// Bytes at file offset `offset` that are not what the format demands.
    pub fn malformed(offset: u64, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let kind = ErrorKind::Malformed {
            expected: expected.into(),
            found: found.into(),
        };
        Self {
            kind,
            path: None,
            offset: Some(offset),
        }
    }

    /// Something at offset `offset` of a container that could not be opened: `what` was expected and found.
    pub fn member(offset: u64, member: Option<String>, what: String) -> Self {
        Self {
            kind: ErrorKind::Member { member, what },
            path: None,
            offset: Some(offset),
        }
    }

    /// A worker that came to no answer: how it ended.
    pub fn worker(what: String) -> Self {
        Self {
            kind: ErrorKind::Worker { what },
            path: None,
            offset: None,
        }
    }

    /// The error of these parts, as another process told it.
    pub fn of_parts(kind: ErrorKind, path: Option<PathBuf>, offset: Option<u64>) -> Self {
        Self { kind, path, offset }
    }

    /// A line of a file the user wrote, counted from 1, that is not as it should be.
    pub fn at_line(line: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let kind = ErrorKind::Line {
            line,
            expected: expected.into(),
            found: found.into(),
        };
        Self {
            kind,
            path: None,
            offset: None,
        }
    }

    /// The same error with the path of the file it happened in.
    #[must_use]
    pub fn at_path(mut self, path: &Path) -> Self {
        self.path = Some(path.to_path_buf());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Offset in bytes from the start of the file, where there is one.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// The file it happened in, where that is known.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The sentence without the path, for lines that name the file already.
    pub fn detail(&self) -> String {
        match self.offset {
            Some(offset) => format!("at offset {offset:#x}: {}", self.kind),
            None => self.kind.to_string(),
        }
    }
}

/// A member's name before what is wrong with it.
fn named(member: Option<&str>) -> String {
    member.map_or_else(String::new, |member| {
        format!("member `{}`: ", crate::text::printable(member))
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => {
                write!(
                    f,
                    "`{}`: {}",
                    crate::text::printable(&path.to_string_lossy()),
                    self.detail()
                )
            }
            None => f.write_str(&self.detail()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Io { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_file_offset_and_expectation() {
        let error = Error::malformed(32, "12 directory entries", "a file of 40 bytes")
            .at_path(Path::new("crash.dmp"));
        assert_eq!(
            error.to_string(),
            "`crash.dmp`: at offset 0x20: expected 12 directory entries, found a file of 40 bytes"
        );
    }

    #[test]
    fn hostile_paths_are_escaped() {
        let error = Error::not_regular("a FIFO", "").at_path(Path::new("a\u{1b}[2J"));
        assert!(!error.to_string().contains('\u{1b}'));
    }
}
