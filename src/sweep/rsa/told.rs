//! The public exponent of a key that is factored, told by one private number: d, dp or dq.
//!
//! Where n lies bare, a prime proves the key and does not name it. Each odd number of the size of a prime is d modulo
//! this prime less one for one public exponent at most, and that is tiny for numbers of the key alone
//! ([`Remainders`]); each of the modulus' size is d, if it is near the right fraction of n ([`Exponents`]).

use super::look::{LONG, LONG_RUN, SHORT, raw};
use super::written::{FEWEST, SHORTER, padded};
use super::{MAX_PLACES, Place};
use crate::bytes::bit_length;
use crate::crypto::material::{CRT_EXPONENT, PRIME, PRIVATE_EXPONENT};
use crate::crypto::rsa_search::{EXPONENT_BITS, Exponents, Remainders};
use crate::crypto::{Identity, PublicKey};
use crate::detect::{Key, Sighting};
use crate::finding::Piece;
use crate::outcome::Search;
use crate::sweep::codec::{Class, bytes_of, counted, limbs_of};
use crate::sweep::runs::each_run;
use crate::sweep::space::{Block, Space};
use crate::sweep::texts::{SCOPE, Sizes, each_written};
use crate::sweep::windows::{Form, Shape, Sought, bit_length as bits_of, buffer};
use crate::sweep::{Depth, Sweep, Swept};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use zeroize::Zeroizing;

/// Looks for what tells the public exponents of those of `keys` of which they are assumed, in all of `space`.
pub fn sweep(space: &Space<'_>, keys: &[Key], depth: Depth) -> Sweep {
    let mut moduli = HashSet::new();
    let mut nameless: Vec<(&Key, &[u8])> = keys
        .iter()
        .filter(|key| key.e_assumed)
        .filter_map(|key| Some((key, modulus(key)?)))
        .filter(|(_, n)| moduli.insert(*n))
        .collect();
    if nameless.is_empty() {
        return Sweep::default();
    }
    let is_whole = nameless.len() <= MAX_KEYS;
    nameless.truncate(MAX_KEYS);
    let sizes = sizes(&nameless);
    let is_told: Vec<AtomicBool> = nameless.iter().map(|_| AtomicBool::new(false)).collect();
    let mut told: Vec<Told> = nameless.iter().map(|_| Told::default()).collect();
    let mut is_cut = false;
    space.each_block(
        |block| look(block, &sizes, &is_told, depth),
        |seen, pieces| {
            is_cut |= seen.is_cut;
            for hit in seen.hits {
                let Some(told) = told.get_mut(hit.key) else {
                    continue;
                };
                let e = told.e.get_or_insert_with(|| hit.e.clone());
                // Each of the key's numbers tells the same one.
                if *e == hit.e && told.places.len() < MAX_PLACES {
                    let pieces = pieces(hit.place.range.clone());
                    told.places.push((pieces, hit.place));
                }
                if let Some(is_told) = is_told.get(hit.key) {
                    is_told.store(true, Ordering::Relaxed);
                }
            }
        },
    );
    let count = told.iter().filter(|told| told.e.is_some()).count();
    let encodings = counted();
    let sightings = nameless.iter().zip(told);
    let sightings = sightings.filter_map(|((key, n), told)| told.sightings(key, n));
    Sweep {
        sightings: sightings.flatten().collect(),
        searches: vec![Search {
            name: "rsa-public-exponents",
            scope: format!(
                "public exponents of {} proven keys that nothing else tells: dp and dq for any odd one below 2^{EXPONENT_BITS}, \
                 d for any below 2^32; {encodings}, and {SCOPE}; all bytes{}: {count} told",
                nameless.len(),
                match depth.is_deep {
                    true => "",
                    false => " but those of random-looking runs beyond 64 KiB",
                },
            ),
            complete: is_whole && !is_cut,
        }],
        ..Sweep::default()
    }
}

/// The modulus of an RSA key.
fn modulus(key: &Key) -> Option<&[u8]> {
    match key.public.as_deref()?.key() {
        PublicKey::Rsa { n, .. } => Some(n),
        _ => None,
    }
}

/// Numbers of one size, and what is looked for among them.
struct Size {
    sought: Sought,
    tellers: Vec<(usize, Teller)>,
}

/// What tells a public exponent from a number.
enum Teller {
    /// dp or dq.
    Prime(Remainders),
    /// d.
    Modulus(Box<Exponents>),
}

impl Teller {
    #[inline]
    fn may_be(&self, number: &[u64]) -> bool {
        match self {
            Self::Prime(remainders) => remainders.may_be(number),
            Self::Modulus(exponents) => exponents.may_be_any(number) || exponents.may_be(number),
        }
    }

    fn exponent(&self, number: &[u64]) -> Option<Zeroizing<Vec<u64>>> {
        match self {
            Self::Prime(remainders) => Some(Zeroizing::new(vec![remainders.exponent(number)?])),
            Self::Modulus(exponents) => exponents.factor(number)?.e,
        }
    }

    fn component(&self) -> &'static str {
        match self {
            Self::Prime(_) => CRT_EXPONENT,
            Self::Modulus(_) => PRIVATE_EXPONENT,
        }
    }
}

