//! Which of many moduli does a number divide? All at once, by one digit of the quotient.
//!
//! If w divides n, the quotient is n·w⁻¹ modulo any power of two, and its leading digits are those of the
//! quotient of the leading digits. So one digit is worked out both ways, modulo B = 2^64:
//!
//! ```text
//! x = w⁻¹ mod B^(c+1)                             once for all moduli
//! for each n:
//!     digit = Σ low(n[i]·x[c-i]) + Σ high(n[i]·x[c-1-i])    exact but for a carry of 0 to 2c+1
//!     top = n / (w·B^c)                           from the leading 53 bits
//!     if top - digit modulo B is small: divide n by w
//! ```
//!
//! Digit c is the highest that 53 bits tell well, so no other is needed, and the cost of a modulus grows with
//! its length, not with the square. Nothing is lost: for a divisor the bounds on the carry and on the rounding
//! always hold. Of other windows, one in a million and fewer gets as far as the division.

use super::inverse::with_inverse;
use super::limbs::{LIMB_BITS, bits, bits_below, number, trimmed, wide};
#[cfg(target_arch = "x86_64")]
use super::simd_ifma::{DIGIT_BITS, Lanes, Window};
use zeroize::Zeroizing;

/// Moduli of one number of limbs, laid out so that one window is tested against all of them at once.
pub struct Moduli {
    /// Limbs of each.
    limbs: usize,
    /// Bits of the largest.
    bits: u32,
    /// All limbs of all moduli, one modulus after the other.
    numbers: Vec<u64>,
    /// Each modulus divided by 2^`bits`.
    fractions: Vec<f64>,
    /// The same for the vector kernel, where there is one and it is worth it.
    #[cfg(target_arch = "x86_64")]
    lanes: Option<Lanes>,
}

impl Moduli {
    /// `None` if there is none, an even one, one of more than [`MAX_LIMBS`] limbs or they differ in their number
    /// of limbs (zeros on top not counted).
    pub fn new(moduli: &[&[u64]]) -> Option<Self> {
        let moduli: Vec<&[u64]> = moduli.iter().map(|modulus| trimmed(modulus)).collect();
        let limbs = moduli.first()?.len();
        let are_right = moduli.iter().all(|modulus| {
            modulus.len() == limbs && modulus.first().is_some_and(|low| low & 1 == 1)
        });
        if !are_right || limbs > MAX_LIMBS {
            return None;
        }
        let bits = moduli.iter().map(|modulus| bits(modulus)).max()?;
        let fractions = moduli.iter().map(|modulus| fraction_of(modulus, bits));
        let fractions: Vec<f64> = fractions.collect();
        Some(Self {
            limbs,
            bits,
            numbers: moduli.concat(),
            #[cfg(target_arch = "x86_64")]
            lanes: (moduli.len() >= FEWEST_FOR_LANES)
                .then(|| Lanes::new(&moduli, &fractions))
                .flatten(),
            fractions,
        })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.fractions.len()
    }

    /// Never: there is one at least.
    pub fn is_empty(&self) -> bool {
        self.fractions.is_empty()
    }

    /// Calls `found` with the index of every modulus that `window` divides exactly. Windows that are even, 1,
    /// or not below the modulus divide none. Any length of the window will do: the halves of a modulus,
    /// unequal primes, primes of a modulus of more than two.
    pub fn divided_by(&self, window: &[u64], mut found: impl FnMut(usize)) {
        let window = trimmed(window);
        let is_odd = window.first().is_some_and(|low| low & 1 == 1);
        let size = bits(window);
        if !is_odd || size < 2 || size > self.bits {
            return;
        }
        let confirm = |index: usize, modulus: &[u64]| {
            if divides(window, modulus) {
                found(index);
            }
        };
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = &self.lanes {
            return self.look_by_lanes(lanes, window, size, confirm);
        }
        self.look(window, size, confirm);
    }

    /// Calls `candidate` with the moduli that the window may divide, and their places.
    fn look(&self, window: &[u64], size: u32, mut candidate: impl FnMut(usize, &[u64])) {
        let excess = self.bits - size;
        let digit = excess.saturating_sub(SPARE_BITS) / LIMB_BITS;
        let test = DigitTest::new(window, size, excess, LIMB_BITS, digit);
        let moduli = self.numbers.chunks_exact(self.limbs).zip(&self.fractions);
        with_inverse(window, digit as usize + 1, |inverse| {
            for (index, (modulus, fraction)) in moduli.enumerate() {
                if test.may_divide(modulus, *fraction, inverse) {
                    candidate(index, modulus);
                }
            }
        });
    }

