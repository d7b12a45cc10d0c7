//! The parent's side: starts workers, asks them, and believes only what is whole.

use super::child::NAME;
use super::death::{Cause, Death};
use super::descriptor;
use super::frame::Writer;
use super::message::{Hello, Message, Request, Setup, Step};
use super::reply::{Event, Listener};
use super::{Handle, Hash, Measure, Options};
use crate::outcome::{DumpOutcome, Verdict};
use crate::policy::Policy;
use crate::scan::{Progress, Watch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// Has files judged by workers, one file after the other, and as many by one worker as it survives.
///
/// A worker ends when the thread that started it does: judge on one that lasts.
pub struct Supervisor {
    options: Options,
    policy: Arc<Policy>,
    program: PathBuf,
    tells_progress: bool,
    meanwhile: Option<Meanwhile>,
    worker: Option<Worker>,
    deaths: u64,
}

/// What is done again and again while a worker is at work; it may break off.
pub type Meanwhile = Box<dyn FnMut() -> ControlFlow<()> + Send>;

/// How the judging of a file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The worker said all there is to say.
    Whole {
        /// Bytes that were judged; `None` if the file could not be opened.
        size: Option<u64>,
        /// SHA-256 of them, if it was asked for and the file could be opened.
        sha256: Option<[u8; 32]>,
    },
    /// The worker came to no answer; an outcome that says so was given.
    Died(Death),
    /// The asker broke off.
    Stopped,
}

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct Question<'f> {
    /// Its name, which reports show; it is never opened.
    pub path: &'f Path,
    /// Its bytes.
    pub file: &'f File,
    /// What `file` is.
    pub handle: Handle,
    /// Whether the worker hashes them.
    pub hash: Hash,
}

impl Supervisor {
    /// Judges as `options` say, and by `policy`. No worker is started yet.
    pub fn new(mut options: Options, policy: Policy) -> Self {
        if options.threads == 0 {
            options.threads = threads();
        }
        Self {
            options,
            policy: Arc::new(policy),
            program: this_program(),
            tells_progress: false,
            meanwhile: None,
            worker: None,
            deaths: 0,
        }
    }

    /// Starts workers from the program at this path instead of the one that runs, as a test has to.
    #[must_use]
    pub fn program(mut self, path: PathBuf) -> Self {
        self.program = path;
        self
    }

    /// Whether workers tell how far they are. It costs them little, and nothing in the first moments of a file.
    #[must_use]
    pub fn progress(mut self, tells_progress: bool) -> Self {
        self.tells_progress = tells_progress;
        self
    }

    /// Calls `meanwhile` some times a second while a worker is at work; when it breaks, `judge` comes back with
    /// [`Judged::Stopped`].
    #[must_use]
    pub fn meanwhile(mut self, meanwhile: Meanwhile) -> Self {
        self.meanwhile = Some(meanwhile);
        self
    }

    /// Workers that died so far.
    pub fn deaths(&self) -> u64 {
        self.deaths
    }

    /// What a worker gave up, as it says itself; starts one if none runs.
    ///
    /// # Errors
    /// When none can be started.
    pub fn measures(&mut self) -> Result<&[Measure], Death> {
        match ready(&mut self.worker, &self.program, &self.options) {
            Ok(worker) => Ok(&worker.measures),
            Err(end) => Err(Death {
                cause: end.cause,
                cut: 0,
            }),
        }
    }

    /// Has `question` judged, and gives each outcome to `each` as it comes. Lines that the worker said on standard
    /// error go to `aside`; they are hostile text.
    ///
    /// An outcome is whole when it is given, but the file is judged only when `Judged::Whole` comes back: after
    /// `Judged::Died`, which gave one more outcome that says what happened, only findings count.
    pub fn judge(
        &mut self,
        question: &Question<'_>,
        watch: Watch<'_>,
        aside: &mut dyn FnMut(&str),
        each: &mut dyn FnMut(DumpOutcome) -> ControlFlow<()>,
    ) -> Judged {
        let size = |file: &File| file.metadata().map_or(0, |metadata| metadata.len());
        let before = size(question.file);
        let end = self.ask(question, watch, each);
        if let Some(worker) = &mut self.worker {
            worker.aside(aside);
        }
        let (cause, said) = match end {
            Ok(judged) => {
                if judged == Judged::Stopped {
                    // It may still be at work.
                    self.worker = None;
                }
                return judged;
            }
            Err(End { cause, said }) => (cause, said),
        };
        self.worker = None;
        self.deaths += 1;
        said.lines().for_each(aside);
        let death = Death {
            cause,
            cut: before.saturating_sub(size(question.file)),
        };
        _ = each(death.outcome(question.path.to_path_buf(), before));
        Judged::Died(death)
    }

