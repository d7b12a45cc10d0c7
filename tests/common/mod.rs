//! What integration tests share: the throwaway keys, a scan in one line, and an ELF core writer of their own.

#![allow(dead_code)] // each test binary uses its share

use dumpgate::outcome::DumpOutcome;
use dumpgate::scan::{Progress, Scanner};
use dumpgate::source::Source;
use dumpgate::unpack::Budget;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Mutex;

/// A row of `tests/keys/index.tsv`.
#[derive(Clone, Debug)]
pub struct Row {
    pub file: String,
    pub kind: String,
    pub bits: u32,
    pub curve: Option<String>,
    pub spki_sha256: String,
    pub form: String,
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of `tests/keys`.
pub fn key(file: &str) -> Vec<u8> {
    fs::read(root().join("tests/keys").join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The test keys.
pub fn rows() -> Vec<Row> {
    let text = String::from_utf8(key("index.tsv")).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, kind, bits, curve, spki_sha256, form] = fields[..] else {
            panic!("six fields in `{line}`")
        };
        Row {
            file: file.to_owned(),
            kind: kind.to_owned(),
            bits: bits.parse().unwrap(),
            curve: (curve != "-").then(|| curve.to_owned()),
            spki_sha256: spki_sha256.to_owned(),
            form: form.to_owned(),
        }
    });
    rows.collect()
}

/// What a scan with one thread says about `data`.
pub fn scan(data: &[u8]) -> DumpOutcome {
    scanner().scan(
        PathBuf::from("test"),
        &Source::from_bytes(data.to_vec()),
        &(),
    )
}

/// What a scan with one thread says about the file at `path`, containers opened.
pub fn scan_file(path: &Path) -> Vec<DumpOutcome> {
    scan_within(path, &Budget::default())
}

/// The same within a budget.
pub fn scan_within(path: &Path, budget: &Budget) -> Vec<DumpOutcome> {
    let mut outcomes = Vec::new();
    let watch = |_: &str, _: u64| -> Box<dyn Progress> { Box::new(()) };
    let source = Source::open(path).unwrap();
    scanner().scan_packed(path, source, budget, &watch, &mut |outcome| {
        outcomes.push(outcome);
        ControlFlow::Continue(())
    });
    outcomes
}

/// Every thread has its own: the scans of one scanner share its one thread.
fn scanner() -> Rc<Scanner> {
    thread_local! {
        static SCANNER: Rc<Scanner> = Rc::new(Scanner::builder().threads(1).build().unwrap());
    }
    SCANNER.with(Rc::clone)
}

/// `check` of every item, on all cores: such tests scan thousands of times, and cargo runs one binary of tests at a time.
pub fn each<I>(items: I, check: impl Fn(I::Item) + Sync)
where
    I: IntoIterator<IntoIter: Send>,
{
    let items = Mutex::new(items.into_iter());
    let next = || items.lock().unwrap().next();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(item) = next() {
                    check(item);
                }
            });
        }
    });
}

/// Bytes without structure, the same for the same seed.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    });
    bytes.take(length).collect()
}

/// A segment of a core: address, bytes, size in memory.
#[derive(Clone, Debug)]
pub struct Segment {
    pub va: u64,
    pub bytes: Vec<u8>,
    pub memory_size: u64,
}

impl Segment {
    pub fn new(va: u64, bytes: Vec<u8>) -> Self {
        let memory_size = bytes.len() as u64;
        Self {
            va,
            bytes,
            memory_size,
        }
    }
}

/// A 64-bit little-endian x86-64 core with these segments, in this order in the file, `gap` bytes of
/// noise between one and the next.
pub fn elf_core(segments: &[Segment], gap: usize) -> Vec<u8> {
    let mut core = Vec::new();
    core.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    core.extend_from_slice(&4u16.to_le_bytes());
    core.extend_from_slice(&62u16.to_le_bytes());
    core.extend_from_slice(&1u32.to_le_bytes());
    core.extend_from_slice(&0u64.to_le_bytes());
    core.extend_from_slice(&64u64.to_le_bytes());
    core.extend_from_slice(&0u64.to_le_bytes());
    core.extend_from_slice(&0u32.to_le_bytes());
    for half in [64, 56, segments.len() as u16, 0, 0, 0] {
        core.extend_from_slice(&half.to_le_bytes());
    }
    let mut offset = core.len() + 56 * segments.len() + gap;
    for segment in segments {
        core.extend_from_slice(&1u32.to_le_bytes());
        core.extend_from_slice(&6u32.to_le_bytes());
        for word in [
            offset as u64,
            segment.va,
            0,
            segment.bytes.len() as u64,
            segment.memory_size,
            1,
        ] {
            core.extend_from_slice(&word.to_le_bytes());
        }
        offset += segment.bytes.len() + gap;
    }
    for (index, segment) in segments.iter().enumerate() {
        core.extend(noise(gap, index as u64));
        core.extend_from_slice(&segment.bytes);
    }
    core
}
