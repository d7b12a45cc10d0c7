//! The report for people.

use super::human::{ALARM, CAUTION, FINE, STRONG, count, hex, paint, size};
use super::{Detail, Origin, Reporter};
use crate::finding::{Finding, Kind, Owner, OwnerKind, Piece, Place, Proof, PublicFinding};
use crate::outcome::{DumpOutcome, Reason, Verdict};
use crate::text::printable;
use std::io::{self, Write};

/// Writes a paragraph a dump and a last line. Files of a directory that are no dump and clean are
/// counted only.
pub struct Text {
    detail: Detail,
    verdicts: Vec<Verdict>,
    keys: usize,
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
        let path = printable(&outcome.path.to_string_lossy());
        match outcome.verdict {
            Verdict::Unopened => writeln!(out, "{verdict}  {path}"),
            Verdict::Found => {
                let keys = outcome.keys().count();
                let places: usize = outcome.keys().map(|key| key.places.len()).sum();
                let found = format!("{} in {}", count(keys, "key"), count(places, "place"));
                writeln!(
                    out,
                    "{verdict}  {path}  ({}, {}): {found}",
                    outcome.format,
                    size(outcome.size)
                )
            }
            _ => writeln!(
                out,
                "{verdict}  {path}  ({}, {})",
                outcome.format,
                size(outcome.size)
            ),
        }
    }

    fn coverage(&self, outcome: &DumpOutcome, out: &mut dyn Write) -> io::Result<()> {
        let coverage = &outcome.coverage;
        if let Some(hash) = &outcome.sha256 {
            writeln!(out, "            SHA-256 {}", hex(hash))?;
        }
        for missing in &coverage.missing {
            let what = match missing.reason {
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
                Reason::Unreadable => {
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

    fn finding(&self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "\n  {}: {}",
            self.paint(STRONG, &title(finding)),
            proof(finding)
        )?;
        match finding.spki_sha256 {
            Some(fingerprint) => writeln!(out, "    public key (SPKI SHA-256)  {fingerprint}")?,
            None => writeln!(out, "    public key unknown")?,
        }
        let rows: Vec<[String; 4]> = finding.places.iter().map(row).collect();
        let width = |column: usize| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(String::len)
                .max()
                .unwrap_or(0)
        };
        let (form, offset, length) = (width(0), width(1), width(2));
        for [a, b, c, d] in rows.iter().take(MAX_ROWS) {
            writeln!(out, "    {a:<form$}  {b:<offset$}  {c:>length$}  {d}")?;
        }
        let more = rows.len().saturating_sub(MAX_ROWS) as u64 + finding.places_omitted;
        if more > 0 {
            let places = if more == 1 { "place" } else { "places" };
            writeln!(
                out,
                "    and {more} more {places} (`--format json` lists up to 50,000)"
            )?;
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
        writeln!(out, "    {name} {size}  {}  {place}{more}", key.spki_sha256)
    }
}

impl Reporter for Text {
    fn dump(
        &mut self,
        outcome: &DumpOutcome,
        origin: Origin,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let shown = |finding: &&Finding| finding.proof >= Proof::Parsed || self.detail.shapes;
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
        if is_plain && findings.is_empty() && public.is_empty() {
            self.plain_files += 1;
            self.plain_bytes += outcome.size;
            return Ok(());
        }
        self.headline(outcome, out)?;
        self.coverage(outcome, out)?;
        for finding in &findings {
            self.finding(finding, out)?;
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
        if !findings.is_empty() || !public.is_empty() {
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
        let keys = if self.keys > 0 {
            format!("; {}", count(self.keys, "private key"))
        } else {
            String::new()
        };
        writeln!(
            out,
            "{}: {}{keys}",
            count(self.verdicts.len(), "file"),
            parts.join(", ")
        )
    }
}

fn title(finding: &Finding) -> String {
    let size = match (finding.curve, finding.bits, finding.kind) {
        (Some(curve), ..) => format!(" {}", curve.name()),
        (None, Some(bits), Kind::Private(crate::crypto::Algorithm::Rsa) | Kind::Encrypted) => {
            format!(" {bits} bits")
        }
        _ => String::new(),
    };
    format!("{}{size}", finding.kind.name())
}

fn proof(finding: &Finding) -> &'static str {
    match finding.proof {
        Proof::Parsed if finding.kind == Kind::Encrypted => "whole, under a passphrase [parsed]",
        Proof::Parsed if finding.kind == Kind::Other => {
            "whole, of an algorithm without proof here [parsed]"
        }
        Proof::Shape => "looks like one, unproven [shape]",
        Proof::Parsed => "whole and in range, no independent public half confirms it [parsed]",
        Proof::Arithmetic => "proven by arithmetic [arithmetic]",
    }
}

/// Form, place, length, owner.
fn row(place: &Place) -> [String; 4] {
    let length: u64 = place.pieces.iter().map(|piece| piece.length).sum();
    let pieces = match place.pieces.len() {
        0 | 1 => String::new(),
        number => format!(" in {number} pieces"),
    };
    let at = place
        .pieces
        .iter()
        .take(MAX_PIECES)
        .map(position)
        .collect::<Vec<_>>()
        .join(" then ");
    [
        place.form.to_owned(),
        at,
        format!("{length} bytes{pieces}"),
        owner(&place.owner),
    ]
}

fn position(piece: &Piece) -> String {
    match piece.va {
        Some(va) => format!("offset {:#x}, address {va:#x}", piece.offset),
        None => format!("offset {:#x}", piece.offset),
    }
}

fn owner(owner: &Owner) -> String {
    let name = printable(&owner.name);
    match owner.kind {
        OwnerKind::Stack => format!("stack of {name}"),
        OwnerKind::Heap => "heap".to_owned(),
        OwnerKind::Private => "private memory".to_owned(),
        OwnerKind::Module => format!("module {name}"),
        OwnerKind::Stream => format!("stream {name}"),
        OwnerKind::Header => format!("header {name}"),
        OwnerKind::Gap => "gap between the dump's structures".to_owned(),
        OwnerKind::Raw => "raw bytes".to_owned(),
    }
}

/// Places shown of one key.
const MAX_ROWS: usize = 20;

/// Pieces shown of one place.
const MAX_PIECES: usize = 4;
