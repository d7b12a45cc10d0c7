//! Memory that follows by address but not in the file: the windows round its seams, to be put
//! together and scanned as they lay in memory.

use super::nest::innermost;
use super::region::{Region, RegionKind};
use std::ops::Range;

/// Consecutive bytes of the file that are consecutive in memory too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Virtual address of the first byte.
    pub va: u64,
    /// File offset of the first byte.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
}

impl Segment {
    fn va_end(&self) -> u64 {
        self.va.saturating_add(self.length)
    }
}

/// Memory round one or more seams: segments whose addresses follow one another without a gap, and
/// that do not all follow one another in the file.
pub type Window = Vec<Segment>;

/// The windows that reach `reach` bytes to both sides of every seam. Windows that would overlap are
/// one. Where the same address lies in the file twice with different bytes, both are in a window:
/// once the first copy in file order is taken for the address, once the last.
pub fn windows(regions: &[Region], reach: u64) -> Vec<Window> {
    let mut segments: Vec<Segment> = regions
        .iter()
        .filter(|region| region.kind == RegionKind::Memory)
        .filter_map(|region| {
            Some(Segment {
                va: region.va?,
                offset: region.start,
                length: region.len(),
            })
        })
        .filter(|segment| segment.va.checked_add(segment.length).is_some())
        .collect();
    segments.sort_unstable_by_key(|segment| (segment.va, segment.offset));
    let overlaps = segments.iter().scan(0, |end: &mut u64, segment| {
        let overlaps = segment.va < *end;
        *end = (*end).max(segment.va_end());
        Some(overlaps)
    });
    let has_overlaps = overlaps.fold(false, |any, overlaps| any | overlaps);
    let mut windows = windows_of(&first_view(&segments), reach);
    if has_overlaps {
        windows.extend(windows_of(&last_view(&segments), reach));
        windows.sort_unstable();
        windows.dedup();
    }
    windows
}

/// An address space without overlaps: every address of `segments` (sorted by address) belongs to the
/// first that claims it.
fn first_view(segments: &[Segment]) -> Vec<Segment> {
    let mut covered = 0;
    let mut view = Vec::with_capacity(segments.len());
    for &segment in segments {
        view.extend(clip(segment, covered.max(segment.va)..segment.va_end()));
        covered = covered.max(segment.va_end());
    }
    view
}

/// The same, but every address belongs to the last that claims it.
fn last_view(segments: &[Segment]) -> Vec<Segment> {
    let parts = innermost(segments.iter().map(|segment| segment.va..segment.va_end()));
    parts
        .into_iter()
        .filter_map(|part| clip(*segments.get(part.index)?, part.range))
        .collect()
}

/// The part of `segment` inside `addresses`.
fn clip(segment: Segment, addresses: Range<u64>) -> Option<Segment> {
    let start = addresses.start.max(segment.va);
    let end = addresses.end.min(segment.va_end());
    (start < end).then(|| Segment {
        va: start,
        offset: segment.offset + (start - segment.va),
        length: end - start,
    })
}

/// Windows of an address space without overlaps.
fn windows_of(view: &[Segment], reach: u64) -> Vec<Window> {
    let joined = |a: &Segment, b: &Segment| a.va_end() == b.va;
    let mut windows = Vec::new();
    for run in view.chunk_by(joined) {
        let mut spans: Vec<Range<u64>> = Vec::new();
        for pair in run.windows(2) {
            let [left, right] = pair else { continue };
            if left.offset + left.length == right.offset {
                continue;
            }
            let span = right.va.saturating_sub(reach)..right.va.saturating_add(reach);
            match spans.last_mut() {
                Some(last) if span.start <= last.end => last.end = span.end,
                _ => spans.push(span),
            }
        }
        windows.extend(spans.into_iter().map(|span| {
            let first = run.partition_point(|segment| segment.va_end() <= span.start);
            let last = run.partition_point(|segment| segment.va < span.end);
            let inside = run.get(first..last).unwrap_or_default();
            inside
                .iter()
                .filter_map(|segment| clip(*segment, span.clone()))
                .collect::<Window>()
        }));
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn memory(start: u64, end: u64, va: u64) -> Region {
        Region {
            start,
            end,
            kind: RegionKind::Memory,
            va: Some(va),
            name: 0,
        }
    }

    #[test]
    fn neighbours_in_file_and_memory_have_no_seam() {
        assert!(windows(&[memory(0, 100, 0x1000), memory(100, 200, 0x1064)], 50).is_empty());
        assert!(windows(&[memory(0, 100, 0x1000), memory(100, 200, 0x2000)], 50).is_empty());
    }

    #[test]
    fn a_seam_is_seen_from_both_sides() {
        let windows = windows(&[memory(0, 100, 0x1064), memory(100, 200, 0x1000)], 30);
        assert_eq!(
            windows,
            [vec![
                Segment {
                    va: 0x1000 + 70,
                    offset: 170,
                    length: 30
                },
                Segment {
                    va: 0x1064,
                    offset: 0,
                    length: 30
                },
            ]]
        );
    }

    #[test]
    fn pages_in_reverse_order_are_one_window() {
        let regions: Vec<Region> = (0..10)
            .map(|i| memory(i * 10, i * 10 + 10, 1000 - i * 10))
            .collect();
        let windows = windows(&regions, 64);
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].len(), 10);
        assert!(
            windows[0]
                .windows(2)
                .all(|pair| pair[0].va_end() == pair[1].va)
        );
    }

    #[test]
    fn both_copies_of_an_address_are_seen() {
        let regions = [memory(0, 100, 1000), memory(200, 300, 1050)];
        let windows = windows(&regions, 20);
        let first = vec![
            Segment {
                va: 1080,
                offset: 80,
                length: 20,
            },
            Segment {
                va: 1100,
                offset: 250,
                length: 20,
            },
        ];
        let last = vec![
            Segment {
                va: 1030,
                offset: 30,
                length: 20,
            },
            Segment {
                va: 1050,
                offset: 200,
                length: 20,
            },
        ];
        assert_eq!(windows, [last, first]);
    }

    #[test]
    fn a_nest_of_three_loses_nothing() {
        let regions = [
            memory(0, 100, 1000),
            memory(200, 270, 1010),
            memory(300, 310, 1020),
        ];
        let seen = windows(&regions, 50);
        let tail = Segment {
            va: 1030,
            offset: 220,
            length: 50,
        };
        assert!(
            seen.iter().flatten().any(|segment| *segment == tail),
            "{seen:?}"
        );
    }

    proptest! {
        #[test]
        fn windows_follow_without_gap(starts in proptest::collection::vec((0..300u64, 1..60u64), 0..12), reach in 1..80u64) {
            let mut offset = 0;
            let regions: Vec<Region> = starts.iter().map(|&(va, length)| {
                offset += length;
                memory(offset - length, offset, va)
            }).collect();
            for window in windows(&regions, reach) {
                prop_assert!(window.len() >= 2);
                for pair in window.windows(2) {
                    prop_assert_eq!(pair[0].va_end(), pair[1].va);
                }
                for segment in &window {
                    let inside = regions.iter().any(|region| {
                        region.start <= segment.offset
                            && segment.offset + segment.length <= region.end
                            && region.va_at(segment.offset) == Some(segment.va)
                    });
                    prop_assert!(inside);
                }
            }
        }
    }
}
