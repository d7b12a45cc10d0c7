//! Scalars and seeds written out, in ASCII or UTF-16: text of just their size in hexadecimal, decimal or base64 digits;
//! hexadecimal digits [in parts](parted); and base64 of a key whose beginning is gone, where what stands before the number
//! in DER is left.

use crate::sweep::codec::bytes_of;
use crate::sweep::space::Block;
use crate::sweep::texts::{BASE64, DECIMAL, HEX, Texts, number, parted};
use crate::text::{Alphabet, Base64Text, Encoding, TextView};
use std::ops::Range;
use zeroize::Zeroizing;

/// A text that may be a private half.
pub(super) struct Written {
    /// The form's name in reports, and the encoding of the text.
    pub how: [&'static str; 2],
    /// Its characters in the block.
    pub range: Range<usize>,
    /// The number, big-endian in just as many bytes as its size takes; a string of bytes where these were written.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Written {
    /// What was written may be a number, not only a string of bytes.
    pub(super) fn may_be_number(&self) -> bool {
        self.how.first() != Some(&BASE64)
    }
}

/// Finds the numbers of the sizes `sizes`, in bits, that are written in `block`.
pub(super) fn each(block: &Block<'_>, sizes: &[u32], mut found: impl FnMut(Written)) {
    let numbers = Texts {
        sample: 16,
        short: 16,
        longest: LONGEST,
        belongs: |character: u8| Alphabet::Either.standard(character).is_some(),
        is_noted: false,
    };
    numbers.each(block, |text, run, step| {
        let encoding = if step == 1 { "ascii" } else { "utf16le" };
        behind_header(block, text, (run.start, step), |range, bytes| {
            if sizes.iter().any(|bits| bytes.len() == length(*bits)) {
                found(Written {
                    how: [BASE64, encoding],
                    range,
                    bytes,
                });
            }
        });
        in_text(text, sizes, |form, characters, bytes| {
            found(Written {
                how: [form, encoding],
                range: run.start + step * characters.start..run.start + step * characters.end,
                bytes,
            });
        });
    });
    parted::each_sequence(block, PARTED, |digits, range, step| {
        let encoding = if step == 1 { "ascii" } else { "utf16le" };
        for &bits in sizes {
            let size = length(bits);
            // What was printed before it may belong to the digits.
            let part = digits.get(digits.len().saturating_sub(2 * size)..);
            if (2 * size - 4..=2 * size + 4).contains(&digits.len())
                && let Some(bytes) = part.and_then(|digits| of_size(digits, (16, 15), size))
            {
                found(Written {
                    how: [HEX, encoding],
                    range: range.clone(),
                    bytes,
                });
            }
        }
    });
}

/// The number of `digits` to a base, of which some fit a limb, in `size` bytes.
fn of_size(
    digits: &[u8],
    (base, together): (u64, usize),
    size: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let limbs = number(digits, base, together);
    let bytes = bytes_of(&limbs);
    (bytes.len() <= size).then(|| {
        let mut whole = Zeroizing::new(vec![0; size - bytes.len()]);
        whole.reserve_exact(bytes.len());
        whole.extend_from_slice(&bytes);
        whole
    })
}

/// The same in the characters of one text.
fn in_text(
    text: &[u8],
    sizes: &[u32],
    mut found: impl FnMut(&'static str, Range<usize>, Zeroizing<Vec<u8>>),
) {
    if !text.iter().all(u8::is_ascii_hexdigit)
        && let view = TextView::new(text, Encoding::Ascii)
        && let (gathered, _) = Base64Text::gather(view, 0, LONGEST, Alphabet::Either)
        && let Some(bytes) = gathered.decode()
    {
        for &bits in sizes {
            let has_public = bytes.len() == 64 && length(bits) == 32;
            let is_of_size = has_public || bytes.len() == length(bits);
            if let Some(number) = bytes.get(..length(bits)).filter(|_| is_of_size) {
                found(BASE64, 0..text.len(), Zeroizing::new(number.to_vec()));
            }
        }
    }
    let mut start = 0;
    for digits in text.split(|character| !character.is_ascii_hexdigit()) {
        let range = start..start + digits.len();
        start = range.end + 1;
        for &bits in sizes {
            let size = length(bits);
            // Zeros in front may be left out, or stand for a sign.
            let hex = if (2 * size - 4..=2 * size + 2).contains(&digits.len()) {
                Some(digits)
            } else if size == 32 && digits.len() == 128 {
                digits.get(..64)
            } else {
                None
            };
            if let Some(hex) = hex
                && let Some(bytes) = of_size(hex, (16, 15), size)
            {
                found(HEX, range.start..range.start + hex.len(), bytes);
            }
            let most = bits as usize * 77 / 256 + 1;
            if (most - 6..=most).contains(&digits.len())
                && digits.iter().all(u8::is_ascii_digit)
                && let Some(bytes) = of_size(digits, (10, 19), size)
            {
                found(DECIMAL, range.clone(), bytes);
            }
        }
    }
}

/// The numbers behind a header in DER that is in the base64 characters `text`, of which the first is at offset `start`
/// of the block, each `step` bytes behind the one before; the number may go on in the next line, the header
/// may not.
fn behind_header(
    block: &Block<'_>,
    text: &[u8],
    (start, step): (usize, usize),
    mut found: impl FnMut(Range<usize>, Zeroizing<Vec<u8>>),
) {
    let encoding = [Encoding::Ascii, Encoding::Utf16Le].get(step - 1);
    let view = TextView::new(block.bytes, encoding.copied().unwrap_or(Encoding::Utf16Le));
    for (needle, before, after, header) in HEADERS {
        for place in memchr::memmem::find_iter(text, needle) {
            let Some(first) = place.checked_sub(before) else {
                continue;
            };
            let first = start + step * first;
            let (gathered, _) = Base64Text::gather(view, first, PART, Alphabet::Either);
            let Some(bytes) = gathered.decode() else {
                continue;
            };
            let Some([length, rest @ ..]) = bytes
                .get(after..)
                .and_then(|bytes| bytes.strip_prefix(header))
            else {
                continue;
            };
            if let Some(number) = rest.get(..usize::from(*length)) {
                let at = after + header.len() + 1;
                let end = (8 * (at + number.len())).div_ceil(6);
                let range = Base64Text::start_of(view, first, 8 * at / 6, Alphabet::Either)
                    ..Base64Text::end_of(view, first, end, Alphabet::Either);
                found(range, Zeroizing::new(number.to_vec()));
            }
        }
    }
}

/// Bytes that a number of so many bits takes.
fn length(bits: u32) -> usize {
    bits.div_ceil(8) as usize
}

/// What stands before the length of a private half: the version 1 of SEC 1 (RFC 5915) and the tag of a string, or the
/// same tag in a string of RFC 8410. Of each, characters that stand for it, by where it begins in a group of three bytes;
/// characters of the group before those, and bytes of it before the header.
const HEADERS: [(&[u8], usize, usize, &[u8]); 6] = [
    (b"AgEBB", 0, 0, SEC1),
    (b"IBAQ", 2, 1, SEC1),
    (b"CAQEE", 3, 2, SEC1),
    (b"BCIEI", 0, 0, CURVE25519),
    (b"QiBC", 2, 1, CURVE25519),
    (b"EIgQg", 3, 2, CURVE25519),
];

const SEC1: &[u8] = &[2, 1, 1, 4];
const CURVE25519: &[u8] = &[4, 0x22, 4];

/// Characters of the longest part with a header and a number: two bytes before, five of the header, 66.
const PART: usize = 100;

/// Bytes between two places that are looked at for numbers in parts, of which the shortest has 95 characters.
const PARTED: usize = 60;

/// Bytes of the longest text that is looked at: a number in it may stand between other words.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(bytes: &[u8]) -> Vec<([&'static str; 2], Range<usize>, Vec<u8>)> {
        let block = Block::whole(bytes);
        let mut seen = Vec::new();
        each(&block, &[256, 384, 521], |text| {
            seen.push((text.how, text.range, text.bytes.to_vec()))
        });
        seen
    }

