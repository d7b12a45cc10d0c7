//! The mover: brings dumps from production to the debugging environment. It trusts the mark "redacted", as the process
//! of that time did; with a gate on the border it trusts the gate.

use crate::http::Place;
use crate::{Result, store};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `leak-path mover`
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Where dumps are, in production
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Where they go, in the debugging environment
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// The program `dumpgate`: it judges each dump on the border
    #[arg(long, value_name = "FILE", requires_all = ["border", "issuer"])]
    pub gate: Option<PathBuf>,
    /// The border, on production's side: `spool`, `quarantine` and the gate's policy are there
    #[arg(long, value_name = "DIR")]
    pub border: Option<PathBuf>,
    /// The port of the identity provider, whose JWKS is the gate's watch list
    #[arg(long)]
    pub issuer: Option<u16>,
    /// Let the gate look where keys are unlikely, too
    #[arg(long)]
    pub deep: bool,
}

/// Moves what is marked as redacted.
///
/// # Errors
/// When a dump cannot be moved, or the gate cannot run.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { from, to, gate, .. } = arguments;
    match (gate, &arguments.border, arguments.issuer) {
        (Some(gate), Some(border), Some(issuer)) => {
            let spool = border.join("spool");
            fs::create_dir_all(&spool)?;
            fs::create_dir_all(border.join("quarantine"))?;
            move_marked(from, &spool)?;
            judge(gate, border, to, issuer, arguments.deep)
        }
        _ => move_marked(from, to),
    }
}

/// Moves each `NAME.dmp` that has its `NAME.redacted` beside it.
fn move_marked(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let (Some("dmp"), Some(name)) =
            (path.extension().and_then(OsStr::to_str), path.file_name())
        else {
            continue;
        };
        if path.with_extension("redacted").exists() {
            fs::rename(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// One round of the gate: the released go on, the others stay in `BORDER/quarantine`. What it says of those is passed on.
fn judge(gate: &Path, border: &Path, to: &Path, issuer: u16, deep: bool) -> Result<()> {
    let jwks = Place::Port(issuer).demand("GET", "/.well-known/jwks.json", "")?;
    store::write_whole(&border.join("jwks.json"), jwks.as_bytes())?;
    let policy = border.join("dumpgate.toml");
    store::write_whole(&policy, b"version = 1\n\n[[watch]]\nfile = \"jwks.json\"\n")?;
    let mut command = Command::new(gate);
    command.arg("gate").arg(border.join("spool"));
    command.arg("--release").arg(to);
    command.arg("--quarantine").arg(border.join("quarantine"));
    command.arg("--config").arg(&policy);
    if deep {
        command.arg("--deep");
    }
    let output = command
        .output()
        .map_err(|error| format!("failed to run `{}`: {error}", gate.display()))?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if !line.starts_with("released") {
            println!("  {line}");
        }
    }
    // 0: all were clean. 1: a key was found. 3: something was not examined. What was not clean is in quarantine.
    match output.status.code() {
        Some(0 | 1 | 3) => Ok(()),
        _ => Err(format!(
            "the gate failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into()),
    }
}
