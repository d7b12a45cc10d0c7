//! A run that is stopped by a signal leaves neither processes nor keys behind.

use crate::Result;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::thread;

/// Makes signals that end this process end its children too, and remove `directory`.
///
/// # Errors
/// When signals cannot be waited for.
pub fn clean_up(directory: &Path) -> Result<()> {
    let directory = directory.to_owned();
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            remove(&directory);
            exit(128 + signal);
        }
    });
    Ok(())
}

/// Removes a directory in which children may be writing still, and new ones be started.
fn remove(directory: &PathBuf) {
    for _ in 0..TRIES {
        for child in children() {
            // It may be gone by itself.
            let _ = kill_process(child, Signal::KILL);
        }
        if fs::remove_dir_all(directory).is_ok() || !directory.exists() {
            return;
        }
    }
    eprintln!(
        "leak-path: failed to remove `{}`, which holds keys",
        directory.display()
    );
}

fn children() -> Vec<Pid> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let lists = tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let numbers = lists.flat_map(|list| {
        let numbers = list.split_whitespace().map(str::parse);
        numbers.flatten().collect::<Vec<i32>>()
    });
    numbers.filter_map(Pid::from_raw).collect()
}

/// How often it is tried.
const TRIES: usize = 100;
