//! The gate: dumps in a spool end in one of two directories, released or quarantined, whatever happens.
//!
//! A dump is claimed (`claim`), held so that nobody can change it (`hold`), judged by a worker and decided about
//! (`decision`); the decision is kept beside the claim, then recorded in the audit log (`audit`), and only then the
//! dump is moved (`deliver`). Each step lasts before the next begins, so a gate that starts again knows what is left
//! to do: a dump without a decision is judged, one with a decision goes where that says, and is not judged again.
//!
//! For Unix. Leases, which let a dump be judged without a copy, are Linux' own.

pub mod audit;
mod claim;
mod decision;
mod deliver;
mod disk;
mod facts;
mod fault;
mod hold;
mod hook;
mod lease;
mod metrics;
pub mod names;
pub mod pipe;
mod round;
pub mod service;
mod side;
pub mod store;
pub mod tell;
mod watch;
mod work;

pub use decision::{Decision, Fate};

use crate::error::Error;
use crate::outcome::Verdict;
use crate::policy::Policy;
use crate::worker::{Options, Supervisor};
use audit::Log;
use claim::{Claims, DIRECTORY};
use disk::Directory;
use hook::Hook;
use metrics::{Gauges, Metrics};
use rustix::fs::FileType;
use serde_json::Value;
use service::Stop;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Where dumps come from and go to.
#[derive(Clone, Debug)]
pub struct Places {
    /// Where they are written.
    pub spool: PathBuf,
    /// Where they go that may leave.
    pub release: PathBuf,
    /// Where the others go.
    pub quarantine: PathBuf,
    /// The audit log; `None` for `.dumpgate/audit.jsonl` in the quarantine.
    pub audit: Option<PathBuf>,
}

/// What a verdict leads to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// What becomes of a dump that ends before what it declares, and is clean as far as it goes.
    pub truncated: Truncated,
    /// Releases everything, and records what would have been.
    pub dry_run: bool,
    /// How long a dump that somebody has open for writing is waited for after it changed last.
    pub wait: Duration,
}

/// What becomes of a dump that ends before what it declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncated {
    /// It is quarantined.
    #[default]
    Quarantine,
    /// It is released if there is nothing else against it.
    Release,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'e> {
    /// A dump is in its place.
    Done(&'e Done),
    /// Something in the spool that is no dump stays there.
    Left {
        /// Its name.
        name: &'e OsStr,
        /// What it is.
        what: &'static str,
    },
    /// A dump could not be brought to its place. It stays claimed, for the next round.
    Stuck {
        /// Where it is or was.
        path: &'e Path,
        /// Why.
        error: &'e Error,
    },
}

/// A dump in its place.
#[derive(Debug)]
pub struct Done {
    /// What was decided.
    pub decision: Decision,
    /// Where it is; `None` if it went there before this gate began.
    pub path: Option<PathBuf>,
    /// What could not be kept of the file besides its bytes, in words.
    pub lost: Vec<String>,
}

/// A gate at work. Judges by a worker that ends with the thread that uses this.
pub struct Gate {
    spool: Directory,
    /// Where dumps are released to, if that is a directory.
    release: Option<Directory>,
    quarantine: Directory,
    claims: Claims,
    log: Log,
    supervisor: Supervisor,
    rules: Rules,
    options: Value,
    stop: Stop,
    /// Dumps that somebody writes, and since when they are waited for.
    written: HashMap<OsString, round::Seen>,
    /// What was told to be no dump and is still there.
    strange: HashSet<OsString>,
    hook: Option<Hook>,
    metrics: Option<Metrics>,
    /// Dumps in the spool at the last look, and when the oldest was written.
    queue: (u64, Option<SystemTime>),
    /// Dumps that could not be brought to their places in the last round.
    stuck: u64,
    /// Since when there are such.
    stuck_since: Option<SystemTime>,
    /// What was told of them last, and when.
    told: HashMap<PathBuf, (String, Instant)>,
    /// Decisions that it is recorded of, since something is stuck, that this gate carries them out.
    resumed: HashSet<String>,
}

/// Directories that are open, and the log.
struct Ground {
    spool: Directory,
    release: Option<Directory>,
    quarantine: Directory,
    claims: Claims,
    log: Log,
}

/// What a look at the spool left there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// No dump that could be taken.
    Nothing,
    /// A dump that somebody writes.
    Busy,
}

