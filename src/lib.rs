//! Finds and proves private keys in crash dumps.
//!
//! A dump goes in; a verdict comes out: clean, or *this key, in this form, at this place, proven by
//! arithmetic*. [`scan::Scanner`] does it all; [`outcome::DumpOutcome`] is what it says.

// A test stops at the first surprise.
#![cfg_attr(
    test,
    allow(clippy::indexing_slicing, clippy::string_slice, clippy::unwrap_used)
)]

pub mod bytes;
pub mod cli;
pub mod clue;
pub mod correlate;
pub mod crypto;
pub mod detect;
pub mod dump;
pub mod error;
pub mod finding;
#[cfg(unix)]
pub mod gate;
pub mod memory;
pub mod outcome;
pub mod policy;
pub mod report;
pub mod scan;
pub mod secret;
pub mod source;
pub mod sweep;
pub mod text;
pub mod unpack;
pub mod worker;
