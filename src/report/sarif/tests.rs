use super::*;
use crate::error::Error;
use crate::finding::{Kind, Owner, OwnerKind, Piece};
use crate::outcome::Coverage;
use serde_json::Value;
use std::path::PathBuf;

fn finding(va: Option<u64>) -> Finding {
    Finding {
        kind: Kind::Encrypted,
        bits: None,
        curve: None,
        proof: Proof::Parsed,
        spki_sha256: None,
        e_assumed: false,
        key_id: None,
        known: None,
        accepted: None,
        watched: None,
        standing: Standing::Counts,
        places: vec![Place {
            form: "pem.pkcs8-encrypted",
            component: crate::finding::WHOLE,
            fragment: None,
            encoding: "ascii",
            proof: Proof::Parsed,
            pieces: vec![Piece {
                offset: 7,
                length: 9,
                va,
            }],
            owner: Owner {
                kind: OwnerKind::Module,
                name: "[x](http://evil) {0}".to_owned(),
            },
        }],
        places_omitted: 0,
    }
}

fn outcome(findings: Vec<Finding>) -> DumpOutcome {
    DumpOutcome {
        error: None,
        coverage: Coverage::default(),
        verdict: Verdict::Found,
        findings,
        ..DumpOutcome::unopened(PathBuf::from("dump"), Error::malformed(0, "", ""))
    }
}

fn report(outcomes: &[DumpOutcome], verdict: Verdict) -> Value {
    let mut reporter = Sarif::new(Detail::default());
    let mut out = Vec::new();
    for outcome in outcomes {
        reporter.dump(outcome, Origin::Named, &mut out).unwrap();
    }
    assert!(out.is_empty(), "a log is one document");
    reporter.finish(verdict, &mut out).unwrap();
    let mut log: Value = serde_json::from_slice(&out).unwrap();
    log["runs"][0].take()
}

#[test]
fn more_results_than_hosts_take_make_a_run_unsuccessful() {
    let full = outcome(vec![finding(None); MAX_RESULTS]);
    let run = report(std::slice::from_ref(&full), Verdict::Found);
    assert_eq!(run["results"].as_array().unwrap().len(), MAX_RESULTS);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let run = report(&[full, outcome(vec![finding(None); 3])], Verdict::Found);
    assert_eq!(run["results"].as_array().unwrap().len(), MAX_RESULTS);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["descriptor"]["id"], "results-left-out");
    let said = notification["message"]["text"].as_str().unwrap();
    assert!(said.contains("25000") && said.contains("3 more"), "{said}");
}

#[test]
fn a_scan_of_nothing_is_unsuccessful() {
    let run = report(&[], Verdict::Unopened);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["exitCode"], 2);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["descriptor"]["id"], "nothing-to-scan");
}

#[test]
fn bytes_that_were_not_searched_are_told_even_without_a_reason() {
    let mut outcome = outcome(Vec::new());
    outcome.verdict = Verdict::Incomplete;
    outcome.coverage.bytes = 10;
    outcome.coverage.scanned = 4;
    let run = report(&[outcome], Verdict::Incomplete);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    let said = notification["message"]["text"].as_str().unwrap();
    assert!(said.contains("4 of 10 bytes"), "{said}");
}

#[test]
fn addresses_of_a_kernel_do_not_overflow_a_reader() {
    let kernel = 0xffff_8000_1234_5678;
    let run = report(
        &[outcome(vec![finding(Some(0x1000)), finding(Some(kernel))])],
        Verdict::Found,
    );
    let address =
        |index: usize| run["results"][index]["locations"][0]["physicalLocation"]["address"].clone();
    assert_eq!(address(0)["absoluteAddress"], 0x1000);
    assert_eq!(address(1).get("absoluteAddress"), None);
    assert_eq!(address(1)["properties"]["va"], "0xffff800012345678");
}

#[test]
fn names_out_of_a_dump_make_no_link() {
    let run = report(&[outcome(vec![finding(None)])], Verdict::Found);
    let said = run["results"][0]["locations"][0]["message"]["text"].to_string();
    assert!(said.contains("module (x)(http://evil) (0)"), "{said}");
}

#[test]
fn a_key_has_the_same_fingerprint_wherever_it_lies() {
    let name = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";
    let mut named = finding(None);
    named.spki_sha256 = crate::crypto::Fingerprint::from_hex(name);
    let mut moved = named.clone();
    moved.places[0].pieces[0].offset = 4711;
    moved.places[0].owner.kind = OwnerKind::Heap;
    let run = report(
        &[outcome(vec![named, moved]), outcome(vec![finding(None)])],
        Verdict::Found,
    );
    let [a, b, unnamed] = [0, 1, 2].map(|index| &run["results"][index]);
    assert_eq!(a["fingerprints"]["spkiSha256/v1"], name);
    for part in ["fingerprints", "partialFingerprints"] {
        assert_eq!(a[part], b[part]);
    }
    assert_eq!(unnamed.get("fingerprints"), None);
    assert_eq!(
        unnamed["partialFingerprints"],
        serde_json::json!({"kind/v1": "encrypted-private-key"})
    );
}
