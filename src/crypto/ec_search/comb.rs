//! Multiples of a curve's generator, many scalars at a time.
//!
//! A scalar is written in signed digits of w bits, s = Σ dᵢ·2^(w·i) with |dᵢ| <= 2^(w-1), and the points
//! dᵢ·2^(w·i)·G stand in a table: s·G is the sum of one entry for each digit. The sums of all scalars of a
//! batch go forward together, so one inversion serves an addition of each. Few scalars keep several sums
//! each, which are added up at the end: fewer inversions again.

use super::field::Limbs;
use super::weierstrass::{Adder, Point, Weierstrass};
use std::marker::PhantomData;
use zeroize::Zeroizing;

/// The points d·2^(w·i)·G for each digit place i and 1 <= d <= 2^(w-1).
pub(super) struct Table<const L: usize> {
    /// 2^(w-1) points a place.
    points: Vec<Point<L>>,
}

impl<const L: usize> Table<L> {
    /// The table of a curve's generator.
    pub(super) fn new<C: Weierstrass<L>>() -> Self {
        let places = places::<C, L>();
        let entries = entries::<C, L>();
        let mut adder = Adder::new(places * entries / 2);
        let mut points = vec![Point::INFINITY; places * entries];
        let mut base = [C::GENERATOR];
        for row in points.chunks_exact_mut(entries) {
            if let (Some(slot), [base]) = (row.first_mut(), base) {
                *slot = base;
            }
            for _ in 0..C::DIGIT_BITS {
                let [same] = base;
                adder.add::<C>(&mut base, |_| same);
            }
        }
        // Of a row that has its multiples 1..=m those up to 2m are their sums with the m-th.
        let mut done = 1;
        while done < entries {
            let at = |index: usize| (index / done * entries, index % done);
            let point = |row: usize, multiple: usize| {
                points
                    .get(row + multiple - 1)
                    .copied()
                    .unwrap_or(Point::INFINITY)
            };
            let mut sums: Vec<_> = (0..places * done)
                .map(|index| point(at(index).0, at(index).1 + 1))
                .collect();
            adder.add::<C>(&mut sums, |index| point(at(index).0, done));
            for (index, sum) in sums.into_iter().enumerate() {
                let (row, place) = at(index);
                if let Some(slot) = points.get_mut(row + done + place) {
                    *slot = sum;
                }
            }
            done *= 2;
        }
        Self { points }
    }

    /// The points d·2^(w·i)·G, those of each place i in the order of d.
    #[inline(always)]
    pub(super) fn points(&self) -> &[Point<L>] {
        &self.points
    }
}

/// What multiplies a batch faster than the portable code, and gives the same points.
pub(super) trait Kernel<const L: usize> {
    /// Writes the multiples of the generator by `scalars`. `None` if they take the portable code.
    fn multiply(&mut self, scalars: &[Limbs<L>], points: &mut [Point<L>]) -> Option<()>;
}

/// Scratch for multiplying up to a number of scalars at a time, wiped when dropped.
pub(super) struct Comb<C: Weierstrass<L>, const L: usize> {
    /// Most scalars at a time.
    most: usize,
    /// For batches that are not short, where the processor has one.
    kernel: Option<Box<dyn Kernel<L>>>,
    /// What the kernel gives.
    points: Zeroizing<Vec<Point<L>>>,
    /// For all batches so far that the kernel has not served.
    portable: Portable<C, L>,
}

impl<C: Weierstrass<L>, const L: usize> Comb<C, L> {
    /// Scratch for up to `most` scalars at a time.
    pub(super) fn new(most: usize) -> Self {
        let kernel = (most >= FEW).then(|| C::kernel(most)).flatten();
        Self {
            most,
            points: Zeroizing::new(vec![
                Point::INFINITY;
                if kernel.is_some() { most } else { 0 }
            ]),
            portable: Portable::new(if kernel.is_some() { 0 } else { most }),
            kernel,
        }
    }

    /// The multiples of the generator by `scalars`, each below 2^`SCALAR_BITS`; no more than `most` of them.
    pub(super) fn multiply(&mut self, scalars: &[Limbs<L>]) -> &[Point<L>] {
        let count = scalars.len();
        if count == 0 || count > self.most {
            debug_assert!(count == 0, "more scalars than the scratch was made for");
            return &[];
        }
        if count >= FEW
            && let Some(kernel) = &mut self.kernel
            && let Some(points) = self.points.get_mut(..count)
            && kernel.multiply(scalars, points).is_some()
        {
            return points;
        }
        if count > self.portable.most {
            self.portable = Portable::new(count);
        }
        self.portable.multiply(scalars)
    }
}

/// Batches of fewer scalars are faster by the portable code: the lanes of a kernel would be idle.
const FEW: usize = 4;

/// The portable code, and scratch for up to a number of scalars at a time.
pub(super) struct Portable<C, const L: usize> {
    most: usize,
    /// The positions of the entries of place 0 for all scalars, then of place 1, and so on.
    positions: Zeroizing<Vec<i16>>,
    sums: Zeroizing<Vec<Point<L>>>,
    adder: Adder<L>,
    curve: PhantomData<C>,
}

