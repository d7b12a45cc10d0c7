//! The Weierstrass curves: names, sizes, identifiers, points on them, and Q = s·G.

use crate::bytes;
use crypto_bigint::{BoxedUint, Resize};
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize, PublicKey, SecretKey};
use p256::elliptic_curve;

/// A named curve whose arithmetic is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// secp256r1, prime256v1
    P256,
    /// secp384r1
    P384,
    /// secp521r1
    P521,
    /// secp256k1
    Secp256k1,
}

impl Curve {
    /// All curves, the more common first.
    pub const ALL: [Self; 4] = [Self::P256, Self::P384, Self::P521, Self::Secp256k1];

    /// The name reports use (RFC 7518 and RFC 8812 names for JWK).
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// Bits of a field element.
    pub const fn bits(self) -> u32 {
        match self {
            Self::P256 | Self::Secp256k1 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// Bytes of a scalar or a coordinate as SEC 1 writes them.
    pub const fn field_bytes(self) -> usize {
        (self.bits() as usize).div_ceil(8)
    }

    /// Contents of the curve's OBJECT IDENTIFIER (RFC 5480, section 2.1.1.1; SEC 2).
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => b"\x2a\x86\x48\xce\x3d\x03\x01\x07",
            Self::P384 => b"\x2b\x81\x04\x00\x22",
            Self::P521 => b"\x2b\x81\x04\x00\x23",
            Self::Secp256k1 => b"\x2b\x81\x04\x00\x0a",
        }
    }

    /// The curve with this object identifier.
    pub fn from_oid(oid: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// The curve over the prime field of this order, big-endian: what explicit parameters (X9.62) begin
    /// with.
    pub fn from_field(prime: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|curve| curve.field() == bytes::trim_zeros(prime))
    }

    /// The order of the prime field (SEC 2, section 2).
    const fn field(self) -> &'static [u8] {
        match self {
            Self::P256 => &P256_FIELD,
            Self::P384 => &P384_FIELD,
            Self::P521 => &P521_FIELD,
            Self::Secp256k1 => &SECP256K1_FIELD,
        }
    }

    /// The order of the base point, big-endian (SEC 2, section 2).
    pub const fn order(self) -> &'static [u8] {
        match self {
            Self::P256 => &P256_ORDER,
            Self::P384 => &P384_ORDER,
            Self::P521 => &P521_ORDER,
            Self::Secp256k1 => &SECP256K1_ORDER,
        }
    }

    /// The uncompressed point s·G for the big-endian scalar `scalar`; `None` unless it is in
    /// `1..order`.
    pub fn derive(self, scalar: &[u8]) -> Option<Box<[u8]>> {
        match self {
            Self::P256 => derive::<p256::NistP256>(self, scalar),
            Self::P384 => derive::<p384::NistP384>(self, scalar),
            Self::P521 => derive::<p521::NistP521>(self, scalar),
            Self::Secp256k1 => derive::<k256::Secp256k1>(self, scalar),
        }
    }

    /// The Montgomery form of a coordinate given big-endian, x · 2^(64 · limbs) in the field, in the little-endian bytes
    /// of as many 64-bit limbs as the field takes. `None` when it is no coordinate.
    pub fn montgomery(self, coordinate: &[u8]) -> Option<Box<[u8]>> {
        let limbs = self.field_bytes().div_ceil(8);
        let bits = u32::try_from(128 * limbs).ok()?;
        let prime = BoxedUint::from_be_slice_vartime(self.field())
            .to_nz()
            .into_option()?;
        let wide = BoxedUint::from_be_slice_vartime(coordinate).resize(bits);
        let form = wide
            .shl_vartime(bits / 2)?
            .rem_vartime(prime.as_ref().resize(bits).as_nz_vartime()?);
        let words: Box<[u8]> = form.to_le_bytes();
        words.get(..8 * limbs).map(Box::from)
    }

    /// The uncompressed form of a point in SEC 1 encoding (compressed or not) or in the hybrid one of X9.62;
    /// `None` unless it lies on the curve and is not the point at infinity.
    pub fn point(self, encoded: &[u8]) -> Option<Box<[u8]>> {
        if let [6 | 7, coordinates @ ..] = encoded {
            return self.point(&[&[4], coordinates].concat());
        }
        match self {
            Self::P256 => point::<p256::NistP256>(encoded),
            Self::P384 => point::<p384::NistP384>(encoded),
            Self::P521 => point::<p521::NistP521>(encoded),
            Self::Secp256k1 => point::<k256::Secp256k1>(encoded),
        }
    }
}

/// `N` bytes of ones, but for the bytes given by their offset from the most significant one.
#[allow(clippy::indexing_slicing)] // the compiler evaluates it: an index out of bounds does not compile
const fn field<const N: usize>(changes: &[(usize, u8)]) -> [u8; N] {
    let mut bytes = [0xff; N];
    let mut index = 0;
    while index < changes.len() {
        let (at, byte) = changes[index];
        bytes[at] = byte;
        index += 1;
    }
    bytes
}