    fn ask(
        &mut self,
        question: &Question<'_>,
        watch: Watch<'_>,
        each: &mut dyn FnMut(DumpOutcome) -> ControlFlow<()>,
    ) -> Result<Judged, End> {
        let (time, tells_progress) = (self.options.time, self.tells_progress);
        let Self {
            options,
            policy,
            program,
            meanwhile,
            worker,
            ..
        } = self;
        let worker = ready(worker, program, options)?;
        let request = Request {
            number: worker.asked,
            path: question.path.to_path_buf(),
            handle: question.handle,
            hash: question.hash,
            tells_progress,
        };
        worker.asked += 1;
        worker.limit = time.map(|time| (Instant::now(), time));
        worker.listener.expect(request.number, question.hash);
        worker.say(&request, Some(question.file))?;
        let mut bar: Option<Box<dyn Progress + '_>> = None;
        loop {
            let Some(event) = worker.event(meanwhile)? else {
                return Ok(Judged::Stopped);
            };
            match event {
                Event::Step(Step::Begin(name, bytes)) => bar = Some(watch(&name, bytes)),
                Event::Step(Step::Search(name, bytes)) => {
                    if let Some(bar) = &bar {
                        bar.begin(name, bytes);
                    }
                }
                Event::Step(Step::Advance(bytes)) => {
                    if let Some(bar) = &bar {
                        bar.advance(bytes);
                    }
                }
                Event::Outcome(mut outcome) => {
                    bar = None;
                    outcome.path = question.path.to_path_buf();
                    if outcome.verdict != Verdict::Unopened {
                        policy.judge(&mut outcome);
                    }
                    if each(*outcome).is_break() {
                        return Ok(Judged::Stopped);
                    }
                }
                Event::End(end) => {
                    return Ok(Judged::Whole {
                        size: end.size,
                        sha256: end.sha256,
                    });
                }
                // It is due once only, and that was before.
                Event::Hello(_) => return Err(worker.end(Some(Cause::Malformed))),
            }
        }
    }
}

/// A worker that waits for a question.
fn ready<'w>(
    worker: &'w mut Option<Worker>,
    program: &Path,
    options: &Options,
) -> Result<&'w mut Worker, End> {
    let ready = match worker.take() {
        Some(worker) => worker,
        None => Worker::start(program, options)?,
    };
    Ok(worker.insert(ready))
}

/// What a worker of this program gives up on this system, as one says itself.
///
/// # Errors
/// When none can be started.
pub fn measures() -> Result<Vec<Measure>, Death> {
    let mut supervisor = Supervisor::new(Options::default(), Policy::default());
    supervisor.measures().map(<[Measure]>::to_vec)
}

/// A child process and what is said to and by it. It is killed when this goes.
struct Worker {
    child: Child,
    socket: UnixStream,
    writer: Writer,
    listener: Listener,
    stderr: Option<ChildStderr>,
    /// The end of what it said on standard error.
    said: Vec<u8>,
    /// Files it was asked about.
    asked: u64,
    /// Since when it is at work, and how long it may be.
    limit: Option<(Instant, Duration)>,
    memory: u64,
    measures: Vec<Measure>,
}

/// Why a worker is no more, and the last it said.
struct End {
    cause: Cause,
    said: String,
}

impl Worker {
    fn start(program: &Path, options: &Options) -> Result<Self, End> {
        let mut worker = Self::spawn(program, options).map_err(|error| End {
            cause: Cause::NotStarted(error.to_string()),
            said: String::new(),
        })?;
        let setup = Setup {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            options: options.clone(),
        };
        worker.limit = Some((Instant::now(), START));
        worker.say(&setup, None)?;
        match worker.event(&mut None)? {
            Some(Event::Hello(Hello(measures))) => worker.measures = measures,
            _ => return Err(worker.end(Some(Cause::Malformed))),
        }
        Ok(worker)
    }

