//! Does a secret look random? A constant, a text, a pointer table behind a key format's prefix does not.

/// Whether `secret` may be the bytes of a random scalar or seed.
///
/// The tests are made so that a true random secret is all but never refused: of 32 random bytes at
/// least 22 differ from one another (fewer: 7 in 10^8), at most 4 are zero and at most 4 are
/// 0xff (more: 1 in 10^7 each), at most 29 are printable ASCII (more: 1 in 10^9), no 16-bit word
/// of one alignment stands three times (about 1 in 10^6), and the bytes of common OBJECT IDENTIFIERs
/// are not among them (1 in 10^5). Longer secrets (to 66 bytes) pass with the same limits scaled.
pub fn looks_random(secret: &[u8]) -> bool {
    let mut counts = [0u8; 256];
    for &byte in secret {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let length = secret.len();
    let count = |byte: u8| usize::from(counts.get(usize::from(byte)).copied().unwrap_or(0));
    let distinct = counts.iter().filter(|&&count| count > 0).count();
    let printable = secret
        .iter()
        .filter(|byte| (b' '..=b'~').contains(byte))
        .count();
    length >= MIN_LENGTH
        && distinct >= expected_distinct(length)
        && count(0) <= length / 8
        && count(0xff) <= length / 8
        && printable * 10 <= length * 9 + 10
        && !has_repeated_words(secret)
        && !has_steps(secret)
        && !OID_ARCS
            .iter()
            .chain(&CONSTANTS)
            .any(|arc| secret.windows(arc.len()).any(|window| window == *arc))
}

/// The fewest distinct bytes a random secret of `length` bytes has, but for one in 10^7.
fn expected_distinct(length: usize) -> usize {
    match length {
        0..=40 => length * 22 / 32,
        41..=56 => length * 31 / 48,
        _ => length * 40 / 66,
    }
}

/// Whether one 16-bit word stands three times or more at the same alignment, as the upper halves of
/// pointers and small integers do.
fn has_repeated_words(secret: &[u8]) -> bool {
    let (words, _) = secret.as_chunks::<2>();
    words.iter().enumerate().any(|(index, word)| {
        words
            .iter()
            .skip(index + 1)
            .filter(|other| *other == word)
            .count()
            >= 2
    })
}

/// Whether bytes count up or down in even steps, as tables do: of 31 differences of random bytes no value
/// stands 8 times (1 in 10^13).
fn has_steps(secret: &[u8]) -> bool {
    let mut counts = [0u8; 256];
    secret.windows(2).any(|pair| {
        let [first, second] = pair else { return false };
        let count = counts.get_mut(usize::from(second.wrapping_sub(*first)));
        count.is_some_and(|count| {
            *count += 1;
            *count >= 8
        })
    })
}

/// Whether bytes vary as the secret numbers of some structure do: not a constant, not a few values. Weaker
/// than [`looks_random`], since structure stands between the numbers.
pub fn is_varied(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    for &byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    distinct >= (bytes.len() / 2).min(32)
        && !has_steps(bytes.get(..bytes.len().min(66)).unwrap_or_default())
}

/// Whether `bytes` may be what a cipher with blocks of `block` bytes put out.
pub fn is_ciphertext(bytes: &[u8], block: usize) -> bool {
    let start = bytes.get(..bytes.len().min(48)).unwrap_or_default();
    bytes.len().is_multiple_of(block) && looks_random(start)
}

/// Secrets shorter than this are not judged random.
const MIN_LENGTH: usize = 24;

/// Starts of object identifiers: 1.2.840, 1.3.101, 1.3.132, 2.16.840.1.101. They follow where a
/// program keeps prefixes of key formats one after the other.
const OID_ARCS: [&[u8]; 4] = [
    b"\x2a\x86\x48",
    b"\x06\x03\x2b\x65",
    b"\x2b\x81\x04",
    b"\x60\x86\x48",
];

/// First words of constants that stand beside key formats in crypto libraries: SHA-256's round constants and
/// initial values, AES' S-box, those of MD5 and SHA-1; and heads of numbers in DER.
const CONSTANTS: [&[u8]; 9] = [
    b"\x42\x8a\x2f\x98",
    b"\x98\x2f\x8a\x42",
    b"\x6a\x09\xe6\x67",
    b"\x67\xe6\x09\x6a",
    b"\x63\x7c\x77\x7b",
    b"\x67\x45\x23\x01",
    b"\x01\x23\x45\x67",
    b"\x02\x82\x01\x01\x00",
    b"\x02\x81\x81\x00",
];

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha512};

    /// Bytes as good as random, the same in every run.
    fn random(seed: u32, length: usize) -> Vec<u8> {
        let mut bytes = Sha512::digest(seed.to_le_bytes()).to_vec();
        bytes.extend(Sha512::digest(bytes.clone()));
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn random_secrets_pass() {
        for length in [32, 48, 66] {
            let refused = (0..50_000)
                .filter(|&seed| !looks_random(&random(seed, length)))
                .count();
            assert!(
                refused <= 3,
                "{refused} of 50,000 random secrets of {length} bytes refused"
            );
        }
    }

    #[test]
    fn constants_texts_and_pointers_do_not() {
        assert!(!looks_random(&[0; 32]));
        let counting: Vec<u8> = (0..16).flat_map(|word: u16| word.to_le_bytes()).collect();
        assert!(!looks_random(&counting));
        let table: Vec<u8> = (0..32).map(|index| index * 3).collect();
        assert!(!looks_random(&table) && !is_varied(&table) && !is_ciphertext(&[0; 64], 16));
        assert!(!looks_random(b"The quick brown fox jumps over t"));
        let pointers: Vec<u8> = [
            0x7f12_3456_7890_u64,
            0x7f12_3456_aa12,
            0x7f12_9955_1122,
            0x7f12_0011_8877,
        ]
        .iter()
        .flat_map(|pointer| pointer.to_le_bytes())
        .collect();
        assert!(!looks_random(&pointers));
        assert!(!looks_random(b"short"));
    }

    #[test]
    fn prefixes_of_key_formats_do_not() {
        let mut bytes = random(1, 32);
        bytes[8..16].copy_from_slice(b"\x30\x05\x06\x03\x2b\x65\x70\x04");
        assert!(!looks_random(&bytes));
    }
}
