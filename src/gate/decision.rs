//! What is decided about a dump: a document that is kept beside the claim until it is done, and beside the dump for
//! good where that is quarantined.

use super::claim::{DECISION, Slot};
use super::facts::Facts;
use super::hold::{Held, Place};
use super::names::{Bytes, hex};
use super::service::Stop;
use super::{Rules, Truncated, audit};
use crate::error::Error;
use crate::outcome::{DumpOutcome, Reason, Verdict, overall};
use crate::report::{Detail, json as report};
use crate::scan::RULES;
use crate::worker::{Handle, Hash, Judged, Options, Question, Supervisor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Where a dump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// On.
    Release,
    /// Nowhere.
    Quarantine,
}

impl Fate {
    /// The word records use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Quarantine => "quarantine",
        }
    }
}

/// What is decided about one dump. The document that is a quarantined dump's manifest: fields may be added, never
/// renamed, removed or given another meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    schema_version: u32,
    /// Which claim it is about.
    pub id: String,
    time: String,
    verdict: String,
    /// Where the dump goes.
    pub fate: Fate,
    /// Whether everything is released.
    pub dry_run: bool,
    /// Why the answer of the worker was not believed.
    doubt: Option<String>,
    name: Bytes,
    /// Where it lay, in the spool.
    path: Bytes,
    /// Bytes.
    pub size: u64,
    /// Bytes that came, where not all of them are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received: Option<u64>,
    /// Of the bytes that are kept; `None` if they could not be read.
    pub sha256: Option<String>,
    /// Which file in the slot it is about.
    pub place: Place,
    /// What the file was besides its bytes.
    pub file: Facts,
    versions: Versions,
    options: Value,
    /// What the dump and its members came to, as `scan --format json` reports them.
    dumps: Vec<Value>,
    /// For a file that travels with a dump: which, and where below its directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    side_of: Option<SideOf>,
    /// Who released it from quarantine, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by_hand: Option<ByHand>,
    /// About the files that travel with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sides: Vec<Decision>,
}

/// A release that a person wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    /// Why.
    pub reason: String,
    /// The user that ran the command.
    pub user: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SideOf {
    dump: Bytes,
    directory: Option<Bytes>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Versions {
    engine: String,
    /// See [`crate::scan::RULES`].
    #[serde(default)]
    rules: u32,
    /// The schema of `dumps`.
    report: u32,
}

/// What the audit log says of a decision.
#[derive(Serialize)]
struct Told<'d> {
    id: &'d str,
    name: &'d Bytes,
    path: &'d Bytes,
    verdict: &'d str,
    fate: Fate,
    dry_run: bool,
    doubt: Option<&'d str>,
    size: u64,
    sha256: Option<&'d str>,
    reasons: Vec<&'d str>,
    keys: Vec<Value>,
    keys_omitted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<&'d ByHand>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sides: Vec<ToldSide<'d>>,
}

/// What it says of a file that travels with a dump.
#[derive(Serialize)]
struct ToldSide<'d> {
    id: &'d str,
    name: &'d Bytes,
    verdict: &'d str,
    size: u64,
    sha256: Option<&'d str>,
}

/// Everything a judge has to know besides the dump.
pub struct Judge<'g> {
    /// Has it judged.
    pub supervisor: &'g mut Supervisor,
    /// What the verdict leads to.
    pub rules: &'g Rules,
    /// How it is judged, for the record.
    pub options: &'g Value,
    /// What ends it.
    pub stop: &'g Stop,
}

