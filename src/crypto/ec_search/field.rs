//! Arithmetic modulo an odd number of a fixed count of 64-bit limbs, in Montgomery form.
//!
//! An element x is kept as x·R mod m with R = 2^(64·L), least significant limb first, always below m. Time
//! depends on the values: the candidates come out of our own copy of a dump, and nobody measures.
//! Method: P. Montgomery, "Modular multiplication without trial division", Math. Comp. 44 (1985).

// Every index is below L by the loop around it, and L is known at compile time.
#![allow(clippy::indexing_slicing)]

/// `L` limbs of 64 bits, least significant first.
pub(super) type Limbs<const L: usize> = [u64; L];

/// An odd modulus and what its arithmetic needs.
pub(super) struct Modulus<const L: usize> {
    /// The modulus itself.
    pub(super) limbs: Limbs<L>,
    /// -1/m mod 2^64.
    pub(super) inverse: u64,
    /// R mod m: the number one.
    pub(super) one: Limbs<L>,
    /// R² mod m: takes a number into Montgomery form.
    pub(super) square: Limbs<L>,
}

impl<const L: usize> Modulus<L> {
    /// The arithmetic modulo the odd number `limbs`.
    pub(super) const fn new(limbs: Limbs<L>) -> Self {
        // Newton's iteration doubles the correct low bits: 3, 6, 12, 24, 48, 96.
        let mut inverse = limbs[0];
        let mut round = 0;
        while round < 5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(limbs[0].wrapping_mul(inverse)));
            round += 1;
        }
        let mut power = [0; L];
        power[0] = 1;
        let one = double_often(power, &limbs, 64 * L);
        Self {
            inverse: inverse.wrapping_neg(),
            one,
            square: double_often(one, &limbs, 64 * L),
            limbs,
        }
    }

    /// a·b/R mod m for `a` and `b` of which one is below m.
    #[inline(always)]
    pub(super) const fn multiply(&self, a: &Limbs<L>, b: &Limbs<L>) -> Limbs<L> {
        let mut sum = [0; L];
        let mut top = 0;
        let mut i = 0;
        while i < L {
            let (low, mut carry) = multiply_add(a[0], b[i], sum[0], 0);
            let quotient = low.wrapping_mul(self.inverse);
            let (_, mut borrowed) = multiply_add(quotient, self.limbs[0], low, 0);
            let mut j = 1;
            while j < L {
                let digit;
                (digit, carry) = multiply_add(a[j], b[i], sum[j], carry);
                (sum[j - 1], borrowed) = multiply_add(quotient, self.limbs[j], digit, borrowed);
                j += 1;
            }
            let last = top as u128 + carry as u128 + borrowed as u128;
            sum[L - 1] = last as u64;
            top = (last >> 64) as u64;
            i += 1;
        }
        self.reduce_once(sum, top)
    }

    /// `sum` with `top` above it, less m unless it is below m; it is below 2m.
    #[inline(always)]
    pub(super) const fn reduce_once(&self, sum: Limbs<L>, top: u64) -> Limbs<L> {
        let (less, borrow) = subtract(&sum, &self.limbs);
        if top < borrow as u64 { sum } else { less }
    }

    /// a + b mod m.
    #[inline(always)]
    pub(super) const fn add(&self, a: &Limbs<L>, b: &Limbs<L>) -> Limbs<L> {
        let (sum, carry) = add(a, b);
        self.reduce_once(sum, carry as u64)
    }

    /// a - b mod m.
    #[inline(always)]
    pub(super) const fn subtract(&self, a: &Limbs<L>, b: &Limbs<L>) -> Limbs<L> {
        let (difference, borrow) = subtract(a, b);
        let mask = (borrow as u64).wrapping_neg();
        let mut masked = self.limbs;
        let mut i = 0;
        while i < L {
            masked[i] &= mask;
            i += 1;
        }
        add(&difference, &masked).0
    }

    /// -a mod m.
    #[inline(always)]
    pub(super) const fn negate(&self, a: &Limbs<L>) -> Limbs<L> {
        self.subtract(&[0; L], a)
    }

    /// Whether `a` is below m.
    #[inline(always)]
    pub(super) const fn is_reduced(&self, a: &Limbs<L>) -> bool {
        subtract(a, &self.limbs).1
    }

    /// The Montgomery form of `a`, any number of `L` limbs.
    #[inline(always)]
    pub(super) const fn enter(&self, a: &Limbs<L>) -> Limbs<L> {
        self.multiply(a, &self.square)
    }

    /// The number whose Montgomery form `a` is.
    #[inline(always)]
    pub(super) const fn leave(&self, a: &Limbs<L>) -> Limbs<L> {
        let mut one = [0; L];
        one[0] = 1;
        self.multiply(a, &one)
    }
}

/// Whether all limbs are zero.
#[inline(always)]
pub(super) fn is_zero<const L: usize>(a: &Limbs<L>) -> bool {
    a.iter().fold(0, |any, limb| any | limb) == 0
}

