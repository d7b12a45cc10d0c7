//! The table.

use super::verdicts::{Sums, Verdicts};

/// Prints what came of both services, side by side, and which forms of keys lay in the dumps.
pub fn print(on: &Verdicts, off: &Verdicts) {
    println!("{:<58} {:>8} {:>8}", "", "race on", "race off");
    for (name, number) in ROWS {
        println!(
            "{name:<58} {:>8} {:>8}",
            number(&on.sums),
            number(&off.sums)
        );
    }
    for (which, verdicts) in [("race on", on), ("race off", off)] {
        if verdicts.forms.is_empty() {
            continue;
        }
        println!("\nwhat lies in the leaking dumps ({which})          dumps   places   reported");
        for ((component, encoding), form) in &verdicts.forms {
            let name = format!("  {component} as {encoding}");
            println!(
                "{name:<46} {:>8} {:>8} {:>10}",
                form.dumps, form.places, form.listed
            );
        }
    }
}

type Row = (&'static str, fn(&Sums) -> usize);

const ROWS: [Row; 17] = [
    ("crashes", |sums| sums.crashes),
    ("dumps, all marked \"redacted\"", |sums| sums.dumps),
    ("dumps that hold key material (ground truth)", |sums| {
        sums.leaking
    }),
    ("  caught by a search for the text of a PEM", |sums| {
        sums.by_pem_text
    }),
    (
        "  caught by `dumpgate scan`, which is given no key",
        |sums| sums.by_scan,
    ),
    (
        "  caught by the gate, whose watch list is the JWKS",
        |sums| sums.quarantined,
    ),
    ("    and proven by arithmetic and named by kid", |sums| {
        sums.named
    }),
    ("  missed by the gate", |sums| sums.released_leaking),
    ("dumps with other remains of a key only", |sums| {
        sums.only_remains
    }),
    ("  with the random number of a signature", |sums| {
        sums.nonces
    }),
    ("    and the token that has this signature", |sums| {
        sums.nonces_with_token
    }),
    ("  quarantined", |sums| sums.remains_quarantined),
    ("released by the gate", |sums| sums.released),
    ("false alarms of the gate", |sums| sums.false_alarms),
    ("false alarms of the search for the text of a PEM", |sums| {
        sums.pem_false_alarms
    }),
    ("places of key material (ground truth)", |sums| {
        sums.true_places
    }),
    ("  not in dumpgate's report", |sums| sums.unlisted_places),
];
