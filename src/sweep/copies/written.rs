//! The ways in which a number may be written: as bytes in every codec, as hexadecimal, decimal and base64 text.

use crate::bytes::bit_length;
use crate::crypto::material::Number;
use crate::sweep::codec::{CODECS, Class, Codec, entry, limbs_of};
use crate::sweep::texts;
use zeroize::Zeroizing;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As bytes.
    Raw(&'static Codec),
    /// Hexadecimal digits of either case.
    Hex,
    /// Decimal digits.
    Decimal,
    /// Characters of base64 or base64url.
    Base64,
}

impl Form {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw(codec) => codec.name,
            Self::Hex => texts::HEX,
            Self::Decimal => texts::DECIMAL,
            Self::Base64 => texts::BASE64,
        }
    }

    /// The fewest characters of a text that count: they hold 128 bits. None of raw bytes.
    pub const fn fewest(self) -> Option<usize> {
        match self {
            Self::Raw(_) => None,
            Self::Hex => Some(32),
            Self::Decimal => Some(39),
            Self::Base64 => Some(22),
        }
    }

    /// Different bytes that the fewest ones that count have at least: fewer in some 10^-9 of random ones. So zeros
    /// in a number that someone made do not find all zeros there are.
    pub const fn fewest_distinct(self) -> usize {
        match self {
            Self::Raw(_) | Self::Base64 => 8,
            Self::Hex | Self::Decimal => 6,
        }
    }

    /// The digit that a character stands for, as [`Written::digits`] has it.
    pub const fn digit(self, character: u8) -> Option<u8> {
        match (self, character) {
            (Self::Hex | Self::Decimal, b'0'..=b'9') | (Self::Hex, b'a'..=b'f') => Some(character),
            (Self::Hex, b'A'..=b'F') => Some(character.to_ascii_lowercase()),
            (Self::Base64, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/') => {
                Some(character)
            }
            (Self::Base64, b'-') => Some(b'+'),
            (Self::Base64, b'_') => Some(b'/'),
            _ => None,
        }
    }

    /// Whether a character may stand between two digits.
    pub const fn is_separator(self, character: u8) -> bool {
        match character {
            b'\r' | b'\n' | b' ' | b'\t' => true,
            b':' | b'-' | b',' => matches!(self, Self::Hex),
            _ => false,
        }
    }
}

/// One way in which a number is written.
pub struct Written {
    /// How.
    pub form: Form,
    /// What stands in memory, without line breaks.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The digits of a text in one spelling, if `bytes` have another or separators.
    pub digits: Option<Zeroizing<Vec<u8>>>,
    /// A separator stands behind every second digit.
    pub is_separated: bool,
    /// Of the places of a gram in `bytes`, counted in whole grams, every so many-th suffices: of the grams side by
    /// side in the shortest remains that count, so many lie in these whole.
    pub every: usize,
    /// Bits of the number stand in the character before and in that behind too.
    pub edges: (bool, bool),
}

/// Bytes of a gram.
pub const GRAM: usize = 8;

/// All ways in which `number` is written. None of a number too short to be told from chance.
pub fn ways(number: &Number) -> Vec<Written> {
    let bits = bit_length(&number.bytes);
    if number.bytes.len() * 8 < LEAST_BITS as usize || (!number.is_plain() && bits < LEAST_BITS) {
        return Vec::new();
    }
    let mut ways = Vec::new();
    let forwards = &number.bytes;
    if number.is_plain() {
        ways.push(raw(BYTES, forwards.clone()));
        texts(forwards, &mut ways);
        as_numbers(number, &mut ways);
        return ways;
    }
    let limbs = limbs_of(forwards);
    ways.extend(
        CODECS
            .iter()
            .filter_map(|codec| Some(raw(codec, codec.encode(&limbs, bits)?))),
    );
    texts(forwards, &mut ways);
    // As Curve25519's formats and CryptoAPI's blobs have them.
    let backwards = Zeroizing::new(forwards.iter().rev().copied().collect::<Vec<u8>>());
    texts(&backwards, &mut ways);
    let digits = decimal(&limbs);
    ways.push(text(Form::Decimal, digits, None, DECIMAL_RUN));
    ways
}

