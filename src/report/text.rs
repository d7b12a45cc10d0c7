//! The report for people.

use super::asked;
use super::human::{ALARM, CAUTION, FINE, STRONG, count, hex, paint, size};
use super::places::{self, MAX_ROWS, owner};
use super::{Detail, Origin, Reporter};
use crate::finding::{Finding, Kind, Proof, PublicFinding, Standing};
use crate::outcome::{Answer, DumpOutcome, Missing, Note, Reason, Verdict};
use crate::text::printable;
use std::io::{self, Write};

/// Writes a paragraph a dump and a last line. Files of a directory that are no dump and clean are
/// counted only.
pub struct Text {
    detail: Detail,
    verdicts: Vec<Verdict>,
    keys: usize,
    apart: Apart,
    plain_files: usize,
    plain_bytes: u64,
}

impl Text {
    /// Nothing written yet.
    pub fn new(detail: Detail) -> Self {
        Self {
            detail,
            verdicts: Vec::new(),
            keys: 0,
            apart: Apart::default(),
            plain_files: 0,
            plain_bytes: 0,
        }
    }

    fn paint(&self, style: anstyle::Style, text: &str) -> String {
        paint(self.detail.color, style, text)
    }

    fn headline(&self, outcome: &DumpOutcome, out: &mut dyn Write) -> io::Result<()> {
        let style = match outcome.verdict {
            Verdict::Clean => FINE,
            Verdict::Found => ALARM,
            Verdict::Incomplete | Verdict::Unopened => CAUTION,
        };
        let verdict = self.paint(style, &format!("{:<10}", outcome.verdict.name()));
        let path = printable(&outcome.place());
        if outcome.verdict == Verdict::Unopened {
            return writeln!(out, "{verdict}  {path}");
        }
        let mut parts = Vec::new();
        if outcome.verdict == Verdict::Found {
            let keys = outcome.keys().count();
            let places: usize = outcome.keys().map(|key| key.places.len()).sum();
            parts.push(format!(
                "{} in {}",
                count(keys, "key"),
                count(places, "place")
            ));
        }
        parts.extend(Apart::of(outcome, self.detail).parts());
        let parts = match parts.is_empty() {
            true => String::new(),
            false => format!(": {}", parts.join("; ")),
        };
        writeln!(
            out,
            "{verdict}  {path}  ({}, {}){parts}",
            outcome.format,
            size(outcome.size)
        )
    }

    fn coverage(&self, outcome: &DumpOutcome, out: &mut dyn Write) -> io::Result<()> {
        let coverage = &outcome.coverage;
        if let Some(hash) = &outcome.sha256 {
            writeln!(out, "            SHA-256 {}", hex(hash))?;
        }
        for fault in outcome.faults.iter().take(MAX_ROWS) {
            writeln!(
                out,
                "            {} {} [{}]",
                self.paint(CAUTION, "not examined:"),
                fault.error().detail(),
                fault.reason.name()
            )?;
        }
        let more = outcome.faults.len().saturating_sub(MAX_ROWS);
        if more > 0 {
            writeln!(
                out,
                "            and {more} more (`--format json` lists up to 100)"
            )?;
        }
        let of_faults = outcome.faults.len();
        let is_unopened = |missing: &Missing| missing.reason == Reason::ContainerNotOpened;
        let is_told = coverage.missing.iter().any(is_unopened);
        let is_dump = of_faults == 0 && outcome.members.is_empty();
        for missing in coverage.missing.iter().skip(of_faults) {
            // What is not opened at all is told as that.
            if is_told && missing.reason == Reason::BudgetReached {
                continue;
            }
            let what = match missing.reason {
                Reason::LimitReached if of_faults > 0 => {
                    "more members, beyond those listed here".to_owned()
                }
                Reason::Damaged if is_dump => format!(
                    "what the dump's tables say of its memory: from offset {:#x} on they are not as the format demands; all \
                     bytes were scanned, but not as the memory they were",
                    missing.offset
                ),
                Reason::Encrypted
                | Reason::UnsupportedMethod
                | Reason::Damaged
                | Reason::BudgetReached
                | Reason::NoRoom => {
                    format!(
                        "what follows offset {:#x}: no more of this member could be unpacked",
                        missing.offset
                    )
                }
                Reason::Truncated => format!(
                    "{} from offset {:#x} on: the dump's tables name them, the file ends before",
                    size(missing.length),
                    missing.offset
                ),
                Reason::ContainerNotOpened => {
                    format!(
                        "what is packed in this {} file; only its packed bytes were scanned",
                        outcome.format
                    )
                }
                Reason::Unreadable
                | Reason::WorkerDied
                | Reason::OutOfMemory
                | Reason::TimedOut => {
                    let cause = outcome
                        .error
                        .as_ref()
                        .map(|error| error.detail())
                        .unwrap_or_default();
                    format!("this file: {cause}")
                }
                Reason::InternalError => "this file: the scanner failed on it".to_owned(),
                Reason::LimitReached => {
                    let searches = outcome.searches.iter().filter(|search| !search.complete);
                    let names: Vec<&str> = searches.map(|search| search.name).collect();
                    format!(
                        "more than a limit allows, in search {}: there is more than is listed here",
                        names.join(", ")
                    )
                }
            };
            writeln!(
                out,
                "            {} {what} [{}]",
                self.paint(CAUTION, "not examined:"),
                missing.reason.name()
            )?;
        }
        if coverage.not_dumped > 0 {
            writeln!(
                out,
                "            {} of the process' memory are not in the dump, by design: no verdict about them",
                size(coverage.not_dumped)
            )?;
        }
        Ok(())
    }

