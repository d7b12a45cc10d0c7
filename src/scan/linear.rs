//! The pass over all bytes in file order, shared out in chunks. A chunk owns the anchors that start in
//! it; detectors see the whole file.

use super::Progress;
use super::anchors::{Anchors, Announced};
use super::ledger::{Ledger, Share};
use crate::bytes;
use crate::crypto::{ProofCache, Prover};
use crate::detect::{Hit, Sighting};
use crate::finding::Proof;
use crate::memory::MemoryMap;
use rayon::prelude::*;
use std::ops::Range;

/// Scans all of `data` into `ledger`; returns how many bytes were searched.
pub fn scan(
    anchors: &Anchors,
    data: &[u8],
    map: &MemoryMap,
    cache: &ProofCache,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> u64 {
    let mut scanned = 0;
    let mut patience = Patience::default();
    let mut chunks_in_wave = FIRST_WAVE;
    while scanned < data.len() {
        let wave_end = data.len().min(scanned + CHUNK * chunks_in_wave);
        let work_left = ledger.work_left();
        let budget = work_left.min(WORK_IN_SHARE);
        let shares: Vec<Share> = (scanned..wave_end)
            .into_par_iter()
            .step_by(CHUNK)
            .with_max_len(1)
            .map(|start| {
                let chunk = start..wave_end.min(start + CHUNK);
                let share = examine(anchors, data, chunk.clone(), &Prover::new(cache, budget));
                progress.advance(chunk.len() as u64);
                share
            })
            .collect();
        for (start, share) in (scanned..wave_end).step_by(CHUNK).zip(shares) {
            let chunk = start..wave_end.min(start + CHUNK);
            let share = patience.look_again(
                share,
                ledger.work_left(),
                |prover| examine(anchors, data, chunk, prover),
                cache,
            );
            ledger.take(share, |range| {
                map.pieces(range.start as u64..range.end as u64)
            });
        }
        scanned = wave_end;
        let is_calm = work_left - ledger.work_left() < CALM_WORK;
        chunks_in_wave = if is_calm {
            (2 * chunks_in_wave).min(LAST_WAVE)
        } else {
            FIRST_WAVE
        };
    }
    scanned as u64
}

/// What shares may still cost that hold more than most: the largest keys, and many different pieces of one. It is
/// bounded by itself, so that made-up keys in one place leave others their share.
pub struct Patience {
    left: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            left: WORK_OF_LONGER_LOOKS,
        }
    }
}

impl Patience {
    /// The share, or that of a second look if its work came to an end too early and up to `work_left` may be spent.
    pub fn look_again(
        &mut self,
        share: Share,
        work_left: usize,
        examine: impl FnOnce(&Prover<'_>) -> Share,
        cache: &ProofCache,
    ) -> Share {
        let budget = LONGER_LOOK.min(self.left).min(work_left);
        if !share.is_limited || share.work < WORK_IN_SHARE || budget <= share.work {
            return share;
        }
        let longer = examine(&Prover::new(cache, budget));
        self.left = self.left.saturating_sub(longer.work);
        longer
    }
}

/// Everything anchors announce that start in `starts`.
pub fn examine(anchors: &Anchors, data: &[u8], starts: Range<usize>, prover: &Prover<'_>) -> Share {
    let mut sightings = Vec::new();
    let (mut keys, mut shapes, mut clues) = (0, 0, 0);
    let mut is_limited = false;
    let mut examine = |at: usize, announced: Announced| {
        let Announced { detector, is_wide } = announced;
        let hit = Hit {
            data,
            at,
            is_wide,
            prover,
        };
        if keys >= KEYS_IN_SHARE {
            is_limited = true;
            return;
        }
        for sighting in detector.examine(&hit) {
            debug_assert!(
                detector.forms().contains(&sighting.form()),
                "{} reports {}",
                detector.name(),
                sighting.form()
            );
            // Public keys and what only looks like a key never cost a true one its place.
            let (count, most) = match &sighting {
                Sighting::Public(_) => (&mut clues, CLUES_IN_SHARE),
                Sighting::Key(evidence) if evidence.key.proof == Proof::Shape => {
                    (&mut shapes, SHAPES_IN_SHARE)
                }
                Sighting::Key(_) => (&mut keys, usize::MAX),
            };
            if *count < most {
                *count += 1;
                sightings.push(sighting);
            } else if matches!(sighting, Sighting::Public(_)) {
                is_limited = true; // its private half is not looked for
            }
        }
    };
    for run in occupied(data, starts) {
        anchors.each(data, run.clone(), &mut examine);
        anchors.each_base64_run(data, run, &mut examine);
    }
    Share {
        sightings,
        work: prover.spent(),
        is_limited: is_limited || prover.is_exhausted(),
    }
}

/// The parts of `range` where anchors may start: all but pages of zeros, and of these the last bytes, which
/// an anchor may start with. What follows them may lie in the next page or the next chunk.
fn occupied(data: &[u8], range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let page = |at: usize| at..range.end.min(at + PAGE);
        let is_zero = |at: usize| data.get(page(at)).is_none_or(bytes::is_zero);
        let zeros = at;
        while at < range.end && is_zero(at) {
            at = page(at).end;
        }
        let start = zeros.max(at.saturating_sub(LEADING_ZEROS));
        while at < range.end && !is_zero(at) {
            at = page(at).end;
        }
        (start < at).then_some(start..at)
    })
}

