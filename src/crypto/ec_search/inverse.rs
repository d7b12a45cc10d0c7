//! Inverses modulo an odd number.
//!
//! Method: T. Pornin, "Optimized Binary GCD for Modular Inversion", IACR ePrint 2020/972: 31 steps of the binary
//! algorithm are made on 64 bits that stand for the numbers, then the numbers take what came of them at once.

// Every index is below L by the loop around it, and L is known at compile time.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

use super::field::{Limbs, Modulus, is_zero};
use zeroize::Zeroizing;

/// R²/a for an `a` that has no divisor with the modulus in common: of a number in Montgomery form the inverse in
/// that form. Zero for zero.
pub(super) fn invert<const L: usize>(field: &Modulus<L>, a: &Limbs<L>) -> Limbs<L> {
    let mut one = [0; L];
    one[0] = 1;
    // x = u·a and y = v·a modulo m, and y is odd. Both go down until x is zero and y is the common divisor, one.
    let mut numbers = Zeroizing::new([*a, field.limbs, one, [0; L]]);
    let [x, y, u, v] = &mut *numbers;
    while !is_zero(x) {
        let [first, second] = factors(x, y);
        let (new_x, is_negative) = quotient(combined([x, y], first));
        let first = if is_negative {
            first.map(|factor| -factor)
        } else {
            first
        };
        let (new_y, is_negative) = quotient(combined([x, y], second));
        let second = if is_negative {
            second.map(|factor| -factor)
        } else {
            second
        };
        (*x, *y) = (new_x, new_y);
        (*u, *v) = (
            reduced_quotient(field, combined([u, v], first)),
            reduced_quotient(field, combined([u, v], second)),
        );
    }
    // v = 1/a, which lacks two factors of R: R³ is divided by one of them.
    field.multiply(v, &field.enter(&field.square))
}

/// Steps whose results fit 32 bits.
const STEPS: u32 = 31;

/// What x and y become in 31 steps, 2^31 times as much: the factors of x and y for the new x, then for the new y. Seldom
/// is a sign wrong, for what is compared are the leading bits.
#[inline(always)]
fn factors<const L: usize>(x: &Limbs<L>, y: &Limbs<L>) -> [[i64; 2]; 2] {
    let top = (0..L)
        .rev()
        .find(|&index| x[index] | y[index] != 0)
        .unwrap_or(0);
    // The lowest 31 bits and the highest 33 of the longer number, or all 64.
    let window = |number: &Limbs<L>| {
        if top == 0 {
            return number[0];
        }
        let shift = (x[top] | y[top]).leading_zeros();
        let pair = u128::from(number[top]) << 64 | u128::from(number[top - 1]);
        let high = (pair << shift >> 64) as u64;
        high >> STEPS << STEPS | number[0] & ((1 << STEPS) - 1)
    };
    let (mut x, mut y) = (window(x), window(y));
    let [mut fx, mut gx, mut fy, mut gy] = [1i64, 0, 0, 1];
    for _ in 0..STEPS {
        let odd = (x & 1).wrapping_neg();
        let swap = odd & u64::from(x < y).wrapping_neg();
        let change = (x ^ y) & swap;
        (x, y) = (x ^ change, y ^ change);
        let change = (fx ^ fy) & swap as i64;
        (fx, fy) = (fx ^ change, fy ^ change);
        let change = (gx ^ gy) & swap as i64;
        (gx, gy) = (gx ^ change, gy ^ change);
        x = x.wrapping_sub(y & odd) >> 1;
        fx -= fy & odd as i64;
        gx -= gy & odd as i64;
        fy <<= 1;
        gy <<= 1;
    }
    [[fx, gx], [fy, gy]]
}

/// The sum of two numbers times factors, with the limb above them.
#[inline(always)]
fn combined<const L: usize>(numbers: [&Limbs<L>; 2], [f, g]: [i64; 2]) -> (Limbs<L>, i64) {
    let [x, y] = numbers;
    let mut sum = [0; L];
    let mut carry = 0i64;
    for i in 0..L {
        let part = i128::from(x[i]) * i128::from(f) + i128::from(y[i]) * i128::from(g);
        let part = part + i128::from(carry);
        sum[i] = part as u64;
        carry = (part >> 64) as i64;
    }
    (sum, carry)
}

/// The 2^31-th part of a number divisible by it, without its sign, and whether that is negative.
#[inline(always)]
fn quotient<const L: usize>((number, top): (Limbs<L>, i64)) -> (Limbs<L>, bool) {
    let mut quotient = shifted(&number, top);
    let sign = (top >> 63) as u64;
    let mut carry = top < 0;
    for limb in &mut quotient {
        (*limb, carry) = (*limb ^ sign).overflowing_add(u64::from(carry));
    }
    (quotient, top < 0)
}

/// A number from -2^31·m to 2^31·m, divided by 2^31 modulo m.
#[inline(always)]
fn reduced_quotient<const L: usize>(
    field: &Modulus<L>,
    (mut number, top): (Limbs<L>, i64),
) -> Limbs<L> {
    let times = number[0].wrapping_mul(field.inverse) & ((1 << STEPS) - 1);
    let mut carry = 0;
    for i in 0..L {
        let part = u128::from(field.limbs[i]) * u128::from(times);
        let part = part + u128::from(number[i]) + u128::from(carry);
        number[i] = part as u64;
        carry = (part >> 64) as u64;
    }
    let top = top + carry as i64;
    // From -m to 2·m.
    match quotient((number, top)) {
        (negative, true) => field.negate(&negative),
        (positive, false) => field.reduce_once(positive, (top >> STEPS) as u64),
    }
}

/// The lower limbs of a number divided by 2^31.
#[inline(always)]
fn shifted<const L: usize>(number: &Limbs<L>, top: i64) -> Limbs<L> {
    let mut shifted = [0; L];
    for i in 0..L {
        let above = if i + 1 < L { number[i + 1] } else { top as u64 };
        shifted[i] = number[i] >> STEPS | above << (64 - STEPS);
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::super::weierstrass::{Curve25519, P256, P384, P521, Secp256k1, Weierstrass};
    use super::*;
    use proptest::prelude::*;

    fn check<C: Weierstrass<L>, const L: usize>(limbs: &[u64]) {
        for modulus in [&C::FIELD, &C::ORDER] {
            let any = modulus.enter(limbs[..L].try_into().unwrap());
            let mut one = [0; L];
            one[0] = 1;
            let mut two = one;
            two[0] = 2;
            let mut greatest = modulus.limbs;
            greatest[0] -= 1;
            for a in [any, one, two, greatest, modulus.one, modulus.enter(&any)] {
                if is_zero(&a) {
                    assert_eq!(invert(modulus, &a), a);
                } else {
                    assert_eq!(modulus.multiply(&a, &invert(modulus, &a)), modulus.one);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn numbers_times_their_inverses_are_one(
            limbs in prop::collection::vec(prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), 0..4u64], 9),
        ) {
            check::<P256, 4>(&limbs);
            check::<P384, 6>(&limbs);
            check::<P521, 9>(&limbs);
            check::<Secp256k1, 4>(&limbs);
            check::<Curve25519, 4>(&limbs);
        }
    }
}
