//! Moduli of one size, which are looked for together.

use super::look::{LONG, SHORT};
use super::ratios::Ratios;
use crate::bytes::bit_length;
use crate::clue::Rank;
use crate::crypto::PublicKey;
use crate::crypto::rsa_search::{ExponentPairs, Exponents, Moduli};
use crate::sweep::codec::limbs_of;
use crate::sweep::windows::{Shape, Sought, bit_length as bits_of};
use crate::sweep::{Depth, Target};
use std::collections::{BTreeMap, BTreeSet};

/// Moduli of one size: that of their primes.
pub struct Group {
    /// Bits of a prime.
    half: u32,
    /// In the order of their rank.
    pub members: Vec<Member>,
    /// The same, for the exact test of factors.
    pub divisible: Moduli,
    /// Primes of half the size.
    pub primes: Sought,
    /// Primes of other shapes.
    pub others: Vec<Sought>,
    /// Private exponents; `None` when nobody's are looked for.
    pub whole: Option<Sought>,
    /// Those whose highest byte is zero and left out, where they are looked for.
    pub shorter: Option<Sought>,
    /// The highest limbs of a private exponent that a first look at it needs.
    pub leading: usize,
    /// CRT exponents.
    pub halves: Option<Sought>,
    /// The first look at a pair of them.
    pub ratios: Ratios,
    /// Exponents are looked for everywhere.
    pub is_thorough: bool,
}

/// One modulus.
pub struct Member {
    /// Which target it is.
    pub target: usize,
    /// The modulus.
    pub n: Vec<u64>,
    /// The look for its private exponent, if that is wanted.
    pub exponents: Option<Exponents>,
    /// Its private exponent is looked for whatever the public one is.
    pub is_any: bool,
    /// It is looked for with all means.
    is_thorough: bool,
    /// The look for its CRT exponents, if that is wanted.
    pub pairs: Option<ExponentPairs>,
    /// Its public exponent, if that is known.
    pub e: Option<Vec<u64>>,
}

impl Member {
    /// Nothing told its public exponent, and its private ones are looked for.
    pub fn is_bare(&self) -> bool {
        self.e.is_none() && self.exponents.is_some()
    }
}

impl Group {
    /// Bits of the larger moduli.
    pub fn bits(&self) -> u32 {
        2 * self.half
    }

    /// Bits of a prime.
    pub fn half(&self) -> u32 {
        self.half
    }

    /// How many moduli.
    pub fn moduli(&self) -> usize {
        self.members.len()
    }

    /// For how many of them private exponents are looked for.
    pub fn exponents(&self) -> usize {
        self.members
            .iter()
            .filter(|member| member.exponents.is_some())
            .count()
    }

    /// For how many of them CRT exponents are looked for.
    pub fn pairs(&self) -> usize {
        self.members
            .iter()
            .filter(|member| member.pairs.is_some())
            .count()
    }

    /// Limbs of the larger moduli.
    pub fn limbs(&self) -> usize {
        self.bits().div_ceil(64) as usize
    }

    /// The primes of other shapes that have [`LONG`] bits and more, or fewer.
    pub fn others_of(&self, is_long: bool) -> impl Iterator<Item = &Sought> {
        let others = self.others.iter();
        others.filter(move |other| (other.bits() >= LONG) == is_long)
    }

    /// Whether numbers of [`LONG`] bits and more are looked for, or numbers of fewer.
    pub fn has_numbers(&self, is_long: bool) -> bool {
        (self.half >= LONG) == is_long || self.others_of(is_long).next().is_some()
    }

    fn new(half: u32, members: Vec<Member>, depth: Depth) -> Option<Self> {
        let numbers: Vec<&[u64]> = members.iter().map(|member| &*member.n).collect();
        let divisible = Moduli::new(&numbers)?;
        let bits = 2 * half;
        let is_thorough = members.iter().any(|member| member.is_thorough);
        let sizes = members.iter().map(|member| bits_of(&member.n));
        let others = others(half, sizes, (depth.is_deep, is_thorough));
        let mut ratios = Ratios::default();
        for (index, member) in members.iter().enumerate() {
            if member.pairs.is_some() {
                let limbs = half.div_ceil(64) as usize;
                ratios.add(index, &member.n, limbs, member.e.as_deref());
            }
        }
        let exponents = members
            .iter()
            .filter_map(|member| member.exponents.as_ref());
        let leading = exponents.map(Exponents::looked).max().unwrap_or(0);
        let wanted = |is: fn(&Member) -> bool| members.iter().any(is);
        let whole = wanted(|member| member.exponents.is_some());
        let halves = wanted(|member| member.pairs.is_some());
        let is_often_shorter = (bits - 1) % 8 < OFTEN;
        let shorter = whole && (is_thorough || is_often_shorter);
        Some(Self {
            half,
            is_thorough,
            divisible,
            primes: Sought::new(half, Shape::Prime),
            others,
            whole: whole.then(|| Sought::new(bits, Shape::Exponent)),
            shorter: shorter.then(|| Sought::shorter(bits)),
            leading,
            halves: halves.then(|| Sought::new(half, Shape::Exponent)),
            ratios,
            members,
        })
    }
}

