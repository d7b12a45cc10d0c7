//! The pass over seams: memory put together as it lay, where neighbours by address lie apart in the file.

use super::anchors::Anchors;
use super::ledger::{Ledger, Share};
use super::linear::{self, WORK_IN_SHARE};
use crate::crypto::{ProofCache, Prover};
use crate::detect::LONGEST_FORM;
use crate::finding::Piece;
use crate::memory::{MemoryMap, Segment, Window, windows};
use crate::secret::SecretBuf;
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
    let lengths: Vec<u64> = windows.iter().map(length).collect();
    let blocks: Vec<(usize, Range<u64>)> = lengths
        .iter()
        .enumerate()
        .flat_map(|(index, &length)| {
            (0..length)
                .step_by(BLOCK)
                .map(move |start| (index, start..length.min(start + BLOCK as u64)))
        })
        .collect();
    for wave in blocks.chunks(BLOCKS_IN_WAVE) {
        let budget = ledger.work_left().min(WORK_IN_SHARE);
        let shares: Vec<(Share, Part<'_>)> = wave
            .par_iter()
            .filter_map(|(index, block)| {
                let part = Part::new(windows.get(*index)?, *lengths.get(*index)?, block.clone());
                let memory = part.assemble(data);
                Some((
                    linear::examine(anchors, &memory, part.own(), &Prover::new(cache, budget)),
                    part,
                ))
            })
            .collect();
        for (share, part) in shares {
            ledger.take(share, |range| part.pieces(range));
        }
    }
    Seams {
        windows: windows.len(),
        bytes: lengths.iter().sum(),
    }
}

/// A block of a window with as much round it as the longest form needs.
struct Part<'w> {
    window: &'w Window,
    /// Bytes of the window in the block with its surroundings.
    whole: Range<u64>,
    /// Bytes of the window whose anchors the block owns.
    block: Range<u64>,
}

impl<'w> Part<'w> {
    fn new(window: &'w Window, length: u64, block: Range<u64>) -> Self {
        let reach = LONGEST_FORM as u64;
        let whole = block.start.saturating_sub(reach)..block.end.saturating_add(reach).min(length);
        Self {
            window,
            whole,
            block,
        }
    }

    /// The owned bytes, as offsets into the assembled memory.
    fn own(&self) -> Range<usize> {
        let offset = |at: u64| (at - self.whole.start) as usize;
        offset(self.block.start)..offset(self.block.end)
    }

    /// The memory as it lay.
    fn assemble(&self, data: &[u8]) -> SecretBuf {
        let mut memory = SecretBuf::with_capacity((self.whole.end - self.whole.start) as usize);
        for piece in self.pieces(0..(self.whole.end - self.whole.start) as usize) {
            let start = piece.offset as usize;
            let bytes = data
                .get(start..start + piece.length as usize)
                .unwrap_or_default();
            let fits = memory.extend(bytes);
            debug_assert!(fits && bytes.len() as u64 == piece.length);
        }
        memory
    }

    /// Bytes of the assembled memory as pieces of the file.
    fn pieces(&self, range: Range<usize>) -> Vec<Piece> {
        let first = self.window.first().map_or(0, |segment| segment.va);
        let address = |at: usize| first + self.whole.start + at as u64;
        let wanted = address(range.start)..address(range.end);
        let start = self
            .window
            .partition_point(|segment| segment.va + segment.length <= wanted.start);
        let mut pieces: Vec<Piece> = Vec::new();
        for segment in self
            .window
            .iter()
            .skip(start)
            .take_while(|segment| segment.va < wanted.end)
        {
            let inside = wanted.start.max(segment.va)..wanted.end.min(segment.va + segment.length);
            push(
                &mut pieces,
                segment,
                inside.start - segment.va,
                inside.end - inside.start,
            );
        }
        pieces
    }
}

/// Adds bytes of a segment; those that go on in the file as in memory extend the last piece.
fn push(pieces: &mut Vec<Piece>, segment: &Segment, skip: u64, length: u64) {
    let (offset, va) = (segment.offset + skip, segment.va + skip);
    match pieces.last_mut() {
        Some(last) if last.offset + last.length == offset => last.length += length,
        _ => pieces.push(Piece {
            offset,
            length,
            va: Some(va),
        }),
    }
}

fn length(window: &Window) -> u64 {
    window.iter().map(|segment| segment.length).sum()
}

/// Bytes of a window a worker takes at a time.
const BLOCK: usize = 1 << 20;

/// Blocks between two visits to the ledger.
const BLOCKS_IN_WAVE: usize = 64;
