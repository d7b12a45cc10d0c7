//! RSA keys that nothing points out: two numbers near one another whose product is a third.
//!
//! Windows of the sizes of a prime and of a modulus are told by their low limbs: the low limb of p·q is that of n.
//! All three lie in one block of memory, in limbs, in stretches of random bytes no longer than [`MAX_RUN`].

use super::codec::entry;
use super::heads::Source;
use super::large::Large;
use super::runs::EDGE;
use super::space::Block;
use crate::bytes::u64_le;
use crate::crypto::rsa_search::{is_product, low_product};
use std::ops::Range;
use zeroize::Zeroizing;

/// Where numbers of a block may begin, gathered run by run.
#[derive(Default)]
pub struct Triples {
    /// Offset and low limb of windows of the size of a prime, for each size.
    primes: [Vec<(usize, u64)>; SIZES.len()],
    /// Low limb and offset of windows of the size of a modulus, for each size.
    moduli: [Vec<(u64, usize)>; SIZES.len()],
}

impl Triples {
    /// Takes in the windows in `run`, which looks random.
    pub fn take(&mut self, block: &Block<'_>, run: &Range<usize>) {
        if run.len() > MAX_RUN || block.address.is_none() {
            return;
        }
        let first = run.start.saturating_sub(EDGE);
        let end = run.end + EDGE;
        let (first, step) = block.first_aligned(first, block.pointer);
        let lists = self.primes.iter_mut().zip(&mut self.moduli);
        for (size, (primes, moduli)) in SIZES.into_iter().zip(lists) {
            for start in (first..(end + 1).saturating_sub(size)).step_by(step) {
                let Some(low) = u64_le(block.bytes, start).filter(|low| low & 1 == 1) else {
                    continue;
                };
                let has_top = |size: usize| {
                    let last = block.bytes.get(start + size - 1);
                    start + size <= end && last.is_some_and(|byte| *byte >= 0x80)
                };
                if primes.len() < MAX_WINDOWS
                    && has_top(size)
                    && number(block, start, size).is_some()
                {
                    primes.push((start, low));
                }
                if has_top(2 * size) && moduli.len() < MAX_WINDOWS {
                    moduli.push((low, start));
                }
            }
        }
    }

    /// Finds the numbers of which two are factors of the third, which comes first.
    pub fn each(mut self, block: &Block<'_>, mut found: impl FnMut(Large, Range<usize>)) {
        let lists = self.primes.iter().zip(&mut self.moduli);
        for (size, (primes, moduli)) in SIZES.into_iter().zip(lists) {
            if primes.len() < 2 || moduli.is_empty() {
                continue;
            }
            moduli.sort_unstable();
            let mut filter = Zeroizing::new(vec![0u64; FILTER]);
            for (low, _) in moduli.iter() {
                let (word, bit) = place(*low);
                if let Some(word) = filter.get_mut(word) {
                    *word |= bit;
                }
            }
            for (index, &(one, low)) in primes.iter().enumerate() {
                let others = primes.iter().skip(index + 1).take(BETWEEN);
                for &(other, other_low) in others.take_while(|(other, _)| other - one <= NEAR) {
                    let product = low_product(low, other_low);
                    let (word, bit) = place(product);
                    if filter.get(word).is_none_or(|word| word & bit == 0) {
                        continue;
                    }
                    let first = moduli.partition_point(|(low, _)| *low < product);
                    let equal = moduli
                        .iter()
                        .skip(first)
                        .take_while(|(low, _)| *low == product);
                    for &(_, modulus) in equal.take(MAX_EQUAL) {
                        let all = [(modulus, 2 * size), (one, size), (other, size)];
                        let [Some(n), Some(p), Some(q)] =
                            all.map(|(start, size)| number(block, start, size))
                        else {
                            continue;
                        };
                        if is_product(&n.limbs, &p.limbs, &q.limbs) {
                            for (number, (start, size)) in [n, p, q].into_iter().zip(all) {
                                found(number, start..start + size);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn number(block: &Block<'_>, start: usize, size: usize) -> Option<Large> {
    Large::read(block.bytes.get(start..start + size)?, CODEC, Source::Edge)
}

/// The word and the bit of a low limb, which is odd, in the filter.
fn place(low: u64) -> (usize, u64) {
    let hash = low.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    ((hash >> 6) as usize % FILTER, 1 << (hash & 63))
}

const CODEC: &super::codec::Codec = entry("raw.limbs-le");

/// Bytes of a prime; a modulus has twice as many: 1024, 1536, 2048, 3072, 4096 and 8192 bits.
const SIZES: [usize; 6] = [64, 96, 128, 192, 256, 512];

/// Bytes of the longest run looked at: longer ones are packed data or images.
pub const MAX_RUN: usize = 4096;

/// Bytes between the beginnings of two primes at most.
pub const NEAR: usize = 8192;

/// Windows behind each that are tried with it, and windows kept of each size in a block.
const BETWEEN: usize = 256;
const MAX_WINDOWS: usize = 16 << 10;

/// Words of the filter: 32 KiB.
const FILTER: usize = 4096;

/// Moduli of one low limb that are compared whole.
const MAX_EQUAL: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys;

    fn block(bytes: &[u8]) -> Block<'_> {
        Block {
            address: Some(0x7000),
            ..Block::whole(bytes)
        }
    }

    /// The numbers found in memory that holds the parts of a key at these offsets.
    fn found(parts: &[(usize, &[u8])]) -> Vec<Range<usize>> {
        let mut bytes = vec![0; 64 << 10];
        let mut triples = Triples::default();
        for (start, number) in parts {
            let little: Vec<u8> = number.iter().rev().copied().collect();
            bytes[*start..start + little.len()].copy_from_slice(&little);
        }
        let block = block(&bytes);
        for (start, number) in parts {
            triples.take(&block, &(*start..start + number.len()));
        }
        let mut ranges = Vec::new();
        triples.each(&block, |number, range| {
            assert_eq!(number.limbs.len() * 8, range.len());
            ranges.push(range);
        });
        ranges
    }

    #[test]
    fn a_key_that_nothing_points_out_is_found() {
        let mut tested = 0;
        for key in test_keys::rsa_keys() {
            let (n, p, q) = (&key.n[..], &key.p[..], &key.q[..]);
            if !SIZES.contains(&p.len()) || q.len() != p.len() || n.len() != 2 * p.len() {
                continue;
            }
            tested += 1;
            let parts = [(0x100, n), (0x8000, p), (0x8000 + NEAR, q)];
            let mut ranges = found(&parts);
            ranges.sort_by_key(|range| range.start);
            assert_eq!(ranges.len(), 3, "{} bytes", n.len());
            for (range, (start, number)) in ranges.iter().zip(parts) {
                assert_eq!(*range, start..start + number.len());
            }
            let apart = [(0x100, n), (0x8000, p), (0x8008 + NEAR, q)];
            assert!(found(&apart).is_empty());
            let mut other = n.to_vec();
            other[3] ^= 1;
            assert!(found(&[(0x100, &other), (0x8000, p), (0x8200, q)]).is_empty());
        }
        assert!(tested >= 1);
    }
}
