//! The vector kernel of [`Comb`](super::comb::Comb): eight sums go forward in the lanes of a register, by
//! AVX-512 IFMA.
//!
//! It takes the entries of the portable table and gives the portable points. Points p and q of different x are
//! added in that form, with products that are divided by R' = R·2^s instead of R, so:
//!
//! ```text
//! slope = (q.y - p.y) · inverse             of its true value 2^(s/2) times
//! x = slope² - p.x - q.x
//! y = slope · (p.x - x)·2^(s/2) - p.y
//! ```
//!
//! Where s is negative (P-521), halves would have to be divided by: there the slope has 2^s times its value,
//! and the square is multiplied by 2^-s. The factor of the slope comes with the inverses, at no price.
//!
//! Infinity is told by masks. Equal and opposite points are nowhere told apart: the product of differences of
//! their lane is zero, and the whole batch is left to the portable code. It takes a scalar made for it.

use super::comb::{Kernel, places, write_positions};
use super::field::Limbs;
use super::simd_digits::{
    Digits, LANES, Register, Stored, blended, carried, load, negated, save, scaled, shifted,
    with_ones,
};
use super::simd_field::Field;
use super::weierstrass::{Point, Weierstrass};
use std::arch::x86_64::{
    _mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_setzero_si128,
};
use std::marker::PhantomData;
use zeroize::Zeroizing;

/// Registers of sums that go forward together: enough that an inversion costs little for each.
const GROUPS: usize = 256;

/// Scratch for multiplying up to a number of scalars at a time, wiped when dropped. There is one only on a processor
/// that has the kernel.
pub(super) struct Lanes<C, const L: usize, const N: usize> {
    /// The entries of place 0 for all scalars, filled up to whole registers with infinity, then of place 1, and so on.
    positions: Zeroizing<Vec<i16>>,
    sums: Zeroizing<Vec<Sum<N>>>,
    /// A bit for each lane of `sums` that is infinity.
    infinite: Zeroizing<Vec<u8>>,
    /// A heap of products, as that of [`Adder`](super::weierstrass::Adder), for each lane.
    tree: Zeroizing<Vec<Stored<N>>>,
    curve: PhantomData<C>,
}

/// The coordinates of eight points: columns of numbers from 0 to p and a 2^28th of it.
type Sum<const N: usize> = [Stored<N>; 2];

