//! Finds any piece of many byte strings in memory at once, at any offset, in time that hardly depends on their number.
//!
//! A gram is eight bytes of a string. Of the strings all grams are kept, those at every offset; of memory only
//! the grams side by side are looked up. Whatever piece of 15 bytes stands in memory holds one of these whole. Long
//! strings need fewer: see [`super::written::Written::every`].
//!
//! A lookup is a bit in a [`Index::filter`] of some hundred KiB for one key, which one or two of a hundred grams of
//! memory pass; then a hash table tells. Characters of UTF-16 are looked up as the grams of their low bytes.

use super::simd_grams::{GROUP, Kernel, LINE, Look};
use super::written::{Form, GRAM, Written};
use std::ops::Range;
use zeroize::Zeroizing;

/// One string that is looked for.
pub struct Pattern {
    /// The number it belongs to.
    pub number: usize,
    /// How it is written.
    pub form: Form,
    /// Where it is kept.
    bytes: Range<usize>,
    digits: Range<usize>,
    /// A separator stands behind every second digit.
    pub is_separated: bool,
    /// Bits of the number stand in the character before and in that behind too.
    pub edges: (bool, bool),
}

/// The grams of many strings.
pub struct Index {
    /// The strings, one behind the other.
    arena: Zeroizing<Vec<u8>>,
    /// By their place in it.
    patterns: Vec<Pattern>,
    /// A bit for each hash of a gram.
    filter: Zeroizing<Vec<u64>>,
    filter_shift: u32,
    /// A hash table with open addressing: the place of a gram in the arena, and one; zero for none.
    slots: Vec<u32>,
    slot_shift: u32,
}

/// How many bytes of memory a character of a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One: ASCII, or bytes that are no text.
    One,
    /// Two: UTF-16.
    Two,
}

impl Width {
    /// Bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl Index {
    /// For strings and the number that each belongs to.
    pub fn new(strings: &[(usize, Written)]) -> Self {
        let lengths = strings.iter().map(|(_, written)| {
            written.bytes.len() + written.digits.as_ref().map_or(0, |digits| digits.len())
        });
        // Room for all of it from the start: a vector that grows leaves copies behind.
        let mut arena = Zeroizing::new(Vec::with_capacity(lengths.sum()));
        let mut keep = |bytes: &[u8]| {
            arena.extend_from_slice(bytes);
            arena.len() - bytes.len()..arena.len()
        };
        let patterns: Vec<Pattern> = strings
            .iter()
            .map(|(number, written)| {
                let bytes = keep(&written.bytes);
                Pattern {
                    number: *number,
                    form: written.form,
                    digits: written
                        .digits
                        .as_ref()
                        .map_or(bytes.clone(), |digits| keep(digits)),
                    bytes,
                    is_separated: written.is_separated,
                    edges: written.edges,
                }
            })
            .collect();
        let grams: usize = strings.iter().map(|(_, written)| count(written)).sum();
        let bits = |least: usize| least.next_power_of_two().ilog2();
        let (filter_bits, slot_bits) = (
            bits(BITS_PER_GRAM * grams).clamp(12, MOST_FILTER_BITS),
            bits(2 * grams + 1),
        );
        let mut index = Self {
            arena,
            patterns,
            filter: Zeroizing::new(vec![0; 1 << (filter_bits - 6)]),
            filter_shift: u64::BITS - filter_bits,
            slots: vec![0; 1 << slot_bits],
            slot_shift: u64::BITS - slot_bits,
        };
        for (pattern, (_, written)) in strings.iter().enumerate() {
            let start = index.patterns.get(pattern).map_or(0, |one| one.bytes.start);
            for (offset, gram) in chosen(written) {
                index.insert(gram, start + offset);
            }
        }
        index
    }

    /// The bytes of a string.
    pub fn bytes(&self, pattern: &Pattern) -> &[u8] {
        self.arena.get(pattern.bytes.clone()).unwrap_or_default()
    }

    /// The digits of a text in one spelling.
    pub fn digits(&self, pattern: &Pattern) -> &[u8] {
        self.arena.get(pattern.digits.clone()).unwrap_or_default()
    }

