//! Ed25519 keys whose public half nothing announces: a seed, and elsewhere in the dump the public key that follows from it.
//!
//! Every number of 32 bytes that stands by itself is taken for a seed, and the public keys of all of them are looked
//! for at every byte of random-looking memory. What matches was computed by the process itself and stored: no other
//! number has that public key. So both halves may lie anywhere, as in `seed || public`, as two fields of an object or in
//! objects of their own.
//!
//! A seed is looked for where it starts at a multiple of the process' pointers and its bytes do not go on before it or
//! behind it ([`is_bounded`]), outside of modules, in runs of at most [`LONGEST`] bytes. With `--deep` each is
//! also taken for a scalar of X25519: by default those of single TLS sessions would be found.

use super::codec::Class;
use super::runs::{EDGE, each_run};
use super::space::{Block, Space};
use super::windows::is_bounded;
use super::{Depth, Sweep, Swept};
use crate::bytes::array;
use crate::clue::Clue;
use crate::crypto::ec_search::Scheme;
use crate::crypto::edwards::{ed25519_public, x25519_public};
use crate::crypto::material::{Material, Number};
use crate::crypto::random::looks_like_scalar;
use crate::crypto::{Identity, PublicKey};
use crate::detect::{Key, Sighting};
use crate::finding::Piece;
use crate::outcome::Search;
use crate::secret::SecretBuf;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Looks for seeds and public keys that belong together.
pub fn sweep(space: &Space<'_>, depth: Depth) -> Sweep {
    let seeds = Seeds::of(space);
    let wanted = Wanted::of(&seeds, depth);
    let mut found = Found::default();
    if !wanted.is_empty() {
        space.each_block(
            |block| wanted.each(block),
            |hits, pieces| {
                for (index, at) in hits {
                    found.take(space, &seeds, &wanted, index, pieces(at..at + 32));
                }
            },
        );
    }
    let schemes = if depth.is_deep {
        "Ed25519 and X25519"
    } else {
        "Ed25519"
    };
    Sweep {
        sightings: found.sightings,
        searches: vec![Search {
            name: NAME,
            scope: format!(
                "public keys of {schemes} in random-looking runs of at most {LONGEST} bytes outside of modules, for {} numbers of \
                 32 bytes that stand by themselves there",
                seeds.count
            ),
            complete: !seeds.is_cut,
        }],
    }
}

/// Numbers that may be seeds, each once.
#[derive(Default)]
struct Seeds {
    /// The numbers, and where each starts in the file.
    chunks: Vec<(SecretBuf, Vec<u64>)>,
    /// Where those lie that are put together from several pieces, by chunk and index.
    seams: HashMap<(usize, usize), Vec<Piece>>,
    count: usize,
    is_cut: bool,
}

impl Seeds {
    fn of(space: &Space<'_>) -> Self {
        let mut seeds = Self::default();
        let mut seen: HashSet<u64> = HashSet::new();
        let hasher = RandomState::new();
        space.each_block(
            |block| Share::of(block, &hasher),
            |share, pieces| {
                let fresh: Vec<usize> = share
                    .places
                    .iter()
                    .enumerate()
                    .filter(|(_, (_, hash))| seen.len() < MAX_SEEDS && seen.insert(*hash))
                    .map(|(index, _)| index)
                    .collect();
                seeds.is_cut |= seen.len() >= MAX_SEEDS;
                if fresh.is_empty() {
                    return;
                }
                let mut chunk = SecretBuf::with_capacity(32 * fresh.len());
                let mut starts = Vec::with_capacity(fresh.len());
                for index in fresh {
                    let number = share.numbers.get(32 * index..32 * index + 32);
                    let (Some(number), Some((at, _))) = (number, share.places.get(index)) else {
                        continue;
                    };
                    let pieces = pieces(*at..*at + 32);
                    let Some(first) = pieces.first() else {
                        continue;
                    };
                    if !number.iter().all(|byte| chunk.push(*byte)) {
                        continue;
                    }
                    if pieces.len() > 1 {
                        seeds
                            .seams
                            .insert((seeds.chunks.len(), starts.len()), pieces.clone());
                    }
                    starts.push(first.offset);
                }
                seeds.count += starts.len();
                seeds.chunks.push((chunk, starts));
            },
        );
        seeds
    }

