//! The worker's side: reads what its parent asks, judges, answers.

use super::descriptor;
use super::frame::{Frame, Reader, Torn, Writer};
use super::message::{End, Hello, Message, Request, Said, Setup, Step};
use super::{Handle, Hash, Options, confine};
use crate::outcome::DumpOutcome;
use crate::policy::Policy;
use crate::scan::{Progress, Scanner};
use crate::source::{Source, open_ahead};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a process is called, by its first argument, that is to be a worker.
pub const NAME: &str = "dumpgate-worker";

/// Judges files as the parent at the other end of standard input asks, until that closes.
///
/// # Errors
/// When there is no parent, or it speaks another language: what is wrong, in words.
pub fn serve() -> Result<(), String> {
    let socket = socket().ok_or_else(|| {
        format!(
            "`{NAME}` is no command: it is started by dumpgate itself, over a socket of its own"
        )
    })?;
    let mut incoming = Incoming {
        socket: &socket,
        reader: Reader::default(),
        files: Vec::new(),
    };
    let failed = |error: io::Error| format!("failed to read what the parent asks: {error}");
    let Some(frame) = incoming.frame().map_err(failed)? else {
        return Ok(());
    };
    let setup = Setup::of(&frame)
        .filter(|setup| setup.version == env!("CARGO_PKG_VERSION"))
        .ok_or("the parent is another version of dumpgate")?;
    let options = setup.options;

    // Later no file can be opened: unpacking must have its own before.
    open_ahead(files_for(&options));
    let mut measures = confine::before_threads(options.memory);
    let scanner = options.scanner(&Policy::default())?;
    measures.extend(confine::with_threads());

    let outgoing = Outgoing {
        socket: &socket,
        writer: Mutex::default(),
    };
    let gone = |error: io::Error| format!("failed to answer the parent: {error}");
    outgoing.say(&Hello(measures)).map_err(gone)?;
    while let Some(frame) = incoming.frame().map_err(failed)? {
        let request = Request::of(&frame).ok_or("the parent asks what is no question")?;
        let file = incoming.files.pop().ok_or("the parent sent no file")?;
        #[cfg(debug_assertions)]
        super::fault::commit(&request.path, &socket);
        judge(&scanner, &options, request, file, &outgoing).map_err(gone)?;
    }
    Ok(())
}

/// The socket that is standard input; `None` if that is anything else.
fn socket() -> Option<UnixStream> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    let is_pair = socket.peer_addr().is_ok_and(|peer| peer.is_unnamed());
    is_pair.then_some(socket)
}

/// Judges one file and says what it came to.
fn judge(
    scanner: &Scanner,
    options: &Options,
    request: Request,
    file: File,
    outgoing: &Outgoing<'_>,
) -> io::Result<()> {
    let Request {
        number,
        path,
        handle,
        hash,
        tells_progress,
    } = request;
    let source = match handle {
        Handle::File => Source::of_file(file),
        Handle::Stream => Source::of_stream(file),
    };
    let mut end = End {
        number,
        outcomes: 0,
        size: None,
        sha256: None,
    };
    let mut said = Ok(());
    let mut say = |outcome: DumpOutcome| {
        end.outcomes += 1;
        said = outgoing.say(&Said { number, outcome });
        match said {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    match source {
        Ok(source) => {
            let watch = |name: &str, size: u64| -> Box<dyn Progress + '_> {
                if tells_progress {
                    Box::new(Teller::new(outgoing, name, size))
                } else {
                    Box::new(())
                }
            };
            scanner.scan_packed(&path, source.clone(), &options.budget, &watch, &mut say);
            end.size = Some(source.bytes().len() as u64);
            end.sha256 = (hash == Hash::Sha256).then(|| Sha256::digest(source.bytes()).into());
        }
        Err(error) => {
            let error = error.at_path(&path);
            _ = say(DumpOutcome::unopened(path, error));
        }
    }
    said?;
    outgoing.say(&end)
}

/// Files without a name that a worker may need at a time: some for each container inside another.
fn files_for(options: &Options) -> usize {
    options
        .budget
        .depth
        .saturating_mul(2)
        .saturating_add(8)
        .min(MAX_FILES)
}

/// What the parent says.
struct Incoming<'s> {
    socket: &'s UnixStream,
    reader: Reader,
    files: Vec<File>,
}

