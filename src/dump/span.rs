//! Sets of addresses as sorted ranges: how much memory a dump speaks of and does not hold.

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
        let union = Self { ranges: [&self.ranges[..], &other.ranges].concat() };
        union.size() - other.size()
    }

    fn size(&self) -> u64 {
        let mut sorted = self.ranges.clone();
        sorted.sort_unstable_by_key(|range| (range.start, range.end));
        let mut reached = 0;
        sorted.iter().fold(0u64, |size, range| {
            let start = range.start.max(reached);
            reached = reached.max(range.end);
            size.saturating_add(range.end.saturating_sub(start))
        })
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
}