    /// The bytes of a number of any of the sizes that are sought.
    fn number() -> impl Strategy<Value = Vec<u8>> {
        let sizes = prop::sample::select(vec![32, 48, 66]);
        sizes.prop_flat_map(|size| proptest::collection::vec(any::<u8>(), size))
    }

    proptest! {
        #[test]
        fn hexadecimal_text_is_read_wherever_it_stands(
            number in number(),
            at in 0usize..40,
            step in 1usize..3,
        ) {
            let digits: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut bytes = vec![b'"'; at];
            bytes.extend(digits.bytes().flat_map(|digit| [digit, 0].into_iter().take(step)));
            let end = bytes.len();
            bytes.extend([b'"'; 40]);
            let encoding = ["ascii", "utf16le"][step - 1];
            let expected = (["text.hex", encoding], at..end, number);
            prop_assert!(seen(&bytes).contains(&expected));
        }

        #[test]
        fn any_bytes_are_passed_over_in_the_end(bytes in proptest::collection::vec(
            prop_oneof![Just(0u8), Just(b'0'), Just(b'f'), Just(b'Z'), any::<u8>()], 0..3000,
        )) {
            for (_, range, number) in seen(&bytes) {
                prop_assert!(range.end <= bytes.len() && [32, 48, 66].contains(&number.len()));
            }
        }
    }