/// The ways in which the string `number` is written where it was read as a number, its lowest byte first or its highest.
fn as_numbers(number: &Number, ways: &mut Vec<Written>) {
    let backwards = Zeroizing::new(number.bytes.iter().rev().copied().collect::<Vec<u8>>());
    for bytes in [&number.bytes, &backwards] {
        let limbs = limbs_of(bytes);
        // Backwards in bytes is forwards in limbs, and the other way round.
        let others = CODECS.iter().filter(|codec| *codec != BYTES);
        let encoded = others.filter_map(|codec| {
            let encoded = codec.encode(&limbs, number.bits)?;
            (encoded != number.bytes).then(|| raw(codec, encoded))
        });
        ways.extend(encoded);
        let digits = decimal(&limbs);
        ways.push(text(Form::Decimal, digits, None, DECIMAL_RUN));
    }
    texts(&backwards, ways);
}

fn raw(codec: &'static Codec, bytes: Zeroizing<Vec<u8>>) -> Written {
    Written {
        form: Form::Raw(codec),
        bytes,
        digits: None,
        is_separated: false,
        every: every(codec.length(LEAST_BITS)),
        edges: (false, false),
    }
}

fn text(
    form: Form,
    bytes: Zeroizing<Vec<u8>>,
    digits: Option<Zeroizing<Vec<u8>>>,
    run: usize,
) -> Written {
    Written {
        form,
        bytes,
        digits,
        is_separated: false,
        every: every(run),
        edges: (false, false),
    }
}

/// Hexadecimal and base64 texts of a string of bytes.
fn texts(bytes: &[u8], ways: &mut Vec<Written>) {
    let lower = hex(bytes, None, false);
    for is_upper in [false, true] {
        let plain = hex(bytes, None, is_upper);
        ways.push(text(Form::Hex, plain, Some(lower.clone()), HEX_RUN));
        for separator in [b':', b' '] {
            let separated = hex(bytes, Some(separator), is_upper);
            ways.push(Written {
                is_separated: true,
                ..text(Form::Hex, separated, Some(lower.clone()), SEPARATED_RUN)
            });
        }
    }
    for lead in 0..3 {
        let sextets = sextets(bytes, lead);
        let edges = (lead > 0, !(lead + bytes.len()).is_multiple_of(3));
        let characters = |alphabet: &[u8; 64]| {
            let of = |sextet: &u8| alphabet.get(usize::from(*sextet)).copied().unwrap_or(b'=');
            Zeroizing::new(sextets.iter().map(of).collect::<Vec<u8>>())
        };
        let standard = characters(BASE64);
        let url = characters(BASE64_URL);
        if url != standard {
            ways.push(Written {
                edges,
                ..text(Form::Base64, url, Some(standard.clone()), BASE64_RUN)
            });
        }
        ways.push(Written {
            edges,
            ..text(Form::Base64, standard, None, BASE64_RUN)
        });
    }
}

/// Every so many-th gram lies whole in `run` bytes that begin anywhere.
const fn every(run: usize) -> usize {
    let grams = run.saturating_sub(GRAM - 1) / GRAM;
    if grams == 0 { 1 } else { grams }
}

fn hex(bytes: &[u8], separator: Option<u8>, is_upper: bool) -> Zeroizing<Vec<u8>> {
    let digits: &[u8; 16] = if is_upper {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    let mut text = Zeroizing::new(Vec::with_capacity(3 * bytes.len()));
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(digits.get(usize::from(nibble)));
        }
        text.extend(separator);
    }
    text
}

/// The sextets of base64 that bytes behind `lead` others determine wholly.
fn sextets(bytes: &[u8], lead: usize) -> Zeroizing<Vec<u8>> {
    let bit = |at: usize| {
        let byte = bytes.get(at / 8).copied().unwrap_or(0);
        byte >> (7 - at % 8) & 1
    };
    let first = (8 * lead).div_ceil(6);
    let last = 8 * (lead + bytes.len()) / 6;
    let mut sextets = Zeroizing::new(Vec::with_capacity(last - first));
    for sextet in first..last {
        let start = 6 * sextet - 8 * lead;
        sextets.push((start..start + 6).fold(0, |sum, at| sum << 1 | bit(at)));
    }
    sextets
}