/// Primes of other sizes than half of the moduli's: of those of `sizes` bits, an odd number of which one prime has a bit less;
/// by other numbers of primes of one size, as far as the sizes allow; and two of unequal size.
fn others(
    half: u32,
    sizes: impl Iterator<Item = u32>,
    (is_deep, is_thorough): (bool, bool),
) -> Vec<Sought> {
    let parts: &[u32] = match (is_deep, is_thorough) {
        (true, _) => &[3, 4, 5],
        (false, true) => &[3],
        (false, false) => &[],
    };
    let mut primes = BTreeSet::new();
    for bits in sizes {
        if !bits.is_multiple_of(2) {
            primes.insert(half - 1);
        }
        for part in parts {
            primes.extend([bits / part, bits.div_ceil(*part)]);
        }
    }
    let primes = primes.into_iter().filter(|bits| *bits >= SHORT);
    let mut others: Vec<Sought> = primes.map(|bits| Sought::new(bits, Shape::Prime)).collect();
    if !parts.is_empty() && half >= SHORT + UNEQUAL {
        // In limbs a number of fewer of them ends sooner.
        let mut most = half + UNEQUAL;
        while most >= half - UNEQUAL {
            let border = if most > half {
                half
            } else {
                half - UNEQUAL - 1
            };
            let least = ((most - 1) / 64 * 64).max(border);
            others.push(Sought::new(most, Shape::Above(least)));
            most = least - u32::from(least == half);
        }
    }
    others
}

/// The RSA keys among `targets` by their sizes; and whether all of them are there.
pub fn groups(targets: &[Target], depth: Depth) -> (Vec<Group>, bool) {
    let mut order: Vec<(Rank, usize)> = targets
        .iter()
        .enumerate()
        .map(|(index, target)| (target.rank, index))
        .collect();
    order.sort_unstable();
    let mut is_whole = true;
    let mut sizes: BTreeMap<u32, Vec<Member>> = BTreeMap::new();
    let (mut count, mut bare) = (0, 0);
    for (_, index) in order {
        let Some(target) = targets.get(index) else {
            continue;
        };
        let PublicKey::Rsa { n, e } = target.identity.key() else {
            continue;
        };
        let half = bit_length(n).div_ceil(2);
        let has_room = sizes.contains_key(&half) || sizes.len() < MAX_SIZES;
        if count == MAX_MODULI || !has_room {
            is_whole = false;
            continue;
        }
        if n.last().is_none_or(|low| low & 1 == 0) {
            continue;
        }
        count += 1;
        let n = limbs_of(n).to_vec();
        let e = limbs_of(e);
        let e = (!target.e_assumed).then_some(&e[..]);
        bare += usize::from(target.e_assumed);
        let is_likely = target.rank != Rank::Authority && (!target.e_assumed || bare <= MAX_BARE);
        let is_wanted = depth.is_deep || is_likely;
        let is_thorough = depth.is_deep || target.rank == Rank::User;
        sizes.entry(half).or_default().push(Member {
            target: index,
            exponents: is_wanted.then(|| Exponents::new(&n, e)).flatten(),
            is_any: is_thorough || (target.e_assumed && bare <= MAX_ANY),
            is_thorough,
            pairs: is_wanted.then(|| ExponentPairs::new(&n, e)).flatten(),
            e: e.map(<[u64]>::to_vec),
            n,
        });
    }
    let count = sizes.len();
    let groups: Vec<Group> = sizes
        .into_iter()
        .filter(|(half, _)| *half >= SHORT)
        .filter_map(|(half, members)| Group::new(half, members, depth))
        .collect();
    is_whole &= groups.len() == count;
    (groups, is_whole)
}

/// The most moduli.
const MAX_MODULI: usize = 2048;

/// Bare numbers taken for moduli whose exponents are looked for, those that objects point to first: most are none, and
/// the factors of all of them are looked for.
const MAX_BARE: usize = 12;

/// Of these the ones whose exponents are looked for whatever the public one is; of the others those of the usual ones,
/// which costs a tenth.
const MAX_ANY: usize = 3;

/// Private exponents whose highest byte is zero are looked for where moduli have no more bits than this and one in theirs:
/// of others one in a hundred has it.
const OFTEN: u32 = 3;

/// The most sizes: each costs a pass over what looks random.
const MAX_SIZES: usize = 16;

/// By how many bits a prime may be longer or shorter than half the modulus.
pub const UNEQUAL: u32 = 64;
