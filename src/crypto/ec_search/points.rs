//! The search for the scalars of known points on the curves of [`Curve`].

use super::comb::{BATCH, Comb};
use super::field::{Limbs, is_zero};
use super::on_curve;
use super::weierstrass::{Adder, P256, P384, P521, Point, Secp256k1, Weierstrass};
use crate::crypto::Curve;
use std::marker::PhantomData;
use std::sync::OnceLock;
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
#[derive(Clone, Copy)]
enum Forms {
    Plain,
    Both,
}

type Found<'f> = dyn FnMut(usize, usize, Form) + 'f;

/// The points of one curve, sorted to be looked up.
struct Targets<C, const L: usize> {
    name: Curve,
    plain: Vec<Target<L>>,
    /// Those in plain form and those for scalars in Montgomery form.
    both: OnceLock<Vec<Target<L>>>,
    encodings: Vec<Box<[u8]>>,
    curve: PhantomData<C>,
}

#[derive(Clone, Copy)]
struct Target<const L: usize> {
    /// Q or R·Q.
    point: Point<L>,
    index: usize,
    form: Form,
}

impl<C: Weierstrass<L>, const L: usize> Targets<C, L> {
    fn new(name: Curve, encodings: &[&[u8]]) -> Option<Self> {
        let plain: Vec<Target<L>> = encodings
            .iter()
            .enumerate()
            .filter_map(|(index, encoding)| {
                let [4, xy @ ..] = encoding else { return None };
                let point = on_curve::read::<C, L>(name, xy)?;
                let form = Form::Plain;
                Some(Target { point, index, form })
            })
            .collect();
        if plain.is_empty() {
            return None;
        }
        Some(Self {
            name,
            plain: sorted(plain),
            both: OnceLock::new(),
            encodings: encodings.iter().map(|&encoding| encoding.into()).collect(),
            curve: PhantomData,
        })
    }

    /// The points Q and the points R·Q, these by doubling: made when first asked for, a millisecond and more.
    fn both(&self) -> &[Target<L>] {
        self.both.get_or_init(|| {
            let mut points: Vec<_> = self.plain.iter().map(|target| target.point).collect();
            let mut adder = Adder::new(points.len());
            for _ in 0..64 * L {
                let same = points.clone();
                adder.add::<C>(&mut points, |index| {
                    same.get(index).copied().unwrap_or(Point::INFINITY)
                });
            }
            let forms = points.into_iter().zip(&self.plain);
            let forms = forms.map(|(point, &Target { index, .. })| Target {
                point,
                index,
                form: Form::Montgomery,
            });
            sorted(self.plain.iter().copied().chain(forms).collect())
        })
    }

    fn search(&self, candidates: &[u64], forms: Forms, found: &mut Found<'_>) {
        let targets = match forms {
            Forms::Plain => &self.plain,
            Forms::Both => self.both(),
        };
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
                for target in with_key(targets, key(point)) {
                    if target.point == *point && self.confirm(scalar, target) {
                        found(index, target.index, target.form);
                    }
                }
            }
        }
    }

    /// Whether the scalar is the target's, by the curve's own crate.
    fn confirm(&self, scalar: &Limbs<L>, target: &Target<L>) -> bool {
        let plain = match target.form {
            Form::Plain => Zeroizing::new(*scalar),
            Form::Montgomery => Zeroizing::new(C::ORDER.leave(scalar)),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 * L));
        bytes.extend(plain.iter().rev().flat_map(|limb| limb.to_be_bytes()));
        let derived = self.name.derive(&bytes);
        derived.is_some() && derived.as_ref() == self.encodings.get(target.index)
    }
}

/// The targets by key, then by index.
fn sorted<const L: usize>(mut targets: Vec<Target<L>>) -> Vec<Target<L>> {
    targets.sort_by_key(|target| (key(&target.point), target.index));
    targets
}

