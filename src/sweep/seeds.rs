//! Numbers that stand by themselves: the coordinates of points, and Ed25519 keys whose public half nothing announces, a seed, and elsewhere in the dump the public key that follows from it.
//!
//! Every number of 32 bytes that stands by itself is taken for a seed, and the public keys of all of them are looked
//! for at every byte of random-looking memory. What matches was computed by the process itself and stored: no other
//! number has that public key. So both halves may lie anywhere, as in `seed || public`, as two fields of an object or in
//! objects of their own.
//!
//! A seed is looked for where it starts at a multiple of the process' pointers and nothing random stands directly before
//! it, or before a public key that it follows; outside of modules, in runs of at most 512 bytes. With `--deep` each is
//! also taken for a scalar of X25519: by default those of single TLS sessions would be found.

use super::codec::Class;
use super::points::{Fields, Point, Points};
use super::runs::{EDGE, each_run};
use super::simd_ahead;
use super::space::{Block, Space};
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
    let mut seeds = Seeds::default();
    let mut runs = Some(Vec::new());
    let mut found = Found::default();
    let mut points = Points::default();
    let (mut tried, mut rounds) = (0, 0);
    let hasher = RandomState::new();
    space.each_block(
        |block| Share::of(block, &hasher),
        |share, pieces| {
            for (point, ranges) in share.points {
                let places = || ranges.into_iter().flat_map(pieces).collect();
                found.sightings.extend(points.take(point, places));
            }
            if let Some(list) = &mut runs {
                let starts = share.runs.iter().map(|run| pieces(run.clone()));
                list.extend(starts.filter_map(|pieces| match pieces[..] {
                    [piece] => Some(Run::new(piece.offset, piece.length)),
                    _ => None, // memory across a seam is looked at by itself
                }));
            }
            if runs.as_ref().is_some_and(|runs| runs.len() > MAX_RUNS) {
                runs = None;
            }
            for (index, (start, hash)) in share.places.iter().enumerate() {
                let number = share.numbers.get(32 * index..32 * index + 32);
                let is_new = rounds < MAX_ROUNDS && seeds.seen.insert(*hash);
                if let Some(number) = number.filter(|_| is_new) {
                    seeds.push(number, pieces(*start..*start + 32));
                }
            }
            if seeds.count() >= SEEDS_OF_ROUND {
                found.round(space, &seeds, None, depth);
                tried += seeds.count();
                seeds = Seeds::default();
                rounds += 1;
            }
        },
    );
    found.round(space, &seeds, runs.as_deref(), depth);
    tried += seeds.count();
    let schemes = if depth.is_deep {
        "Ed25519 and X25519"
    } else {
        "Ed25519"
    };
    Sweep {
        sightings: found.sightings,
        searches: vec![
            Search {
                name: "fields",
                scope: format!(
                    "points on P-256, P-384 and secp256k1 of which x and y are limbs in fields of one structure, outside of \
                     modules: {}",
                    points.count()
                ),
                complete: true,
            },
            Search {
                name: NAME,
                scope: format!(
                    "public keys of {schemes} in random-looking runs of at most {LONGEST} bytes outside of modules, for {tried} \
                 numbers of 32 bytes that stand by themselves there"
                ),
                complete: rounds < MAX_ROUNDS,
            },
        ],
        ..Sweep::default()
    }
}

/// Numbers that may be seeds, each once.
#[derive(Default)]
struct Seeds {
    /// The numbers, as many in each buffer but the last.
    chunks: Vec<SecretBuf>,
    /// Where each starts in the file.
    starts: Vec<u64>,
    /// Where those lie that are put together from several pieces.
    seams: HashMap<usize, Vec<Piece>>,
    /// Hashes of them.
    seen: HashSet<u64>,
}

impl Seeds {
    fn count(&self) -> usize {
        self.starts.len()
    }

