//! Copies of the private numbers of keys that are proven: each number in each encoding and text form, at any offset.
//!
//! What counts is 128 bits of a number that agree. So what an allocator left of a number is found, and a number of
//! which a middle byte differs is two remains. With a million strings looked for in 64 GiB, chance alone brings 128
//! bits together once in 2^72 dumps. Bytes that are public as well are none of these: no public number shares 128
//! consecutive bits with a private one, but by the same chance.
//!
//! # What is found
//! All of a number, and all remains, of at least so much, at any offset and in either case:
//!
//! | form | bytes that stand together |
//! |---|---|
//! | bytes, words, limbs | 16 |
//! | digits | those of five digits, or 128 bits |
//! | `text.hex` | 32 characters; with separators 16 bytes, of which 8 stand in a line |
//! | `text.base64` | 22 characters, at each of the three offsets in a longer text |
//! | `text.decimal` | 39 characters |
//!
//! Texts in ASCII and UTF-16, over line breaks, also escaped ones. The texts of DER and PEM are covered by the numbers in them.
//! The proven loss: numbers below 128 bits are not looked for; of each number's grams those that are nearly
//! all zeros are not, and of equal ones sixteen.

mod grams;
mod run;
mod simd_grams;
#[cfg(test)]
mod tests;
mod written;

use super::space::Space;
use super::{Sweep, Swept};
use crate::crypto::Fingerprint;
use crate::crypto::material::Number;
use crate::detect::{Key, Sighting};
use crate::finding::{Piece, Proof};
use crate::outcome::Search;
use grams::Index;
use rayon::prelude::*;
use run::{Ground, MOST_RUNS, Run};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use written::Written;

/// The search for all private numbers of some keys.
pub struct Copies {
    /// The keys, without their numbers.
    keys: Vec<Key>,
    /// Of each number the key it belongs to, and what it is to it.
    numbers: Vec<(usize, &'static str)>,
    /// Its spellings, in as many passes as it takes.
    passes: Vec<Vec<(usize, Written)>>,
    is_complete: bool,
}

/// Where whole keys lie in the file, by their names: their numbers in there are no places of their own.
#[derive(Debug, Default)]
pub struct Covered(HashMap<Fingerprint, Vec<Range<u64>>>);

impl Covered {
    /// By ranges of the file, in any order.
    pub fn new(mut ranges: HashMap<Fingerprint, Vec<Range<u64>>>) -> Self {
        for ranges in ranges.values_mut() {
            ranges.sort_unstable_by_key(|range| (range.start, Reverse(range.end)));
            // What lies inside another is told by that one.
            let mut farthest = 0;
            ranges.retain(|range| {
                let is_inner = range.end <= farthest;
                farthest = farthest.max(range.end);
                !is_inner
            });
        }
        Self(ranges)
    }

