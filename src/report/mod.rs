//! Outcomes in words and in JSON. Nothing here sees a dump.

mod accepted;
mod asked;
mod human;
mod info;
pub mod json;
mod places;
pub mod reread;
mod sarif;
mod text;

pub use accepted::write_baseline;
pub use info::{Contents, MemberRow, Packed, RegionRow, ThreadRow, write_info, write_packed};

use crate::finding::{Finding, Proof, Standing};
use crate::outcome::{DumpOutcome, Verdict};
use std::io::{self, Write};

/// How a file came to be scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The user named it.
    Named,
    /// It was found in a directory the user named.
    Walked,
}

/// What a report shows beyond findings at `parsed` and above.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail {
    /// Findings that only look like a key.
    pub shapes: bool,
    /// Public keys met on the way.
    pub public: bool,
    /// Colours and bold type.
    pub color: bool,
    /// The user gave a baseline, so that each finding is one that it accepts or a new one.
    pub baseline: bool,
}

impl Detail {
    /// Whether a report lists `finding`: what makes a verdict is always listed.
    pub fn shows(&self, finding: &Finding) -> bool {
        self.shapes || finding.proof >= Proof::Parsed || finding.standing == Standing::Counts
    }
}

/// Writes outcomes as they come.
pub trait Reporter {
    /// Writes one outcome.
    ///
    /// # Errors
    /// When `out` fails.
    fn dump(
        &mut self,
        outcome: &DumpOutcome,
        origin: Origin,
        out: &mut dyn Write,
    ) -> io::Result<()>;

    /// Writes what comes after the last outcome.
    ///
    /// # Errors
    /// When `out` fails.
    fn finish(&mut self, verdict: Verdict, out: &mut dyn Write) -> io::Result<()>;
}

/// An output format: its name on the command line, and how to make its reporter.
pub struct Output {
    /// What the user types.
    pub name: &'static str,
    /// Makes the reporter.
    pub reporter: fn(Detail) -> Box<dyn Reporter>,
}

/// All output formats. A new one is one file, its `mod` line and one line here.
pub const OUTPUTS: &[Output] = &[
    Output {
        name: "text",
        reporter: |detail| Box::new(text::Text::new(detail)),
    },
    Output {
        name: "json",
        reporter: |detail| Box::new(json::Json::new(detail)),
    },
    Output {
        name: "jsonl",
        reporter: |detail| Box::new(json::JsonLines::new(detail)),
    },
    Output {
        name: "sarif",
        reporter: |detail| Box::new(sarif::Sarif::new(detail)),
    },
];