impl Gate {
    /// A gate between `places`, whose dumps are judged as `options` and `policy` say.
    ///
    /// # Errors
    /// When a place cannot be used as one.
    pub fn open(
        places: &Places,
        rules: Rules,
        options: Options,
        policy: Policy,
    ) -> Result<Self, Error> {
        let open = |path: &Path| {
            // Logs and manifests are read from elsewhere.
            let path = std::path::absolute(path)
                .map_err(|cause| Error::io("find", cause).at_path(path))?;
            Directory::open(&path)
        };
        let spool = open(&places.spool)?;
        let release = open(&places.release)?;
        let quarantine = open(&places.quarantine)?;
        let identities = [
            spool.identity()?,
            release.identity()?,
            quarantine.identity()?,
        ];
        let [spool_is, release_is, quarantine_is] = identities;
        if spool_is == release_is || spool_is == quarantine_is || release_is == quarantine_is {
            let cause = io::Error::other("spool, release and quarantine must be three directories");
            return Err(Error::io("use", cause).at_path(&places.spool));
        }
        let claims = Claims::open(&spool)?;
        let log = open_log(&quarantine, places.audit.as_deref())?;
        let ground = Ground {
            spool,
            release: Some(release),
            quarantine,
            claims,
            log,
        };
        Ok(Self::on(ground, rules, options, policy))
    }

    fn on(ground: Ground, rules: Rules, options: Options, policy: Policy) -> Self {
        let Ground {
            spool,
            release,
            quarantine,
            claims,
            log,
        } = ground;
        let words = policy.in_words().into_iter();
        let words = words.map(|(name, value)| (name.to_owned(), Value::String(value)));
        let words = Value::Object(words.collect());
        let options_in_words = decision::options_in_words(&options, &rules, words);
        let stop = Stop::default();
        let is_over = stop.clone();
        let supervisor = Supervisor::new(options, policy).meanwhile(Box::new(move || {
            service::beat();
            match is_over.is_overdue() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }));
        Self {
            spool,
            release,
            quarantine,
            claims,
            log,
            supervisor,
            rules,
            options: options_in_words,
            stop,
            written: HashMap::new(),
            strange: HashSet::new(),
            hook: None,
            metrics: None,
            queue: (0, None),
            stuck: 0,
            stuck_since: None,
            told: HashMap::new(),
            resumed: HashSet::new(),
        }
    }

    /// Starts workers from the program at this path instead of the one that runs, as a test has to.
    #[must_use]
    pub fn program(mut self, path: PathBuf) -> Self {
        self.supervisor = self.supervisor.program(path);
        self
    }

    /// The audit log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Runs `command` by the shell for each dump in which a key was found; what it is told is in its environment.
    #[must_use]
    pub fn on_found(mut self, command: Option<OsString>) -> Self {
        self.hook = command.map(|command| Hook::new(command, self.stop.clone()));
        self
    }

    /// Writes numbers to the file at `path`, as the Prometheus text format has them.
    #[must_use]
    pub fn metrics(mut self, path: Option<PathBuf>) -> Self {
        self.metrics = path.map(Metrics::new);
        self
    }

    /// What there is to do when a dump is in its place, which took `time`.
    fn settled(&mut self, done: &Done, time: Duration) {
        if let Some(metrics) = &mut self.metrics {
            metrics.count(&done.decision, time);
        }
        self.alarm(&done.decision, done.path.as_deref());
        self.measure(false);
    }

    /// Runs the command for dumps in which a key was found, if this is one; it is at `path` now.
    fn alarm(&mut self, decision: &Decision, path: Option<&Path>) {
        if let Some(hook) = &mut self.hook
            && decision.verdict() == Verdict::Found
        {
            hook.run(decision, path);
        }
    }

    /// Writes the numbers, if they are due or `is_last`.
    fn measure(&mut self, is_last: bool) {
        let Some(metrics) = &mut self.metrics else {
            return;
        };
        if !is_last && !metrics.is_due() {
            return;
        }
        let mut places = vec![("spool", &self.spool), ("quarantine", &self.quarantine)];
        places.extend(self.release.as_ref().map(|release| ("release", release)));
        let gauges = Gauges {
            queue: self.queue.0,
            oldest: self.queue.1.into_iter().chain(self.stuck_since).min(),
            stuck: self.stuck,
            deaths: self.supervisor.deaths(),
            places,
            head: self.log.head().map(|head| (head.seq, head.hash.as_str())),
        };
        if let Err(error) = metrics.write(&gauges) {
            tracing::warn!("{error}");
        }
    }

    /// What ends it, once asked: the dump in hand is judged first, or given back if that takes long.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

/// The log at `path`, or in `quarantine`.
fn open_log(quarantine: &Directory, path: Option<&Path>) -> Result<Log, Error> {
    let Some(path) = path else {
        let private = quarantine.private(DIRECTORY.as_ref())?;
        return Log::open(&private, &audit::default_name());
    };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| {
        let cause = io::Error::from(io::ErrorKind::IsADirectory);
        Error::io("open", cause).at_path(path)
    })?;
    Log::open(&Directory::open(parent)?, name)
}

/// Where a dump of that fate goes.
fn target<'d>(
    release: Option<&'d Directory>,
    quarantine: &'d Directory,
    fate: Fate,
) -> Result<&'d Directory, Error> {
    match fate {
        Fate::Quarantine => Ok(quarantine),
        Fate::Release => release.ok_or_else(|| {
            let cause = io::Error::other("no directory to release to was given (`--release`)");
            Error::io("release", cause).at_path(quarantine.path())
        }),
    }
}

fn in_words(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something unknown",
    }
}
