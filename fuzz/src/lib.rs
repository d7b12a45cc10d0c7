//! What the fuzz targets share: how input becomes a call, and what must hold whatever the input.

pub mod memory;
pub mod sweeps;

use dumpgate::crypto::der::{Reader, header_before};
use dumpgate::crypto::{ProofCache, Prover};
use dumpgate::detect::{Anchor, DETECTORS, Detector, Hit, LONGEST_FORM, Sighting};
use dumpgate::dump::{self, FORMATS};
use dumpgate::finding::{Kind, Proof};
use dumpgate::memory::{Dump, windows};
use dumpgate::outcome::{DumpOutcome, Reason};
use dumpgate::report::{Contents, Detail, OUTPUTS, Origin, RegionRow, ThreadRow, write_info};
use dumpgate::scan::Scanner;
use dumpgate::source::Source;
use dumpgate::unpack::{self, Budget, CONTAINERS, Item, Trouble, open_as};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// Examines every anchor of the detector in `data`. Then takes the first byte for a length and puts each
/// anchor behind so many bytes of the rest, so that the fuzzer need not find it.
pub fn detector(name: &str, data: &[u8]) {
    let detector = *DETECTORS.iter().find(|detector| detector.name() == name).expect("a detector of this name");
    if detector.anchors().contains(&Anchor::Base64Run) {
        examine(detector, data, data.len() / 2, false);
        examine(detector, data, data.len() / 2, true);
    }
    for (anchor, is_wide) in detector.anchors().iter().flat_map(|anchor| anchor.patterns()) {
        let starts = (0..data.len()).filter(|&at| data[at..].starts_with(&anchor));
        starts.take(HITS).for_each(|at| examine(detector, data, at, is_wide));
        if let Some((&length, rest)) = data.split_first() {
            let (before, behind) = rest.split_at(rest.len().min(length.into()));
            examine(detector, &[before, &anchor, behind].concat(), before.len(), is_wide);
        }
    }
}

fn examine(detector: &dyn Detector, data: &[u8], at: usize, is_wide: bool) {
    static PROVEN: OnceLock<ProofCache> = OnceLock::new();
    let prover = Prover::new(PROVEN.get_or_init(ProofCache::default), PROOFS);
    for sighting in detector.examine(&Hit { data, at, is_wide, prover: &prover }) {
        let form = sighting.form();
        assert!(detector.forms().contains(&form), "{form} is none of the detector's forms");
        let range = match sighting {
            Sighting::Public(clue) => clue.range,
            Sighting::Key(evidence) => {
                let key = evidence.key;
                assert!(key.proof < Proof::Arithmetic || key.public.is_some(), "proven without a public half");
                assert!(key.proof < Proof::Arithmetic || key.kind != Kind::Encrypted, "proven under a passphrase");
                evidence.range
            }
        };
        // Some keys are found by what follows them, and the keys behind that.
        let near = range.start.saturating_sub(LONGEST_FORM)..range.end + LONGEST_FORM;
        assert!(near.contains(&at), "{range:?} is far from its anchor at {at}");
        assert!(range.end <= data.len(), "{range:?} of {} bytes", data.len());
    }
}

/// Reads `data` with the reader of this name, sniffed or not.
pub fn reader(name: &str, data: &[u8]) {
    let format = FORMATS.iter().find(|format| format.name() == name).expect("a format of this name");
    check_dump(&format.read(data), data);
}

/// Reads `data` as the table of formats says and prints what is in it.
pub fn readers(data: &[u8]) {
    let format = dump::sniff(data);
    assert!(format.sniff(data));
    let dump = format.read(data);
    check_dump(&dump, data);
    let contents = contents(format.name(), &dump, data.len() as u64);
    let mut text = Vec::new();
    write_info(&contents, false, false, &mut text).expect("a vector takes everything");
    check_text(&text);
    let mut json = Vec::new();
    write_info(&contents, true, false, &mut json).expect("a vector takes everything");
    check_json(&json);
}

/// Regions tile the file, pieces and windows lie inside it.
fn check_dump(dump: &Dump, data: &[u8]) {
    let length = data.len() as u64;
    memory::check_tiles(&dump.map, length);
    for piece in dump.map.pieces(0..length) {
        dump.map.owner(&piece);
    }
    memory::check_windows(dump.map.regions(), &windows(dump.map.regions(), LONGEST_FORM as u64));
}

fn contents(format: &'static str, dump: &Dump, size: u64) -> Contents {
    let owners = dump.map.owners();
    let thread = |thread: &dumpgate::memory::Thread| ThreadRow {
        id: thread.id,
        name: thread.name.clone(),
        stack: thread.stack.as_ref().map(|stack| (format!("{:#x}", stack.start), format!("{:#x}", stack.end))),
    };
    let regions = dump.map.regions().iter().map(|region| RegionRow {
        kind: region.kind.name(),
        name: dump.map.name(region).to_owned(),
        count: 1,
        bytes: region.len(),
    });
    Contents {
        path: "fuzz".to_owned(),
        format,
        size,
        processor: dump.platform.processor.clone(),
        system: dump.platform.system.clone(),
        process_id: dump.process.id,
        process_name: dump.process.name.clone(),
        threads: owners.threads().iter().map(thread).collect(),
        modules: owners.modules().iter().map(|module| module.name.clone()).collect(),
        regions: regions.collect(),
        not_dumped: dump.not_dumped,
        will_be_scanned: size,
        seams: 0,
        declared: dump.declared_end,
        container: None,
        faults: dump.faults.iter().map(ToString::to_string).collect(),
    }
}

