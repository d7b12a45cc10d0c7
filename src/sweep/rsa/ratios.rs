//! The first look at a pair that may be dp and dq: one multiplication of doubles for each modulus.
//!
//! For primes of n and the public exponent e, e·dp = 1 + kp·(p - 1) with kp < e, and the same for q. So e²·dp·dq/n is
//! near the integer kp·kq, which is below e². With e up to 2^16 + 1 a double has 20 bits behind the point, and the
//! roundings change the last three: of other pairs one in 2^16 gets through, and none that belongs to a modulus is lost.

/// E²/n for moduli whose public exponent is E or divides it.
#[derive(Default)]
pub struct Ratios {
    /// With the leading limb of dp and dq above the point; behind them no numbers, which are near nothing, to a multiple
    /// of [`LANES`].
    factors: Vec<f64>,
    /// Whose they are.
    members: Vec<usize>,
    /// Moduli with other exponents.
    others: Vec<usize>,
}

impl Ratios {
    /// Adds a modulus whose primes have `limbs` limbs, and its public exponent if that is known. Without one the
    /// usual ones are looked for: divisors of 2^16 - 1 and 2^16 + 1.
    pub fn add(&mut self, member: usize, n: &[u64], limbs: usize, e: Option<&[u64]>) {
        let usual: &[f64] = match e {
            None => &[65535.0, 65537.0],
            Some([e]) if 65535 % e == 0 => &[65535.0],
            Some([65537]) => &[65537.0],
            Some(_) => {
                self.others.push(member);
                return;
            }
        };
        let bits = 64 * (2 * limbs as i32 - n.len() as i32);
        for e in usual {
            self.factors.truncate(self.members.len());
            self.factors.push(e * e * 2f64.powi(bits) / fraction(n));
            self.members.push(member);
            let whole = self.factors.len().next_multiple_of(LANES);
            self.factors.resize(whole, f64::NAN);
        }
    }

    /// What a look costs, in multiplications.
    pub fn cost(&self) -> u32 {
        self.members.len() as u32
    }

    /// Moduli that are not looked at here.
    pub fn others(&self) -> impl Iterator<Item = usize> {
        self.others.iter().copied()
    }

    /// Hands over the moduli for which `product`, that of two fractions, comes near an integer.
    #[inline]
    pub fn near_integers(&self, product: f64, mut found: impl FnMut(usize)) {
        let distance = |factor: f64| {
            let value = product * factor;
            // Rounds to the nearest integer.
            (value - ((value + SHIFT) - SHIFT)).abs()
        };
        for (index, chunk) in self.factors.as_chunks::<LANES>().0.iter().enumerate() {
            let nearest = chunk.iter().fold(1.0, |least: f64, factor| {
                let distance = distance(*factor);
                if distance < least { distance } else { least }
            });
            if nearest < NEAR {
                self.hand_over(LANES * index, chunk, distance, &mut found);
            }
        }
    }

    /// Whether `product`, that of two fractions, may be that of a pair of any modulus.
    #[inline]
    pub fn may_be_near(&self, product: f64) -> bool {
        let mut is_near = !self.others.is_empty();
        self.near_integers(product, |_| is_near = true);
        is_near
    }

    #[inline]
    fn hand_over(
        &self,
        first: usize,
        factors: &[f64],
        distance: impl Fn(f64) -> f64,
        found: &mut impl FnMut(usize),
    ) {
        for (factor, member) in factors.iter().zip(self.members.iter().skip(first)) {
            if distance(*factor) < NEAR {
                found(*member);
            }
        }
    }
}

/// A number divided by 2^64 for each of its limbs, rounded by less than 2^-52 of it: one of more than 24 leading zero
/// bits is none here.
pub fn fraction(number: &[u64]) -> f64 {
    match number {
        [.., next, top] => *top as f64 / TWO_64 + *next as f64 / TWO_64 / TWO_64,
        [only] => *only as f64 / TWO_64,
        [] => 0.0,
    }
}

/// Moduli looked at together.
const LANES: usize = 4;

/// Near an integer: above the error of the roundings, each 2^-52 of less than 2^32.
const NEAR: f64 = 1.0 / 65536.0;

/// A double of this size has no bits behind the point.
const SHIFT: f64 = 6_755_399_441_055_744.0;

const TWO_64: f64 = 18_446_744_073_709_551_616.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys::rsa_keys;
    use crate::sweep::codec::limbs_of;

    #[test]
    fn pairs_of_a_modulus_are_near_an_integer_and_others_are_not() {
        let keys = rsa_keys();
        let limbs = |number: &[u8]| limbs_of(number).to_vec();
        let mut near = 0;
        for (index, key) in keys.iter().enumerate() {
            let mut ratios = Ratios::default();
            let (n, e) = (limbs(&key.n), limbs(&key.e));
            let half = n.len() / 2;
            ratios.add(1, &n, half, Some(&e));
            ratios.add(2, &n, half, None);
            assert_eq!(ratios.others().count(), 0);
            let [dp, dq, _] = &key.crt;
            let fractions = [dp, dq].map(|number| {
                let mut number = limbs(number);
                number.resize(half, 0);
                fraction(&number)
            });
            let mut found = Vec::new();
            ratios.near_integers(fractions[0] * fractions[1], |member| found.push(member));
            assert!(found.contains(&1) && found.contains(&2), "{index}");
            // Pairs that belong to nobody.
            for step in 1..10_000 {
                let other = fractions[0] * fractions[1] * (1.0 + f64::from(step) / 65536.0);
                ratios.near_integers(other, |_| near += 1);
            }
        }
        assert!(near < 60, "{near}");
    }
}
