//! What is known of a container while it is open: which of its bytes are accounted for, and what is wrong with it.

use super::item::Fault;
use super::sniff;
use crate::bytes::is_zero;
use std::ops::Range;

/// A container that is open. Ranges are of its bytes.
#[derive(Default)]
pub struct Frame {
    /// What was given on or unpacked.
    pub covered: Vec<Range<u64>>,
    /// What is its own, as a directory, or cannot be opened.
    pub structure: Vec<Range<u64>>,
    pub faults: Vec<Fault>,
    /// Faults beyond those kept.
    pub faults_omitted: u64,
    /// Members.
    pub count: u64,
}

impl Frame {
    /// Keeps a fault, or counts it.
    pub fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.faults_omitted += 1;
        }
    }

    /// Faults so far.
    pub fn fault_count(&self) -> u64 {
        self.faults.len() as u64 + self.faults_omitted
    }

    /// What is neither member nor structure yet of a container of `length` bytes.
    pub fn gaps(&self, length: u64) -> Vec<Range<u64>> {
        let mut taken = self.covered.clone();
        taken.extend(self.structure.iter().cloned());
        merge(&mut taken);
        let mut gaps = Vec::new();
        let mut at = 0;
        for range in taken {
            if at < range.start.min(length) {
                gaps.push(at..range.start.min(length));
            }
            at = at.max(range.end);
        }
        if at < length {
            gaps.push(at..length);
        }
        gaps
    }

    /// The gaps of the container `data` that are worth a scan of their own, without the padding before them.
    pub fn rests(&self, data: &[u8]) -> Vec<Range<u64>> {
        let rest = |gap: Range<u64>| {
            let bytes = data.get(gap.start as usize..gap.end as usize)?;
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count() as u64;
            // Padding before what was appended: in whole blocks, or up to what is packed.
            let is_begin = |at: u64| bytes.get(at as usize..).and_then(sniff).is_some();
            let padding = match is_begin(zeros) {
                true => zeros,
                false => zeros / SECTOR * SECTOR,
            };
            let start = gap.start + padding;
            let tail = bytes.get(padding as usize..)?;
            // A packed tail is opened however short it is.
            let is_packed = || {
                let looks_real = sniff(tail).and_then(|container| container.looks_real);
                looks_real.is_some_and(|looks_real| looks_real(tail))
            };
            let is_worth = gap.end - start >= LEAST_REST || is_packed();
            (is_worth && !is_zero(bytes)).then_some(start..gap.end)
        };
        let gaps = self.gaps(data.len() as u64);
        gaps.into_iter().filter_map(rest).collect()
    }
}

/// Sorts ranges and puts together those that touch.
pub fn merge(ranges: &mut Vec<Range<u64>>) {
    ranges.retain(|range| range.start < range.end);
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
}

/// Faults kept of one container.
const MAX_FAULTS: usize = 100;

/// Bytes of slack that are worth a scan of their own; smaller ones are searched with the container's bytes.
const LEAST_REST: u64 = 1024;

/// Padding comes in blocks of this size.
const SECTOR: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_claims_is_left() {
        let frame = Frame {
            covered: vec![10..20, 15..30, 90..200],
            structure: vec![30..40, 60..60],
            ..Frame::default()
        };
        assert_eq!(frame.gaps(100), [0..10, 40..90]);
        assert_eq!(frame.gaps(41), [0..10, 40..41]);
    }

    #[test]
    fn slack_is_scanned_when_it_is_large_or_packed() {
        let frame = Frame {
            covered: vec![0..600, 600..1000],
            ..Frame::default()
        };
        let rest = |data: &[u8]| match &frame.rests(data)[..] {
            [] => None,
            [rest] => Some(rest.clone()),
            more => panic!("{} pieces", more.len()),
        };
        let mut data = vec![7; 1000];
        data.resize(1600, 0);
        data.extend([1; 1023]);
        // 600 zeros are one block of padding.
        assert_eq!(rest(&data), Some(1512..2623));
        data.truncate(2535);
        assert_eq!(rest(&data), None);
        data.truncate(1000);
        data.extend(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0");
        assert_eq!(rest(&data), Some(1000..1020));
        data.truncate(1000);
        data.resize(5000, 0);
        assert_eq!(rest(&data), None);
    }
}