impl Judge<'_> {
    /// Has the dump judged that is held from `slot`, and decides; `None` if the end came first. `path` is where it lay.
    pub fn decide(&mut self, slot: &Slot, held: &Held, path: &Path) -> Option<Decision> {
        let mut outcomes: Vec<DumpOutcome> = Vec::new();
        let question = Question {
            path,
            file: &held.file,
            handle: Handle::File,
            hash: Hash::Sha256,
        };
        let watch = |_: &str, _: u64| -> Box<dyn crate::scan::Progress> { Box::new(()) };
        let judged = self
            .supervisor
            .judge(&question, &watch, &mut |_| (), &mut |outcome| {
                outcomes.push(outcome);
                ControlFlow::Continue(())
            });
        if self.is_stopped(&judged) {
            return None;
        }
        let (sha256, doubt) = believed(&judged, held);
        let verdict = match (
            overall(outcomes.iter().map(|outcome| outcome.verdict)),
            &doubt,
        ) {
            (Verdict::Found, _) => Verdict::Found,
            (_, Some(_)) => Verdict::Incomplete,
            (verdict, None) => verdict,
        };
        let fate = self.fate(verdict, doubt.is_some(), &outcomes);
        let detail = Detail::default();
        let mut decision = self.write(slot, held, path, (verdict, fate, doubt));
        decision.sha256 = sha256.map(|hash| hex(&hash)).or(decision.sha256);
        decision.dumps = outcomes
            .iter()
            .map(|outcome| report::value(outcome, detail))
            .collect();
        Some(decision)
    }

    /// The decision about a dump that is not judged, and `why`: it is quarantined.
    pub fn refuse(&self, slot: &Slot, held: &Held, path: &Path, why: String) -> Decision {
        let decided = (Verdict::Incomplete, Fate::Quarantine, Some(why));
        self.write(slot, held, path, decided)
    }

    fn write(
        &self,
        slot: &Slot,
        held: &Held,
        path: &Path,
        (verdict, fate, doubt): (Verdict, Fate, Option<String>),
    ) -> Decision {
        // Where the judge's own hash is believed this one is not needed.
        let sha256 = match doubt {
            None => held.sha256,
            Some(_) => held.sha256.or_else(|| held.hash().ok()),
        };
        let before = slot.origin().ok().flatten();
        let name = before.as_ref().map(|before| before.name.clone());
        Decision {
            schema_version: SCHEMA_VERSION,
            id: slot.id.clone(),
            time: audit::now(),
            verdict: verdict.name().to_owned(),
            fate,
            dry_run: self.rules.dry_run,
            doubt,
            name: name
                .unwrap_or_else(|| Bytes::of(slot.name.as_deref().unwrap_or_default().as_bytes())),
            path: Bytes::of(path.as_os_str().as_bytes()),
            size: held.size,
            received: None,
            sha256: sha256.map(|hash| hex(&hash)),
            place: held.place,
            file: held.facts.clone(),
            versions: Versions {
                engine: env!("CARGO_PKG_VERSION").to_owned(),
                rules: RULES,
                report: report::SCHEMA_VERSION,
            },
            options: self.options.clone(),
            dumps: Vec::new(),
            side_of: before.and_then(|before| before.side_of),
            by_hand: None,
            sides: Vec::new(),
        }
    }

    /// Whether it was not judged because the gate ends. A signal for all processes of a service ends the worker first.
    fn is_stopped(&self, judged: &Judged) -> bool {
        match judged {
            Judged::Whole { .. } => false,
            Judged::Stopped => true,
            Judged::Died(death) => death.cause.is_order() && self.stop.is_about_to_be(),
        }
    }

    fn fate(&self, verdict: Verdict, is_doubted: bool, outcomes: &[DumpOutcome]) -> Fate {
        let is_cut_only = |outcome: &DumpOutcome| {
            let is_whole = outcome.coverage.scanned == outcome.coverage.bytes;
            outcome.verdict == Verdict::Clean
                || (outcome.verdict == Verdict::Incomplete
                    && outcome.reasons() == [Reason::Truncated]
                    && is_whole)
        };
        let is_let_through = !is_doubted
            && match verdict {
                Verdict::Clean => true,
                Verdict::Incomplete => {
                    self.rules.truncated == Truncated::Release && outcomes.iter().all(is_cut_only)
                }
                Verdict::Found | Verdict::Unopened => false,
            };
        if is_let_through || self.rules.dry_run {
            Fate::Release
        } else {
            Fate::Quarantine
        }
    }
}

/// The SHA-256 that was judged, and why the answer is not believed: only one about all of these bytes is.
fn believed(judged: &Judged, held: &Held) -> (Option<[u8; 32]>, Option<String>) {
    match judged {
        Judged::Whole { size, sha256 } => {
            let is_same = *size == Some(held.size)
                && sha256.is_some()
                && (held.sha256.is_none() || held.sha256 == *sha256);
            let doubt = (!is_same).then(|| match size {
                None => "the worker could not read it".to_owned(),
                Some(_) => "the worker judged other bytes than those that are held".to_owned(),
            });
            (held.sha256.or(*sha256), doubt)
        }
        Judged::Died(death) => (held.sha256, Some(death.what())),
        Judged::Stopped => (held.sha256, Some("it was not judged to the end".to_owned())),
    }
}

