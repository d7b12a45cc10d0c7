//! Runs the proofs once per distinct key, and only so many of them: a file of a million copies of
//! one key costs one proof, a file of a million made-up keys meets a limit.

use super::dsa::DsaNumbers;
use super::public_key::{Identity, PublicKey};
use super::rsa::{RsaNumbers, RsaProof};
use super::rsa_multi::MultiPrime;
use super::rsa_parts::RsaParts;
use super::{Curve, edwards};
use crate::secret::exposed;
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Results of proofs, shared by all threads of a scan. Bounded: when full, results are computed
/// again instead of remembered.
#[derive(Default)]
pub struct ProofCache {
    results: Mutex<HashMap<Digest256, Judgement>>,
}

/// What arithmetic made of one candidate.
#[derive(Clone, Debug)]
pub enum Judgement {
    /// An RSA modulus and its two primes: the public half the structure itself holds.
    Primes(Arc<Identity>),
    /// Primes and a private exponent that belongs to them.
    Proven(Arc<Identity>),
    /// A scalar or seed: the public half derived from it.
    Derived(Arc<Identity>),
    /// A public half made of what is left of a key, and whether the parts confirm one another; more than
    /// one where nothing tells the exponent.
    Rebuilt(Arc<[Arc<Identity>]>, bool),
    /// The costly part is worth its time.
    Promising,
    /// Out of range, or no key.
    Refused,
}

/// SHA-256 over all numbers of a candidate: tells equal candidates without keeping them.
pub type Digest256 = [u8; 32];

/// One worker's access to the proofs, with a budget of its own so that what is proven does not
/// depend on which thread came first.
pub struct Prover<'s> {
    cache: &'s ProofCache,
    budget: usize,
    spent: Cell<usize>,
    seen: RefCell<HashSet<Digest256>>,
    exhausted: Cell<bool>,
    /// Bytes handled for nothing proven yet, below a unit of work.
    handled: Cell<usize>,
}

impl<'s> Prover<'s> {
    /// A prover that begins no proof once it has spent `budget` units of work, some 0.2 ms each.
    pub fn new(cache: &'s ProofCache, budget: usize) -> Self {
        Self {
            cache,
            budget,
            spent: Cell::new(0),
            seen: RefCell::default(),
            exhausted: Cell::new(false),
            handled: Cell::new(0),
        }
    }

    /// The proof of RSA numbers and the public half in them; `None` when the budget is used up. What is
    /// costly depends on n, p and q alone, so that the same primes with many exponents cost once.
    pub fn rsa(&self, numbers: &RsaNumbers<'_>) -> Option<(RsaProof, Option<Arc<Identity>>)> {
        if !numbers.look_consistent() {
            return Some((RsaProof::NotAKey, None));
        }
        let parts = [
            b"rsa",
            numbers.n,
            numbers.e,
            numbers.p.expose(),
            numbers.q.expose(),
        ];
        if !self.looks_promising(&parts, || numbers.is_product())? {
            return Some((RsaProof::NotAKey, None));
        }
        let judgement = self.judge(numbers.cost(), &parts, || {
            match PublicKey::rsa(numbers.n, numbers.e) {
                Some(key) if numbers.has_prime_factors() => {
                    Judgement::Primes(Arc::new(Identity::new(key)))
                }
                _ => Judgement::Refused,
            }
        })?;
        let Judgement::Primes(identity) = judgement else {
            return Some((RsaProof::NotAKey, None));
        };
        let d = numbers.d.map_or(&[][..], |d| d.expose());
        let whole = digest(&[
            b"rsa with d",
            numbers.n,
            numbers.e,
            numbers.p.expose(),
            numbers.q.expose(),
            d,
        ]);
        let exponents = self
            .cache
            .remember(whole, || match numbers.do_exponents_fit() {
                true => Judgement::Proven(identity.clone()),
                false => Judgement::Refused,
            });
        let proof = if matches!(exponents, Judgement::Proven(_)) {
            RsaProof::Proven
        } else {
            RsaProof::WrongExponent
        };
        Some((proof, Some(identity)))
    }

