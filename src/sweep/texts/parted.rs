//! Hexadecimal numbers written in parts of one length: bytes with colons or blanks between them, as OpenSSL, GnuTLS and
//! mbedTLS print them, or lines.

use super::{Sizes, Texts, Written, read, written};
use crate::sweep::space::{Block, REACH};
use std::ops::Range;
use zeroize::Zeroizing;

/// Finds the numbers that are written so in `block`: those of 1024 bits and more everywhere, if
/// its lines have 40 characters and more.
pub(super) fn each(
    block: &Block<'_>,
    sizes: &Sizes<'_>,
    found: &mut impl FnMut(Written, Range<usize>),
) {
    each_sequence(block, LONG, |digits, range, step| {
        read(digits, sizes, |(form, limbs), _| {
            found(written(form, limbs, step), range.clone());
        });
    });
}

/// Gives `found` the digits of each sequence of parts in `block`, where it lies, and the bytes that each character takes. A
/// text is met that has as many characters as `sample`, bytes, and [`SHORT`] together.
pub fn each_sequence(
    block: &Block<'_>,
    sample: usize,
    mut found: impl FnMut(&[u8], Range<usize>, usize),
) {
    let texts = Texts {
        sample,
        short: SHORT,
        longest: REACH,
        belongs: |character: u8| character.is_ascii_hexdigit() || is_between(character),
        is_noted: true,
    };
    texts.each(block, |text, run, step| {
        sequences(text, |digits, part| {
            let range = run.start + step * part.start..run.start + step * part.end;
            found(digits, range, step);
        });
    });
}

/// Parts of one length, of which the last may be shorter, with the same between each two.
#[derive(Default)]
struct Sequence {
    digits: Zeroizing<Vec<u8>>,
    /// Where it lies in the text.
    range: Range<usize>,
    parts: usize,
    /// Digits of the first part and of the last one.
    first: usize,
    last: usize,
    /// Whether colons stand between them; of a single part it is not known.
    has_colons: bool,
}

impl Sequence {
    /// Whether a part of `length` digits may be the next one, behind a colon or not.
    fn goes_on(&self, length: usize, has_colon: bool) -> bool {
        let is_alike = self.parts == 1 || self.has_colons == has_colon;
        self.parts > 0 && is_alike && self.last == self.first && length <= self.first
    }

    /// Begins anew with a part of `length` digits at `start`. The buffer is wiped at the end of all.
    fn begin(&mut self, start: usize, length: usize) {
        self.digits.clear();
        self.range = start..start;
        self.parts = 0;
        self.first = length;
        self.has_colons = false;
    }

    /// Adds the part `digits` that starts at `start`.
    fn add(&mut self, digits: &[u8], start: usize, has_colon: bool) {
        self.digits.extend_from_slice(digits);
        self.parts += 1;
        self.range.end = start + digits.len();
        self.last = digits.len();
        self.has_colons = has_colon;
    }

    /// Keeps the last byte of a single part.
    fn keep_byte(&mut self) {
        let less = self.digits.len().saturating_sub(BYTE);
        self.digits.drain(..less);
        self.range.start += less;
        (self.first, self.last) = (BYTE, BYTE);
    }
}

/// Gives the digits of each sequence of more than one part in `text`, and where it lies.
fn sequences(text: &[u8], mut found: impl FnMut(&[u8], Range<usize>)) {
    let mut sequence = Sequence {
        // No byte is moved, which would leave a copy.
        digits: Zeroizing::new(Vec::with_capacity(text.len())),
        ..Sequence::default()
    };
    let mut tell = |sequence: &Sequence| {
        if sequence.parts > 1 {
            found(&sequence.digits, sequence.range.clone());
        }
    };
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let between = rest.iter().take_while(|byte| is_between(**byte)).count();
        let (between, rest) = rest.split_at_checked(between).unwrap_or_default();
        let length = rest.iter().take_while(|byte| !is_between(**byte)).count();
        let has_colon = between.contains(&b':');
        let start = at + between.len();
        at = start + length;
        let Some(digits) = rest.get(..length).filter(|digits| !digits.is_empty()) else {
            break;
        };
        // Bytes beside which something else stands: of that part only the byte is one.
        if sequence.parts == 1 && sequence.first > BYTE && length == BYTE {
            sequence.keep_byte();
        }
        let ends_with = sequence.parts > 1 && sequence.first == BYTE && length > BYTE;
        if ends_with && sequence.goes_on(BYTE, has_colon) {
            sequence.add(digits.get(..BYTE).unwrap_or_default(), start, has_colon);
        }
        if !sequence.goes_on(length, has_colon) {
            tell(&sequence);
            sequence.begin(start, length);
        }
        sequence.add(digits, start, has_colon);
    }
    tell(&sequence);
}

