//! RSA keys of which numbers are lost: what is left may determine the rest.
//!
//! | left | the rest |
//! |---|---|
//! | n and p | q = n / p |
//! | p and q | n = p·q, e = dp⁻¹ mod p-1 |
//! | dp and dq, or one of them and the other prime | p = (e·dp - 1) / k + 1 for some k < e |
//! | n and d, e known or usual | p and q by a square root of 1 modulo n (Miller 1975; NIST SP 800-56B, appendix C) |

use super::public_key::PublicKey;
use super::rsa::{self, is_prime};
use super::rsa_primes::{
    MAX_PRIME_BITS, MIN_PRIME_BITS, Number, bytes, cofactor, factor_by_exponent, has_small_factor,
    is_one, is_private_exponent, number, primes_of_exponent, remainder,
};
use crate::bytes::{bit_length, trim_zeros};
use crate::secret::Secret;
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Resize};
use zeroize::Zeroizing;

/// The numbers of an RSA private key that survived, big-endian.
#[derive(Clone, Copy, Debug, Default)]
pub struct RsaParts<'d> {
    /// Modulus.
    pub n: Option<&'d [u8]>,
    /// Public exponent.
    pub e: Option<&'d [u8]>,
    /// Private exponent.
    pub d: Option<Secret<'d>>,
    /// First prime.
    pub p: Option<Secret<'d>>,
    /// Second prime.
    pub q: Option<Secret<'d>>,
    /// d mod p-1.
    pub dp: Option<Secret<'d>>,
    /// d mod q-1.
    pub dq: Option<Secret<'d>>,
    /// q⁻¹ mod p.
    pub qinv: Option<Secret<'d>>,
}

/// A key made whole again.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// Its public half; more than one where nothing tells the exponent.
    pub public: Vec<PublicKey>,
    /// The parts left confirm one another: n is divided by a prime given, or exponents or the coefficient
    /// fit the primes. Two primes alone prove nothing.
    pub is_proven: bool,
}

