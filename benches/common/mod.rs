//! What benches share: the yardstick, the best of some runs, and moduli that nobody has the factors of.

#![allow(dead_code)] // each bench uses its share

use criterion::Criterion;
use dumpgate::clue::Rank;
use dumpgate::crypto::der::{Reader, tag};
use dumpgate::crypto::material::Material;
use dumpgate::crypto::{Identity, PublicKey};
use dumpgate::detect::Key;
use dumpgate::secret::Secret;
use dumpgate::sweep::Target;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

/// Ten samples in so many seconds, unless the command line has it otherwise.
pub fn criterion(seconds: u64) -> Criterion {
    Criterion::default()
        .sample_size(10)
        .measurement_time(Duration::from_secs(seconds))
        .configure_from_args()
}

/// Whether times are asked for, and not only that everything runs.
pub fn is_timed() -> bool {
    !env::args().any(|argument| argument == "--test" || argument == "--list")
}

/// The yardstick: the sum of all words of eight bytes.
pub fn sum(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    words
        .iter()
        .fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
}

/// The shortest time of `count` runs, in seconds.
pub fn best(count: usize, mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..count).map(time).fold(f64::MAX, f64::min)
}

/// The time of the yardstick in seconds, when the memory was read before.
pub fn hot(bytes: &[u8]) -> f64 {
    best(5, || {
        black_box(sum(bytes));
    })
}

/// The file that `DUMPGATE_BENCH_FILE` names, or a sample again and again.
pub fn memory() -> Vec<u8> {
    if let Some(path) = env::var_os("DUMPGATE_BENCH_FILE") {
        return fs::read(path).expect("the file of memory");
    }
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples/clean-lua-verifier/clean-lua-verifier.core");
    fs::read(sample).expect("a sample").repeat(64)
}

/// Pseudo-random bytes: SplitMix64.
pub fn random(length: usize, state: &mut u64) -> Vec<u8> {
    let words = (0..length.div_ceil(8)).flat_map(|_| {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = *state;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ word >> 31).to_le_bytes()
    });
    words.take(length).collect()
}

/// Odd numbers that nobody has the factors of, as good as moduli to the search; `sizes` in bits come in turn.
pub fn moduli(count: usize, sizes: &[usize], rank: Rank) -> Vec<Target> {
    let mut state = 1u64;
    let modulus = |bits: &usize| {
        let mut n = random(bits / 8, &mut state);
        if let [first, .., last] = &mut n[..] {
            *first |= 0x80;
            *last |= 1;
        }
        let key = PublicKey::rsa(&n, &[1, 0, 1]).expect("an odd number of a usual size");
        target(key, rank)
    };
    sizes.iter().cycle().take(count).map(modulus).collect()
}

/// A public key that sweeps look for the private half of.
pub fn target(key: PublicKey, rank: Rank) -> Target {
    Target {
        identity: Arc::new(Identity::new(key)),
        rank,
        e_assumed: false,
        places: Vec::new(),
    }
}

/// The private key in a file of PKCS#1 among the test keys.
pub fn rsa_key(file: &str) -> Key {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/keys")
        .join(file);
    let data = fs::read(path).expect("a test key");
    let mut reader = Reader::new(&data)
        .inside(tag::SEQUENCE)
        .expect("a sequence");
    let [_, n, e, _, p] = std::array::from_fn(|_| reader.unsigned().expect("a number"));
    let public = PublicKey::rsa(n, e).expect("a public key");
    let material = Material::rsa_from_factor(n, Secret::new(p)).expect("a factor");
    Key::proven(Arc::new(Identity::new(public)), material)
}
