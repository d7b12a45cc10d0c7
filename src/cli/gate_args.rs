//! What was typed for the commands that run unattended.

use super::args::{InfoFormat, Unpacking, bytes};
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// `dumpgate gate`
#[derive(Debug, Args)]
#[command(after_help = GATE_EXIT_CODES)]
pub struct Gate {
    /// The directory where dumps are written. Directories, links and FIFOs in it are left alone
    #[arg(value_name = "SPOOL")]
    pub spool: PathBuf,

    /// Where dumps go that are clean, with mode, owner, times and extended attributes as they were
    #[arg(long, value_name = "DIR")]
    pub release: PathBuf,

    /// Where all others go, readable by nobody else, each with a manifest `NAME.dumpgate.json`
    #[arg(long, value_name = "DIR")]
    pub quarantine: PathBuf,

    /// The log of what was decided [default: `.dumpgate/audit.jsonl` in the quarantine]
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,

    /// Release everything, and record what would have been quarantined
    #[arg(long)]
    pub dry_run: bool,

    /// Seconds to wait for whoever still writes a dump; then it is judged as it is
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u64,

    /// Stay and take each dump as it comes, until SIGTERM or SIGINT
    #[arg(long)]
    pub watch: bool,

    /// With --watch, seconds between looks at the spool beside those that events cause
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "watch",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub poll: u64,

    /// Run this by the shell for each dump in which a key was found; DUMPGATE_NAME, DUMPGATE_PATH, DUMPGATE_VERDICT,
    /// DUMPGATE_FATE, DUMPGATE_SHA256, DUMPGATE_KINDS and DUMPGATE_FINGERPRINTS are all that is in its environment,
    /// besides PATH
    #[arg(long, value_name = "COMMAND")]
    pub on_found: Option<OsString>,

    /// Keep numbers in this file, as the Prometheus text format has them
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,

    /// How to tell what became of each dump
    #[arg(long, value_enum, default_value_t = InfoFormat::Text)]
    pub format: InfoFormat,

    /// How dumps are judged
    #[command(flatten)]
    pub judging: Judging,
}

/// What becomes of a dump that is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cut {
    /// It is quarantined
    Quarantine,
    /// It is released
    Release,
}

/// Formats of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

/// How unattended commands judge.
#[derive(Debug, Args)]
pub struct Judging {
    /// The policy file [default: /etc/dumpgate/dumpgate.toml, if there is one]; options win over what it says. One
    /// that others can write is refused
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// What becomes of a dump that ends before what it declares, and is clean as far as it goes [default: quarantine]
    #[arg(long, value_enum, value_name = "FATE")]
    pub truncated: Option<Cut>,

    /// Also look where keys are unlikely, which takes far longer; see `dumpgate scan --help`
    #[arg(long)]
    pub deep: bool,

    /// What a dump that is a container may unpack to
    #[command(flatten)]
    pub unpacking: Unpacking,

    /// Worker threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Bytes of memory that the process which judges a dump may write to, its maps of files apart [default: 4G]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_worker_memory: Option<u64>,

    /// Seconds for one dump, unpacking included; one that takes longer is incomplete [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,

    /// How to write the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,
}

/// Everything that says how dumps are judged, and what that leads to.
#[cfg(unix)]
#[derive(Debug)]
pub struct Judged {
    /// What a verdict leads to.
    pub rules: crate::gate::Rules,
    /// How workers judge.
    pub options: crate::worker::Options,
    /// What makes a verdict.
    pub policy: crate::policy::Policy,
    /// Bytes of standard input that are kept.
    pub input_bytes: Option<u64>,
}

#[cfg(unix)]
impl Judging {
    /// What was typed, with what the policy file says.
    ///
    /// # Errors
    /// When the file, or one that it names, cannot be used.
    pub fn judged(&self, dry_run: bool) -> Result<Judged, String> {
        use super::config::{Config, Trust};
        use crate::gate::{Rules, Truncated};
        use crate::worker::{DEFAULT_MEMORY, Options};
        use std::time::Duration;
        let config = Config::find(self.config.as_deref(), Trust::Administrator)?;
        let says = &config.says;
        let (policy, asked) = config.policy(None, false, None)?;
        let releases = match self.truncated {
            Some(fate) => fate == Cut::Release,
            None => says.releases_truncated == Some(true),
        };
        Ok(Judged {
            rules: Rules {
                truncated: match releases {
                    true => Truncated::Release,
                    false => Truncated::Quarantine,
                },
                dry_run,
                wait: Duration::ZERO,
            },
            options: Options {
                threads: self.threads.map_or(0, usize::from),
                deep: self.deep,
                asked,
                budget: self.unpacking.budget(),
                memory: self
                    .max_worker_memory
                    .or(says.worker_memory)
                    .unwrap_or(DEFAULT_MEMORY),
                time: Some(Duration::from_secs(
                    self.timeout.or(says.seconds).unwrap_or(DEFAULT_SECONDS),
                )),
                ..Options::default()
            },
            policy,
            input_bytes: says.input_bytes,
        })
    }
}

/// `dumpgate pipe`
#[derive(Debug, Args)]
#[command(after_help = PIPE_EXIT_CODES)]
pub struct Pipe {
    /// Where a dump that is not clean goes, readable by nobody else, with a manifest `NAME.dumpgate.json`. It is in
    /// `.incoming` there until it is judged
    #[arg(long, value_name = "DIR")]
    pub quarantine: PathBuf,

