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
        .filter(|byte| matches!(byte, b' '..=b'~'))
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

/// Whether the 32, 48 or 66 bytes may be a random scalar or seed: refuses more, and faster, than
/// [`looks_random`], for windows of which millions come out of a dump. Of 66 bytes the first and the last are not
/// judged: one of them holds the highest bit of a P-521 scalar. Other lengths are judged by `looks_random`.
///
/// Refused are windows
/// - of which two 64-bit words have 16 zero bits on top, as pointers and small numbers have,
/// - whose bytes are more those of machine code than random ones (`CODE`),
/// - with few different bytes, or nearly all printable ASCII,
/// - with bytes equal to those 1, 2, 4 or 8 places on, as pointers and numbers of one kind have, or which grow in
///   even steps,
/// - whose 64-bit words are nearly all doubles between 2^-31 and 2^33.
///
/// Of uniformly random bytes less than 1 in 10^5 are refused at each length: the limits are the exact tails of
/// the distributions (in all 9.3, 9.7 and 7.5 in 10^6).
pub fn looks_like_scalar(bytes: &[u8]) -> bool {
    if let Ok(bytes) = <&[u8; 32]>::try_from(bytes) {
        return SCALAR_32.pass(bytes);
    }
    if let Ok(bytes) = <&[u8; 48]>::try_from(bytes) {
        return SCALAR_48.pass(bytes);
    }
    if let [_, middle @ .., _] = bytes
        && let Ok(bytes) = <&[u8; 64]>::try_from(middle)
    {
        return SCALAR_66.pass(bytes);
    }
    looks_random(bytes)
}

/// What a window must stay below, or reach where said so; beside it how many of 10^6 random windows do not.
struct Limits {
    /// Weights of [`CODE`], summed up.
    code: i32,
    /// Different bytes, at least.
    distinct: u32,
    /// Printable ASCII characters.
    printable: u8,
    /// Bytes equal to the one 8 places on.
    equal_8: u8,
    /// Bytes equal to the one 4 places on, 2 places on, 1 place on, and steps equal to the one before.
    equal: u8,
    /// Doubles among the 64-bit words.
    doubles: usize,
}

const SCALAR_32: Limits = Limits {
    code: 18,      // 4.0
    distinct: 23,  // 1.1
    printable: 26, // 0.4
    equal_8: 4,    // 2.3
    equal: 5,      // 0.5 together
    doubles: 4,    // 1.0
};
const SCALAR_48: Limits = Limits {
    code: -23,     // 3.7
    distinct: 34,  // 0.5
    printable: 35, // 0.5
    equal_8: 5,    // 0.5
    equal: 5,      // 4.3 together
    doubles: 5,    // 0.2
};
const SCALAR_66: Limits = Limits {
    code: -71,     // 4.0
    distinct: 45,  // 0.8
    printable: 44, // 0.3
    equal_8: 6,    // 0.1
    equal: 6,      // 0.7 together
    doubles: 5,    // 1.6
};

impl Limits {
    /// The tests, those that refuse most for their price first.
    #[inline(always)]
    fn pass<const N: usize>(&self, bytes: &[u8; N]) -> bool {
        if small_words(bytes) >= 2 {
            return false; // 0.007 at most
        }
        let code: i32 = bytes
            .iter()
            .map(|&byte| i32::from(CODE.get(usize::from(byte)).copied().unwrap_or(0)))
            .sum();
        code < self.code
            && equal_at(bytes, 8) < self.equal_8
            && equal_at(bytes, 4) < self.equal
            && equal_at(bytes, 2) < self.equal
            && equal_at(bytes, 1) < self.equal
            && even_steps(bytes) < self.equal
            && printable(bytes) < self.printable
            && doubles(bytes) < self.doubles
            && distinct(bytes) >= self.distinct
    }
}

/// How many of the little-endian 64-bit words are below 2^48.
#[inline(always)]
fn small_words<const N: usize>(bytes: &[u8; N]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    words
        .iter()
        .filter(|word| u64::from_le_bytes(**word) >> 48 == 0)
        .count()
}

