//! What a walk through containers comes by: members, containers, and what is wrong with them.

use super::stream::Skipped;
use crate::source::Source;
use std::io;
use std::ops::Range;

/// What a walk comes by.
#[derive(Debug)]
pub enum Item {
    /// Bytes that no container format here can open: to be scanned.
    Leaf(Leaf),
    /// A container, behind all that is in it.
    Container(Opened),
}

/// A member that is no container, or a whole file that is none.
#[derive(Debug)]
pub struct Leaf {
    /// The names from the outermost container's member to this one; none for the file itself.
    pub members: Vec<String>,
    /// How it lay in its container; `None` for the file itself.
    pub packing: Option<Packing>,
    /// Its bytes.
    pub source: Source,
    /// Why it is not whole, if it is not.
    pub cut: Option<Trouble>,
    /// Whether it looks like a container of which nothing came when it was opened.
    pub is_tried: bool,
}

/// A container that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The names that lead to it, as in [`Leaf::members`].
    pub members: Vec<String>,
    /// How it lay in the container around it.
    pub packing: Option<Packing>,
    /// The format's name.
    pub format: &'static str,
    /// Its packed bytes.
    pub source: Source,
    /// Ranges of its bytes that were given on as members, sorted.
    pub covered: Vec<Range<u64>>,
    /// What could not be opened.
    pub faults: Vec<Fault>,
    /// Faults beyond those.
    pub faults_omitted: u64,
    /// Members it gave.
    pub count: u64,
}

/// How a member lies in its container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    /// The method, as `deflate`.
    pub method: &'static str,
    /// Offset in the container of its first packed byte.
    pub offset: u64,
    /// Packed bytes, as far as they were read.
    pub packed: u64,
}

/// Something in a container that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub trouble: Trouble,
    /// The member; hostile text.
    pub member: Option<String>,
    /// Offset in the container.
    pub offset: u64,
    /// What was expected and what was there, in words.
    pub what: String,
}

/// The classes of what can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// It is under a passphrase.
    Encrypted,
    /// It is packed in a way that is not known here.
    Unsupported,
    /// The packed bytes are not as their format demands.
    Damaged,
    /// A bound of the budget was reached.
    Budget,
    /// There was no room for the unpacked bytes.
    NoRoom,
    /// The unpacker itself failed.
    Internal,
}

impl Trouble {
    /// The word reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Unsupported => "unsupported-method",
            Self::Damaged => "damaged",
            Self::Budget => "budget-reached",
            Self::NoRoom => "no-room",
            Self::Internal => "internal-error",
        }
    }
}

/// Why a walk goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Nobody listens any more.
    Gone,
    /// A bound on the whole file was reached; the fault is noted.
    Spent,
}

/// What became of packed bytes.
#[derive(Debug)]
pub struct Filled {
    /// What was unpacked.
    pub source: Source,
    /// Packed bytes that were read.
    pub consumed: u64,
    /// Why it is not whole, if it is not.
    pub cut: Option<Trouble>,
    /// What is no part of the stream.
    pub(super) skipped: Vec<Skipped>,
}

/// A member's name, method, and place in the container in bytes.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// How it is packed.
    pub method: &'static str,
    /// Where its packed bytes start.
    pub offset: u64,
}

/// What a decoder's error means.
pub(super) fn told(cause: &io::Error) -> (Trouble, String) {
    match cause.kind() {
        io::ErrorKind::Unsupported => {
            let what = format!("a method known here, found {cause}");
            (Trouble::Unsupported, what)
        }
        io::ErrorKind::OutOfMemory => {
            let what = format!("a stream that can be unpacked in bounded memory, found {cause}");
            (Trouble::Budget, what)
        }
        io::ErrorKind::UnexpectedEof => {
            let what = "a whole packed stream, found its end too early";
            (Trouble::Damaged, what.to_owned())
        }
        _ => (
            Trouble::Damaged,
            format!("a sound packed stream, found damage ({cause})"),
        ),
    }
}

/// A name as long as any file system takes a path.
pub(super) fn shortened(mut name: String) -> String {
    if name.len() > MAX_NAME {
        let end = (0..=MAX_NAME).rev().find(|&end| name.is_char_boundary(end));
        name.truncate(end.unwrap_or(0));
    }
    name
}

/// Bytes of a name.
const MAX_NAME: usize = 4096;