impl Decision {
    /// The decision in `slot`, if one was made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(slot: &Slot) -> Result<Option<Self>, Error> {
        if !slot.directory.has(DECISION.as_ref())? {
            return Ok(None);
        }
        let mut text = Vec::new();
        let read = slot
            .directory
            .file(DECISION.as_ref())?
            .read_to_end(&mut text);
        read.map_err(|cause| Error::io("read", cause).at_path(slot.directory.path()))?;
        // One that another version wrote and this one cannot read was not carried out by this one: judged anew.
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Keeps the decision in `slot`: it lasts when this comes back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, slot: &Slot) -> Result<(), Error> {
        slot.directory.write(DECISION, &self.document())
    }

    /// Says that `received` bytes came and not all are kept, for that reason: what is kept is not released.
    pub fn cut(&mut self, received: u64, why: String) {
        self.received = Some(received);
        if self.verdict() == Verdict::Clean {
            Verdict::Incomplete.name().clone_into(&mut self.verdict);
        }
        self.doubt.get_or_insert(why);
        if !self.dry_run {
            self.fate = Fate::Quarantine;
        }
    }

    /// The decision as a document.
    pub fn document(&self) -> Vec<u8> {
        // Nothing in it can fail to be JSON: its maps have text for keys.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// The name of the dump.
    pub fn name(&self) -> OsString {
        OsString::from_vec(self.name.bytes().unwrap_or_default())
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        match self.verdict.as_str() {
            "clean" => Verdict::Clean,
            "found" => Verdict::Found,
            _ => Verdict::Incomplete,
        }
    }

    /// 64 digits that tell this dump from others of its name.
    pub fn mark(&self) -> String {
        use sha2::{Digest, Sha256};
        match &self.sha256 {
            Some(hash) if hash.len() == 64 => hash.clone(),
            _ => hex(&Sha256::digest(self.id.as_bytes())),
        }
    }

    /// What the audit log says of it.
    pub fn told(&self) -> impl Serialize + '_ {
        let keys = self.keys();
        let keys_omitted = keys.len().saturating_sub(MAX_KEYS);
        Told {
            id: &self.id,
            name: &self.name,
            path: &self.path,
            verdict: &self.verdict,
            fate: self.fate,
            dry_run: self.dry_run,
            doubt: self.doubt.as_deref(),
            size: self.size,
            sha256: self.sha256.as_deref(),
            reasons: self.reasons(),
            keys: keys.into_iter().take(MAX_KEYS).collect(),
            keys_omitted,
            by_hand: self.by_hand.as_ref(),
            sides: self
                .sides
                .iter()
                .take(MAX_KEYS)
                .map(|side| ToldSide {
                    id: &side.id,
                    name: &side.name,
                    verdict: &side.verdict,
                    size: side.size,
                    sha256: side.sha256.as_deref(),
                })
                .collect(),
        }
    }

    /// The keys that count, by their public halves.
    pub fn keys(&self) -> Vec<Value> {
        let findings = self
            .all_dumps()
            .filter_map(|dump| dump.get("findings")?.as_array())
            .flatten();
        let mut keys: Vec<Value> = Vec::new();
        for finding in findings {
            if finding.get("counts") != Some(&Value::Bool(true)) {
                continue;
            }
            let field = |name: &str| finding.get(name).cloned().unwrap_or_default();
            let mut key = json!({
                "kind": field("kind"),
                "bits": field("bits"),
                "curve": field("curve"),
                "proof": field("proof"),
                "spki_sha256": field("spki_sha256"),
            });
            for name in ["watched", "severity"] {
                if let (Some(value), Value::Object(key)) = (finding.get(name), &mut key) {
                    key.insert(name.to_owned(), value.clone());
                }
            }
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Why something was not examined, each reason once.
    pub fn reasons(&self) -> Vec<&str> {
        let mut reasons: Vec<&str> = self
            .all_dumps()
            .filter_map(|dump| dump.get("coverage")?.get("missing")?.as_array())
            .flatten()
            .filter_map(|missing| missing.get("reason")?.as_str())
            .chain(self.received.map(|_| Reason::Truncated.name()))
            .collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }

    /// Why the answer was not believed, in words.
    pub fn doubt(&self) -> Option<&str> {
        let of_sides = || self.sides.iter().find_map(|side| side.doubt.as_deref());
        self.doubt.as_deref().or_else(of_sides)
    }

    /// What it and all that travels with it came to.
    fn all_dumps(&self) -> impl Iterator<Item = &Value> {
        self.dumps
            .iter()
            .chain(self.sides.iter().flat_map(|side| &side.dumps))
    }

    /// Takes the decisions about what travels with the dump into this one: all share the worst verdict's fate, in the
    /// directories `below`.
    pub fn join(&mut self, sides: Vec<(Self, Option<PathBuf>)>) {
        let worst = overall(
            sides
                .iter()
                .map(|(side, _)| side.verdict())
                .chain([self.verdict()]),
        );
        worst.name().clone_into(&mut self.verdict);
        let is_kept = |side: &(Self, _)| side.0.fate == Fate::Quarantine;
        if sides.iter().any(is_kept) {
            self.fate = Fate::Quarantine;
        }
        self.sides = sides
            .into_iter()
            .map(|(mut side, below)| {
                side.fate = self.fate;
                side.side_of = Some(SideOf {
                    dump: self.name.clone(),
                    directory: below.map(|path| Bytes::of(path.as_os_str().as_bytes())),
                });
                side
            })
            .collect();
    }

    /// When it was made, as RFC 3339 writes it.
    pub fn time(&self) -> &str {
        &self.time
    }

    /// Where it lay, in the spool.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.path.bytes().unwrap_or_default()))
    }

    /// Whether it is about a file that travels with a dump.
    pub fn is_side(&self) -> bool {
        self.side_of.is_some()
    }

    /// Whether it was made by this version with these options.
    pub fn is_by(&self, options: &Value) -> bool {
        self.versions.engine == env!("CARGO_PKG_VERSION")
            && self.versions.rules == RULES
            && self.options == *options
    }

    /// Whether the dump was not examined whole for a reason that is not its own, and nothing was found in it.
    pub fn is_scanners_fault(&self) -> bool {
        let reasons = self.reasons();
        let is_ours = |reason: &str| OURS.iter().any(|ours| ours.name() == reason);
        self.verdict() == Verdict::Incomplete
            && self.received.is_none()
            && reasons.iter().all(|reason| is_ours(reason))
            && (self.doubt().is_some() || !reasons.is_empty())
    }

    /// The decision to release what is held from `slot` all the same.
    #[must_use]
    pub fn by_hand(mut self, slot: &Slot, held: &Held, by: ByHand) -> Self {
        self.id.clone_from(&slot.id);
        self.time = audit::now();
        self.fate = Fate::Release;
        self.dry_run = false;
        self.place = held.place;
        self.by_hand = Some(by);
        self.sides.clear();
        self
    }

    /// The directory in which it goes, below the one it is released to.
    pub fn below(&self) -> Option<PathBuf> {
        let bytes = self.side_of.as_ref()?.directory.as_ref()?.bytes()?;
        Some(PathBuf::from(OsString::from_vec(bytes)))
    }
}