    /// Whether all of these bytes lie in one place of the key of this name.
    pub fn holds(&self, name: Fingerprint, range: &Range<u64>) -> bool {
        let Some(ranges) = self.0.get(&name) else {
            return false;
        };
        // Starts and ends rise together.
        let before = ranges.partition_point(|known| known.start <= range.start);
        let last = before.checked_sub(1).and_then(|last| ranges.get(last));
        last.is_some_and(|known| range.end <= known.end)
    }
}

/// Everything that is left to do for `keys`, which are proven: their copies. Where there are more places than are kept,
/// those that are `covered` go first.
pub fn sweep(space: &Space<'_>, keys: &[Key], covered: &Covered) -> Sweep {
    match Copies::arm(keys) {
        Some(copies) => copies.search(space, covered),
        None => Sweep {
            searches: vec![search_of(0, true)],
            ..Sweep::default()
        },
    }
}

impl Copies {
    /// For the private numbers of `keys`, all of which are proven and have a public half; `None` when there are none.
    pub fn arm(keys: &[Key]) -> Option<Self> {
        let mut named: Vec<(Fingerprint, Key, Vec<Number>)> = Vec::new();
        let found: Vec<(Fingerprint, &Key, Vec<Number>)> = keys
            .par_iter()
            .filter_map(|key| {
                let public = key.public.as_ref()?;
                let numbers = key.material.as_ref()?.all(public.key());
                Some((public.fingerprint(), key, numbers))
            })
            .collect();
        for (fingerprint, key, numbers) in found {
            let index = named
                .iter()
                .position(|(name, _, _)| *name == fingerprint)
                .unwrap_or(named.len());
            if index == named.len() {
                let key = Key {
                    proof: Proof::Arithmetic,
                    material: None,
                    ..key.clone()
                };
                named.push((fingerprint, key, Vec::new()));
            }
            if let Some((_, _, all)) = named.get_mut(index) {
                for number in numbers {
                    if all.iter().all(|known| known.bytes != number.bytes) {
                        all.push(number);
                    }
                }
            }
        }
        let mut copies = Self {
            keys: Vec::new(),
            numbers: Vec::new(),
            passes: Vec::new(),
            is_complete: true,
        };
        let mut grams = MOST_GRAMS;
        for (_, key, numbers) in named {
            for number in numbers {
                let ways = written::ways(&number);
                let more: usize = ways.iter().map(grams::count).sum();
                if grams + more > MOST_GRAMS {
                    if copies.passes.len() == MOST_PASSES {
                        copies.is_complete = false;
                        continue;
                    }
                    copies.passes.push(Vec::new());
                    grams = 0;
                }
                grams += more;
                let name = copies.numbers.len();
                if let Some(pass) = copies.passes.last_mut() {
                    pass.extend(ways.into_iter().map(|way| (name, way)));
                }
                copies.numbers.push((copies.keys.len(), number.component));
            }
            copies.keys.push(key);
        }
        (!copies.numbers.is_empty()).then_some(copies)
    }

    /// How often the memory is gone over.
    pub fn passes(&self) -> usize {
        self.passes.len()
    }

    /// Every copy in `space`.
    pub fn search(&self, space: &Space<'_>, covered: &Covered) -> Sweep {
        let mut places: Vec<(Run, Vec<Piece>)> = Vec::new();
        let mut omitted = vec![0; self.keys.len()];
        let mut is_complete = self.is_complete;
        for strings in &self.passes {
            let index = Index::new(strings);
            is_complete &= self.pass(&index, space, covered, &mut places, &mut omitted);
        }
        let omitted = self.keys.iter().cloned().zip(omitted);
        let sightings = places
            .into_iter()
            .filter_map(|(run, pieces)| self.swept(&run, pieces))
            .collect();
        Sweep {
            sightings,
            searches: vec![search_of(self.keys.len(), is_complete)],
            omitted: omitted.filter(|(_, places)| *places > 0).collect(),
        }
    }

    /// Whether a run lies in a place of its whole key.
    fn is_covered(&self, run: &Run, covered: &Covered) -> bool {
        let key = self
            .numbers
            .get(run.number)
            .and_then(|(key, _)| self.keys.get(*key));
        let public = key.and_then(|key| key.public.as_ref());
        let range = run.range.start as u64..run.range.end as u64;
        public.is_some_and(|public| covered.holds(public.fingerprint(), &range))
    }

    /// Notes that a run is a place that is not kept.
    fn omit(&self, run: &Run, omitted: &mut [u64]) {
        let key = self.numbers.get(run.number).map(|(key, _)| *key);
        if let Some(omitted) = key.and_then(|key| omitted.get_mut(key)) {
            *omitted += 1;
        }
    }