    fn notes(outcome: &DumpOutcome, out: &mut dyn Write) -> io::Result<()> {
        for note in &outcome.notes {
            match note {
                Note::EmbeddedContainer {
                    format,
                    offset,
                    count,
                } => writeln!(
                    out,
                    "            note: {} in it, not opened: {format} at {offset:#x} [{}]",
                    super::human::count(
                        usize::try_from(*count).unwrap_or(usize::MAX),
                        "packed file"
                    ),
                    note.name()
                )?,
                Note::EmptyContainer => writeln!(
                    out,
                    "            note: this {} file holds no member [{}]",
                    outcome.format,
                    note.name()
                )?,
            }
        }
        Ok(())
    }

    fn finding(&self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "\n  {}: {}",
            self.paint(STRONG, &name(finding)),
            proof(finding)
        )?;
        match finding.spki_sha256 {
            Some(fingerprint) => {
                writeln!(out, "    public key (SPKI SHA-256)  {fingerprint}")?;
                if finding.e_assumed {
                    let what = "nothing told the public exponent: the fingerprint is that of 65537";
                    writeln!(out, "    {what}")?;
                }
            }
            None if matches!(finding.kind, Kind::Symmetric | Kind::Protected) => {}
            None => writeln!(out, "    public key unknown")?,
        }
        if let Some(id) = &finding.key_id {
            writeln!(out, "    localKeyID  {id}")?;
        }
        if let Some(note) = note(finding) {
            writeln!(out, "    {note}")?;
        }
        let (lines, left_out) = places::lines(&finding.places);
        for line in lines {
            writeln!(out, "    {line}")?;
        }
        let more = left_out as u64 + finding.places_omitted;
        if more > 0 {
            let places = if more == 1 { "place" } else { "places" };
            writeln!(
                out,
                "    and {more} more {places} (`--format json` lists up to 50,000)"
            )?;
        }
        Ok(())
    }

    /// Findings that do not count, a line each: `of` says which, and what to tell of each.
    fn apart(
        &self,
        title: &str,
        findings: &[&Finding],
        of: impl Fn(&Finding) -> Option<String>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let listed: Vec<(&Finding, String)> = findings
            .iter()
            .filter_map(|finding| Some((*finding, of(finding)?)))
            .collect();
        let names = listed.iter().map(|(finding, _)| name(finding).len());
        let Some(width) = names.max() else {
            return Ok(());
        };
        writeln!(out, "\n  {}", self.paint(STRONG, title))?;
        for (finding, what) in listed {
            let fingerprint = match finding.spki_sha256 {
                Some(fingerprint) => fingerprint.to_string(),
                None => format!("{:<64}", "public key unknown"),
            };
            let kind = name(finding);
            let places = whereabouts(finding);
            writeln!(out, "    {kind:<width$}  {fingerprint}  {what}; {places}")?;
        }
        Ok(())
    }

    fn public(&self, key: &PublicFinding, out: &mut dyn Write) -> io::Result<()> {
        let name = Kind::Private(key.algorithm)
            .name()
            .trim_end_matches("-private-key");
        let size = key
            .curve
            .map_or_else(|| key.bits.to_string(), |curve| curve.name().to_owned());
        let place = key
            .places
            .first()
            .map(|(form, piece)| format!("{form} at {:#x}", piece.offset))
            .unwrap_or_default();
        let more = key.places.len().saturating_sub(1) as u64 + key.places_omitted;
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let assumed = match key.e_assumed {
            true => ", its exponent taken for 65537",
            false => "",
        };
        let fingerprint = key.spki_sha256;
        writeln!(
            out,
            "    {name} {size}  {fingerprint}  {place}{more}{assumed}"
        )
    }
}

