//! What dumpgate said of each dump, set against the ground truth.

use super::crashes::Crash;
use crate::Result;
use crate::forms::is_material;
use crate::truth::Place;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Sums over the dumps of one environment.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Crashes.
    pub crashes: usize,
    /// Dumps of them.
    pub dumps: usize,
    /// Dumps with a whole private number or structure.
    pub leaking: usize,
    /// Dumps with remains of a key, and no key.
    pub only_remains: usize,
    /// Of those: the random number of a signature is there.
    pub nonces: usize,
    /// Of those: the token with that signature is there, too.
    pub nonces_with_token: usize,
    /// Of the leaking ones: a search for PEM text sees it.
    pub by_pem_text: usize,
    /// Of the leaking ones: a scan without the JWKS finds each key.
    pub by_scan: usize,
    /// Of the leaking ones: the gate quarantined it.
    pub quarantined: usize,
    /// Of the leaking ones: it named every key by its kid, with proof `arithmetic`.
    pub named: usize,
    /// Of those with remains only: the gate quarantined it.
    pub remains_quarantined: usize,
    /// Dumps that hold nothing, and were quarantined.
    pub false_alarms: usize,
    /// Dumps that reached the debugging environment.
    pub released: usize,
    /// Leaking dumps that did.
    pub released_leaking: usize,
    /// Dumps that hold nothing of which a PEM search says that they do.
    pub pem_false_alarms: usize,
    /// Places of key material in the named dumps, by the ground truth.
    pub true_places: usize,
    /// Those of them that dumpgate's report does not have.
    pub unlisted_places: usize,
}

/// Sums by component and encoding.
pub type ByForm = BTreeMap<(&'static str, &'static str), Form>;

/// How often one form of one component was there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// Dumps that hold it.
    pub dumps: usize,
    /// Places in them.
    pub places: usize,
    /// Those of the places that dumpgate's report covers.
    pub listed: usize,
}

/// Everything that is known after a gate's round.
#[derive(Default)]
pub struct Verdicts {
    /// The sums.
    pub sums: Sums,
    /// The sums by form.
    pub forms: ByForm,
    /// The kids of all keys that quarantined dumps hold, as dumpgate names them.
    pub to_revoke: BTreeSet<String>,
    /// Leaking dumps that were released, or whose key was not named: name and what they hold.
    pub missed: Vec<String>,
}

