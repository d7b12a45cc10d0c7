//! How many different bytes a window has: random ones have many. And what they add up to, which tells half of the numbers
//! that are no primes.

use zeroize::Zeroize;

/// The fewest different values that `length` random bytes have, but for less than `loss` of them.
pub fn fewest_distinct(length: usize, loss: f64) -> u32 {
    // How likely each count is after so many bytes.
    let mut likely = [0.0; 257];
    if let Some(none) = likely.first_mut() {
        *none = 1.0;
    }
    for _ in 0..length {
        let mut left = 0.0;
        for (count, chance) in likely.iter_mut().enumerate() {
            let old = count as f64 / 256.0;
            let moved = *chance * (1.0 - old);
            *chance = *chance * old + left;
            left = moved;
        }
    }
    let mut sum = 0.0;
    likely
        .iter()
        .take_while(|chance| {
            sum += **chance;
            sum < loss
        })
        .count() as u32
}

/// The different bytes in a window that slides, and their sum.
pub struct Counter {
    counts: [u16; 256],
    distinct: u32,
    sum: u32,
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            counts: [0; 256],
            distinct: 0,
            sum: 0,
        }
    }
}

// A byte is in range of 256 counts.
#[allow(clippy::indexing_slicing)]
impl Counter {
    /// How many different bytes there are.
    #[inline(always)]
    pub fn distinct(&self) -> u32 {
        self.distinct
    }

    /// Whether 3, 5 or 17 divides a number of these bytes, in whatever order they are its digits: 255 divides 256 - 1, so
    /// that the number and their sum leave the same rest.
    #[inline(always)]
    pub fn has_factor(&self) -> bool {
        [3, 5, 17]
            .iter()
            .any(|factor| self.sum.is_multiple_of(*factor))
    }

    /// A byte that comes into the window.
    #[inline(always)]
    pub fn add(&mut self, byte: u8) {
        let count = &mut self.counts[usize::from(byte)];
        self.distinct += u32::from(*count == 0);
        self.sum += u32::from(byte);
        *count += 1;
    }

    /// A byte that leaves the window, in which it is.
    #[inline(always)]
    pub fn remove(&mut self, byte: u8) {
        let count = &mut self.counts[usize::from(byte)];
        *count -= 1;
        self.sum -= u32::from(byte);
        self.distinct -= u32::from(*count == 0);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.counts.zeroize();
        self.sum.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_random_numbers_have_fewer_different_bytes() {
        // Of 1000 random bytes nearly all 256 values; two bytes differ but for one pair in 256.
        assert_eq!(fewest_distinct(1, 1e-7), 1);
        assert_eq!(fewest_distinct(2, 1e-3), 1);
        assert_eq!(fewest_distinct(2, 1e-2), 2);
        for length in [32, 64, 128, 256] {
            let mut state = 3u64;
            let mut sum = 0;
            let mut below = 0;
            let [loose, strict] = [1e-7, 1e-2].map(|loss| fewest_distinct(length, loss));
            for _ in 0..10_000 {
                let mut counter = Counter::default();
                for _ in 0..length {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    counter.add((state >> 56) as u8);
                }
                assert!(
                    counter.distinct >= loose,
                    "{} of {length}",
                    counter.distinct
                );
                below += u32::from(counter.distinct < strict);
                sum += counter.distinct;
            }
            assert!((1..=150).contains(&below), "{below} of 10000 at {length}");
            let expected = 256.0 * (1.0 - (255.0f64 / 256.0).powi(length as i32));
            assert!((f64::from(sum) / 10_000.0 - expected).abs() < 0.3);
        }
    }

    #[test]
    fn factors_are_those_of_the_number() {
        let mut state = 5u64;
        for length in 1..16 {
            for _ in 0..200 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let bytes: Vec<u8> = (0..length)
                    .map(|at| (state.rotate_left(5 * at) >> 56) as u8)
                    .collect();
                let mut counter = Counter::default();
                bytes.iter().for_each(|byte| counter.add(*byte));
                let number = bytes
                    .iter()
                    .fold(0u128, |number, byte| number << 8 | u128::from(*byte));
                let has_factor = [3, 5, 17].iter().any(|factor| number % factor == 0);
                assert_eq!(counter.has_factor(), has_factor, "{bytes:?}");
                bytes.iter().for_each(|byte| counter.remove(*byte));
                assert!(counter.has_factor(), "zero has any factor");
            }
        }
    }
}
