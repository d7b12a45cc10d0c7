//! The search for the scalars of known points on the curves of [`Curve`].

use super::comb::{BATCH, Comb};
use super::field::{Limbs, is_zero};
use super::on_curve;
use super::weierstrass::{Adder, P256, P384, P521, Point, Secp256k1, Weierstrass};
use crate::crypto::Curve;
use std::marker::PhantomData;
use zeroize::Zeroizing;

/// How a candidate holds a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The scalar itself.
    Plain,
    /// The scalar times R = 2^(64 · limbs), modulo the order.
    Montgomery,
}

/// Known public points of one curve, and the search for the scalar of one of them.
pub struct Points(AnyCurve);

enum AnyCurve {
    P256(Targets<P256, 4>),
    P384(Targets<P384, 6>),
    P521(Targets<P521, 9>),
    Secp256k1(Targets<Secp256k1, 4>),
}

impl Points {
    /// The points given by their uncompressed encodings (`04 X Y`). What is no point of the curve is never
    /// found, and keeps its index. `None` if there is none at all.
    pub fn new(curve: Curve, points: &[&[u8]]) -> Option<Self> {
        Some(Self(match curve {
            Curve::P256 => AnyCurve::P256(Targets::new(curve, points)?),
            Curve::P384 => AnyCurve::P384(Targets::new(curve, points)?),
            Curve::P521 => AnyCurve::P521(Targets::new(curve, points)?),
            Curve::Secp256k1 => AnyCurve::Secp256k1(Targets::new(curve, points)?),
        }))
    }

    /// Limbs of 64 bits a scalar has: 4, 6 or 9.
    pub const fn limbs(&self) -> usize {
        match &self.0 {
            AnyCurve::P256(_) | AnyCurve::Secp256k1(_) => 4,
            AnyCurve::P384(_) => 6,
            AnyCurve::P521(_) => 9,
        }
    }

    /// Tests candidates, each of [`limbs`](Self::limbs) little-endian limbs, one after the other; a rest of fewer
    /// limbs is left out. Any value may stand there: zero and what is not below the order is nobody's scalar.
    ///
    /// Calls `found` with the index of the candidate and that of the point for each pair that belongs together;
    /// each is confirmed by the curve crate's own multiplication. The order of the calls is that of the
    /// candidates, then of the points.
    pub fn search(&self, candidates: &[u64], mut found: impl FnMut(usize, usize)) {
        self.search_any(candidates, Forms::Plain, &mut |candidate, point, _| {
            found(candidate, point);
        });
    }

    /// Tests each candidate as a scalar and as the Montgomery form of one, at the price of one test: s·R·G = R·Q is looked
    /// up beside Q. Otherwise as [`search`](Self::search).
    pub fn search_forms(&self, candidates: &[u64], mut found: impl FnMut(usize, usize, Form)) {
        self.search_any(candidates, Forms::Both, &mut found);
    }

    fn search_any(&self, candidates: &[u64], forms: Forms, found: &mut Found<'_>) {
        match &self.0 {
            AnyCurve::P256(targets) => targets.search(candidates, forms, found),
            AnyCurve::P384(targets) => targets.search(candidates, forms, found),
            AnyCurve::P521(targets) => targets.search(candidates, forms, found),
            AnyCurve::Secp256k1(targets) => targets.search(candidates, forms, found),
        }
    }

    /// The scalar s whose Montgomery form s·R mod order the limbs are, R = 2^(64 · limbs), as ring keeps it.
    /// `None` unless there are as many limbs as a scalar has and they are below the order.
    pub fn from_montgomery(&self, limbs: &[u64]) -> Option<Zeroizing<Vec<u64>>> {
        match &self.0 {
            AnyCurve::P256(_) => leave::<P256, 4>(limbs),
            AnyCurve::P384(_) => leave::<P384, 6>(limbs),
            AnyCurve::P521(_) => leave::<P521, 9>(limbs),
            AnyCurve::Secp256k1(_) => leave::<Secp256k1, 4>(limbs),
        }
    }
}

/// Which forms of a scalar to look for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Forms {
    Plain,
    Both,
}

type Found<'f> = dyn FnMut(usize, usize, Form) + 'f;

