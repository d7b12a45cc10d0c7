//! Large numbers that something nominated: which of them are moduli, and which divide one another.

use super::codec::{Codec, Digit, Order, bytes_of, limbs_of};
use super::heads::Source;
use super::{Swept, Target};
use crate::clue::{Clue, Rank};
use crate::crypto::material::{Material, Number};
use crate::crypto::rsa::{COMMON_EXPONENT, is_probable_prime};
use crate::crypto::rsa_search::{Factored, Moduli, Rest, complete, has_small_factor};
use crate::crypto::{Identity, PublicKey};
use crate::detect::{Key, Sighting};
use crate::finding::Piece;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A number nominated at a place.
pub struct Large {
    /// Little-endian, without zeros on top.
    pub limbs: Zeroizing<Vec<u64>>,
    /// The name of how it is written.
    pub form: &'static str,
    /// `raw`, or the encoding of a text.
    pub encoding: &'static str,
    /// What nominated it.
    pub source: Source,
}

/// A place of a number: form, encoding and pieces.
type Lies = (&'static str, &'static str, Vec<Piece>);

impl Large {
    /// The number in `bytes`; `None` if it is even, its bits are no multiple of 256, or a small prime divides it.
    pub fn read(bytes: &[u8], codec: &'static Codec, source: Source) -> Option<Self> {
        let bits = codec.digit().bits() as usize * (bytes.len() / codec.digit().bytes());
        let mut limbs = Zeroizing::new(vec![0; bits.div_ceil(64).min(MAX_LIMBS)]);
        match (codec.digit(), codec.order()) {
            // Nearly all, and faster so.
            (Digit::Whole(1), Order::Least) if bytes.len() == 8 * limbs.len() => {
                for (limb, word) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
                    *limb = u64::from_le_bytes(*word);
                }
            }
            (Digit::Whole(1), Order::Most) if bytes.len() == 8 * limbs.len() => {
                for (limb, word) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
                    *limb = u64::from_be_bytes(*word);
                }
            }
            _ => codec.decode(bytes, &mut limbs)?,
        }
        Self::new(limbs, codec.name, "raw", source)
    }

    /// The same for a number that was read.
    pub fn new(
        mut limbs: Zeroizing<Vec<u64>>,
        form: &'static str,
        encoding: &'static str,
        source: Source,
    ) -> Option<Self> {
        let used = limbs.iter().rposition(|limb| *limb != 0)? + 1;
        limbs.truncate(used);
        let is_full = limbs.last()? >> 63 == 1 && used.is_multiple_of(4) && used >= MIN_LIMBS;
        let is_odd = limbs.first()? & 1 == 1;
        (is_full && is_odd && used <= MAX_LIMBS && !has_small_factor(&limbs)).then_some(Self {
            limbs,
            form,
            encoding,
            source,
        })
    }
}

/// Numbers nominated in a dump, each once.
pub struct Pool<'t> {
    known: HashMap<Vec<u64>, (&'t Target, usize)>,
    numbers: Vec<Pooled>,
    index: HashMap<u64, usize>,
    is_full: bool,
    /// Places of known moduli.
    seen: Vec<Swept>,
}

struct Pooled {
    limbs: Zeroizing<Vec<u64>>,
    source: Source,
    places: Vec<Lies>,
}

/// What the numbers of a pool came to.
pub struct Judged {
    /// Public halves and private keys.
    pub sightings: Vec<Swept>,
    /// Moduli that were not known.
    pub moduli: usize,
    /// Known moduli that something points out.
    pub known: usize,
    /// Keys of which a prime was found.
    pub keys: usize,
    /// Numbers looked at.
    pub numbers: usize,
    /// Whether a bound left out numbers that may be primes.
    pub is_complete: bool,
    /// Whether a bound left out moduli.
    pub is_limited: bool,
}

impl<'t> Pool<'t> {
    /// An empty one, beside the public keys known already.
    pub fn new(known: &'t [Target]) -> Self {
        let moduli = known
            .iter()
            .filter_map(|target| match target.identity.key() {
                PublicKey::Rsa { n, .. } => Some((limbs_of(n).to_vec(), (target, 0))),
                _ => None,
            });
        Self {
            known: moduli.collect(),
            numbers: Vec::new(),
            index: HashMap::new(),
            is_full: false,
            seen: Vec::new(),
        }
    }