/// By the size of the numbers.
fn sizes(keys: &[(&Key, &[u8])]) -> Vec<Size> {
    let mut tellers: BTreeMap<u32, Vec<(usize, Teller)>> = BTreeMap::new();
    for (index, (key, n)) in keys.iter().enumerate() {
        let primes = key.material.iter().flat_map(|material| &material.numbers);
        for prime in primes.filter(|number| number.component == PRIME) {
            let remainders = Remainders::new(&limbs_of(&prime.bytes));
            if let Some(remainders) = remainders.filter(|of| of.bits() >= SHORT) {
                let of_size = tellers.entry(remainders.bits()).or_default();
                of_size.push((index, Teller::Prime(remainders)));
            }
        }
        if let Some(exponents) = Exponents::new(&limbs_of(n), None) {
            let of_size = tellers.entry(bit_length(n)).or_default();
            of_size.push((index, Teller::Modulus(Box::new(exponents))));
        }
    }
    let sizes = tellers.into_iter().map(|(bits, tellers)| Size {
        sought: Sought::new(bits, Shape::Exponent),
        tellers,
    });
    sizes.collect()
}

/// A number that tells the public exponent of a key.
struct Hit {
    key: usize,
    e: Zeroizing<Vec<u64>>,
    place: Place,
}

/// What was seen in a block.
#[derive(Default)]
struct Seen {
    hits: Vec<Hit>,
    is_cut: bool,
}

fn look(block: &Block<'_>, sizes: &[Size], is_told: &[AtomicBool], depth: Depth) -> Seen {
    let mut search = Looks {
        block,
        is_told,
        looks: MAX_LOOKS,
        seen: Seen::default(),
    };
    let is_open = |size: &&Size| size.tellers.iter().any(|(key, _)| !search.is_done(*key));
    let open: Vec<&Size> = sizes.iter().filter(is_open).collect();
    let Some(least) = open.iter().map(|size| size.sought.bits()).min() else {
        return search.seen;
    };
    let limbs = open.iter().map(|size| size.sought.limbs()).max();
    let mut number = buffer(limbs.unwrap_or(0));
    for (minimum, is_long) in [(SHORT, false), (LONG, true)] {
        let of_run = |size: &&&Size| (size.sought.bits() >= LONG) == is_long;
        if !open.iter().any(|size| of_run(&size)) {
            continue;
        }
        each_run(block, &Class::ALL, minimum, |class, run| {
            if run.len() > LONG_RUN && !depth.is_deep {
                return;
            }
            for size in open.iter().filter(of_run) {
                let number = number.get_mut(..size.sought.limbs()).unwrap_or_default();
                size.sought
                    .each(block, (class, &run), &block.own, |index, at, _| {
                        if let Some(form) = size.sought.forms().get(index) {
                            search.window(size, form, at, number);
                        }
                    });
            }
        });
    }
    let bits: Vec<u32> = open.iter().map(|size| size.sought.bits()).collect();
    let known = Sizes {
        least: least.saturating_sub(SHORTER).max(FEWEST),
        known: &bits,
        is_any: false,
    };
    each_written(block, &known, |written, range| {
        let bits = bits_of(&written.limbs);
        for size in &open {
            let most = size.sought.bits();
            if (most.saturating_sub(SHORTER)..=most).contains(&bits) {
                let number = padded(&written.limbs, most);
                let form = [written.form, written.encoding];
                for (key, teller) in &size.tellers {
                    if teller.may_be(&number) {
                        search.number(*key, teller, &number, (form, range.clone()));
                    }
                }
            }
        }
    });
    search.seen
}

/// One block that is looked at.
struct Looks<'b> {
    block: &'b Block<'b>,
    is_told: &'b [AtomicBool],
    /// Looks at a window that are left.
    looks: u32,
    seen: Seen,
}

impl Looks<'_> {
    /// The key's exponent was told in an earlier wave of blocks.
    fn is_done(&self, key: usize) -> bool {
        let is_told = self.is_told.get(key);
        is_told.is_some_and(|is_told| is_told.load(Ordering::Relaxed))
    }

    fn window(&mut self, size: &Size, form: &Form, at: usize, number: &mut [u64]) {
        let bytes = self.block.bytes;
        if !size.sought.load_leading(form, bytes, at, (number, LEADING)) {
            return;
        }
        for (key, teller) in &size.tellers {
            let Some(left) = self.looks.checked_sub(1) else {
                self.seen.is_cut = true;
                return;
            };
            self.looks = left;
            if teller.may_be(number) && size.sought.load(form, bytes, at, number) {
                self.number(*key, teller, number, (raw(form), at..at + form.length));
            }
        }
    }

    fn number(
        &mut self,
        key: usize,
        teller: &Teller,
        number: &[u64],
        (form, range): ([&'static str; 2], Range<usize>),
    ) {
        if self.seen.hits.len() == MAX_HITS {
            return;
        }
        self.seen.hits.extend(teller.exponent(number).map(|e| Hit {
            key,
            e,
            place: Place {
                form,
                component: teller.component(),
                range,
            },
        }));
    }
}

/// What the sweep came to for one key.
#[derive(Default)]
struct Told {
    e: Option<Zeroizing<Vec<u64>>>,
    places: Vec<(Vec<Piece>, Place)>,
}

impl Told {
    /// The places that told the exponent, under the key's own name.
    fn sightings(self, key: &Key, n: &[u8]) -> Option<Vec<Swept>> {
        let public = PublicKey::rsa(n, &bytes_of(&self.e?))?;
        let key = key.clone().renamed(Arc::new(Identity::new(public)));
        let places = self.places.into_iter().map(|(pieces, place)| {
            let [form, encoding] = place.form;
            let evidence = key
                .clone()
                .part_at(form, place.component, encoding, place.range);
            Swept {
                sighting: Sighting::Key(evidence),
                pieces,
            }
        });
        Some(places.collect())
    }
}

/// Keys whose exponents are looked for.
const MAX_KEYS: usize = 16;

/// The highest limbs of a number that a first look at it needs.
const LEADING: usize = 9;

/// Hits of one block.
const MAX_HITS: usize = 64;

/// Looks at a window in one block: what random bytes need for 16 keys.
const MAX_LOOKS: u32 = 1 << 25;