    /// The same by the vector kernel, which compares digits of 52 bits; what it lets through is looked at in
    /// 64 bits again.
    #[cfg(target_arch = "x86_64")]
    fn look_by_lanes(
        &self,
        lanes: &Lanes,
        window: &[u64],
        size: u32,
        mut candidate: impl FnMut(usize, &[u64]),
    ) {
        let excess = self.bits - size;
        let digit = (excess + 1)
            .saturating_sub(SPARE_BITS_OF_LANES)
            .div_ceil(DIGIT_BITS);
        let test = DigitTest::new(window, size, excess, DIGIT_BITS, digit);
        let limbs = (DIGIT_BITS * (digit + 1)).div_ceil(LIMB_BITS);
        let again = |inverse: &[u64], index: usize| {
            let test = DigitTest::new(window, size, excess, LIMB_BITS, limbs - 1);
            let start = index * self.limbs;
            let modulus = self.numbers.get(start..start + self.limbs)?;
            let fraction = *self.fractions.get(index)?;
            test.may_divide(modulus, fraction, inverse)
                .then_some(modulus)
        };
        with_inverse(window, limbs as usize, |inverse| {
            let window = Window {
                reciprocal: test.reciprocal,
                slack: test.slack,
                limit: test.limit,
            };
            lanes.candidates(&window, inverse, test.digit, |index| {
                if let Some(modulus) = again(inverse, index) {
                    candidate(index, modulus);
                }
            });
        });
    }
}

/// The comparison of one digit of the quotient, worked out from below and from above.
struct DigitTest {
    /// Times the modulus' fraction this is the quotient with the point above the digit.
    reciprocal: f64,
    digit: usize,
    /// What rounding may change.
    slack: u64,
    /// The largest difference of a divisor.
    limit: u64,
}

impl DigitTest {
    /// For a window of `size` bits, the largest modulus having `excess` more, and digit `digit` of `digit_bits`
    /// bits, above which the quotient has 38 bits at most.
    fn new(window: &[u64], size: u32, excess: u32, digit_bits: u32, digit: u32) -> Self {
        let above = excess as i32 - (digit_bits * (digit + 1)) as i32;
        // The quotient is below 2^(above + 1). Fraction, window, reciprocal and product are each rounded by
        // less than 1.01·2^-53.
        let rounded = above + 1 + digit_bits as i32 - ROUNDING_BITS;
        let slack = (1 << rounded.clamp(0, 62)) + 2;
        let carry = 2 * u64::from(digit) + 2;
        Self {
            reciprocal: 2f64.powi(above) / fraction_of(window, size),
            digit: digit as usize,
            slack,
            limit: 2 * slack + carry,
        }
    }

    #[inline]
    fn may_divide(&self, modulus: &[u64], fraction: f64, inverse: &[u64]) -> bool {
        let quotient = fraction * self.reciprocal;
        let top = ((quotient - quotient.trunc()) * TWO_64) as u64;
        let digit = digit_of_product(modulus, inverse, self.digit);
        top.wrapping_sub(digit).wrapping_add(self.slack) <= self.limit
    }
}

/// Digit `at` of modulus · inverse but for the carry from below, which is 2·`at` + 1 at most.
#[inline]
fn digit_of_product(modulus: &[u64], inverse: &[u64], at: usize) -> u64 {
    let modulus = modulus.get(..=at).unwrap_or(modulus);
    let mut digit = 0u64;
    let mut carried = 0u64;
    for (limb, other) in modulus.iter().zip(inverse.iter().rev()) {
        // The low halves belong to this digit, the high halves of the pairs one below do too.
        digit = digit.wrapping_add(limb.wrapping_mul(*other));
    }
    for (limb, other) in modulus.iter().zip(inverse.iter().rev().skip(1)) {
        carried = carried.wrapping_add(wide(*limb, *other).1);
    }
    digit.wrapping_add(carried)
}

/// Whether 1 < `window` < `modulus` divides it: exact, and slow.
fn divides(window: &[u64], modulus: &[u64]) -> bool {
    let (window, modulus) = (number(window), number(modulus));
    window.cmp_vartime(&*modulus).is_lt()
        && window.to_nz().into_option().is_some_and(|window| {
            let window = Zeroizing::new(window);
            Zeroizing::new(modulus.rem_vartime(&*window)).bits_vartime() == 0
        })
}

