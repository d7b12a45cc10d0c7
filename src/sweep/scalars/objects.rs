//! Key objects: what points to a public half, and what else it holds or points to.

use super::Share;
use super::batch::Hit;
use super::spans::Spans;
use crate::bytes::{u32_le, u64_le};
use crate::finding::Piece;
use crate::sweep::space::{Block, Space};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::ops::Range;

/// Examines the memory round every word that points to one of `places` or shortly before it, and what the words
/// round it point to. Says also whether a bound was reached.
pub(super) fn examine(
    space: &Space<'_>,
    places: &[Piece],
    test: impl Fn(&Block<'_>, &Spans) -> Share + Sync,
) -> (Vec<(Hit, Vec<Piece>)>, bool) {
    let aims = aims(places);
    let mut holders: BTreeSet<usize> = BTreeSet::new();
    let mut is_cut = false;
    if aims.is_empty() {
        return (Vec::new(), false);
    }
    space.each_block(
        |block| pointers(block, &aims),
        |found, pieces| {
            for at in found {
                if holders.len() >= MAX_HOLDERS {
                    is_cut = true;
                    return;
                }
                let first = pieces(at..at + 1).into_iter().next();
                holders.extend(first.map(|piece| piece.offset as usize));
            }
        },
    );
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for holder in holders {
        let object = holder.saturating_sub(OBJECT)..holder + OBJECT;
        for at in object.clone().step_by(space.pointer()) {
            let target = word(space.data(), at, space.pointer())
                .and_then(|address| space.offset(address, HELD));
            ranges.extend(target.map(|target| target..target + HELD));
        }
        ranges.push(object);
    }
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup();
    is_cut |= ranges.len() > MAX_RANGES;
    ranges.truncate(MAX_RANGES);
    let shares: Vec<Vec<(Hit, Vec<Piece>)>> = ranges
        .par_iter()
        .map(|range| {
            let Some((block, start)) = space.block(range.clone()) else {
                return Vec::new();
            };
            let spans = Spans::near(vec![block.own.clone()], &block);
            let hits = test(&block, &spans).hits.into_iter();
            hits.map(|hit| {
                let pieces = space.pieces(start + hit.range.start..start + hit.range.end);
                (hit, pieces)
            })
            .collect()
        })
        .collect();
    (shares.into_iter().flatten().collect(), is_cut)
}

/// Addresses that point into a structure which holds one of `places` near its start, in order.
fn aims(places: &[Piece]) -> Vec<Range<u64>> {
    let mut aims: Vec<Range<u64>> = places
        .iter()
        .filter_map(|place| place.va)
        .map(|va| va.saturating_sub(HELD as u64)..va.saturating_add(1))
        .collect();
    aims.sort_unstable_by_key(|aim| (aim.start, aim.end));
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(aims.len());
    for aim in aims {
        match merged.last_mut() {
            Some(last) if aim.start <= last.end => last.end = last.end.max(aim.end),
            _ => merged.push(aim),
        }
    }
    merged
}

/// Where in a block words stand that point into `aims`.
fn pointers(block: &Block<'_>, aims: &[Range<u64>]) -> Vec<usize> {
    let (Some(first), Some(last)) = (aims.first(), aims.last()) else {
        return Vec::new();
    };
    let all = first.start..last.end;
    let is_aim = |address: u64| {
        all.contains(&address) && {
            let behind = aims.partition_point(|aim| aim.start <= address);
            let aim = behind.checked_sub(1).and_then(|index| aims.get(index));
            aim.is_some_and(|aim| aim.contains(&address))
        }
    };
    // Nothing without an address can point anywhere as a part of an object.
    if block.address.is_none() {
        return Vec::new();
    }
    block
        .aligned(block.pointer)
        .filter(|&at| word(block.bytes, at, block.pointer).is_some_and(is_aim))
        .collect()
}

fn word(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    match size {
        4 => u32_le(bytes, at).map(u64::from),
        _ => u64_le(bytes, at),
    }
}

/// Bytes on both sides of a pointer that belong to its object.
const OBJECT: usize = 96;

/// Bytes of what an object points to.
const HELD: usize = 128;

/// Objects examined at most.
const MAX_HOLDERS: usize = 16_384;

/// Ranges of memory examined at most.
const MAX_RANGES: usize = 65_536;
