//! The pass over seams: memory put together as it lay, where neighbours by address lie apart in the file.

use super::anchors::Anchors;
use super::ledger::{Ledger, Share};
use super::linear::{self, Patience, WORK_IN_SHARE};
use crate::crypto::{ProofCache, Prover};
use crate::detect::LONGEST_FORM;
use crate::memory::{MemoryMap, Part, window_length, windows};
use rayon::prelude::*;
use std::ops::Range;

/// How much was put together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seams {
    /// Windows round seams.
    pub windows: usize,
    /// Bytes in them.
    pub bytes: u64,
}

/// Scans the seams of `map` into `ledger`.
pub fn scan(
    anchors: &Anchors,
    data: &[u8],
    map: &MemoryMap,
    cache: &ProofCache,
    ledger: &mut Ledger,
) -> Seams {
    let windows = windows(map.regions(), LONGEST_FORM as u64);
    let lengths: Vec<u64> = windows.iter().map(window_length).collect();
    let blocks: Vec<(usize, Range<u64>)> = lengths
        .iter()
        .enumerate()
        .flat_map(|(index, &length)| {
            (0..length)
                .step_by(BLOCK)
                .map(move |start| (index, start..length.min(start + BLOCK as u64)))
        })
        .collect();
    let mut patience = Patience::default();
    for wave in blocks.chunks(BLOCKS_IN_WAVE) {
        let budget = ledger.work_left().min(WORK_IN_SHARE);
        let shares: Vec<(Share, Part<'_>)> = wave
            .par_iter()
            .filter_map(|(index, block)| {
                let part = Part::new(
                    windows.get(*index)?,
                    *lengths.get(*index)?,
                    block.clone(),
                    LONGEST_FORM as u64,
                );
                let memory = part.assemble(data);
                Some((
                    linear::examine(anchors, &memory, part.own(), &Prover::new(cache, budget)),
                    part,
                ))
            })
            .collect();
        for (share, part) in shares {
            let share = patience.look_again(
                share,
                ledger.work_left(),
                |prover| linear::examine(anchors, &part.assemble(data), part.own(), prover),
                cache,
            );
            ledger.take(share, |range| part.pieces(range));
        }
    }
    Seams {
        windows: windows.len(),
        bytes: lengths.iter().sum(),
    }
}

/// Bytes of a window a worker takes at a time.
const BLOCK: usize = 1 << 20;

/// Blocks between two visits to the ledger.
const BLOCKS_IN_WAVE: usize = 64;
