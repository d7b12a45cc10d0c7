//! A gate that stays: events tell of new dumps, and a slow look at the spool finds those of which no event told.

use super::service::{self, Stop, Wake};
use super::{Event, Gate, Left};
use crate::error::Error;
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

impl Gate {
    /// Takes each dump that appears in the spool, until the end is asked for. Looks at the spool every `poll` at
    /// least: events get lost, and some file systems have none.
    pub fn watch(&mut self, poll: Duration, tell: &mut dyn FnMut(&Event<'_>)) {
        let stop: Stop = self.stop();
        let (send, receive) = channel();
        stop.tell(send.clone());
        // Before the first look, so that nothing falls between.
        let watcher = watcher(self.spool.path(), send);
        if let Err(error) = &watcher {
            tracing::warn!(
                "no events from the spool, it is only looked at every {} s: {error}",
                poll.as_secs_f64()
            );
        }
        service::ready();
        while !stop.is_asked() {
            let pause = match self.pass(tell) {
                Ok(Left::Nothing) => poll,
                Ok(Left::Busy) => poll.min(BUSY),
                Err(error) => {
                    self.failed(&error, tell);
                    poll
                }
            };
            wait(&receive, pause, || self.tick());
        }
        service::stopping();
    }

    fn failed(&self, error: &Error, tell: &mut dyn FnMut(&Event<'_>)) {
        tell(&Event::Stuck {
            path: self.spool.path(),
            error,
        });
    }
}

/// Sends a word for each event after which a dump may be whole in `spool`.
fn watcher(spool: &Path, send: Sender<Wake>) -> notify::Result<RecommendedWatcher> {
    if super::fault::is_deaf() {
        return Err(notify::Error::generic("a test asked for none"));
    }
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Of what was lost nothing is known: that is a reason to look.
        if event.is_ok_and(|event| !is_news(event.kind)) {
            return;
        }
        // The gate has ended if nobody listens.
        _ = send.send(Wake::Changed);
    })?;
    watcher.watch(spool, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Whether a file may be whole since: it was moved here, linked or closed by its writer. What the gate does itself in
/// the spool is none of these, nor is each write to a file.
fn is_news(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(kind) => kind != CreateKind::Folder,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Modify(ModifyKind::Name(mode)) => mode != RenameMode::From,
        EventKind::Modify(_) | EventKind::Access(_) | EventKind::Remove(_) => false,
        EventKind::Any | EventKind::Other => true,
    }
}

/// Waits for a word, at most for `pause`.
fn wait(receive: &Receiver<Wake>, pause: Duration, tick: impl Fn()) {
    let until = Instant::now() + pause;
    loop {
        tick();
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        let slice = service::period().map_or(left, |period| left.min(period / 2));
        match receive.recv_timeout(slice) {
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return std::thread::sleep(left),
            Ok(_) => {
                // One look is enough for all that came meanwhile; a stop is not forgotten by its flag.
                while receive.try_recv().is_ok() {}
                return;
            }
        }
    }
}

/// How soon a dump that is being written is looked at again.
const BUSY: Duration = Duration::from_secs(1);