    /// Calls `found` with each place in `own` where a gram stands, and with where it stands in which strings.
    pub fn each<'i>(
        &'i self,
        data: &[u8],
        own: Range<usize>,
        mut found: impl FnMut(usize, Width, &'i Pattern, usize),
    ) {
        let kernel = Kernel::best();
        let mut look = Look::default();
        let mut at = own.start;
        while at < own.end {
            let rest = data.get(at..).unwrap_or_default();
            // Behind the last gram that starts in `own`, and where the data ends, stand zeros.
            let last = (own.end - at).next_multiple_of(LINE).min(rest.len());
            match rest.first_chunk() {
                Some(group) if last >= GROUP => {
                    self.look_up(at, kernel, group, &mut look, &mut found)
                }
                _ => {
                    let mut group = Zeroizing::new([0; GROUP]);
                    let whole = last.min(GROUP) / GRAM * GRAM;
                    group
                        .iter_mut()
                        .zip(rest.iter().take(whole))
                        .for_each(|(place, byte)| *place = *byte);
                    self.look_up(at, kernel, &group, &mut look, &mut found);
                }
            }
            at += GROUP;
        }
    }

    #[inline]
    fn look_up<'i>(
        &'i self,
        at: usize,
        kernel: Kernel,
        group: &[u8; GROUP],
        look: &mut Look,
        found: &mut impl FnMut(usize, Width, &'i Pattern, usize),
    ) {
        kernel.look(group, look);
        let lines = look.hashes.iter().zip(&look.wide);
        for (index, (hashes, wide)) in lines.enumerate() {
            if look.filled >> index & 1 == 0 {
                continue;
            }
            // No branches but one: what memory holds cannot be foreseen.
            let mut mask = 0;
            for (index, hash) in hashes.iter().enumerate() {
                mask |= self.passes(*hash) << index;
            }
            if mask | u32::from(*wide) != 0
                && let Some(line) = group.get(index * LINE..).and_then(<[u8]>::first_chunk)
            {
                self.look_closer(at + index * LINE, line, mask, *wide, found);
            }
        }
    }

    #[inline(never)]
    fn look_closer<'i>(
        &'i self,
        at: usize,
        line: &[u8; LINE],
        mut mask: u32,
        mut wide: u8,
        found: &mut impl FnMut(usize, Width, &'i Pattern, usize),
    ) {
        let words = line.as_chunks::<GRAM>().0;
        let word = |index: usize| words.get(index).map(|word| u64::from_le_bytes(*word));
        while mask != 0 {
            let index = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            if let Some(word) = word(index).filter(|word| *word != 0) {
                self.with(word, |pattern, offset| {
                    found(at + index * GRAM, Width::One, pattern, offset);
                });
            }
        }
        while wide != 0 {
            let index = wide.trailing_zeros() as usize;
            wide &= wide - 1;
            let (Some(first), Some(second)) = (word(index), word(index + 1)) else {
                break;
            };
            let skip = usize::from((first | second) & LOW_BYTES == 0);
            let [low, high] = [first, second].map(|word| narrow(word >> (8 * skip)));
            let word = low | high << 32;
            if low != 0 && high != 0 && self.passes(hash(word)) != 0 {
                self.with(word, |pattern, offset| {
                    if pattern.form.fewest().is_some() {
                        let place = at + index * GRAM + skip;
                        found(place, Width::Two, pattern, offset);
                    }
                });
            }
        }
    }

    /// One if the filter lets a gram of this hash pass, zero if not.
    #[inline]
    fn passes(&self, hash: u64) -> u32 {
        let (word, bits) = self.slot_of_filter(hash);
        let word = self.filter.get(word).copied().unwrap_or(0);
        u32::from(word & bits == bits)
    }

    /// The word of the filter and the two bits of it that stand for the grams of a hash.
    #[inline]
    fn slot_of_filter(&self, hash: u64) -> (usize, u64) {
        let bit = hash >> self.filter_shift;
        (
            (bit >> 6) as usize,
            1 << (bit & 63) | 1 << (hash >> SECOND_BIT & 63),
        )
    }

