//! Whether two coordinates are those of a point, in any form they are kept in.

use super::field::{Limbs, is_zero};
use super::weierstrass::{P256, P384, P521, Point, Secp256k1, Weierstrass};
use crate::crypto::Curve;

/// The uncompressed encoding (`04 X Y`) of the point whose coordinates are these little-endian limbs, as many
/// each as the curve's field has (4, 6, 9); `None` unless it lies on the curve.
///
/// Coordinates with a limb of zero below the highest one are refused unseen: of true points one in 2^61 at 256 bits
/// and one in 2^60 at 521.
pub fn point_from_limbs(curve: Curve, x: &[u64], y: &[u64]) -> Option<Box<[u8]>> {
    match curve {
        Curve::P256 => from_limbs::<P256, 4>(curve, x, y),
        Curve::P384 => from_limbs::<P384, 6>(curve, x, y),
        Curve::P521 => from_limbs::<P521, 9>(curve, x, y),
        Curve::Secp256k1 => from_limbs::<Secp256k1, 4>(curve, x, y),
    }
}

/// As [`point_from_limbs`], for coordinates in Montgomery form: times 2^(64 · limbs) modulo the field's prime.
pub fn point_from_montgomery(curve: Curve, x: &[u64], y: &[u64]) -> Option<Box<[u8]>> {
    match curve {
        Curve::P256 => from_montgomery::<P256, 4>(curve, x, y),
        Curve::P384 => from_montgomery::<P384, 6>(curve, x, y),
        Curve::P521 => from_montgomery::<P521, 9>(curve, x, y),
        Curve::Secp256k1 => from_montgomery::<Secp256k1, 4>(curve, x, y),
    }
}

/// Whether `xy`, what follows the `04` of an uncompressed encoding, are the coordinates of a point of the curve.
pub fn is_on_curve(curve: Curve, xy: &[u8]) -> bool {
    match curve {
        Curve::P256 => read::<P256, 4>(curve, xy).is_some(),
        Curve::P384 => read::<P384, 6>(curve, xy).is_some(),
        Curve::P521 => read::<P521, 9>(curve, xy).is_some(),
        Curve::Secp256k1 => read::<Secp256k1, 4>(curve, xy).is_some(),
    }
}

/// The point with the big-endian coordinates `xy`, if the curve has it.
pub(super) fn read<C: Weierstrass<L>, const L: usize>(curve: Curve, xy: &[u8]) -> Option<Point<L>> {
    if xy.len() != 2 * curve.field_bytes() {
        return None;
    }
    let (x, y) = xy.split_at_checked(curve.field_bytes())?;
    enter::<C, L>(&limbs(x), &limbs(y))
}

fn from_limbs<C: Weierstrass<L>, const L: usize>(
    curve: Curve,
    x: &[u64],
    y: &[u64],
) -> Option<Box<[u8]>> {
    let (x, y) = (x.try_into().ok()?, y.try_into().ok()?);
    if is_sparse::<L>(x) || is_sparse::<L>(y) {
        return None;
    }
    enter::<C, L>(x, y)?;
    Some(write(curve, x, y))
}

fn from_montgomery<C: Weierstrass<L>, const L: usize>(
    curve: Curve,
    x: &[u64],
    y: &[u64],
) -> Option<Box<[u8]>> {
    let (x, y) = (x.try_into().ok()?, y.try_into().ok()?);
    if is_sparse::<L>(x) || is_sparse::<L>(y) {
        return None;
    }
    let Point { x, y } = checked::<C, L>(*x, *y)?;
    Some(write(curve, &C::FIELD.leave(&x), &C::FIELD.leave(&y)))
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