/// The decimal digits of a number of little-endian limbs.
fn decimal(limbs: &[u64]) -> Zeroizing<Vec<u8>> {
    let mut rest = Zeroizing::new(limbs.to_vec());
    // 64 bits are less than 20 digits.
    let mut digits = Zeroizing::new(Vec::with_capacity(20 * limbs.len() + PER_DIVISION));
    while rest.iter().any(|limb| *limb != 0) {
        let mut remainder = 0;
        for limb in rest.iter_mut().rev() {
            let value = u128::from(remainder) << 64 | u128::from(*limb);
            *limb = (value / u128::from(DIVISOR)) as u64;
            remainder = (value % u128::from(DIVISOR)) as u64;
        }
        for _ in 0..PER_DIVISION {
            digits.push(b'0' + (remainder % 10) as u8);
            remainder /= 10;
        }
    }
    let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0');
    let length = digits.len() - zeros.count();
    digits.truncate(length);
    digits.reverse();
    digits
}

/// Whether a run of bytes in this form may be told from chance by its bytes alone.
pub fn counts_whole_bytes(codec: &Codec) -> bool {
    codec.class() == Class::Random
}

/// Bits of a number that must agree: what else agrees by chance at one of 2^36 places with one of 2^20 numbers
/// does so once in 2^72 dumps.
pub const LEAST_BITS: u32 = 128;

/// Characters that stand side by side in remains that count. Hexadecimal with separators stands in lines, as
/// openssl prints it: of 16 bytes that a line break parts, 8 stand together.
const HEX_RUN: usize = 31;
const SEPARATED_RUN: usize = 23;
const DECIMAL_RUN: usize = 39;
const BASE64_RUN: usize = 22;

const BYTES: &Codec = entry("raw.bytes-be");

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The largest power of ten in a limb, and its digits.
const DIVISOR: u64 = 10_000_000_000_000_000_000;
const PER_DIVISION: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::material::{PRIME, SEED};
    use crate::sweep::codec::bytes_of;
    use base64ct::Encoding;
    use crypto_bigint::BoxedUint;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decimal_digits_are_those_of_the_arithmetic(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
            let limbs = limbs_of(&bytes);
            let theirs = BoxedUint::from_be_slice_vartime(&bytes_of(&limbs)).to_string_radix_vartime(10);
            let ours = decimal(&limbs);
            prop_assert_eq!(&ours[..], theirs.trim_start_matches('0').as_bytes());
        }

        #[test]
        fn base64_is_that_of_the_library(bytes in prop::collection::vec(any::<u8>(), 16..99), other in any::<[u8; 4]>()) {
            for lead in 0..3 {
                let whole = [&other[..lead], &bytes, &other[lead..]].concat();
                let text = base64ct::Base64::encode_string(&whole);
                let ours: Vec<u8> = sextets(&bytes, lead).iter().map(|sextet| BASE64[usize::from(*sextet)]).collect();
                let at = (8 * lead).div_ceil(6);
                prop_assert_eq!(&text.as_bytes()[at..at + ours.len()], &ours[..]);
            }
        }
    }

    #[test]
    fn each_number_is_written_in_all_ways() {
        let bytes: Vec<u8> = (0..64u8).map(|at| at.wrapping_mul(37) ^ 0x91).collect();
        let number = ways(&Number::new(PRIME, &bytes));
        let raw = number.iter().filter(|way| matches!(way.form, Form::Raw(_)));
        assert_eq!(raw.count(), CODECS.len());
        let texts = |form| number.iter().filter(|way| way.form == form).count();
        assert_eq!((texts(Form::Hex), texts(Form::Decimal)), (12, 1));
        assert!((6..=12).contains(&texts(Form::Base64)));
        let seed = ways(&Number::new(SEED, &bytes));
        let raw = seed.iter().filter(|way| matches!(way.form, Form::Raw(_)));
        // In both orders, but for bytes and limbs, which are the same in the other.
        assert_eq!(raw.count(), 2 * CODECS.len() - 2);
        assert!(ways(&Number::new(PRIME, &bytes[..15])).is_empty());
    }
}
