//! What memory must look like for a number of a key to lie there, by the cheapest tests.

use super::codec::{Codec, Order};
use crate::bytes::slice;

/// Whether the `length` bytes at `start` may be a modulus or a prime in `codec`, whose digits use all bits: odd, the
/// highest bit set, and [dense](is_dense).
#[inline]
pub fn may_be_large(data: &[u8], start: usize, length: usize, codec: &Codec) -> bool {
    let Some(bytes) = slice(data, start, length) else {
        return false;
    };
    let digit = codec.digit().bytes();
    // Digits of several bytes are in machine order.
    let (least, most) = match codec.order() {
        Order::Least => (0, length - 1),
        Order::Most => (length - digit, digit - 1),
    };
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    byte(least) & 1 == 1 && byte(most) >= 0x80 && is_random(bytes)
}

#[inline(never)]
fn is_random(bytes: &[u8]) -> bool {
    is_dense(bytes) && has_all_bytes(bytes)
}

/// Whether of 64 bytes and more as many are different, and as few are those of which machine code is full, as of
/// random ones; both limits are six standard deviations off.
fn has_all_bytes(bytes: &[u8]) -> bool {
    let mut seen = [0u64; 4];
    let mut common = 0;
    for &byte in bytes {
        if let Some(word) = seen.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
        common += u32::from(matches!(byte, 0 | 0xff | 0x48 | 0x8b));
    }
    let distinct: u32 = seen.iter().map(|word| word.count_ones()).sum();
    let expected = bytes.len() as f64 / 64.0;
    let load = bytes.len() as f64 / 256.0;
    let empty = (-load).exp();
    let deviation = (256.0 * (empty - (1.0 + load) * empty * empty)).sqrt();
    f64::from(distinct) >= 256.0 * (1.0 - empty) - 6.0 * deviation
        && f64::from(common) <= expected + 6.0 * expected.sqrt() + 2.0
}

/// Whether bytes may be random, by their whole 64-bit words: hardly any has sixteen equal bits on top, as small
/// numbers and pointers have; few are text; fewer than a quarter have the exponents of usual doubles; no two
/// neighbours are equal. Of random numbers of 256 bits fewer than one in 10^6 is refused, of longer ones fewer than
/// one in 10^7.
pub fn is_dense(bytes: &[u8]) -> bool {
    let words = bytes.as_chunks::<8>().0;
    let count = words.len() as u32;
    let (mut flat, mut text, mut doubles, mut last) = (0, 0, 0, 0);
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        flat += u32::from((word >> 48).wrapping_add(1) & 0xffff < 2);
        text += u32::from(word & 0x8080_8080_8080_8080 == 0);
        doubles += u32::from((0x3e0..0x420).contains(&(word >> 52 & 0x7ff)));
        if flat > 1 + count / 64 || text > 2 + count / 8 || (index > 0 && word == last) {
            return false;
        }
        last = word;
    }
    doubles <= 3 + count / 4
}

/// Whether the bytes of a coordinate of 256, 384 or 521 bits may be random: its whole words, but for the highest one
/// of 521 bits, which must be below 2^9.
pub fn may_be_coordinate(bytes: &[u8], codec: &Codec) -> bool {
    let low = |top: &[u8]| {
        let (first, rest) = top.split_at_checked(2).unwrap_or_default();
        matches!(first, [_, 0 | 1]) && rest.iter().all(|byte| *byte == 0)
    };
    match (bytes.len(), codec.order()) {
        (72, Order::Least) => {
            let (whole, top) = bytes.split_at(64);
            low(top) && is_dense(whole)
        }
        (68, Order::Least) => {
            let (whole, top) = bytes.split_at(64);
            low(top) && is_dense(whole)
        }
        (68, Order::Most) => {
            let (top, whole) = bytes.split_at(4);
            low(top) && is_dense(whole)
        }
        (32 | 48, _) => is_dense(bytes),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::codec::entry;
    use sha2::{Digest, Sha512};

    /// Bytes as good as random, the same in every run.
    fn random(seed: u32, length: usize) -> Vec<u8> {
        (0..length.div_ceil(64) as u32)
            .flat_map(|block| Sha512::digest([seed.to_le_bytes(), block.to_le_bytes()].concat()))
            .take(length)
            .collect()
    }

    #[test]
    fn random_numbers_pass() {
        for length in [32, 48, 64, 256, 1024] {
            let refused = (0..20_000)
                .filter(|&seed| !is_dense(&random(seed, length)))
                .count();
            assert!(
                refused <= 1,
                "{refused} of 20,000 of {length} bytes refused"
            );
        }
    }

    #[test]
    fn other_memory_does_not() {
        let pointers: Vec<u8> = (0..32u64)
            .flat_map(|index| (0x7f12_3456_7890 + index * 0x13579).to_le_bytes())
            .collect();
        assert!(!is_dense(&pointers));
        assert!(!is_dense(
            &b"the quick brown fox jumps over the lazy dog. ".repeat(4)
        ));
        assert!(!is_dense(&[0x5a; 64]));
        let doubles: Vec<u8> = (1..33)
            .flat_map(|index| (f64::from(index) / 7.0).to_le_bytes())
            .collect();
        assert!(!is_dense(&doubles));
    }

    #[test]
    fn the_ends_of_a_large_number_lie_where_its_encoding_puts_them() {
        let mut number = random(1, 64);
        for (name, low, high) in [
            ("raw.limbs-le", 0, 63),
            ("raw.bytes-be", 63, 0),
            ("raw.words32-be", 60, 3),
        ] {
            let codec = entry(name);
            number[low] |= 1;
            number[high] |= 0x80;
            assert!(may_be_large(&number, 0, 64, codec), "{name}");
            number[low] &= 0xfe;
            assert!(!may_be_large(&number, 0, 64, codec), "{name}: even");
            number[low] |= 1;
            number[high] &= 0x7f;
            assert!(!may_be_large(&number, 0, 64, codec), "{name}: too short");
        }
        assert!(!may_be_large(&number, 1, 64, entry("raw.limbs-le")));
    }

    #[test]
    fn coordinates_of_521_bits_have_a_small_word_on_top() {
        let mut number = random(2, 72);
        let limbs = entry("raw.limbs-le");
        assert!(!may_be_coordinate(&number, limbs));
        number[65..].fill(0);
        assert!(may_be_coordinate(&number, limbs));
        number[65] = 2;
        assert!(!may_be_coordinate(&number, limbs));
        assert!(may_be_coordinate(&number[..48], limbs));
        assert!(!may_be_coordinate(&number[..40], limbs));
    }
}