    /// Takes in a number and its place.
    pub fn take(&mut self, number: Large, pieces: impl FnOnce() -> Vec<Piece>) {
        let Large {
            limbs,
            form,
            encoding,
            source,
        } = number;
        if let Some((target, places)) = self.known.get_mut(&**limbs) {
            *places += 1;
            // Whoever asks for a key is told where its public half lies, however it does.
            let is_told = source <= Source::Array || target.rank == Rank::User;
            if *places <= PLACES && is_told {
                self.seen
                    .push(sighting(known_again(target, form), pieces()));
            }
            return;
        }
        let mut hasher = DefaultHasher::new();
        limbs.hash(&mut hasher);
        let next = self.numbers.len();
        let is_room = next < MAX_NUMBERS;
        let index = match self.index.get(&hasher.finish()) {
            Some(index) => *index,
            None if is_room => {
                self.index.insert(hasher.finish(), next);
                self.numbers.push(Pooled {
                    limbs,
                    source,
                    places: Vec::new(),
                });
                next
            }
            None => {
                self.is_full = true;
                return;
            }
        };
        if let Some(pooled) = self.numbers.get_mut(index) {
            pooled.source = pooled.source.min(source);
            if pooled.places.len() < PLACES {
                pooled.places.push((form, encoding, pieces()));
            }
        }
    }

    /// Tells which numbers are moduli, the best nominated first, and which of all divide one of these or a known
    /// modulus. They were nominated in so many bytes of `memory`, which bounds what is worth while.
    pub fn judge(mut self, memory: u64) -> Judged {
        self.numbers.sort_by_key(|number| number.source);
        let known: usize = self
            .known
            .values()
            .filter(|(_, places)| *places > 0)
            .count();
        let mut sightings = self.seen;
        let composites: Vec<&Pooled> = self
            .numbers
            .iter()
            .filter(|number| number.limbs.len() >= MIN_MODULUS_LIMBS)
            .collect();
        let mut is_limited = self.is_full;
        let bare = composites.iter().map(|number| Modulus {
            limbs: &number.limbs,
            known: None,
        });
        let mut divided: Vec<Modulus<'_>> = bare.collect();
        let mut targets: Vec<_> = self.known.iter().collect();
        targets.sort_by_key(|(limbs, (target, _))| (target.rank, *limbs));
        divided.extend(targets.into_iter().map(|(limbs, (target, _))| Modulus {
            limbs,
            known: Some(target),
        }));
        let (pairs, is_complete) = divisions(&self.numbers, &divided);
        let mut proofs: BTreeMap<usize, Vec<Swept>> = BTreeMap::new();
        // What divides a number is a prime, however large.
        let mut divisors = HashSet::new();
        for (modulus, by) in &pairs {
            let numbers = by.iter().filter_map(|&divisor| self.numbers.get(divisor));
            let proof = proofs.entry(*modulus).or_default();
            let mut factored = None;
            for divisor in numbers {
                divisors.insert(&divisor.limbs[..]);
                let modulus = divided.get(*modulus);
                let found = modulus.and_then(|modulus| modulus.proven_by(divisor, &mut factored));
                proof.extend(found.unwrap_or_default());
            }
        }
        let candidates =
            composites
                .iter()
                .enumerate()
                .map(|(index, number)| match proofs.get(&index) {
                    // A multiple of a prime that is no modulus comes about when a key is used.
                    Some(proof) if proof.is_empty() => Standing::Out,
                    _ if divisors.contains(&number.limbs[..]) => Standing::Out,
                    Some(_) => Standing::Proven,
                    // Each size costs the search for primes a pass of its own.
                    None if !USUAL_LIMBS.contains(&number.limbs.len()) => Standing::Out,
                    None => Standing::Open,
                });
        let standings: Vec<Standing> = candidates.collect();
        let is_modulus = are_moduli(&composites, &standings, memory);
        let mut left = [MAX_POINTED, MAX_EDGES];
        let mut moduli = 0;
        for ((number, standing), is_modulus) in composites.iter().zip(standings).zip(is_modulus) {
            let [pointed, edges] = &mut left;
            let left = if number.source == Source::Edge {
                edges
            } else {
                pointed
            };
            let is_open = standing == Standing::Open && is_modulus;
            if is_open && *left == 0 {
                is_limited = true;
            } else if is_open || standing == Standing::Proven {
                *left = left.saturating_sub(1);
                moduli += 1;
                sightings.extend(number.clues());
            }
        }
        let keys = proofs.values().filter(|proof| !proof.is_empty()).count();
        sightings.extend(proofs.into_values().flatten());
        Judged {
            sightings,
            moduli,
            known,
            keys,
            numbers: self.numbers.len(),
            is_complete: is_complete && !self.is_full,
            is_limited,
        }
    }
}

