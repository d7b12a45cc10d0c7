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

    /// The points of one digit place.
    fn row<C: Weierstrass<L>>(&self, place: usize) -> &[Point<L>] {
        let entries = entries::<C, L>();
        self.points
            .get(place * entries..(place + 1) * entries)
            .unwrap_or_default()
    }
}

/// Scratch for multiplying up to a number of scalars at a time, wiped when dropped.
pub(super) struct Comb<C, const L: usize> {
    /// Most scalars at a time.
    most: usize,
    /// The digits of place 0 of all scalars, then of place 1, and so on.
    digits: Zeroizing<Vec<i16>>,
    sums: Zeroizing<Vec<Point<L>>>,
    adder: Adder<L>,
    curve: PhantomData<C>,
}

impl<C: Weierstrass<L>, const L: usize> Comb<C, L> {
    /// Scratch for up to `most` scalars at a time.
    pub(super) fn new(most: usize) -> Self {
        // Fewer scalars take more sums each, no more than `SUMS` in all.
        let sums = most.max((most * places::<C, L>()).min(SUMS));
        Self {
            most,
            digits: Zeroizing::new(vec![0; most * places::<C, L>()]),
            sums: Zeroizing::new(vec![Point::INFINITY; sums]),
            adder: Adder::new(sums),
            curve: PhantomData,
        }
    }

    /// The multiples of the generator by `scalars`, each below 2^`SCALAR_BITS`; no more than `most` of them.
    pub(super) fn multiply(&mut self, scalars: &[Limbs<L>]) -> &[Point<L>] {
        let count = scalars.len();
        if count == 0 || count > self.most {
            debug_assert!(count == 0, "more scalars than the scratch was made for");
            return &[];
        }
        let places = places::<C, L>();
        let Some(digits) = self.digits.get_mut(..count * places) else {
            return &[];
        };
        write_digits::<C, L>(scalars, digits);
        let mut lanes = lanes::<C, L>(count);
        let Some(sums) = self.sums.get_mut(..count * lanes) else {
            return &[];
        };
        let table = C::table();
        for (step, digits) in digits.chunks(count * lanes).enumerate() {
            let Some(sums) = sums.get_mut(..digits.len()) else {
                return &[];
            };
            if step == 0 {
                for (lane, (sums, digits)) in sums
                    .chunks_exact_mut(count)
                    .zip(digits.chunks_exact(count))
                    .enumerate()
                {
                    let row = table.row::<C>(lane);
                    for (sum, &digit) in sums.iter_mut().zip(digits) {
                        *sum = entry::<C, L>(row, digit);
                    }
                }
            } else if lanes == 1 {
                let row = table.row::<C>(step);
                self.adder.add::<C>(sums, |index| {
                    entry::<C, L>(row, digits.get(index).copied().unwrap_or(0))
                });
            } else {
                self.adder.add::<C>(sums, |index| {
                    let row = table.row::<C>(step * lanes + index / count);
                    entry::<C, L>(row, digits.get(index).copied().unwrap_or(0))
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

/// Sums that go forward together: enough that an inversion, about 300 multiplications, costs little for each.
const SUMS: usize = 1024;

/// Scalars to multiply at a time.
pub(super) const BATCH: usize = 1024;

/// Digits of a scalar.
const fn places<C: Weierstrass<L>, const L: usize>() -> usize {
    C::SCALAR_BITS.div_ceil(C::DIGIT_BITS)
}

/// Points a digit place has in the table.
const fn entries<C: Weierstrass<L>, const L: usize>() -> usize {
    1 << (C::DIGIT_BITS - 1)
}

/// The point of a digit's absolute value, or its negative.
#[inline(always)]
fn entry<C: Weierstrass<L>, const L: usize>(row: &[Point<L>], digit: i16) -> Point<L> {
    let Some(multiple) = usize::from(digit.unsigned_abs()).checked_sub(1) else {
        return Point::INFINITY;
    };
    let Some(&point) = row.get(multiple) else {
        return Point::INFINITY;
    };
    if digit > 0 {
        return point;
    }
    Point {
        x: point.x,
        y: const { &C::FIELD }.negate(&point.y),
    }
}

/// Writes the digits of all scalars, those of one place together.
///
/// A digit above 2^(w-1) becomes itself less 2^w and carries into the next place. The highest place never
/// does: it has fewer than w bits.
fn write_digits<C: Weierstrass<L>, const L: usize>(scalars: &[Limbs<L>], digits: &mut [i16]) {
    const {
        assert!(!C::SCALAR_BITS.is_multiple_of(C::DIGIT_BITS));
        assert!(C::DIGIT_BITS <= 15);
    }
    let count = scalars.len();
    let half = entries::<C, L>() as u64;
    for (index, scalar) in scalars.iter().enumerate() {
        let mut carry = 0;
        for (place, row) in digits.chunks_exact_mut(count).enumerate() {
            let bits = bits_at(scalar, place * C::DIGIT_BITS) & (2 * half - 1);
            let digit = bits + carry;
            carry = u64::from(digit > half);
            if let Some(slot) = row.get_mut(index) {
                *slot = digit as i16 - ((carry * 2 * half) as i16);
            }
        }
        debug_assert!(carry == 0, "a scalar with more bits than the curve's");
    }
}

/// The bits of `scalar` from the bit `at` on, at least 15 of them where it has them.
#[inline(always)]
fn bits_at<const L: usize>(scalar: &Limbs<L>, at: usize) -> u64 {
    let limb = |index: usize| scalar.get(index).copied().unwrap_or(0);
    let (index, shift) = (at / 64, at % 64);
    let pair = u128::from(limb(index)) | u128::from(limb(index + 1)) << 64;
    (pair >> shift) as u64
}
