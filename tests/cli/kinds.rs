//! What reports say of findings that no sample holds: fragments, symmetric and protected secrets, names in containers.

use dumpgate::error::Error;
use dumpgate::finding::{Finding, Fragment, Kind, Owner, OwnerKind, Piece, Place, Proof, Standing};
use dumpgate::outcome::{Coverage, DumpOutcome, Verdict};
use dumpgate::policy::Policy;
use dumpgate::report::{Detail, OUTPUTS, Origin};
use serde_json::Value;
use std::path::PathBuf;

fn place(fragment: Option<Fragment>, proof: Proof) -> Place {
    Place {
        form: "der.pkcs8",
        component: if fragment.is_some() {
            "fragment"
        } else {
            "key"
        },
        fragment,
        encoding: "raw",
        proof,
        pieces: vec![Piece {
            offset: 16,
            length: 612,
            va: None,
        }],
        owner: Owner {
            kind: OwnerKind::Raw,
            name: String::new(),
        },
    }
}

fn finding(kind: Kind, proof: Proof, fragment: Option<Fragment>) -> Finding {
    Finding {
        kind,
        bits: Some(256),
        curve: None,
        proof,
        spki_sha256: None,
        e_assumed: false,
        key_id: None,
        known: None,
        watched: None,
        accepted: None,
        standing: Standing::Counts,
        places: vec![place(fragment, proof)],
        places_omitted: 0,
    }
}

/// What a report in `format` says of findings.
fn report(findings: Vec<Finding>, format: &str) -> String {
    let mut outcome = DumpOutcome {
        format: "raw",
        error: None,
        coverage: Coverage::default(),
        verdict: Verdict::Incomplete,
        findings,
        ..DumpOutcome::unopened(PathBuf::from("dump"), Error::malformed(0, "", ""))
    };
    Policy::default().judge(&mut outcome);
    let output = OUTPUTS.iter().find(|output| output.name == format).unwrap();
    let mut reporter = (output.reporter)(Detail {
        shapes: true,
        ..Detail::default()
    });
    let mut out = Vec::new();
    reporter.dump(&outcome, Origin::Named, &mut out).unwrap();
    reporter.finish(outcome.verdict, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn all() -> Vec<Finding> {
    let cut = |expected| {
        Some(Fragment {
            present: 600,
            expected,
        })
    };
    let mut container = finding(Kind::Encrypted, Proof::Parsed, None);
    container.key_id = Some("0a1b".to_owned());
    vec![
        finding(Kind::Other, Proof::Parsed, cut(Some(1191))),
        finding(Kind::Other, Proof::Shape, cut(None)),
        finding(Kind::Symmetric, Proof::Parsed, None),
        finding(Kind::Protected, Proof::Shape, None),
        container,
    ]
}

#[test]
fn text() {
    insta::assert_snapshot!("kinds", report(all(), "text"));
}

#[test]
fn json() {
    let report: Value = serde_json::from_str(&report(all(), "json")).unwrap();
    let findings = report["dumps"][0]["findings"].as_array().unwrap();
    let place = |index: usize| &findings[index]["places"][0];
    assert_eq!(place(0)["component"], "fragment");
    assert_eq!(place(0)["fragment"]["present"], 600);
    assert_eq!(place(0)["fragment"]["expected"], 1191);
    assert_eq!(place(1)["fragment"]["expected"], Value::Null);
    assert_eq!(place(2)["fragment"], Value::Null);
    assert_eq!(place(2)["component"], "key");
    assert_eq!(findings[4]["key_id"], "0a1b");
    assert_eq!(findings[0]["key_id"], Value::Null);
    let kinds: Vec<&str> = findings
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[2..4], ["symmetric-key", "protected"]);
    assert_eq!(findings[3]["counts"], false);
}