/// The public key of a bare modulus.
fn identity(limbs: &[u64]) -> Option<Arc<Identity>> {
    let key = PublicKey::rsa(&bytes_of(limbs), &COMMON_EXPONENT)?;
    Some(Arc::new(Identity::new(key)))
}

impl Pooled {
    /// Its places as those of a public key.
    fn clues(&self) -> Vec<Swept> {
        let Some(identity) = identity(&self.limbs) else {
            return Vec::new();
        };
        let rank = match self.source {
            Source::Object | Source::Array => Rank::Pointed,
            Source::Text | Source::Edge => Rank::Own,
        };
        let clue = |form| Clue {
            identity: identity.clone(),
            form,
            range: 0..0,
            rank,
            e_assumed: true,
        };
        let places = self.places.iter();
        places
            .map(|(form, _, pieces)| sighting(clue(form), pieces.clone()))
            .collect()
    }
}

/// A modulus that may be divided.
struct Modulus<'p> {
    limbs: &'p [u64],
    /// The public key it was known of before.
    known: Option<&'p Target>,
}

impl Modulus<'_> {
    /// The key of this modulus at the places of `divisor`, which divides it; `known` are its primes if another divisor
    /// told them, and are kept there for the next.
    fn proven_by(&self, divisor: &Pooled, known: &mut Option<Factored>) -> Option<Vec<Swept>> {
        let is_told = |factored: &Factored| {
            let primes = [&factored.p, &factored.q];
            factored.rest == Rest::Prime && primes.contains(&&divisor.limbs)
        };
        if !known.as_ref().is_some_and(is_told) {
            *known = Some(complete(self.limbs, &divisor.limbs)?);
        }
        let factored = known.as_ref()?;
        let primes = match (factored.rest, self.known) {
            (Rest::Prime, _) => vec![&factored.p, &factored.q],
            (Rest::Composite, Some(_)) => vec![&factored.p],
            // The product of a prime and any other number is no modulus.
            (Rest::Composite, None) => return None,
        };
        let numbers = primes.into_iter().map(|prime| Number {
            component: PRIME,
            bytes: bytes_of(prime),
            bits: 32 * self.limbs.len() as u32,
        });
        let material = Material {
            numbers: numbers.collect(),
        };
        let (public, e_assumed) = match self.known {
            Some(target) => (target.identity.clone(), target.e_assumed),
            None => (identity(self.limbs)?, true),
        };
        let key = Key {
            e_assumed,
            ..Key::proven(public, material)
        };
        let places = divisor.places.iter().map(|(form, encoding, pieces)| Swept {
            sighting: Sighting::Key(key.clone().part_at(form, PRIME, encoding, 0..0)),
            pieces: pieces.clone(),
        });
        Some(places.collect())
    }
}

/// Which of `numbers` divide which of `moduli`, by their indices; and whether all were tried.
fn divisions(numbers: &[Pooled], divided: &[Modulus<'_>]) -> (BTreeMap<usize, Vec<usize>>, bool) {
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, number) in divided.iter().take(MAX_DIVIDED).enumerate() {
        by_length.entry(number.limbs.len()).or_default().push(index);
    }
    let mut pairs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (length, indices) in by_length {
        let limbs: Vec<&[u64]> = indices
            .iter()
            .filter_map(|&index| Some(divided.get(index)?.limbs))
            .collect();
        let Some(moduli) = Moduli::new(&limbs) else {
            continue;
        };
        let found: Vec<(usize, usize)> = numbers
            .par_iter()
            .enumerate()
            .filter(|(_, number)| (length / 4..length).contains(&number.limbs.len()))
            .flat_map_iter(|(divisor, number)| {
                let mut found = Vec::new();
                moduli.divided_by(&number.limbs, |modulus| found.push((modulus, divisor)));
                found
            })
            .collect();
        for (modulus, divisor) in found {
            if let Some(&index) = indices.get(modulus) {
                pairs.entry(index).or_default().push(divisor);
            }
        }
    }
    (pairs, divided.len() <= MAX_DIVIDED)
}

