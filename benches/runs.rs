//! What finding runs and searching for RSA keys costs, as ratios to summing the same memory.
//!
//! `DUMPGATE_BENCH_FILE` names a file of real process memory (`scripts/make-memory` puts one together); without it the
//! samples are repeated. `DUMPGATE_BENCH_RANDOM=1` takes random bytes instead, as compressed data would be.

use criterion::{Criterion, Throughput};
use dumpgate::clue::Rank;
use dumpgate::crypto::{Identity, PublicKey};
use dumpgate::memory::{Label, MemoryMap, Owners};
use dumpgate::sweep::codec::Class;
use dumpgate::sweep::runs::each_run;
use dumpgate::sweep::space::Space;
use dumpgate::sweep::{Depth, Target, rsa};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

fn main() {
    let memory = memory();
    let length = memory.len() as u64;
    let labels = vec![Label::memory(0, length, 0x7f00_0000_0000)];
    let map = MemoryMap::tile(length, labels, Vec::new(), Owners::default());
    let space = Space::new(&memory, &map, 8);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.expect("a thread").install(|| {
        let mut criterion = Criterion::default()
            .sample_size(10)
            .measurement_time(Duration::from_secs(5))
            .configure_from_args();
        let mut group = criterion.benchmark_group("pass");
        group.throughput(Throughput::Bytes(length));
        group.bench_function("sum, hot", |bencher| bencher.iter(|| sum(&memory)));
        group.bench_function("runs", |bencher| {
            bencher.iter(|| runs(&space, &Class::ALL, 512))
        });
        group.finish();
        criterion.final_summary();
        if !env::args().any(|argument| argument == "--test" || argument == "--list") {
            ratios(&memory, &space);
        }
    });
}

fn ratios(memory: &[u8], space: &Space<'_>) {
    let best = |times: usize, run: &dyn Fn()| {
        let time = |_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        };
        (0..times).map(time).fold(f64::MAX, f64::min)
    };
    let hot = best(7, &|| {
        black_box(sum(memory));
    });
    let rate = memory.len() as f64 / hot / f64::from(1 << 30);
    println!("\nsum as u64, hot: {rate:.2} GiB/s");
    let ratio = |name: &str, run: &dyn Fn()| println!("{name:50} {:7.2}", best(3, run) / hot);
    ratio("runs of 512 bits, random bytes", &|| {
        runs(space, &[Class::Random], 512);
    });
    ratio("runs of 512 bits, all classes", &|| {
        runs(space, &Class::ALL, 512);
    });
    ratio("runs of 256 bits, all classes", &|| {
        runs(space, &Class::ALL, 256);
    });
    for (name, sizes, rank) in [
        ("4 moduli, factors", &[2048][..], Rank::Authority),
        ("4 moduli", &[2048], Rank::Own),
        ("4 of the user", &[2048], Rank::User),
        ("4 moduli, 4 sizes", &[1024, 2048, 3072, 4096], Rank::Own),
    ] {
        let targets = targets(4, sizes, rank);
        ratio(&format!("RSA, {name}"), &|| sweep(space, &targets));
    }
    for (name, sizes, own) in [
        ("200 moduli, factors", &[2048][..], 0),
        ("200 moduli, 8 not of authorities", &[2048], 8),
        (
            "200 moduli, 2 sizes, 8 not of authorities",
            &[2048, 4096],
            8,
        ),
        ("200 moduli, none of authorities", &[2048], 200),
    ] {
        let mut targets = targets(200, sizes, Rank::Own);
        targets
            .iter_mut()
            .skip(own)
            .for_each(|target| target.rank = Rank::Authority);
        ratio(&format!("RSA, {name}"), &|| sweep(space, &targets));
    }
}

fn runs(space: &Space<'_>, classes: &[Class], minimum: u32) -> usize {
    let mut bytes = 0;
    space.each_block(
        |block| {
            let mut bytes = 0;
            each_run(block, classes, minimum, |_, run| bytes += run.len());
            bytes
        },
        |found, _| bytes += found,
    );
    black_box(bytes)
}

fn sweep(space: &Space<'_>, targets: &[Target]) {
    let sweep = rsa::sweep(space, targets, Depth::default());
    assert!(sweep.sightings.is_empty(), "nobody has these factors");
    black_box(sweep);
}

/// Odd numbers that nobody has the factors of, as good as moduli to the search.
fn targets(count: usize, sizes: &[usize], rank: Rank) -> Vec<Target> {
    let mut state = 1u64;
    let target = |bits: &usize| {
        let mut n = random(bits / 8, &mut state);
        if let [first, .., last] = &mut n[..] {
            *first |= 0x80;
            *last |= 1;
        }
        let key = PublicKey::rsa(&n, &[1, 0, 1]).expect("an odd number of a usual size");
        Target {
            identity: Arc::new(Identity::new(key)),
            rank,
            e_assumed: false,
            places: Vec::new(),
        }
    };
    sizes.iter().cycle().take(count).map(target).collect()
}

/// SplitMix64.
fn random(length: usize, state: &mut u64) -> Vec<u8> {
    let words = (0..length.div_ceil(8)).flat_map(|_| {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = *state;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ word >> 31).to_le_bytes()
    });
    words.take(length).collect()
}

fn sum(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    words
        .iter()
        .fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
}

fn memory() -> Vec<u8> {
    if env::var_os("DUMPGATE_BENCH_RANDOM").is_some() {
        return random(64 << 20, &mut 5);
    }
    if let Some(path) = env::var_os("DUMPGATE_BENCH_FILE") {
        return fs::read(path).expect("the file of memory");
    }
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples/clean-lua-verifier/clean-lua-verifier.core");
    fs::read(sample).expect("a sample").repeat(64)
}
