//! What finding runs and searching for RSA keys costs, as ratios to summing the same memory.
//!
//! `DUMPGATE_BENCH_FILE` names a file of real process memory (`scripts/make-memory` puts one together); without it the
//! samples are repeated. `DUMPGATE_BENCH_RANDOM=1` takes random bytes instead, as compressed data would be.

mod common;

use common::{best, hot, moduli, sum};
use criterion::Throughput;
use dumpgate::clue::Rank;
use dumpgate::memory::{Label, MemoryMap, Owners};
use dumpgate::sweep::codec::Class;
use dumpgate::sweep::runs::each_run;
use dumpgate::sweep::space::Space;
use dumpgate::sweep::{Depth, Target, rsa};
use std::env;
use std::hint::black_box;

fn main() {
    let memory = memory();
    let length = memory.len() as u64;
    let labels = vec![Label::memory(0, length, 0x7f00_0000_0000)];
    let map = MemoryMap::tile(length, labels, Vec::new(), Owners::default());
    let space = Space::new(&memory, &map, 8);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.expect("a thread").install(|| {
        let mut criterion = common::criterion(5);
        let mut group = criterion.benchmark_group("pass");
        group.throughput(Throughput::Bytes(length));
        group.bench_function("sum, hot", |bencher| bencher.iter(|| sum(&memory)));
        group.bench_function("runs", |bencher| {
            bencher.iter(|| runs(&space, &Class::ALL, 512))
        });
        group.finish();
        criterion.final_summary();
        if common::is_timed() {
            ratios(&memory, &space);
        }
    });
}

fn ratios(memory: &[u8], space: &Space<'_>) {
    let hot = hot(memory);
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
        let targets = moduli(4, sizes, rank);
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
        let mut targets = moduli(200, sizes, Rank::Own);
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

fn memory() -> Vec<u8> {
    if env::var_os("DUMPGATE_BENCH_RANDOM").is_some() {
        return common::random(64 << 20, &mut 5);
    }
    common::memory()
}