/// The points of one curve, sorted to be looked up.
struct Targets<C, const L: usize> {
    name: Curve,
    targets: Vec<Target<L>>,
    encodings: Vec<Box<[u8]>>,
    curve: PhantomData<C>,
}

struct Target<const L: usize> {
    /// Q or R·Q.
    point: Point<L>,
    index: usize,
    form: Form,
}

impl<C: Weierstrass<L>, const L: usize> Targets<C, L> {
    fn new(name: Curve, encodings: &[&[u8]]) -> Option<Self> {
        let (indexes, mut points): (Vec<usize>, Vec<Point<L>>) = encodings
            .iter()
            .enumerate()
            .filter_map(|(index, encoding)| {
                let [4, xy @ ..] = encoding else { return None };
                Some((index, on_curve::read::<C, L>(name, xy)?))
            })
            .unzip();
        if points.is_empty() {
            return None;
        }
        let plain = points.clone();
        let mut adder = Adder::new(points.len());
        for _ in 0..64 * L {
            let same = points.clone();
            adder.add::<C>(&mut points, |index| {
                same.get(index).copied().unwrap_or(Point::INFINITY)
            });
        }
        let mut targets: Vec<Target<L>> = [(Form::Plain, plain), (Form::Montgomery, points)]
            .into_iter()
            .flat_map(|(form, points)| {
                indexes
                    .iter()
                    .zip(points)
                    .map(move |(&index, point)| Target { point, index, form })
            })
            .collect();
        targets.sort_by_key(|target| (key(&target.point), target.index));
        Some(Self {
            name,
            targets,
            encodings: encodings.iter().map(|&encoding| encoding.into()).collect(),
            curve: PhantomData,
        })
    }

    fn search(&self, candidates: &[u64], forms: Forms, found: &mut Found<'_>) {
        let (candidates, _) = candidates.as_chunks::<L>();
        let batch = candidates.len().min(BATCH);
        let mut comb = Comb::<C, L>::new(batch);
        let mut scalars = Zeroizing::new(Vec::with_capacity(batch));
        let mut indexes = Vec::with_capacity(batch);
        let mut rest = candidates.iter().enumerate();
        loop {
            scalars.clear();
            indexes.clear();
            for (index, scalar) in rest.by_ref() {
                if C::ORDER.is_reduced(scalar) && !is_zero(scalar) {
                    scalars.push(*scalar);
                    indexes.push(index);
                    if scalars.len() == batch {
                        break;
                    }
                }
            }
            if scalars.is_empty() {
                return;
            }
            let points = comb.multiply(&scalars);
            for ((point, scalar), &index) in points.iter().zip(scalars.iter()).zip(&indexes) {
                for target in self.with_key(key(point)) {
                    if target.point == *point
                        && (forms == Forms::Both || target.form == Form::Plain)
                        && self.confirm(scalar, target)
                    {
                        found(index, target.index, target.form);
                    }
                }
            }
        }
    }

    /// The targets of one key, by their index.
    #[inline(always)]
    fn with_key(&self, sought: u64) -> impl Iterator<Item = &Target<L>> {
        let first = self
            .targets
            .partition_point(|target| key(&target.point) < sought);
        self.targets
            .get(first..)
            .unwrap_or_default()
            .iter()
            .take_while(move |target| key(&target.point) == sought)
    }

    /// Whether the scalar is the target's, by the curve's own crate.
    fn confirm(&self, scalar: &Limbs<L>, target: &Target<L>) -> bool {
        let plain = match target.form {
            Form::Plain => Zeroizing::new(*scalar),
            Form::Montgomery => Zeroizing::new(C::ORDER.leave(scalar)),
        };
        let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(
            plain
                .iter()
                .rev()
                .flat_map(|limb| limb.to_be_bytes())
                .collect(),
        );
        let derived = self.name.derive(&bytes);
        derived.is_some() && derived.as_ref() == self.encodings.get(target.index)
    }
}

/// What targets are sorted by.
#[inline(always)]
fn key<const L: usize>(point: &Point<L>) -> u64 {
    point.x.first().copied().unwrap_or(0)
}

