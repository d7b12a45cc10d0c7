//! Points of curves that no format announces. Each is checked to lie on its curve, so none is false.
//!
//! | a point lies as | looked for |
//! |---|---|
//! | `04`, X, Y big-endian | at the start or end of bytes that look random, anywhere in them if they are no more than twice its size; outside of modules |
//! | x, y (, z) one after the other in limbs | where just these look random, outside of modules |
//! | X, Y big-endian; x and y in limbs, in BoringSSL's fields | where random-looking words begin, outside of modules |
//! | x and y in fields with room for more limbs | the next two numbers of just the size, within [`FIELDS_NEAR`] bytes, outside of modules |
//! | x and y in objects of their own, limbs or Java's words | objects, or numbers, of which at most seven lie between, within [`NEAR`] bytes; all pairs of [`FEW`] |
//!
//! Coordinates in limbs are tried plain and in Montgomery form for R = 2^(64·limbs), as OpenSSL, Go and others keep them.

use super::Swept;
use super::codec::{Codec, entry};
use super::runs::EDGE;
use super::space::Block;
use crate::bytes::{array, slice};
use crate::clue::{Clue, Rank};
use crate::crypto::ec_search::{Sides, is_montgomery_point, is_on_curve, point_from_any};
use crate::crypto::{Curve, Fingerprint, Identity, PublicKey};
use crate::detect::Sighting;
use crate::finding::Piece;
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// A point on its curve.
pub struct Point {
    curve: Curve,
    /// SEC 1 uncompressed encoding.
    encoded: Box<[u8]>,
    /// How it is written.
    form: &'static str,
    rank: Rank,
}

/// A number of the size of a coordinate in a place of its own.
pub struct Coordinate {
    /// Address of the number, and of what points to it.
    addresses: [u64; 2],
    limbs: [u64; 9],
    /// Limbs of 64 bits.
    size: usize,
    /// Where it lies in the file.
    pub pieces: Vec<Piece>,
    codec: &'static Codec,
}

/// Finds the points in `run`, a range of `block` that looks random.
pub fn each_point(
    block: &Block<'_>,
    run: &Range<usize>,
    mut found: impl FnMut(Point, Range<usize>),
) {
    if block.is_module || run.len() > MAX_RUN {
        return;
    }
    for (curve, size) in SIZES {
        let length = 1 + 2 * size;
        let near = |at: usize| at.saturating_sub(EDGE)..at + EDGE;
        let first = near(run.start);
        let last = near((run.end + 1).saturating_sub(length));
        // Of a short run all places are near one of the two.
        let first = if run.len() <= 2 * length {
            first.start..last.end.max(first.start)
        } else {
            first
        };
        let last = last.start.max(first.end)..last.end;
        for start in first.chain(last) {
            let Some([4, coordinates @ ..]) = slice(block.bytes, start, length) else {
                continue;
            };
            if block.own.contains(&start) && is_on_curve(curve, coordinates) {
                let point = Point {
                    curve,
                    encoded: [&[4], coordinates].concat().into(),
                    form: "raw.point",
                    rank: Rank::Own,
                };
                found(point, start..start + length);
            }
        }
    }
    let tight = tight(block, run);
    if block.own.contains(&tight.start) {
        of_start(block, &tight, &mut found);
    }
    for (curve, limbs) in LIMBS {
        let size = 8 * limbs;
        // The highest limb of 521 bits is a small number.
        let length = tight.len() + if curve == Curve::P521 { 8 } else { 0 };
        let is_point = length == 2 * size || length == 3 * size;
        if !is_point || !block.own.contains(&tight.start) {
            continue;
        }
        let number = |index: usize| {
            let start = tight.start + index * size;
            read(block, &(start..start + size))
        };
        if let (Some(x), Some(y)) = (number(0), number(1))
            && let Some(point) = of_limbs(curve, limbs, [&x, &y])
        {
            found(point, tight.start..tight.start + 2 * size);
        }
    }
}

/// Finds the points that begin where `tight` does, whatever follows them: X, Y big-endian, and x and y in limbs in Montgomery form in
/// BoringSSL's fields, which have room for nine limbs whatever the curve (`EC_FELEM`).
fn of_start(block: &Block<'_>, tight: &Range<usize>, found: &mut impl FnMut(Point, Range<usize>)) {
    for (curve, limbs) in LIMBS {
        let (start, size) = (tight.start, 8 * limbs);
        if curve == Curve::P521 || tight.len() < 2 * size {
            continue;
        }
        if let Some(coordinates) = slice(block.bytes, start, 2 * size)
            && is_on_curve(curve, coordinates)
        {
            let point = Point {
                curve,
                encoded: [&[4], coordinates].concat().into(),
                form: "raw.point",
                rank: Rank::Own,
            };
            found(point, start..start + 2 * size);
        }
        let field = |at: usize| read(block, &(at..at + size));
        if let (Some(x), Some(y)) = (field(start), field(start + FELEM))
            && let (Some(one), Some(other)) = (x.get(..limbs), y.get(..limbs))
            && is_montgomery_point(curve, one, other)
            && let Some(point) = of_limbs(curve, limbs, [&x, &y])
        {
            found(point, start..start + FELEM + size);
        }
    }
}

