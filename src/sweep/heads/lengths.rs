//! What a length may count, and how long a modulus or prime is then.

use crate::sweep::codec::{Codec, entry};
use crate::sweep::numbers::may_be_large;

/// One way in which a count of something may tell the length of a number.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Bytes before the number that are counted: a zero for the sign.
    pub(super) skip: usize,
    /// Bytes of the number.
    pub(super) length: usize,
    /// Its encoding.
    pub(super) codec: &'static Codec,
}

impl Form {
    /// Whether the number at `start` may be a modulus or a prime.
    pub(super) fn is_fit(&self, data: &[u8], start: usize) -> bool {
        let has_sign = || {
            start
                .checked_sub(1)
                .and_then(|before| data.get(before))
                .is_some_and(|sign| *sign == 0)
        };
        may_be_large(data, start, self.length, self.codec) && (self.skip == 0 || has_sign())
    }
}

/// What so many limbs of 64 or 32 bits or bytes may be.
pub(super) fn forms(count: usize) -> impl Iterator<Item = Form> {
    let form = |skip, length, codec| Form {
        skip,
        length,
        codec,
    };
    [
        form(0, 8 * count, LIMBS),
        form(0, 4 * count, LIMBS),
        form(0, count, LIMBS),
        form(0, count, BYTES),
        form(1, count.wrapping_sub(1), BYTES),
    ]
    .into_iter()
    .filter(|form| is_length(form.length))
}

/// Whether a modulus or prime has so many bytes.
pub(super) const fn is_length(length: usize) -> bool {
    length >= MIN_LENGTH && length <= MAX_LENGTH && length.is_multiple_of(32)
}

/// Whether a modulus or prime has so many digits of 30 bits.
const fn is_digits(digits: usize) -> bool {
    let bits = 30 * digits;
    digits > 0 && bits % 256 < 30 && is_length(bits / 256 * 32)
}

/// What a length word of each value may be: a count of limbs, words or bytes; of CPython's digits; its tag; twice
/// the limbs of a V8 `BigInt`; Erlang's head.
pub(super) static FORMS: [u8; MAX_HEAD as usize + 1] = kinds();
pub(super) const COUNT: u8 = 1;
pub(super) const DIGITS: u8 = 2;
pub(super) const TAG: u8 = 4;
pub(super) const BIG_INT: u8 = 8;
pub(super) const ERLANG: u8 = 16;
pub(super) const LENGTH: u8 = COUNT | DIGITS | TAG | BIG_INT | ERLANG;
/// Limbs of a coordinate in processes of 64 and of 32 bits.
const COORDINATE_64: u8 = 32;
const COORDINATE_32: u8 = 64;

/// What a count beside a pointer of so many bytes must be for a coordinate.
pub(super) const fn coordinate(pointer: usize) -> u8 {
    if pointer == 8 {
        COORDINATE_64
    } else {
        COORDINATE_32
    }
}

#[allow(clippy::indexing_slicing)] // the compiler evaluates it: an index out of bounds does not compile
const fn kinds() -> [u8; MAX_HEAD as usize + 1] {
    let mut kinds = [0; MAX_HEAD as usize + 1];
    let mut head = 1;
    while head <= MAX_HEAD as usize {
        if is_length(8 * head) || is_length(4 * head) || is_length(head) || is_length(head - 1) {
            kinds[head] |= COUNT;
        }
        if is_digits(head) {
            kinds[head] |= DIGITS;
        }
        if head % 8 == 0 && is_digits(head / 8) {
            kinds[head] |= TAG;
        }
        if head % 2 == 0 && is_length(4 * head) {
            kinds[head] |= BIG_INT;
        }
        // arity, and the tags of positive big numbers
        if head % 64 == 8 && is_length(head / 64 * 8) {
            kinds[head] |= ERLANG;
        }
        head += 1;
    }
    let mut size = 0;
    while size < LIMBS_64.len() {
        kinds[LIMBS_64[size] as usize] |= COORDINATE_64;
        kinds[LIMBS_32[size] as usize] |= COORDINATE_32;
        size += 1;
    }
    kinds
}

pub(super) const LIMBS: &Codec = entry("raw.limbs-le");
const BYTES: &Codec = entry("raw.bytes-be");
pub(super) const WORDS: &Codec = entry("raw.words32-be");
pub(super) const DIGITS30: &Codec = entry("raw.digits30");

/// Bytes of the shortest and of the longest modulus or prime.
const MIN_LENGTH: usize = 64;
pub(super) const MAX_LENGTH: usize = 1024;

/// The highest count: bytes with a sign.
pub(super) const MAX_COUNT: u64 = MAX_LENGTH as u64 + 1;

/// Limbs of the coordinates of P-256 and secp256k1, of P-384 and of P-521, of 64 and of 32 bits each.
pub(super) const LIMBS_64: [u32; 3] = [4, 6, 9];
pub(super) const LIMBS_32: [u32; 3] = [8, 12, 17];

/// The highest length word: Erlang's of 8192 bits.
pub(super) const MAX_HEAD: u64 = (MAX_LENGTH as u64 / 8) << 6 | 8;
