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
    /// Whether the member is sound, as far as can be seen, but nothing here can open it.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Encrypted | Self::Unsupported)
    }

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

/// A name that may be shown: as long as any file system takes a path, without what may be a key. Memory that is taken for
/// the header of a member tells names too.
pub(super) fn shown(mut name: String) -> String {
    if name.len() > MAX_NAME {
        let end = (0..=MAX_NAME).rev().find(|&end| name.is_char_boundary(end));
        name.truncate(end.unwrap_or(0));
    }
    if name.contains("-----") || name.contains("PRIVATE KEY") {
        return format!("(a name of {} bytes like a key)", name.len());
    }
    let mut shown = String::new();
    let mut rest = &*name;
    while !rest.is_empty() {
        let is_digit =
            |character: char| character.is_ascii_alphanumeric() || "+=".contains(character);
        let length = rest
            .find(|character| !is_digit(character))
            .unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if is_random(run) {
            shown.push_str(&format!("[{length} characters]"));
        } else {
            shown.push_str(run);
        }
        let other = behind.find(is_digit).unwrap_or(behind.len());
        let (between, next) = behind.split_at_checked(other).unwrap_or((behind, ""));
        shown.push_str(between);
        rest = next;
    }
    shown
}

/// Whether a run of letters and digits may be part of a key: more hexadecimal or decimal digits than a SHA-256 has, or
/// letters of both cases and digits as base64 mixes them, which words do not.
fn is_random(run: &str) -> bool {
    if run.len() > MAX_DIGITS && run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let digits = (b'0'..=b'9').filter(|digit| run.as_bytes().contains(digit));
        return digits.count() >= FEW_DIGITS;
    }
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        b'a'..=b'z' => 2,
        _ => 3,
    };
    let pairs = run.bytes().zip(run.bytes().skip(1));
    let changes = pairs
        .filter(|(one, next)| class(*one) != class(*next))
        .count();
    let has = |wanted| run.bytes().any(|byte| class(byte) == wanted);
    run.len() >= LEAST_RANDOM && has(1) && has(2) && 3 * changes > run.len()
}

/// Bytes of a name.
const MAX_NAME: usize = 4096;

/// Hexadecimal digits in a row that may be a checksum.
const MAX_DIGITS: usize = 64;

/// Different decimal digits that any number of that length has.
const FEW_DIGITS: usize = 5;

/// Characters of base64 in a row that are no word.
const LEAST_RANDOM: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_show_no_key() {
        for name in [
            "core.sh.0.5e7ed511fb164262811fdd766c9b36e5.91.1795358337322885",
            "Users/JohnDoe1/AppData/Local/CrashDumps/MyApplicationHost2.exe.1234.dmp",
            "2f1d8c3a-0c5b-4f5e-9d39-6b6a3c0f2f11.dmp",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "a\n\u{1b}[31m/\u{65e5}\u{672c}",
            &"a".repeat(200),
        ] {
            assert_eq!(shown(name.to_owned()), name);
        }
        let line = "MHcCAQEEIBb3qJ5cGfLDzbFiEKjQr8nVOfgYlbBVgWBt2SLuDQ2poAoGCCqGSM49";
        assert_eq!(shown(format!("a/{line}.b")), "a/[64 characters].b");
        assert_eq!(
            shown(
                line.to_ascii_lowercase()
                    .repeat(2)
                    .replace(|c: char| !c.is_ascii_hexdigit(), "7")
            ),
            "[128 characters]"
        );
        assert!(!shown(format!("x-----BEGIN EC PRIVATE KEY-----\n{line}")).contains("MHc"));
    }
}
