//! Whether two coordinates are those of a point, in any form they are kept in.

use super::field::{Limbs, is_zero};
use super::weierstrass::{P256, P384, P521, Point, Secp256k1, Weierstrass};
use crate::crypto::Curve;

/// The uncompressed encoding (`04 X Y`) of the point of which two numbers are the coordinates, whichever is x; and whether
/// they are in Montgomery form: times 2^(64 · limbs) modulo the field's prime. `None` unless it lies on the curve.
///
/// The numbers are little-endian limbs, as many each as the curve's field has (4, 6, 9). Those with a limb of zero below
/// the highest one are refused unseen: of true points one in 2^61 at 256 bits and one in 2^60 at 521.
pub fn point_from_any(curve: Curve, one: &[u64], other: &[u64]) -> Option<(Box<[u8]>, bool)> {
    match curve {
        Curve::P256 => from_any::<P256, 4>(curve, one, other),
        Curve::P384 => from_any::<P384, 6>(curve, one, other),
        Curve::P521 => from_any::<P521, 9>(curve, one, other),
        Curve::Secp256k1 => from_any::<Secp256k1, 4>(curve, one, other),
    }
}

/// What a number says as x and as y of a point, so that pairs of many numbers are told by comparing it.
#[derive(Clone, Copy, Debug)]
pub struct Sides {
    /// The lowest limbs of y² and of x³ + a·x + b, of plain coordinates and of those in Montgomery form.
    plain: [u64; 2],
    montgomery: [u64; 2],
}

impl Sides {
    /// Those of a number of as many limbs as the curve's field has; `None` for one that [`point_from_any`] refuses.
    pub fn new(curve: Curve, number: &[u64]) -> Option<Self> {
        match curve {
            Curve::P256 => sides::<P256, 4>(number),
            Curve::P384 => sides::<P384, 6>(number),
            Curve::P521 => sides::<P521, 9>(number),
            Curve::Secp256k1 => sides::<Secp256k1, 4>(number),
        }
    }

    /// Whether the two may be the coordinates of a point, whichever is x: of others one pair in 2^62 is taken for one.
    pub fn may_meet(&self, other: &Self) -> bool {
        let meet = |[y, x]: [u64; 2], [other_y, other_x]: [u64; 2]| y == other_x || other_y == x;
        meet(self.plain, other.plain) || meet(self.montgomery, other.montgomery)
    }
}

fn sides<C: Weierstrass<L>, const L: usize>(number: &[u64]) -> Option<Sides> {
    let field = const { &C::FIELD };
    let number: &Limbs<L> = number.try_into().ok()?;
    if is_sparse(number) || !field.is_reduced(number) {
        return None;
    }
    let square = C::multiply(number, number);
    let low = |limbs: &Limbs<L>| limbs.first().copied().unwrap_or(0);
    let [a, b] = const { &plain::<C, L>() };
    Some(Sides {
        plain: [
            low(&field.leave(&square)),
            low(&right::<C, L>(number, &square, a, b)),
        ],
        montgomery: [
            low(&square),
            low(&right::<C, L>(number, &square, &C::A, &C::B)),
        ],
    })
}

/// The curve's a and b for plain coordinates: each multiplication divides by R, so both sides come out as y²/R².
const fn plain<C: Weierstrass<L>, const L: usize>() -> [Limbs<L>; 2] {
    let field = &C::FIELD;
    [
        field.leave(&field.leave(&C::A)),
        field.leave(&field.leave(&field.leave(&C::B))),
    ]
}

/// x³ + a·x + b, from x and its square.
#[inline]
fn right<C: Weierstrass<L>, const L: usize>(
    x: &Limbs<L>,
    square: &Limbs<L>,
    a: &Limbs<L>,
    b: &Limbs<L>,
) -> Limbs<L> {
    let field = const { &C::FIELD };
    field.add(&C::multiply(&field.add(square, a), x), b)
}

/// Whether `xy`, what follows the `04` of an uncompressed encoding, are the coordinates of a point of the curve.
pub fn is_on_curve(curve: Curve, xy: &[u8]) -> bool {
    match curve {
        Curve::P256 => is_plain_point::<P256, 4>(curve, xy),
        Curve::P384 => is_plain_point::<P384, 6>(curve, xy),
        Curve::P521 => is_plain_point::<P521, 9>(curve, xy),
        Curve::Secp256k1 => is_plain_point::<Secp256k1, 4>(curve, xy),
    }
}

