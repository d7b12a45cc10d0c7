//! SARIF 2.1.0 (OASIS), for code hosts and viewers of results: one run, one result a finding.
//!
//! A result is named by its key and not by its place: the same key in tomorrow's dump is the same result. What was not
//! examined makes the run unsuccessful (`executionSuccessful`), with a notification for each reason and dump.

mod artifacts;
mod log;
mod rules;
mod wording;

use super::{Detail, Origin, Reporter};
use crate::crypto::Curve;
use crate::finding::{Finding, Place, Proof, Standing};
use crate::outcome::{DumpOutcome, Verdict};
use artifacts::Artifacts;
use log::{
    Address, AddressProperties, Baseline, DescriptorReference, Fingerprints, Invocation,
    InvocationProperties, Level, Location, Log, Message, Notification, PartialFingerprints,
    PhysicalLocation, Region, ResultOf, ResultProperties, Run, Suppression, Tool,
};
use rules::Rules;
use std::io::{self, Write};
use wording::{Left, plain};

/// Results of a run: code hosts refuse more. What is beyond makes the run unsuccessful.
const MAX_RESULTS: usize = 25_000;

/// Notifications of a run.
const MAX_NOTIFICATIONS: usize = 25_000;

/// One log for all dumps, written at the end.
pub struct Sarif {
    detail: Detail,
    artifacts: Artifacts,
    rules: Rules,
    results: Vec<ResultOf>,
    results_left_out: u64,
    notifications: Vec<Notification>,
    notifications_left_out: u64,
    /// Nothing was left unexamined so far, and at least one file was looked at.
    is_whole: bool,
    is_empty: bool,
}

impl Sarif {
    /// Nothing gathered yet.
    pub fn new(detail: Detail) -> Self {
        Self {
            detail,
            artifacts: Artifacts::default(),
            rules: Rules::default(),
            results: Vec::new(),
            results_left_out: 0,
            notifications: Vec::new(),
            notifications_left_out: 0,
            is_whole: true,
            is_empty: true,
        }
    }

    fn result(&mut self, finding: &Finding, artifact: usize) {
        if self.results.len() >= MAX_RESULTS {
            self.results_left_out += 1;
            return;
        }
        let (rule_id, rule_index) = self.rules.index(finding.kind);
        let name = finding.spki_sha256.map(|name| name.to_string());
        let mut locations: Vec<Location> = Vec::new();
        for place in &finding.places {
            self.locations(place, artifact, &mut locations);
        }
        if locations.is_empty() {
            locations.push(self.whole(artifact));
        }
        let is_accepted = finding.standing == Standing::Accepted;
        self.results.push(ResultOf {
            rule_id,
            rule_index,
            level: level(finding),
            message: Message::new(wording::finding(finding)),
            locations,
            partial_fingerprints: PartialFingerprints {
                kind: finding.kind.name(),
                key_id: finding.key_id.as_deref().map(plain),
                // The name under which GitHub tells results apart.
                primary_location_line_hash: name.clone(),
            },
            fingerprints: name.clone().map(|spki_sha256| Fingerprints { spki_sha256 }),
            baseline_state: self.detail.baseline.then_some(match is_accepted {
                true => Baseline::Unchanged,
                false => Baseline::New,
            }),
            suppressions: wording::justification(finding)
                .map(Suppression::new)
                .into_iter()
                .collect(),
            properties: ResultProperties {
                proof: finding.proof.name(),
                severity: finding.watched.as_ref().map(|_| "critical"),
                watched: finding.watched.clone(),
                counts: finding.standing == Standing::Counts,
                bits: finding.bits,
                curve: finding.curve.map(Curve::name),
                spki_sha256: name,
                e_assumed: finding.e_assumed,
                places_omitted: finding.places_omitted,
            },
        });
    }

    /// The pieces of a place: a key whose memory was contiguous may lie in several parts of a file.
    fn locations(&self, place: &Place, artifact: usize, out: &mut Vec<Location>) {
        let number = place.pieces.len();
        for (index, piece) in place.pieces.iter().enumerate() {
            let mut location = self.whole(artifact);
            location.physical_location.region = Some(Region {
                byte_offset: piece.offset,
                byte_length: Some(piece.length),
            });
            location.physical_location.address = piece.va.map(|va| Address {
                // Many readers hold it in a signed number; the text in the properties is whole.
                absolute_address: i64::try_from(va).ok(),
                length: piece.length,
                kind: "data",
                properties: AddressProperties {
                    va: format!("{va:#x}"),
                },
            });
            location.message = Some(Message::new(wording::place(place, index, number)));
            out.push(location);
        }
    }