    fn number(&self, (chunk, index): (usize, usize)) -> Option<Zeroizing<[u8; 32]>> {
        let (numbers, _) = self.chunks.get(chunk)?;
        array(numbers, 32 * index).map(Zeroizing::new)
    }

    fn pieces(&self, space: &Space<'_>, place: (usize, usize)) -> Vec<Piece> {
        if let Some(pieces) = self.seams.get(&place) {
            return pieces.clone();
        }
        let (chunk, index) = place;
        let start = self
            .chunks
            .get(chunk)
            .and_then(|(_, starts)| starts.get(index));
        start.map_or_else(Vec::new, |&start| {
            space.pieces(start as usize..start as usize + 32)
        })
    }
}

/// The numbers of one block.
struct Share {
    numbers: SecretBuf,
    /// Where each starts in the block, and a hash of it.
    places: Vec<(usize, u64)>,
}

impl Share {
    fn of(block: &Block<'_>, hasher: &RandomState) -> Self {
        let mut places = Vec::new();
        each_short_run(block, |run| {
            let (first, step) = block.first_aligned(run.start.saturating_sub(EDGE), block.pointer);
            let last = (run.end + EDGE).saturating_sub(32);
            for start in (first..=last).step_by(step) {
                if let Some(window) = block.bytes.get(start..start + 32)
                    && block.own.contains(&start)
                    && is_bounded(block.bytes, start..start + 32)
                    && looks_like_scalar(window)
                {
                    places.push((start, hasher.hash_one(window)));
                }
            }
        });
        // Runs overlap where their edges meet.
        places.sort_unstable();
        places.dedup();
        let mut numbers = SecretBuf::with_capacity(32 * places.len());
        for (start, _) in &places {
            let window = block.bytes.get(*start..*start + 32).unwrap_or_default();
            let _ = window.iter().all(|byte| numbers.push(*byte));
        }
        Self { numbers, places }
    }
}

/// The runs in which keys are looked for.
fn each_short_run(block: &Block<'_>, mut found: impl FnMut(Range<usize>)) {
    if block.is_module {
        return;
    }
    each_run(block, &[Class::Random], 256, |_, run| {
        if run.len() <= LONGEST {
            found(run);
        }
    });
}

/// The public keys of all seeds, to be looked up at every byte.
struct Wanted {
    /// Which hashes of first bytes occur: most offsets end here.
    filter: Vec<u64>,
    /// The first eight bytes of each key, sorted, and whose it is.
    starts: Vec<(u64, u32)>,
    owners: Vec<(Scheme, usize, usize)>,
}

