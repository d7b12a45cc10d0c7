//! What each stage of a scan costs, as a ratio to summing the same memory: what anchors announce, and each sweep of the
//! default scan for few known keys and for many.
//!
//! `DUMPGATE_BENCH_FILE` names a file of real process memory (`scripts/make-memory` puts one together), which is taken
//! for a dump whose addresses are known; without it a sample is repeated. Keys that lie in that memory are looked for
//! too where the whole scan is measured.

mod common;

use common::{best, hot, moduli, sum, target};
use criterion::{Criterion, Throughput};
use dumpgate::clue::Rank;
use dumpgate::crypto::der::{Reader, tag};
use dumpgate::crypto::material::Material;
use dumpgate::crypto::{Curve, Identity, PublicKey, edwards};
use dumpgate::detect::Key;
use dumpgate::dump;
use dumpgate::scan::Scanner;
use dumpgate::secret::Secret;
use dumpgate::source::Source;
use dumpgate::sweep::copies::{Copies, Covered};
use dumpgate::sweep::space::Space;
use dumpgate::sweep::{Depth, Target, harvest, rsa, scalars, seeds, traces};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

fn main() {
    let source = core();
    let bytes = source.bytes();
    let dump = dump::sniff(bytes).read(bytes);
    let space = Space::new(bytes, &dump.map, 8);
    let scanner = Scanner::builder().threads(1).build().expect("a scanner");
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.expect("a thread").install(|| {
        let mut criterion = Criterion::default()
            .sample_size(10)
            .measurement_time(Duration::from_secs(5))
            .configure_from_args();
        let mut group = criterion.benchmark_group("stages");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("sum, hot", |bencher| bencher.iter(|| sum(bytes)));
        group.bench_function("harvest", |bencher| {
            bencher.iter(|| harvest::sweep(&space, &[], Depth::default()))
        });
        group.finish();
        criterion.final_summary();
        if !env::args().any(|argument| argument == "--test" || argument == "--list") {
            ratios(&source, &space, &scanner);
        }
    });
}

fn ratios(source: &Source, space: &Space<'_>, scanner: &Scanner) {
    let bytes = source.bytes();
    let hot = hot(bytes);
    let rate = bytes.len() as f64 / hot / f64::from(1 << 30);
    println!("\nsum as u64, hot: {rate:.2} GiB/s; all else in multiples of its time");
    let ratio = |name: &str, run: &mut dyn FnMut()| {
        let ratio = best(3, run) / hot;
        println!("{name:60} {ratio:7.2}");
        ratio
    };
    ratio("anchors", &mut || {
        black_box(scanner.harvest(source));
    });
    let harvest = ratio("moduli and points that nothing announces", &mut || {
        black_box(harvest::sweep(space, &[], Depth::default()));
    });
    let rsa = |name: &str, count, own| {
        let mut targets = moduli(count, &[2048], Rank::Own);
        let authorities = targets.iter_mut().skip(own);
        authorities.for_each(|target| target.rank = Rank::Authority);
        ratio(name, &mut || {
            black_box(rsa::sweep(space, &targets, Depth::default()));
        })
    };
    let few = rsa("RSA, 4 moduli of 2048 bits", 4, 4);
    let many = rsa(
        "RSA, 200 moduli of 2048 bits, 180 of them of authorities",
        200,
        20,
    );
    rsa(
        "RSA, 200 moduli of 2048 bits, none of authorities",
        200,
        200,
    );
    let seeds = ratio("Ed25519 keys that nothing announces", &mut || {
        black_box(seeds::sweep(space, Depth::default()));
    });
    let curves = |name: &str, count: u8| {
        let targets = points(count);
        ratio(name, &mut || {
            black_box(scalars::sweep(space, &targets, Depth::default()));
        })
    };
    let ec = curves("scalars and seeds, 4 P-256 and 4 Ed25519", 4);
    curves("scalars and seeds, 100 P-256 and 100 Ed25519", 100);
    let keys = [key()];
    let copies = ratio("copies of a key of 2048 bits", &mut || {
        let copies = Copies::arm(&keys).expect("a key with numbers");
        black_box(copies.search(space, &Covered::default()).sightings.len());
    });
    let traces = ratio("traces of sessions", &mut || {
        black_box(traces::of_sessions(space));
    });
    for (name, rsa) in [("4 moduli", few), ("200 moduli", many)] {
        let all = harvest + seeds + rsa + copies + traces;
        println!("{:60} {all:7.2}", format!("all sweeps, {name}"));
        println!(
            "{:60} {:7.2}",
            format!("all sweeps, {name}, and points"),
            all + ec
        );
    }
    ratio("whole scan for the keys that lie there", &mut || {
        black_box(scanner.scan(PathBuf::from("memory"), source, &()));
    });
}

/// So many points of P-256 and keys of Ed25519.
fn points(count: u8) -> Vec<Target> {
    let points = (1..=count).flat_map(|index| {
        let scalar = [index; 32];
        let point = Curve::P256
            .derive(&scalar)
            .expect("a scalar below the order");
        let ec = PublicKey::ec(Curve::P256, &point).expect("a point");
        let ed = PublicKey::Ed25519(edwards::ed25519_public(&scalar));
        [ec, ed]
    });
    points.map(|key| target(key, Rank::Own)).collect()
}

fn key() -> Key {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys/rsa2048.pkcs1.der");
    let data = fs::read(path).expect("a test key");
    let mut reader = Reader::new(&data)
        .inside(tag::SEQUENCE)
        .expect("a sequence");
    let [_, n, e, _, p] = std::array::from_fn(|_| reader.unsigned().expect("a number"));
    let public = PublicKey::rsa(n, e).expect("a public key");
    let material = Material::rsa_from_factor(n, Secret::new(p)).expect("a factor");
    Key::proven(Arc::new(Identity::new(public)), material)
}

/// The memory as an ELF core of one segment.
fn core() -> Source {
    let memory = common::memory();
    let mut core = b"\x7fELF\x02\x01\x01".to_vec();
    core.resize(16, 0);
    for half in [4u16, 62] {
        core.extend(half.to_le_bytes());
    }
    core.extend(1u32.to_le_bytes());
    for word in [0u64, 64, 0] {
        core.extend(word.to_le_bytes());
    }
    core.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 0, 0, 0] {
        core.extend(half.to_le_bytes());
    }
    for word in [1u32, 6] {
        core.extend(word.to_le_bytes());
    }
    let length = memory.len() as u64;
    for word in [
        PAGE as u64,
        0x7f00_0000_0000,
        0,
        length,
        length,
        PAGE as u64,
    ] {
        core.extend(word.to_le_bytes());
    }
    core.resize(PAGE, 0);
    core.extend(memory);
    Source::from_bytes(core)
}

/// Bytes before the memory in the core.
const PAGE: usize = 4096;