/// Eight points to add.
enum Addend<'a, const N: usize> {
    /// Entries of the table.
    Entries(&'a [i16; LANES]),
    /// Other sums, and which of them are infinity.
    Sums(&'a Sum<N>, u8),
}

impl<C: Weierstrass<L>, const L: usize, const N: usize> Lanes<C, L, N> {
    /// Scratch for up to `most` scalars at a time; `None` where the processor lacks AVX-512 IFMA.
    pub(super) fn new(most: usize) -> Option<Self> {
        let is_able = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        let groups = most.div_ceil(LANES);
        let sums = groups.max((groups * places::<C, L>()).min(GROUPS));
        is_able.then(|| Self {
            positions: Zeroizing::new(vec![0; groups * LANES * places::<C, L>()]),
            sums: Zeroizing::new(vec![[[Register::default(); N]; 2]; sums]),
            infinite: Zeroizing::new(vec![0; sums]),
            tree: Zeroizing::new(vec![[Register::default(); N]; 2 * sums]),
            curve: PhantomData,
        })
    }

    /// As [`Kernel::multiply`].
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn multiply_lanes(&mut self, scalars: &[Limbs<L>], points: &mut [Point<L>]) -> Option<()> {
        let groups = scalars.len().div_ceil(LANES);
        let places = places::<C, L>();
        let positions = self.positions.get_mut(..groups * LANES * places)?;
        write_positions::<C, L>(scalars, groups * LANES, positions);
        let (positions, _) = positions.as_chunks();
        let mut stripes = (GROUPS / groups.max(1)).clamp(1, places);
        let sums = self.sums.get_mut(..groups * stripes)?;
        let infinite = self.infinite.get_mut(..groups * stripes)?;
        let mut steps = positions.chunks(groups * stripes);
        let first = steps.next()?;
        for ((sum, infinite), positions) in sums.iter_mut().zip(&mut *infinite).zip(first) {
            let addend = Addend::Entries(positions);
            let [x, y] = sum;
            save(x, &Self::x(&addend));
            save(y, &Self::positive_y(&addend));
            *infinite = Self::infinite(&addend);
        }
        for positions in steps {
            let sums = sums.get_mut(..positions.len())?;
            let infinite = infinite.get_mut(..positions.len())?;
            let addends = positions.iter().map(Addend::Entries);
            Self::add(&mut self.tree, sums, infinite, addends)?;
        }
        while stripes > 1 {
            let half = stripes.div_ceil(2);
            let pairs = (stripes - half) * groups;
            let (low, high) = sums.split_at_mut(half * groups);
            let (low_infinite, high_infinite) = infinite.split_at_mut(half * groups);
            let addends = high.iter().zip(&*high_infinite).take(pairs);
            let addends = addends.map(|(sum, &infinite)| Addend::Sums(sum, infinite));
            let (low, low_infinite) = (low.get_mut(..pairs)?, low_infinite.get_mut(..pairs)?);
            Self::add(&mut self.tree, low, low_infinite, addends)?;
            stripes = half;
        }
        let mut xs = Zeroizing::new([[0; L]; LANES]);
        let mut ys = Zeroizing::new([[0; L]; LANES]);
        for ((points, [x, y]), &infinite) in points.chunks_mut(LANES).zip(&*sums).zip(&*infinite) {
            Field::<C, L, N>::leave(load(x), &mut xs);
            Field::<C, L, N>::leave(load(y), &mut ys);
            for (lane, ((point, x), y)) in points.iter_mut().zip(&*xs).zip(&*ys).enumerate() {
                *point = Point { x: *x, y: *y };
                if infinite >> lane & 1 == 1 {
                    *point = Point::INFINITY;
                }
            }
        }
        Some(())
    }

    /// Adds each addend to each of `sums`. `None` if two of one x meet, neither of them infinity: the sums are of no
    /// use then.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn add<'a>(
        tree: &mut [Stored<N>],
        sums: &mut [Sum<N>],
        infinite: &mut [u8],
        addends: impl Iterator<Item = Addend<'a, N>> + Clone,
    ) -> Option<()> {
        let count = sums.len();
        let tree = tree.get_mut(..2 * count)?;
        let (_, leaves) = tree.split_at_mut(count);
        for (((leaf, [x, _]), &infinite), addend) in leaves
            .iter_mut()
            .zip(&*sums)
            .zip(&*infinite)
            .zip(addends.clone())
        {
            // Below 3.1·p. What an infinite point has for x says nothing.
            let difference = Field::<C, L, N>::difference(&Self::x(&addend), &load(x), 2);
            let unused = infinite | Self::infinite(&addend);
            save(leaf, &with_ones(unused, &carried(difference)));
        }
        Self::invert_all(tree)?;
        let (_, leaves) = tree.split_at(count);
        for (((inverse, [x, y]), infinite), addend) in
            leaves.iter().zip(sums).zip(infinite).zip(addends)
        {
            let (old_x, old_y) = (load(x), load(y));
            let addend_x = Self::x(&addend);
            // Below 4·p, the inverse below 1.5·p, so the slope below 1.4·p.
            let rise = Field::<C, L, N>::difference(&Self::y(&addend), &old_y, 3);
            let rise = carried(rise);
            let slope = Field::<C, L, N>::multiply(&rise, &load(inverse));
            // Below 1.2·p; of P-521 16 times what is hardly above p.
            let mut square = Field::<C, L, N>::product(&slope, &slope);
            if Field::<C, L, N>::SURPLUS < 0 {
                square = scaled(&square, Field::<C, L, N>::SURPLUS.unsigned_abs());
            }
            let new_x = Field::<C, L, N>::difference(&square, &old_x, 3);
            let new_x = Field::<C, L, N>::difference(&new_x, &addend_x, 0);
            let new_x = Field::<C, L, N>::shortened(new_x);
            // Below 3.1·p, times 4 below R'; the product below 2.1·p.
            let mut run = carried(Field::<C, L, N>::difference(&old_x, &new_x, 2));
            if Field::<C, L, N>::SURPLUS > 0 {
                run = shifted(&run, Field::<C, L, N>::SURPLUS.unsigned_abs() / 2);
            }
            let step = Field::<C, L, N>::product(&slope, &run);
            let new_y = Field::<C, L, N>::difference(&step, &old_y, 2);
            let new_y = Field::<C, L, N>::shortened(new_y);
            let absent = Self::infinite(&addend);
            let (mut new_x, mut new_y) = (
                blended(absent, &new_x, &old_x),
                blended(absent, &new_y, &old_y),
            );
            if *infinite & !absent != 0 {
                new_x = blended(*infinite & !absent, &new_x, &addend_x);
                new_y = blended(*infinite & !absent, &new_y, &Self::positive_y(&addend));
            }
            save(x, &new_x);
            save(y, &new_y);
            *infinite &= absent;
        }
        Some(())
    }

    /// Replaces the leaves of a heap of 2·n places, places n and above, by what makes slopes of rises. `None` if a leaf
    /// is zero modulo p.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[allow(clippy::indexing_slicing)] // children 2i and 2i + 1 of a node i < n are below 2n
    fn invert_all(tree: &mut [Stored<N>]) -> Option<()> {
        let count = tree.len() / 2;
        if count == 0 {
            return Some(());
        }
        // Products of leaves are below 1.6·p, those of products below 1.2·p.
        for node in (1..count).rev() {
            let (left, right) = (load(&tree[2 * node]), load(&tree[2 * node + 1]));
            save(&mut tree[node], &Field::<C, L, N>::multiply(&left, &right));
        }
        let inverses = Field::<C, L, N>::inverses(load(&tree[1]))?;
        save(&mut tree[1], &inverses);
        for node in 1..count {
            let inverse = load(&tree[node]);
            let (left, right) = (load(&tree[2 * node]), load(&tree[2 * node + 1]));
            save(
                &mut tree[2 * node],
                &Field::<C, L, N>::multiply(&inverse, &right),
            );
            save(
                &mut tree[2 * node + 1],
                &Field::<C, L, N>::multiply(&inverse, &left),
            );
        }
        Some(())
    }

    /// The x of an addend; anything where it is infinity.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn x(addend: &Addend<'_, N>) -> Digits<N> {
        match addend {
            Addend::Entries(positions) => {
                Field::<C, L, N>::enter(entries::<C, L>(positions).map(|point| &point.x))
            }
            Addend::Sums([x, _], _) => load(x),
        }
    }

    /// The y of an addend as columns of numbers from -p to p and a 2^28th of it; anything where it is infinity.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn y(addend: &Addend<'_, N>) -> Digits<N> {
        match addend {
            Addend::Entries(positions) => {
                let entries = entries::<C, L>(positions).map(|point| &point.y);
                negated(signs(positions), &Field::<C, L, N>::enter(entries))
            }
            Addend::Sums([_, y], _) => load(y),
        }
    }

    /// The y of an addend in the form of a sum.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn positive_y(addend: &Addend<'_, N>) -> Digits<N> {
        Field::<C, L, N>::shortened(Field::<C, L, N>::raised(&Self::y(addend), 1))
    }

    /// A bit for each point that is infinity.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn infinite(addend: &Addend<'_, N>) -> u8 {
        match addend {
            Addend::Entries(positions) => zeros(positions),
            Addend::Sums(_, infinite) => *infinite,
        }
    }
}

