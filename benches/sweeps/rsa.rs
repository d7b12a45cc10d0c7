//! The arithmetic of RSA keys: a window against moduli, the sieve, exponents alone and as a pair.
//!
//! The yardstick of the exact test is the remainder of a modulus by a window, with the windows ready as numbers of
//! the other crate. Of five crates in pure Rust (crypto-bigint, num-bigint, dashu-int, ibig, malachite-nz) malachite-nz is the
//! fastest, by a fifth to a third. It is measured here beside crypto-bigint, which we use anyway.

use criterion::{BenchmarkId, Criterion};
use crypto_bigint::{BoxedUint, NonZero};
use dumpgate::crypto::rsa_search::{ExponentPairs, Exponents, Moduli, has_small_factor};
use malachite_nz::natural::Natural;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Bits of the moduli.
const SIZES: [usize; 4] = [1024, 2048, 3072, 4096];

/// Moduli known at once: a Java or Python process has hundreds.
const COUNTS: [usize; 4] = [1, 4, 64, 200];

/// Windows, so many that no branch learns them.
const WINDOWS: usize = 4096;

/// Numbers of one size.
struct Numbers {
    bits: usize,
    moduli: Vec<Vec<u64>>,
    /// Odd numbers of half the size.
    windows: Vec<Vec<u64>>,
    /// Of the full size.
    exponents: Vec<Vec<u64>>,
}

impl Numbers {
    fn new(bits: usize) -> Self {
        let mut random = Random(bits as u64);
        let mut numbers = |count: usize, limbs: usize| -> Vec<Vec<u64>> {
            (0..count).map(|_| random.odd(limbs)).collect()
        };
        Self {
            bits,
            moduli: numbers(200, bits / 64),
            windows: numbers(WINDOWS, bits / 128),
            exponents: numbers(WINDOWS, bits / 64),
        }
    }

    fn moduli(&self, count: usize) -> Moduli {
        let moduli: Vec<&[u64]> = self.moduli.iter().take(count).map(|n| &n[..]).collect();
        Moduli::new(&moduli).expect("odd moduli of one size")
    }

    fn modulus(&self) -> &[u64] {
        self.moduli.first().expect("there are moduli")
    }

    fn exponents(&self) -> Exponents {
        Exponents::new(self.modulus(), None).expect("a modulus")
    }

    fn pairs(&self, e: Option<&[u64]>) -> ExponentPairs {
        ExponentPairs::new(self.modulus(), e).expect("a modulus")
    }

    /// Time of the exact test for one window and modulus.
    fn exact(&self, count: usize) -> Duration {
        let moduli = self.moduli(count);
        per_window(&self.windows, |window| {
            let mut found = 0;
            moduli.divided_by(window, |_| found += 1);
            found
        }) / count as u32
    }
}

/// All stages, for criterion.
pub fn bench(criterion: &mut Criterion) {
    for numbers in SIZES.map(Numbers::new) {
        let mut group = criterion.benchmark_group(format!("rsa {}", numbers.bits));
        let mut window = in_turn(&numbers.windows);
        let mut exponent = in_turn(&numbers.exponents);
        for count in COUNTS {
            let moduli = numbers.moduli(count);
            group.bench_function(BenchmarkId::new("exact test, moduli", count), |bencher| {
                bencher.iter(|| {
                    moduli.divided_by(window(), |index| {
                        black_box(index);
                    });
                });
            });
        }
        group.bench_function("sieve", |bencher| {
            bencher.iter(|| has_small_factor(window()));
        });
        let exponents = numbers.exponents();
        group.bench_function("d, quick look", |bencher| {
            bencher.iter(|| exponents.may_be(exponent()));
        });
        group.bench_function("d, thorough look", |bencher| {
            bencher.iter(|| exponents.may_be_any(exponent()));
        });
        for (name, e) in [("e = 65537", Some(&[65537u64][..])), ("any usual e", None)] {
            let pairs = numbers.pairs(e);
            group.bench_function(format!("dp fixed, {name}"), |bencher| {
                bencher.iter(|| black_box(pairs.with(window())).may_be(pairs.top(&[])));
            });
            let fixed = pairs.with(window());
            let tops: Vec<_> = numbers.windows.iter().map(|one| pairs.top(one)).collect();
            group.bench_function(format!("{WINDOWS} dq for it, {name}"), |bencher| {
                bencher.iter(|| tops.iter().filter(|top| fixed.may_be(**top)).count());
            });
        }
        group.finish();
    }
}

/// Prints the exact test as a ratio to the remainder of the fastest crates.
pub fn ratios() {
    println!("exact test of one window for one modulus, and its ratio to a remainder");
    for numbers in SIZES.map(Numbers::new) {
        let malachite = malachite(&numbers);
        let bits = numbers.bits;
        println!(
            "  {bits} bits: malachite-nz {malachite:?}, crypto-bigint {:?}",
            crypto_bigint(&numbers)
        );
        for count in COUNTS {
            let exact = numbers.exact(count);
            let ratio = exact.as_secs_f64() / malachite.as_secs_f64();
            println!("  {bits} bits, {count} moduli: {exact:?}, {ratio:.3} of malachite-nz");
        }
    }
}

fn malachite(numbers: &Numbers) -> Duration {
    let modulus = Natural::from_limbs_asc(numbers.modulus());
    let windows: Vec<Natural> = numbers
        .windows
        .iter()
        .map(|window| Natural::from_limbs_asc(window))
        .collect();
    per_window(&windows, |window| &modulus % window)
}

fn crypto_bigint(numbers: &Numbers) -> Duration {
    let number = |limbs: &[u64]| {
        let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        BoxedUint::from_le_slice_vartime(&bytes)
    };
    let modulus = number(numbers.modulus());
    let windows: Vec<NonZero<BoxedUint>> = numbers
        .windows
        .iter()
        .map(|window| number(window).to_nz().into_option().expect("an odd number"))
        .collect();
    per_window(&windows, |window| modulus.rem_vartime(window))
}

/// One number after the other, without end.
fn in_turn<'a>(numbers: &'a [Vec<u64>]) -> impl FnMut() -> &'a [u64] {
    let mut numbers = numbers.iter().cycle();
    move || numbers.next().map_or(&[], |number| number)
}

/// The least time of ten rounds over all windows, for one.
fn per_window<W, R>(windows: &[W], mut test: impl FnMut(&W) -> R) -> Duration {
    let rounds = (0..10).map(|_| {
        let start = Instant::now();
        for window in windows {
            black_box(test(black_box(window)));
        }
        start.elapsed() / windows.len() as u32
    });
    rounds.min().unwrap_or_default()
}

/// Numbers that look random (splitmix64).
struct Random(u64);

impl Random {
    fn limb(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// An odd number with the top bit set.
    fn odd(&mut self, limbs: usize) -> Vec<u64> {
        let mut number: Vec<u64> = (0..limbs).map(|_| self.limb()).collect();
        if let Some(lowest) = number.first_mut() {
            *lowest |= 1;
        }
        if let Some(highest) = number.last_mut() {
            *highest |= 1 << 63;
        }
        number
    }
}
