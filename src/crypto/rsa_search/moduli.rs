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

use super::limbs::{Columns, LIMB_BITS, bits, inverse_of_limb, number, trimmed, wide};
use zeroize::{Zeroize, Zeroizing};

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
        Some(Self {
            limbs,
            bits,
            numbers: moduli.concat(),
            fractions: moduli
                .iter()
                .map(|modulus| fraction_of(modulus, bits))
                .collect(),
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
        let window_bits = bits(window);
        if !is_odd || window_bits < 2 || window_bits > self.bits {
            return;
        }
        let excess = self.bits - window_bits;
        let digit = (excess.saturating_sub(SPARE_BITS) / LIMB_BITS) as usize;
        let mut inverse = [0; MAX_LIMBS];
        let inverse = inverse.get_mut(..=digit).unwrap_or(&mut []);
        invert(window, inverse);
        let test = DigitTest::new(window, window_bits, excess, digit);
        let candidates = self.numbers.chunks_exact(self.limbs).zip(&self.fractions);
        for (index, (modulus, fraction)) in candidates.enumerate() {
            if test.may_divide(modulus, *fraction, inverse) && divides(window, modulus) {
                found(index);
            }
        }
        inverse.zeroize();
    }
}

/// The comparison of one digit of the quotient, worked out from below and from above.
struct DigitTest {
    /// 2^`excess` / B^(digit+1) / (leading bits of the window, from 1/2 to 1): times the modulus' fraction this
    /// is the quotient with the point above the digit.
    reciprocal: f64,
    digit: usize,
    /// What rounding may change.
    slack: u64,
    /// The largest difference of a divisor.
    limit: u64,
}

impl DigitTest {
    fn new(window: &[u64], window_bits: u32, excess: u32, digit: usize) -> Self {
        let above = excess as i32 - LIMB_BITS as i32 * (digit as i32 + 1);
        // The quotient is below 2^(above + 1). Fraction, window, reciprocal and product are each rounded by
        // less than 1.01·2^-53.
        let slack = 1u64
            .checked_shl((above + 1 + 64 - ROUNDING_BITS).max(0) as u32)
            .unwrap_or(u64::MAX / 4)
            + 2;
        Self {
            reciprocal: 2f64.powi(above) / fraction_of(window, window_bits),
            digit,
            slack,
            limit: 2 * slack + 2 * (digit as u64 + 1),
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

/// The inverse of an odd number modulo B^`inverse.len()`.
fn invert(number: &[u64], inverse: &mut [u64]) {
    let Some((first, rest)) = number.split_first() else {
        return;
    };
    let step = inverse_of_limb(*first);
    let mut columns = Columns::default();
    for column in 0..inverse.len() {
        let (known, unknown) = inverse.split_at_mut(column);
        // What number · inverse has in this column so far; the next limb makes it 0, or 1 in the first.
        if let Some(column) = column.checked_sub(1) {
            columns.add_column(known, rest, column);
        }
        let wanted = u64::from(column == 0);
        let limb = wanted.wrapping_sub(columns.low()).wrapping_mul(step);
        columns.add(limb, *first);
        columns.shift();
        if let Some(place) = unknown.first_mut() {
            *place = limb;
        }
    }
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
    let [top] = super::limbs::bits_below::<1>(number, length);
    top as f64 / TWO_64 * 2f64.powi(length as i32 - bits as i32)
}

/// The most limbs of a modulus: 16384 bits.
pub const MAX_LIMBS: usize = 256;

/// Bits of the quotient that may lie above the compared digit: they cost as many bits of the comparison.
const SPARE_BITS: u32 = 8;

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
            prop_assert_eq!(found(&moduli, &window), found_naively(&moduli, &window));
        }
    }
}