impl Reporter for Text {
    fn dump(
        &mut self,
        outcome: &DumpOutcome,
        origin: Origin,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let shown = |finding: &&Finding| self.detail.shows(finding);
        let findings: Vec<&Finding> = outcome.findings.iter().filter(shown).collect();
        let public = if self.detail.public {
            &outcome.public_keys[..]
        } else {
            &[]
        };
        let is_plain = origin == Origin::Walked
            && outcome.format == "raw"
            && outcome.verdict == Verdict::Clean;
        self.verdicts.push(outcome.verdict);
        self.keys += outcome.keys().count();
        self.apart.add(Apart::of(outcome, self.detail));
        if is_plain && findings.is_empty() && public.is_empty() && outcome.asked.is_empty() {
            self.plain_files += 1;
            self.plain_bytes += outcome.size;
            return Ok(());
        }
        self.headline(outcome, out)?;
        self.coverage(outcome, out)?;
        Self::notes(outcome, out)?;
        let is_apart =
            |finding: &Finding| matches!(finding.standing, Standing::Known | Standing::Accepted);
        for finding in findings.iter().filter(|finding| !is_apart(finding)) {
            self.finding(finding, out)?;
        }
        let accepted = "accepted by the baseline: these do not count";
        self.apart(accepted, &findings, acceptance, out)?;
        let known = "known test keys: everyone has them, these do not count";
        self.apart(known, &findings, publication, out)?;
        for asked in &outcome.asked {
            let [question, answer] = asked::lines(asked, outcome);
            let style = match asked.answer {
                Answer::Found(_) => ALARM,
                _ => FINE,
            };
            writeln!(out, "\n  {}", self.paint(STRONG, &question))?;
            writeln!(out, "    {}", self.paint(style, &answer))?;
        }
        if !outcome.asked.is_empty() {
            let title = "searched for what was asked:";
            writeln!(out, "\n  {}", self.paint(STRONG, title))?;
            for line in asked::searched(outcome) {
                writeln!(out, "    {line}")?;
            }
        }
        if !public.is_empty() {
            writeln!(
                out,
                "\n  {}",
                self.paint(STRONG, &count(public.len(), "public key"))
            )?;
            for key in public {
                self.public(key, out)?;
            }
        }
        if !findings.is_empty() || !public.is_empty() || !outcome.asked.is_empty() {
            writeln!(out)?;
        }
        Ok(())
    }

    fn finish(&mut self, _: Verdict, out: &mut dyn Write) -> io::Result<()> {
        if self.plain_files > 0 {
            let verdict = self.paint(FINE, &format!("{:<10}", Verdict::Clean.name()));
            let files = if self.plain_files == 1 {
                "1 file that is no dump"
            } else {
                &format!("{} files that are no dump", self.plain_files)
            };
            writeln!(out, "{verdict}  {files}  (raw, {})", size(self.plain_bytes))?;
        }
        if self.verdicts.len() < 2 {
            return Ok(());
        }
        let mut parts = Vec::new();
        for name in [Verdict::Found, Verdict::Incomplete, Verdict::Clean].map(Verdict::name) {
            let number = self
                .verdicts
                .iter()
                .filter(|seen| seen.name() == name)
                .count();
            if number > 0 {
                parts.push(format!("{number} {name}"));
            }
        }
        let mut keys = Vec::new();
        if self.keys > 0 {
            keys.push(count(self.keys, "private key"));
        }
        keys.extend(self.apart.parts());
        let keys: String = keys.iter().map(|part| format!("; {part}")).collect();
        writeln!(
            out,
            "{}: {}{keys}",
            count(self.verdicts.len(), "file"),
            parts.join(", ")
        )
    }
}

/// How many listed findings do not count, and why.
#[derive(Clone, Copy, Default)]
struct Apart {
    accepted: usize,
    known: usize,
    /// Of kinds that do not count.
    ignored: usize,
    /// Whole keys below the proof that the policy demands.
    below: usize,
    demanded: Option<Proof>,
}