impl RsaParts<'_> {
    /// The whole key, if what is left determines it.
    pub fn rebuild(&self) -> Option<Rebuilt> {
        let n = self.n.filter(|n| is_modulus(n)).map(number);
        let p = self.p.and_then(factor);
        let q = self.q.and_then(factor);
        if let Some(n) = &n {
            for prime in [&p, &q].into_iter().flatten() {
                let whole =
                    cofactor(n, prime).and_then(|other| self.with_modulus(n, prime, &other));
                if whole.is_some() {
                    return whole;
                }
            }
        }
        if let (Some(n), Some(d)) = (&n, self.d) {
            let d = number(d.expose());
            for e in self.exponents() {
                if let Some((p, q)) = factor_by_exponent(n, &e, &d) {
                    // It is the exponent of this modulus, also if that has more than two primes.
                    return self.with_modulus(n, &p, &q).or_else(|| {
                        let public = vec![PublicKey::rsa(&bytes(n), &bytes(&e))?];
                        Some(Rebuilt {
                            public,
                            is_proven: true,
                        })
                    });
                }
            }
        }
        if n.is_some() {
            // Neither primes nor exponent belong to the modulus: numbers that contradict one another are no key.
            return None;
        }
        if let (Some(p), Some(q)) = (&p, &q) {
            return self.without_modulus(p, q);
        }
        self.with_lost_prime(p, q)
    }

    /// The key when a prime is lost and its exponent is left: e·dp - 1 = k·(p - 1) with k < e. Each small
    /// divisor k that leaves a prime is a candidate.
    fn with_lost_prime(&self, p: Option<Number>, q: Option<Number>) -> Option<Rebuilt> {
        let candidates = |prime: Option<Number>, exponent: Option<Secret<'_>>, e: u32| match prime {
            Some(prime) => vec![prime],
            None => exponent.map_or_else(Vec::new, |exponent| primes_of_exponent(exponent, e)),
        };
        let exponents = match self.e {
            Some(e) => vec![crate::bytes::small(e)?],
            None => USUAL_EXPONENTS.to_vec(),
        };
        for e in exponents.into_iter().filter(|e| *e <= MAX_SMALL_EXPONENT) {
            let all_q = candidates(q.clone(), self.dq, e);
            if all_q.is_empty() {
                continue;
            }
            let all_p = candidates(p.clone(), self.dp, e);
            let pairs = all_p.iter().flat_map(|p| all_q.iter().map(move |q| (p, q)));
            // A false candidate fits its exponent as well as the true one: only the coefficient tells.
            let rebuilt: Vec<Rebuilt> = pairs
                .filter(|(p, q)| self.qinv.is_none() || self.is_inverse(p, q))
                .filter_map(|(p, q)| self.without_modulus(p, q))
                .collect();
            if !rebuilt.is_empty() {
                return Some(Rebuilt {
                    public: rebuilt
                        .into_iter()
                        .flat_map(|rebuilt| rebuilt.public)
                        .collect(),
                    is_proven: self.qinv.is_some(),
                });
            }
        }
        None
    }

    /// Whether enough is left that [`Self::rebuild`] may succeed.
    pub fn may_determine_key(&self) -> bool {
        let has_prime = self.p.is_some() || self.q.is_some();
        (self.n.is_some() && has_prime)
            || (self.p.is_some() && self.q.is_some())
            || (self.n.is_some() && self.d.is_some())
            || self.has_exponents()
    }

    /// The tests that cost microseconds: whether [`Self::rebuild`] is likely to succeed. Of true keys it
    /// refuses those whose d was made modulo lambda(n) with a common divisor of p-1 and q-1 above 512, some
    /// one in 400.
    pub fn look_promising(&self) -> bool {
        let n = self.n.filter(|n| is_modulus(n)).map(number);
        let primes = [self.p, self.q].map(|prime| prime.and_then(factor));
        if let Some(n) = &n {
            let divides = |prime: &Number| cofactor(n, prime).is_some();
            return primes.iter().flatten().any(divides)
                || self.d.is_some_and(|d| {
                    let d = number(d.expose());
                    self.exponents()
                        .iter()
                        .any(|e| is_private_exponent(n, e, &d))
                });
        }
        if let [Some(p), Some(q)] = &primes
            && p.cmp_vartime(q).is_eq()
        {
            return false;
        }
        let given = [self.p, self.q].iter().flatten().count();
        primes
            .iter()
            .flatten()
            .filter(|prime| !has_small_factor(prime))
            .count()
            == given
    }

    /// The public exponent, or those it may be.
    fn exponents(&self) -> Vec<Number> {
        match self.e {
            Some(e) => vec![number(e)],
            // Some programs write n and d alone, and zeros for the rest.
            None => [65537u32, 3]
                .map(|e| Zeroizing::new(BoxedUint::from(e)))
                .into(),
        }
    }

    /// Whether each prime is there or its exponent is.
    fn has_exponents(&self) -> bool {
        (self.p.is_some() || self.dp.is_some()) && (self.q.is_some() || self.dq.is_some())
    }

    /// What it costs, in units of some 0.2 ms: where a prime tells the other one, tests of both; else a square root
    /// of 1, or trials for the primes.
    pub fn cost(&self) -> usize {
        let bits = |number: Option<&[u8]>| number.map_or(0, bit_length);
        let half = |prime: Option<Secret<'_>>, exponent: Option<Secret<'_>>| {
            bits(prime.or(exponent).map(Secret::expose))
        };
        let primes = half(self.p, self.dp) + half(self.q, self.dq);
        let kilobits = bits(self.n).max(primes).div_ceil(1024) as usize;
        let factor = if self.has_primes() { 1 } else { 8 };
        factor * kilobits.pow(3)
    }

    /// Whether both primes are there, or one that divides the modulus.
    fn has_primes(&self) -> bool {
        let primes = [self.p, self.q].map(|prime| prime.and_then(factor));
        match self.n.filter(|n| is_modulus(n)).map(number) {
            Some(n) => primes
                .iter()
                .flatten()
                .any(|prime| cofactor(&n, prime).is_some()),
            None => primes.iter().all(Option::is_some),
        }
    }

    fn with_modulus(&self, n: &BoxedUint, p: &BoxedUint, q: &BoxedUint) -> Option<Rebuilt> {
        if p.cmp_vartime(q).is_eq() || !is_prime(p) || !is_prime(q) {
            return None;
        }
        // What the private exponents say goes before a public exponent that may be damaged.
        let given = || self.e.filter(|e| self.fits(e, p, q)).map(<[u8]>::to_vec);
        let public = match self.exponent(p, q).or_else(given) {
            Some(e) => vec![PublicKey::rsa(&bytes(n), &e)?],
            None => with_usual_exponents(n),
        };
        Some(Rebuilt {
            public,
            is_proven: true,
        })
    }

    fn without_modulus(&self, p: &BoxedUint, q: &BoxedUint) -> Option<Rebuilt> {
        let bits = p.bits_vartime().abs_diff(q.bits_vartime());
        if bits > MAX_IMBALANCE || p.cmp_vartime(q).is_eq() || !is_prime(p) || !is_prime(q) {
            return None;
        }
        let n = p.concatenating_mul(q);
        if !is_modulus(&bytes(&n)) {
            return None;
        }
        let exponent = self.exponent(p, q);
        let public = match &exponent {
            Some(e) => vec![PublicKey::rsa(&bytes(&n), e)?],
            None => with_usual_exponents(&n),
        };
        Some(Rebuilt {
            is_proven: exponent.is_some() || self.is_inverse(p, q),
            public,
        })
    }

    /// Whether the coefficient is there and is q⁻¹ mod p.
    fn is_inverse(&self, p: &BoxedUint, q: &BoxedUint) -> bool {
        self.qinv.is_some_and(|qinv| {
            let product = Zeroizing::new(number(qinv.expose()).concatenating_mul(q));
            is_one(&remainder(&product, p))
        })
    }

    /// Whether no private exponent that is left contradicts the public one: a changed e must not give a key
    /// another name.
    fn fits(&self, e: &[u8], p: &BoxedUint, q: &BoxedUint) -> bool {
        let e = number(e);
        let less_one = |prime: &BoxedUint| Zeroizing::new(prime.wrapping_sub(BoxedUint::one()));
        // Which of the two primes is the structure's first is not known here.
        let pairs = [
            (self.d, p),
            (self.d, q),
            (self.dp, p),
            (self.dp, q),
            (self.dq, p),
            (self.dq, q),
        ];
        let mut exponents = pairs
            .iter()
            .filter_map(|(exponent, prime)| Some(((*exponent)?, *prime)))
            .peekable();
        exponents.peek().is_none()
            || exponents.any(|(exponent, prime)| {
                let product = Zeroizing::new(number(exponent.expose()).concatenating_mul(&*e));
                is_one(&remainder(&product, &less_one(prime)))
            })
    }

    /// The public exponent that dp or d gives, if it fits the other prime too.
    fn exponent(&self, p: &BoxedUint, q: &BoxedUint) -> Option<Vec<u8>> {
        let modulus = |prime: &BoxedUint| Zeroizing::new(prime.wrapping_sub(BoxedUint::one()));
        let (p1, q1) = (modulus(p), modulus(q));
        let reduced = |whole: Option<Secret<'_>>, part: Option<Secret<'_>>, modulus: &BoxedUint| {
            let private = part.or(whole)?;
            Some(remainder(&number(private.expose()), modulus))
        };
        let dp = reduced(self.d, self.dp, &p1)?;
        let dq = reduced(self.d, self.dq, &q1)?;
        let modulus: NonZero<BoxedUint> = p1.to_nz().into_option()?;
        let e = (*dp)
            .clone()
            .resize(p1.bits_precision())
            .invert_mod(&modulus)
            .into_option()?;
        let fits = (2..=MAX_EXPONENT_BITS).contains(&e.bits_vartime())
            && is_one(&remainder(&Zeroizing::new(e.concatenating_mul(&*dq)), &q1));
        fits.then(|| bytes(&e))
    }
}

