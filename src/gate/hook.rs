//! A command that is run when a key was found. What it is told is in its environment, and is no secret.

use super::decision::Decision;
use super::names::shown;
use super::service::{self, Stop};
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A command for the shell. Nobody waits for its end but the end of the gate.
#[derive(Debug)]
pub struct Hook {
    command: OsString,
    /// Those that run, and since when.
    running: Vec<(Child, Instant)>,
    stop: Stop,
}

impl Hook {
    /// Runs `command`; `stop` says when nobody waits for it any more.
    pub fn new(command: OsString, stop: Stop) -> Self {
        Self {
            command,
            running: Vec::new(),
            stop,
        }
    }

    /// Starts it about a dump that is at `path` now. What becomes of it changes nothing for the dump.
    pub fn run(&mut self, decision: &Decision, path: Option<&Path>) {
        self.reap();
        while self.running.len() >= MOST && !self.stop.is_asked() {
            self.pause();
        }
        match self.start(decision, path) {
            Ok(child) => self.running.push((child, Instant::now())),
            Err(error) => tracing::warn!("`--on-found`: failed to run the command: {error}"),
        }
    }

    /// Takes note of those that have ended, and ends those that take too long.
    fn reap(&mut self) {
        self.running.retain_mut(|(child, since)| {
            match look_after(child, *since) {
                Ok(None) => return true,
                Ok(Some(None)) => {}
                Ok(Some(Some(why))) => tracing::warn!("`--on-found`: the command {why}"),
                Err(error) => tracing::warn!("`--on-found`: failed to run the command: {error}"),
            }
            false
        });
    }

    fn pause(&mut self) {
        service::beat();
        std::thread::sleep(Duration::from_millis(10));
        self.reap();
    }

    fn start(&self, decision: &Decision, path: Option<&Path>) -> io::Result<Child> {
        let keys = decision.keys();
        let field = |name: &str| {
            let mut values: Vec<&str> = keys
                .iter()
                .filter_map(|key| key.get(name).and_then(Value::as_str))
                .collect();
            values.dedup();
            values.truncate(MAX_KEYS);
            values.join(" ")
        };
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(&self.command)
            .env_clear()
            .env(
                "PATH",
                std::env::var_os("PATH").unwrap_or_else(|| PATH.into()),
            )
            .env("DUMPGATE_NAME", shown(&decision.name()))
            .env("DUMPGATE_VERDICT", decision.verdict().name())
            .env("DUMPGATE_FATE", decision.fate.name())
            .env(
                "DUMPGATE_SHA256",
                decision.sha256.as_deref().unwrap_or_default(),
            )
            .env("DUMPGATE_FINGERPRINTS", field("spki_sha256"))
            .env("DUMPGATE_KINDS", field("kind"))
            .env(
                "DUMPGATE_PATH",
                path.map(|path| shown(path.as_os_str())).unwrap_or_default(),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.spawn()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.reap();
        while !self.running.is_empty() && !self.stop.is_asked() {
            self.pause();
        }
    }
}

/// Whether it has ended, and what is wrong with that.
fn look_after(child: &mut Child, since: Instant) -> io::Result<Option<Option<String>>> {
    if let Some(status) = child.try_wait()? {
        return Ok(Some(
            (!status.success()).then(|| format!("ended with {status}")),
        ));
    }
    if since.elapsed() < LIMIT {
        return Ok(None);
    }
    child.kill()?;
    child.wait()?;
    Ok(Some(Some(format!(
        "was ended: it took longer than {} s",
        LIMIT.as_secs()
    ))))
}

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How many may run at a time.
const MOST: usize = 8;

/// Keys it is told of; the manifest has all.
const MAX_KEYS: usize = 256;

/// Where it looks for programs, if nobody says.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
