//! The audit log: JSON Lines of every decision, each with the SHA-256 of the one before.
//!
//! ```text
//! {"hash":"…64 digits…","prev":"…64 digits…","seq":7,"time":"2027-03-31T12:00:00.000000Z","event":"decided", …}
//! ```
//!
//! `hash` is the SHA-256 of the line from its 76th byte on, its line feed included, so that `cut -b76- | sha256sum`
//! computes it; `prev` is the `hash` before, zeros at first. Whoever may write to the log can write another chain from
//! any record on: only a head that is kept elsewhere tells ([`verify`]).

use super::disk::{self, Directory};
use super::names::hex;
use crate::error::Error;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// A log that decisions are appended to, by any number of gates.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
    /// The last record, as long as the log has this many bytes.
    last: Option<(u64, Link)>,
}

/// The place of a record in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which record it is, from 1; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

/// A log that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its last record.
    pub head: Link,
    /// Records that tell of a repair: the end of the log was torn off.
    pub repairs: u64,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// It cannot be read.
    #[error("failed to read: {0}")]
    Unreadable(#[from] io::Error),
    /// A line is no record, or was changed.
    #[error("line {0}: the record is changed or damaged: its hash is not that of its bytes")]
    Changed(u64),
    /// A record does not follow the one before it.
    #[error(
        "line {0}: the record does not follow the one before: something was removed, added or moved"
    )]
    Unlinked(u64),
    /// The last line is not whole.
    #[error(
        "line {0}: the last record is torn; the next start of a gate repairs it and records that"
    )]
    Torn(u64),
    /// The given head is the hash of no record.
    #[error("no record has the given head: the log was cut before it, or is another")]
    Cut,
}

/// One record as it stands in the log, behind its hash.
#[derive(Serialize)]
struct Record<'r, B> {
    prev: &'r str,
    seq: u64,
    time: String,
    event: &'r str,
    #[serde(flatten)]
    body: &'r B,
}

/// What has to be known of a record to follow the chain.
#[derive(Deserialize)]
struct Seen {
    prev: String,
    seq: u64,
    event: String,
}

/// What a repair took away.
#[derive(Serialize)]
struct Repair {
    removed_bytes: u64,
    removed_sha256: String,
}

impl Log {
    /// The log `name` in `directory`, made if it is not there, and repaired if its last record is torn.
    ///
    /// # Errors
    /// When it cannot be opened, or more than its last record is damaged.
    pub fn open(directory: &Directory, name: &OsStr) -> Result<Self, Error> {
        let file = directory.create_or_open(name)?;
        directory.sync()?;
        let mut log = Self {
            file,
            path: directory.path().join(name),
            last: None,
        };
        log.locked(|log| log.end().map(drop))?;
        Ok(log)
    }

    /// Appends a record of `event` with the fields of `body`. It lasts when this comes back.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is in the log then.
    pub fn append<B: Serialize>(&mut self, event: &str, body: &B) -> Result<Link, Error> {
        self.locked(|log| {
            let (end, last) = log.end()?;
            log.write(end, &last, event, body)
        })
    }

    /// The last record, as far as this gate knows.
    pub fn head(&self) -> Option<&Link> {
        self.last.as_ref().map(|(_, link)| link)
    }