/// Public halves for the exponents that are in use.
fn with_usual_exponents(n: &BoxedUint) -> Vec<PublicKey> {
    USUAL_EXPONENTS
        .iter()
        .filter_map(|e| PublicKey::rsa(&bytes(n), &e.to_be_bytes()))
        .collect()
}

/// A number that may be a prime of an RSA key.
fn factor(secret: Secret<'_>) -> Option<Number> {
    let bytes = trim_zeros(secret.expose());
    let is_odd = bytes.last().is_some_and(|byte| byte & 1 == 1);
    (is_odd && (MIN_PRIME_BITS..=MAX_PRIME_BITS).contains(&bit_length(bytes)))
        .then(|| number(bytes))
}

fn is_modulus(n: &[u8]) -> bool {
    rsa::is_plausible_public(trim_zeros(n), &[3])
}

/// Public exponents in use, the more common first.
const USUAL_EXPONENTS: [u32; 5] = [65537, 3, 17, 35, 37];

/// The largest public exponent whose multiples are tried one by one.
const MAX_SMALL_EXPONENT: u32 = 65537;

/// Bits by which primes whose product is not known may differ in size.
const MAX_IMBALANCE: u32 = 64;

/// Bits of a public exponent that was computed.
const MAX_EXPONENT_BITS: u32 = 64;

#[cfg(test)]
mod tests;