/// Numbers of just the size of a coordinate, of which two that follow each other in one structure may be x and y.
#[derive(Default)]
pub struct Fields {
    last: Vec<Field>,
}

struct Field {
    range: Range<usize>,
    /// What the number says for each of [`LIMBS`].
    sides: [Option<Sides>; LIMBS.len()],
}

impl Fields {
    /// Takes the next run that looks random, and finds the points of which it holds y, or x in case of a structure that
    /// turns them round.
    pub fn take(
        &mut self,
        block: &Block<'_>,
        run: &Range<usize>,
        mut found: impl FnMut(Point, [Range<usize>; 2]),
    ) {
        if block.is_module || run.len() > MAX_RUN {
            return;
        }
        let whole = tight(block, run);
        if matches!(whole.len(), 32 | 48) {
            self.take_one(block, whole, &mut found);
            return;
        }
        // Between numbers of one run stand words that look like none.
        let mut start = whole.start;
        for at in whole.clone().step_by(8).chain([whole.end]) {
            if at == whole.end || is_flat(block, at) {
                if matches!(at.saturating_sub(start), 32 | 48) {
                    self.take_one(block, start..at, &mut found);
                }
                start = at + 8;
            }
        }
    }

    fn take_one(
        &mut self,
        block: &Block<'_>,
        next: Range<usize>,
        found: &mut impl FnMut(Point, [Range<usize>; 2]),
    ) {
        if self.last.last().is_some_and(|last| last.range == next) {
            return;
        }
        self.last
            .retain(|last| next.start - last.range.start.min(next.start) <= FIELDS_NEAR);
        let excess = (self.last.len() + 1).saturating_sub(FIELDS);
        self.last.drain(..excess);
        let Some(number) = read(block, &next) else {
            return;
        };
        let sides = LIMBS.map(|(curve, limbs)| {
            let number = number.get(..limbs).filter(|_| 8 * limbs == next.len())?;
            Sides::new(curve, number)
        });
        for last in self
            .last
            .iter()
            .filter(|last| block.own.contains(&last.range.start))
        {
            for ((curve, limbs), (one, other)) in
                LIMBS.into_iter().zip(last.sides.iter().zip(&sides))
            {
                if let (Some(one), Some(other)) = (one, other)
                    && one.may_meet(other)
                    && let Some(one) = read(block, &last.range)
                    && let Some(point) = of_limbs(curve, limbs, [&one, &number])
                {
                    found(point, [last.range.clone(), next.clone()]);
                }
            }
        }
        self.last.push(Field { range: next, sides });
    }
}

/// The limbs in a range.
fn read(block: &Block<'_>, range: &Range<usize>) -> Option<[u64; 9]> {
    let mut number = [0; 9];
    let bytes = block.bytes.get(range.clone())?;
    for (limb, word) in number.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*word);
    }
    Some(number)
}

/// The words of the run `run` that have no sixteen equal upper bits before and behind them.
fn tight(block: &Block<'_>, run: &Range<usize>) -> Range<usize> {
    let is_flat = |at: usize| is_flat(block, at);
    let (mut start, _) = block.first_aligned(run.start, 8);
    while start >= 8 && !is_flat(start - 8) && start + EDGE > run.start {
        start -= 8;
    }
    while is_flat(start) && start < run.end {
        start += 8;
    }
    let (mut end, _) = block.first_aligned(run.end.saturating_sub(7), 8);
    while !is_flat(end) && end < run.end + EDGE {
        end += 8;
    }
    while end > start && is_flat(end - 8) {
        end -= 8;
    }
    start..end
}

/// Whether the upper sixteen bits of the word at `at` are equal, as those of addresses and small numbers are.
pub fn is_flat(block: &Block<'_>, at: usize) -> bool {
    array(block.bytes, at)
        .is_none_or(|word| (u64::from_le_bytes(word) >> 48).wrapping_add(1) & 0xffff < 2)
}

/// The point of `curve` of which these are the coordinates, whichever is x, plain or in Montgomery form.
fn of_limbs(curve: Curve, size: usize, [one, other]: [&[u64; 9]; 2]) -> Option<Point> {
    let (encoded, is_montgomery) = point_from_any(curve, one.get(..size)?, other.get(..size)?)?;
    Some(Point {
        curve,
        encoded,
        form: if is_montgomery {
            "raw.limbs-montgomery"
        } else {
            "raw.limbs-le"
        },
        rank: Rank::Own,
    })
}

impl Coordinate {
    /// The number in `bytes`, whose address and that of what points to it are `addresses`; its place is not yet set.
    pub fn read(bytes: &[u8], codec: &'static Codec, addresses: [u64; 2]) -> Option<Self> {
        let mut limbs = [0; 9];
        codec.decode(bytes, &mut limbs)?;
        Some(Self {
            addresses,
            limbs,
            size: bytes.len().div_ceil(8),
            pieces: Vec::new(),
            codec,
        })
    }
}