/// Digits of a byte.
const BYTE: usize = 2;

/// Bytes between two places that are looked at for long numbers.
const LONG: usize = 192;

/// Characters in a row that call for a closer look.
const SHORT: usize = 32;

/// What may stand between parts.
fn is_between(character: u8) -> bool {
    matches!(character, b':' | b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::codec::limbs_of;
    use proptest::prelude::*;

    fn seen(bytes: &[u8]) -> Vec<(Range<usize>, Vec<u64>)> {
        let sizes = Sizes {
            least: 1000,
            known: &[],
            is_any: false,
        };
        let mut seen = Vec::new();
        each(
            &Block::whole(bytes),
            &sizes,
            &mut |number: Written, range| {
                let used = number.limbs.iter().rposition(|limb| *limb != 0);
                seen.push((
                    range,
                    number.limbs[..used.map_or(0, |last| last + 1)].to_vec(),
                ));
            },
        );
        seen
    }

    proptest! {
        #[test]
        fn numbers_in_parts_are_read_wherever_they_stand(
            number in proptest::collection::vec(any::<u8>(), 128..400),
            at in 0usize..400,
            line in 12usize..40,
            between in prop::sample::select(vec![":", " ", ""]),
            end in prop::sample::select(vec!["\n", "\r\n\t", "\n        "]),
            is_upper in any::<bool>(),
            step in 1usize..3,
        ) {
            let mut text = String::new();
            for (index, byte) in number.iter().enumerate() {
                if index > 0 {
                    text += between;
                    text += if index % line == 0 { end } else { "" };
                }
                text += &if is_upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            }
            prop_assume!(step * text.len() <= REACH);
            let mut bytes = vec![b'x'; at];
            bytes.extend(text.bytes().flat_map(|character| [character, 0].into_iter().take(step)));
            let whole = at..bytes.len();
            bytes.extend([b'y'; 300]);
            let expected = (whole, limbs_of(&number).to_vec());
            prop_assert!(seen(&bytes).contains(&expected));
        }

        #[test]
        fn any_bytes_are_passed_over_in_the_end(bytes in proptest::collection::vec(
            prop_oneof![Just(0u8), Just(b'0'), Just(b'f'), Just(b':'), Just(b'\n'), Just(b' ')], 0..6000,
        )) {
            for (range, _) in seen(&bytes) {
                prop_assert!(range.end <= bytes.len());
            }
        }
    }

    #[test]
    fn what_is_printed_before_and_behind_is_no_part() {
        let sequences = |text: &str| {
            let mut seen = Vec::new();
            sequences(text.as_bytes(), |digits, range| {
                seen.push((
                    String::from_utf8(digits.to_vec()).unwrap(),
                    text[range].to_owned(),
                ));
            });
            seen
        };
        let of = |digits: &str, text: &str| (digits.to_owned(), text.to_owned());
        assert_eq!(
            sequences("00:a1:\n    b2:c3\ne"),
            [of("00a1b2c3", "00:a1:\n    b2:c3")]
        );
        assert_eq!(sequences("d: 00 a1\nb2 "), [of("00a1b2", "00 a1\nb2")]);
        assert_eq!(
            sequences(": aabb\n  ccdd\r\ne"),
            [of("aabbccdde", "aabb\n  ccdd\r\ne")]
        );
        assert_eq!(
            sequences("aabb ccdd ee ff"),
            [of("aabbccddee", "aabb ccdd ee")]
        );
        assert_eq!(sequences("facea1:b2:c3ed "), [of("a1b2c3", "a1:b2:c3")]);
        assert_eq!(sequences("aabb"), []);
        assert_eq!(sequences(" : \n"), []);
    }
}