    /// One pass over all bytes of the file, and over its seams. False when there are more places than are kept.
    fn pass(
        &self,
        index: &Index,
        space: &Space<'_>,
        covered: &Covered,
        places: &mut Vec<(Run, Vec<Piece>)>,
        omitted: &mut [u64],
    ) -> bool {
        let data = space.data();
        let room = MOST_PLACES.saturating_sub(places.len());
        let mut is_complete = true;
        let mut runs: Vec<Run> = Vec::new();
        let starts: Vec<usize> = (0..data.len()).step_by(CHUNK).collect();
        for wave in starts.chunks(CHUNKS_IN_WAVE) {
            let found: Vec<Vec<Run>> = wave
                .par_iter()
                .map(|&start| {
                    let own = start..data.len().min(start + CHUNK);
                    let ground = Ground {
                        data,
                        address: &|at| space.address(at),
                        together: &|at| space.together(at),
                    };
                    let runs = run::find(index, &ground, own.clone());
                    space.tell(own.len() as u64);
                    runs
                })
                .collect();
            is_complete &= found.iter().all(|found| found.len() < MOST_RUNS);
            runs.extend(found.into_iter().flatten());
            if runs.len() > room {
                runs.retain(|run| !self.is_covered(run, covered));
            }
            if runs.len() > room {
                is_complete = false;
                break;
            }
        }
        self.keep_outermost(&mut runs);
        let beyond = runs.get(room..).unwrap_or_default();
        beyond.iter().for_each(|run| self.omit(run, omitted));
        runs.truncate(room);
        places.extend(runs.into_iter().map(|run| {
            let pieces = space.pieces(run.range.clone());
            (run, pieces)
        }));
        let mut across: HashSet<Vec<Piece>> = HashSet::new();
        space.each_seam(
            |block| {
                let address = |at: usize| block.address?.checked_add(at as u64);
                let ground = Ground {
                    data: block.bytes,
                    address: &address,
                    together: &|_| 0..block.bytes.len(),
                };
                let mut runs = run::find(index, &ground, block.own.clone());
                let is_whole = runs.len() < MOST_RUNS;
                self.keep_outermost(&mut runs);
                (runs, is_whole)
            },
            |(runs, is_whole), pieces: &dyn Fn(Range<usize>) -> Vec<Piece>| {
                is_complete &= is_whole;
                for run in runs {
                    let pieces = pieces(run.range.clone());
                    // What lies on one side of a seam lies so in the file.
                    if pieces.len() < 2 || across.contains(&pieces) {
                        continue;
                    }
                    if places.len() >= MOST_PLACES {
                        is_complete = false;
                        self.omit(&run, omitted);
                        continue;
                    }
                    across.insert(pieces.clone());
                    places.push((run, pieces));
                }
            },
        );
        is_complete
    }

    /// Runs by place, each once, without those inside another of the same key, and without remains that lie across
    /// a whole number: two numbers of a key may differ in few bits, as a scalar before and after clamping.
    fn keep_outermost(&self, runs: &mut Vec<Run>) {
        let key = |run: &Run| self.numbers.get(run.number).map(|(key, _)| *key);
        runs.sort_by_key(|run| {
            let range = (run.range.start, std::cmp::Reverse(run.range.end));
            (key(run), range, run.number)
        });
        let mut kept: Vec<Run> = Vec::with_capacity(runs.len());
        for run in runs.drain(..) {
            let before = kept.last().filter(|last| key(last) == key(&run));
            let Some(last) = before else {
                kept.push(run);
                continue;
            };
            let is_across = run.range.start + LEAST_COMMON <= last.range.end;
            match (&last.fragment, &run.fragment) {
                _ if run.range.end <= last.range.end => {}
                (None, Some(_)) if is_across => {}
                (Some(_), None) if is_across => {
                    kept.pop();
                    kept.push(run);
                }
                _ => kept.push(run),
            }
        }
        kept.sort_by_key(|run| (run.range.start, run.number));
        *runs = kept;
    }

    fn swept(&self, run: &Run, pieces: Vec<Piece>) -> Option<Swept> {
        let (key, component) = *self.numbers.get(run.number)?;
        let key = self.keys.get(key)?.clone();
        let mut evidence = key.part_at(run.form.name(), component, run.encoding, run.range.clone());
        evidence.fragment = run.fragment;
        Some(Swept {
            sighting: Sighting::Key(evidence),
            pieces,
        })
    }
}

fn search_of(keys: usize, complete: bool) -> Search {
    let plural = if keys == 1 { "" } else { "s" };
    Search {
        name: "copies",
        scope: format!(
            "copies of every private number of {keys} proven key{plural}, in {} and 3 of text, in every byte",
            super::codec::named()
        ),
        complete,
    }
}

/// Bytes a worker takes at a time.
const CHUNK: usize = 1 << 20;

/// Chunks whose runs are held at a time before they are counted.
const CHUNKS_IN_WAVE: usize = 32;

/// Grams of one pass: those of some twenty keys of 2048 bits, in some 16 MiB.
const MOST_GRAMS: usize = 1 << 20;

/// Passes at most: some 300 keys of 2048 bits.
const MOST_PASSES: usize = 16;

/// Bytes that two numbers side by side do not share by chance.
const LEAST_COMMON: usize = 16;

/// Copies reported at most.
const MOST_PLACES: usize = 50_000;