    /// The log of what was decided [default: `.dumpgate/audit.jsonl` in the quarantine]
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,

    /// What the dump is called in the quarantine [default: time and process]
    #[arg(long, value_name = "NAME")]
    pub name: Option<OsString>,

    /// Keep no more of the input than this; a longer one is read to its end and recorded as truncated. K, M, G and T
    /// are powers of 1024
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_size: Option<u64>,

    /// Run this by the shell when a key was found; see `dumpgate gate --help`
    #[arg(long, value_name = "COMMAND")]
    pub on_found: Option<OsString>,

    /// Start COMMAND whatever is found, and record what would have been quarantined
    #[arg(long)]
    pub dry_run: bool,

    /// How dumps are judged
    #[command(flatten)]
    pub judging: Judging,

    /// The program to start if the dump is clean, with the dump on its standard input, and its arguments. It gets
    /// all descriptors that were open, as the kernel's process descriptor
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// `dumpgate policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say what is wrong with a policy file, or what it watches
    Check(Check),
}

/// `dumpgate policy check`
#[derive(Debug, Args)]
pub struct Check {
    /// The file [default: /etc/dumpgate/dumpgate.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `dumpgate quarantine`
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List the dumps in quarantine, the oldest first
    List(Listing),
    /// Print the manifest of a dump
    Show(Show),
    /// Release a dump with what travels with it, whatever is in it; who did and why is in the audit log
    Release(Release),
    /// Judge again what the scanner could not examine whole, and release what is clean now
    Retry(Retry),
    /// Remove dumps that are old, or the oldest of too many; nothing does so by itself
    Expire(Expire),
}

/// Which quarantine.
#[derive(Debug, Args)]
pub struct Stock {
    /// The quarantine of a gate or a pipe
    #[arg(long, value_name = "DIR")]
    pub quarantine: PathBuf,

    /// The log of what was decided [default: `.dumpgate/audit.jsonl` in the quarantine]
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
}

/// `dumpgate quarantine list`
#[derive(Debug, Args)]
pub struct Listing {
    /// Which one
    #[command(flatten)]
    pub stock: Stock,

    /// How to write it
    #[arg(long, value_enum, default_value_t = InfoFormat::Text)]
    pub format: InfoFormat,
}

/// `dumpgate quarantine show`
#[derive(Debug, Args)]
pub struct Show {
    /// The dump's name, as `list` shows it with `--format json`
    #[arg(value_name = "NAME")]
    pub name: OsString,

    /// Which one
    #[command(flatten)]
    pub stock: Stock,
}

/// `dumpgate quarantine release`
#[derive(Debug, Args)]
pub struct Release {
    /// The dump's name in the quarantine
    #[arg(value_name = "NAME")]
    pub name: OsString,

    /// Which one
    #[command(flatten)]
    pub stock: Stock,

    /// Where it goes
    #[arg(long, value_name = "DIR")]
    pub release: PathBuf,

    /// Why, in one line
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `dumpgate quarantine retry`
#[derive(Debug, Args)]
pub struct Retry {
    /// Which one
    #[command(flatten)]
    pub stock: Stock,

    /// Where dumps go that are clean now
    #[arg(long, value_name = "DIR")]
    pub release: PathBuf,

    /// Also what this version could not examine with these options
    #[arg(long)]
    pub all: bool,

    /// How dumps are judged
    #[command(flatten)]
    pub judging: Judging,
}

/// `dumpgate quarantine expire`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["older_than", "keep_bytes"]))]
pub struct Expire {
    /// Which one
    #[command(flatten)]
    pub stock: Stock,

    /// Remove dumps that are in quarantine for more days than this
    #[arg(long, value_name = "DAYS")]
    pub older_than: Option<u32>,

    /// Remove the oldest dumps until the others take no more than this; K, M, G and T are powers of 1024
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub keep_bytes: Option<u64>,
}

/// `dumpgate audit`
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Tell whether a record was changed, removed or moved
    Verify(Verify),
}

/// `dumpgate audit verify`
#[derive(Debug, Args)]
#[command(after_help = AUDIT_EXIT_CODES)]
pub struct Verify {
    /// The log
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// A head that the gate told before and that was kept elsewhere: the log must still have its record. Without
    /// one, nobody can tell that the end was cut off or all of it written anew
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
}

const GATE_EXIT_CODES: &str = "\
Exit codes:
  0  every dump in the spool was released
  1  a dump was quarantined because a private key was found in it
  2  the command line makes no sense, or a directory cannot be used
  3  a dump was quarantined because something in it was not examined, or could not be brought to
     its place and stays claimed in the spool
The first of 1, 2, 3, 0 that occurs; with --watch 0 when it ends as it was asked to. What was left
undone is finished when the gate starts again.";

const AUDIT_EXIT_CODES: &str = "\
Exit codes:
  0  the log is whole
  1  a record was changed, removed or moved, or the head is in none
  2  the command line makes no sense, or the log cannot be read";

const PIPE_EXIT_CODES: &str = "\
Exit codes:
  1  COMMAND was not started: a private key was found
  2  COMMAND was not started: the command line makes no sense, a directory cannot be used, the dump
     could not be kept, or there is no such program
  3  COMMAND was not started: something in the dump was not examined
Else COMMAND was started, and it is its exit code; 128 and the signal that ended it.";

/// Seconds for one dump: nobody stands by who could tell that a worker hangs.
const DEFAULT_SECONDS: u64 = 3600;
