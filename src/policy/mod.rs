//! From what was seen to a verdict: what the user forbids and what he allows.

pub mod baseline;
pub mod baseline_edit;
pub mod file;
pub mod known;

use crate::crypto::Fingerprint;
use crate::finding::{Acceptance, Finding, Proof, Standing};
use crate::outcome::{DumpOutcome, Verdict};
use baseline::Baseline;
use std::collections::BTreeMap;
use time::{Date, OffsetDateTime};

/// What makes a verdict. The default: any key of proof `parsed` or above, encrypted ones included, that is
/// not one everyone has.
#[derive(Clone, Debug)]
pub struct Policy {
    fail_on: Proof,
    strict: bool,
    baseline: Baseline,
    /// The kinds that count; all, if none is named.
    kinds: Option<Vec<String>>,
    watched: BTreeMap<Fingerprint, String>,
    today: Option<Date>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fail_on: Proof::Parsed,
            strict: false,
            baseline: Baseline::default(),
            kinds: None,
            watched: BTreeMap::new(),
            today: None,
        }
    }
}

impl Policy {
    /// The least proof that makes a verdict `found`.
    #[must_use]
    pub fn fail_on(mut self, proof: Proof) -> Self {
        self.fail_on = proof;
        self
    }

    /// Whether keys that everyone has count like any other.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Keys that the user accepts in his dumps.
    #[must_use]
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// The kinds that make a verdict `found`, as reports name them; all, if this is not called.
    #[must_use]
    pub fn kinds(mut self, kinds: Vec<String>) -> Self {
        self.kinds = Some(kinds);
        self
    }

    /// Keys that must never leave, by their public halves, and what the user calls them. Whatever else the policy
    /// says, they count.
    #[must_use]
    pub fn watch(mut self, keys: BTreeMap<Fingerprint, String>) -> Self {
        self.watched = keys;
        self
    }

    /// Keys that must never leave, and what the user calls them.
    pub fn watched(&self) -> impl Iterator<Item = (Fingerprint, &str)> {
        self.watched.iter().map(|(key, name)| (*key, name.as_str()))
    }

    /// The policy in words, for records.
    pub fn in_words(&self) -> Vec<(&'static str, String)> {
        let mut words = vec![
            ("fail_on", self.fail_on.name().to_owned()),
            ("strict", self.strict.to_string()),
            ("accepted_keys", self.baseline.entries().len().to_string()),
            ("watched_keys", self.watched.len().to_string()),
        ];
        if let Some(kinds) = &self.kinds {
            words.push(("kinds", kinds.join(" ")));
        }
        words
    }

    /// The day on which entries of the baseline are judged, instead of the system's in UTC.
    #[must_use]
    pub fn today(mut self, today: Date) -> Self {
        self.today = Some(today);
        self
    }

    /// Says of each finding what it counts, and gives the verdict. Found: any finding that counts.
    /// Incomplete: something was not examined. Clean must be earned.
    pub fn judge(&self, outcome: &mut DumpOutcome) {
        let today = self.today.unwrap_or_else(today);
        for finding in &mut outcome.findings {
            let name = finding.spki_sha256.and_then(|key| self.watched.get(&key));
            finding.watched = name.cloned();
            finding.accepted = self.acceptance(finding, today);
            finding.standing = self.standing(finding);
        }
        let is_whole = outcome.coverage.scanned == outcome.coverage.bytes;
        outcome.verdict = if outcome.keys().next().is_some() {
            Verdict::Found
        } else if outcome.reasons().is_empty() && is_whole {
            Verdict::Clean
        } else {
            Verdict::Incomplete
        };
    }

    /// The baseline's entry for a finding. One without a fingerprint has no name by which to accept it.
    fn acceptance(&self, finding: &Finding, today: Date) -> Option<Acceptance> {
        let entry = self.baseline.get(finding.spki_sha256?)?;
        Some(Acceptance {
            reason: entry.reason.clone(),
            until: entry.until,
            expired: entry.is_expired(today),
        })
    }

    fn standing(&self, finding: &Finding) -> Standing {
        let is_accepted = finding
            .accepted
            .as_ref()
            .is_some_and(|entry| !entry.expired);
        if finding.watched.is_some() {
            return Standing::Counts;
        }
        let counts = |kinds: &Vec<String>| kinds.iter().any(|kind| kind == finding.kind.name());
        if !self.kinds.as_ref().is_none_or(counts) {
            Standing::Ignored
        } else if finding.known.is_some() && !self.strict {
            Standing::Known
        } else if is_accepted {
            Standing::Accepted
        } else if finding.proof < self.fail_on {
            Standing::Below(self.fail_on)
        } else {
            Standing::Counts
        }
    }
}

