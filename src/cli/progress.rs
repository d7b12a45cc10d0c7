//! The progress bar: on standard error, when that is a terminal and the work lasts.

use crate::scan::Progress;
use crate::text::printable;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A bar over the bytes of one file. It shows itself after a while and goes away when dropped.
pub struct Bar {
    bar: ProgressBar,
    started: Instant,
    is_wanted: bool,
    is_shown: AtomicBool,
}

impl Bar {
    /// A bar for the file at `path` of `size` bytes, unless the user wants quiet.
    pub fn new(path: &Path, size: u64, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::hidden());
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
        bar.set_message(printable(&name));
        let is_wanted = !quiet && std::io::stderr().is_terminal();
        Self {
            bar,
            started: Instant::now(),
            is_wanted,
            is_shown: AtomicBool::new(false),
        }
    }
}

impl Progress for Bar {
    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        let is_due = self.is_wanted && self.started.elapsed() > PATIENCE;
        if is_due && !self.is_shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Work shorter than this shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);