    /// The key that what is left of RSA numbers determines; `None` when the budget is used up.
    pub fn rsa_parts(&self, parts: &RsaParts<'_>) -> Option<Judgement> {
        if !parts.may_determine_key() {
            return Some(Judgement::Refused);
        }
        let named = [
            b"rsa parts",
            parts.n.unwrap_or_default(),
            parts.e.unwrap_or_default(),
            exposed(parts.d),
            exposed(parts.p),
            exposed(parts.q),
            exposed(parts.dp),
            exposed(parts.dq),
            exposed(parts.qinv),
        ];
        if !self.looks_promising(&named, || parts.look_promising())? {
            return Some(Judgement::Refused);
        }
        self.judge(parts.cost(), &named, || match parts.rebuild() {
            Some(rebuilt) => {
                let identities = rebuilt
                    .public
                    .into_iter()
                    .map(|key| Arc::new(Identity::new(key)));
                Judgement::Rebuilt(identities.collect(), rebuilt.is_proven)
            }
            None => Judgement::Refused,
        })
    }

    /// The public half of an RSA key of several primes; `None` when the budget is used up.
    pub fn rsa_multi(&self, numbers: &MultiPrime<'_>) -> Option<Judgement> {
        if !numbers.look_consistent() {
            return Some(Judgement::Refused);
        }
        let mut parts = vec![&b"rsa multi"[..], numbers.n, numbers.e, numbers.d.expose()];
        parts.extend(numbers.primes.iter().map(|prime| prime.expose()));
        self.judge(numbers.cost(), &parts, || derived(numbers.prove()))
    }

    /// The public half of a DSA key; `None` when the budget is used up.
    pub fn dsa(&self, numbers: &DsaNumbers<'_>) -> Option<Judgement> {
        if !numbers.look_consistent() {
            return Some(Judgement::Refused);
        }
        let DsaNumbers { p, q, g, .. } = *numbers;
        let parts = [b"dsa", p, q, g, numbers.x.expose()];
        self.judge(numbers.cost(), &parts, || {
            derived(numbers.derive().and_then(|y| PublicKey::dsa(p, q, g, &y)))
        })
    }

    /// The public half of an EC scalar; `None` when the budget is used up.
    pub fn ec(&self, curve: Curve, scalar: &[u8]) -> Option<Judgement> {
        let cost = if curve == Curve::P521 { 3 } else { 1 };
        self.judge(cost, &[b"ec", curve.oid(), scalar], || {
            derived(
                curve
                    .derive(scalar)
                    .map(|point| PublicKey::Ec { curve, point }),
            )
        })
    }

    /// The public half of an Ed25519 seed; `None` when the budget is used up.
    pub fn ed25519(&self, seed: &[u8]) -> Option<Judgement> {
        self.judge(1, &[b"ed25519", seed], || {
            derived(
                seed.try_into()
                    .ok()
                    .map(|seed| PublicKey::Ed25519(edwards::ed25519_public(seed))),
            )
        })
    }

    /// The public half of an X25519 scalar; `None` when the budget is used up.
    pub fn x25519(&self, scalar: &[u8]) -> Option<Judgement> {
        self.judge(1, &[b"x25519", scalar], || {
            derived(
                scalar
                    .try_into()
                    .ok()
                    .map(|scalar| PublicKey::X25519(edwards::x25519_public(scalar))),
            )
        })
    }

    /// The public half of an Ed448 seed; `None` when the budget is used up.
    pub fn ed448(&self, seed: &[u8]) -> Option<Judgement> {
        self.judge(2, &[b"ed448", seed], || {
            let public = seed.try_into().ok().and_then(edwards::ed448_public);
            derived(public.map(PublicKey::Ed448))
        })
    }