fn is_plain_point<C: Weierstrass<L>, const L: usize>(curve: Curve, xy: &[u8]) -> bool {
    let field = const { &C::FIELD };
    let size = curve.field_bytes();
    let Some((x, y)) = xy.split_at_checked(size).filter(|(_, y)| y.len() == size) else {
        return false;
    };
    let [x, y] = [x, y].map(limbs::<L>);
    let [a, b] = const { &plain::<C, L>() };
    let left = || field.leave(&C::multiply(&y, &y));
    let right = || right::<C, L>(&x, &C::multiply(&x, &x), a, b);
    field.is_reduced(&x) && field.is_reduced(&y) && left() == right()
}

/// Whether two numbers are the coordinates x and y of a point in Montgomery form. As [`point_from_any`], which tells more of
/// them, it refuses sparse ones.
pub fn is_montgomery_point(curve: Curve, x: &[u64], y: &[u64]) -> bool {
    match curve {
        Curve::P256 => is_checked::<P256, 4>(x, y),
        Curve::P384 => is_checked::<P384, 6>(x, y),
        Curve::P521 => is_checked::<P521, 9>(x, y),
        Curve::Secp256k1 => is_checked::<Secp256k1, 4>(x, y),
    }
}

fn is_checked<C: Weierstrass<L>, const L: usize>(x: &[u64], y: &[u64]) -> bool {
    coordinates(x, y).is_some_and(|(x, y)| checked::<C, L>(*x, *y).is_some())
}

/// The point with the big-endian coordinates `xy`, if the curve has it.
pub(super) fn read<C: Weierstrass<L>, const L: usize>(curve: Curve, xy: &[u8]) -> Option<Point<L>> {
    if xy.len() != 2 * curve.field_bytes() {
        return None;
    }
    let (x, y) = xy.split_at_checked(curve.field_bytes())?;
    enter::<C, L>(&limbs(x), &limbs(y))
}

fn from_any<C: Weierstrass<L>, const L: usize>(
    curve: Curve,
    one: &[u64],
    other: &[u64],
) -> Option<(Box<[u8]>, bool)> {
    let field = const { &C::FIELD };
    let (one, other) = coordinates(one, other)?;
    if !field.is_reduced(one) || !field.is_reduced(other) {
        return None;
    }
    let squares = [one, other].map(|number| C::multiply(number, number));
    let [square, other_square] = &squares;
    let orders = [
        (one, square, other, other_square),
        (other, other_square, one, square),
    ];
    orders.into_iter().find_map(|(x, x_square, y, y_square)| {
        let [a, b] = const { &plain::<C, L>() };
        if field.leave(y_square) == right::<C, L>(x, x_square, a, b) {
            return Some((write(curve, x, y), false));
        }
        let is_point = *y_square == right::<C, L>(x, x_square, &C::A, &C::B);
        is_point.then(|| (write(curve, &field.leave(x), &field.leave(y)), true))
    })
}

/// The point with the plain coordinates `x` and `y`.
fn enter<C: Weierstrass<L>, const L: usize>(x: &Limbs<L>, y: &Limbs<L>) -> Option<Point<L>> {
    let field = const { &C::FIELD };
    if !field.is_reduced(x) || !field.is_reduced(y) {
        return None;
    }
    checked::<C, L>(field.enter(x), field.enter(y))
}

/// The point with the coordinates `x` and `y` in Montgomery form.
fn checked<C: Weierstrass<L>, const L: usize>(x: Limbs<L>, y: Limbs<L>) -> Option<Point<L>> {
    let field = const { &C::FIELD };
    let is_point =
        field.is_reduced(&x) && field.is_reduced(&y) && C::multiply(&y, &y) == C::right_side(&x);
    is_point.then_some(Point { x, y })
}

/// Two coordinates of as many limbs as the field has, neither of them sparse.
fn coordinates<'l, const L: usize>(
    x: &'l [u64],
    y: &'l [u64],
) -> Option<(&'l Limbs<L>, &'l Limbs<L>)> {
    let (x, y): (&Limbs<L>, &Limbs<L>) = (x.try_into().ok()?, y.try_into().ok()?);
    (!is_sparse(x) && !is_sparse(y)).then_some((x, y))
}

