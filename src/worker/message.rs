//! What parent and worker say to each other.

use super::frame::Frame;
use super::wire::{Input, Wire, read, written};
use super::{Given, Handle, Hash, Measure, Options};
use crate::outcome::DumpOutcome;
use crate::unpack::Budget;
use std::path::PathBuf;

/// A message in a frame of its own kind.
pub trait Message: Wire {
    /// The kind of its frame.
    const KIND: u8;

    /// Kind and content of its frame.
    fn content(&self) -> (u8, Vec<u8>) {
        (Self::KIND, written(self))
    }

    /// The message in `frame`; `None` if it is another.
    fn of(frame: &Frame) -> Option<Self> {
        if frame.kind == Self::KIND {
            read(&frame.content)
        } else {
            None
        }
    }
}

/// The first thing a parent says.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The parent's version: a program may be replaced while it runs.
    pub version: String,
    /// How to judge.
    pub options: Options,
}

/// One file to judge. Its descriptor comes with the first byte of the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which of this worker's files it is, from zero.
    pub number: u64,
    /// Its name, which is never opened.
    pub path: PathBuf,
    /// What the descriptor leads to.
    pub handle: Handle,
    /// Whether to hash all its bytes.
    pub hash: Hash,
    /// Whether somebody wants to know how far it has come.
    pub tells_progress: bool,
}

/// The first thing a worker says: it is ready, and confined like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello(pub Vec<Measure>);

/// How far a worker has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The dump or member of this name and size in bytes begins.
    Begin(String, u64),
    /// A search over so many bytes begins.
    Search(&'static str, u64),
    /// So many more bytes were searched.
    Advance(u64),
}

/// What one dump or member came to.
#[derive(Debug)]
pub struct Said {
    /// The file, by [`Request::number`].
    pub number: u64,
    /// What it came to.
    pub outcome: DumpOutcome,
}

/// The end of what there is to say of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The file, by [`Request::number`].
    pub number: u64,
    /// How many outcomes were said of it.
    pub outcomes: u64,
    /// Bytes of the file; `None` if it could not be opened.
    pub size: Option<u64>,
    /// SHA-256 of all its bytes, if that was asked for.
    pub sha256: Option<[u8; 32]>,
}

impl Message for Setup {
    const KIND: u8 = 1;
}

impl Message for Request {
    const KIND: u8 = 2;
}

impl Message for Hello {
    const KIND: u8 = 3;
}

impl Message for Step {
    const KIND: u8 = 4;
}

impl Message for Said {
    const KIND: u8 = 5;
}

impl Message for End {
    const KIND: u8 = 6;
}

impl Wire for Setup {
    fn put(&self, out: &mut Vec<u8>) {
        self.version.put(out);
        self.options.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            version: Wire::take(input)?,
            options: Wire::take(input)?,
        })
    }
}

impl Wire for Options {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            threads,
            hash,
            deep,
            asked,
            budget,
            memory,
            time,
        } = self;
        threads.put(out);
        hash.put(out);
        deep.put(out);
        asked.put(out);
        budget.put(out);
        memory.put(out);
        time.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            threads: Wire::take(input)?,
            hash: Wire::take(input)?,
            deep: Wire::take(input)?,
            asked: Wire::take(input)?,
            budget: Wire::take(input)?,
            memory: Wire::take(input)?,
            time: Wire::take(input)?,
        })
    }
}

impl Wire for Given {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Keys { bytes, origin } => {
                out.push(0);
                bytes.put(out);
                origin.put(out);
            }
            Self::Name(fingerprint) => {
                out.push(1);
                fingerprint.put(out);
            }
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Keys {
                bytes: Wire::take(input)?,
                origin: Wire::take(input)?,
            },
            1 => Self::Name(Wire::take(input)?),
            _ => return None,
        })
    }
}

impl Wire for Budget {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            bytes,
            member_bytes,
            ratio,
            depth,
            members,
            time,
        } = self;
        bytes.put(out);
        member_bytes.put(out);
        ratio.put(out);
        depth.put(out);
        members.put(out);
        time.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            bytes: Wire::take(input)?,
            member_bytes: Wire::take(input)?,
            ratio: Wire::take(input)?,
            depth: Wire::take(input)?,
            members: Wire::take(input)?,
            time: Wire::take(input)?,
        })
    }
}

impl Wire for Request {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            number,
            path,
            handle,
            hash,
            tells_progress,
        } = self;
        number.put(out);
        path.put(out);
        (*handle == Handle::Stream).put(out);
        (*hash == Hash::Sha256).put(out);
        tells_progress.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            number: Wire::take(input)?,
            path: Wire::take(input)?,
            handle: if bool::take(input)? {
                Handle::Stream
            } else {
                Handle::File
            },
            hash: if bool::take(input)? {
                Hash::Sha256
            } else {
                Hash::None
            },
            tells_progress: Wire::take(input)?,
        })
    }
}

impl Wire for Hello {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Wire::take(input).map(Self)
    }
}

impl Wire for Measure {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            name,
            is_in_force,
            detail,
        } = self;
        name.put(out);
        is_in_force.put(out);
        detail.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            name: Wire::take(input)?,
            is_in_force: Wire::take(input)?,
            detail: Wire::take(input)?,
        })
    }
}

impl Wire for Step {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Begin(name, bytes) => {
                out.push(0);
                name.put(out);
                bytes.put(out);
            }
            Self::Search(name, bytes) => {
                out.push(1);
                name.put(out);
                bytes.put(out);
            }
            Self::Advance(bytes) => {
                out.push(2);
                bytes.put(out);
            }
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Begin(Wire::take(input)?, Wire::take(input)?),
            1 => Self::Search(Wire::take(input)?, Wire::take(input)?),
            2 => Self::Advance(Wire::take(input)?),
            _ => return None,
        })
    }
}

impl Wire for Said {
    fn put(&self, out: &mut Vec<u8>) {
        self.number.put(out);
        self.outcome.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            number: Wire::take(input)?,
            outcome: Wire::take(input)?,
        })
    }
}

impl Wire for End {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            number,
            outcomes,
            size,
            sha256,
        } = self;
        number.put(out);
        outcomes.put(out);
        size.put(out);
        sha256.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            number: Wire::take(input)?,
            outcomes: Wire::take(input)?,
            size: Wire::take(input)?,
            sha256: Wire::take(input)?,
        })
    }
}