/// How many bytes equal the one `stride` places on.
#[inline(always)]
fn equal_at<const N: usize>(bytes: &[u8; N], stride: usize) -> u8 {
    let later = bytes.get(stride..).unwrap_or_default();
    bytes.iter().zip(later).map(|(a, b)| u8::from(a == b)).sum()
}

/// How many times a byte lies as far above the one before as the next lies above it.
#[inline(always)]
fn even_steps<const N: usize>(bytes: &[u8; N]) -> u8 {
    let (second, third) = (
        bytes.get(1..).unwrap_or_default(),
        bytes.get(2..).unwrap_or_default(),
    );
    bytes
        .iter()
        .zip(second)
        .zip(third)
        .map(|((a, b), c)| u8::from(b.wrapping_sub(*a) == c.wrapping_sub(*b)))
        .sum()
}

#[inline(always)]
fn printable<const N: usize>(bytes: &[u8; N]) -> u8 {
    bytes
        .iter()
        .map(|byte| u8::from((b' '..=b'~').contains(byte)))
        .sum()
}

/// How many of the little-endian 64-bit words are doubles of an absolute value from 2^-31 to below 2^33.
#[inline(always)]
fn doubles<const N: usize>(bytes: &[u8; N]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    words
        .iter()
        .filter(|word| {
            let exponent = u64::from_le_bytes(**word) >> 52 & 0x7ff;
            (0x3e0..0x420).contains(&exponent)
        })
        .count()
}

#[inline(always)]
fn distinct<const N: usize>(bytes: &[u8; N]) -> u32 {
    let mut seen = [0u64; 4];
    for &byte in bytes {
        if let Some(seen) = seen.get_mut(usize::from(byte >> 6)) {
            *seen |= 1 << (byte & 63);
        }
    }
    seen.iter().map(|seen| seen.count_ones()).sum()
}