/// The targets of one key, by their index.
#[inline(always)]
fn with_key<const L: usize>(
    targets: &[Target<L>],
    sought: u64,
) -> impl Iterator<Item = &Target<L>> {
    let first = targets.partition_point(|target| key(&target.point) < sought);
    targets
        .get(first..)
        .unwrap_or_default()
        .iter()
        .take_while(move |target| key(&target.point) == sought)
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
    use proptest::prelude::*;
    use sha2::{Digest, Sha512};

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

    /// What a candidate should give: the index of `wanted` among candidates, if the curve has such a scalar.
    fn assert_only(curve: Curve, wanted: &[u64], others: &[Vec<u64>]) {
        let mut candidates = others.to_vec();
        candidates.insert(others.len() / 2, wanted.to_vec());
        let found = search(&points(curve, &[wanted.to_vec()]), &candidates);
        // Printed without the numbers: they would be secret in the field.
        assert!(
            found == [(others.len() / 2, 0)],
            "{}: {found:?}",
            curve.name()
        );
    }

    #[test]
    fn edge_scalars_are_found_and_what_is_no_scalar_is_skipped() {
        for curve in Curve::ALL {
            let (order, zero) = (order(curve), vec![0; count(curve)]);
            let no_scalars = vec![
                zero.clone(),
                order.clone(),
                plus(&order, 1),
                plus(&order, 2),
                vec![u64::MAX; count(curve)],
            ];
            for scalar in [1, 2, 3, 255, 256, 257, 511, 512, 513]
                .map(|small| plus(&zero, small))
                .into_iter()
                .chain([-1, -2, -3, -256, -512].map(|less| plus(&order, less)))
            {
                assert_only(curve, &scalar, &no_scalars);
            }
            let mut only = Vec::new();
            points(curve, &[plus(&zero, 1), plus(&order, -1)])
                .search(&no_scalars.concat(), |candidate, _| only.push(candidate));
            assert!(only.is_empty());
        }
    }

    #[test]
    fn scalars_of_few_bits_are_found_at_every_place() {
        for curve in Curve::ALL {
            let bits = 64 * count(curve);
            let powers: Vec<_> = (0..bits)
                .map(|bit| {
                    let mut scalar = vec![0u64; count(curve)];
                    scalar[bit / 64] = 1 << (bit % 64);
                    scalar
                })
                .collect();
            let scalars: Vec<_> = (0..curve.bits() as usize - 1)
                .step_by(37)
                .map(|bit| powers[bit].clone())
                .collect();
            let expected: Vec<_> = (0..scalars.len())
                .map(|index| (index * 37, index))
                .collect();
            assert_eq!(search(&points(curve, &scalars), &powers), expected);
            // All bits below a place, and the runs of digits just at the border of carrying.
            for pattern in [
                "1",
                "0",
                "100000000",
                "100000001",
                "10000000",
                "10000001",
                "011111111",
            ] {
                let scalar: Vec<u64> = (0..curve.bits() as usize - 1)
                    .map(|bit| pattern.as_bytes()[pattern.len() - 1 - bit % pattern.len()] & 1)
                    .collect::<Vec<_>>()
                    .chunks(64)
                    .map(|bits| {
                        bits.iter()
                            .rev()
                            .fold(0, |limb, &bit| limb << 1 | u64::from(bit))
                    })
                    .collect();
                if pattern != "0" {
                    assert_only(curve, &scalar, &[plus(&scalar, 1), plus(&scalar, -1)]);
                }
            }
        }
    }

    #[test]
    fn one_batch_serves_many_points_and_equal_ones() {
        let curve = Curve::P256;
        let scalars = [scalar(curve, 1), scalar(curve, 2), scalar(curve, 1)];
        let candidates = [scalar(curve, 2), scalar(curve, 3), scalar(curve, 1)];
        let found = search(&points(curve, &scalars), &candidates);
        assert_eq!(found, [(0, 1), (2, 0), (2, 2)]);
    }

    #[test]
    fn the_negative_of_a_scalar_is_not_its_points() {
        for curve in Curve::ALL {
            let scalar = scalar(curve, 5);
            let mut borrow = false;
            let negative: Vec<u64> = order(curve)
                .iter()
                .zip(&scalar)
                .map(|(&a, &b)| {
                    let (part, first) = a.overflowing_sub(b);
                    let (limb, second) = part.overflowing_sub(u64::from(borrow));
                    borrow = first | second;
                    limb
                })
                .collect();
            let points = points(curve, &[scalar]);
            assert_eq!(search(&points, std::slice::from_ref(&negative)), []);
            assert!(curve.derive(&bytes(&negative)).is_some());
        }
    }

    #[test]
    fn points_off_the_curve_are_never_found_and_keep_their_index() {
        let curve = Curve::P256;
        let good = curve.derive(&[9]).unwrap();
        let mut off = good.clone();
        off[64] ^= 1;
        assert!(Points::new(curve, &[]).is_none());
        assert!(Points::new(curve, &[&off, &good[1..], &[]]).is_none());
        let points = Points::new(curve, &[&off, &good]).unwrap();
        let mut found = Vec::new();
        points.search(&[9, 0, 0, 0, 9, 0, 0], |candidate, point| {
            found.push((candidate, point))
        });
        assert_eq!(found, [(0, 1)]);
    }

    #[test]
    fn montgomery_forms_are_undone_and_found_beside_plain_ones() {
        for curve in Curve::ALL {
            let form = scalar(curve, 77);
            let any = points(curve, &[plus(&vec![0; count(curve)], 1)]);
            let plain = any.from_montgomery(&form).unwrap().to_vec();
            // R·Q comes from 64 · limbs doublings of Q: another way than dividing the scalar.
            let points = points(curve, std::slice::from_ref(&plain));
            let candidates = [form.clone(), plus(&form, 1), plain.clone()].concat();
            let mut found = Vec::new();
            points.search_forms(&candidates, |candidate, point, form| {
                found.push((candidate, point, form));
            });
            assert_eq!(found, [(0, 0, Form::Montgomery), (2, 0, Form::Plain)]);
            assert_eq!(search(&points, std::slice::from_ref(&form)), []);
            assert!(any.from_montgomery(&order(curve)).is_none());
            assert!(any.from_montgomery(&plus(&order(curve), -1)).is_some());
            assert!(any.from_montgomery(&form[1..]).is_none());
            assert!(any.from_montgomery(&[&form[..], &[0]].concat()).is_none());
        }
        // R mod order = 2^256 - order is the form of one.
        let one: Vec<u64> = plus(
            &order(Curve::P256)
                .iter()
                .map(|limb| !limb)
                .collect::<Vec<_>>(),
            1,
        );
        let points = points(Curve::P256, &[vec![1, 0, 0, 0]]);
        assert_eq!(points.from_montgomery(&one).unwrap()[..], [1, 0, 0, 0]);
    }

    fn limb() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            Just(0),
            Just(u64::MAX),
            (0..64u32).prop_map(|bit| 1 << bit),
            (0..64u32).prop_map(|bit| u64::MAX << bit),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn what_the_crate_derives_is_found_and_its_neighbours_are_not(
            curve in prop::sample::select(&Curve::ALL[..]),
            limbs in prop::collection::vec(limb(), 9),
            others in prop::collection::vec(limb(), 0..400),
        ) {
            let scalar = &limbs[..count(curve)];
            let Some(public) = curve.derive(&bytes(scalar)) else {
                return Ok(());
            };
            let points = Points::new(curve, &[&public]).unwrap();
            let others: Vec<_> = others
                .chunks_exact(count(curve))
                .map(<[u64]>::to_vec)
                .filter(|other| other != scalar)
                .collect();
            let candidates =
                [vec![plus(scalar, 1), plus(scalar, -1), scalar.to_vec()], others].concat();
            prop_assert!(search(&points, &candidates) == [(2, 0)]);
        }
    }
}
