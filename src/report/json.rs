//! JSON and JSON Lines. The schema is versioned: fields may be added within a version, never renamed,
//! removed or given another meaning.

use super::{Detail, Origin, Reporter, asked, human::hex};
use crate::crypto::{Algorithm, Curve};
use crate::finding::{Acceptance, Finding, Fragment, Kind, Piece, Place, PublicFinding, Standing};
use crate::outcome::{Answer, Asked, DumpOutcome, Note, Verdict};
use serde::Serialize;
use std::io::{self, Write};

/// Version of the schema.
pub const SCHEMA_VERSION: u32 = 1;

/// One document for all dumps, written at the end.
pub struct Json {
    detail: Detail,
    dumps: Vec<Dump>,
}

impl Json {
    /// Nothing gathered yet.
    pub fn new(detail: Detail) -> Self {
        Self {
            detail,
            dumps: Vec::new(),
        }
    }
}

impl Reporter for Json {
    fn dump(&mut self, outcome: &DumpOutcome, _: Origin, _: &mut dyn Write) -> io::Result<()> {
        self.dumps.push(Dump::new(outcome, self.detail));
        Ok(())
    }

    fn finish(&mut self, verdict: Verdict, out: &mut dyn Write) -> io::Result<()> {
        let document = Document {
            schema_version: SCHEMA_VERSION,
            tool: TOOL,
            verdict: verdict.name(),
            dumps: &self.dumps,
        };
        serde_json::to_writer_pretty(&mut *out, &document)?;
        writeln!(out)
    }
}

/// One line a dump as it is done, and one with the verdict over all.
pub struct JsonLines {
    detail: Detail,
}

impl JsonLines {
    /// The same detail in every line.
    pub fn new(detail: Detail) -> Self {
        Self { detail }
    }
}

impl Reporter for JsonLines {
    fn dump(&mut self, outcome: &DumpOutcome, _: Origin, out: &mut dyn Write) -> io::Result<()> {
        let line = Line {
            schema_version: SCHEMA_VERSION,
            kind: "dump",
            content: Dump::new(outcome, self.detail),
        };
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)
    }

    fn finish(&mut self, verdict: Verdict, out: &mut dyn Write) -> io::Result<()> {
        let content = Summary {
            tool: TOOL,
            verdict: verdict.name(),
        };
        serde_json::to_writer(
            &mut *out,
            &Line {
                schema_version: SCHEMA_VERSION,
                kind: "summary",
                content,
            },
        )?;
        writeln!(out)
    }
}

/// One dump or member of one, as it stands in a report.
pub fn value(outcome: &DumpOutcome, detail: Detail) -> serde_json::Value {
    // Its maps have text for keys, so nothing can fail to be JSON.
    serde_json::to_value(Dump::new(outcome, detail)).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'o> {
    schema_version: u32,
    tool: Tool,
    verdict: &'static str,
    dumps: &'o [Dump],
}

#[derive(Serialize)]
struct Line<T> {
    schema_version: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize)]
