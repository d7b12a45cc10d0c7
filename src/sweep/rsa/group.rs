//! Moduli of one size, which are looked for together.

use super::look::{LONG, SHORT};
use super::ratios::Ratios;
use crate::bytes::bit_length;
use crate::clue::Rank;
use crate::crypto::PublicKey;
use crate::crypto::rsa_search::{ExponentPairs, Exponents, Moduli};
use crate::sweep::codec::limbs_of;
use crate::sweep::windows::{Shape, Sought};
use crate::sweep::{Depth, Target};
use std::collections::BTreeMap;

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

    /// Numbers of the windows that may be a factor.
    pub fn limbs(&self) -> usize {
        self.bits().div_ceil(64) as usize
    }

    fn new(half: u32, members: Vec<Member>, depth: Depth) -> Option<Self> {
        let numbers: Vec<&[u64]> = members.iter().map(|member| &*member.n).collect();
        let divisible = Moduli::new(&numbers)?;
        let bits = 2 * half;
        let parts: &[u32] = match (
            depth.is_deep,
            members.iter().any(|member| member.is_thorough),
        ) {
            (true, _) => &[3, 4, 5],
            (false, true) => &[3],
            (false, false) => &[],
        };
        let mut others: Vec<Sought> = parts
            .iter()
            .map(|part| bits.div_ceil(*part))
            .filter(|bits| *bits >= if half < LONG { SHORT } else { LONG })
            .map(|bits| Sought::new(bits, Shape::Prime))
            .collect();
        if !parts.is_empty() {
            others.push(Sought::new(half + UNEQUAL, Shape::Above(half)));
        }
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
        Some(Self {
            half,
            is_thorough: wanted(|member| member.is_thorough),
            divisible,
            primes: Sought::new(half, Shape::Prime),
            others,
            whole: whole.then(|| Sought::new(bits, Shape::Exponent)),
            leading,
            halves: halves.then(|| Sought::new(half, Shape::Exponent)),
            ratios,
            members,
        })
    }
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

/// The most sizes: each costs a pass over what looks random.
const MAX_SIZES: usize = 16;

/// By how many bits a prime may be longer than half the modulus.
pub const UNEQUAL: u32 = 64;