fn leave<C: Weierstrass<L>, const L: usize>(limbs: &[u64]) -> Option<Zeroizing<Vec<u64>>> {
    let limbs: &Limbs<L> = limbs.try_into().ok()?;
    if !C::ORDER.is_reduced(limbs) {
        return None;
    }
    Some(Zeroizing::new(
        Zeroizing::new(C::ORDER.leave(limbs)).to_vec(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha512};

    /// Little-endian limbs of a big-endian number.
    fn limbs(curve: Curve, bytes: &[u8]) -> Vec<u64> {
        let mut limbs: Vec<u64> = bytes
            .rchunks(8)
            .map(|chunk| {
                chunk
                    .iter()
                    .fold(0, |limb, &byte| limb << 8 | u64::from(byte))
            })
            .collect();
        limbs.resize(count(curve), 0);
        limbs
    }

    fn count(curve: Curve) -> usize {
        curve.field_bytes().div_ceil(8)
    }

    fn bytes(limbs: &[u64]) -> Vec<u8> {
        limbs
            .iter()
            .rev()
            .flat_map(|limb| limb.to_be_bytes())
            .collect()
    }

    /// A scalar as good as random, the same in every run; below the order but for one in 2^32 (P-256) or fewer.
    fn scalar(curve: Curve, seed: u64) -> Vec<u64> {
        let mut limbs: Vec<u64> = (0..2u64)
            .flat_map(|half| Sha512::digest([seed, half].map(u64::to_le_bytes).concat()))
            .collect::<Vec<u8>>()
            .as_chunks::<8>()
            .0
            .iter()
            .map(|chunk| u64::from_le_bytes(*chunk))
            .collect();
        limbs.truncate(count(curve));
        if curve == Curve::P521 {
            limbs[8] &= 0xff;
        }
        limbs
    }

    fn order(curve: Curve) -> Vec<u64> {
        match curve {
            Curve::P256 => P256::ORDER.limbs.to_vec(),
            Curve::P384 => P384::ORDER.limbs.to_vec(),
            Curve::P521 => P521::ORDER.limbs.to_vec(),
            Curve::Secp256k1 => Secp256k1::ORDER.limbs.to_vec(),
        }
    }

    /// `limbs` plus a small number.
    fn plus(limbs: &[u64], add: i64) -> Vec<u64> {
        let mut carry = i128::from(add);
        limbs
            .iter()
            .map(|&limb| {
                let sum = i128::from(limb) + carry;
                carry = sum >> 64;
                sum as u64
            })
            .collect()
    }

    fn points(curve: Curve, scalars: &[Vec<u64>]) -> Points {
        let encodings: Vec<_> = scalars
            .iter()
            .map(|scalar| curve.derive(&bytes(scalar)).unwrap())
            .collect();
        let encodings: Vec<&[u8]> = encodings.iter().map(|encoding| &**encoding).collect();
        Points::new(curve, &encodings).unwrap()
    }

    fn search(points: &Points, candidates: &[Vec<u64>]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        points.search(&candidates.concat(), |candidate, point| {
            all.push((candidate, point))
        });
        all
    }

    #[test]
    fn every_scalar_of_a_batch_is_found_whatever_its_length() {
        for curve in Curve::ALL {
            let lengths: &[usize] = match curve {
                Curve::P256 => &[0, 1, 2, 3, 5, 17, 35, 36, 100, 513, 1023, 1024, 1025, 2050],
                _ => &[1, 2, 30, 340, 1025],
            };
            for &length in lengths {
                let candidates: Vec<_> =
                    (0..length as u64).map(|seed| scalar(curve, seed)).collect();
                let places: Vec<usize> = [0, length / 3, length.saturating_sub(1)]
                    .into_iter()
                    .filter(|&place| place < length)
                    .collect();
                let mut scalars: Vec<_> = places
                    .iter()
                    .map(|&place| candidates[place].clone())
                    .collect();
                scalars.push(scalar(curve, 1 << 40)); // none of them
                let mut expected: Vec<_> = places
                    .iter()
                    .enumerate()
                    .map(|(point, &place)| (place, point))
                    .collect();
                expected.sort_unstable();
                let found = search(&points(curve, &scalars), &candidates);
                assert_eq!(found, expected, "{} {length}", curve.name());
            }
        }
    }
}
