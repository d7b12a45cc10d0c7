//! The search for many anchors at once: by their windows, in time that hardly grows with their number.

use super::simd::{Candidates, Kernel};
use super::windows::{self, Choice};
use crate::bytes;
use std::ops::Range;

/// A search for anchors.
pub struct Search {
    kernel: Kernel,
    windows: Windows,
}

impl Search {
    /// For at most 512 different anchors, each at least four bytes long and not all zero; any may begin or
    /// contain another. `None` when they break the rule.
    pub fn new(anchors: &[impl AsRef<[u8]>]) -> Option<Self> {
        Self::available(anchors)?.next()
    }

    /// A search with each kernel of this processor, the fastest first.
    pub fn available(anchors: &[impl AsRef<[u8]>]) -> Option<impl Iterator<Item = Self>> {
        let choices = windows::choose(anchors)?;
        let windows = Windows::new(anchors, &choices)?;
        let buckets: Vec<_> = choices
            .iter()
            .map(|choice| (choice.window, choice.bucket))
            .collect();
        let kernels = Kernel::available(&buckets).into_iter();
        Some(kernels.map(move |kernel| Self {
            kernel,
            windows: windows.clone(),
        }))
    }

    /// Calls `found` with the place and the number of every anchor that starts in `starts`, in no order.
    pub fn each(&self, data: &[u8], starts: Range<usize>, mut found: impl FnMut(usize, usize)) {
        let places = starts.start.saturating_add(self.windows.nearest)
            ..starts
                .end
                .saturating_add(self.windows.farthest)
                .min(data.len());
        let mut examine = |place| self.windows.examine(data, place, &starts, &mut found);
        let mut candidates = Candidates::new();
        let mut at = places.start;
        while at < places.end {
            let next = self.kernel.look(data, at..places.end, &mut candidates);
            candidates.each(&mut examine);
            if next == at {
                break;
            }
            at = next;
        }
        // Where the data ends, too few bytes are left for the kernel.
        (at..places.end).for_each(examine);
    }
}

/// Which anchors have a given window.
#[derive(Clone)]
struct Windows {
    /// A hash table of windows, with open addressing. Most candidates end at a slot that is empty.
    slots: Box<[Slot; SLOTS]>,
    /// The anchors, those with the same window side by side.
    anchors: Vec<Anchor>,
    /// The least distance from the start of an anchor to its window, in bytes.
    nearest: usize,
    /// The greatest one.
    farthest: usize,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// The window as a little-endian number; zero, which is no window, in an empty slot.
    window: u32,
    /// Its part of the anchors.
    first: u16,
    end: u16,
}

#[derive(Clone)]
struct Anchor {
    literal: Box<[u8]>,
    /// Bytes from its start to its window.
    offset: usize,
    number: usize,
}

impl Windows {
    /// `None` when there are too many.
    fn new(anchors: &[impl AsRef<[u8]>], choices: &[Choice]) -> Option<Self> {
        let mut sorted: Vec<(u32, Anchor)> = anchors
            .iter()
            .zip(choices)
            .enumerate()
            .map(|(number, (literal, choice))| {
                let offset = choice.offset;
                let anchor = Anchor {
                    literal: literal.as_ref().into(),
                    offset,
                    number,
                };
                (u32::from_le_bytes(choice.window), anchor)
            })
            .collect();
        sorted.sort_by_key(|(window, _)| *window);
        let mut slots = Box::new([Slot::default(); SLOTS]);
        let mut first = 0;
        for group in sorted.chunk_by(|(one, _), (other, _)| one == other) {
            let window = group.first().map_or(0, |(window, _)| *window);
            let end = first + u16::try_from(group.len()).ok()?;
            if usize::from(end) > MOST_ANCHORS {
                return None;
            }
            let free =
                slots_from(window).find(|&at| slots.get(at).is_some_and(|s| s.window == 0))?;
            *slots.get_mut(free)? = Slot { window, first, end };
            first = end;
        }
        let offsets = || choices.iter().map(|choice| choice.offset);
        Some(Self {
            slots,
            anchors: sorted.into_iter().map(|(_, anchor)| anchor).collect(),
            nearest: offsets().min().unwrap_or_default(),
            farthest: offsets().max().unwrap_or_default(),
        })
    }

    /// Compares what stands round a candidate.
    #[inline]
    fn examine(
        &self,
        data: &[u8],
        place: usize,
        starts: &Range<usize>,
        found: &mut impl FnMut(usize, usize),
    ) {
        let Some(window) = bytes::u32_le(data, place) else {
            return;
        };
        for anchor in self.with(window) {
            let Some(start) = place.checked_sub(anchor.offset) else {
                continue;
            };
            let is_here = starts.contains(&start)
                && data
                    .get(start..)
                    .is_some_and(|rest| rest.starts_with(&anchor.literal));
            if is_here {
                found(start, anchor.number);
            }
        }
    }

    /// The anchors that have `window`.
    #[inline]
    fn with(&self, window: u32) -> &[Anchor] {
        for slot in slots_from(window).filter_map(|at| self.slots.get(at)) {
            if slot.window == 0 {
                break;
            }
            if slot.window == window {
                let range = usize::from(slot.first)..usize::from(slot.end);
                return self.anchors.get(range).unwrap_or_default();
            }
        }
        &[]
    }
}

/// Where `window` may stand in the table: all slots, from its own on.
#[inline]
fn slots_from(window: u32) -> impl Iterator<Item = usize> {
    // The golden ratio spreads windows that differ in a few bits only.
    let own = window.wrapping_mul(0x9e37_79b9) >> (u32::BITS - SLOTS.ilog2());
    (own as usize..own as usize + SLOTS).map(|at| at % SLOTS)
}

/// Slots of the table, 8 KiB of the fastest cache.
const SLOTS: usize = 1024;

/// Half of the slots stay empty at least.
const MOST_ANCHORS: usize = SLOTS / 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// As many different anchors, their windows in part the same.
    fn many(count: u16) -> Vec<Vec<u8>> {
        let anchor =
            |number: u16| [b"key ".as_slice(), &number.to_be_bytes(), b"\xf0\x5a"].concat();
        (0..count).map(anchor).collect()
    }

    #[test]
    fn as_many_anchors_as_it_takes_are_told_apart() {
        let anchors = many(512);
        let data = anchors.concat();
        for search in Search::available(&anchors).unwrap() {
            let mut found = Vec::new();
            search.each(&data, 0..data.len(), |start, number| {
                found.push((start, number))
            });
            found.sort_unstable();
            let expected: Vec<_> = (0..512).map(|number| (8 * number, number)).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn more_or_other_anchors_than_it_takes_are_refused() {
        assert!(Search::available(&many(513)).is_none());
        assert!(Search::available(&[&b"RSA1"[..], b"abc"]).is_none());
        assert!(Search::available(&[b"RSA1", b"\0\0\0\0"]).is_none());
    }
}
