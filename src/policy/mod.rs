//! From what was seen to a verdict.

use crate::outcome::{DumpOutcome, Verdict};

/// Found: any finding at `parsed` or above, encrypted keys included. Incomplete: something was not
/// examined. Clean must be earned.
pub fn verdict(outcome: &DumpOutcome) -> Verdict {
    if outcome.keys().next().is_some() {
        Verdict::Found
    } else if outcome.reasons().is_empty() && outcome.coverage.scanned == outcome.coverage.bytes {
        Verdict::Clean
    } else {
        Verdict::Incomplete
    }
}