    fn spawn(program: &Path, options: &Options) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_write_timeout(Some(START))?;
        let mut command = Command::new(program);
        command
            .arg0(NAME)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A core_pattern handler has an empty environment anyway, and what else is in one is no worker's business.
            .env_clear();
        let kept = KEPT
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.envs(kept);
        let mut child = command.spawn()?;
        let stderr = child.stderr.take();
        Ok(Self {
            child,
            socket: ours,
            writer: Writer::default(),
            listener: Listener::default(),
            stderr,
            said: Vec::new(),
            asked: 0,
            limit: None,
            memory: options.memory,
            measures: Vec::new(),
        })
    }

    fn say<M: Message>(&mut self, message: &M, file: Option<&File>) -> Result<(), End> {
        let (kind, content) = message.content();
        let Some(frame) = self.writer.frame(kind, &content) else {
            let why = "the question is longer than any may be";
            return Err(self.end(Some(Cause::NotStarted(why.to_owned()))));
        };
        let sent = match file {
            Some(file) => descriptor::send(&self.socket, &frame, file.as_fd()),
            None => self.socket.write_all(&frame),
        };
        sent.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                self.end(Some(Cause::TimedOut(START)))
            }
            _ => self.end(None),
        })
    }

    /// The next thing that the worker says, as it should be; `None` if `meanwhile` breaks off.
    fn event(&mut self, meanwhile: &mut Option<Meanwhile>) -> Result<Option<Event>, End> {
        loop {
            if let Some(meanwhile) = meanwhile
                && meanwhile().is_break()
            {
                return Ok(None);
            }
            match self.listener.next() {
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => self.hear(meanwhile.as_ref().map(|_| TICK))?,
                Err(_) => return Err(self.end(Some(Cause::Malformed))),
            }
        }
    }

    /// Waits until the worker says something, and hears it; no longer than `most`.
    fn hear(&mut self, most: Option<Duration>) -> Result<(), End> {
        let left = match self.limit {
            None => None,
            Some((since, time)) => match time.checked_sub(since.elapsed()) {
                Some(left) => Some(left),
                None => return Err(self.end(Some(Cause::TimedOut(time)))),
            },
        };
        let mut waiting = vec![PollFd::new(&self.socket, PollFlags::IN)];
        if let Some(stderr) = &self.stderr {
            waiting.push(PollFd::new(stderr, PollFlags::IN));
        }
        let left = match (left, most) {
            (Some(left), Some(most)) => Some(left.min(most)),
            (left, most) => left.or(most),
        };
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut waiting, left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(self.end(Some(Cause::NotStarted(error.to_string())))),
        }
        let is_ready: Vec<bool> = waiting
            .iter()
            .map(|waiting| !waiting.revents().is_empty())
            .collect();
        // Standard error first: what is said there was said before.
        if is_ready.get(1) == Some(&true) {
            self.overhear();
        }
        if is_ready.first() == Some(&true) {
            let mut buffer = [0; BLOCK];
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(self.end(None)),
                Ok(read) => self.listener.push(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(self.end(None)),
            }
        }
        Ok(())
    }

    /// Reads some of standard error, of which only the end is kept.
    fn overhear(&mut self) {
        let mut buffer = [0; LAST_WORDS];
        let read = self.stderr.as_mut().map(|stderr| stderr.read(&mut buffer));
        match read {
            Some(Ok(0) | Err(_)) | None => self.stderr = None,
            Some(Ok(read)) => {
                self.said.extend(buffer.get(..read).unwrap_or_default());
                let excess = self.said.len().saturating_sub(LAST_WORDS);
                self.said.drain(..excess);
            }
        }
    }

    /// Whether more of standard error is there. Its end is not waited for: somebody else may hold it open.
    fn has_last_words(&self) -> bool {
        self.stderr.as_ref().is_some_and(|stderr| {
            let mut waiting = [PollFd::new(stderr, PollFlags::IN)];
            poll(&mut waiting, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
        })
    }

    /// Gives what was said on standard error to `aside`, by lines.
    fn aside(&mut self, aside: &mut dyn FnMut(&str)) {
        if !self.said.is_empty() {
            let said = std::mem::take(&mut self.said);
            String::from_utf8_lossy(&said).lines().for_each(aside);
        }
    }

    /// Ends the worker, if it has not ended, and says why: for `cause`, if we have one, else of itself.
    fn end(&mut self, cause: Option<Cause>) -> End {
        if cause.is_some() {
            // It may be gone already.
            _ = self.child.kill();
        }
        // One that closed its socket and goes on is no worker.
        let status = self.wait();
        while self.has_last_words() {
            self.overhear();
        }
        let said = String::from_utf8_lossy(&std::mem::take(&mut self.said)).into_owned();
        let cause = cause.unwrap_or_else(|| match status {
            Ok(status) => Cause::of(status, &said, self.memory),
            Err(error) => Cause::NotStarted(error.to_string()),
        });
        End { cause, said }
    }

    /// Waits a moment for the end of the worker, then kills it.
    fn wait(&mut self) -> io::Result<std::process::ExitStatus> {
        let since = Instant::now();
        while since.elapsed() < MOMENT {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        _ = self.child.kill();
        self.child.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program that runs, even when its file was replaced meanwhile.
fn this_program() -> PathBuf {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().unwrap_or_default()
    }
}

/// Threads of a scan, if nobody says how many. A worker cannot ask: what tells of limits lies in files.
fn threads() -> usize {
    std::env::var("RAYON_NUM_THREADS")
        .ok()
        .and_then(|number| number.parse().ok())
        .filter(|number| *number > 0)
        .unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get))
}

/// What a worker needs of the environment.
const KEPT: &[&str] = &[
    "TMPDIR",
    "LD_LIBRARY_PATH",
    #[cfg(debug_assertions)]
    super::fault::VARIABLE,
];

/// A worker that is not ready after this, or does not listen for as long, never will be.
const START: Duration = Duration::from_secs(60);

/// A worker whose socket is closed is about to end.
const MOMENT: Duration = Duration::from_secs(2);

/// Between one call of what is done meanwhile and the next.
const TICK: Duration = Duration::from_millis(200);

/// Bytes heard at a time.
const BLOCK: usize = 64 << 10;

/// Bytes of standard error that are kept.
const LAST_WORDS: usize = 4096;