impl Wanted {
    fn of(seeds: &Seeds, depth: Depth) -> Self {
        let schemes: &[Scheme] = if depth.is_deep {
            &[Scheme::Ed25519, Scheme::X25519]
        } else {
            &[Scheme::Ed25519]
        };
        let mut starts = Vec::new();
        let mut owners = Vec::new();
        for &scheme in schemes {
            let groups: Vec<Vec<u64>> = seeds
                .chunks
                .par_iter()
                .map(|(numbers, _)| {
                    let keys = scheme.unsigned_public_keys(numbers);
                    keys.iter()
                        .map(|key| array(key, 0).map_or(0, u64::from_le_bytes))
                        .collect()
                })
                .collect();
            for (chunk, group) in groups.into_iter().enumerate() {
                for (index, start) in group.into_iter().enumerate() {
                    starts.push((start, owners.len() as u32));
                    owners.push((scheme, chunk, index));
                }
            }
        }
        starts.sort_unstable();
        let mut filter = vec![0; FILTER_BITS / 64];
        for &(start, _) in &starts {
            let (word, bit) = slot(start);
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self {
            filter,
            starts,
            owners,
        }
    }

    fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Where in `block` something begins as a key does, and whose.
    fn each(&self, block: &Block<'_>) -> Vec<(u32, usize)> {
        let mut hits = Vec::new();
        each_short_run(block, |run| {
            let from = run.start.saturating_sub(EDGE).max(block.own.start);
            let to = run.end.min(block.own.end).saturating_add(7);
            let span = block
                .bytes
                .get(from..to.min(block.bytes.len()))
                .unwrap_or_default();
            for (index, start) in span.windows(8).enumerate() {
                let start = array(start, 0).map_or(0, u64::from_le_bytes);
                let (word, bit) = slot(start);
                if self.filter.get(word).is_some_and(|word| word & bit != 0) {
                    let first = self.starts.partition_point(|(other, _)| *other < start);
                    let same = self
                        .starts
                        .iter()
                        .skip(first)
                        .take_while(|(other, _)| *other == start);
                    hits.extend(same.map(|(_, owner)| (*owner, from + index)));
                }
            }
        });
        hits.sort_unstable();
        hits.dedup();
        hits.truncate(MAX_HITS);
        hits
    }
}

/// What belongs together.
#[derive(Default)]
struct Found {
    sightings: Vec<Swept>,
    places: HashMap<u32, usize>,
}

impl Found {
    /// Takes the public key of seed `owner`, which seems to lie at `pieces`.
    fn take(
        &mut self,
        space: &Space<'_>,
        seeds: &Seeds,
        wanted: &Wanted,
        owner: u32,
        pieces: Vec<Piece>,
    ) {
        let places = self.places.entry(owner).or_default();
        let Some(&(scheme, chunk, index)) = wanted.owners.get(owner as usize) else {
            return;
        };
        let Some(seed) = seeds.number((chunk, index)).filter(|_| *places < PLACES) else {
            return;
        };
        let (public, component) = match scheme {
            Scheme::Ed25519 => (ed25519_public(&seed), "seed"),
            Scheme::X25519 => (x25519_public(&seed), "scalar"),
        };
        let seen: Vec<u8> = pieces
            .iter()
            .filter_map(|piece| {
                crate::bytes::slice(space.data(), piece.offset as usize, piece.length as usize)
            })
            .flatten()
            .copied()
            .collect();
        if seen != public {
            return;
        }
        *places += 1;
        let key = match scheme {
            Scheme::Ed25519 => PublicKey::Ed25519(public),
            Scheme::X25519 => PublicKey::X25519(public),
        };
        if *places == 1 {
            let numbers = vec![Number {
                component,
                bytes: Zeroizing::new(seed.to_vec()),
                bits: 256,
            }];
            let private = Key::proven(Arc::new(Identity::new(key.clone())), Material { numbers });
            self.sightings.push(Swept {
                sighting: Sighting::Key(private.part_at("raw.bytes", component, "raw", 0..32)),
                pieces: seeds.pieces(space, (chunk, index)),
            });
        }
        self.sightings.push(Swept {
            sighting: Sighting::Public(Clue::new(key, "raw.bytes", 0..32)),
            pieces,
        });
    }
}

fn slot(start: u64) -> (usize, u64) {
    let hash = start.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS.trailing_zeros());
    ((hash / 64) as usize, 1 << (hash % 64))
}

const NAME: &str = "ed25519-pairs";

/// Bytes of the longest run in which keys are looked for.
const LONGEST: usize = 512;

/// Different numbers that are tried: a second of arithmetic, and 24 MiB.
const MAX_SEEDS: usize = 1 << 18;

/// Bits of the filter: 256 KiB.
const FILTER_BITS: usize = 1 << 21;

/// Places handed over by one block.
const MAX_HITS: usize = 4096;

/// Places kept of one public key.
const PLACES: usize = 4;
