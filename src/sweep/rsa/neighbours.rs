//! Two windows near one another that may be the CRT exponents of a modulus.
//!
//! Where they lie side by side (structures, DER, key blobs, arrays one behind the other), what lies between them is a
//! header. Where each lies by itself, it is a run by itself: then all such numbers of a block meet.

use super::group::Member;
use super::look::Look;
use super::ratios::fraction;
use crate::crypto::rsa_search::ExponentPairs;
use crate::sweep::codec::Class;
use crate::sweep::runs::EDGE;
use crate::sweep::space::REACH;
use crate::sweep::windows::{Form, Sought, buffer, is_bounded};
use std::ops::Range;
use zeroize::Zeroizing;

/// A number that begins or ends where its run does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    form: usize,
    at: usize,
}

/// Numbers that may be the other exponent, and where they start. The buffer is used again.
#[derive(Default)]
pub struct Partners {
    limbs: usize,
    numbers: Zeroizing<Vec<u64>>,
    starts: Vec<usize>,
}

impl Partners {
    /// Room for the most that lie beside one number, of so many limbs.
    pub fn new(limbs: usize) -> Self {
        let most = GAPS.into_iter().flatten().count().max(MOST_WORDS / 4 + 1);
        Self {
            limbs,
            numbers: buffer(limbs * most),
            starts: Vec::with_capacity(most),
        }
    }

    fn clear(&mut self) {
        self.starts.clear();
    }

    /// Adds what `load` loads at `at`, if it says so.
    fn add(&mut self, at: usize, load: impl FnOnce(&mut [u64]) -> bool) {
        let first = self.starts.len() * self.limbs;
        if let Some(room) = self.numbers.get_mut(first..first + self.limbs)
            && load(room)
        {
            self.starts.push(at);
        }
    }

    fn each(&self) -> impl Iterator<Item = (usize, &[u64])> {
        self.starts
            .iter()
            .copied()
            .zip(self.numbers.chunks_exact(self.limbs.max(1)))
    }
}

/// Looks behind the window at `at` for the other exponent. `one` is overwritten.
pub fn beside(
    look: &mut Look<'_>,
    halves: &Sought,
    form: &Form,
    at: usize,
    run: &Range<usize>,
    one: &mut [u64],
) {
    let bytes = look.block.bytes;
    let unit = form.codec.step(look.block.pointer);
    let first = at + form.length;
    let end = (run.end + EDGE).min(bytes.len());
    if first + form.length > end {
        return;
    }
    let mut partners = std::mem::take(&mut look.partners);
    partners.clear();
    let mut add = |gap: usize| {
        let next = first + gap;
        if next + form.length <= end && halves.may_be(form, bytes, next) {
            partners.add(next, |number| halves.load(form, bytes, next, number));
        }
    };
    if unit == 1 {
        let behind = bytes.get(first..end).unwrap_or_default();
        // Most windows have no length behind them.
        let lengths = [form.length as u8, (form.length + 1) as u8];
        let header = behind.iter().take(HEADER);
        let has_length = header.fold(false, |has, byte| has | lengths.contains(byte));
        let gaps = if has_length { &GAPS[..] } else { &GAPS[..1] };
        gaps.iter()
            .cloned()
            .flatten()
            .filter(|gap| may_separate(behind.get(..*gap).unwrap_or_default(), form.length))
            .for_each(add);
    } else {
        // Where words have eight bytes, so has the unit of whoever hands out memory.
        let unit = unit.max(look.block.pointer);
        let least = (unit - form.length % unit) % unit;
        (least..=MOST_WORDS).step_by(unit).for_each(&mut add);
    }
    if !partners.starts.is_empty() && halves.load(form, bytes, at, one) {
        meet(look, form, (at, one), || partners.each());
    }
    look.partners = partners;
}

/// Whether these bytes may stand between two big-endian numbers of `length` bytes: nothing, or a header that ends
/// with the length of the second one, and with a zero byte before its highest bit.
fn may_separate(between: &[u8], length: usize) -> bool {
    let is_length = |value: usize| (length..=length + 1).contains(&value);
    let word = |size: usize, back: usize| {
        let start = between.len().checked_sub(size + back)?;
        let bytes = between.get(start..start + size)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | usize::from(*byte)),
        )
    };
    let zero_on_top = usize::from(between.last() == Some(&0));
    match between.len() {
        0 => true,
        // DER and SSH: the lowest byte of the length stands last.
        2..=6 => [0, zero_on_top].iter().any(|back| {
            word(1, *back).is_some_and(|low| {
                is_length((length & !0xff) | low) || is_length(((length + 1) & !0xff) | low)
            })
        }),
        // Arrays: the length in four bytes, or in eight.
        16..=25 => [4, 8].iter().any(|size| {
            [0, zero_on_top]
                .iter()
                .any(|back| word(*size, *back).is_some_and(is_length))
        }),
        _ => false,
    }
}