/// The points of which two of `coordinates` are x and y.
pub fn pairs(coordinates: &[Coordinate]) -> Vec<(Point, Vec<Piece>)> {
    let mut tried: Vec<[usize; 2]> = Vec::new();
    for by in [0, 1] {
        let address = |index: usize| coordinates.get(index).and_then(|one| one.addresses.get(by));
        let mut order: Vec<usize> = (0..coordinates.len()).collect();
        order.sort_by_key(|&index| address(index));
        for (place, &one) in order.iter().enumerate() {
            let is_few = order.len() <= FEW;
            let next = order.iter().skip(place + 1);
            let next = next.take(if is_few { FEW } else { BETWEEN });
            let near = next.filter(|&&other| match (address(one), address(other)) {
                (Some(one), Some(other)) => is_few || other - one <= NEAR,
                _ => false,
            });
            tried.extend(near.map(|&other| [one.min(other), one.max(other)]));
        }
    }
    tried.sort_unstable();
    tried.dedup();
    let point = |&[one, other]: &[usize; 2]| {
        let (one, other) = (coordinates.get(one)?, coordinates.get(other)?);
        (one.size == other.size && one.codec == other.codec).then_some(())?;
        let curves = LIMBS.into_iter().filter(|(_, size)| *size == one.size);
        let mut found = curves.filter_map(|(curve, size)| {
            let point = of_limbs(curve, size, [&one.limbs, &other.limbs])?;
            let form = if point.form == CODEC.name {
                one.codec.name
            } else {
                point.form
            };
            let point = Point {
                form,
                rank: Rank::Pointed,
                ..point
            };
            Some((point, [&one.pieces[..], &other.pieces].concat()))
        });
        found.next()
    };
    tried.par_iter().filter_map(point).collect()
}

/// Points seen in a dump, each once, with a few places.
#[derive(Default)]
pub struct Points {
    places: HashMap<Fingerprint, usize>,
    /// Whether points were left out.
    pub is_limited: bool,
}

impl Points {
    /// The point as a public key at a place; `None` for a curve's generator, which is in every process, and where
    /// enough was seen.
    pub fn take(&mut self, point: Point, pieces: impl FnOnce() -> Vec<Piece>) -> Option<Swept> {
        if Self::is_generator(&point) {
            return None;
        }
        let identity = Identity::new(PublicKey::Ec {
            curve: point.curve,
            point: point.encoded,
        });
        let is_room = self.places.len() < MAX_POINTS;
        let name = identity.fingerprint();
        if !is_room && !self.places.contains_key(&name) {
            self.is_limited = true;
            return None;
        }
        let places = self.places.entry(name).or_default();
        *places += 1;
        (*places <= PLACES).then(|| Swept {
            sighting: Sighting::Public(Clue {
                identity: Arc::new(identity),
                form: point.form,
                range: 0..0,
                rank: point.rank,
                e_assumed: false,
            }),
            pieces: pieces(),
        })
    }

    /// How many points were seen.
    pub fn count(&self) -> usize {
        self.places.len()
    }

    fn is_generator(point: &Point) -> bool {
        GENERATORS.contains(&point.encoded)
    }
}

/// The generator of each curve.
static GENERATORS: LazyLock<Vec<Box<[u8]>>> = LazyLock::new(|| {
    let curves = Curve::ALL.into_iter();
    curves.filter_map(|curve| curve.derive(&[1])).collect()
});

/// The curves, and bytes of a coordinate of each.
const SIZES: [(Curve, usize); 4] = [
    (Curve::P256, 32),
    (Curve::Secp256k1, 32),
    (Curve::P384, 48),
    (Curve::P521, 66),
];

/// The curves, and limbs of a coordinate of each.
const LIMBS: [(Curve, usize); 4] = [
    (Curve::P256, 4),
    (Curve::Secp256k1, 4),
    (Curve::P384, 6),
    (Curve::P521, 9),
];

const CODEC: &Codec = entry("raw.limbs-le");

/// Bytes of the longest run in which points are looked for: a table of multiples is longer.
const MAX_RUN: usize = 320;

/// Bytes between the addresses of two coordinates at most.
const NEAR: u64 = 1024;

/// Coordinates behind each in order of addresses that are tried with it.
const BETWEEN: usize = 8;

/// Bytes of a field element of BoringSSL.
const FELEM: usize = 72;

/// Coordinates of which all pairs are tried: a tenth of a second.
const FEW: usize = 512;

/// Bytes from one coordinate to the other in a structure with room for larger ones, at most, and numbers that are looked
/// back at.
const FIELDS_NEAR: usize = 1152;
const FIELDS: usize = 3;

/// Points kept of a dump, and places of each.
const MAX_POINTS: usize = 512;
const PLACES: usize = 4;
