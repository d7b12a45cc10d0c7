//! Large numbers written out: a run of hexadecimal or decimal digits and nothing else, in ASCII or UTF-16.

use super::heads::Source;
use super::large::Large;
use super::notes::Worth;
use super::simd_runs::{GROUP, TEXT};
use super::space::{Block, REACH};
use std::ops::Range;
use zeroize::Zeroizing;

/// A number written out.
pub struct Written {
    /// Little-endian, with zeros on top.
    pub limbs: Zeroizing<Vec<u64>>,
    /// How it is written: the form's name in reports.
    pub form: &'static str,
    /// The encoding of the text.
    pub encoding: &'static str,
}

/// Finds the numbers of 1024 to 8192 bits that are written in `block` and may be moduli or primes.
pub fn each_number(block: &Block<'_>, mut found: impl FnMut(Large, Range<usize>)) {
    each_written(block, MIN_BITS, |written, range| {
        let Written {
            limbs,
            form,
            encoding,
        } = written;
        if let Some(number) = Large::new(limbs, form, encoding, Source::Text) {
            found(number, range);
        }
    });
}

/// Finds the numbers of `least` to 8192 bits that are written in `block`, with zeros in front or without; 384 bits are
/// the fewest. Longer than [`REACH`] no text is read: decimal numbers of more than 6800 bits in UTF-16 are not seen.
pub fn each_written(block: &Block<'_>, least: u32, mut found: impl FnMut(Written, Range<usize>)) {
    let numbers = Texts {
        sample: 64,
        short: 32,
        longest: REACH,
        belongs: |character: u8| character.is_ascii_hexdigit(),
        is_noted: true,
    };
    numbers.each(block, |digits, run, step| {
        if let Some(number) = read(digits, step, least as usize) {
            found(number, run);
        }
    });
}

/// Texts of one kind, in ASCII or UTF-16.
pub struct Texts<B> {
    /// Bytes between two samples: with the characters behind it, one lies in every text of as many bytes as `sample`
    /// and `short` are together, or twice as many in UTF-16.
    pub sample: usize,
    /// Characters in a row that call for a closer look.
    pub short: usize,
    /// Bytes of the longest text that is read.
    pub longest: usize,
    /// Whether a character belongs to such a text.
    pub belongs: B,
    /// Whether the first pass over memory notes all such texts: no H belongs to them.
    pub is_noted: bool,
}

impl<B: Fn(u8) -> bool> Texts<B> {
    /// Gives `found` the characters of each text that starts in `block`, where it lies, and the bytes that each
    /// character takes.
    pub fn each(&self, block: &Block<'_>, mut found: impl FnMut(&[u8], Range<usize>, usize)) {
        let mut at = 0;
        for part in self.parts(block) {
            at = self.part(block, part.start.max(at)..part.end, &mut found);
        }
    }

    /// Where texts may lie: all of the block, or what the first pass over it took for text and the groups beside that.
    fn parts(&self, block: &Block<'_>) -> Vec<Range<usize>> {
        let own = block.own.start..block.own.end + self.sample;
        let note = block.notes.as_ref().and_then(|notes| notes.read(0));
        let Some(note) = note.filter(|_| self.is_noted && self.sample + self.short >= TEXT) else {
            return vec![own];
        };
        let (first, _) = block.first_aligned(0, 8);
        let mut parts: Vec<Range<usize>> = Vec::new();
        for group in note.groups(Worth::Text) {
            let start = (first + group * GROUP).saturating_sub(GROUP).max(own.start);
            let end = (first + (group + 2) * GROUP).min(own.end);
            match parts.last_mut() {
                Some(last) if start <= last.end => last.end = end,
                _ if start < end => parts.push(start..end),
                _ => {}
            }
        }
        parts
    }