impl<C: Weierstrass<L>, const L: usize> Portable<C, L> {
    pub(super) fn new(most: usize) -> Self {
        // Fewer scalars take more sums each, no more than `SUMS` in all.
        let sums = most.max((most * places::<C, L>()).min(SUMS));
        Self {
            most,
            positions: Zeroizing::new(vec![0; most * places::<C, L>()]),
            sums: Zeroizing::new(vec![Point::INFINITY; sums]),
            adder: Adder::new(sums),
            curve: PhantomData,
        }
    }

    /// As [`Comb::multiply`], for at least one scalar.
    pub(super) fn multiply(&mut self, scalars: &[Limbs<L>]) -> &[Point<L>] {
        let count = scalars.len();
        let places = places::<C, L>();
        let Some(positions) = self.positions.get_mut(..count * places) else {
            return &[];
        };
        write_positions::<C, L>(scalars, count, positions);
        let mut lanes = lanes::<C, L>(count);
        let Some(sums) = self.sums.get_mut(..count * lanes) else {
            return &[];
        };
        let table = C::table().points();
        for (step, positions) in positions.chunks(count * lanes).enumerate() {
            let Some(sums) = sums.get_mut(..positions.len()) else {
                return &[];
            };
            if step == 0 {
                for (sum, &position) in sums.iter_mut().zip(positions) {
                    *sum = entry::<C, L>(table, position);
                }
            } else {
                self.adder.add::<C>(sums, |index| {
                    entry::<C, L>(table, positions.get(index).copied().unwrap_or(0))
                });
            }
        }
        while lanes > 1 {
            let half = lanes.div_ceil(2);
            let (low, high) = sums.split_at_mut(half * count);
            let pairs = (lanes - half) * count;
            let (Some(low), Some(high)) = (low.get_mut(..pairs), high.get(..pairs)) else {
                return &[];
            };
            self.adder.add::<C>(low, |index| {
                high.get(index).copied().unwrap_or(Point::INFINITY)
            });
            lanes = half;
        }
        self.sums.get(..count).unwrap_or_default()
    }
}

/// How many sums a scalar has in a batch of `count`.
fn lanes<C: Weierstrass<L>, const L: usize>(count: usize) -> usize {
    (SUMS / count.max(1)).clamp(1, places::<C, L>())
}

/// Sums that go forward together: enough that an inversion, the time of about a hundred
/// multiplications, costs little for each.
const SUMS: usize = 1024;

/// Scalars to multiply at a time.
pub(super) const BATCH: usize = 1024;

/// Digits of a scalar.
pub(super) const fn places<C: Weierstrass<L>, const L: usize>() -> usize {
    C::SCALAR_BITS.div_ceil(C::DIGIT_BITS)
}

/// Points a digit place has in the table.
const fn entries<C: Weierstrass<L>, const L: usize>() -> usize {
    1 << (C::DIGIT_BITS - 1)
}

/// The entry at a position, or its negative.
#[inline(always)]
fn entry<C: Weierstrass<L>, const L: usize>(table: &[Point<L>], position: i16) -> Point<L> {
    let Some(index) = usize::from(position.unsigned_abs()).checked_sub(1) else {
        return Point::INFINITY;
    };
    let Some(&point) = table.get(index) else {
        return Point::INFINITY;
    };
    if position > 0 {
        return point;
    }
    Point {
        x: point.x,
        y: const { &C::FIELD }.negate(&point.y),
    }
}

