//! From a gram to what stands round it: how much of a number agrees, to both sides.

use super::grams::{Index, Pattern, Width};
use super::written::{Form, LEAST_BITS, counts_whole_bytes};
use crate::finding::Fragment;
use crate::text::Encoding;
use std::ops::Range;

/// Bytes that agree with a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The number.
    pub number: usize,
    /// How it is written.
    pub form: Form,
    /// The encoding's name in reports.
    pub encoding: &'static str,
    /// Where, in the bytes that were searched.
    pub range: Range<usize>,
    /// How much it is, unless it is all of the number.
    pub fragment: Option<Fragment>,
}

/// Memory that is searched.
pub struct Ground<'g> {
    /// Its bytes.
    pub data: &'g [u8],
    /// The address of a byte.
    pub address: &'g dyn Fn(usize) -> Option<u64>,
    /// The bytes round one that lay together in memory.
    pub together: &'g dyn Fn(usize) -> Range<usize>,
}

/// The runs in the ground of which a gram starts in `own`, at most [`MOST_RUNS`].
pub fn find(index: &Index, ground: &Ground<'_>, own: Range<usize>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    index.each(ground.data, own, |at, width, pattern, offset| {
        // The other grams of a run that was seen, which are the last ones by far the most often.
        let is_seen = runs.iter().rev().take(RECENT).any(|run| {
            run.number == pattern.number
                && run.form == pattern.form
                && run.range.start <= at
                && at < run.range.end
        });
        if is_seen || runs.len() == MOST_RUNS {
            return;
        }
        let near = (ground.together)(at);
        let (Some(data), Some(inside)) =
            (ground.data.get(near.clone()), at.checked_sub(near.start))
        else {
            return;
        };
        let run = match pattern.form {
            Form::Raw(_) => raw(index, pattern, data, inside, offset),
            _ => {
                let address = |at: usize| {
                    let at = near.start + at;
                    (ground.address)(at).unwrap_or(at as u64)
                };
                text(index, pattern, data, (inside, offset), width, &address)
            }
        };
        runs.extend(run.map(|run| Run {
            range: near.start + run.range.start..near.start + run.range.end,
            ..run
        }));
    });
    runs
}

/// How far the bytes round `at`, where those of `pattern` from `offset` on stand, agree.
fn raw(index: &Index, pattern: &Pattern, data: &[u8], at: usize, offset: usize) -> Option<Run> {
    let Form::Raw(codec) = pattern.form else {
        return None;
    };
    let all = index.bytes(pattern);
    let (before, behind) = (data.get(..at)?, data.get(at..)?);
    let backwards = before.iter().rev().zip(all.get(..offset)?.iter().rev());
    let back = backwards.take_while(|(one, other)| one == other).count();
    let forwards = behind.iter().zip(all.get(offset..)?);
    let forth = forwards.take_while(|(one, other)| one == other).count();
    let (first, end) = (offset - back, offset + forth);
    let size = codec.digit().bytes();
    let bits = if counts_whole_bytes(codec) {
        8 * (end - first)
    } else {
        (end / size).saturating_sub(first.div_ceil(size)) * codec.digit().bits() as usize
    };
    let is_whole = first == 0 && end == all.len();
    let counts = (is_whole || bits >= LEAST_BITS as usize)
        && distinct(all.get(first..end)?) >= pattern.form.fewest_distinct();
    counts.then(|| Run {
        number: pattern.number,
        form: pattern.form,
        encoding: "raw",
        range: at - back..at + forth,
        fragment: (!is_whole).then_some(Fragment {
            present: (end - first) as u64,
            expected: Some(all.len() as u64),
        }),
    })
}

/// How far the characters round a gram agree.
fn text(
    index: &Index,
    pattern: &Pattern,
    data: &[u8],
    (mut at, offset): (usize, usize),
    width: Width,
    address: &dyn Fn(usize) -> u64,
) -> Option<Run> {
    let digits = index.digits(pattern);
    let step = width.bytes();
    let digit = if pattern.is_separated {
        // The gram may begin with a separator.
        at += step * usize::from(offset % 3 == 2);
        offset / 3 * 2 + offset % 3
    } else {
        offset
    };
    let view = Characters {
        data,
        step,
        form: pattern.form,
    };
    let (first, start) = view.back(digits, digit, at);
    let (end, behind) = view.forth(digits, digit, at);
    let found = digits.get(first..end)?;
    let is_whole = first == 0 && end == digits.len();
    let counts = (is_whole || found.len() >= pattern.form.fewest()?)
        && distinct(found) >= pattern.form.fewest_distinct();
    if !counts {
        return None;
    }
    let (mut start, mut behind) = (start, behind);
    if first == 0 && pattern.edges.0 {
        start = view.digit_before(start, |_| true).unwrap_or(start);
    }
    if end == digits.len() && pattern.edges.1 {
        behind = view
            .digit_from(behind, |_| true)
            .map_or(behind, |last| last + step);
    }
    let (range, encoding) = match width {
        Width::One => (start..behind, Encoding::Ascii),
        // Wide characters begin at even addresses; big-endian ones begin with the zero.
        Width::Two if address(start).is_multiple_of(2) => {
            (start..behind.min(data.len()), Encoding::Utf16Le)
        }
        Width::Two => (start.saturating_sub(1)..behind - 1, Encoding::Utf16Be),
    };
    Some(Run {
        number: pattern.number,
        form: pattern.form,
        encoding: encoding.name(),
        range,
        fragment: (!is_whole).then_some(Fragment {
            present: (found.len() * step) as u64,
            expected: Some((digits.len() * step) as u64),
        }),
    })
}

