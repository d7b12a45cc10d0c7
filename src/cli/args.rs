//! What was typed.

use super::gate_args::{Audit, Gate, Pipe, PolicyCommand, Quarantine};
use crate::finding::Proof;
use crate::unpack::Budget;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Finds private keys in crash dumps and proves them by arithmetic.
///
/// A dump goes in; a verdict comes out: clean, or this key, in this form, at this place. Keys are named
/// by the SHA-256 of their public half; no byte of a private key is ever shown.
#[derive(Debug, Parser)]
#[command(
    name = "dumpgate",
    version,
    disable_version_flag = true,
    max_term_width = 100,
    after_help = EXIT_CODES,
    arg_required_else_help = true,
    subcommand_negates_reqs = true
)]
pub struct Arguments {
    /// Print version; with --verbose also what the process that judges a file gives up on this system
    #[arg(short = 'V', long, required = true)]
    pub version: bool,

    /// See --version
    #[arg(short, long, requires = "version", hide = true)]
    pub verbose: bool,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Search dumps for private keys
    Scan(Scan),
    /// Move dumps out of a spool directory: those without a key on, the others into quarantine (Unix only)
    Gate(Gate),
    /// Judge a dump from standard input, and give it to a command only if it is clean (Unix only)
    Pipe(Pipe),
    /// Look into a quarantine, release from it, judge again, remove what is old (Unix only)
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Check a policy file
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check the log of what the gate decided (Unix only)
    #[command(subcommand)]
    Audit(Audit),
    /// Show what is in a dump: format, process, streams or segments, regions
    Info(Info),
    /// Keep the list of keys that `scan --baseline` accepts
    #[command(subcommand)]
    Baseline(Baseline),
}

/// `dumpgate scan`
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Scan {
    /// Files, directories (searched recursively; links in them are not followed), or `-` for standard
    /// input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How to write the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// In directories, scan only files whose name, or path below the directory if the pattern has a
    /// slash, matches; may be given again
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,

    /// In directories, skip files that match; wins over `--include`
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,

    /// Public keys of yours (certificates, PEM, DER, JWKS, SSH, OpenPGP): the report says of each whether its
    /// private half is in the dump, in any form
    #[arg(long, value_name = "FILE")]
    pub public_keys: Vec<PathBuf>,

    /// The same for a key of which you have only the SHA-256 of its SubjectPublicKeyInfo; its raw numbers can be
    /// looked for only if its public key is in the dump too
    #[arg(long, value_name = "FINGERPRINT")]
    pub public_key_sha256: Vec<String>,

    /// Also look where keys are unlikely, which takes far longer: EC scalars and Edwards seeds in every aligned
    /// window, private exponents of certificate authorities, RSA keys of three to five primes or of two whose sizes
    /// differ by up to 128 bits
    #[arg(long)]
    pub deep: bool,

    /// Also list the public keys met on the way
    #[arg(long)]
    pub public: bool,

    /// Also list what only looks like a private key
    #[arg(long)]
    pub shapes: bool,

    /// The policy file [default: the nearest `dumpgate.toml` from the working directory upward, else
    /// /etc/dumpgate/dumpgate.toml]; options win over what it says
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The least proof that makes the verdict `found` [default: parsed]
    #[arg(long, value_enum, value_name = "PROOF")]
    pub fail_on: Option<Level>,

    /// Accept the keys in this file until their last day; see `dumpgate baseline`
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Count known test keys, which everyone has, like any other
    #[arg(long)]
    pub strict: bool,

    /// Also compute the SHA-256 of each file
    #[arg(long)]
    pub hash: bool,

    /// What a file that is a container (an archive, a compressed dump) may unpack to
    #[command(flatten)]
    pub unpacking: Unpacking,

    /// Worker threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Bytes of memory that the process which judges a file may write to, its maps of files apart; K, M, G and T are
    /// powers of 1024. More makes that file incomplete
    #[cfg(unix)]
    #[arg(long, value_name = "BYTES", default_value = "4G", value_parser = bytes)]
    pub max_worker_memory: u64,

    /// Seconds for one file, unpacking included; one that takes longer is incomplete
    #[cfg(unix)]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,

    /// No progress bar and no remarks on standard error; errors are still told
    #[arg(short, long)]
    pub quiet: bool,

    /// Colours in the report; `auto` heeds NO_COLOR
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// Bounds on unpacking.
#[derive(Debug, Args)]
#[command(next_help_heading = "Containers (a bound that is reached makes the verdict incomplete)")]
pub struct Unpacking {
    /// Bytes unpacked out of one file, in all; K, M, G and T are powers of 1024
    #[arg(long, value_name = "BYTES", default_value = "256G", value_parser = bytes)]
    pub max_unpacked_bytes: u64,

    /// Bytes unpacked of one member
    #[arg(long, value_name = "BYTES", default_value = "256G", value_parser = bytes)]
    pub max_member_bytes: u64,

    /// Bytes unpacked for each packed one, in a member of more than 64 MiB; pages of zeros do not count, since sparse
    /// dumps have them by the million
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub max_ratio: u64,

    /// Containers inside one another
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub max_depth: usize,

    /// Members of all containers in one file
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub max_members: u64,

    /// Seconds of unpacking a file, apart from scanning
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub max_unpack_seconds: u64,
}

impl Unpacking {
    /// The bounds as unpacking knows them.
    pub fn budget(&self) -> Budget {
        Budget {
            bytes: self.max_unpacked_bytes,
            member_bytes: self.max_member_bytes,
            ratio: self.max_ratio,
            depth: self.max_depth,
            members: self.max_members,
            time: Duration::from_secs(self.max_unpack_seconds),
        }
    }
}

/// A number of bytes, perhaps with a unit.
pub fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (text.get(..at), 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 30),
        Some((at, 't' | 'T')) => (text.get(..at), 40),
        _ => (Some(text), 0),
    };
    let number: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or_else(|| "expected a number of bytes, as 4096 or 16G".to_owned())
}