    /// The public half of an X448 scalar; `None` when the budget is used up.
    pub fn x448(&self, scalar: &[u8]) -> Option<Judgement> {
        self.judge(2, &[b"x448", scalar], || {
            let public = scalar.try_into().ok().and_then(edwards::x448_public);
            derived(public.map(PublicKey::X448))
        })
    }

    /// Counts `bytes` that a detector is about to gather, decode or compare as work: text that announces a
    /// key at every line must not be decoded from each on. Whether the budget has room for it.
    pub fn afford(&self, bytes: usize) -> bool {
        let handled = self.handled.get().saturating_add(bytes);
        self.handled.set(handled % BYTES_IN_UNIT);
        self.spent
            .set(self.spent.get().saturating_add(handled / BYTES_IN_UNIT));
        let has_room = self.spent.get() < self.budget;
        if !has_room {
            self.exhausted.set(true);
        }
        has_room
    }

    /// Work spent on distinct candidates, in units of some 0.2 ms.
    pub fn spent(&self) -> usize {
        self.spent.get()
    }

    /// Whether a candidate was passed over because the budget was used up.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// What a test of microseconds says, which a dump full of structures alike must not be spared either.
    /// `None` when the budget is used up.
    fn looks_promising(&self, parts: &[&[u8]], look: impl FnOnce() -> bool) -> Option<bool> {
        let look_parts: Vec<&[u8]> = [&b"look"[..]]
            .into_iter()
            .chain(parts.iter().copied())
            .collect();
        let judgement = self.judge(1, &look_parts, || match look() {
            true => Judgement::Promising,
            false => Judgement::Refused,
        })?;
        Some(matches!(judgement, Judgement::Promising))
    }

    fn judge(
        &self,
        cost: usize,
        parts: &[&[u8]],
        compute: impl FnOnce() -> Judgement,
    ) -> Option<Judgement> {
        let digest = digest(parts);
        let mut seen = self.seen.borrow_mut();
        if !seen.contains(&digest) {
            if self.spent.get() >= self.budget {
                self.exhausted.set(true);
                return None;
            }
            self.spent.set(self.spent.get().saturating_add(cost));
            seen.insert(digest);
        }
        Some(self.cache.remember(digest, compute))
    }
}

impl ProofCache {
    fn remember(&self, digest: Digest256, compute: impl FnOnce() -> Judgement) -> Judgement {
        let known = |cache: &Self| cache.lock().get(&digest).cloned();
        known(self).unwrap_or_else(|| {
            let judgement = compute();
            let mut results = self.lock();
            if results.len() < MAX_REMEMBERED {
                results.insert(digest, judgement.clone());
            }
            judgement
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest256, Judgement>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A digest over parts that cannot be shifted into one another.
pub fn digest(parts: &[&[u8]]) -> Digest256 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn derived(key: Option<PublicKey>) -> Judgement {
    key.map_or(Judgement::Refused, |key| {
        Judgement::Derived(Arc::new(Identity::new(key)))
    })
}

/// Bytes that are gathered and decoded in a unit of work.
const BYTES_IN_UNIT: usize = 48 << 10;

/// Results remembered at most: about 8 MiB when every key is of 4096 bits.
const MAX_REMEMBERED: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_cost_one_candidate_and_the_budget_ends() {
        let cache = ProofCache::default();
        let prover = Prover::new(&cache, 2);
        for _ in 0..100 {
            assert!(matches!(
                prover.ec(Curve::P256, &[7]),
                Some(Judgement::Derived(_))
            ));
        }
        assert!(matches!(
            prover.ec(Curve::P256, &[0]),
            Some(Judgement::Refused)
        ));
        assert!(!prover.is_exhausted());
        assert!(prover.ec(Curve::P256, &[9]).is_none());
        assert!(prover.is_exhausted());
        assert!(prover.ec(Curve::P256, &[7]).is_some());
        assert_eq!(prover.spent(), 2);
    }

    #[test]
    fn digests_keep_parts_apart() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