/// Text of one form in memory, each character `step` bytes behind the last.
struct Characters<'d> {
    data: &'d [u8],
    step: usize,
    form: Form,
}

impl Characters<'_> {
    /// The first of `digits` that stands before `digit`, which is at `at`, with all between them, and its place.
    fn back(&self, digits: &[u8], digit: usize, at: usize) -> (usize, usize) {
        let (mut first, mut place) = (digit, at);
        while let Some(wanted) = first.checked_sub(1).and_then(|last| digits.get(last)) {
            let Some(before) = self.digit_before(place, |found| found == *wanted) else {
                break;
            };
            (first, place) = (first - 1, before);
        }
        (first, place)
    }

    /// The end of `digits` that stand from `digit` on, which is at `at`, and the place behind the last.
    fn forth(&self, digits: &[u8], digit: usize, at: usize) -> (usize, usize) {
        if self.digit(at).as_ref() != digits.get(digit) {
            return (digit, at);
        }
        let (mut end, mut behind) = (digit + 1, at + self.step);
        while let Some(wanted) = digits.get(end) {
            let Some(next) = self.digit_from(behind, |found| found == *wanted) else {
                break;
            };
            (end, behind) = (end + 1, next + self.step);
        }
        (end, behind)
    }

    /// The last digit before `place`, over separators, if it is a wanted one.
    fn digit_before(&self, place: usize, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
        let mut at = place;
        for _ in 0..=MOST_SEPARATORS {
            let before = self.before(at)?;
            if self.is_escape(before) {
                at = self.before(before)?;
            } else if self.digit(before).is_some_and(&is_wanted) {
                return Some(before);
            } else if self.is_separator(before) {
                at = before;
            } else {
                return None;
            }
        }
        None
    }

    /// The first digit from `place` on, over separators, if it is a wanted one.
    fn digit_from(&self, place: usize, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
        let mut at = place;
        for _ in 0..=MOST_SEPARATORS {
            if !self.is_joined(at) {
                return None;
            } else if self.digit(at).is_some_and(&is_wanted) {
                return Some(at);
            } else if self.is_escape(at + self.step) {
                at += 2 * self.step;
            } else if self.is_separator(at) {
                at += self.step;
            } else {
                return None;
            }
        }
        None
    }

    /// The place before `at`.
    fn before(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(self.step)?;
        self.is_joined(at).then_some(before)
    }

    /// Whether a character at `at` follows the one before: the byte between them is zero if they are wide.
    fn is_joined(&self, at: usize) -> bool {
        self.step == 1 || at.checked_sub(1).and_then(|at| self.data.get(at)) == Some(&0)
    }

    fn character(&self, at: usize) -> Option<u8> {
        self.data.get(at).copied()
    }

    fn digit(&self, at: usize) -> Option<u8> {
        self.form.digit(self.character(at)?)
    }

    /// A break, or the backslash of an escaped slash or of a line that goes on.
    fn is_separator(&self, at: usize) -> bool {
        self.character(at).is_some_and(|character| {
            self.form.is_separator(character)
                || (character == b'\\'
                    && matches!(
                        self.character(at + self.step),
                        Some(b'/' | b'\r' | b'\n' | b'\\')
                    ))
        })
    }

    /// The letter of a line break that is written as an escape, after its backslash.
    fn is_escape(&self, at: usize) -> bool {
        matches!(self.character(at), Some(b'n' | b'r'))
            && at
                .checked_sub(self.step)
                .and_then(|before| self.character(before))
                == Some(b'\\')
    }
}

/// How many different bytes there are.
fn distinct(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    seen.into_iter().filter(|seen| *seen).count()
}

/// Runs seen last that a gram is compared with.
const RECENT: usize = 16;

/// Separators between two digits: a line break and an indentation.
const MOST_SEPARATORS: usize = 32;

/// Runs in the bytes of one call at most.
pub const MOST_RUNS: usize = 1 << 13;
