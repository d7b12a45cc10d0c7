//! The gate as a service: what ends it, and what it tells the one that started it.

use sd_notify::NotifyState;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Why a gate that waits goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something may be in the spool.
    Changed,
    /// It is asked to end.
    Stop,
}

/// The wish that a gate ends; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<State>);

#[derive(Debug, Default)]
struct State {
    since: OnceLock<Instant>,
    wake: Mutex<Option<Sender<Wake>>>,
}

impl Stop {
    /// Asks for the end. Once asked, it stays so.
    pub fn ask(&self) {
        _ = self.0.since.set(Instant::now());
        let wake = self.0.wake.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = &*wake {
            // Who does not listen any more is about to end.
            _ = wake.send(Wake::Stop);
        }
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.since.get().is_some()
    }

    /// Whether it was asked for so long ago that a dump in hand is given back.
    pub fn is_overdue(&self) -> bool {
        self.0
            .since
            .get()
            .is_some_and(|since| since.elapsed() > GRACE)
    }

    /// Whether the end is asked for within a moment: one signal for a whole group reaches its processes one by one.
    pub fn is_about_to_be(&self) -> bool {
        let since = Instant::now();
        while !self.is_asked() && since.elapsed() < MOMENT {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.is_asked()
    }

    /// Asks for the end when SIGTERM or SIGINT comes, which then end the process no more.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn on_signals(&self) -> std::io::Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let stop = self.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || signals.forever().for_each(|_| stop.ask()))?;
        Ok(())
    }

    /// Sends word of it to `wake` too.
    pub fn tell(&self, wake: Sender<Wake>) {
        *self.0.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(wake);
        if self.is_asked() {
            self.ask();
        }
    }
}

/// Tells the service manager, if there is one, that the gate is at work.
pub fn ready() {
    say(NotifyState::Ready);
    beat();
}

/// Tells it that the gate is about to end.
pub fn stopping() {
    say(NotifyState::Stopping);
}

/// Tells it that the gate is alive, if it wants to know and half of its time has passed. To be called often.
pub fn beat() {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let Some(period) = period() else { return };
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| last.elapsed() >= period) {
        *last = Some(Instant::now());
        say(NotifyState::Watchdog);
    }
}

/// How often the service manager is told that the gate is alive; `None` if it does not want to know.
pub fn period() -> Option<Duration> {
    static PERIOD: OnceLock<Option<Duration>> = OnceLock::new();
    *PERIOD.get_or_init(|| sd_notify::watchdog_enabled().map(|time| time / 2))
}

/// What is to be said, and whom to tell when it is.
type Word = (NotifyState<'static>, SyncSender<()>);

/// Says it from a thread of its own: a socket that nobody reads must not hold a dump.
fn say(state: NotifyState<'static>) {
    static SAYER: OnceLock<Option<SyncSender<Word>>> = OnceLock::new();
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let sayer = SAYER.get_or_init(|| {
        let (send, receive) = sync_channel::<Word>(4);
        let spawned = std::thread::Builder::new()
            .name("notify".to_owned())
            .spawn(move || {
                for (state, said) in receive {
                    // One that cannot be reached restarts us; there is nobody else to tell.
                    _ = sd_notify::notify(&[state]);
                    _ = said.send(());
                }
            });
        spawned.ok().map(|_| send)
    });
    let (said, heard) = sync_channel(1);
    if let Some(sayer) = sayer
        && sayer.try_send((state, said)).is_ok()
    {
        // That the gate ends is said before it does.
        _ = heard.recv_timeout(PATIENCE);
    }
}

/// How long the service manager has to take a word.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long a dump in hand is still judged after the end was asked for. Service managers wait 90 seconds.
const GRACE: Duration = Duration::from_secs(10);

/// How far apart the signals for the processes of a group may come.
const MOMENT: Duration = Duration::from_secs(1);