    fn whole(&self, artifact: usize) -> Location {
        Location {
            physical_location: PhysicalLocation {
                artifact_location: self.artifacts.location(artifact),
                region: None,
                address: None,
            },
            message: None,
        }
    }

    fn notify(&mut self, left: Left, artifact: usize) {
        if self.notifications.len() >= MAX_NOTIFICATIONS {
            self.notifications_left_out += 1;
            return;
        }
        let mut location = self.whole(artifact);
        location.physical_location.region = left.offset.map(|byte_offset| Region {
            byte_offset,
            byte_length: left.length,
        });
        self.notifications.push(Notification {
            descriptor: DescriptorReference { id: left.id },
            level: left.level,
            message: Message::new(left.words),
            locations: vec![location],
        });
    }

    /// A notification about the run itself.
    fn notify_of_run(&mut self, id: &'static str, words: String) {
        self.is_whole = false;
        self.notifications.push(Notification {
            descriptor: DescriptorReference { id },
            level: Level::Error,
            message: Message::new(words),
            locations: Vec::new(),
        });
    }
}

impl Reporter for Sarif {
    fn dump(&mut self, outcome: &DumpOutcome, _: Origin, _: &mut dyn Write) -> io::Result<()> {
        self.is_empty = false;
        let artifact = self.artifacts.add(outcome);
        let detail = self.detail;
        for finding in &outcome.findings {
            if detail.shows(finding) {
                self.result(finding, artifact);
            }
        }
        let left = wording::left_out(outcome);
        self.is_whole &= left.is_empty();
        for left in left.into_iter().chain(wording::notes(outcome)) {
            self.notify(left, artifact);
        }
        Ok(())
    }

    fn finish(&mut self, verdict: Verdict, out: &mut dyn Write) -> io::Result<()> {
        if self.is_empty {
            self.notify_of_run("nothing-to-scan", "there was no file to scan".to_owned());
        }
        if self.results_left_out > 0 {
            let number = self.results_left_out;
            self.notify_of_run(
                "results-left-out",
                format!(
                    "the first {MAX_RESULTS} results are listed; {number} more are not: scan fewer files at once, or \
                     use --format json"
                ),
            );
        }
        if self.notifications_left_out > 0 {
            let number = self.notifications_left_out;
            self.notify_of_run(
                "notifications-left-out",
                format!(
                    "the first {MAX_NOTIFICATIONS} notifications are listed; {number} more are not"
                ),
            );
        }
        let (exit_code, exit_code_description) = exit(verdict);
        let log = Log {
            schema: SCHEMA,
            version: "2.1.0",
            runs: [Run {
                tool: Tool {
                    driver: self.rules.driver(),
                },
                invocations: [Invocation {
                    execution_successful: self.is_whole,
                    exit_code,
                    exit_code_description,
                    tool_execution_notifications: &self.notifications,
                    properties: InvocationProperties {
                        verdict: verdict.name(),
                    },
                }],
                artifacts: self.artifacts.all(),
                results: &self.results,
            }],
        };
        serde_json::to_writer_pretty(&mut *out, &log)?;
        writeln!(out)
    }
}

/// How much it matters. A finding that does not count because the policy demands more proof is a note, whatever its proof.
fn level(finding: &Finding) -> Level {
    match (finding.standing, finding.proof) {
        (Standing::Below(_), _) | (_, Proof::Shape) => Level::Note,
        (_, Proof::Parsed) => Level::Warning,
        (_, Proof::Arithmetic) => Level::Error,
    }
}

/// How a scan with this verdict ends, and what that means.
const fn exit(verdict: Verdict) -> (u8, &'static str) {
    match verdict {
        Verdict::Clean => (0, "every byte was looked at and no private key was found"),
        Verdict::Found => (1, "a private key was found"),
        Verdict::Unopened => (2, "a file could not be opened, or there was none to scan"),
        Verdict::Incomplete => (3, "something was not examined"),
    }
}

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[cfg(test)]
mod tests;