/// The system's date in UTC.
pub fn today() -> Date {
    OffsetDateTime::now_utc().date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Algorithm, Fingerprint};
    use crate::finding::Kind;
    use crate::outcome::Coverage;
    use std::path::PathBuf;

    const NAME: &str = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";

    fn outcome(proof: Proof, known: Option<&'static str>) -> DumpOutcome {
        let finding = Finding {
            kind: Kind::Private(Algorithm::Rsa),
            bits: Some(2048),
            curve: None,
            proof,
            spki_sha256: Fingerprint::from_hex(NAME),
            e_assumed: false,
            key_id: None,
            known,
            watched: None,
            accepted: None,
            standing: Standing::Counts,
            places: Vec::new(),
            places_omitted: 0,
        };
        let error = crate::error::Error::malformed(0, "", "");
        DumpOutcome {
            findings: vec![finding],
            coverage: Coverage::default(),
            ..DumpOutcome::unopened(PathBuf::new(), error)
        }
    }

    fn judged(policy: &Policy, proof: Proof, known: Option<&'static str>) -> (Verdict, Standing) {
        let mut outcome = outcome(proof, known);
        policy.judge(&mut outcome);
        (outcome.verdict, outcome.findings[0].standing)
    }

    fn accepting(until: &str, today: &str) -> Policy {
        let text = format!(
            "version = 1\n[[key]]\nspki_sha256 = \"{NAME}\"\nreason = \"staging\"\nuntil = {until}\n"
        );
        Policy::default()
            .baseline(Baseline::parse(&text).unwrap())
            .today(baseline::date(today).unwrap())
    }

    #[test]
    fn the_least_proof_is_the_users() {
        use Proof::{Arithmetic, Parsed, Shape};
        for fail_on in [Shape, Parsed, Arithmetic] {
            let policy = Policy::default().fail_on(fail_on);
            for proof in [Shape, Parsed, Arithmetic] {
                let wanted = if proof >= fail_on {
                    (Verdict::Found, Standing::Counts)
                } else {
                    (Verdict::Clean, Standing::Below(fail_on))
                };
                assert_eq!(judged(&policy, proof, None), wanted);
            }
        }
        let default = judged(&Policy::default(), Shape, None);
        assert_eq!(default, (Verdict::Clean, Standing::Below(Parsed)));
    }

    #[test]
    fn known_keys_count_only_for_the_strict() {
        let lax = judged(&Policy::default(), Proof::Arithmetic, Some("a library"));
        assert_eq!(lax, (Verdict::Clean, Standing::Known));
        let strict = Policy::default().strict(true);
        let counted = judged(&strict, Proof::Arithmetic, Some("a library"));
        assert_eq!(counted, (Verdict::Found, Standing::Counts));
    }

    #[test]
    fn a_baseline_holds_to_the_end_of_its_last_day() {
        let proof = Proof::Arithmetic;
        let accepted = (Verdict::Clean, Standing::Accepted);
        let counted = (Verdict::Found, Standing::Counts);
        for (today, wanted) in [
            ("2027-03-30", accepted),
            ("2027-03-31", accepted),
            ("2027-04-01", counted),
            ("2028-01-01", counted),
        ] {
            assert_eq!(judged(&accepting("2027-03-31", today), proof, None), wanted);
        }
        let mut expired = outcome(proof, None);
        accepting("2027-03-31", "2027-04-01").judge(&mut expired);
        let entry = expired.findings[0].accepted.as_ref().unwrap();
        assert!(entry.expired && entry.reason == "staging");
    }

    #[test]
    fn a_strict_user_may_accept_a_known_key() {
        let policy = accepting("2027-03-31", "2027-01-01").strict(true);
        let judged = judged(&policy, Proof::Arithmetic, Some("a library"));
        assert_eq!(judged, (Verdict::Clean, Standing::Accepted));
    }

    #[test]
    fn a_key_without_a_name_is_never_accepted() {
        let mut outcome = outcome(Proof::Parsed, None);
        outcome.findings[0].spki_sha256 = None;
        accepting("2027-03-31", "2027-01-01").judge(&mut outcome);
        assert_eq!(outcome.verdict, Verdict::Found);
        assert_eq!(outcome.findings[0].accepted, None);
    }
}
