//! Scalars and seeds written out, in ASCII or UTF-16: text of just their size in hexadecimal, decimal or base64 digits.

use crate::sweep::codec::bytes_of;
use crate::sweep::space::Block;
use crate::sweep::texts::{BASE64, DECIMAL, HEX, Texts, number};
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
    /// The bytes were written, not a number.
    pub is_string: bool,
}

/// Finds the numbers of the sizes `sizes`, in bits, that are written in `block`.
pub(super) fn each(block: &Block<'_>, sizes: &[u32], mut found: impl FnMut(Written)) {
    let numbers = Texts {
        sample: 16,
        short: 16,
        longest: LONGEST,
        belongs: |character: u8| Alphabet::Either.standard(character).is_some(),
    };
    numbers.each(block, |text, run, step| {
        let encoding = if step == 1 { "ascii" } else { "utf16le" };
        in_text(text, sizes, |form, characters, bytes, is_string| {
            found(Written {
                how: [form, encoding],
                range: run.start + step * characters.start..run.start + step * characters.end,
                bytes,
                is_string,
            });
        });
    });
}

/// The same in the characters of one text.
fn in_text(
    text: &[u8],
    sizes: &[u32],
    mut found: impl FnMut(&'static str, Range<usize>, Zeroizing<Vec<u8>>, bool),
) {
    let length = |bits: u32| bits.div_ceil(8) as usize;
    if !text.iter().all(u8::is_ascii_hexdigit)
        && let view = TextView::new(text, Encoding::Ascii)
        && let (gathered, _) = Base64Text::gather(view, 0, LONGEST, Alphabet::Either)
        && let Some(bytes) = gathered.decode()
    {
        for &bits in sizes {
            let has_public = bytes.len() == 64 && length(bits) == 32;
            let is_of_size = has_public || bytes.len() == length(bits);
            if let Some(number) = bytes.get(..length(bits)).filter(|_| is_of_size) {
                found(BASE64, 0..text.len(), Zeroizing::new(number.to_vec()), true);
            }
        }
    }
    let mut start = 0;
    for digits in text.split(|character| !character.is_ascii_hexdigit()) {
        let range = start..start + digits.len();
        start = range.end + 1;
        for &bits in sizes {
            let size = length(bits);
            let of = |digits: &[u8], base, together| {
                let limbs = number(digits, base, together);
                let bytes = bytes_of(&limbs);
                (bytes.len() <= size).then(|| {
                    let mut whole = Zeroizing::new(vec![0; size - bytes.len()]);
                    whole.reserve_exact(bytes.len());
                    whole.extend_from_slice(&bytes);
                    whole
                })
            };
            // Zeros in front may be left out, or stand for a sign.
            let hex = if (2 * size - 4..=2 * size + 2).contains(&digits.len()) {
                Some(digits)
            } else if size == 32 && digits.len() == 128 {
                digits.get(..64)
            } else {
                None
            };
            if let Some(hex) = hex
                && let Some(bytes) = of(hex, 16, 15)
            {
                found(HEX, range.start..range.start + hex.len(), bytes, true);
            }
            let most = bits as usize * 77 / 256 + 1;
            if (most - 6..=most).contains(&digits.len())
                && digits.iter().all(u8::is_ascii_digit)
                && let Some(bytes) = of(digits, 10, 19)
            {
                found(DECIMAL, range.clone(), bytes, false);
            }
        }
    }
}

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

    proptest! {
        #[test]
        fn hexadecimal_text_is_read_wherever_it_stands(
            number in prop_oneof![
                proptest::collection::vec(any::<u8>(), 32),
                proptest::collection::vec(any::<u8>(), 48),
            ],
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