    /// Looks at the places `part`; the place from which on nothing was looked at.
    fn part(
        &self,
        block: &Block<'_>,
        part: Range<usize>,
        found: &mut impl FnMut(&[u8], Range<usize>, usize),
    ) -> usize {
        let is_character = |at: usize| {
            block
                .bytes
                .get(at)
                .is_some_and(|byte| (self.belongs)(*byte))
        };
        let mut at = part.start;
        while at < part.end {
            // Most memory is zeros.
            let next = block.bytes.get(at..).and_then(<[u8]>::first_chunk);
            if next == Some(&[0; 4]) {
                at += self.sample;
                continue;
            }
            // Of a text long enough some sample and the characters behind it are seen.
            let run = [(at, 1), (at, 2), (at + 1, 2)]
                .into_iter()
                .find(|&(at, step)| (0..self.short).all(|place| is_character(at + place * step)));
            let Some((first, step)) = run else {
                at += self.sample;
                continue;
            };
            let run = whole(block.bytes, first, step, self.longest, &self.belongs);
            // What is too long is passed over whole, so that no byte of it is looked at twice.
            let end = if run.len() > self.longest {
                behind(block.bytes, run.end, step, &self.belongs)
            } else {
                run.end
            };
            at = end.max(at) + self.sample;
            if block.own.contains(&run.start) && run.len() <= self.longest {
                let bytes = block.bytes.get(run.clone()).unwrap_or_default();
                let text: Zeroizing<Vec<u8>> =
                    Zeroizing::new(bytes.iter().step_by(step).copied().collect());
                found(&text, run, step);
            }
        }
        at
    }
}

/// Where the characters from `at` on end that belong to a text, each `step` bytes behind the one before.
fn behind(data: &[u8], mut at: usize, step: usize, belongs: impl Fn(u8) -> bool) -> usize {
    while data.get(at).is_some_and(|byte| belongs(*byte)) {
        at += step;
    }
    at
}

/// The characters to which the one at `at` belongs, each `step` bytes behind the one before; between them stand zeros. Of
/// more than `longest` bytes a part that is longer than that.
fn whole(
    data: &[u8],
    at: usize,
    step: usize,
    longest: usize,
    belongs: impl Fn(u8) -> bool,
) -> Range<usize> {
    // On one side of the last character in UTF-16BE, and of the first one in UTF-16LE, stands something else.
    let is_zero = |at: usize| data.get(at).is_none_or(|byte| *byte == 0);
    let belongs = |at: usize| {
        data.get(at).is_some_and(|byte| belongs(*byte))
            && (step == 1 || is_zero(at + 1) || at.checked_sub(1).is_some_and(is_zero))
    };
    let mut start = at;
    while at - start <= longest
        && let Some(before) = start.checked_sub(step).filter(|&before| belongs(before))
    {
        start = before;
    }
    let mut end = at;
    while end - start <= longest && belongs(end) {
        end += step;
    }
    start..end.min(data.len())
}

fn read(digits: &[u8], step: usize, least: usize) -> Option<Written> {
    let encoding = if step == 1 { "ascii" } else { "utf16le" };
    let (form, limbs) = if digits.iter().all(u8::is_ascii_digit) {
        // 1024 bits take 308 or 309 digits, and others about as many for each bit.
        (least * 77 / 256 <= digits.len()).then_some(())?;
        (DECIMAL, number(digits, 10, 19))
    } else {
        (least / 4 <= digits.len()).then_some(())?;
        (HEX, number(digits, 16, 15))
    };
    Some(Written {
        limbs,
        form,
        encoding,
    })
}

/// The number that `digits` to the base `base` are, taken `together` at a time, which fit a limb.
pub fn number(digits: &[u8], base: u64, together: usize) -> Zeroizing<Vec<u64>> {
    // A digit has four bits at most.
    let mut limbs = Zeroizing::new(vec![0; digits.len() / 16 + 1]);
    for group in digits.chunks(together) {
        let (mut factor, mut carry) = (1, 0);
        for digit in group {
            factor *= base;
            carry = carry * base + u64::from(char::from(*digit).to_digit(16).unwrap_or(0));
        }
        for limb in limbs.iter_mut() {
            let wide = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            *limb = wide as u64;
            carry = (wide >> 64) as u64;
        }
    }
    limbs
}