    /// What it is called in messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn locked<T>(&mut self, deed: impl FnOnce(&mut Self) -> io::Result<T>) -> Result<T, Error> {
        let done = flock(&self.file, FlockOperation::LockExclusive)
            .map_err(io::Error::from)
            .and_then(|()| {
                let done = deed(self);
                // The lock must go even after an error.
                flock(&self.file, FlockOperation::Unlock)?;
                done
            });
        done.map_err(|cause| Error::io("write the audit log", cause).at_path(&self.path))
    }

    /// Bytes of the log and its last record; what is torn at the end is cut off, which is recorded.
    fn end(&mut self) -> io::Result<(u64, Link)> {
        let metadata = self.file.metadata()?;
        if metadata.nlink() == 0 {
            // What is written to it would be gone with us.
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it was removed while the gate ran",
            ));
        }
        let length = metadata.len();
        if let Some((known, last)) = &self.last
            && *known == length
        {
            return Ok((length, last.clone()));
        }
        let (whole, last) = self.last_whole(length)?;
        if whole < length {
            let torn = self.read(whole, length)?;
            self.file.set_len(whole)?;
            let repair = Repair {
                removed_bytes: length - whole,
                removed_sha256: hex(&Sha256::digest(&torn)),
            };
            let link = self.write(whole, &last, REPAIRED, &repair)?;
            return Ok((self.file.metadata()?.len(), link));
        }
        self.last = Some((length, last.clone()));
        Ok((length, last))
    }

    /// Where the last whole record ends, and which it is. At most one that is not whole may follow.
    fn last_whole(&self, length: u64) -> io::Result<(u64, Link)> {
        let mut window = WINDOW;
        loop {
            let start = length.saturating_sub(window);
            let bytes = self.read(start, length)?;
            // The first line of a window that does not begin with the log may be the end of a longer one.
            let skipped = match start {
                0 => Some(0),
                _ => bytes
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map(|at| at + 1),
            };
            let lines: Vec<&[u8]> = skipped
                .and_then(|skipped| bytes.get(skipped..))
                .unwrap_or_default()
                .split_inclusive(|byte| *byte == b'\n')
                .collect();
            let is_enough = start == 0 || lines.len() >= 2;
            if !is_enough {
                window *= 8;
                continue;
            }
            let mut end = length;
            for line in lines.iter().rev().take(2) {
                if let Some((link, _)) = parse(line) {
                    return Ok((end, link));
                }
                end -= line.len() as u64;
            }
            if start == 0 && lines.len() <= 1 {
                return Ok((0, Link::first()));
            }
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "more than its last record is damaged; `dumpgate audit verify` says where",
            ));
        }
    }

    fn read(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(end - start).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write<B: Serialize>(
        &mut self,
        end: u64,
        last: &Link,
        event: &str,
        body: &B,
    ) -> io::Result<Link> {
        let record = Record {
            prev: &last.hash,
            seq: last.seq + 1,
            time: now(),
            event,
            body,
        };
        let json = serde_json::to_string(&record)?;
        let rest = json.strip_prefix('{').unwrap_or(&json);
        let hash = hash_of(rest.as_bytes(), b"\n");
        let line = format!("{HEAD}{hash}{NECK}{rest}\n");
        self.file.seek(SeekFrom::Start(end))?;
        let written =
            disk::write(&mut self.file, line.as_bytes()).and_then(|()| disk::sync(&self.file));
        if let Err(error) = written {
            self.last = None;
            // What is left of it, if this fails too, is torn and repaired as such.
            _ = self.file.set_len(end);
            return Err(error);
        }
        let link = Link {
            seq: record.seq,
            hash,
        };
        self.last = Some((end + line.len() as u64, link.clone()));
        Ok(link)
    }
}

impl Link {
    /// What the first record follows.
    fn first() -> Self {
        Self {
            seq: 0,
            hash: "0".repeat(DIGITS),
        }
    }
}

/// Follows the chain in `log`, whose records must include one with the hash `head`, if that is given.
///
/// # Errors
/// At the first thing that is wrong. It cannot tell that records behind the head were cut off, nor a log that somebody
/// who may write to it wrote anew, if no head from elsewhere is given.
pub fn verify(mut log: impl BufRead, head: Option<&str>) -> Result<Chain, Flaw> {
    let mut chain = Chain {
        head: Link::first(),
        repairs: 0,
    };
    let mut is_known = head.is_none();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if log.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            return Err(Flaw::Torn(number));
        }
        let (link, seen) = parse(&line).ok_or(Flaw::Changed(number))?;
        if seen.prev != chain.head.hash || link.seq != chain.head.seq + 1 {
            return Err(Flaw::Unlinked(number));
        }
        chain.repairs += u64::from(seen.event == REPAIRED);
        is_known |= head == Some(link.hash.as_str());
        chain.head = link;
    }
    is_known.then_some(chain).ok_or(Flaw::Cut)
}

/// Follows the chain in the file at `path`; see [`verify`].
///
/// # Errors
/// As there.
pub fn verify_file(path: &Path, head: Option<&str>) -> Result<Chain, Flaw> {
    let file = File::open(path)?;
    // A gate that is writing a record would look like a torn one. Where there are no locks, it may.
    _ = flock(&file, FlockOperation::LockShared);
    verify(io::BufReader::new(file), head)
}

/// A line that is a whole record and has the hash it should.
fn parse(line: &[u8]) -> Option<(Link, Seen)> {
    let (hash, rest) = line
        .strip_prefix(HEAD.as_bytes())?
        .split_at_checked(DIGITS)?;
    let rest = rest.strip_prefix(NECK.as_bytes())?;
    let hash = std::str::from_utf8(hash).ok()?;
    (hash_of(rest, b"") == hash).then_some(())?;
    let json = [b"{", rest].concat();
    let seen: Seen = serde_json::from_slice(&json).ok()?;
    let link = Link {
        seq: seen.seq,
        hash: hash.to_owned(),
    };
    Some((link, seen))
}

fn hash_of(rest: &[u8], end: &[u8]) -> String {
    hex(&Sha256::new_with_prefix(rest).chain_update(end).finalize())
}

/// This moment in UTC, as RFC 3339 writes it.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    format!(
        "{}T{:02}:{:02}:{:02}.{:06}Z",
        now.date(),
        now.hour(),
        now.minute(),
        now.second(),
        now.microsecond()
    )
}

/// The event of a repair.
const REPAIRED: &str = "repaired";

/// What a record's line begins with, before its hash.
const HEAD: &str = "{\"hash\":\"";

/// What stands between hash and the rest.
const NECK: &str = "\",";

/// Digits of a hash.
const DIGITS: usize = 64;

/// Bytes at the log's end that are read at first.
const WINDOW: u64 = 64 << 10;

/// The name of a log in its directory, if nobody gave another.
pub fn default_name() -> OsString {
    OsString::from("audit.jsonl")
}