/// Writes where the digits of all scalars have their entries, those of one place together and filled up to `stride` by
/// zeros. A position is counted from one and has the digit's sign; that of the digit 0 is 0.
///
/// A digit above 2^(w-1) becomes itself less 2^w and carries into the next place. The highest place never
/// does: it has fewer than w bits.
pub(super) fn write_positions<C: Weierstrass<L>, const L: usize>(
    scalars: &[Limbs<L>],
    stride: usize,
    positions: &mut [i16],
) {
    const {
        assert!(!C::SCALAR_BITS.is_multiple_of(C::DIGIT_BITS));
        assert!(places::<C, L>() * entries::<C, L>() <= i16::MAX as usize);
    }
    let half = entries::<C, L>() as i16;
    for row in positions.chunks_exact_mut(stride) {
        row.iter_mut()
            .skip(scalars.len())
            .for_each(|slot| *slot = 0);
    }
    // So many at a time as fill a line of memory: the rows lie at distances that share few places of a cache.
    const LINE: usize = 32;
    let mut carries = Zeroizing::new([0; LINE]);
    for (line, scalars) in scalars.chunks(LINE).enumerate() {
        carries.fill(0);
        let mut before = 0;
        for (place, row) in positions.chunks_exact_mut(stride).enumerate() {
            let slots = row.iter_mut().skip(line * LINE);
            let at = place * C::DIGIT_BITS;
            let (index, bit) = (at / 64, at % 64);
            for ((slot, scalar), carry) in slots.zip(scalars).zip(&mut *carries) {
                let low = scalar.get(index).copied().unwrap_or(0) >> bit;
                let high = scalar.get(index + 1).copied().unwrap_or(0) << 1 << (63 - bit);
                let bits = (low | high) as i16 & (2 * half - 1);
                let digit = bits + *carry;
                *carry = i16::from(digit > half);
                let digit = digit - *carry * 2 * half;
                *slot = digit + digit.signum() * before;
            }
            before += half;
        }
        debug_assert!(
            carries.iter().all(|carry| *carry == 0),
            "a scalar with more bits than the curve's"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{from_hex, is_zero};
    use super::super::on_curve;
    use super::super::weierstrass::{Curve25519, P256};
    use super::*;
    use crate::crypto::Curve;

    /// By itself, where it has a sum for each digit, and among many, where one sum takes the digits in turn.
    fn multiply(scalar: &Limbs<4>) -> Point<4> {
        let alone = Comb::<Curve25519, 4>::new(1).multiply(&[*scalar])[0];
        let many = Comb::<Curve25519, 4>::new(SUMS)
            .multiply(&[*scalar; SUMS])
            .to_vec();
        assert!(many.iter().all(|point| *point == alone));
        alone
    }

    /// times·number, for results below 2^256.
    fn times(number: &Limbs<4>, times: u64) -> Limbs<4> {
        let mut carry = 0;
        number.map(|limb| {
            let product = u128::from(limb) * u128::from(times) + carry;
            carry = product >> 64;
            product as u64
        })
    }

    #[test]
    fn sums_that_cancel_or_meet_on_the_way_come_out_right() {
        // Curve25519's scalars go up to 8 times the order, 2^252 + c, so partial sums of digits can cancel:
        // k·order gives infinity; in k·2^252 - k·c both parts are the same point.
        let order = Curve25519::ORDER.limbs;
        let c: Limbs<4> = [order[0], order[1], 0, 0];
        for k in 1..8 {
            assert!(multiply(&times(&order, k)).is_infinity());
            let mut plus_one = times(&order, k);
            plus_one[0] += 1;
            assert!(multiply(&plus_one) == Curve25519::GENERATOR);

            let kc = times(&c, k);
            let mut borrow = false;
            let doubled: Limbs<4> = std::array::from_fn(|index| {
                let top = if index == 3 { k << 60 } else { 0 };
                let (part, first) = top.overflowing_sub(kc[index]);
                let (limb, second) = part.overflowing_sub(u64::from(borrow));
                borrow = first | second;
                limb
            });
            // k·2^252 - k·c = k·order - 2·k·c: the negative of 2·k·c.
            let (sum, expected) = (multiply(&doubled), multiply(&times(&kc, 2)));
            assert!(sum.x == expected.x && sum.y == Curve25519::FIELD.negate(&expected.y));
        }
        assert!(multiply(&[0; 4]).is_infinity());
    }

    #[test]
    fn the_adder_serves_equal_opposite_and_infinite_points() {
        let field = &P256::FIELD;
        let g = P256::GENERATOR;
        let opposite = Point {
            x: g.x,
            y: field.negate(&g.y),
        };
        let points = [1, 2, 3].map(|scalar| {
            let encoding = Curve::P256.derive(&[scalar]).unwrap();
            on_curve::read::<P256, 4>(Curve::P256, &encoding[1..]).unwrap()
        });
        assert!(points[0] == g);
        let cases = [
            (g, g, points[1]),
            (g, points[1], points[2]),
            (points[1], g, points[2]),
            (g, opposite, Point::INFINITY),
            (g, Point::INFINITY, g),
            (Point::INFINITY, g, g),
            (Point::INFINITY, Point::INFINITY, Point::INFINITY),
            (points[2], opposite, points[1]),
        ];
        let mut sums: Vec<_> = cases.iter().map(|case| case.0).collect();
        Adder::new(cases.len()).add::<P256>(&mut sums, |index| cases[index].1);
        for (sum, case) in sums.iter().zip(&cases) {
            assert!(*sum == case.2);
        }
        Adder::new(0).add::<P256>(&mut [], |_| g);
    }

    #[test]
    fn one_scratch_serves_batches_of_every_length() {
        let mut comb = Comb::<P256, 4>::new(40);
        let scalars: Vec<Limbs<4>> = (1..=40u64).map(|n| [n << 50, n, 0, n << 60]).collect();
        let all = comb.multiply(&scalars).to_vec();
        for length in 0..=40 {
            assert!(comb.multiply(&scalars[..length]) == &all[..length]);
        }
        assert!(all.iter().all(|point| {
            P256::multiply(&point.y, &point.y) == P256::right_side(&point.x) && !is_zero(&point.x)
        }));
    }

    #[test]
    fn table_rows_hold_the_multiples_of_their_place() {
        let table = P256::table();
        assert_eq!(table.points.len(), 29 * 256);
        let g_times_2_9 = from_hex::<4>("200");
        let mut comb = Comb::<P256, 4>::new(1);
        assert!(table.points[256] == comb.multiply(&[g_times_2_9])[0]);
        assert!(table.points[255] == comb.multiply(&[[256, 0, 0, 0]])[0]);
        assert!(table.points[0] == P256::GENERATOR);
    }
}