impl<C: Weierstrass<L>, const L: usize, const N: usize> Kernel<L> for Lanes<C, L, N> {
    fn multiply(&mut self, scalars: &[Limbs<L>], points: &mut [Point<L>]) -> Option<()> {
        // SAFETY: this would be an illegal instruction on a processor without AVX-512 F, DQ and IFMA. `new` alone
        // makes the lanes, after it has seen all three.
        unsafe { self.multiply_lanes(scalars, points) }
    }
}

/// The entries at positions of the table, of whatever sign; any where there is none.
#[inline]
fn entries<C: Weierstrass<L>, const L: usize>(
    positions: &[i16; LANES],
) -> [&'static Point<L>; LANES] {
    let table = C::table().points();
    positions.map(|position| {
        let index = usize::from(position.unsigned_abs()).saturating_sub(1);
        table.get(index).unwrap_or(const { &Point::INFINITY })
    })
}

/// A bit for each position that is zero.
#[inline]
fn zeros(positions: &[i16; LANES]) -> u8 {
    // SAFETY: a load beyond the end of memory would fault. This one reads the 16 bytes of `positions`. Every processor
    // of this architecture has SSE2.
    unsafe {
        let positions = _mm_loadu_si128(positions.as_ptr().cast());
        let zeros = _mm_cmpeq_epi16(positions, _mm_setzero_si128());
        _mm_movemask_epi8(_mm_packs_epi16(zeros, _mm_setzero_si128())) as u8
    }
}

