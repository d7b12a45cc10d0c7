//! The curves y² = x³ + ax + b whose multiples of the generator are searched, and addition of their points
//! many at a time.

use super::comb::{Kernel, Table};
use super::field::{Limbs, Modulus, from_hex, is_zero};
use super::inverse::invert;
#[cfg(target_arch = "x86_64")]
use super::simd_ifma::Lanes;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// A curve over a prime field of `L` limbs. Coordinates are in Montgomery form.
pub(super) trait Weierstrass<const L: usize>: Send + Sync + 'static {
    /// The prime of the field.
    const FIELD: Modulus<L>;
    /// The order of the generator.
    const ORDER: Modulus<L>;
    /// The coefficient of x.
    const A: Limbs<L>;
    /// The constant coefficient, never zero: (0, 0) is not on the curve.
    const B: Limbs<L>;
    /// The generator.
    const GENERATOR: Point<L>;
    /// Bits a scalar can have.
    const SCALAR_BITS: usize;
    /// Bits of a digit in the generator's table. With 9 the table has 475 KiB at 256 bits and 1 MiB at 384;
    /// P-521 takes 8, for 1.2 MiB.
    const DIGIT_BITS: usize = 9;

    /// a·b/R mod p. A field whose prime has a simple form overrides it.
    #[inline(always)]
    fn multiply(a: &Limbs<L>, b: &Limbs<L>) -> Limbs<L> {
        const { &Self::FIELD }.multiply(a, b)
    }

    /// The multiples of the generator, built when first asked for.
    fn table() -> &'static Table<L>;

    /// What multiplies batches of up to `most` scalars faster than the portable code, if the processor has it.
    fn kernel(most: usize) -> Option<Box<dyn Kernel<L>>>;

    /// x³ + ax + b
    #[inline(always)]
    fn right_side(x: &Limbs<L>) -> Limbs<L> {
        let field = const { &Self::FIELD };
        let square = field.add(&Self::multiply(x, x), &Self::A);
        field.add(&Self::multiply(&square, x), &Self::B)
    }

    /// 1/a for a ≠ 0.
    fn invert(a: &Limbs<L>) -> Limbs<L> {
        invert(const { &Self::FIELD }, a)
    }
}

/// A point in affine coordinates; the point at infinity is (0, 0).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Point<const L: usize> {
    pub(super) x: Limbs<L>,
    pub(super) y: Limbs<L>,
}

impl<const L: usize> Point<L> {
    pub(super) const INFINITY: Self = Self {
        x: [0; L],
        y: [0; L],
    };

    #[inline(always)]
    pub(super) fn is_infinity(&self) -> bool {
        is_zero(&self.x) && is_zero(&self.y)
    }
}

impl<const L: usize> zeroize::DefaultIsZeroes for Point<L> {}

impl<const L: usize> Default for Point<L> {
    fn default() -> Self {
        Self::INFINITY
    }
}

/// Adds points many at a time: one inversion serves them all.
pub(super) struct Adder<const L: usize> {
    /// A heap of products: the differences to invert are its leaves, each node is the product of its two
    /// children (P. Montgomery's simultaneous inversion as a tree, so that the products do not wait for one
    /// another).
    tree: Zeroizing<Vec<Limbs<L>>>,
}

impl<const L: usize> Adder<L> {
    /// An adder for up to `most` points at a time.
    pub(super) fn new(most: usize) -> Self {
        Self {
            tree: Zeroizing::new(vec![[0; L]; 2 * most]),
        }
    }

    /// Adds `other(index)` to each of `sums`, which are no more than `most`. Equal and opposite points and
    /// infinity are served too.
    #[inline(always)]
    pub(super) fn add<C: Weierstrass<L>>(
        &mut self,
        sums: &mut [Point<L>],
        other: impl Fn(usize) -> Point<L>,
    ) {
        let field = const { &C::FIELD };
        let count = sums.len();
        let Some(tree) = self.tree.get_mut(..2 * count) else {
            debug_assert!(false, "more points than the adder was made for");
            return;
        };
        let (_, leaves) = tree.split_at_mut(count);
        for (index, (leaf, p)) in leaves.iter_mut().zip(&*sums).enumerate() {
            *leaf = divisor::<C, L>(p, &other(index));
        }
        invert_all::<C, L>(tree);
        let (_, leaves) = tree.split_at(count);
        for (index, (inverse, sum)) in leaves.iter().zip(sums).enumerate() {
            let (p, q) = (*sum, other(index));
            let rise = if p.x != q.x {
                if p.is_infinity() {
                    *sum = q;
                    continue;
                }
                if q.is_infinity() {
                    continue;
                }
                field.subtract(&q.y, &p.y)
            } else if p.y == q.y && !is_zero(&p.y) {
                let square = C::multiply(&p.x, &p.x);
                let triple = field.add(&field.add(&square, &square), &square);
                field.add(&triple, &C::A)
            } else {
                *sum = Point::INFINITY;
                continue;
            };
            let slope = C::multiply(&rise, inverse);
            let square = C::multiply(&slope, &slope);
            let x = field.subtract(&field.subtract(&square, &p.x), &q.x);
            let step = C::multiply(&slope, &field.subtract(&p.x, &x));
            *sum = Point {
                x,
                y: field.subtract(&step, &p.y),
            };
        }
    }
}

