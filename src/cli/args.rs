//! What was typed.

use crate::finding::Proof;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Finds private keys in crash dumps and proves them by arithmetic.
///
/// A dump goes in; a verdict comes out: clean, or this key, in this form, at this place. Keys are named
/// by the SHA-256 of their public half; no byte of a private key is ever shown.
#[derive(Debug, Parser)]
#[command(name = "dumpgate", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Search dumps for private keys
    Scan(Scan),
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
    /// window, private exponents of certificate authorities, primes of unequal size
    #[arg(long)]
    pub deep: bool,

    /// Also list the public keys met on the way
    #[arg(long)]
    pub public: bool,

    /// Also list what only looks like a private key
    #[arg(long)]
    pub shapes: bool,

    /// The least proof that makes the verdict `found`
    #[arg(long, value_enum, default_value_t = Level::Parsed, value_name = "PROOF")]
    pub fail_on: Level,

    /// Accept the keys in this file until their last day; see `dumpgate baseline`
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Count known test keys, which everyone has, like any other
    #[arg(long)]
    pub strict: bool,

    /// Also compute the SHA-256 of each file
    #[arg(long)]
    pub hash: bool,

    /// Worker threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// No progress bar and no remarks on standard error; errors are still told
    #[arg(short, long)]
    pub quiet: bool,

    /// Colours in the report; `auto` heeds NO_COLOR
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
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
}

impl Format {
    /// The name in the table of outputs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
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
