//! The vector kernel of the search for copies: the hashes of the grams of memory side by side, and where characters of
//! UTF-16 stand.
//!
//! Each kernel gives the same answer; [`portable`] says it in words.

use super::grams::{HIGH_BYTES, LOW_BYTES, hash};
use zeroize::Zeroize;

/// Bytes of a group.
pub const GROUP: usize = 512;

/// Bytes of a line.
pub const LINE: usize = 64;

/// Words of 64 bits in a line, and lines in a group.
const WORDS: usize = LINE / 8;
const LINES: usize = GROUP / LINE;

/// What a group holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// A bit for each line that is not zero; of the others nothing is told.
    pub filled: u8,
    /// The hash of each word, by lines.
    pub hashes: [[u64; WORDS]; LINES],
    /// For each line, a bit for each even word which is not zero nor is the next one, and of both of which the upper or
    /// the lower byte of each 16 bits is.
    pub wide: [u8; LINES],
}

impl Default for Look {
    fn default() -> Self {
        Self {
            filled: 0,
            hashes: [[0; WORDS]; LINES],
            wide: [0; LINES],
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.hashes.as_flattened_mut().zeroize();
    }
}

/// A kernel this processor has.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    level: Level,
}

#[derive(Clone, Copy, Debug)]
enum Level {
    /// Many processors since 2017.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Any processor.
    Portable,
}

impl Kernel {
    /// The fastest of this processor.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
            return Self {
                level: Level::Avx512,
            };
        }
        Self {
            level: Level::Portable,
        }
    }

    /// Looks at a group. What `look` held is overwritten.
    #[inline]
    pub fn look(self, group: &[u8; GROUP], look: &mut Look) {
        match self.level {
            // SAFETY: this would be an illegal instruction on a processor without AVX-512 F and DQ. The level is made by
            // `best` alone, after it has seen them.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::look(group, look) },
            Level::Portable => portable::look(group, look),
        }
    }
}

mod portable {
    use super::{GROUP, HIGH_BYTES, LINE, LOW_BYTES, Look, hash};

    pub fn look(group: &[u8; GROUP], look: &mut Look) {
        look.filled = 0;
        let lines = group.as_chunks::<LINE>().0.iter();
        let places = look.hashes.iter_mut().zip(&mut look.wide);
        for (index, (line, (hashes, wide))) in lines.zip(places).enumerate() {
            let (words, _) = line.as_chunks::<8>();
            let mut all = 0;
            for (word, place) in words.iter().zip(hashes) {
                let word = u64::from_le_bytes(*word);
                all |= word;
                *place = hash(word);
            }
            look.filled |= u8::from(all != 0) << index;
            *wide = 0;
            for (pair, words) in words.as_chunks::<2>().0.iter().enumerate() {
                let [first, second] = words.map(u64::from_le_bytes);
                let all = first | second;
                let is_text = (first != 0) & (second != 0);
                let is_wide = is_text & ((all & HIGH_BYTES == 0) | (all & LOW_BYTES == 0));
                *wide |= u8::from(is_wide) << (2 * pair);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{GROUP, HIGH_BYTES, LINE, LOW_BYTES, Look};
    use crate::sweep::copies::grams::SPREAD;
    use std::arch::x86_64::{
        _mm512_loadu_si512, _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_storeu_si512,
        _mm512_test_epi64_mask, _mm512_testn_epi64_mask,
    };

    #[target_feature(enable = "avx512f,avx512dq")]
    pub fn look(group: &[u8; GROUP], look: &mut Look) {
        look.filled = 0;
        let spread = _mm512_set1_epi64(SPREAD.cast_signed());
        let high = _mm512_set1_epi64(HIGH_BYTES.cast_signed());
        let low = _mm512_set1_epi64(LOW_BYTES.cast_signed());
        let lines = group.as_chunks::<LINE>().0.iter();
        let places = look.hashes.iter_mut().zip(&mut look.wide);
        for (index, (line, (hashes, wide))) in lines.zip(places).enumerate() {
            // SAFETY: a load beyond the end of memory would fault. This one reads the 64 bytes of `line`, at any alignment.
            let words = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
            let filled = _mm512_test_epi64_mask(words, words);
            if filled == 0 {
                continue;
            }
            look.filled |= 1 << index;
            let product = _mm512_mullo_epi64(words, spread);
            // SAFETY: a store beyond the end of memory would fault. This one writes the 64 bytes of `hashes`, at any
            // alignment.
            unsafe { _mm512_storeu_si512(hashes.as_mut_ptr().cast(), product) };
            let [evens, odds] =
                [high, low].map(|part| _mm512_testn_epi64_mask(words, part) & filled);
            *wide = (evens & evens >> 1 | odds & odds >> 1) & 0x55;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_kernels_agree(
            words in prop::collection::vec(
                prop_oneof![
                    Just(0u64),
                    any::<u64>(),
                    any::<u64>().prop_map(|word| word & HIGH_BYTES),
                    any::<u64>().prop_map(|word| word & LOW_BYTES),
                ],
                GROUP / 8,
            ),
            zeros in any::<u8>(),
        ) {
            let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            for (index, line) in bytes.chunks_mut(LINE).enumerate() {
                if zeros >> index & 1 == 1 {
                    line.fill(0);
                }
            }
            let group = bytes.first_chunk().unwrap();
            let [mut best, mut plain] = [Look::default(), Look::default()];
            Kernel::best().look(group, &mut best);
            portable::look(group, &mut plain);
            prop_assert_eq!(best.filled, plain.filled);
            for line in (0..LINES).filter(|line| plain.filled >> line & 1 == 1) {
                prop_assert_eq!(best.hashes[line], plain.hashes[line]);
                prop_assert_eq!(best.wide[line], plain.wide[line]);
            }
        }
    }
}
