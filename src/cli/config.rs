//! The policy file that is in force, and what it means together with what was typed.

use crate::error::Error;
use crate::finding::Proof;
use crate::policy::Policy;
use crate::policy::baseline::Baseline;
use crate::policy::file::PolicyFile;
use crate::worker::Given;
use std::path::{Path, PathBuf};

/// Who is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Files that nobody but their owner and root can change, where the system's administrator put them.
    Administrator,
    /// Whoever works in this directory.
    User,
}

/// A policy file, read.
#[derive(Debug, Default)]
pub struct Config {
    /// Where it is, if there is one.
    pub path: Option<PathBuf>,
    /// What it says.
    pub says: PolicyFile,
    trust: Option<Trust>,
}

impl Config {
    /// The file at `given`; else, for a user, the nearest `dumpgate.toml` from the working directory upward; else the
    /// system's, if there is one.
    ///
    /// # Errors
    /// When it cannot be read, is no policy, or others can write to it.
    pub fn find(given: Option<&Path>, trust: Trust) -> Result<Self, String> {
        let system = Path::new(SYSTEM);
        let path = match (given, trust) {
            (Some(path), _) => Some(path.to_path_buf()),
            (None, Trust::User) => nearest().or_else(|| exists(system)),
            (None, Trust::Administrator) => exists(system),
        };
        let Some(path) = path else {
            return Ok(Self::default());
        };
        guard(&path, trust)?;
        let says = PolicyFile::read(&path).map_err(|error| error.to_string())?;
        Ok(Self {
            path: Some(path),
            says,
            trust: Some(trust),
        })
    }

    /// The policy, where `fail_on`, `strict` and `baseline` were typed; and the keys that are watched, to be asked for.
    ///
    /// # Errors
    /// When a file that it names cannot be used.
    pub fn policy(
        &self,
        fail_on: Option<Proof>,
        strict: bool,
        baseline: Option<&Path>,
    ) -> Result<(Policy, Vec<Given>), String> {
        let says = &self.says;
        let in_words = |error: Error| error.to_string();
        let baseline = match (baseline, &says.baseline) {
            (Some(path), _) => Baseline::read(path).map_err(in_words)?,
            (None, Some(path)) => {
                self.guard(path)?;
                Baseline::read(path).map_err(in_words)?
            }
            (None, None) => Baseline::default(),
        };
        let mut policy = Policy::default()
            .fail_on(fail_on.or(says.fail_on).unwrap_or(Proof::Parsed))
            .strict(strict || says.strict == Some(true))
            .baseline(baseline);
        if let Some(kinds) = &says.kinds {
            policy = policy.kinds(kinds.clone());
        }
        if says.watch.is_empty() {
            return Ok((policy, Vec::new()));
        }
        let watched = super::watchlist::read(&says.watch, &|path| self.guard(path))?;
        Ok((policy.watch(watched.names), watched.asked))
    }

    fn guard(&self, path: &Path) -> Result<(), String> {
        guard(path, self.trust.unwrap_or(Trust::User))
    }
}

fn exists(path: &Path) -> Option<PathBuf> {
    // One that cannot be looked at is there: it fails later, and is not passed over.
    let is_absent =
        std::fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    (!is_absent).then(|| path.to_path_buf())
}

fn nearest() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find_map(|above| exists(&above.join(NAME)))
}

/// Refuses a file that somebody else can change or replace.
#[cfg(unix)]
fn guard(path: &Path, trust: Trust) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    if trust == Trust::User {
        return Ok(());
    }
    let failed =
        |at: &Path, error: std::io::Error| Error::io("read", error).at_path(at).to_string();
    let real = path.canonicalize().map_err(|error| failed(path, error))?;
    for at in real.ancestors() {
        let metadata = at.metadata().map_err(|error| failed(at, error))?;
        let is_ours = metadata.uid() == 0 || metadata.uid() == rustix::process::geteuid().as_raw();
        // In a sticky directory others make files, and replace none.
        let is_sticky = metadata.is_dir() && metadata.mode() & 0o1000 != 0;
        let is_open = metadata.mode() & 0o022 != 0 && !is_sticky;
        if !is_ours || is_open {
            let why = if is_ours {
                "others can write to it"
            } else {
                "it belongs to another user"
            };
            let cause = std::io::Error::other(why);
            let error = Error::io("trust", cause).at_path(at);
            return Err(format!(
                "{error}; a policy must be its owner's and root's alone"
            ));
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn guard(_: &Path, _: Trust) -> Result<(), String> {
    Ok(())
}

/// Where the system's policy is.
const SYSTEM: &str = "/etc/dumpgate/dumpgate.toml";

/// What a policy is called in a directory.
const NAME: &str = "dumpgate.toml";
