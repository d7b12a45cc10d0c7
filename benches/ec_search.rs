//! The search for scalars of known points, per candidate, next to the curve crates' own multiplication.

mod common;

use criterion::{BatchSize, Criterion, Throughput};
use dumpgate::crypto::ec_search::{Edwards, Points, is_on_curve, point_from_any};
use dumpgate::crypto::{Curve, edwards};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let mut criterion = common::criterion(2);
    for curve in Curve::ALL {
        scalars(&mut criterion, curve);
        on_curve(&mut criterion, curve);
    }
    seeds(&mut criterion);
    criterion.final_summary();
    if common::is_timed() {
        ratios();
    }
}

/// Scalars of one curve: batches of three sizes, and one scalar by the crate.
fn scalars(criterion: &mut Criterion, curve: Curve) {
    let points = points(curve);
    let mut group = criterion.benchmark_group(format!("scalars, {}", curve.name()));
    for batch in [16, 256, 4096] {
        let candidates = candidates(curve, batch);
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(format!("batch of {batch}"), |bencher| {
            bencher.iter(|| points.search(black_box(&candidates), |_, _| unreachable!()));
        });
    }
    let scalar = big_endian(curve);
    group.throughput(Throughput::Elements(1));
    group.bench_function("crate", |bencher| {
        bencher.iter(|| curve.derive(black_box(&scalar)));
    });
    group.finish();
}

/// Whether coordinates are those of a point: of one that is, and of one that is not.
fn on_curve(criterion: &mut Criterion, curve: Curve) {
    let point = curve.derive(&big_endian(curve)).expect("a scalar");
    let [_, xy @ ..] = &*point else {
        unreachable!("an encoding has a first byte");
    };
    let limbs = candidates(curve, 2);
    let (x, y) = limbs.split_at(limbs.len() / 2);
    let mut group = criterion.benchmark_group(format!("on curve, {}", curve.name()));
    group.bench_function("bytes of a point", |bencher| {
        bencher.iter(|| is_on_curve(curve, black_box(xy)));
    });
    group.bench_function("limbs of none, in either form and order", |bencher| {
        bencher.iter(|| point_from_any(curve, black_box(x), black_box(y)));
    });
    group.bench_function("crate", |bencher| {
        bencher.iter_batched(
            || point.clone(),
            |point| curve.point(&point),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Seeds of Ed25519 and scalars of X25519.
fn seeds(criterion: &mut Criterion) {
    let candidates = bytes(1024 * 32);
    let (ed25519, x25519) = curve25519();
    let mut group = criterion.benchmark_group("Curve25519");
    group.throughput(Throughput::Elements(1024));
    group.bench_function("Ed25519 seeds", |bencher| {
        bencher.iter(|| ed25519.search_seeds(black_box(&candidates), |_, _| unreachable!()));
    });
    group.bench_function("X25519 scalars", |bencher| {
        bencher.iter(|| x25519.search_scalars(black_box(&candidates), |_, _| unreachable!()));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("Ed25519 seed, crate", |bencher| {
        bencher.iter(|| edwards::ed25519_public(black_box(&[7; 32])));
    });
    group.bench_function("X25519 scalar, crate", |bencher| {
        bencher.iter(|| edwards::x25519_public(black_box(&[7; 32])));
    });
    group.finish();
}

/// How many candidates go by in the time of one multiplication by the crate.
fn ratios() {
    println!("\ncandidates tested in the time of one multiplication by the crate:");
    for curve in Curve::ALL {
        let (points, scalar) = (points(curve), big_endian(curve));
        let candidates = candidates(curve, BATCH);
        let ours = fastest(|| points.search(&candidates, |_, _| unreachable!())) / BATCH as f64;
        let crates = fastest(|| {
            black_box(curve.derive(black_box(&scalar)));
        });
        print_ratio(curve.name(), ours, crates);
    }
    let candidates = bytes(BATCH * 32);
    let (ed25519, x25519) = curve25519();
    let ours = fastest(|| ed25519.search_seeds(&candidates, |_, _| unreachable!()));
    let crates = fastest(|| {
        black_box(edwards::ed25519_public(black_box(&[7; 32])));
    });
    print_ratio("Ed25519 seeds", ours / BATCH as f64, crates);
    let ours = fastest(|| x25519.search_scalars(&candidates, |_, _| unreachable!()));
    let crates = fastest(|| {
        black_box(edwards::x25519_public(black_box(&[7; 32])));
    });
    print_ratio("X25519 scalars", ours / BATCH as f64, crates);
}

fn print_ratio(name: &str, ours: f64, crates: f64) {
    println!(
        "  {name:<14} {:>6.1}   ({:.2} us a candidate, {:.1} us by the crate)",
        crates / ours,
        ours * 1e6,
        crates * 1e6,
    );
}

/// Seconds of the fastest of some runs.
fn fastest(mut run: impl FnMut()) -> f64 {
    run();
    (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

const RUNS: usize = 40;
const BATCH: usize = 1024;

/// Four known points, none of them of a candidate's scalar.
fn points(curve: Curve) -> Points {
    let known: Vec<_> = (1..5)
        .filter_map(|scalar| curve.derive(&[scalar]))
        .collect();
    let known: Vec<&[u8]> = known.iter().map(|point| &**point).collect();
    Points::new(curve, &known).expect("points")
}

fn curve25519() -> (Edwards, Edwards) {
    let seeds = [[1; 32], [2; 32]];
    let ed25519 = Edwards::ed25519(&seeds.map(|seed| edwards::ed25519_public(&seed)));
    let x25519 = Edwards::x25519(&seeds.map(|seed| edwards::x25519_public(&seed)));
    (ed25519.expect("keys"), x25519.expect("keys"))
}

/// Limbs of scalars as good as random, all below the order.
fn candidates(curve: Curve, count: usize) -> Vec<u64> {
    let limbs = curve.field_bytes().div_ceil(8);
    let spare = if curve == Curve::P521 { 56 } else { 1 };
    let bytes = bytes(8 * count * limbs);
    let (words, _) = bytes.as_chunks::<8>();
    words
        .iter()
        .zip((0..limbs).cycle())
        .map(|(word, limb)| {
            let word = u64::from_le_bytes(*word);
            if limb + 1 == limbs {
                word >> spare
            } else {
                word
            }
        })
        .collect()
}

/// A scalar of the curve as the crate wants it.
fn big_endian(curve: Curve) -> Vec<u8> {
    let mut scalar = bytes(curve.field_bytes());
    if let Some(first) = scalar.first_mut() {
        *first = 0;
    }
    scalar
}

/// Bytes as good as random, the same in every run (xorshift64*).
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count)
        .map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
        })
        .collect()
}