impl Verdicts {
    /// Sets what the gate did against the ground truth. `scanned` are dumps' keys as a scan without the JWKS found them.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn of(
        crashes: &[Crash],
        root: &Path,
        scanned: &Scanned,
        spki: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut all = Self::default();
        all.sums.crashes = crashes.len();
        for crash in crashes {
            let quarantine = root.join("border/quarantine");
            let manifest = quarantine.join(format!("{}.dumpgate.json", crash.name));
            let findings = match fs::read(&manifest) {
                Ok(bytes) => Some(findings(&serde_json::from_slice(&bytes)?)),
                Err(_) => None,
            };
            let released = root.join("debug").join(&crash.name).exists();
            let quarantined = quarantine.join(&crash.name).exists();
            if released == quarantined || quarantined != findings.is_some() {
                return Err(format!("`{}` is not in one place", crash.name).into());
            }
            all.count(crash, findings.as_deref(), scanned, spki);
        }
        Ok(all)
    }

    fn count(
        &mut self,
        crash: &Crash,
        findings: Option<&[Finding]>,
        scanned: &Scanned,
        spki: &BTreeMap<String, String>,
    ) {
        let Crash { name, holds } = crash;
        let leaked = holds.leaked();
        let sums = &mut self.sums;
        sums.dumps += 1;
        sums.released += usize::from(findings.is_none());
        let proven = |kid: &str| {
            let named = |finding: &&Finding| {
                finding.kid.as_deref() == Some(kid) && finding.proof == "arithmetic"
            };
            findings.unwrap_or_default().iter().find(named)
        };
        for finding in findings.unwrap_or_default() {
            self.to_revoke.extend(finding.kid.clone());
        }
        if leaked.is_empty() {
            let something = holds.only_remains();
            sums.only_remains += usize::from(something);
            let of_signature = |place: &Place| place.component.starts_with("nonce");
            sums.nonces += usize::from(holds.places.iter().any(of_signature));
            let and_token = |place: &Place| place.component.ends_with("-and-token");
            sums.nonces_with_token += usize::from(holds.places.iter().any(and_token));
            sums.remains_quarantined += usize::from(something && findings.is_some());
            sums.false_alarms += usize::from(!something && findings.is_some());
            sums.pem_false_alarms += usize::from(holds.pem_text);
            return;
        }
        sums.leaking += 1;
        sums.by_pem_text += usize::from(holds.pem_text);
        let found = scanned.get(name);
        let by_scan = |kid: &&str| {
            found.is_some_and(|found| spki.get(*kid).is_some_and(|key| found.contains(key)))
        };
        sums.by_scan += usize::from(leaked.iter().all(by_scan));
        sums.quarantined += usize::from(findings.is_some());
        sums.released_leaking += usize::from(findings.is_none());
        let named = leaked.iter().all(|kid| proven(kid).is_some());
        sums.named += usize::from(named);
        if !named {
            let held = holds.places.iter().map(|place| {
                let at = place.range.start;
                format!(
                    "{} {} {} at {at:#x}",
                    place.kid, place.component, place.encoding
                )
            });
            self.missed
                .push(format!("{name}: {}", held.collect::<Vec<_>>().join("; ")));
        }
        let mut here = BTreeSet::new();
        for place in &holds.places {
            let form = self
                .forms
                .entry((place.component, place.encoding))
                .or_default();
            form.dumps += usize::from(here.insert((place.component, place.encoding)));
            form.places += 1;
            let Some(finding) = proven(&place.kid) else {
                continue;
            };
            let over =
                |range: &(usize, usize)| range.0 < place.range.end && place.range.start < range.1;
            let listed = finding.omitted || finding.ranges.iter().any(over);
            form.listed += usize::from(listed);
            if is_material(place.component) {
                self.sums.true_places += 1;
                self.sums.unlisted_places += usize::from(!listed);
            }
        }
    }

    /// The sums, for programs.
    pub fn to_json(&self) -> Value {
        let sums = &self.sums;
        json!({
            "crashes": sums.crashes, "dumps": sums.dumps, "leaking": sums.leaking, "only_remains": sums.only_remains, "nonces": sums.nonces, "nonces_with_token": sums.nonces_with_token,
            "by_pem_text": sums.by_pem_text, "by_scan": sums.by_scan, "quarantined": sums.quarantined,
            "named": sums.named, "remains_quarantined": sums.remains_quarantined,
            "false_alarms": sums.false_alarms, "pem_false_alarms": sums.pem_false_alarms, "released": sums.released,
            "released_leaking": sums.released_leaking, "true_places": sums.true_places,
            "unlisted_places": sums.unlisted_places, "missed": self.missed, "to_revoke": self.to_revoke,
        })
    }
}

/// One key that dumpgate found.
struct Finding {
    kid: Option<String>,
    proof: String,
    ranges: Vec<(usize, usize)>,
    omitted: bool,
}

fn findings(manifest: &Value) -> Vec<Finding> {
    let dumps = manifest["dumps"].as_array().into_iter().flatten();
    let list = dumps.flat_map(|dump| dump["findings"].as_array().into_iter().flatten());
    list.filter(|finding| finding["counts"] != false)
        .map(|finding| {
            let places = finding["places"].as_array().into_iter().flatten();
            let pieces = places.flat_map(|place| place["pieces"].as_array().into_iter().flatten());
            let number = |piece: &Value, name: &str| piece[name].as_u64().unwrap_or(0) as usize;
            Finding {
                kid: finding["watched"].as_str().map(str::to_owned),
                proof: finding["proof"].as_str().unwrap_or_default().to_owned(),
                ranges: pieces
                    .map(|piece| {
                        (
                            number(piece, "offset"),
                            number(piece, "offset") + number(piece, "length"),
                        )
                    })
                    .collect(),
                omitted: finding["places_omitted"]
                    .as_u64()
                    .is_some_and(|omitted| omitted > 0),
            }
        })
        .collect()
}

/// The fingerprints of the keys that a plain scan found, by the dump's name.
pub type Scanned = BTreeMap<String, BTreeSet<String>>;

/// Scans a directory with nothing given: no JWKS, no watch list.
///
/// # Errors
/// When the program does not run.
pub fn scan(dumpgate: &Path, directory: &Path, deep: bool) -> Result<Scanned> {
    let mut command = Command::new(dumpgate);
    command.args(["scan", "--format", "json"]).arg(directory);
    if deep {
        command.arg("--deep");
    }
    let output = command
        .output()
        .map_err(|error| format!("failed to run `{}`: {error}", dumpgate.display()))?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let mut scanned = Scanned::new();
    for dump in report["dumps"].as_array().into_iter().flatten() {
        let path = Path::new(dump["path"].as_str().unwrap_or_default());
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let proven = dump["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|found| found["proof"] == "arithmetic");
        let keys = proven.filter_map(|found| found["spki_sha256"].as_str().map(str::to_owned));
        scanned.insert(name, keys.collect());
    }
    Ok(scanned)
}