/// How numbers are written out, as reports name it.
pub const HEX: &str = "text.hex";
pub const DECIMAL: &str = "text.decimal";
pub const BASE64: &str = "text.base64";

/// Bits of the shortest modulus.
const MIN_BITS: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys;
    use crate::sweep::codec::Class;
    use crate::sweep::codec::limbs_of;
    use crate::sweep::notes::Notebook;
    use crate::sweep::runs::each_run;
    use crypto_bigint::BoxedUint;
    use proptest::prelude::*;

    fn seen(bytes: &[u8]) -> Vec<(Range<usize>, &'static str, Vec<u64>)> {
        let block = Block::whole(bytes);
        let mut seen = Vec::new();
        each_number(&block, |number, range| {
            seen.push((range, number.form, number.limbs.to_vec()))
        });
        seen
    }

    #[test]
    fn moduli_written_out_are_read_at_every_offset() {
        for key in test_keys::rsa_keys()
            .iter()
            .filter(|key| key.n.len() >= 128)
        {
            let n = limbs_of(&key.n).to_vec();
            let hexadecimal: String = key.n.iter().map(|byte| format!("{byte:02X}")).collect();
            let decimal = BoxedUint::from_be_slice_vartime(&key.n).to_string_radix_vartime(10);
            for (text, form) in [(format!("00{hexadecimal}"), HEX), (decimal, DECIMAL)] {
                let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
                for text in [text.clone().into_bytes(), wide] {
                    for at in [0, 1, 7, 63, 64, 65] {
                        let mut bytes = vec![b'"'; at];
                        bytes.extend(&text);
                        bytes.extend(b"\"\0, ");
                        bytes.resize(bytes.len() + 100, b' ');
                        let expected =
                            (text.len() <= REACH).then(|| (at..at + text.len(), form, n.clone()));
                        assert_eq!(seen(&bytes), Vec::from_iter(expected), "{form} at {at}");
                    }
                    assert!(seen(&text[..text.len() / 3]).is_empty());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn with_notes_the_same_texts_are_found(
            texts in proptest::collection::vec((96usize..1500, 0usize..0x2800, any::<bool>(), any::<u64>()), 1..4),
            filler in any::<u8>(),
            address in proptest::option::of(0x7000u64..0x7010),
            length in 0x3000usize..0x3400,
        ) {
            let mut bytes = vec![filler; length];
            for (length, start, is_wide, mut seed) in texts {
                for place in 0..length {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let digit = b"0123456789abcdefABCDEF"[(seed >> 33) as usize % 22];
                    let at = start + if is_wide { 2 * place } else { place };
                    if let Some([byte, zero @ ..]) = bytes.get_mut(at..at + if is_wide { 2 } else { 1 }) {
                        *byte = digit;
                        zero.fill(0);
                    }
                }
            }
            let book = Notebook::default();
            let noted = Block { address, notes: Some(book.of_block(0)), ..Block::whole(&bytes) };
            let plain = Block { address, ..Block::whole(&bytes) };
            each_run(&noted, &Class::ALL, 512, |_, _| {});
            prop_assert!(noted.notes.as_ref().is_some_and(|notes| notes.read(0).is_some()));
            let found = |block: &Block<'_>| {
                let mut found = Vec::new();
                each_written(block, 384, |_, range| found.push(range));
                found
            };
            // Shorter ones are found by chance.
            let long = |ranges: Vec<Range<usize>>| -> Vec<Range<usize>> {
                let is_wide = |range: &Range<usize>| bytes[range.start + 1] == 0;
                let is_long = |range: &Range<usize>| range.len() >= if is_wide(range) { 2 * TEXT } else { TEXT };
                ranges.into_iter().filter(is_long).collect()
            };
            prop_assert_eq!(long(found(&noted)), long(found(&plain)));
        }
    }
}
