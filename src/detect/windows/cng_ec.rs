//! CNG's BCRYPT_ECCPRIVATE_BLOB (Microsoft, "BCRYPT_ECCKEY_BLOB structure") and BCRYPT_ECCFULLPRIVATE_BLOB,
//! which holds the curve.
//!
//! | field | bytes |
//! |---|---|
//! | magic `ECS2`, `ECS4`, `ECS6` (ECDSA), `ECK2`, `ECK4`, `ECK6` (ECDH); `ECDV`, `ECKV`: any curve | 4 |
//! | cbKey | 4 |
//! | X, Y, d, big-endian | each cbKey |
//!
//! | field | bytes |
//! |---|---|
//! | magic `ECDV` or `ECKV`, version 1 (or the other way round), curve type, generation algorithm | 16 |
//! | cbFieldLength, cbSubgroupOrder, cbCofactor, cbSeed | 16 |
//! | prime, a, b, G.x, G.y, order, cofactor, seed, X, Y, d | their lengths |

use crate::bytes::{slice, trim_zeros, u32_le};
use crate::crypto::random::looks_random;
use crate::crypto::{Curve, Prover};
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::finding::Proof;
use std::ops::Range;

/// The detector.
pub struct CngEc;

impl Detector for CngEc {
    fn name(&self) -> &'static str {
        "windows.cng-ec"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["windows.cng-ec"]
    }

    /// The ends of the magics with the one length that each curve has, and the magics of any curve.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(b"2\x20\0\0\0"),
            Anchor::Bytes(b"4\x30\0\0\0"),
            Anchor::Bytes(b"6\x42\0\0\0"),
            Anchor::Bytes(b"ECDV"),
            Anchor::Bytes(b"ECKV"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl CngEc {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let (key, range) = match hit.data.get(hit.at)? {
            b'2' => named(hit, Curve::P256)?,
            b'4' => named(hit, Curve::P384)?,
            b'6' => named(hit, Curve::P521)?,
            _ => generic(hit).or_else(|| full(hit))?,
        };
        Some(Sighting::Key(key.at(self.name(), "raw", range)))
    }
}

/// The place of a magic of a named curve whose last byte stands at `at`.
pub fn magic_start(data: &[u8], at: usize) -> Option<usize> {
    let start = at.checked_sub(3)?;
    matches!(slice(data, start, 3)?, b"ECS" | b"ECK").then_some(start)
}

fn named(hit: &Hit<'_>, curve: Curve) -> Option<(Key, Range<usize>)> {
    let start = magic_start(hit.data, hit.at)?;
    let size = curve.field_bytes();
    let (point, scalar) = point_and_scalar(hit.data, start + 8, size)?;
    is_scalar(scalar).then_some(())?;
    let key = Key::ec(Some(curve), scalar, Some(&point), hit.prover)?;
    Some((key, start..start + 8 + 3 * size))
}

/// A key whose blob does not tell the curve: the point does, if it is one of ours.
fn generic(hit: &Hit<'_>) -> Option<(Key, Range<usize>)> {
    let size = u32_le(hit.data, hit.at + 4)? as usize;
    SIZES.contains(&size).then_some(())?;
    let (point, scalar) = point_and_scalar(hit.data, hit.at + 8, size)?;
    let key = on_some_curve(size, &point, scalar, hit.prover)?;
    Some((key, hit.at..hit.at + 8 + 3 * size))
}

/// A key beside its curve. The two first fields stand in either order: headers and programs differ.
fn full(hit: &Hit<'_>) -> Option<(Key, Range<usize>)> {
    let is_one = |at: usize| u32_le(hit.data, at) == Some(1);
    let version_first = hit.at.checked_sub(4).filter(|&start| is_one(start));
    let magic_first = Some(hit.at).filter(|&start| is_one(start + 4));
    [magic_first, version_first]
        .into_iter()
        .flatten()
        .find_map(|start| full_at(hit, start))
}

fn full_at(hit: &Hit<'_>, start: usize) -> Option<(Key, Range<usize>)> {
    let number = |at: usize| Some(u32_le(hit.data, start + at)? as usize);
    let (field, order, cofactor, seed) = (number(16)?, number(20)?, number(24)?, number(28)?);
    let is_possible = SIZES.contains(&field)
        && order.abs_diff(field) <= 1
        && (1..=field).contains(&cofactor)
        && seed <= MAX_SEED;
    is_possible.then_some(())?;
    let prime = slice(hit.data, start + FULL_HEADER, field)?;
    let keys = start + FULL_HEADER + 5 * field + order + cofactor + seed;
    let point = slice(hit.data, keys, 2 * field)?;
    let end = keys + 2 * field + order;
    let scalar = slice(hit.data, keys + 2 * field, order)?;
    let point = [&[4], point].concat();
    let key = match Curve::from_field(prime) {
        Some(curve) if is_scalar(scalar) => Key::ec(Some(curve), scalar, Some(&point), hit.prover)?,
        Some(_) => return None,
        None => other_curve(&point, scalar)?,
    };
    Some((key, start..end))
}

fn on_some_curve(size: usize, point: &[u8], scalar: &[u8], prover: &Prover<'_>) -> Option<Key> {
    is_scalar(scalar).then_some(())?;
    let is_ours = Curve::ALL
        .into_iter()
        .any(|curve| curve.field_bytes() == size);
    let key = is_ours.then(|| Key::ec(None, scalar, Some(point), prover));
    match key.flatten() {
        Some(key) if key.proof == Proof::Arithmetic => Some(key),
        // Nothing in the blob tells another curve: any random bytes behind the tag would do.
        _ => Some(Key {
            proof: Proof::Shape,
            ..other_curve(point, scalar)?
        }),
    }
}

/// A key on a curve that is none of ours, if its three numbers look like such.
fn other_curve(point: &[u8], scalar: &[u8]) -> Option<Key> {
    let coordinates = point.get(1..)?;
    let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
    let is_random = |number| looks_random(trim_zeros(number));
    (is_random(x) && is_random(y) && is_random(scalar)).then_some(())?;
    Key::other_curve(scalar)
}

/// The SEC 1 form of the point X, Y at `at`, and the scalar behind it.
fn point_and_scalar(data: &[u8], at: usize, size: usize) -> Option<(Vec<u8>, &[u8])> {
    let point = slice(data, at, 2 * size)?;
    Some(([&[4], point].concat(), slice(data, at + 2 * size, size)?))
}

/// Whether a scalar is worth a proof: neither zeros nor a small number.
fn is_scalar(scalar: &[u8]) -> bool {
    2 * trim_zeros(scalar).len() > scalar.len()
}

/// Bytes of a field element that a random scalar can be told by, up to those of the largest curve.
const SIZES: std::ops::RangeInclusive<usize> = 24..=66;

const FULL_HEADER: usize = 32;

/// Bytes of a curve's seed at most: a digest.
const MAX_SEED: usize = 64;
