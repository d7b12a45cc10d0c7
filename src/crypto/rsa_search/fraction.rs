//! Is a fraction near one with a small denominator? Continued fractions of nearest integers.
//!
//! If x is within ε of a/l, then l·x is within l·ε of an integer, and the denominators of the convergents of x
//! come to l: the remainder before is about 1/l, that at l is tiny. So the remainders are followed until they
//! fall below 1/`most`, and the last one tells.

use super::limbs::wide;

/// A number divided by a larger one, in units of 2^-128 and a few of them too small: from its leading 128 bits, those
/// of the larger one counted, and from 2^bits of the larger one divided by it, less one, in units of 2^-128.
pub(super) fn ratio(leading: u128, reciprocal: u128) -> u128 {
    let [a, b] = [leading, reciprocal].map(|number| [number as u64, (number >> 64) as u64]);
    let [(_, low), cross, other, (high, highest)] =
        [(a[0], b[0]), (a[0], b[1]), (a[1], b[0]), (a[1], b[1])].map(|(a, b)| wide(a, b));
    let middle = u128::from(low) + u128::from(cross.0) + u128::from(other.0);
    let product = (middle >> 64)
        + u128::from(cross.1)
        + u128::from(other.1)
        + u128::from(high)
        + (u128::from(highest) << 64);
    leading.wrapping_add(product)
}

/// Whether some l below 2^`DENOMINATOR` brings l·x/2^64 to within 2^`DENOMINATOR`·`error`/2^64 of an integer.
/// Of random fractions about 1.2·2^(2·`DENOMINATOR`)·`error`/2^64 do.
#[inline]
pub(super) fn is_near_small<const DENOMINATOR: u32>(x: u64, error: u64) -> bool {
    let least = 1u64 << (64 - DENOMINATOR);
    let near = error << DENOMINATOR;
    let mut small = x.min(x.wrapping_neg());
    if small < least {
        return small <= near;
    }
    // 2^64 modulo x.
    let rest = small.wrapping_neg() % small;
    let mut large = small;
    small = rest.min(small - rest);
    while small >= least {
        let rest = large % small;
        large = small;
        small = rest.min(small - rest);
    }
    small <= near
}

/// Some l below about 2^[`DENOMINATOR_128`] that brings l·x/2^128 to within 2^52/2^128 of an integer, without a
/// common factor with that integer; `None` if there is none, and for one random fraction in 2^27.
pub(super) fn small_denominator(x: u128) -> Option<u64> {
    let mut before = Convergent {
        denominator: 0,
        rest: u64::MAX,
    };
    let mut now = Convergent {
        denominator: 1,
        rest: 0,
    };
    // The leading 64 bits of the remainders serve for 30 bits of the denominator; then they are worked out anew.
    for round in 0..ROUNDS {
        let larger = match round {
            0 => u128::MAX,
            _ => before.restore(x),
        };
        let smaller = now.restore(x);
        if smaller <= NEAR_128 {
            break;
        }
        let shift = 64 - larger.leading_zeros().min(64);
        before.rest = (larger >> shift) as u64;
        now.rest = (smaller >> shift) as u64;
        follow(&mut before, &mut now, (LEAST_128 >> shift) as u64);
    }
    let denominator = now.denominator.unsigned_abs();
    // Rests lose their meaning where x is next to a fraction but not as near as is asked for: zero is no denominator.
    let is_right = (1..1 << DENOMINATOR_128).contains(&denominator);
    (is_right && now.restore(x) <= NEAR_128).then_some(denominator)
}

/// A convergent, by its denominator with a sign, which takes x to `rest` above an integer.
#[derive(Clone, Copy)]
struct Convergent {
    denominator: i64,
    rest: u64,
}

impl Convergent {
    /// How far above an integer the denominator takes x/2^128; turns its sign where that is below.
    fn restore(&mut self, x: u128) -> u128 {
        let product = x.wrapping_mul(i128::from(self.denominator) as u128);
        if (product as i128) < 0 {
            self.denominator = -self.denominator;
        }
        (product as i128).unsigned_abs()
    }
}

/// Goes on from one convergent to the next until its rest is below `least` or no longer certain.
fn follow(before: &mut Convergent, now: &mut Convergent, least: u64) {
    let least = least.max(LEAST_OF_ROUND);
    while now.rest >= least {
        let quotient = before.rest / now.rest;
        let rest = before.rest % now.rest;
        let denominator = before
            .denominator
            .wrapping_sub((quotient as i64).wrapping_mul(now.denominator));
        let next = if rest > now.rest - rest {
            Convergent {
                denominator: now.denominator.wrapping_sub(denominator),
                rest: now.rest - rest,
            }
        } else {
            Convergent { denominator, rest }
        };
        *before = *now;
        *now = next;
    }
}

/// Bits of the largest denominator that [`small_denominator`] finds.
pub(super) const DENOMINATOR_128: u32 = 48;

/// What a remainder is above while the denominator is below 2^`DENOMINATOR_128`.
const LEAST_128: u128 = 1 << (128 - DENOMINATOR_128);

/// The distance from an integer that counts as none: 2^48 times the error of x, which is some units.
const NEAR_128: u128 = 1 << 52;

/// Denominators are below 2^30 while the rests are above this, so that their error of less than one for each
/// unit of the denominator does not matter.
const LEAST_OF_ROUND: u64 = 1 << 34;

/// Two rounds do for all denominators but after a partial quotient of more than 30 bits.
const ROUNDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::super::test_numbers::Random;
    use super::*;
    use proptest::prelude::*;

    fn greatest_common_divisor(a: u64, b: u64) -> u64 {
        if b == 0 {
            a
        } else {
            greatest_common_divisor(b, a % b)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn near_fractions_are_told(bits in 1u32..14, l in any::<u64>(), a in any::<u64>(), off in -64i64..=64) {
            let l = l >> (64 - bits) | 1;
            let x = ((u128::from(a % l) << 64) / u128::from(l)) as u64;
            prop_assert!(is_near_small::<14>(x.wrapping_add_signed(off), 65));
        }

        #[test]
        fn small_denominators_are_found(bits in 1u32..48, l in any::<u64>(), a in any::<u64>(), off in -8i64..=8) {
            let l = (l >> (64 - bits)).max(1);
            let a = a % l;
            // a·2^128 / l, in two steps.
            let high = (u128::from(a) << 64) / u128::from(l);
            let low = (((u128::from(a) << 64) % u128::from(l)) << 64) / u128::from(l);
            let x = (high << 64 | low).wrapping_add_signed(i128::from(off));
            prop_assert_eq!(small_denominator(x), Some(l / greatest_common_divisor(l, a)));
        }
    }

    #[test]
    fn random_fractions_are_not() {
        let mut random = Random(5);
        let near = (0..1_000_000).filter(|_| is_near_small::<14>(random.limb(), 65));
        assert!(near.count() <= 1);
        let near = (0..100_000).filter(|_| {
            let x = u128::from(random.limb()) << 64 | u128::from(random.limb());
            small_denominator(x).is_some()
        });
        assert_eq!(near.count(), 0);
    }
}