/// What the numbers of a pool tell of one that may be a modulus.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is none.
    Out,
    /// One of them is its prime.
    Proven,
    /// Nothing.
    Open,
}

/// Which of the numbers may be moduli: no primes, as far as something points to them, nothing else tells and a test of each
/// is worth its while, and none of the public primes of RFC 2409, 3526 and 7919, whose 64 highest and lowest bits are
/// set.
fn are_moduli(numbers: &[&Pooled], standings: &[Standing], memory: u64) -> Vec<bool> {
    let most = (MAX_WORK / MIB_OF_WORK * (memory >> 20) as usize).clamp(MIN_WORK, MAX_WORK);
    let mut work = 0;
    let is_tested = numbers.iter().zip(standings).map(|(number, standing)| {
        let is_worth = number.source <= Source::Array
            && *standing == Standing::Open
            && number.limbs.len() <= MAX_TESTED_LIMBS;
        work += usize::from(is_worth) * number.limbs.len().pow(3);
        is_worth && work <= most
    });
    let is_tested: Vec<bool> = is_tested.collect();
    let of = |(number, is_tested): (&&Pooled, bool)| {
        let is_public =
            number.limbs.first() == Some(&u64::MAX) && number.limbs.last() == Some(&u64::MAX);
        let is_prime = is_public || (is_tested && is_probable_prime(&number.limbs));
        !is_prime
    };
    numbers.par_iter().zip(is_tested).map(of).collect()
}

/// A known modulus where something points it out; that of an authority stays what it is, since a process that
/// verifies certificates has objects of them all.
fn known_again(target: &Target, form: &'static str) -> Clue {
    Clue {
        identity: target.identity.clone(),
        form,
        range: 0..0,
        rank: match target.rank {
            Rank::Authority => Rank::Authority,
            _ => Rank::Pointed,
        },
        e_assumed: target.e_assumed,
    }
}

fn sighting(clue: Clue, pieces: Vec<Piece>) -> Swept {
    Swept {
        sighting: Sighting::Public(clue),
        pieces,
    }
}

/// The component's name in reports.
const PRIME: &str = "prime";

/// Limbs of 64 bits of the shortest prime, of the shortest modulus, and of the longest.
const MIN_LIMBS: usize = 8;
const MIN_MODULUS_LIMBS: usize = 16;
const MAX_LIMBS: usize = 128;

/// Limbs of the moduli that are taken for such though nothing divides them: of 1024, 1536, 2048, 3072, 4096, 5120, 6144,
/// 7168 and 8192 bits.
const USUAL_LIMBS: [usize; 9] = [16, 24, 32, 48, 64, 80, 96, 112, 128];

/// Distinct numbers kept: 4 MiB of 2048 bits each.
const MAX_NUMBERS: usize = 16 << 10;

/// Places kept of each number.
pub const PLACES: usize = 4;

/// Limbs of the longest number that is tested for being composite: the test of a longer one takes as long as the search
/// for its primes, and few are primes.
const MAX_TESTED_LIMBS: usize = 32;

/// Work for tests of numbers for being composite, in cubes of limbs: some 20 ms, for 4 numbers of 2048 bits. The search for
/// the primes and exponents of one more costs no more than its test, and few are primes.
const MAX_WORK: usize = 4 * 32 * 32 * 32;

/// The same for the smallest dumps.
const MIN_WORK: usize = MAX_WORK / 2;

/// Memory in MiB from which on all of it is done: the search for a false modulus' primes in less costs less than the test.
const MIB_OF_WORK: usize = 96;

/// Moduli that may be divided: with all numbers a second's work.
const MAX_DIVIDED: usize = 4096;

/// Moduli given to other sweeps, at whose cost each false one is: those that something points out, and others.
const MAX_POINTED: usize = 384;
const MAX_EDGES: usize = 128;