struct Summary {
    tool: Tool,
    verdict: &'static str,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

const TOOL: Tool = Tool {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

#[derive(Serialize)]
struct Dump {
    path: String,
    /// The names that lead from the file to a member of it.
    members: Vec<String>,
    /// File and members in one: `wer.cab!dump.mdmp`.
    display_path: String,
    format: &'static str,
    size: u64,
    sha256: Option<String>,
    verdict: &'static str,
    error: Option<Fault>,
    coverage: Coverage,
    truncated: Option<Truncated>,
    searches: Vec<Search>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    asked: Vec<AskedFor>,
    findings: Vec<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_keys: Option<Vec<Public>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultIn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<NoteOf>,
}

#[derive(Serialize)]
struct FaultIn {
    reason: &'static str,
    member: Option<String>,
    offset: u64,
    message: String,
}

#[derive(Serialize)]
struct NoteOf {
    kind: &'static str,
    #[serde(flatten)]
    embedded: Option<Embedded>,
}

#[derive(Serialize)]
struct Embedded {
    format: &'static str,
    offset: u64,
    count: u64,
}

#[derive(Serialize)]
struct Fault {
    message: String,
    offset: Option<u64>,
}

#[derive(Serialize)]
struct Coverage {
    bytes: u64,
    scanned: u64,
    not_dumped: u64,
    missing: Vec<Missing>,
}

#[derive(Serialize)]
struct Missing {
    offset: u64,
    length: u64,
    reason: &'static str,
}

#[derive(Serialize)]
struct Truncated {
    declared: u64,
    present: u64,
}

#[derive(Serialize)]
struct Search {
    name: &'static str,
    scope: String,
    /// Not asked for, where false.
    ran: bool,
    complete: bool,
}

#[derive(Serialize)]
struct AskedFor {
    spki_sha256: String,
    algorithm: Option<&'static str>,
    bits: Option<u32>,
    origin: Option<String>,
    answer: &'static str,
    proof: Option<&'static str>,
    public_places: Option<u64>,
    /// What keeps a "not found" from being a "not there".
    limits: Vec<&'static str>,
}

#[derive(Serialize)]
struct Key {
    kind: &'static str,
    bits: Option<u32>,
    curve: Option<&'static str>,
    proof: &'static str,
    spki_sha256: Option<String>,
    e_assumed: bool,
    key_id: Option<String>,
    counts: bool,
    /// What the user calls a key that must never leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    watched: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    known: Option<&'static str>,
    accepted: Option<Accepted>,
    /// The proof the policy demands, where this finding has less.
    below: Option<&'static str>,
    places: Vec<PlaceOf>,
    places_omitted: u64,
}

#[derive(Serialize)]
struct Accepted {
    reason: String,
    until: String,
    expired: bool,
}

#[derive(Serialize)]
struct FragmentOf {
    present: u64,
    expected: Option<u64>,
}

#[derive(Serialize)]
struct PlaceOf {
    form: &'static str,
    component: &'static str,
    fragment: Option<FragmentOf>,
    encoding: &'static str,
    proof: &'static str,
    pieces: Vec<PieceOf>,
    owner: Owner,
}

#[derive(Serialize)]
struct Owner {
    kind: &'static str,
    name: String,
}

#[derive(Serialize)]
struct PieceOf {
    offset: u64,
    length: u64,
    /// A string: JSON numbers lose precision above 2^53.
    va: Option<String>,
}

#[derive(Serialize)]
struct Public {
    algorithm: &'static str,
    bits: u32,
    curve: Option<&'static str>,
    spki_sha256: String,
    e_assumed: bool,
    places: Vec<PublicPlace>,
    places_omitted: u64,
}

#[derive(Serialize)]
struct PublicPlace {
    form: &'static str,
    #[serde(flatten)]
    piece: PieceOf,
}

impl Dump {
    fn new(outcome: &DumpOutcome, detail: Detail) -> Self {
        let missing = outcome.coverage.missing.iter();
        Self {
            path: outcome.path.to_string_lossy().into_owned(),
            members: outcome.members.clone(),
            display_path: outcome.place(),
            format: outcome.format,
            size: outcome.size,
            sha256: outcome.sha256.map(|hash| hex(&hash)),
            verdict: outcome.verdict.name(),
            error: outcome.error.as_ref().map(|error| Fault {
                message: error.detail(),
                offset: error.offset(),
            }),
            coverage: Coverage {
                bytes: outcome.coverage.bytes,
                scanned: outcome.coverage.scanned,
                not_dumped: outcome.coverage.not_dumped,
                missing: missing
                    .map(|missing| Missing {
                        offset: missing.offset,
                        length: missing.length,
                        reason: missing.reason.name(),
                    })
                    .collect(),
            },
            truncated: outcome.truncated.map(|cut| Truncated {
                declared: cut.declared,
                present: cut.present,
            }),
            searches: searches(outcome),
            asked: outcome
                .asked
                .iter()
                .map(|asked| AskedFor::new(asked, outcome))
                .collect(),
            findings: outcome
                .findings
                .iter()
                .filter(|finding| detail.shows(finding))
                .map(Key::new)
                .collect(),
            public_keys: detail
                .public
                .then(|| outcome.public_keys.iter().map(Public::new).collect()),
            faults: outcome.faults.iter().map(FaultIn::new).collect(),
            notes: outcome.notes.iter().map(NoteOf::new).collect(),
        }
    }
}

fn searches(outcome: &DumpOutcome) -> Vec<Search> {
    let ran = outcome.searches.iter().map(|search| Search {
        name: search.name,
        scope: search.scope.clone(),
        ran: true,
        complete: search.complete,
    });
    let not_run = outcome.not_run.iter().map(|search| Search {
        name: search.name,
        scope: search.scope.to_owned(),
        ran: false,
        complete: false,
    });
    ran.chain(not_run).collect()
}

impl FaultIn {
    fn new(fault: &crate::outcome::Fault) -> Self {
        Self {
            reason: fault.reason.name(),
            member: fault.member.clone(),
            offset: fault.offset,
            message: fault.error().detail(),
        }
    }
}

impl NoteOf {
    fn new(note: &Note) -> Self {
        let embedded = match *note {
            Note::EmbeddedContainer {
                format,
                offset,
                count,
            } => Some(Embedded {
                format,
                offset,
                count,
            }),
            Note::EmptyContainer => None,
        };
        Self {
            kind: note.name(),
            embedded,
        }
    }
}

impl AskedFor {
    fn new(asked: &Asked, outcome: &DumpOutcome) -> Self {
        let limits = match asked.answer {
            Answer::Found(_) => Vec::new(),
            _ => asked::limits(outcome),
        };
        let (proof, public_places) = match asked.answer {
            Answer::Found(proof) => (Some(proof.name()), None),
            Answer::NotFound { public_places } => (None, Some(public_places)),
            Answer::NotFoundWritten => (None, Some(0)),
        };
        Self {
            spki_sha256: asked.spki_sha256.to_string(),
            algorithm: asked.key.map(|(algorithm, _)| algorithm_name(algorithm)),
            bits: asked.key.map(|(_, bits)| bits),
            origin: asked.origin.clone(),
            answer: asked.answer.name(),
            proof,
            public_places,
            limits: limits.into_iter().map(|[word, _]| word).collect(),
        }
    }
}

/// As `rsa`.
fn algorithm_name(algorithm: Algorithm) -> &'static str {
    Kind::Private(algorithm)
        .name()
        .trim_end_matches("-private-key")
}

impl Key {
    fn new(finding: &Finding) -> Self {
        Self {
            kind: finding.kind.name(),
            bits: finding.bits,
            curve: finding.curve.map(Curve::name),
            proof: finding.proof.name(),
            spki_sha256: finding
                .spki_sha256
                .map(|fingerprint| fingerprint.to_string()),
            e_assumed: finding.e_assumed,
            key_id: finding.key_id.clone(),
            counts: finding.standing == Standing::Counts,
            watched: finding.watched.clone(),
            severity: finding.watched.as_ref().map(|_| "critical"),
            known: finding.known,
            accepted: finding.accepted.as_ref().map(Accepted::new),
            below: match finding.standing {
                Standing::Below(demanded) => Some(demanded.name()),
                _ => None,
            },
            places: finding.places.iter().map(PlaceOf::new).collect(),
            places_omitted: finding.places_omitted,
        }
    }
}

impl Accepted {
    fn new(entry: &Acceptance) -> Self {
        Self {
            reason: entry.reason.clone(),
            until: entry.until.to_string(),
            expired: entry.expired,
        }
    }
}

impl FragmentOf {
    fn new(fragment: Fragment) -> Self {
        Self {
            present: fragment.present,
            expected: fragment.expected,
        }
    }
}

impl PlaceOf {
    fn new(place: &Place) -> Self {
        Self {
            form: place.form,
            component: place.component,
            fragment: place.fragment.map(FragmentOf::new),
            encoding: place.encoding,
            proof: place.proof.name(),
            pieces: place.pieces.iter().map(PieceOf::new).collect(),
            owner: Owner {
                kind: place.owner.kind.name(),
                name: place.owner.name.clone(),
            },
        }
    }
}

impl PieceOf {
    fn new(piece: &Piece) -> Self {
        Self {
            offset: piece.offset,
            length: piece.length,
            va: piece.va.map(|va| format!("{va:#x}")),
        }
    }
}

impl Public {
    fn new(key: &PublicFinding) -> Self {
        Self {
            algorithm: algorithm_name(key.algorithm),
            bits: key.bits,
            curve: key.curve.map(Curve::name),
            spki_sha256: key.spki_sha256.to_string(),
            e_assumed: key.e_assumed,
            places: key
                .places
                .iter()
                .map(|(form, piece)| PublicPlace {
                    form,
                    piece: PieceOf::new(piece),
                })
                .collect(),
            places_omitted: key.places_omitted,
        }
    }
}