/// Bytes a worker takes at a time: large enough that its overhead vanishes, small enough for the cache.
const CHUNK: usize = 1 << 20;

/// Chunks between two visits to the ledger, which bound what is held and what is proven meanwhile: few at
/// first and wherever proofs are many, more where memory is ordinary, since threads wait for one another at
/// the end of a wave.
const FIRST_WAVE: usize = 16;
const LAST_WAVE: usize = 256;

/// Work in a wave of ordinary memory, in units of some 0.2 ms.
const CALM_WORK: usize = 4096;

/// Granularity of the search for zeros.
const PAGE: usize = 4096;

/// The most zero bytes an anchor starts with.
const LEADING_ZEROS: usize = 3;

/// Keys in one share, beyond which no more is examined; real memory has a few hundred in its densest.
const KEYS_IN_SHARE: usize = 2048;

/// Public keys and mere shapes in one share, beyond which they are not kept.
const CLUES_IN_SHARE: usize = 8192;
const SHAPES_IN_SHARE: usize = 1024;

/// Work in one share, in units of some 0.2 ms: 128 different 2048-bit keys, or a thousand EC keys. Of the
/// largest keys one may go beyond.
pub const WORK_IN_SHARE: usize = 1024;

/// Work in a share that needs more, and in all such of a dump.
const LONGER_LOOK: usize = 16 << 10;
const WORK_OF_LONGER_LOOKS: usize = 48 << 10;

#[cfg(test)]
mod tests {
    use super::super::anchors::samples::{ANCHORS, DETECTORS, literals, naive};
    use super::*;
    use proptest::prelude::*;

    /// Pages of zeros, some with a byte somewhere, and round their ends an anchor here and there.
    fn memory() -> impl Strategy<Value = Vec<u8>> {
        let literal = prop::sample::select(literals(&DETECTORS));
        let page = (
            any::<bool>(),
            0..PAGE,
            prop::option::of((literal, 0..60usize)),
        );
        let pages = proptest::collection::vec(page, 0..8);
        (pages, 0..PAGE).prop_map(|(pages, cut)| {
            let mut data = vec![0; pages.len() * PAGE];
            for (index, (is_occupied, at, literal)) in pages.into_iter().enumerate() {
                data[index * PAGE + at] = u8::from(is_occupied);
                if let Some((literal, back)) = literal {
                    let start = (index + 1) * PAGE - back;
                    data.iter_mut()
                        .skip(start)
                        .zip(literal)
                        .for_each(|(to, from)| *to = from);
                }
            }
            data.truncate(data.len().saturating_sub(cut));
            data
        })
    }

    proptest! {
        #[test]
        fn only_zero_pages_are_left_out(data in memory(), start in 0..2 * PAGE) {
            let start = start.min(data.len());
            let runs: Vec<_> = occupied(&data, start..data.len()).collect();
            for (at, byte) in data.iter().enumerate().skip(start) {
                let is_in_run = runs.iter().any(|run| run.contains(&at));
                prop_assert!(is_in_run || *byte == 0);
            }
            for pair in runs.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            let searched: usize = runs.iter().map(Range::len).sum();
            let zero_pages = data[start..].chunks(PAGE).filter(|page| bytes::is_zero(page));
            let left_out: usize = zero_pages.map(|page| page.len().saturating_sub(LEADING_ZEROS)).sum();
            prop_assert!(searched + left_out <= data.len() - start);
        }

        #[test]
        fn no_anchor_is_lost_among_zero_pages_and_chunks(data in memory(), chunk in prop_oneof![Just(PAGE), 1..3 * PAGE], skip in 0..PAGE) {
            let start = skip.min(data.len());
            let mut found = Vec::new();
            for start in (start..data.len()).step_by(chunk) {
                for run in occupied(&data, start..data.len().min(start + chunk)) {
                    ANCHORS.each(&data, run, |at, announced| found.push((at, announced.detector.name())));
                }
            }
            prop_assert_eq!(found, naive(&DETECTORS, &data, start..data.len()));
        }
    }

    #[test]
    fn zeros_at_the_end_of_a_page_may_start_an_anchor() {
        for literal in literals(&DETECTORS) {
            for back in 0..=literal.len() {
                let mut data = vec![0; 3 * PAGE];
                data[2 * PAGE - back..][..literal.len()].copy_from_slice(&literal);
                let expected = naive(&DETECTORS, &data, 0..data.len());
                for chunk in [PAGE, 2 * PAGE, 3 * PAGE] {
                    let runs = (0..data.len())
                        .step_by(chunk)
                        .flat_map(|start| occupied(&data, start..data.len().min(start + chunk)));
                    let mut found = Vec::new();
                    for run in runs {
                        ANCHORS.each(&data, run, |at, announced| {
                            found.push((at, announced.detector.name()))
                        });
                    }
                    assert_eq!(found, expected, "{literal:02x?} {back} {chunk}");
                }
            }
        }
    }
}
