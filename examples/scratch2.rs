//! scratch
use dumpgate::clue::Rank;
use dumpgate::crypto::{Identity, PublicKey};
use dumpgate::memory::{Label, MemoryMap, Owners};
use dumpgate::sweep::space::Space;
use dumpgate::sweep::{Depth, Target, rsa};
use std::sync::Arc;
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
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let data = if args[1] == "random" {
        random(64 << 20, &mut 3)
    } else {
        std::fs::read(&args[1]).unwrap()
    };
    let count: usize = args[2].parse().unwrap();
    let rank = match &args[3][..] {
        "a" => Rank::Authority,
        "u" => Rank::User,
        _ => Rank::Own,
    };
    let mut state = 1u64;
    let targets: Vec<Target> = (0..count)
        .map(|i| {
            let mut n = random(256, &mut state);
            n[0] |= 0x80;
            n[255] |= 1;
            Target {
                identity: Arc::new(Identity::new(PublicKey::rsa(&n, &[1, 0, 1]).unwrap())),
                rank: if i >= args.get(4).map_or(9999, |a| a.parse().unwrap()) {
                    Rank::Authority
                } else {
                    rank
                },
                e_assumed: false,
                places: vec![],
            }
        })
        .collect();
    let map = MemoryMap::tile(
        data.len() as u64,
        vec![Label::memory(0, data.len() as u64, 0x7f0000000000)],
        vec![],
        Owners::default(),
    );
    let space = Space::new(&data, &map, 8);
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap()
        .install(|| {
            let sum = || {
                let t = std::time::Instant::now();
                std::hint::black_box(
                    data.as_chunks::<8>()
                        .0
                        .iter()
                        .fold(0u64, |s, w| s.wrapping_add(u64::from_le_bytes(*w))),
                );
                t.elapsed().as_secs_f64()
            };
            let hot = (0..7).map(|_| sum()).fold(9.0, f64::min);
            let cpu = || {
                std::fs::read_to_string("/proc/self/schedstat")
                    .unwrap()
                    .split(' ')
                    .next()
                    .unwrap()
                    .parse::<f64>()
                    .unwrap()
                    / 1e9
            };
            let cpu = || {
                let mut all = 0.0;
                for t in std::fs::read_dir("/proc/self/task").unwrap() {
                    all += std::fs::read_to_string(t.unwrap().path().join("schedstat"))
                        .unwrap()
                        .split(' ')
                        .next()
                        .unwrap()
                        .parse::<f64>()
                        .unwrap()
                        / 1e9;
                }
                all + 0.0 * cpu()
            };
            let c = cpu();
            let t = std::time::Instant::now();
            let s = rsa::sweep(&space, &targets, Depth::default());
            println!("cpu ratio {:.1} sum {:.3}", (cpu() - c) / hot, hot);
            println!(
                "{:?} ratio {:.1} hits {} {:?}",
                t.elapsed(),
                t.elapsed().as_secs_f64() / hot,
                s.sightings.len(),
                s.searches.iter().map(|s| s.complete).collect::<Vec<_>>()
            );
        });
}
