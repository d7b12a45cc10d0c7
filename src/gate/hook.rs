//! A command that is run when a key was found. What it is told is in its environment, and is no secret.

use super::decision::Decision;
use super::names::shown;
use super::service;
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A command for the shell.
#[derive(Clone, Debug)]
pub struct Hook(pub OsString);

impl Hook {
    /// Runs it about a dump that is at `path` now. What becomes of it changes nothing for the dump.
    pub fn run(&self, decision: &Decision, path: Option<&Path>) {
        match self.start(decision, path).and_then(wait) {
            Ok(None) => {}
            Ok(Some(why)) => tracing::warn!("`--on-found`: the command {why}"),
            Err(error) => tracing::warn!("`--on-found`: failed to run the command: {error}"),
        }
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
            .arg(&self.0)
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

/// Waits for its end, and says what is wrong with that.
fn wait(mut child: Child) -> io::Result<Option<String>> {
    let since = Instant::now();
    while since.elapsed() < LIMIT {
        service::beat();
        if let Some(status) = child.try_wait()? {
            return Ok((!status.success()).then(|| format!("ended with {status}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Ok(Some(format!(
        "was ended: it took longer than {} s",
        LIMIT.as_secs()
    )))
}

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Keys it is told of; the manifest has all.
const MAX_KEYS: usize = 256;

/// Where it looks for programs, if nobody says.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