/// A bit for each position that is negative.
#[inline]
fn signs(positions: &[i16; LANES]) -> u8 {
    // SAFETY: as in `zeros`.
    unsafe {
        let positions = _mm_loadu_si128(positions.as_ptr().cast());
        _mm_movemask_epi8(_mm_packs_epi16(positions, _mm_setzero_si128())) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::super::comb::{BATCH, Comb, Portable};
    use super::super::weierstrass::{Curve25519, P256, P384, P521, Secp256k1};
    use super::*;
    use proptest::prelude::*;

    /// Scalars as good as random, the same in every run (SplitMix64).
    fn random<C: Weierstrass<L>, const L: usize>(count: usize) -> Vec<Limbs<L>> {
        let mut state = 0u64;
        let mut limb = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        };
        (0..count)
            .map(|_| fitting::<C, L>(std::array::from_fn(|_| limb())))
            .collect()
    }

    /// The bits that a scalar can have.
    fn fitting<C: Weierstrass<L>, const L: usize>(mut limbs: Limbs<L>) -> Limbs<L> {
        limbs[L - 1] &= u64::MAX >> (64 * L - C::SCALAR_BITS);
        limbs
    }

    /// What the kernel gives; `None` too where the processor has none, which `is_able` tells.
    fn by_kernel<C: Weierstrass<L>, const L: usize>(scalars: &[Limbs<L>]) -> Option<Vec<Point<L>>> {
        let mut points = vec![Point::INFINITY; scalars.len()];
        C::kernel(scalars.len())?.multiply(scalars, &mut points)?;
        Some(points)
    }

    fn is_able() -> bool {
        let is_able = P256::kernel(1).is_some();
        if !is_able {
            eprintln!("skipped: this processor has no AVX-512 IFMA");
        }
        is_able
    }

    fn check_lengths<C: Weierstrass<L>, const L: usize>(lengths: impl Iterator<Item = usize>) {
        let scalars = random::<C, L>(BATCH + 1);
        let expected = Portable::<C, L>::new(BATCH + 1).multiply(&scalars).to_vec();
        // One scratch for all, as batches come in a search.
        let mut comb = Comb::<C, L>::new(BATCH + 1);
        for length in lengths {
            let (scalars, expected) = (&scalars[..length], &expected[..length]);
            assert!(by_kernel::<C, L>(scalars).is_some_and(|points| points == expected));
            assert!(comb.multiply(scalars) == expected, "{length}");
        }
    }

    #[test]
    fn batches_of_every_length_are_those_of_the_portable_code() {
        if is_able() {
            check_lengths::<P256, 4>((1..=40).chain(63..=65).chain(1000..=1025));
            let some = [1, 7, 8, 9, 40, 63, 64, 65, 300, 1001, 1025, 3];
            check_lengths::<Secp256k1, 4>(some.into_iter());
            check_lengths::<Curve25519, 4>(some.into_iter());
            check_lengths::<P384, 6>(some.into_iter());
            check_lengths::<P521, 9>(some.into_iter());
        }
    }

    /// Scalars between others, which the kernel serves.
    fn check_among<C: Weierstrass<L>, const L: usize>(special: &[Limbs<L>]) {
        for count in [0, 1, 30, 600] {
            let mut scalars = random::<C, L>(count);
            for (index, scalar) in special.iter().enumerate() {
                scalars.insert((3 * index).min(scalars.len()), *scalar);
            }
            let points = by_kernel::<C, L>(&scalars);
            let mut portable = Portable::<C, L>::new(scalars.len());
            assert!(points.is_some_and(|points| points == portable.multiply(&scalars)));
        }
    }

    fn check_few_digits<C: Weierstrass<L>, const L: usize>() {
        let mut special = vec![[0; L]; 4];
        for small in [1, 2, 3, 255, 256, 257, 511, 512, 513] {
            let mut scalar = [0; L];
            scalar[0] = small;
            special.push(scalar);
        }
        for bit in (0..C::SCALAR_BITS).step_by(13) {
            let mut scalar = [0; L];
            scalar[bit / 64] = 1 << (bit % 64);
            special.push(scalar);
        }
        check_among::<C, L>(&special);
        // Infinity alone.
        check_among::<C, L>(&[[0; L]]);
    }

    #[test]
    fn digits_of_zero_add_nothing() {
        if is_able() {
            check_few_digits::<P256, 4>();
            check_few_digits::<Secp256k1, 4>();
            check_few_digits::<Curve25519, 4>();
            check_few_digits::<P384, 6>();
            check_few_digits::<P521, 9>();
        }
    }

    fn check_left_over<C: Weierstrass<L>, const L: usize>() {
        let mut comb = Comb::<C, L>::new(1000);
        for count in [3, 40, 999] {
            let mut scalars = random::<C, L>(count);
            // The last sums that are added are opposite, in whatever order.
            scalars.insert(count / 2, C::ORDER.limbs);
            assert!(by_kernel::<C, L>(&scalars).is_none());
            let mut portable = Portable::<C, L>::new(scalars.len());
            let expected = portable.multiply(&scalars);
            assert!(comb.multiply(&scalars) == expected && expected[count / 2].is_infinity());
            assert!(comb.multiply(&scalars[..count / 2]) == &expected[..count / 2]);
        }
    }

    #[test]
    fn a_batch_in_which_points_meet_is_left_to_the_portable_code() {
        if is_able() {
            check_left_over::<P256, 4>();
            check_left_over::<Secp256k1, 4>();
            check_left_over::<Curve25519, 4>();
            check_left_over::<P384, 6>();
            check_left_over::<P521, 9>();
        }
    }

    fn check_any<C: Weierstrass<L>, const L: usize>(limbs: &[u64]) {
        let (scalars, _) = limbs.as_chunks::<L>();
        let scalars: Vec<_> = scalars
            .iter()
            .map(|limbs| fitting::<C, L>(*limbs))
            .collect();
        let mut portable = Portable::<C, L>::new(scalars.len());
        let expected = portable.multiply(&scalars);
        assert!(by_kernel::<C, L>(&scalars).is_none_or(|points| points == expected));
        assert!(Comb::<C, L>::new(scalars.len()).multiply(&scalars) == expected);
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
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn scalars_of_any_digits_are_those_of_the_portable_code(
            limbs in prop::collection::vec(limb(), 9..400),
        ) {
            if is_able() {
                check_any::<P256, 4>(&limbs);
                check_any::<Secp256k1, 4>(&limbs);
                check_any::<Curve25519, 4>(&limbs);
                check_any::<P384, 6>(&limbs);
                check_any::<P521, 9>(&limbs);
            }
        }
    }
}