/// What the slope of the line through `p` and `q` is divided by; never zero: one where no division is needed.
#[inline(always)]
fn divisor<C: Weierstrass<L>, const L: usize>(p: &Point<L>, q: &Point<L>) -> Limbs<L> {
    let field = const { &C::FIELD };
    if p.x != q.x {
        // If one of them is infinity, the value is the other's x: not zero, and not used.
        field.subtract(&q.x, &p.x)
    } else if p.y == q.y && !is_zero(&p.y) {
        field.add(&p.y, &p.y)
    } else {
        field.one
    }
}

/// Replaces the leaves of a heap of 2·n places, places n and above, by their inverses. No leaf is zero.
#[allow(clippy::indexing_slicing)] // children 2i and 2i + 1 of a node i < n are below 2n
pub(super) fn invert_all<C: Weierstrass<L>, const L: usize>(tree: &mut [Limbs<L>]) {
    let count = tree.len() / 2;
    if count == 0 {
        return;
    }
    for node in (1..count).rev() {
        tree[node] = C::multiply(&tree[2 * node], &tree[2 * node + 1]);
    }
    tree[1] = C::invert(&tree[1]);
    for node in 1..count {
        let (left, right) = (tree[2 * node], tree[2 * node + 1]);
        tree[2 * node] = C::multiply(&tree[node], &right);
        tree[2 * node + 1] = C::multiply(&tree[node], &left);
    }
}

/// Declares the curves: limbs of an element and digits of it in the vector kernel, field and order in hexadecimal, a, b
/// and the generator as plain numbers.
///
/// Sources: SEC 2 version 2, sections 2.4 to 2.6 and FIPS 186-4, D.1.2.
macro_rules! constants {
    ($limbs:literal, $digits:literal, $p:literal, $n:literal, $a:expr, $b:literal, $x:literal, $y:literal) => {
        const FIELD: Modulus<$limbs> = Modulus::new(from_hex($p));
        const ORDER: Modulus<$limbs> = Modulus::new(from_hex($n));
        const A: Limbs<$limbs> = $a;
        const B: Limbs<$limbs> = Self::FIELD.enter(&from_hex($b));
        const GENERATOR: Point<$limbs> = Point {
            x: Self::FIELD.enter(&from_hex($x)),
            y: Self::FIELD.enter(&from_hex($y)),
        };

        fn table() -> &'static Table<$limbs> {
            static TABLE: OnceLock<Table<$limbs>> = OnceLock::new();
            TABLE.get_or_init(Table::new::<Self>)
        }

        #[cfg(target_arch = "x86_64")]
        fn kernel(most: usize) -> Option<Box<dyn Kernel<$limbs>>> {
            Some(Box::new(Lanes::<Self, $limbs, $digits>::new(most)?))
        }

        #[cfg(not(target_arch = "x86_64"))]
        fn kernel(_: usize) -> Option<Box<dyn Kernel<$limbs>>> {
            None
        }
    };
}

/// -3
const fn minus_three<const L: usize>(field: &Modulus<L>) -> Limbs<L> {
    let mut three = [0; L];
    if let Some((low, _)) = three.split_first_mut() {
        *low = 3;
    }
    field.negate(&field.enter(&three))
}

/// secp256r1.
pub(super) struct P256;

impl Weierstrass<4> for P256 {
    constants!(
        4,
        5,
        "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        minus_three(&Self::FIELD),
        "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    );
    const SCALAR_BITS: usize = 256;
}

/// secp384r1.
pub(super) struct P384;

impl Weierstrass<6> for P384 {
    constants!(
        6,
        8,
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        minus_three(&Self::FIELD),
        "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
        "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
        "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"
    );
    const SCALAR_BITS: usize = 384;
}

/// secp521r1.
pub(super) struct P521;

impl Weierstrass<9> for P521 {
    constants!(
        9,
        11,
        "1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        minus_three(&Self::FIELD),
        "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
        "c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
        "11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650"
    );
    const SCALAR_BITS: usize = 521;
    const DIGIT_BITS: usize = 8;
}

/// secp256k1: a = 0.
pub(super) struct Secp256k1;

impl Weierstrass<4> for Secp256k1 {
    constants!(
        4,
        5,
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        [0; 4],
        "7",
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
    );
    const SCALAR_BITS: usize = 256;
}

/// Curve25519 as RFC 7748, section 4.1, has it, moved so that x = u + 486662/3, y = v: the form Wei25519 of
/// NIST SP 800-186, appendix B.1. Ed25519's points are these too, by u = (1 + y) / (1 - y).
pub(super) struct Curve25519;

impl Weierstrass<4> for Curve25519 {
    constants!(
        4,
        5,
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
        "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
        Self::FIELD.enter(&from_hex(
            "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa984914a144"
        )),
        "7b425ed097b425ed097b425ed097b425ed097b425ed097b4260b5e9c7710c864",
        "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad245a",
        "20ae19a1b8a086b4e01edd2c7748d14c923d4d7e6d7c61b229e9c5a27eced3d9"
    );
    const SCALAR_BITS: usize = 255;
}
