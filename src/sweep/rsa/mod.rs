//! RSA keys whose modulus is known: their primes, private exponents and CRT exponents, wherever they lie.
//!
//! | search | windows | exact test |
//! |---|---|---|
//! | factors | primes of half the size of the modulus; for the user's keys and `--deep` a third, `--deep` also a fourth and a fifth, and one of two primes that is longer or shorter than the half by up to 64 bits | divides a modulus |
//! | private exponents | odd, of the size of the modulus | factors the modulus |
//! | CRT exponents | two, odd, of half the size, as of primes of one size: side by side, or both at the edges of runs | factor the modulus |
//!
//! Every modulus of a size is tried at once for factors. Exponents of authorities' keys are looked for by `--deep`
//! only. Of a modulus without a public exponent the private exponents for all odd ones below 2^32 are looked for, and
//! the CRT exponents for usual ones; once it is factored, one number tells its public exponent ([`told`]). A modulus that
//! is factored leaves the search; where else its numbers lie is told by the search for copies.
//!
//! Work is bounded for each block of memory. What is beyond the bound is not looked at, and the search says so.

mod group;
mod look;
mod neighbours;
mod ratios;
#[cfg(test)]
mod tests;
pub mod told;
mod written;

use super::codec::{bytes_of, counted};
use super::space::Space;
use super::texts::SCOPE;
use super::{Depth, Sweep, Swept, Target};
use crate::bytes::bit_length;
use crate::crypto::material::{Material, Number};
use crate::crypto::rsa_search::{Factored, Rest};
use crate::crypto::{Identity, PublicKey};
use crate::detect::{Key, Sighting};
use crate::finding::Piece;
use crate::outcome::Search;
use group::{Group, Member, UNEQUAL, groups};
use look::SHORT;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use written::FEWEST;

/// Looks for the private numbers of the RSA keys among `targets` in all of `space`.
pub fn sweep(space: &Space<'_>, targets: &[Target], depth: Depth) -> Sweep {
    let (groups, is_whole) = groups(targets, depth);
    if groups.is_empty() && is_whole {
        return Sweep::default();
    }
    let mut results: Vec<Outcome> = targets.iter().map(|_| Outcome::default()).collect();
    let known = Known::new(targets.len());
    let mut cut = Cut::default();
    space.each_block(
        |block| look::block(block, &groups, &known),
        |seen, pieces| {
            cut.add(seen.cut);
            known.failures.fetch_add(seen.failures, Ordering::Relaxed);
            for hit in seen.hits {
                let Some(result) = results.get_mut(hit.target) else {
                    continue;
                };
                let room = MAX_PLACES.saturating_sub(result.places.len());
                let places = hit.places.into_iter().take(room);
                result
                    .places
                    .extend(places.map(|place| (pieces(place.range.clone()), place)));
                result.learn(hit.factored);
                known.learn(hit.target, result);
            }
        },
    );
    let sightings = targets
        .iter()
        .zip(results)
        .filter_map(|(target, result)| result.sightings(target))
        .flatten()
        .collect();
    Sweep {
        sightings,
        searches: searches(&groups, is_whole, cut, depth.is_deep),
        ..Sweep::default()
    }
}

/// What the sweep came to for one target.
#[derive(Default)]
struct Outcome {
    factored: Option<Factored>,
    places: Vec<(Vec<Piece>, Place)>,
}

/// A number of a target's key in a block.
struct Place {
    /// How it is written: the form's name, and `raw` or the encoding of the text.
    form: [&'static str; 2],
    component: &'static str,
    /// Bytes of the block.
    range: Range<usize>,
}

/// What was seen of a target's key in a block.
struct Hit {
    target: usize,
    factored: Factored,
    places: Vec<Place>,
}

/// Which searches were cut by a bound.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    factors: bool,
    exponents: bool,
    pairs: bool,
}

impl Cut {
    fn add(&mut self, other: Self) {
        self.factors |= other.factors;
        self.exponents |= other.exponents;
        self.pairs |= other.pairs;
    }
}

/// What is known while blocks are looked at. It changes between waves of blocks only, so that any number of threads
/// sees the same.
struct Known {
    targets: Vec<AtomicU8>,
    /// Exact tests that looked good and failed.
    failures: AtomicU32,
}

impl Known {
    fn new(targets: usize) -> Self {
        Self {
            targets: (0..targets).map(|_| AtomicU8::new(0)).collect(),
            failures: AtomicU32::new(0),
        }
    }

    fn learn(&self, target: usize, result: &Outcome) {
        let told = result.factored.as_ref().map_or(0, |factored| {
            FACTORED | (u8::from(factored.e.is_some()) * EXPONENT)
        });
        if let Some(known) = self.targets.get(target) {
            known.fetch_or(told, Ordering::Relaxed);
        }
    }

    fn has(&self, target: usize, what: u8) -> bool {
        self.targets
            .get(target)
            .is_some_and(|known| known.load(Ordering::Relaxed) & what == what)
    }
}

impl Outcome {
    /// Keeps the factors, and the public exponent of whoever tells it.
    fn learn(&mut self, factored: Factored) {
        match &mut self.factored {
            Some(known) if known.e.is_none() => known.e = factored.e,
            Some(_) => {}
            None => self.factored = Some(factored),
        }
    }

