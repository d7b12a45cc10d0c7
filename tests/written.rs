//! Keys as programs write them down: the samples of independent tools in `tests/keys/forms`, the same keys in other
//! encodings of text, and what is left of them when a part is lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

#[path = "written/damaged.rs"]
mod damaged;
#[path = "written/encodings.rs"]
mod encodings;
#[path = "written/samples.rs"]
mod samples;
#[path = "written/table.rs"]
mod table;

use common::{noise, scan};
use dumpgate::finding::{Finding, Proof};

/// Findings in `data` between noise.
fn findings(data: &[u8]) -> Vec<Finding> {
    scan(&[noise(700, 1), data.to_vec(), noise(700, 2)].concat()).findings
}

/// The proof of the finding with this fingerprint; `None` where there is none. No other may be proven.
fn proof_of(data: &[u8], spki_sha256: &str, what: &str) -> Option<Proof> {
    let mut proof = None;
    for found in findings(data) {
        let name = found.spki_sha256.map(|name| name.to_string());
        if name.as_deref() == Some(spki_sha256) {
            proof = proof.max(Some(found.proof));
        } else {
            assert!(
                found.proof < Proof::Arithmetic,
                "{what}: proven under another name: {found:?}"
            );
        }
    }
    proof
}
