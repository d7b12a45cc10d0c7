//! Sets of addresses: how much memory a dump speaks of and does not hold, and what lies where.

use std::ops::Range;

/// A set of addresses.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    ranges: Vec<Range<u64>>,
}

impl Spans {
    /// Adds `length` addresses from `start` on.
    pub fn add(&mut self, start: u64, length: u64) {
        if length > 0 && self.ranges.len() < super::draft::MAX_ENTRIES {
            self.ranges.push(start..start.saturating_add(length));
        }
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many addresses are in this set and not in `other`.
    pub fn without(&self, other: &Self) -> u64 {
        let union = Self {
            ranges: [&self.ranges[..], &other.ranges].concat(),
        };
        union.size() - other.size()
    }

    /// The same set for look-up: ranges that overlap are one, ranges that only touch are not.
    pub fn sorted(mut self) -> SortedSpans {
        self.ranges
            .sort_unstable_by_key(|range| (range.start, range.end));
        self.ranges.dedup_by(|range, before| {
            let overlaps = range.start < before.end;
            if overlaps {
                before.end = before.end.max(range.end);
            }
            overlaps
        });
        SortedSpans {
            ranges: self.ranges,
        }
    }

    fn size(&self) -> u64 {
        let sorted = self.clone().sorted();
        sorted.ranges.iter().fold(0u64, |size, range| {
            size.saturating_add(range.end - range.start)
        })
    }
}

/// A set of addresses that answers where one lies.
#[derive(Debug, Default)]
pub struct SortedSpans {
    ranges: Vec<Range<u64>>,
}

impl SortedSpans {
    /// The range that holds `address`.
    pub fn around(&self, address: u64) -> Option<Range<u64>> {
        let behind = self.ranges.partition_point(|range| range.start <= address);
        self.ranges
            .get(behind.checked_sub(1)?)
            .filter(|range| address < range.end)
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_count_every_address_once() {
        let mut declared = Spans::default();
        let mut held = Spans::default();
        assert!(declared.is_empty());
        declared.add(100, 50);
        declared.add(120, 80);
        held.add(90, 20);
        held.add(199, 100);
        assert_eq!(declared.without(&held), 89);
        assert_eq!(held.without(&declared), 109);
        declared.add(u64::MAX, 10);
        assert_eq!(declared.without(&declared), 0);
    }

    #[test]
    fn look_up_joins_what_overlaps_and_keeps_what_touches() {
        let mut spans = Spans::default();
        for (start, length) in [(300, 10), (100, 50), (120, 80), (110, 5), (200, 10)] {
            spans.add(start, length);
        }
        let sorted = spans.sorted();
        assert_eq!(sorted.around(99), None);
        assert_eq!(sorted.around(130), Some(100..200));
        assert_eq!(sorted.around(200), Some(200..210));
        assert_eq!(sorted.around(309), Some(300..310));
        assert_eq!(sorted.around(310), None);
    }
}