/// A number divided by 2^`bits`, of which it has no more, rounded by less than 1.01·2^-53 of it.
fn fraction_of(number: &[u64], bits: u32) -> f64 {
    let length = self::bits(number);
    let [top] = bits_below::<1>(number, length);
    top as f64 / TWO_64 * 2f64.powi(length as i32 - bits as i32)
}

/// The most limbs of a modulus: 16384 bits.
pub const MAX_LIMBS: usize = 256;

/// Bits of the quotient that may lie above the compared digit: they cost as many bits of the comparison.
const SPARE_BITS: u32 = 8;

/// The same for the vector kernel, counted from the lower end of its digit: one candidate in 2^11 is none, and
/// the inverse of a window half as long as the modulus needs no limb more than the window has.
#[cfg(target_arch = "x86_64")]
const SPARE_BITS_OF_LANES: u32 = 90;

/// Moduli from which on the vector kernel is faster than one after the other.
#[cfg(target_arch = "x86_64")]
const FEWEST_FOR_LANES: usize = 4;

/// A quotient of rounded numbers is right to 2^-50 of its size.
const ROUNDING_BITS: i32 = 50;

const TWO_64: f64 = 18_446_744_073_709_551_616.0;

#[cfg(test)]
mod tests {
    use super::super::test_numbers::{keys, odd, prime, product};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const NONE: [usize; 0] = [];

    fn found(moduli: &[&[u64]], window: &[u64]) -> Vec<usize> {
        let mut found = Vec::new();
        Moduli::new(moduli)
            .expect("moduli of one size")
            .divided_by(window, |index| found.push(index));
        found
    }

    #[test]
    fn primes_of_the_test_keys_are_found() {
        for key in keys() {
            let decoys: Vec<Vec<u64>> = (0..20).map(|seed| odd(key.n.len(), seed)).collect();
            for at in [0, 3, 8, 20] {
                let mut moduli: Vec<&[u64]> = decoys.iter().map(|decoy| &decoy[..]).collect();
                moduli.insert(at, &key.n);
                for divisor in [&key.p, &key.q] {
                    assert_eq!(found(&moduli, divisor), [at]);
                    let mut padded = divisor.clone();
                    padded.resize(key.n.len(), 0);
                    assert_eq!(found(&moduli, &padded), [at]);
                    let mut other = divisor.clone();
                    other[1] ^= 64;
                    assert_eq!(found(&moduli, &other), NONE);
                }
                assert_eq!(found(&moduli, &key.d), NONE);
                assert_eq!(found(&moduli, &key.n), NONE);
            }
        }
    }

    #[test]
    fn unequal_primes_and_three_of_them_are_found() {
        for sizes in [
            &[768, 1280][..],
            &[500, 524],
            &[683, 683, 682],
            &[64, 960],
            &[257, 300, 467],
        ] {
            let primes: Vec<Vec<u64>> = (0..)
                .zip(sizes)
                .map(|(seed, bits)| prime(*bits, seed))
                .collect();
            let n = primes.iter().fold(vec![1], |n, prime| product(&n, prime));
            for prime in &primes {
                assert_eq!(found(&[&n], prime), [0], "{sizes:?}");
                assert_eq!(found(&[&n[..]; 11], prime).len(), 11, "{sizes:?}");
            }
            // Two primes of three are a divisor as well.
            let two = product(&primes[0], &primes[1]);
            assert_eq!(found(&[&n], &two).len(), usize::from(sizes.len() == 3));
        }
    }

    #[test]
    fn what_is_no_set_of_moduli_is_refused() {
        assert!(Moduli::new(&[]).is_none());
        assert!(Moduli::new(&[&[0, 0]]).is_none());
        assert!(Moduli::new(&[&[2, 1]]).is_none());
        assert!(Moduli::new(&[&[3, 1], &[3]]).is_none());
        assert!(Moduli::new(&[&[3, 1], &[3, 0]]).is_none());
        assert!(Moduli::new(&[&[1; MAX_LIMBS + 1]]).is_none());
        assert_eq!(
            Moduli::new(&[&[3, 0], &[5]]).map(|moduli| moduli.len()),
            Some(2)
        );
    }

    #[test]
    fn trivial_windows_divide_nothing() {
        for window in [
            &[][..],
            &[0],
            &[1],
            &[2],
            &[1, 0, 0],
            &[15],
            &[17],
            &[15, 1],
        ] {
            assert_eq!(found(&[&[15]], window), NONE, "{window:?}");
        }
        assert_eq!(found(&[&[15]], &[3]), [0]);
        assert_eq!(found(&[&[15], &[21], &[35]], &[7]), [1, 2]);
    }

