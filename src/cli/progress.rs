//! The progress bar: on standard error, when that is a terminal and the work lasts.

use crate::scan::Progress;
use crate::text::printable;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A bar over the bytes that each search of one file goes over. It shows itself after a while and goes away when
/// dropped.
pub struct Bar {
    bar: ProgressBar,
    name: String,
    /// Bytes that the search at hand goes over once.
    bytes: AtomicU64,
    started: Instant,
    is_wanted: bool,
    is_shown: AtomicBool,
}

impl Bar {
    /// A bar for the file at `path`, unless the user wants quiet.
    pub fn new(path: &Path, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        // The rate of one search tells nothing of the next, so the time left is that of this search.
        let style = ProgressStyle::with_template(
            "{msg} [{bar:30}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
        );
        bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
        );
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        let is_wanted = !quiet && std::io::stderr().is_terminal();
        Self {
            bar,
            name: printable(&name),
            bytes: AtomicU64::new(0),
            started: Instant::now(),
            is_wanted,
            is_shown: AtomicBool::new(false),
        }
    }

    fn show(&self) {
        let is_due = self.is_wanted && self.started.elapsed() > PATIENCE;
        if is_due && !self.is_shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Progress for Bar {
    fn begin(&self, search: &'static str, bytes: u64) {
        self.bar.set_message(format!("{}: {search}", self.name));
        self.bytes.store(bytes, Ordering::Relaxed);
        self.bar.set_length(bytes);
        self.bar.reset();
        self.show();
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        // A search may go over its bytes more than once.
        let once = self.bytes.load(Ordering::Relaxed).max(1);
        let rounds = self.bar.position().div_ceil(once).max(1);
        if rounds > 1 {
            self.bar.set_length(rounds.saturating_mul(once));
        }
        self.show();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Work shorter than this shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);