/// Keeps the windows at the edges of a run.
pub fn keep_edges(look: &mut Look<'_>, class: Class, run: &Range<usize>) {
    let Some(halves) = &look.group.halves else {
        return;
    };
    let all = 0..look.block.bytes.len();
    let edges = &mut look.edges;
    let mut is_cut = false;
    let bytes = look.block.bytes;
    halves.edges(look.block, (class, run), &all, |form, at| {
        let of = halves.forms().get(form);
        let window = of.map_or(at..at, |form| at..at + form.length);
        if class == Class::Random && !is_bounded(bytes, window) {
            return;
        }
        if edges.len() < MAX_EDGES {
            edges.push(Edge { form, at });
        } else {
            is_cut = true;
        }
    });
    look.cut.pairs |= is_cut;
}

/// Brings together the numbers at edges of which the first starts in the block.
pub fn at_edges(look: &mut Look<'_>) {
    let Some(halves) = &look.group.halves else {
        return;
    };
    let mut edges = std::mem::take(&mut look.edges);
    edges.sort_unstable();
    edges.dedup();
    for (index, form) in halves.forms().iter().enumerate() {
        let of_form = edges.iter().filter(|edge| edge.form == index);
        let starts: Vec<usize> = of_form.map(|edge| edge.at).collect();
        alone(look, halves, form, &starts);
    }
}

/// Brings each of the numbers that start at `starts` together with those that begin up to [`REACH`] bytes before.
fn alone(look: &mut Look<'_>, halves: &Sought, form: &Form, starts: &[usize]) {
    let bytes = look.block.bytes;
    let mut number = buffer(halves.limbs());
    let mut before: Vec<(usize, Zeroizing<Vec<u64>>)> = Vec::new();
    for &at in starts {
        let farthest = before.len().saturating_sub(MAX_NEAR);
        before.drain(..farthest);
        before.retain(|(first, _)| first + REACH >= at);
        if !halves.load(form, bytes, at, &mut number) {
            continue;
        }
        let end = before.partition_point(|(first, _)| first + form.length <= at);
        if let Some(near) = before.get(..end)
            && !near.is_empty()
        {
            meet(look, form, (at, &number), || {
                near.iter().map(|(at, number)| (*at, number.as_slice()))
            });
        }
        if look.block.own.contains(&at) {
            before.push((at, Zeroizing::new(number.to_vec())));
        }
    }
}

/// Tries one number with each of its partners, for each modulus.
fn meet<'n, I: Iterator<Item = (usize, &'n [u64])>>(
    look: &mut Look<'_>,
    form: &Form,
    (at, one): (usize, &[u64]),
    partners: impl Fn() -> I,
) {
    let group = look.group;
    let ratios = &group.ratios;
    let fraction = fraction(one);
    for (next, other) in partners() {
        let Some(left) = look.pairs.checked_sub(ratios.cost()) else {
            look.cut.pairs = true;
            return;
        };
        look.pairs = left;
        ratios.near_integers(fraction * self::fraction(other), |member| {
            let Some(member) = group.members.get(member) else {
                return;
            };
            if let Some(pairs) = &member.pairs
                && pairs.with(one).may_be_number(other)
            {
                confirm(look, member, pairs, form, [(at, one), (next, other)]);
            }
        });
    }
    for member in ratios.others().filter_map(|index| group.members.get(index)) {
        let Some(pairs) = &member.pairs else { continue };
        let partner = pairs.with(one);
        for (next, other) in partners() {
            let Some(left) = look.pairs.checked_sub(COST_OF_ONE) else {
                look.cut.pairs = true;
                return;
            };
            look.pairs = left;
            if partner.may_be_number(other) {
                confirm(look, member, pairs, form, [(at, one), (next, other)]);
            }
        }
    }
}

fn confirm(
    look: &mut Look<'_>,
    member: &Member,
    pairs: &ExponentPairs,
    form: &Form,
    [(at, one), (next, other)]: [(usize, &[u64]); 2],
) {
    if look.is_done(member) {
        return;
    }
    if !look.may_confirm() {
        look.cut.pairs = true;
        return;
    }
    let place = |at: usize| (form.codec, "crt-exponent", at..at + form.length);
    look.take(member, pairs.factor(one, other), [place(at), place(next)]);
}

/// Bytes between big-endian numbers: none, a header of DER or SSH, that of an array.
const GAPS: [Range<usize>; 3] = [0..1, 2..7, 16..26];

/// Bytes in which the lowest byte of a length lies before the longest gap.
const HEADER: usize = 26;

/// The most bytes between numbers of words.
const MOST_WORDS: usize = 64;

/// Numbers by themselves that one is brought together with: the nearest.
const MAX_NEAR: usize = 64;

/// Numbers by themselves in one block.
const MAX_EDGES: usize = 1 << 16;

/// What a look at a pair for an unusual public exponent costs, in looks for a usual one.
const COST_OF_ONE: u32 = 32;