/// Opens `data` as the container of this name, whatever it looks like, within a small budget.
pub fn unpack(name: &str, data: &[u8]) {
    let container = CONTAINERS.iter().find(|container| container.name == name).expect("a container of this name");
    let budget = Budget {
        bytes: 8 << 20,
        member_bytes: 4 << 20,
        depth: 3,
        members: 64,
        time: Duration::from_secs(5),
        ..Budget::default()
    };
    let mut unpacked = 0;
    open_as(container, Source::from_bytes(data.to_vec()), &budget, &mut |item| {
        match item {
            Item::Leaf(leaf) => {
                assert!(leaf.members.len() <= 4, "deeper than the budget");
                unpacked += leaf.source.bytes().len() as u64;
                // Stored members may overlap; each is no longer than what it lies in.
                assert!(unpacked <= 64 * (8 << 20) + budget.bytes);
            }
            Item::Container(opened) => {
                let length = opened.source.bytes().len() as u64;
                let mut end = 0;
                for range in &opened.covered {
                    assert!(end <= range.start && range.start < range.end && range.end <= length, "{range:?} of {length}");
                    end = range.end;
                }
                let is_broken = |fault: &unpack::Fault| fault.trouble == Trouble::Internal;
                // Decoders of other crates may fail on hostile bytes: that is caught, and no crash of ours.
                assert!(opened.faults.iter().all(|fault| !is_broken(fault) || fault.member.is_some()));
            }
        }
        ControlFlow::Continue(())
    });
}

/// Scans `data` as a file and writes all reports of the outcome.
pub fn scan(data: &[u8]) {
    static SCANNER: OnceLock<Scanner> = OnceLock::new();
    let scanner = SCANNER.get_or_init(|| Scanner::builder().threads(1).build().expect("one thread"));
    let outcome = scanner.scan(PathBuf::from("fuzz"), &Source::from_bytes(data.to_vec()), &());
    check_outcome(&outcome, data.len() as u64);
    let everything = Detail { shapes: true, public: true, color: false, baseline: true };
    for output in OUTPUTS {
        for detail in [Detail::default(), everything, Detail { color: true, ..everything }] {
            let mut reporter = (output.reporter)(detail);
            let mut text = Vec::new();
            reporter.dump(&outcome, Origin::Named, &mut text).expect("a vector takes everything");
            reporter.finish(outcome.verdict, &mut text).expect("a vector takes everything");
            match output.name {
                "json" | "jsonl" | "sarif" => check_json(&text),
                _ if !detail.color => check_text(&text),
                _ => {}
            }
        }
    }
}

fn check_outcome(outcome: &DumpOutcome, size: u64) {
    assert_eq!((outcome.size, outcome.coverage.scanned), (size, size), "not every byte was searched");
    assert!(!outcome.reasons().contains(&Reason::InternalError), "the scanner failed");
    for finding in &outcome.findings {
        assert!(finding.proof < Proof::Arithmetic || finding.spki_sha256.is_some(), "proven without a public half");
        assert!(!finding.places.is_empty(), "a key in no place");
        for piece in finding.places.iter().flat_map(|place| &place.pieces) {
            assert!(piece.length > 0 && piece.offset + piece.length <= size, "{piece:?} of {size} bytes");
        }
        assert!(finding.places.iter().all(|place| !place.pieces.is_empty()), "a place without bytes");
    }
    for (form, piece) in outcome.public_keys.iter().flat_map(|key| &key.places) {
        assert!(piece.length > 0 && piece.offset + piece.length <= size, "{form} at {piece:?} of {size} bytes");
    }
}

/// Documents of JSON, one after the other.
fn check_json(text: &[u8]) {
    let documents = serde_json::Deserializer::from_slice(text).into_iter::<serde_json::Value>();
    documents.for_each(|document| assert!(document.is_ok(), "no JSON: {document:?}"));
}

/// Text that is safe on a terminal.
fn check_text(text: &[u8]) {
    let text = str::from_utf8(text).expect("reports are UTF-8");
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "a control character");
}

/// Reads `data` as DER, and the contents of every element as DER.
pub fn der(data: &[u8]) {
    elements(data, 0);
    let mut numbers = Reader::new(data);
    while numbers.unsigned().is_some_and(|number| number.first() != Some(&0)) {}
    assert!(numbers.position() <= data.len());
}

fn elements(data: &[u8], depth: usize) {
    let mut reader = Reader::new(data);
    let mut start = 0;
    while let Some(element) = reader.element() {
        let end = reader.position();
        assert_eq!(end - start, element.total);
        let contents = end - element.contents.len();
        assert!(start < contents && data[contents..end] == *element.contents);
        let (header, length) = header_before(data, element.tag, contents, element.contents.len())
            .expect("an element's header stands before its contents");
        assert!(start <= header && header < contents);
        assert!(element.contents.len() <= length && length <= data.len() - contents);
        if depth < DEPTH {
            elements(element.contents, depth + 1);
        }
        start = end;
    }
    assert!(reader.position() <= data.len());
}

/// Anchors examined of one input, and keys proven at each, so that no input takes seconds.
const HITS: usize = 16;
const PROOFS: usize = 4;

/// Elements inside one another that are looked into.
const DEPTH: usize = 16;