    fn push(&mut self, number: &[u8], pieces: Vec<Piece>) {
        let Some(first) = pieces.first() else { return };
        let index = self.count();
        if index.is_multiple_of(SEEDS_OF_CHUNK) {
            self.chunks
                .push(SecretBuf::with_capacity(32 * SEEDS_OF_CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut()
            && number.iter().all(|byte| chunk.push(*byte))
        {
            self.starts.push(first.offset);
            if pieces.len() > 1 {
                self.seams.insert(index, pieces);
            }
        }
    }

    fn number(&self, index: usize) -> Option<Zeroizing<[u8; 32]>> {
        let chunk = self.chunks.get(index / SEEDS_OF_CHUNK)?;
        array(chunk, 32 * (index % SEEDS_OF_CHUNK)).map(Zeroizing::new)
    }

    fn pieces(&self, space: &Space<'_>, index: usize) -> Vec<Piece> {
        if let Some(pieces) = self.seams.get(&index) {
            return pieces.clone();
        }
        let start = self.starts.get(index).map(|&start| start as usize);
        start.map_or_else(Vec::new, |start| space.pieces(start..start + 32))
    }
}

/// The numbers of one block.
struct Share {
    numbers: SecretBuf,
    /// Where each starts in the block, and a hash of it.
    places: Vec<(usize, u64)>,
    /// Where public keys may lie.
    runs: Vec<Range<usize>>,
    /// Points whose coordinates stand by themselves too.
    points: Vec<(Point, [Range<usize>; 2])>,
}

impl Share {
    fn of(block: &Block<'_>, hasher: &RandomState) -> Self {
        let mut places = Vec::new();
        let mut runs = Vec::new();
        let mut points = Vec::new();
        let mut fields = Fields::default();
        each_short_run(block, |run| {
            fields.take(block, &run, |point, ranges| {
                if points.len() < POINTS_OF_BLOCK {
                    points.push((point, ranges));
                }
            });
            runs.push(starts_in(block, &run));
            let (first, step) = block.first_aligned(run.start.saturating_sub(EDGE), block.pointer);
            let last = (run.end + EDGE).saturating_sub(32);
            for start in (first..=last).step_by(step) {
                if let Some(window) = block.bytes.get(start..start + 32)
                    && block.own.contains(&start)
                    && may_be_whole(block.bytes, start)
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
        Self {
            numbers,
            places,
            runs,
            points,
        }
    }
}

/// Whether a number may begin at `start`: before it, or before 32 bytes before it with nothing random behind it, stand
/// zeros, a small number or an address. Of places inside random bytes one in 10^4 passes.
fn may_be_whole(bytes: &[u8], start: usize) -> bool {
    let word = |at: usize| array(bytes, at).map(u32::from_le_bytes);
    let is_quiet = |word: u32| {
        let quiet = word
            .to_le_bytes()
            .map(|byte| u32::from(byte.wrapping_add(1) < 2));
        quiet.into_iter().sum::<u32>() >= 3
    };
    let begins = |start: usize| {
        let is_zero = bytes.get(start..start + 2) == Some(&[0, 0]);
        let is_behind_quiet = || match start.checked_sub(4).and_then(word) {
            Some(word) => (word >> 16).wrapping_add(1) & 0xffff < 2 || is_quiet(word),
            // Where the bytes begin, so does a number.
            None => matches!(bytes.get(..start), Some([] | [.., 0, 0] | [.., 0xff, 0xff])),
        };
        !is_zero && is_behind_quiet()
    };
    let ends = || {
        let behind = [word(start + 32), word(start + 36)];
        match behind {
            [Some(near), Some(far)] => far >> 16 == 0 || is_quiet(near),
            _ => true,
        }
    };
    // CPython's bytes have their length and a hash before them.
    let is_bytes = || {
        let length = start.checked_sub(16).and_then(|at| array(bytes, at));
        length.map(u64::from_le_bytes) == Some(32)
    };
    begins(start) || is_bytes() || (start.checked_sub(32).is_some_and(begins) && ends())
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

/// Less than 64 KiB of the file, in the lower bits its length: a million of them are kept.
struct Run(u64);

impl Run {
    fn new(start: u64, length: u64) -> Self {
        Self(start << 16 | length)
    }

    fn range(&self) -> Range<usize> {
        let start = (self.0 >> 16) as usize;
        start..start + (self.0 & 0xffff) as usize
    }
}

/// The public keys of all seeds. Wherever one lies, one of its first [`PHASES`] words of eight bytes, which overlap, lies
/// at a place that is looked at.
struct Wanted {
    /// Which hashes of words occur: most places end here.
    filter: Vec<u64>,
    /// Those words, sorted, and of which key at which of its bytes.
    words: Vec<(u64, Word)>,
}

/// A word of a key's first bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word(u32);

impl Word {
    fn new(owner: u32, phase: u32) -> Self {
        Self(owner * PHASES as u32 + phase)
    }

    fn owner(self) -> u32 {
        self.0 / PHASES as u32
    }

    /// The byte of the key with which the word starts.
    fn phase(self) -> usize {
        self.0 as usize % PHASES
    }
}

impl Wanted {
    fn of(seeds: &Seeds, depth: Depth) -> Self {
        let schemes: &[Scheme] = if depth.is_deep {
            &[Scheme::Ed25519, Scheme::X25519]
        } else {
            &[Scheme::Ed25519]
        };
        let count = seeds.count() as u32;
        let mut words = Vec::with_capacity(PHASES * schemes.len() * seeds.count());
        for (number, &scheme) in schemes.iter().enumerate() {
            let groups: Vec<Vec<[u8; 32]>> = seeds
                .chunks
                .par_iter()
                .map(|numbers| scheme.unsigned_public_keys(numbers))
                .collect();
            let first = number as u32 * count;
            let keys = groups.iter().flatten().zip(first..);
            for (key, owner) in keys {
                words.extend((0..PHASES as u32).map(|phase| {
                    let word = array(key, phase as usize).map_or(0, u64::from_le_bytes);
                    (word, Word::new(owner, phase))
                }));
            }
        }
        words.sort_unstable();
        let mut filter = vec![0; FILTER_WORDS];
        for &(word, _) in &words {
            let (word, bits) = slot(word);
            if let Some(word) = filter.get_mut(word) {
                *word |= bits;
            }
        }
        Self { filter, words }
    }

    /// Where in `block` something begins as a key does, and whose.
    fn in_block(&self, block: &Block<'_>) -> Vec<(u32, usize)> {
        let mut hits = Vec::new();
        each_short_run(block, |run| {
            let range = starts_in(block, &run);
            self.each(block.bytes, range, |owner, at| {
                if hits.len() < MAX_HITS {
                    hits.push((owner, at));
                }
            });
        });
        hits
    }

    /// The same among the offsets `range` of `bytes`.
    fn each(&self, bytes: &[u8], range: Range<usize>, mut found: impl FnMut(u32, usize)) {
        let first = range.start + PHASES - 1;
        let end = range.end.saturating_add(PHASES + 6).min(bytes.len());
        let mut next = first;
        while let Some(word) = array(bytes, next).filter(|_| next + 8 <= end) {
            let (place, sought) = (next, u64::from_le_bytes(word));
            next += PHASES;
            let (word, bits) = slot(sought);
            if self
                .filter
                .get(word)
                .is_some_and(|word| word & bits == bits)
            {
                let from = self.words.partition_point(|(other, _)| *other < sought);
                let rest = self.words.iter().skip(from);
                for (_, word) in rest.take_while(|(other, _)| *other == sought) {
                    let at = place - word.phase();
                    if at < range.end {
                        found(word.owner(), at);
                    }
                }
            }
        }
    }
}

/// The offsets at which public keys may start that lie in the run `run`.
fn starts_in(block: &Block<'_>, run: &Range<usize>) -> Range<usize> {
    let start = run.start.saturating_sub(EDGE).max(block.own.start);
    start
        ..(run.end + EDGE)
            .saturating_sub(31)
            .min(block.own.end)
            .max(start)
}

/// What belongs together.
#[derive(Default)]
struct Found {
    sightings: Vec<Swept>,
    places: HashMap<u32, usize>,
}

impl Found {
    /// Looks for the public keys of `seeds`, in `runs` where these are all known.
    fn round(&mut self, space: &Space<'_>, seeds: &Seeds, runs: Option<&[Run]>, depth: Depth) {
        let wanted = Wanted::of(seeds, depth);
        if seeds.count() == 0 {
            return;
        }
        self.places.clear();
        let mut take = |hits: Vec<(u32, usize)>, pieces: &dyn Fn(Range<usize>) -> Vec<Piece>| {
            for (owner, at) in hits {
                self.take(space, seeds, owner, pieces(at..at + 32));
            }
        };
        let Some(runs) = runs else {
            return space.each_block(|block| wanted.in_block(block), take);
        };
        let hits: Vec<Vec<(u32, usize)>> = runs
            .par_chunks(RUNS_AT_A_TIME)
            .map(|runs| {
                let mut hits = Vec::new();
                for (index, run) in runs.iter().enumerate() {
                    let next = runs.get(index + 2).map(Run::range);
                    let next = next.and_then(|range| space.data().get(range));
                    simd_ahead::fetch(next.unwrap_or_default());
                    wanted.each(space.data(), run.range(), |owner, at| {
                        if hits.len() < MAX_HITS {
                            hits.push((owner, at));
                        }
                    });
                }
                hits
            })
            .collect();
        for hits in hits {
            take(hits, &|range| space.pieces(range));
        }
        space.each_seam(|block| wanted.in_block(block), take);
    }

    /// Takes the public key of seed `owner`, which seems to lie at `pieces`.
    fn take(&mut self, space: &Space<'_>, seeds: &Seeds, owner: u32, pieces: Vec<Piece>) {
        let places = self.places.entry(owner).or_default();
        let (scheme, index) = match (owner as usize).checked_sub(seeds.count()) {
            None => (Scheme::Ed25519, owner as usize),
            Some(index) => (Scheme::X25519, index),
        };
        let Some(seed) = seeds.number(index).filter(|_| *places < PLACES) else {
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
                pieces: seeds.pieces(space, index),
            });
        }
        self.sightings.push(Swept {
            sighting: Sighting::Public(Clue::new(key, "raw.bytes", 0..32)),
            pieces,
        });
    }
}

/// The word of the filter and the four bits of it (Bloom's filter in one word) for a word of a key.
fn slot(word: u64) -> (usize, u64) {
    let hash = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = hash >> (64 - FILTER_WORDS.trailing_zeros());
    let bits = [0, 6, 12, 18].map(|shift| 1 << (hash >> shift & 63));
    (word as usize, bits.iter().fold(0, |all, bit| all | bit))
}

const NAME: &str = "ed25519-pairs";

/// Bytes of the longest run in which keys are looked for.
const LONGEST: usize = 512;

/// Numbers whose public keys are looked for at a time: 32 MiB. A GiB of memory has some 100,000.
const SEEDS_OF_ROUND: usize = 1 << 18;

/// How often that is done at most: some seconds each.
const MAX_ROUNDS: usize = 16;

/// Numbers in one buffer, which are multiplied together.
const SEEDS_OF_CHUNK: usize = 1024;

/// Runs that are remembered, 8 MiB; of more all memory is looked at again.
const MAX_RUNS: usize = 1 << 20;

/// Runs that a worker takes at a time.
const RUNS_AT_A_TIME: usize = 4096;

/// Words of the filter: 1 MiB.
const FILTER_WORDS: usize = 1 << 17;

/// Bytes from one place that is looked at to the next.
const PHASES: usize = 4;

/// Points kept of one block.
const POINTS_OF_BLOCK: usize = 512;

/// Places handed over by one block.
const MAX_HITS: usize = 4096;

/// Places kept of one public key.
const PLACES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn public_keys_are_found_at_every_offset(
            numbers in proptest::collection::vec(any::<[u8; 32]>(), 1..4),
            which in any::<prop::sample::Index>(),
            first in 0usize..9,
            before in 0usize..9,
            behind in 0usize..9,
        ) {
            let mut seeds = Seeds::default();
            for number in &numbers {
                let offset = seeds.count() as u64 * 32;
                seeds.push(number, vec![Piece { offset, length: 32, va: None }]);
            }
            let owner = which.index(numbers.len());
            let key = ed25519_public(&numbers[owner]);
            let bytes = [&vec![0; first + before], &key[..], &vec![0; behind]].concat();
            let wanted = Wanted::of(&seeds, Depth::default());
            let mut found = Vec::new();
            wanted.each(&bytes, first..first + before + 1, |owner, at| found.push((owner as usize, at)));
            prop_assert_eq!(found, [(owner, first + before)]);
            // A key that starts where the range ends is another range's.
            wanted.each(&bytes, first..first + before, |_, at| panic!("found at {at}"));
        }
    }
}