/// The limbs of a number in hexadecimal digits, most significant first, at most `16 * L`.
pub(super) const fn from_hex<const L: usize>(digits: &str) -> Limbs<L> {
    let digits = digits.as_bytes();
    let mut limbs = [0; L];
    let mut place = 0;
    while place < digits.len() {
        let digit = match digits[digits.len() - 1 - place] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            _ => panic!("a hexadecimal digit"), // the compiler evaluates it
        };
        limbs[place / 16] |= (digit as u64) << (4 * (place % 16));
        place += 1;
    }
    limbs
}

/// a·b + c + d, low limb first: never more than two limbs.
#[inline(always)]
const fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = a as u128 * b as u128 + c as u128 + d as u128;
    (sum as u64, (sum >> 64) as u64)
}

#[inline(always)]
const fn add<const L: usize>(a: &Limbs<L>, b: &Limbs<L>) -> (Limbs<L>, bool) {
    let mut sum = [0; L];
    let mut carry = false;
    let mut i = 0;
    while i < L {
        let (part, first) = a[i].overflowing_add(b[i]);
        let (whole, second) = part.overflowing_add(carry as u64);
        sum[i] = whole;
        carry = first | second;
        i += 1;
    }
    (sum, carry)
}

#[inline(always)]
const fn subtract<const L: usize>(a: &Limbs<L>, b: &Limbs<L>) -> (Limbs<L>, bool) {
    let mut difference = [0; L];
    let mut borrow = false;
    let mut i = 0;
    while i < L {
        let (part, first) = a[i].overflowing_sub(b[i]);
        let (whole, second) = part.overflowing_sub(borrow as u64);
        difference[i] = whole;
        borrow = first | second;
        i += 1;
    }
    (difference, borrow)
}

/// a·2^times mod m, for `a` below m.
const fn double_often<const L: usize>(a: Limbs<L>, modulus: &Limbs<L>, times: usize) -> Limbs<L> {
    let mut power = a;
    let mut time = 0;
    while time < times {
        let (twice, carry) = add(&power, &power);
        let (less, borrow) = subtract(&twice, modulus);
        power = if !carry && borrow { twice } else { less };
        time += 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::super::weierstrass::{Curve25519, P256, P384, P521, Secp256k1, Weierstrass};
    use super::*;
    use proptest::prelude::*;

    /// a·b mod m by doubling and adding.
    fn slow_product<const L: usize>(field: &Modulus<L>, a: &Limbs<L>, b: &Limbs<L>) -> Limbs<L> {
        (0..64 * L).rev().fold([0; L], |sum, bit| {
            let twice = field.add(&sum, &sum);
            if b[bit / 64] >> (bit % 64) & 1 == 1 {
                field.add(&twice, a)
            } else {
                twice
            }
        })
    }

    fn check<C: Weierstrass<L>, const L: usize>(a: &[u64], b: &[u64]) {
        let limbs = |limbs: &[u64]| -> Limbs<L> { limbs[..L].try_into().unwrap() };
        for modulus in [&C::FIELD, &C::ORDER] {
            let less = |mut a: Limbs<L>| {
                // Clears bits from the top until the number is below the modulus.
                for bit in (0..64 * L).rev() {
                    if !modulus.is_reduced(&a) {
                        a[bit / 64] &= !(1 << (bit % 64));
                    }
                }
                a
            };
            let (a, b) = (less(limbs(a)), less(limbs(b)));
            let product = modulus.multiply(&modulus.enter(&a), &modulus.enter(&b));
            assert_eq!(modulus.leave(&product), slow_product(modulus, &a, &b));
            assert_eq!(modulus.add(&modulus.subtract(&a, &b), &b), a);
            assert_eq!(
                modulus.subtract(&a, &b),
                modulus.add(&a, &modulus.negate(&b))
            );
            assert!(modulus.is_reduced(&modulus.add(&a, &b)));
            assert!(!modulus.is_reduced(&modulus.limbs));
        }
        let (a, b) = (C::FIELD.enter(&limbs(a)), C::FIELD.enter(&limbs(b)));
        assert_eq!(C::multiply(&a, &b), C::FIELD.multiply(&a, &b));
        if !is_zero(&a) {
            assert_eq!(C::multiply(&a, &C::invert(&a)), C::FIELD.one);
        }
    }

    fn check_all(a: &[u64], b: &[u64]) {
        check::<P256, 4>(a, b);
        check::<P384, 6>(a, b);
        check::<P521, 9>(a, b);
        check::<Secp256k1, 4>(a, b);
        check::<Curve25519, 4>(a, b);
    }

    #[test]
    fn extremes_multiply_and_invert_as_they_should() {
        let numbers = [[0; 9], [u64::MAX; 9], {
            let mut one = [0; 9];
            one[0] = 1;
            one
        }];
        for a in &numbers {
            for b in &numbers {
                check_all(a, b);
            }
        }
        for (less, modulus) in [(1, P521::FIELD.limbs), (2, P521::FIELD.limbs)] {
            let mut a = modulus;
            a[0] -= less;
            check::<P521, 9>(&a, &a);
        }
    }

    #[test]
    fn hexadecimal_is_read_from_its_end() {
        assert_eq!(
            from_hex::<2>("1f0123456789abcdef"),
            [0x0123_4567_89ab_cdef, 0x1f]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn products_are_those_of_doubling_and_adding(
            a in prop::collection::vec(prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)], 9),
            b in prop::collection::vec(prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)], 9),
        ) {
            check_all(&a, &b);
        }
    }
}
