//! Where in a block scalars may start.

use super::needles::Needles;
use crate::sweep::Depth;
use crate::sweep::codec::{Class, Codec};
use crate::sweep::points::is_flat;
use crate::sweep::runs::{EDGE, each_run};
use crate::sweep::space::Block;
use std::ops::Range;

/// Ranges of offsets at which numbers may start, by class of memory.
#[derive(Default)]
pub(super) struct Spans {
    /// The offsets that belong to the block.
    own: Range<usize>,
    is_deep: bool,
    /// Offsets at which windows of any size may start: next to a public half, or all of a run.
    random: Vec<Range<usize>>,
    /// The same for encodings that are aligned: near a public half, or in what an object holds.
    aligned: Vec<Range<usize>>,
    /// Runs hardly longer than a number.
    short: Vec<Range<usize>>,
    /// Runs of digits.
    digits: Vec<(Class, Range<usize>)>,
}

impl Spans {
    /// Those of `block`, and where public halves lie in it.
    pub(super) fn of(
        block: &Block<'_>,
        needles: &Needles,
        sizes: &[u32],
        depth: Depth,
    ) -> (Self, Vec<Range<usize>>) {
        let mut spans = Self {
            own: block.own.clone(),
            is_deep: depth.is_deep,
            ..Self::default()
        };
        let mut halves = Vec::new();
        let longest = sizes
            .iter()
            .max()
            .map_or(0, |bits| bits.div_ceil(8) as usize);
        let least = sizes.iter().min().copied().unwrap_or_default();
        each_run(block, &Class::ALL, least, |class, run| {
            if class != Class::Random {
                spans.digits.push((class, run));
                return;
            }
            needles.each(block.bytes, run.start.saturating_sub(EDGE), run.end, |at| {
                halves.push(at..at + longest.min(32));
            });
            if depth.is_deep {
                spans.random.push(run.start.saturating_sub(EDGE)..run.end);
                spans.aligned.push(run.start.saturating_sub(EDGE)..run.end);
            } else if !block.is_module {
                spans.short.extend(parts(block, &run, longest + SPARE));
                if run.len() <= longest + SPARE {
                    spans.short.push(run);
                }
            }
        });
        let near = |reach: usize| {
            move |half: &Range<usize>| half.start.saturating_sub(reach)..half.end + reach
        };
        spans.random.extend(halves.iter().map(near(NEAR)));
        spans.aligned.extend(halves.iter().map(near(NEAR_ALIGNED)));
        merge(&mut spans.random);
        merge(&mut spans.aligned);
        halves.retain(|half| block.own.contains(&half.start));
        (spans, halves)
    }

    /// Every aligned offset in `ranges`.
    pub(super) fn near(ranges: Vec<Range<usize>>, block: &Block<'_>) -> Self {
        let mut spans = Self {
            own: block.own.clone(),
            aligned: ranges,
            ..Self::default()
        };
        merge(&mut spans.aligned);
        spans
    }

    /// The offsets at which a number of `length` bytes may start in this encoding.
    pub(super) fn of_codec(
        &self,
        codec: &Codec,
        length: usize,
    ) -> impl Iterator<Item = Range<usize>> {
        let is_random = codec.class() == Class::Random;
        let ranges = match codec.step(8) > 1 {
            true => &self.aligned,
            false => &self.random,
        };
        let digits = self.digits_of(codec, length).filter(|_| self.is_deep);
        let random = ranges.iter().filter(move |_| is_random).cloned();
        random.chain(digits).map(|range| self.own_part(range))
    }

    /// The same in runs hardly longer than the number, where it has to begin or end as the run does.
    pub(super) fn of_runs(
        &self,
        codec: &Codec,
        length: usize,
    ) -> impl Iterator<Item = Range<usize>> {
        let is_random = codec.class() == Class::Random;
        let fits =
            move |run: &Range<usize>| run.len() + 2 * EDGE >= length && run.len() <= length + SPARE;
        let short = self
            .short
            .iter()
            .filter(move |run| is_random && fits(run))
            .map(move |run| {
                let end = (run.end + EDGE).saturating_sub(length) + 1;
                run.start.saturating_sub(EDGE)..end
            });
        let digits = self.digits_of(codec, length).filter(|_| !self.is_deep);
        short.chain(digits).map(|range| self.own_part(range))
    }

    /// Where digits of a number of `length` bytes may start.
    fn digits_of(&self, codec: &Codec, length: usize) -> impl Iterator<Item = Range<usize>> {
        let class = codec.class();
        let runs = self
            .digits
            .iter()
            .filter(move |(of, run)| *of == class && (self.is_deep || run.len() <= length + SPARE));
        runs.map(move |(_, run)| {
            // At either end one digit in 2^8 does not look like those of a run.
            let end = (run.end + ONE_DIGIT).saturating_sub(length) + 1;
            let start = run.start.saturating_sub(ONE_DIGIT);
            start..end.max(start)
        })
    }

    fn own_part(&self, range: Range<usize>) -> Range<usize> {
        range.start.max(self.own.start)..range.end.min(self.own.end)
    }
}

/// The parts of a run between words that look like small numbers and addresses, if there are such words: of those no longer
/// than `most`. Text and other numbers beside a number that are parted from it by such a word may look random too.
fn parts(block: &Block<'_>, run: &Range<usize>, most: usize) -> Vec<Range<usize>> {
    let (first, _) = block.first_aligned(run.start, 8);
    let mut parts = Vec::new();
    let mut start = run.start;
    let mut take = |part: Range<usize>| {
        if (PART..=most).contains(&part.len()) && part != *run {
            parts.push(part);
        }
    };
    for at in (first..(run.end + 1).saturating_sub(8)).step_by(8) {
        if is_flat(block, at) {
            take(start..at.max(start));
            start = at + 8;
        }
    }
    take(start..run.end.max(start));
    parts
}

/// Sorts ranges and joins those that touch.
fn merge(ranges: &mut Vec<Range<usize>>) {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    *ranges = merged;
}

/// Bytes on both sides of a public half at which big-endian numbers may start: those of the same structure.
pub(super) const NEAR: usize = 160;

/// Bytes on both sides of a public half at which aligned numbers may start: those allocated with it.
pub(super) const NEAR_ALIGNED: usize = 512;

/// Bytes by which a run may be longer than a number that fills it: another number of the same kind may follow, as the
/// prefix behind the scalar of an expanded Ed25519 key (RFC 8032, section 5.1.6).
const SPARE: usize = 40;

/// Bytes of the words that the shortest number fills wherever it starts.
const PART: usize = 24;

/// Bytes of the digit at either end, which may be too small to belong to a run.
const ONE_DIGIT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_parted_by_flat_words() {
        let mut bytes = vec![0x5a; 256];
        let parts_of = |bytes: &[u8], run| {
            let block = Block {
                address: Some(0x7004),
                ..Block::whole(bytes)
            };
            parts(&block, &run, 72)
        };
        assert!(parts_of(&bytes, 0..256).is_empty());
        assert!(parts_of(&bytes, 8..60).is_empty());
        // Words start at offsets of which the address is a multiple of eight.
        for (at, word) in [(68, 3u64), (108, 0x7f12_3456_7890), (132, u64::MAX)] {
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        assert_eq!(parts_of(&bytes, 0..256), [0..68, 76..108]);
        assert_eq!(parts_of(&bytes, 30..200), [30..68, 76..108, 140..200]);
        let one = std::iter::once(76..104);
        assert!(parts_of(&bytes, 60..104).into_iter().eq(one));
    }
}
