//! How fast a scan goes, as ratios to yardsticks measured in the same run.
//!
//! `DUMPGATE_BENCH_FILE` names a file of real process memory (`scripts/make-memory` puts one together);
//! without it the samples are repeated between zero pages, three quarters of them zero as in real cores.

mod common;

use common::{best, hot, sum};
use criterion::{Criterion, Throughput};
use dumpgate::crypto::{Curve, ProofCache, Prover, edwards};
use dumpgate::detect::{DETECTORS, Detector, Hit};
use dumpgate::scan::Scanner;
use dumpgate::source::Source;
use memchr::memmem;
use std::env;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

fn main() {
    let file = memory();
    let memory = Source::open(file.path()).expect("the file of memory");
    let mut criterion = common::criterion(5);
    passes(&mut criterion, file.path(), &memory);
    proofs(&mut criterion);
    criterion.final_summary();
    if common::is_timed() {
        ratios(&memory);
    }
}

/// Passes over the whole memory: what others could do at best, and what a scan does.
fn passes(criterion: &mut Criterion, path: &Path, memory: &Source) {
    let mut group = criterion.benchmark_group("pass");
    group.throughput(Throughput::Bytes(memory.bytes().len() as u64));
    group.bench_function("sum, hot", |bencher| bencher.iter(|| sum(memory.bytes())));
    group.bench_function("sum, fresh map", |bencher| {
        bencher.iter(|| sum(Source::open(path).expect("the file of memory").bytes()));
    });
    group.bench_function("sum, read()", |bencher| bencher.iter(|| sum_by_read(path)));
    group.bench_function("memmem", |bencher| {
        bencher.iter(|| memmem::find(memory.bytes(), b"no such text in any dump"))
    });
    for threads in [1, 2] {
        let scanner = scanner(threads);
        let name = format!("scan, {threads} threads");
        group.bench_function(name, |bencher| bencher.iter(|| scan(&scanner, memory)));
    }
    group.finish();
}

/// The arithmetic behind one candidate, and a detector that is refused.
fn proofs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("proof");
    for file in [
        "rsa2048.pkcs1.der",
        "rsa4096.pkcs1.der",
        "p256.sec1.der",
        "p521.sec1.der",
    ] {
        let key = read(&format!("tests/keys/{file}"));
        let (detector, at) = announced(&key);
        group.bench_function(file, |bencher| {
            bencher.iter(|| {
                let cache = ProofCache::default();
                let prover = Prover::new(&cache, 1);
                detector.examine(&Hit {
                    data: &key,
                    at,
                    is_wide: false,
                    prover: &prover,
                })
            });
        });
    }
    group.bench_function("P-256, s times G", |bencher| {
        bencher.iter(|| Curve::P256.derive(black_box(&[7; 32])))
    });
    group.bench_function("Ed25519, public key of a seed", |bencher| {
        bencher.iter(|| edwards::ed25519_public(black_box(&[7; 32])))
    });
    group.finish();
}

/// The first detector that sees a key in `data`, and where its anchor stands.
fn announced(data: &[u8]) -> (&'static dyn Detector, usize) {
    let cache = ProofCache::default();
    let prover = Prover::new(&cache, 8);
    DETECTORS
        .iter()
        .flat_map(|detector| {
            detector
                .anchors()
                .iter()
                .flat_map(|anchor| anchor.patterns())
                .map(move |(anchor, _)| (*detector, anchor))
        })
        .filter_map(|(detector, anchor)| Some((detector, memmem::find(data, &anchor)?)))
        .find(|&(detector, at)| {
            !detector
                .examine(&Hit {
                    data,
                    at,
                    is_wide: false,
                    prover: &prover,
                })
                .is_empty()
        })
        .expect("a detector for every test key")
}

/// The best of some runs of each, and what they are to one another.
fn ratios(memory: &Source) {
    let (one, two) = (scanner(1), scanner(2));
    let bytes = memory.bytes();
    let hot = hot(bytes);
    let shared = best(7, || {
        black_box(sum_by_two(bytes));
    });
    let single = best(7, || scan(&one, memory));
    let double = best(7, || scan(&two, memory));
    let (pages, _) = bytes.as_chunks::<4096>();
    let zeros = pages
        .iter()
        .filter(|page| dumpgate::bytes::is_zero(*page))
        .count();
    println!(
        "\n{} MiB, {:.0} % zero pages",
        bytes.len() >> 20,
        100.0 * zeros as f64 / (pages.len().max(1)) as f64
    );
    let rate = |seconds: f64| bytes.len() as f64 / seconds / f64::from(1 << 30);
    println!("sum as u64, hot       {:7.2} GiB/s  1.00", rate(hot));
    println!(
        "sum, 2 threads        {:7.2} GiB/s  {:.2} times 1 thread",
        rate(shared),
        hot / shared
    );
    println!(
        "scan, 1 thread        {:7.2} GiB/s  {:.2} of the sum",
        rate(single),
        hot / single
    );
    println!(
        "scan, 2 threads       {:7.2} GiB/s  {:.2} times 1 thread",
        rate(double),
        single / double
    );
}

/// The sum on two threads: how much two can do where memory is the limit.
fn sum_by_two(bytes: &[u8]) -> u64 {
    let share = |first: usize| {
        bytes
            .chunks(1 << 20)
            .skip(first)
            .step_by(2)
            .map(sum)
            .fold(0, u64::wrapping_add)
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(move || share(1));
        share(0).wrapping_add(other.join().unwrap_or_default())
    })
}

fn scan(scanner: &Scanner, memory: &Source) {
    black_box(scanner.scan(PathBuf::new(), memory, &()));
}

fn scanner(threads: usize) -> Scanner {
    Scanner::builder()
        .threads(threads)
        .build()
        .expect("threads")
}

/// A file of memory: the user's, or one that goes away with this value.
enum Memory {
    Given(PathBuf),
    Made(tempfile::NamedTempFile),
}

impl Memory {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Made(file) => file.path(),
        }
    }
}

fn memory() -> Memory {
    if let Some(path) = env::var_os("DUMPGATE_BENCH_FILE") {
        return Memory::Given(PathBuf::from(path));
    }
    let samples = [
        "samples/clean-lua-verifier/clean-lua-verifier.core",
        "samples/clean-socat/clean-socat.dmp",
    ]
    .map(read);
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut written = 0;
    while written < 128 << 20 {
        for sample in &samples {
            file.write_all(sample).expect("room for a temporary file");
            file.write_all(&vec![0; sample.len()])
                .expect("room for a temporary file");
            written += 2 * sample.len();
        }
    }
    Memory::Made(file)
}

/// The sum by way of a buffer that is used again and again.
fn sum_by_read(path: &Path) -> u64 {
    let mut file = File::open(path).expect("the file of memory");
    let mut block = vec![0; 256 << 10];
    let mut total = 0u64;
    while let Ok(read @ 1..) = file.read(&mut block) {
        total = total.wrapping_add(sum(block.get(..read).unwrap_or_default()));
    }
    total
}

fn read(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}
