//! Checked reads of integers and slices: `None` beyond the end, never a panic.

/// The `length` bytes at `at`, or `None` when they are not all there.
pub fn slice(data: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    data.get(at..at.checked_add(length)?)
}

/// The `N` bytes at `at` as an array.
pub fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    slice(data, at, N)?.try_into().ok()
}

/// A little-endian `u32`.
pub fn u32_le(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_le_bytes)
}

/// A little-endian `u64`.
pub fn u64_le(data: &[u8], at: usize) -> Option<u64> {
    array(data, at).map(u64::from_le_bytes)
}

/// A big-endian `u32`.
pub fn u32_be(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_be_bytes)
}

/// Whether all bytes are zero. Reads words, so that a page costs some tens of nanoseconds, and
/// stops at the first 64 bytes that are not.
pub fn is_zero(data: &[u8]) -> bool {
    let (blocks, rest) = data.as_chunks::<64>();
    blocks.iter().all(|block| {
        let (words, _) = block.as_chunks::<8>();
        words
            .iter()
            .fold(0, |sum, word| sum | u64::from_ne_bytes(*word))
            == 0
    }) && rest.iter().all(|&byte| byte == 0)
}

/// A big-endian number of at most 32 bits.
pub fn small(number: &[u8]) -> Option<u32> {
    let digits = trim_zeros(number);
    (digits.len() <= 4).then(|| {
        digits
            .iter()
            .fold(0, |sum, &byte| sum << 8 | u32::from(byte))
    })
}

/// A big-endian number without its leading zero bytes.
pub fn trim_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Bits of a big-endian number, leading zeros not counted.
pub fn bit_length(number: &[u8]) -> u32 {
    match trim_zeros(number) {
        [] => 0,
        [first, rest @ ..] => {
            let low = u32::try_from(rest.len())
                .unwrap_or(u32::MAX / 16)
                .saturating_mul(8);
            low + (8 - first.leading_zeros())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_end_at_the_end() {
        let data = [1, 2, 3, 4];
        assert_eq!(u32_le(&data, 0), Some(0x0403_0201));
        assert_eq!(u32_be(&data, 0), Some(0x0102_0304));
        assert_eq!(u32_le(&data, 1), None);
        assert_eq!(u32_le(&data, usize::MAX), None);
        assert_eq!(slice(&data, 4, 0), Some(&[][..]));
        assert_eq!(slice(&data, 5, 0), None);
    }

    #[test]
    fn bit_lengths() {
        assert_eq!(bit_length(&[]), 0);
        assert_eq!(bit_length(&[0, 0]), 0);
        assert_eq!(bit_length(&[0, 1]), 1);
        assert_eq!(bit_length(&[0x80, 0]), 16);
    }

    proptest! {
        #[test]
        fn is_zero_agrees_with_the_plain_loop(mut data in proptest::collection::vec(Just(0u8), 0..300), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            if !data.is_empty() {
                let at = at.index(data.len());
                data[at] = byte;
            }
            prop_assert_eq!(is_zero(&data), data.iter().all(|&b| b == 0));
        }
    }
}