    proptest! {
        #[test]
        fn base64_whose_beginning_is_gone_is_read(
            number in number(),
            before in proptest::collection::vec(any::<u8>(), 20..24),
            gone in 0usize..12,
            step in 1usize..3,
        ) {
            let header = [&before[..], SEC1, &[number.len() as u8]].concat();
            let text = <base64ct::Base64 as base64ct::Encoding>::encode_string(
                &[&header[..], &number, &[0xa1, 0x44, 3]].concat(),
            );
            let mut bytes = vec![0; 5];
            let mut ends = Vec::new();
            for (index, character) in text.bytes().enumerate().skip(gone) {
                if index % 64 == 0 {
                    bytes.extend([b'\n', 0].into_iter().take(step));
                }
                ends.push(bytes.len());
                bytes.extend([character, 0].into_iter().take(step));
            }
            bytes.extend([0; 8]);
            let at = |character: usize| ends[character - gone];
            let first = 8 * header.len() / 6;
            let last = (8 * (header.len() + number.len())).div_ceil(6) - 1;
            let encoding = ["ascii", "utf16le"][step - 1];
            let expected = (["text.base64", encoding], at(first)..at(last) + step, number);
            prop_assert!(seen(&bytes).contains(&expected));
        }
    }

    #[test]
    fn texts_of_other_sizes_are_no_numbers() {
        for length in [40, 55, 59, 67, 91, 99, 127] {
            let text = "a1".repeat(length)[..length].to_owned() + " ";
            let seen = seen(text.as_bytes());
            assert!(seen.is_empty(), "{length}: {}", seen.len());
        }
    }

    #[test]
    fn base64_with_a_public_half_behind_it_gives_the_first_bytes() {
        let bytes: Vec<u8> = (0..64u32).map(|index| (index * 37 % 251) as u8).collect();
        let text: fn(&[u8]) -> String = <base64ct::Base64 as base64ct::Encoding>::encode_string;
        let found = seen(format!(" {} ", text(&bytes)).as_bytes());
        assert_eq!(
            found,
            [(["text.base64", "ascii"], 1..87, bytes[..32].to_vec())]
        );
    }
}