/// Whether `manifest` is the one of the decision `id`.
pub fn is_of(manifest: &[u8], id: &str) -> bool {
    #[derive(Deserialize)]
    struct Known {
        id: String,
    }
    serde_json::from_slice(manifest).is_ok_and(|known: Known| known.id == id)
}

/// Options as the record holds them.
pub fn options_in_words(options: &Options, rules: &Rules, policy: Value) -> Value {
    json!({
        "deep": options.deep,
        "memory": options.memory,
        "seconds": options.time.map(|time| time.as_secs()),
        "asked": options.asked.len(),
        "unpacking": {
            "bytes": options.budget.bytes,
            "member_bytes": options.budget.member_bytes,
            "ratio": options.budget.ratio,
            "depth": options.budget.depth,
            "members": options.budget.members,
            "seconds": options.budget.time.as_secs(),
        },
        "truncated": match rules.truncated {
            Truncated::Quarantine => "quarantine",
            Truncated::Release => "release",
        },
        "policy": policy,
    })
}

/// Reasons that are the scanner's own: another version, or other options, may do better.
const OURS: &[Reason] = &[
    Reason::ContainerNotOpened,
    Reason::LimitReached,
    Reason::InternalError,
    Reason::UnsupportedMethod,
    Reason::BudgetReached,
    Reason::NoRoom,
    Reason::WorkerDied,
    Reason::OutOfMemory,
    Reason::TimedOut,
];

/// Version of the document.
const SCHEMA_VERSION: u32 = 1;

/// Keys in a record of the audit log; the manifest has all.
const MAX_KEYS: usize = 256;