impl Apart {
    fn of(outcome: &DumpOutcome, detail: Detail) -> Self {
        let mut apart = Self::default();
        for finding in outcome
            .findings
            .iter()
            .filter(|finding| detail.shows(finding))
        {
            match finding.standing {
                Standing::Counts => {}
                Standing::Known => apart.known += 1,
                Standing::Accepted => apart.accepted += 1,
                Standing::Ignored => apart.ignored += 1,
                Standing::Below(demanded) if finding.proof >= Proof::Parsed => {
                    apart.below += 1;
                    apart.demanded = Some(demanded);
                }
                Standing::Below(_) => {}
            }
        }
        apart
    }

    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.known += other.known;
        self.ignored += other.ignored;
        self.below += other.below;
        self.demanded = self.demanded.or(other.demanded);
    }

    /// In words, what there is any of.
    fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(demanded) = self.demanded {
            let keys = count(self.below, "key");
            parts.push(format!("below --fail-on {}: {keys}", demanded.name()));
        }
        if self.accepted > 0 {
            parts.push(count(self.accepted, "accepted key"));
        }
        if self.known > 0 {
            parts.push(count(self.known, "known test key"));
        }
        if self.ignored > 0 {
            let keys = count(self.ignored, "key");
            parts.push(format!("of kinds that do not count: {keys}"));
        }
        parts
    }
}

/// Kind and size.
pub fn name(finding: &Finding) -> String {
    let size = match (finding.curve, finding.bits, finding.kind) {
        (Some(curve), ..) => format!(" {}", curve.name()),
        (
            None,
            Some(bits),
            Kind::Private(crate::crypto::Algorithm::Rsa | crate::crypto::Algorithm::Dsa)
            | Kind::Encrypted
            | Kind::Symmetric,
        ) => format!(" {bits} bits"),
        _ => String::new(),
    };
    format!("{}{size}", finding.kind.name())
}

/// What the policy knows of a finding that is listed with those that count.
fn note(finding: &Finding) -> Option<String> {
    let demanded = match finding.standing {
        Standing::Below(demanded) if finding.proof >= Proof::Parsed => {
            let below = format!("below --fail-on {}: does not count", demanded.name());
            Some(below)
        }
        Standing::Ignored => Some("of a kind that does not count".to_owned()),
        _ => None,
    };
    let watched = finding
        .watched
        .as_ref()
        .map(|name| format!("critical: the watched key `{}`", printable(name)));
    let expired = finding
        .accepted
        .as_ref()
        .filter(|entry| entry.expired)
        .map(|entry| {
            let reason = printable(&entry.reason);
            format!("baseline entry expired on {}: {reason}", entry.until)
        });
    let known = finding
        .known
        .map(|source| format!("known test key: {source}"));
    let notes: Vec<String> = [watched, demanded, expired, known]
        .into_iter()
        .flatten()
        .collect();
    (!notes.is_empty()).then(|| notes.join("\n    "))
}

/// Why and until when a finding is accepted, if it is.
fn acceptance(finding: &Finding) -> Option<String> {
    let entry = finding
        .accepted
        .as_ref()
        .filter(|_| finding.standing == Standing::Accepted)?;
    let reason = printable(&entry.reason);
    Some(format!("until {}: {reason}", entry.until))
}

/// Where a finding is published, if that is why it does not count.
fn publication(finding: &Finding) -> Option<String> {
    let source = finding
        .known
        .filter(|_| finding.standing == Standing::Known)?;
    Some(source.to_owned())
}

/// How many places, and the first one.
fn whereabouts(finding: &Finding) -> String {
    let number = finding.places.len() as u64 + finding.places_omitted;
    let first = finding.places.first().map(|place| {
        let offset = place.pieces.first().map_or(0, |piece| piece.offset);
        format!("{} at {offset:#x}, {}", place.form, owner(&place.owner))
    });
    let first = first.unwrap_or_default();
    match number {
        0 | 1 => first,
        _ => format!("{number} places, first {first}"),
    }
}

/// The proof in words, and its name in brackets.
pub fn proof(finding: &Finding) -> &'static str {
    let is_fragment =
        !finding.places.is_empty() && finding.places.iter().all(|place| place.fragment.is_some());
    match finding.proof {
        Proof::Parsed if finding.kind == Kind::Encrypted => "whole, under a passphrase [parsed]",
        Proof::Parsed if finding.kind == Kind::Other => {
            "whole, of an algorithm without proof here [parsed]"
        }
        Proof::Parsed if finding.kind == Kind::Symmetric => {
            "whole, in a structure that calls it a key [parsed]"
        }
        Proof::Shape if finding.kind == Kind::Protected => {
            "under a key of the machine or user [shape]"
        }
        Proof::Shape => "looks like one, unproven [shape]",
        Proof::Parsed if is_fragment => {
            "a part with a whole private number, no public half confirms it [parsed]"
        }
        Proof::Parsed => "whole and in range, no independent public half confirms it [parsed]",
        Proof::Arithmetic => "proven by arithmetic [arithmetic]",
    }
}