    /// The places of `gram` in the strings.
    fn with<'i>(&'i self, gram: u64, mut found: impl FnMut(&'i Pattern, usize)) {
        for slot in self.slots_from(gram) {
            let Some(place) = self.place(slot) else { break };
            if crate::bytes::u64_le(&self.arena, place) == Some(gram) {
                let behind = self
                    .patterns
                    .partition_point(|pattern| pattern.bytes.start <= place);
                let pattern = behind
                    .checked_sub(1)
                    .and_then(|index| self.patterns.get(index));
                if let Some(pattern) = pattern {
                    found(pattern, place - pattern.bytes.start);
                }
            }
        }
    }

    fn insert(&mut self, gram: u64, place: usize) {
        let mut same = 0;
        let mut free = None;
        for slot in self.slots_from(gram) {
            match self.place(slot) {
                Some(other) if crate::bytes::u64_le(&self.arena, other) == Some(gram) => same += 1,
                Some(_) => {}
                None => {
                    free = Some(slot);
                    break;
                }
            }
            if same == MOST_SAME {
                return;
            }
        }
        let slot = free.and_then(|slot| self.slots.get_mut(slot));
        if let (Some(slot), Ok(place)) = (slot, u32::try_from(place + 1)) {
            *slot = place;
            let (word, bits) = self.slot_of_filter(hash(gram));
            if let Some(word) = self.filter.get_mut(word) {
                *word |= bits;
            }
        }
    }

    /// Where `gram` may stand in the table: all slots, from its own on.
    fn slots_from(&self, gram: u64) -> impl Iterator<Item = usize> + use<> {
        let own = (hash(gram) >> self.slot_shift) as usize;
        let slots = self.slots.len();
        (own..own + slots).map(move |slot| slot % slots)
    }

    fn place(&self, slot: usize) -> Option<usize> {
        let place = self.slots.get(slot).copied()?;
        (place as usize).checked_sub(1)
    }
}

/// Grams that an index keeps of a string.
pub fn count(written: &Written) -> usize {
    chosen(written).count()
}

/// The grams that are kept of a string, with their offsets: not those of which all bytes but one are zero, as many
/// words of memory are.
fn chosen(written: &Written) -> impl Iterator<Item = (usize, u64)> + '_ {
    let grams = written.bytes.windows(GRAM).enumerate();
    grams
        .filter(|(offset, _)| (offset / GRAM).is_multiple_of(written.every))
        .filter(|(_, gram)| gram.iter().filter(|&&byte| byte != 0).count() > 1)
        .filter_map(|(offset, gram)| Some((offset, u64::from_le_bytes(gram.try_into().ok()?))))
}

/// The low bytes of the four 16-bit words of `word`, in its lower half.
const fn narrow(word: u64) -> u64 {
    let pairs = (word & 0x00ff_0000_00ff) | (word >> 8 & 0xff00_0000_ff00);
    let pairs = pairs & 0xffff_0000_ffff;
    (pairs | pairs >> 16) & 0xffff_ffff
}

/// The golden ratio spreads grams that differ in a few bits only: the upper bits of the product depend on all bits.
pub const fn hash(gram: u64) -> u64 {
    gram.wrapping_mul(SPREAD)
}

/// 2^64 divided by the golden ratio.
pub const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Of characters of UTF-16, the bytes that are zero: of those that begin at even, and at odd offsets.
pub const HIGH_BYTES: u64 = 0xff00_ff00_ff00_ff00;
pub const LOW_BYTES: u64 = !HIGH_BYTES;

/// Bits of the filter for each gram, and in all: four MiB.
const BITS_PER_GRAM: usize = 32;
const MOST_FILTER_BITS: u32 = 25;

/// Where in a hash the second bit is told, below those that tell the word.
const SECOND_BIT: u32 = 32;

/// Places kept of one gram: a number may stand in several encodings alike, and digits repeat.
const MOST_SAME: usize = 16;
