//! What each stage of a scan costs, as a ratio to summing the same memory: what anchors announce, and each sweep of the
//! default scan for few known keys and for many.
//!
//! `DUMPGATE_BENCH_FILE` names a directory of dumps, of which all are taken together; or a file of real process memory
//! (`scripts/make-memory` puts one together), which is taken for the memory of one process that tells no modules, so
//! that code is searched like data; without it a sample is repeated. Keys that lie in that memory are looked for
//! too where the whole scan is measured. `DUMPGATE_BENCH_ONLY` is part of the name of the stages to run, and
//! `DUMPGATE_BENCH_ROUNDS` how often each is run (3): the best counts.

mod common;

use common::{best, moduli, sum, target};
use criterion::Throughput;
use dumpgate::clue::Rank;
use dumpgate::crypto::{Curve, PublicKey, edwards};
use dumpgate::dump;
use dumpgate::memory::Dump;
use dumpgate::scan::Scanner;
use dumpgate::source::Source;
use dumpgate::sweep::copies::{Copies, Covered};
use dumpgate::sweep::space::Space;
use dumpgate::sweep::{Depth, Target, harvest, rsa, scalars, seeds, traces};
use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let sources = sources();
    let dumps: Vec<_> = sources
        .iter()
        .map(|source| dump::sniff(source.bytes()).read(source.bytes()))
        .collect();
    let scanner = Scanner::builder().threads(1).build().expect("a scanner");
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.expect("a thread").install(|| {
        let mut criterion = common::criterion(5);
        let mut group = criterion.benchmark_group("stages");
        group.throughput(Throughput::Bytes(length(&sources)));
        group.bench_function("sum, hot", |bencher| bencher.iter(|| sums(&sources)));
        group.bench_function("harvest", |bencher| {
            bencher.iter(|| {
                for space in &spaces(&sources, &dumps) {
                    black_box(harvest::sweep(space, &[], Depth::default()));
                }
            })
        });
        group.finish();
        criterion.final_summary();
        if common::is_timed() {
            ratios(&sources, &dumps, &scanner);
        }
    });
}

fn length(sources: &[Source]) -> u64 {
    sources
        .iter()
        .map(|source| source.bytes().len() as u64)
        .sum()
}

fn sums(sources: &[Source]) -> u64 {
    let sums = sources.iter().map(|source| sum(source.bytes()));
    sums.fold(0, u64::wrapping_add)
}

/// The dumps as sweeps see them, on which no sweep has made notes.
fn spaces<'d>(sources: &'d [Source], dumps: &'d [Dump]) -> Vec<Space<'d>> {
    let pairs = sources.iter().zip(dumps);
    pairs
        .map(|(source, dump)| Space::new(source.bytes(), &dump.map, 8))
        .collect()
}

fn ratios(sources: &[Source], dumps: &[Dump], scanner: &Scanner) {
    let sum = || {
        black_box(sums(sources));
    };
    let rate = length(sources) as f64 / best(5, sum) / f64::from(1 << 30);
    println!("\nsum as u64, hot: {rate:.2} GiB/s; all else in multiples of its time");
    // A machine changes its pace within minutes, so the yardstick is taken again beside each stage.
    let rounds =
        env::var("DUMPGATE_BENCH_ROUNDS").map_or(3, |rounds| rounds.parse().expect("a number"));
    let in_sums = |name: &str, run: &dyn Fn()| {
        let [mut hot, mut time] = [f64::MAX; 2];
        for _ in 0..rounds {
            hot = hot.min(best(2, sum));
            time = time.min(best(1, run));
        }
        println!("{name:60} {:7.2}", time / hot);
        time / hot
    };
    let only = env::var("DUMPGATE_BENCH_ONLY").unwrap_or_default();
    // As in a scan the first sweep makes the notes that those after it use.
    let noted = spaces(sources, dumps);
    for space in &noted {
        black_box(harvest::sweep(space, &[], Depth::default()));
    }
    let ratio = |name: &str, run: &dyn Fn(usize, &Space<'_>)| match name.contains(&only) {
        true => in_sums(name, &|| {
            noted
                .iter()
                .enumerate()
                .for_each(|(index, space)| run(index, space));
        }),
        false => f64::NAN,
    };
    let of_sources = |name: &str, run: &dyn Fn(&Source)| {
        if name.contains(&only) {
            in_sums(name, &|| sources.iter().for_each(run));
        }
    };
    of_sources("anchors", &|source| {
        black_box(scanner.harvest(source));
    });
    let announced = sources.iter().map(|source| {
        let identities = scanner.harvest(source).into_iter();
        let targets = identities.map(|identity| Target {
            identity,
            rank: Rank::Own,
            e_assumed: false,
            places: Vec::new(),
        });
        targets.collect()
    });
    let announced: Vec<Vec<Target>> = announced.collect();
    let harvest = ratio("moduli and points that nothing announces", &|index, _| {
        let pair = sources.get(index..=index).zip(dumps.get(index..=index));
        let known = announced.get(index).map_or(&[][..], |known| known);
        for space in pair.map_or_else(Vec::new, |(source, dump)| spaces(source, dump)) {
            black_box(harvest::sweep(&space, known, Depth::default()));
        }
    });
    let rsa = |name: &str, count, own| {
        let mut targets = moduli(count, &[2048], Rank::Own);
        let authorities = targets.iter_mut().skip(own);
        authorities.for_each(|target| target.rank = Rank::Authority);
        ratio(name, &|_, space| {
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
    let seeds = ratio("Ed25519 keys that nothing announces", &|_, space| {
        black_box(seeds::sweep(space, Depth::default()));
    });
    let curves = |name: &str, count: u8| {
        let targets = points(count);
        ratio(name, &|_, space| {
            black_box(scalars::sweep(space, &targets, Depth::default()));
        })
    };
    let ec = curves("scalars and seeds, 4 P-256 and 4 Ed25519", 4);
    curves("scalars and seeds, 100 P-256 and 100 Ed25519", 100);
    let keys = [common::rsa_key("rsa2048.pkcs1.der")];
    let copies = ratio("copies of a key of 2048 bits", &|_, space| {
        let copies = Copies::arm(&keys).expect("a key with numbers");
        black_box(copies.search(space, &Covered::default()).sightings.len());
    });
    let traces = ratio("traces of sessions", &|_, space| {
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
    of_sources("whole scan for the keys that lie there", &|source| {
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

/// The dumps of a directory, or memory as a dump.
fn sources() -> Vec<Source> {
    let path = env::var_os("DUMPGATE_BENCH_FILE").map(PathBuf::from);
    let Some(directory) = path.filter(|path| path.is_dir()) else {
        return vec![core()];
    };
    let entries = fs::read_dir(directory).expect("a directory of dumps");
    let open = |path: PathBuf| Source::open(&path).expect("a dump");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.into_iter().map(open).collect()
}

/// The bytes in a file of their own, mapped as a scan has them: other memory comes in larger pages, which are summed half
/// as fast again.
fn mapped(bytes: &[u8]) -> Source {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("room for the file");
    Source::open(file.path()).expect("the file")
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
    mapped(&core)
}

/// Bytes before the memory in the core.
const PAGE: usize = 4096;
