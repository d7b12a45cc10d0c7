//! Ranges that overlap, cut so that every number belongs to one of them.

use std::ops::Range;

/// A part of one of several ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The numbers.
    pub range: Range<u64>,
    /// Index of the range they belong to.
    pub index: usize,
}

/// The parts of `ranges`, which are sorted by their start, in order and without overlap: each number
/// belongs to the last range that holds it. So a range inside another takes its place there and a
/// lie about one range costs the others as little as can be. Linear, however deep they nest.
pub fn innermost(ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open: Vec<(u64, usize)> = Vec::new();
    let mut at = 0;
    for (index, range) in ranges.into_iter().enumerate() {
        debug_assert!(at <= range.start, "ranges are sorted by their start");
        if range.start < range.end {
            close(&mut parts, &mut open, at, range.start);
            open.push((range.end, index));
            at = range.start;
        }
    }
    close(&mut parts, &mut open, at, u64::MAX);
    parts
}

/// Hands the numbers from `at` to `until` to the open ranges, the last opened first, and drops those
/// that end there.
fn close(parts: &mut Vec<Part>, open: &mut Vec<(u64, usize)>, mut at: u64, until: u64) {
    while let Some(&(end, index)) = open.last() {
        let stop = end.min(until);
        if at < stop {
            parts.push(Part {
                range: at..stop,
                index,
            });
            at = stop;
        }
        if end > until {
            return;
        }
        open.pop();
    }
}

/// The part of sorted `parts` that holds `number`.
pub fn part_at(parts: &[Part], number: u64) -> Option<&Part> {
    let behind = parts.partition_point(|part| part.range.start <= number);
    parts
        .get(behind.checked_sub(1)?)
        .filter(|part| number < part.range.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_belongs_to_the_last_range_that_holds_it(
            mut ranges in proptest::collection::vec((0..60u64, 0..40u64), 0..12)
        ) {
            ranges.sort_by_key(|range| range.0);
            let ranges: Vec<_> = ranges.into_iter().map(|(start, length)| start..start + length).collect();
            let parts = innermost(ranges.iter().cloned());
            prop_assert!(parts.len() <= 2 * ranges.len());
            prop_assert!(parts.iter().all(|part| part.range.start < part.range.end));
            prop_assert!(parts.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
            for number in 0..110 {
                let naive = ranges.iter().rposition(|range| range.contains(&number));
                prop_assert_eq!(part_at(&parts, number).map(|part| part.index), naive);
            }
        }
    }

    #[test]
    fn deep_nests_are_cheap() {
        let deep = 1 << 18;
        let parts = innermost((0..deep).map(|i| i..(2 * deep - i)));
        assert_eq!(parts.len() as u64, 2 * deep - 1);
    }
}
