//! What the search for copies of proven keys costs, as a ratio to summing the same memory.
//!
//! `DUMPGATE_BENCH_FILE` names a file of real process memory; without it the samples are repeated between zero pages.

mod common;

use common::{best, hot};
use dumpgate::crypto::material::Material;
use dumpgate::crypto::{Identity, PublicKey, edwards};
use dumpgate::detect::Key;
use dumpgate::memory::MemoryMap;
use dumpgate::source::Source;
use dumpgate::sweep::copies::{Copies, Covered};
use dumpgate::sweep::space::Space;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

fn main() {
    let memory = memory();
    let bytes = memory.bytes();
    let map = MemoryMap::raw(bytes.len() as u64);
    let space = Space::new(bytes, &map, 8);
    let sets = [
        (
            "1 key of 2048 bits",
            vec![common::rsa_key("rsa2048.pkcs1.der")],
        ),
        ("1 Ed25519 key", vec![ed25519(1)]),
        ("20 keys of 2048 bits' weight", weighty(20)),
        ("100 keys of 2048 bits' weight", weighty(100)),
    ];
    let mut criterion = common::criterion(3);
    let mut group = criterion.benchmark_group("copies");
    for (name, keys) in &sets {
        group.bench_function(format!("arm {name}"), |bencher| {
            bencher.iter(|| Copies::arm(black_box(keys)).is_some())
        });
    }
    group.finish();
    criterion.final_summary();
    if !common::is_timed() {
        return;
    }
    let pool = rayon_pool();
    let sum_time = hot(bytes);
    println!("{} MiB; sum 1.00", bytes.len() >> 20);
    for (name, keys) in &sets {
        let copies = Copies::arm(keys).expect("keys with numbers");
        let time = best(7, || {
            pool.install(|| black_box(copies.search(&space, &Covered::default()).sightings.len()));
        });
        println!(
            "{name}: {} passes, {:.2} times the sum",
            copies.passes(),
            time / sum_time
        );
    }
}

/// One thread, as the yardstick has.
fn rayon_pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread")
}

/// Keys that together have about as many private bytes as so many RSA keys of 2048 bits: 16 Ed25519 keys for each.
fn weighty(count: u64) -> Vec<Key> {
    (0..count * 16).map(ed25519).collect()
}

fn ed25519(seed: u64) -> Key {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let secret: [u8; 32] = std::array::from_fn(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    });
    let public = PublicKey::Ed25519(edwards::ed25519_public(&secret));
    let material = Material::on_curve(&public, &secret).expect("a seed");
    Key::proven(Arc::new(Identity::new(public)), material)
}

fn memory() -> Source {
    if let Some(path) = env::var_os("DUMPGATE_BENCH_FILE") {
        return Source::open(&PathBuf::from(path)).expect("the file of memory");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sample = fs::read(root.join("samples/clean-lua-verifier/clean-lua-verifier.core"))
        .expect("a sample");
    let mut bytes = Vec::new();
    while bytes.len() < 128 << 20 {
        bytes.extend_from_slice(&sample);
        bytes.resize(bytes.len() + sample.len(), 0);
    }
    Source::from_bytes(bytes)
}