/// How much more often a byte stands in x86-64 machine code than among random bytes: four times the binary logarithm of
/// the ratio, between -16 and 16. Counted over 119 MB of code of the shared libraries of a Debian 12 system, compiled from C, C++ and
/// Rust.
#[rustfmt::skip]
pub const CODE: [i8; 256] = [
    16, 9, 2, 1, 4, 2, -3, -3, 6, -4, -5, -6, -2, -4, -8, 13,
    4, -3, -8, -9, -3, -2, -9, -9, 1, -10, -11, -11, -6, -9, -10, 5,
    1, -8, -11, -11, 11, -3, -12, -12, 1, -2, -10, -6, -7, -9, -3, -10,
    -1, 4, -11, -9, -7, -3, -12, -11, -1, 1, -10, -6, -5, -3, -11, -9,
    2, 9, -6, -3, 8, 3, -7, -5, 16, 5, -8, -9, 8, -1, -9, -9,
    -2, -10, -10, -2, 0, -1, -6, -6, -4, -9, -11, -2, -2, -1, -6, -7,
    -4, -10, -6, -5, -3, -10, 8, -11, -6, -10, -10, -9, -5, -10, -7, -1,
    -4, -10, -6, -6, 4, 0, -9, -8, -4, -10, -11, -7, -1, -5, -5, -4,
    0, -4, -9, 7, 6, 7, -9, -7, -3, 13, -12, 11, -8, 8, -9, -10,
    -2, -13, -13, -11, -7, -9, -13, -12, -7, -13, -14, -14, -10, -13, -14, -13,
    -8, -11, -13, -12, -11, -13, -14, -13, -8, -13, -13, -12, -10, -13, -14, -9,
    -8, -11, -14, -12, -9, -11, -3, -6, -2, -6, -4, -9, -7, -8, -2, -5,
    6, 2, -2, 2, 1, 1, -1, 2, -3, -3, -6, -9, -9, -8, -8, -9,
    -2, -5, -2, -6, -8, -8, -7, -8, -4, -6, -7, -5, -9, -8, -6, -1,
    -2, -6, -4, -7, -7, -7, -6, -4, 9, 3, -5, 0, -2, -4, -4, 0,
    -3, -6, -2, -1, -7, -4, 0, -2, 0, -3, -2, -2, -2, 0, 3, 15,
];

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

    /// Random bytes, the same in every run, much faster than those of `random` (xorshift64*).
    fn fill(state: &mut u64, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            *state ^= *state >> 12;
            *state ^= *state << 25;
            *state ^= *state >> 27;
            let word = (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }

    #[test]
    fn of_random_scalars_one_in_100_000_is_refused() {
        let mut state = 7;
        for length in [32, 48, 66] {
            let mut bytes = vec![0; length];
            let refused = (0..1_000_000)
                .filter(|_| {
                    fill(&mut state, &mut bytes);
                    !looks_like_scalar(&bytes)
                })
                .count();
            // 7 to 10 are expected; 25 or more come once in 10^4 samples.
            assert!(
                refused < 25,
                "{refused} of a million of {length} bytes refused"
            );
        }
    }

    #[test]
    fn the_loss_to_the_weights_of_code_is_what_the_limits_say() {
        // The exact distribution of the sum of so many weights, each byte equally likely.
        for (length, limits) in [(32, &SCALAR_32), (48, &SCALAR_48), (64, &SCALAR_66)] {
            let mut chances = vec![0.0; 32 * length + 1]; // of each sum, plus 16 a byte
            chances[0] = 1.0;
            for _ in 0..length {
                let mut next = vec![0.0; chances.len()];
                for (sum, chance) in chances
                    .iter()
                    .enumerate()
                    .filter(|(_, chance)| **chance > 0.0)
                {
                    for weight in CODE {
                        next[sum + (weight + 16) as usize] += chance / 256.0;
                    }
                }
                chances = next;
            }
            let first = (limits.code + 16 * length as i32) as usize;
            let loss: f64 = chances[first..].iter().sum();
            assert!((3e-6..4.01e-6).contains(&loss), "{loss} at {length} bytes");
        }
    }

    #[test]
    fn code_pointers_texts_doubles_and_tables_are_no_scalars() {
        // A function's beginning and end, as gcc makes them.
        let code = b"\x41\x57\x49\x89\xff\x41\x56\x41\x55\x41\x54\x55\x53\x48\x83\xec\x18\x48\x8b\x07\x48\x89\x44\x24\x08\
            \x48\x85\xc0\x0f\x84\xb2\x00\x00\x00\x31\xdb\xe8\x11\x22\x33\xff\x48\x83\xc4\x18\x5b\x5d\x41\x5c\x41\x5d\x41\x5e\x41\
            \x5f\xc3\x66\x0f\x1f\x44\x00\x00\x48\x8d\x3d\x00\x01";
        let pointers: Vec<u8> = (0..9u64)
            .flat_map(|index| (0x7f12_3456_7890_u64 + index * 0x9_1235_1110).to_le_bytes())
            .collect();
        let doubles: Vec<u8> = (1..10)
            .flat_map(|index| (f64::from(index) / 7.3).exp().to_le_bytes())
            .collect();
        let integers: Vec<u8> = (1..18u32)
            .flat_map(|index| (index * 70_001).to_le_bytes())
            .collect();
        let steps: Vec<u8> = (0..66).map(|index| 7 + index * 3).collect();
        let text = b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4";
        let few_values: Vec<u8> = (0..66u32)
            .map(|index| (index * index * 91 % 20 * 12) as u8)
            .collect();
        for length in [32, 48, 66] {
            for bytes in [
                &code[..],
                &pointers,
                &doubles,
                &integers,
                &steps,
                text,
                &few_values,
                &[0; 66],
            ] {
                assert!(
                    !looks_like_scalar(&bytes[..length]),
                    "{:02x?}",
                    &bytes[..length]
                );
            }
            assert!(looks_like_scalar(&random(1, length)));
        }
        // Other lengths: the judgement of `looks_random`.
        assert!(looks_like_scalar(&random(1, 40)) && !looks_like_scalar(&pointers[..40]));
        assert!(!looks_like_scalar(&random(1, 10)));
    }

    #[test]
    fn the_ends_of_66_bytes_may_hold_anything() {
        for end in [0, 1, 0xff] {
            let mut bytes = random(4, 66);
            bytes[0] = end;
            bytes[65] = 0;
            assert!(looks_like_scalar(&bytes));
        }
    }
}