    #[test]
    fn largest_moduli_are_divided() {
        for (length, cofactor) in [
            (128, 128),
            (1, 255),
            (255, 1),
            (64, 192),
            (64, 64),
            (48, 80),
        ] {
            let window = odd(length, 7);
            let moduli: Vec<Vec<u64>> = (0..19)
                .map(|seed| product(&window, &odd(cofactor, seed)))
                .collect();
            let size = moduli.iter().map(Vec::len).max().unwrap();
            let moduli: Vec<&[u64]> = moduli.iter().map(|n| &n[..]).collect();
            let moduli: Vec<&[u64]> = moduli.into_iter().filter(|n| n.len() == size).collect();
            assert_eq!(
                found(&moduli, &window).len(),
                moduli.len(),
                "{length} and {cofactor}"
            );
            assert_eq!(
                found(&moduli, &odd(length, 1008)),
                NONE,
                "{length} and {cofactor}"
            );
        }
    }

    /// Few windows that divide nothing may come to the division, which is slow.
    #[test]
    fn few_others_come_to_the_division() {
        for (limbs, length) in [
            (16, 8),
            (32, 16),
            (48, 24),
            (64, 32),
            (128, 64),
            (32, 12),
            (33, 16),
            (34, 11),
        ] {
            let moduli: Vec<Vec<u64>> = (0..64).map(|seed| odd(limbs, seed)).collect();
            let moduli: Vec<&[u64]> = moduli.iter().map(|n| &n[..]).collect();
            let moduli = Moduli::new(&moduli).unwrap();
            let mut portable = 0;
            #[cfg(target_arch = "x86_64")]
            let mut vector = 0;
            for seed in 0..2000 {
                let window = odd(length, 1_000 + seed);
                moduli.look(&window, bits(&window), |_, _| portable += 1);
                #[cfg(target_arch = "x86_64")]
                if let Some(lanes) = &moduli.lanes {
                    moduli.look_by_lanes(lanes, &window, bits(&window), |_, _| vector += 1);
                }
            }
            // Of 128000.
            assert_eq!(portable, 0, "{limbs} and {length} limbs");
            #[cfg(target_arch = "x86_64")]
            assert!(vector <= 4, "{vector} of {limbs} and {length} limbs");
        }
    }

    /// Windows that divide, by the big integers of another crate.
    fn found_naively(moduli: &[&[u64]], window: &[u64]) -> Vec<usize> {
        let divisor = (*number(window)).clone();
        let divides = |modulus: &&[u64]| {
            let modulus = number(modulus);
            let rest = modulus.rem_vartime(&divisor.to_nz().into_option().unwrap());
            bool::from(rest.is_zero())
                && divisor.bits_vartime() > 1
                && divisor.cmp_vartime(&*modulus).is_lt()
        };
        let moduli = (0..).zip(moduli);
        moduli
            .filter(|(_, modulus)| divides(modulus))
            .map(|(index, _)| index)
            .collect()
    }

    proptest! {
        #[test]
        fn divisors_are_found_and_only_they(
            mut window in vec(any::<u64>(), 1..40),
            cofactors in vec((vec(any::<u64>(), 40), any::<bool>()), 1..20),
            length in 1usize..40,
            shift in 0u32..64,
        ) {
            *window.last_mut().unwrap() >>= shift;
            window[0] |= 1;
            let moduli = cofactors.iter().map(|(cofactor, is_multiple)| {
                let mut cofactor = cofactor[..length].to_vec();
                cofactor[0] |= 1;
                let mut n = product(&window, &cofactor);
                let at = length / 2;
                n[at] ^= if *is_multiple { 0 } else { 2 };
                n
            });
            let mut moduli: Vec<Vec<u64>> = moduli.collect();
            let limbs = moduli.iter().map(|n| trimmed(n).len()).max().unwrap();
            moduli.retain(|n| trimmed(n).len() == limbs);
            let moduli: Vec<&[u64]> = moduli.iter().map(|n| &n[..]).collect();
            let expected = found_naively(&moduli, &window);
            prop_assert_eq!(&found(&moduli, &window), &expected);
            // The portable kernel, also where the processor has another.
            let mut portable = Moduli::new(&moduli).unwrap();
            #[cfg(target_arch = "x86_64")]
            {
                portable.lanes = None;
            }
            let mut found = Vec::new();
            portable.divided_by(&window, |index| found.push(index));
            prop_assert_eq!(&found, &expected);
        }
    }
}