/// Whether a limb but the highest is zero.
#[inline(always)]
fn is_sparse<const L: usize>(limbs: &Limbs<L>) -> bool {
    limbs.iter().take(L - 1).any(|&limb| limb == 0) || is_zero(limbs)
}

/// The limbs of big-endian bytes, at most `8 * L` of them.
fn limbs<const L: usize>(bytes: &[u8]) -> Limbs<L> {
    let mut limbs = [0; L];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.rchunks(8)) {
        *limb = bytes
            .iter()
            .fold(0, |limb, &byte| limb << 8 | u64::from(byte));
    }
    limbs
}

/// The uncompressed encoding of a point.
fn write<const L: usize>(curve: Curve, x: &Limbs<L>, y: &Limbs<L>) -> Box<[u8]> {
    let skipped = 8 * L - curve.field_bytes();
    let bytes = |limbs: &Limbs<L>| {
        let limbs = *limbs;
        limbs
            .into_iter()
            .rev()
            .flat_map(u64::to_be_bytes)
            .skip(skipped)
    };
    [4].into_iter().chain(bytes(x)).chain(bytes(y)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limbs_of(curve: Curve, encoding: &[u8]) -> (Vec<u64>, Vec<u64>) {
        let (x, y) = encoding[1..].split_at(curve.field_bytes());
        let limbs =
            |bytes: &[u8]| -> Vec<u64> { limbs::<9>(bytes)[..bytes.len().div_ceil(8)].to_vec() };
        (limbs(x), limbs(y))
    }

    fn point_from_limbs(curve: Curve, x: &[u64], y: &[u64]) -> Option<Box<[u8]>> {
        let found = point_from_any(curve, x, y);
        found.and_then(|(point, is_montgomery)| (!is_montgomery).then_some(point))
    }

    fn point_from_montgomery(curve: Curve, x: &[u64], y: &[u64]) -> Option<Box<[u8]>> {
        let found = point_from_any(curve, x, y);
        found.and_then(|(point, is_montgomery)| is_montgomery.then_some(point))
    }

    /// Times 2^(64 · limbs) modulo the field's prime.
    fn montgomery(curve: Curve, limbs: &[u64]) -> Vec<u64> {
        fn enter<C: Weierstrass<L>, const L: usize>(limbs: &[u64]) -> Vec<u64> {
            let limbs: Limbs<L> = limbs.try_into().unwrap();
            (0..64 * L)
                .fold(limbs, |twice, _| C::FIELD.add(&twice, &twice))
                .to_vec()
        }
        match curve {
            Curve::P256 => enter::<P256, 4>(limbs),
            Curve::P384 => enter::<P384, 6>(limbs),
            Curve::P521 => enter::<P521, 9>(limbs),
            Curve::Secp256k1 => enter::<Secp256k1, 4>(limbs),
        }
    }

    #[test]
    fn openssls_generator_in_montgomery_form_is_read() {
        // crypto/ec/ecp_nistz256.c, `def_xG` and `def_yG`
        let x = [
            0x79e7_30d4_18a9_143c,
            0x75ba_95fc_5fed_b601,
            0x79fb_732b_7762_2510,
            0x1890_5f76_a537_55c6,
        ];
        let y = [
            0xddf2_5357_ce95_560a,
            0x8b4a_b8e4_ba19_e45c,
            0xd2e8_8688_dd21_f325,
            0x8571_ff18_2588_5d85,
        ];
        let generator = Curve::P256.derive(&[1]);
        assert_eq!(point_from_montgomery(Curve::P256, &x, &y), generator);
        assert_eq!(point_from_limbs(Curve::P256, &x, &y), None);
    }

    #[test]
    fn coordinates_not_below_the_prime_are_refused() {
        for curve in Curve::ALL {
            let size = curve.field_bytes();
            // Points with a small x, and the same x plus the prime, where it still fits.
            let small = (1..100u8).find_map(|x| {
                let mut compressed = vec![0; 1 + size];
                compressed[0] = 2;
                compressed[size] = x;
                curve.point(&compressed)
            });
            let point = small.unwrap();
            assert!(is_on_curve(curve, &point[1..]));
            let prime: Vec<u8> = match curve {
                Curve::P256 => write(curve, &P256::FIELD.limbs, &[0; 4])[1..=size].to_vec(),
                Curve::P384 => write(curve, &P384::FIELD.limbs, &[0; 6])[1..=size].to_vec(),
                Curve::P521 => write(curve, &P521::FIELD.limbs, &[0; 9])[1..=size].to_vec(),
                Curve::Secp256k1 => {
                    write(curve, &Secp256k1::FIELD.limbs, &[0; 4])[1..=size].to_vec()
                }
            };
            let mut carry = 0;
            let mut sum: Vec<u8> = prime
                .iter()
                .zip(&point[1..=size])
                .rev()
                .map(|(&a, &b)| {
                    carry += u32::from(a) + u32::from(b);
                    let byte = carry as u8;
                    carry >>= 8;
                    byte
                })
                .collect();
            sum.reverse();
            assert_eq!(carry, 0);
            assert!(!is_on_curve(curve, &[&sum, &point[1 + size..]].concat()));
            // Zero limbs are refused, as documented.
            let (x, y) = limbs_of(curve, &point);
            assert_eq!(point_from_limbs(curve, &x, &y), None);
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        for curve in Curve::ALL {
            let point = curve.derive(&[3]).unwrap();
            let (x, y) = limbs_of(curve, &point);
            assert!(!is_on_curve(curve, &point));
            assert!(!is_on_curve(curve, &point[2..]));
            assert!(!is_on_curve(curve, &[]));
            assert_eq!(point_from_limbs(curve, &x[1..], &y), None);
            assert_eq!(point_from_limbs(curve, &x, &[]), None);
            assert_eq!(point_from_montgomery(curve, &x, &y[1..]), None);
            assert_eq!(point_from_limbs(curve, &x, &y), Some(point));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn points_are_those_of_the_crates(
            curve in prop::sample::select(&Curve::ALL[..]),
            scalar in any::<[u8; 31]>(),
            flip in 0..8 * 132usize,
        ) {
            let point = curve.derive(&scalar).unwrap();
            let (x, y) = limbs_of(curve, &point);
            prop_assert!(is_on_curve(curve, &point[1..]));
            prop_assert_eq!(point_from_limbs(curve, &x, &y), Some(point.clone()));
            let (mx, my) = (montgomery(curve, &x), montgomery(curve, &y));
            prop_assert_eq!(point_from_montgomery(curve, &mx, &my), Some(point.clone()));
            prop_assert_eq!(point_from_limbs(curve, &mx, &my), None);

            let neither = (point.clone(), false);
            prop_assert_eq!(point_from_any(curve, &x, &y), Some(neither.clone()));
            prop_assert_eq!(point_from_any(curve, &y, &x), Some(neither));
            let montgomery = (point.clone(), true);
            prop_assert_eq!(point_from_any(curve, &mx, &my), Some(montgomery.clone()));
            for (x, y, other) in [(&x, &y, &mx), (&mx, &my, &x)] {
                let [x, y, other] = [x, y, other].map(|number| Sides::new(curve, number).unwrap());
                prop_assert!(x.may_meet(&y) && y.may_meet(&x) && !x.may_meet(&x) && !other.may_meet(&y));
            }
            prop_assert_eq!(point_from_any(curve, &my, &mx), Some(montgomery));
            prop_assert!(is_montgomery_point(curve, &mx, &my) && !is_montgomery_point(curve, &my, &mx));
            prop_assert!(!is_montgomery_point(curve, &x, &y) && !is_montgomery_point(curve, &mx, &my[1..]));
            let mut near = y.clone();
            near[flip % y.len()] ^= 1 << (flip % 50);
            prop_assert_eq!(point_from_any(curve, &x, &near), None);
            prop_assert_eq!(point_from_any(curve, &x[1..], &y), None);

            let mut off = point.to_vec();
            let flip = 8 + flip % (8 * (off.len() - 1));
            off[flip / 8] ^= 1 << (flip % 8);
            prop_assert_eq!(is_on_curve(curve, &off[1..]), curve.point(&off).is_some());
        }
    }
}