/// 2^256 - 2^224 + 2^192 + 2^96 - 1
const P256_FIELD: [u8; 32] = field(&P256_CHANGES);
const P256_CHANGES: [(usize, u8); 16] = [
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 1),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 0),
    (12, 0),
    (13, 0),
    (14, 0),
    (15, 0),
    (16, 0),
    (17, 0),
    (18, 0),
    (19, 0),
];
/// 2^384 - 2^128 - 2^96 + 2^32 - 1
const P384_FIELD: [u8; 48] = field(&[
    (31, 0xfe),
    (36, 0),
    (37, 0),
    (38, 0),
    (39, 0),
    (40, 0),
    (41, 0),
    (42, 0),
    (43, 0),
]);
/// 2^521 - 1
const P521_FIELD: [u8; 66] = field(&[(0, 1)]);
/// 2^256 - 2^32 - 977
const SECP256K1_FIELD: [u8; 32] = field(&[(27, 0xfe), (30, 0xfc), (31, 0x2f)]);

const P256_ORDER: [u8; 32] = *b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\
    \xf3\xb9\xca\xc2\xfc\x63\x25\x51";
const P384_ORDER: [u8; 48] = *b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73";
const P521_ORDER: [u8; 66] = *b"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \xff\xff\xff\xff\xff\xff\xff\xff\xff\xfa\x51\x86\x87\x83\xbf\x2f\x96\x6b\x7f\xcc\x01\x48\xf7\x09\
    \xa5\xd0\x3b\xb5\xc9\xb8\x89\x9c\x47\xae\xbb\x6f\xb7\x1e\x91\x38\x64\x09";
const SECP256K1_ORDER: [u8; 32] = *b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xba\xae\xdc\xe6\xaf\x48\xa0\x3b\
    \xbf\xd2\x5e\x8c\xd0\x36\x41\x41";

fn derive<C>(curve: Curve, scalar: &[u8]) -> Option<Box<[u8]>>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let digits = bytes::trim_zeros(scalar);
    let mut padded = elliptic_curve::FieldBytes::<C>::default();
    let start = curve.field_bytes().checked_sub(digits.len())?;
    padded.get_mut(start..)?.copy_from_slice(digits);
    let secret = SecretKey::<C>::from_bytes(&padded);
    zeroize::Zeroize::zeroize(padded.as_mut_slice());
    Some(
        secret
            .ok()?
            .public_key()
            .to_sec1_point(false)
            .as_bytes()
            .into(),
    )
}

fn point<C>(encoded: &[u8]) -> Option<Box<[u8]>>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    Some(
        PublicKey::<C>::from_sec1_bytes(encoded)
            .ok()?
            .to_sec1_point(false)
            .as_bytes()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_times_g_is_the_generator_and_lies_on_the_curve() {
        for curve in Curve::ALL {
            let generator = curve.derive(&[1]).unwrap();
            assert_eq!(generator.len(), 1 + 2 * curve.field_bytes());
            assert_eq!(curve.point(&generator).as_ref(), Some(&generator));
            let mut off = generator.clone();
            *off.last_mut().unwrap() ^= 1;
            assert_eq!(curve.point(&off), None);
        }
    }

    #[test]
    fn fields_are_those_of_the_curves() {
        // x = p is 0 in the field, x = p - 1 is the largest coordinate: the first is refused as an encoding,
        // and a compressed point decodes for about half of the x just below p.
        for curve in Curve::ALL {
            assert_eq!(Curve::from_field(curve.field()), Some(curve));
            let compressed = |less: u8| {
                let mut x = curve.field().to_vec();
                *x.last_mut().unwrap() = x.last().unwrap().wrapping_sub(less);
                curve.point(&[&[2], &x[..]].concat())
            };
            assert_eq!(compressed(0), None);
            assert!(
                (1..40).any(|less| compressed(less).is_some()),
                "{}",
                curve.name()
            );
        }
        assert_eq!(Curve::from_field(&[0xff; 32]), None);
    }

    #[test]
    fn montgomery_forms_are_those_of_the_field() {
        // One is R mod p: for P-256 2^256 - p = 2^224 - 2^192 - 2^96 + 1.
        let one = Curve::P256.montgomery(&[1]).unwrap();
        let limbs: Vec<u64> = one
            .chunks(8)
            .map(|limb| u64::from_le_bytes(limb.try_into().unwrap()))
            .collect();
        assert_eq!(
            limbs,
            [1, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_ffff, 0xffff_fffe]
        );
        // 2^576 mod 2^521 - 1 is 2^55.
        let one = Curve::P521.montgomery(&[1]).unwrap();
        assert_eq!((one.len(), one[6]), (72, 0x80));
    }

    #[test]
    fn compressed_points_are_expanded() {
        let q = Curve::P256.derive(&[7]).unwrap();
        let mut compressed = vec![2 + (q[64] & 1)];
        compressed.extend_from_slice(&q[1..33]);
        assert_eq!(Curve::P256.point(&compressed), Some(q));
    }

    #[test]
    fn scalars_out_of_range_give_nothing() {
        for curve in Curve::ALL {
            assert_eq!(curve.derive(&[]), None);
            assert_eq!(curve.derive(&[0; 40]), None);
            assert_eq!(curve.derive(&vec![0xff; curve.field_bytes()]), None);
            assert_eq!(curve.derive(&[1; 70]), None);
        }
    }
}
