//! Most odd numbers have a small factor, which a prime has not.

use super::limbs::{inverse_of_limb, wide};

/// Odd primes below this are tried by [`has_small_factor`].
pub const SIEVE_BOUND: u64 = 173;

/// Whether an odd prime below [`SIEVE_BOUND`] divides `number`, which may be of any length. A prime factor of a
/// modulus has none, so nothing is lost; of random odd numbers 22 % are left.
///
/// The primes are tried in stages, each by its product m of less than 2^58: number mod m costs one
/// multiplication a limb, and 70 % of odd numbers leave after the first.
pub fn has_small_factor(number: &[u64]) -> bool {
    FIRST.divides(number) || OTHERS.iter().any(|stage| stage.divides(number))
}

/// Some primes together, `N` at most.
struct Stage<const N: usize> {
    /// Their product m.
    product: u64,
    /// -1/m modulo 2^64.
    negative_inverse: u64,
    /// 2^(64·i) mod m.
    powers: [u64; CHUNK],
    /// 2^(64·`CHUNK`)·2^64 mod m: carries a reduced sum into the next chunk.
    next: u64,
    /// The primes; where there are fewer, 1 is at the end, of which only 0 counts as a multiple.
    primes: [Prime; N],
}

#[derive(Clone, Copy)]
struct Prime {
    /// 1/p modulo 2^64.
    inverse: u64,
    /// (2^64 - 1) / p: a multiple of p times 1/p is at most this, any other number more.
    limit: u64,
}

impl<const N: usize> Stage<N> {
    fn divides(&self, number: &[u64]) -> bool {
        // Chunks from the top, so that the sum of one goes on into the next.
        let chunks = number.chunks(CHUNK).rev();
        let sum = chunks.fold(0u128, |above, chunk| {
            let carried = u128::from(self.reduced(above)) * u128::from(self.next);
            // At most 32 products below 2^122, and one more.
            let (fours, rest) = chunk.as_chunks::<4>();
            let (powers, _) = self.powers.as_chunks::<4>();
            let sum = fours
                .iter()
                .zip(powers)
                .fold(carried, |sum, (limbs, powers)| sum + sum_of(limbs, powers));
            let powers = powers.get(fours.len()..).unwrap_or(&[]).as_flattened();
            sum + sum_of(rest, powers)
        });
        let residue = self.reduced(sum);
        // Counted, so that there is no branch before the end: a wrong guess would cost more than the other primes.
        let divisors = self
            .primes
            .iter()
            .map(|prime| u64::from(residue.wrapping_mul(prime.inverse) <= prime.limit));
        divisors.sum::<u64>() > 0
    }

    /// A number that is `sum` / 2^64 modulo m (Montgomery): the same primes divide it.
    fn reduced(&self, sum: u128) -> u64 {
        let low = sum as u64;
        let multiple = low.wrapping_mul(self.negative_inverse);
        // The low halves add up to zero modulo 2^64, with a carry unless both are zero.
        ((sum >> 64) as u64) + wide(multiple, self.product).1 + u64::from(low != 0)
    }

    // At compile time, where an index out of bounds is an error.
    #[allow(clippy::indexing_slicing)]
    const fn new(from: u64, to: u64) -> Self {
        let mut primes = [Prime {
            inverse: 1,
            limit: 0,
        }; N];
        let mut count = 0;
        let mut product = 1;
        let mut candidate = from;
        while candidate < to {
            if is_prime(candidate) {
                product *= candidate;
                assert!(product < 1 << 58, "the sum of products has no more room");
                primes[count] = Prime {
                    inverse: inverse_of_limb(candidate),
                    limit: u64::MAX / candidate,
                };
                count += 1;
            }
            candidate += 1;
        }
        let mut powers = [0; CHUNK];
        let mut power = 1u64;
        let mut index = 0;
        while index < CHUNK {
            powers[index] = power;
            power = (((power as u128) << 64) % product as u128) as u64;
            index += 1;
        }
        Self {
            product,
            negative_inverse: inverse_of_limb(product).wrapping_neg(),
            powers,
            next: (((power as u128) << 64) % product as u128) as u64,
            primes,
        }
    }
}

/// The sum of the products of each limb with its power.
#[inline(always)]
fn sum_of(limbs: &[u64], powers: &[u64]) -> u128 {
    let products = limbs.iter().zip(powers);
    products
        .map(|(limb, power)| u128::from(*limb) * u128::from(*power))
        .sum()
}

const fn is_prime(number: u64) -> bool {
    let mut divisor = 2;
    while divisor * divisor <= number {
        if number.is_multiple_of(divisor) {
            return false;
        }
        divisor += 1;
    }
    number > 1
}

/// Limbs summed up before the sum is reduced.
const CHUNK: usize = 32;

static FIRST: Stage<13> = Stage::new(3, 47);

static OTHERS: [Stage<9>; 3] = [
    Stage::new(47, 89),
    Stage::new(89, 131),
    Stage::new(131, SIEVE_BOUND),
];

#[cfg(test)]
mod tests {
    use super::super::limbs::number;
    use super::super::test_numbers::{Random, keys, odd, product};
    use super::*;
    use crypto_bigint::Limb;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn small_primes() -> impl Iterator<Item = u64> {
        (3..SIEVE_BOUND).filter(|number| is_prime(*number))
    }

    fn has_small_factor_naively(limbs: &[u64]) -> bool {
        small_primes().any(|prime| {
            let prime = Limb::from(prime as u32).to_nz().into_option().unwrap();
            number(limbs).rem_limb(prime) == Limb::ZERO
        })
    }

    #[test]
    fn every_small_prime_is_in_one_stage() {
        let of_stages = OTHERS
            .iter()
            .flat_map(|stage| &stage.primes)
            .chain(&FIRST.primes);
        let count = of_stages.filter(|prime| prime.limit > 0).count();
        assert_eq!(count, small_primes().count());
        for prime in small_primes() {
            for limbs in [1, 2, 16, 31, 32, 33, 64, 100] {
                assert!(
                    has_small_factor(&product(&odd(limbs, prime), &[prime])),
                    "{prime}"
                );
            }
        }
    }

    #[test]
    fn primes_of_keys_have_none() {
        for key in keys() {
            assert!(!has_small_factor(&key.p) && !has_small_factor(&key.q));
        }
    }

    #[test]
    fn of_random_odd_numbers_22_percent_are_left() {
        let mut random = Random(1);
        let left = (0..10_000).filter(|_| {
            let mut number = random.number(16);
            number[0] |= 1;
            !has_small_factor(&number)
        });
        let left = left.count();
        assert!((2_050..2_310).contains(&left), "{left}");
    }

    proptest! {
        #[test]
        fn the_sieve_is_right(limbs in vec(any::<u64>(), 1..70)) {
            prop_assert_eq!(has_small_factor(&limbs), has_small_factor_naively(&limbs));
        }
    }
}