impl Incoming<'_> {
    /// The next frame; `None` when there will be none.
    fn frame(&mut self) -> io::Result<Option<Frame>> {
        let mut buffer = vec![0; BLOCK];
        loop {
            match self.reader.next() {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(Torn) => return Err(io::ErrorKind::InvalidData.into()),
            }
            match descriptor::receive(self.socket, &mut buffer, &mut self.files)? {
                0 => return Ok(None),
                read => self.reader.push(buffer.get(..read).unwrap_or_default()),
            }
        }
    }
}

/// What the parent is told.
struct Outgoing<'s> {
    socket: &'s UnixStream,
    writer: Mutex<Writer>,
}

impl Outgoing<'_> {
    fn say<M: Message>(&self, message: &M) -> io::Result<()> {
        let (kind, content) = message.content();
        // The frames must leave in the order in which they are chained.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = writer
            .frame(kind, &content)
            .ok_or_else(|| io::Error::other("an answer longer than any may be"))?;
        let mut socket = self.socket;
        socket.write_all(&frame)
    }
}

/// Tells the parent how far the scan of one dump has come, once that takes a while.
struct Teller<'o> {
    outgoing: &'o Outgoing<'o>,
    name: String,
    size: u64,
    started: Instant,
    /// Milliseconds from the start until something is to be told again.
    due: AtomicU64,
    /// Bytes not yet told.
    bytes: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    has_begun: bool,
    search: Option<(&'static str, u64)>,
}

impl<'o> Teller<'o> {
    fn new(outgoing: &'o Outgoing<'o>, name: &str, size: u64) -> Self {
        Self {
            outgoing,
            name: name.to_owned(),
            size,
            started: Instant::now(),
            due: AtomicU64::new(PATIENCE.as_millis() as u64),
            bytes: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }

    /// Tells what is not yet told. Where nobody listens any more, the next answer will notice.
    fn tell(&self, told: &mut Told) {
        if !told.has_begun {
            told.has_begun = true;
            _ = self
                .outgoing
                .say(&Step::Begin(self.name.clone(), self.size));
        }
        if let Some((name, bytes)) = told.search.take() {
            _ = self.outgoing.say(&Step::Search(name, bytes));
        }
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            _ = self.outgoing.say(&Step::Advance(bytes));
        }
    }

    /// Whether it is time to tell something; then it is not for a while.
    fn is_due(&self) -> bool {
        let now = self.started.elapsed().as_millis() as u64;
        let due = self.due.load(Ordering::Relaxed);
        let next = now + INTERVAL.as_millis() as u64;
        now >= due
            && self
                .due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl Progress for Teller<'_> {
    fn begin(&self, search: &'static str, bytes: u64) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // What the search before did last, if that one was told at all.
        if told.has_begun {
            self.tell(&mut told);
        } else {
            self.bytes.store(0, Ordering::Relaxed);
        }
        told.search = Some((search, bytes));
        if self.is_due() || told.has_begun {
            self.tell(&mut told);
        }
    }

    fn advance(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.is_due() {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            self.tell(&mut told);
        }
    }
}

/// Work shorter than this is not told of.
const PATIENCE: Duration = Duration::from_millis(300);

/// Between one thing told and the next.
const INTERVAL: Duration = Duration::from_millis(50);

/// Bytes received at a time.
const BLOCK: usize = 64 << 10;

/// Descriptors that a process may have open everywhere.
const MAX_FILES: usize = 128;