/// `dumpgate info`
#[derive(Debug, Args)]
pub struct Info {
    /// A file, or `-` for standard input
    #[arg(value_name = "PATH")]
    pub path: PathBuf,

    /// How to write it
    #[arg(long, value_enum, default_value_t = InfoFormat::Text)]
    pub format: InfoFormat,

    /// What a file that is a container may unpack to
    #[command(flatten)]
    pub unpacking: Unpacking,

    /// Colours; `auto` heeds NO_COLOR
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// `dumpgate baseline`
#[derive(Debug, Subcommand)]
pub enum Baseline {
    /// Accept keys, by the fingerprint of their public half
    Add(Add),
    /// List the accepted keys, those that end first at the top
    List(List),
}

/// `dumpgate baseline add`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("keys").required(true).multiple(true).args(["key", "from"]))]
pub struct Add {
    /// The baseline; made if it is not there. Its comments are kept
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// SHA-256 of the key's SubjectPublicKeyInfo, as reports show it; may be given again
    #[arg(long, value_name = "FINGERPRINT")]
    pub key: Vec<String>,

    /// All keys that made the verdict of this report (`--format json` or `jsonl`)
    #[arg(long, value_name = "REPORT")]
    pub from: Option<PathBuf>,

    /// Why they are accepted, in one line
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// The last day on which they are accepted, in UTC: 2027-03-31
    #[arg(long, value_name = "DATE")]
    pub until: String,

    /// Change the entry of a key that has one
    #[arg(long)]
    pub replace: bool,
}

/// `dumpgate baseline list`
#[derive(Debug, Args)]
pub struct List {
    /// The baseline
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// How to write it
    #[arg(long, value_enum, default_value_t = InfoFormat::Text)]
    pub format: InfoFormat,

    /// Colours; `auto` heeds NO_COLOR
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

/// Proofs, as options name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Anything that looks like a private key; such findings are listed then
    Shape,
    /// A whole structure that decodes
    Parsed,
    /// A key that an independent public half confirms
    Arithmetic,
}

impl From<Level> for Proof {
    fn from(level: Level) -> Self {
        match level {
            Level::Shape => Self::Shape,
            Level::Parsed => Self::Parsed,
            Level::Arithmetic => Self::Arithmetic,
        }
    }
}

/// Formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One document
    Json,
    /// One line a dump, as it is done
    Jsonl,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

impl Format {
    /// The name in the table of outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
        }
    }
}

/// Formats of `info` and `baseline list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InfoFormat {
    /// For people
    Text,
    /// One document
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every byte was looked at and no private key was found
  1  a private key was found
  2  the command line makes no sense, a file could not be opened or the report not be
     written, or there was no file to scan
  3  something was not examined
Over several files the first of 1, 2, 3, 0 that occurs. Known test keys, keys that the baseline
accepts and findings below `--fail-on` do not count as found.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn bytes_may_have_a_unit() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("16G"), Ok(16 << 30));
        assert_eq!(bytes("1t"), Ok(1 << 40));
        for wrong in ["", "G", "-1", "1.5G", "99999999999T", "1Gi"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_sound_and_every_format_has_a_reporter() {
        Arguments::command().debug_assert();
        for format in Format::value_variants() {
            assert!(
                crate::report::OUTPUTS
                    .iter()
                    .any(|output| output.name == format.name())
            );
        }
        assert_eq!(Format::value_variants().len(), crate::report::OUTPUTS.len());
    }
}