    /// Each place of the key, proven; `None` when nothing was found.
    fn sightings(self, target: &Target) -> Option<impl Iterator<Item = Swept>> {
        let factored = self.factored?;
        let PublicKey::Rsa { n, .. } = target.identity.key() else {
            return None;
        };
        let told = factored.e.as_ref().filter(|_| target.e_assumed);
        let identity = told.and_then(|e| PublicKey::rsa(n, &bytes_of(e)));
        let identity = identity.map_or_else(
            || target.identity.clone(),
            |key| Arc::new(Identity::new(key)),
        );
        let half = bit_length(n).div_ceil(2);
        let prime = |limbs: &[u64]| Number {
            component: "prime",
            bytes: bytes_of(limbs),
            bits: half,
        };
        let mut numbers = vec![prime(&factored.p)];
        if factored.rest == Rest::Prime {
            numbers.push(prime(&factored.q));
        }
        let mut key = Key::proven(identity, Material { numbers });
        key.e_assumed = target.e_assumed && factored.e.is_none();
        Some(self.places.into_iter().map(move |(pieces, place)| {
            let [form, encoding] = place.form;
            let evidence = key
                .clone()
                .part_at(form, place.component, encoding, place.range);
            Swept {
                sighting: Sighting::Key(evidence),
                pieces,
            }
        }))
    }
}

/// What was searched, in words.
fn searches(groups: &[Group], is_whole: bool, cut: Cut, is_deep: bool) -> Vec<Search> {
    let sizes = |wanted: fn(&Group) -> usize| {
        let mut sizes: Vec<(u32, usize)> = Vec::new();
        for group in groups {
            let count = wanted(group);
            if count > 0 {
                sizes.push((group.bits(), count));
            }
        }
        sizes.sort_unstable();
        let list: Vec<String> = sizes
            .iter()
            .map(|(bits, count)| format!("{count} of {bits} bits"))
            .collect();
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        }
    };
    let search = |name, scope, is_cut: bool| Search {
        name,
        scope,
        complete: is_whole && !is_cut,
    };
    let encodings = counted();
    vec![
        search(
            "rsa-factors",
            format!(
                "moduli: {}; two primes of one size{}; {encodings}, and {SCOPE}; all bytes",
                sizes(Group::moduli),
                shapes(groups, is_deep)
            ),
            cut.factors,
        ),
        search(
            "rsa-private-exponents",
            format!(
                "moduli: {}; {encodings}{}, and {SCOPE}; all bytes{}{}",
                sizes(Group::exponents),
                short(groups),
                reach(groups),
                bare(groups, Group::exponents, &any(groups))
            ),
            cut.exponents,
        ),
        search(
            "rsa-crt-exponents",
            format!(
                "moduli: {}, of two primes of one size; pairs side by side, and numbers apart that stand by themselves, with the 64 nearest within 4 KiB; {encodings} (as big-endian bytes not one byte shorter than the prime, unless a zero stands \
                 for it), and {SCOPE}; all bytes{}{}",
                sizes(Group::pairs),
                reach(groups),
                bare(groups, Group::pairs, USUAL_OF_PAIRS)
            ),
            cut.pairs,
        ),
    ]
}

/// What of the memory exponents are not looked for in.
fn reach(groups: &[Group]) -> &'static str {
    if groups.iter().all(|group| group.is_thorough) {
        ""
    } else {
        " but those of random-looking runs beyond 64 KiB, where only the user's are looked for"
    }
}

/// Which public exponents are thought of where nothing tells that of a modulus.
fn bare(groups: &[Group], wanted: fn(&Group) -> usize, exponents: &str) -> String {
    let is_bare = |group: &&Group| wanted(group) > 0 && group.members.iter().any(Member::is_bare);
    match groups.iter().any(|group| is_bare(&group)) {
        true => format!("; of a modulus without a public exponent those for {exponents}"),
        false => String::new(),
    }
}

/// The public exponents with which private ones are looked for where nothing tells them.
fn any(groups: &[Group]) -> String {
    let members = groups.iter().flat_map(|group| &group.members);
    let bare: Vec<bool> = members
        .filter(|member| member.is_bare())
        .map(|member| member.is_any)
        .collect();
    let first = bare.iter().filter(|is_any| **is_any).count();
    let rest = if first < bare.len() {
        format!(
            " with {first} of them, and with the others products of 257, 65537 and primes to 71"
        )
    } else {
        String::new()
    };
    format!("any odd one below 2^32{rest}")
}

/// What is not looked for in big-endian bytes.
fn short(groups: &[Group]) -> &'static str {
    let mut wanted = groups.iter().filter(|group| group.whole.is_some());
    if wanted.all(|group| group.shorter.is_some()) {
        ""
    } else {
        " (as big-endian bytes only the user's may be one byte shorter than the modulus without a zero for it)"
    }
}

/// The shapes of moduli beside those of two primes of one size.
fn shapes(groups: &[Group], is_deep: bool) -> String {
    let parts = match groups.iter().any(|group| group.is_thorough) {
        false => return String::new(),
        true if is_deep => "three to five",
        true => "for the user's also three",
    };
    format!(
        ", {parts} of one size and {SHORT} bits at least, or two of which one has up to {UNEQUAL} bits more or less than half (in limbs, \
         else where zeros stand before it), in text any prime from {FEWEST} bits on (in base64 from 1024)"
    )
}

/// Divisors of 2^16 - 1, and 2^16 + 1: see [`ratios`].
const USUAL_OF_PAIRS: &str =
    "3, 5, 15, 17, 51, 85, 255, 257, 771, 1285, 3855, 4369, 13107, 21845, 65535 and 65537";

/// The factors of a target are known.
const FACTORED: u8 = 1;

/// So is its public exponent, told by a private one.
const EXPONENT: u8 = 2;

/// Places kept of one key.
const MAX_PLACES: usize = 256;
