//! Public halves that no format announces: moduli and points as libraries hold them.

use super::codec::Class;
use super::edges;
use super::heads::{self, Kind, Nominee, Place};
use super::large::{Large, PLACES, Pool};
use super::points::{self, Coordinate, Point, Points};
use super::runs::each_run;
use super::space::{Block, Space};
use super::texts;
use super::triples::{self, Triples};
use super::{Depth, Sweep, Target};
use crate::outcome::Search;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// Looks for moduli and points that nothing announces, beside the public keys `known`; and for primes among the
/// numbers that objects point to, which tell a key that shows no public half.
pub fn sweep(space: &Space<'_>, known: &[Target], _depth: Depth) -> Sweep {
    let mut pool = Pool::new(known);
    let mut points = Points::default();
    let mut sightings = Vec::new();
    let mut coordinates = Vec::new();
    let mut is_cut = false;
    space.each_block(
        |block| Share::of(space, block),
        |share, pieces| {
            is_cut |= share.is_cut;
            let pieces_of = |place: Place| match place {
                Place::Block(range) => pieces(range),
                Place::File(range) => space.pieces(range),
            };
            for (number, place) in share.numbers {
                pool.take(number, || pieces_of(place));
            }
            for (point, range) in share.points {
                sightings.extend(points.take(point, || pieces(range)));
            }
            for (mut coordinate, place) in share.coordinates {
                if coordinates.len() < MAX_COORDINATES {
                    coordinate.pieces = pieces_of(place);
                    coordinates.push(coordinate);
                } else {
                    points.is_limited = true;
                }
            }
        },
    );
    for (point, pieces) in points::pairs(&coordinates) {
        sightings.extend(points.take(point, || pieces));
    }
    let judged = pool.judge();
    sightings.extend(judged.sightings);
    let searches = vec![
        Search {
            name: "bare-moduli",
            scope: format!(
                "numbers of 1024 to 8192 bits that a pointer with a count, a length of their own, the edge of random \
                 bytes or hexadecimal or decimal text tells: {} new, {} seen before{}",
                judged.moduli,
                judged.known,
                limit(judged.is_limited)
            ),
            complete: true,
        },
        Search {
            name: "objects",
            scope: format!(
                "primes that divide a modulus, among {} numbers of 512 to 8192 bits that were told like moduli, and primes \
                 in limbs within {} bytes whose product lies in the same MiB of memory: {} keys",
                judged.numbers,
                triples::NEAR,
                judged.keys
            ),
            complete: judged.is_complete && !is_cut,
        },
        Search {
            name: "points",
            scope: format!(
                "points on P-256, P-384, P-521 and secp256k1 between what is not random, and {} numbers of the size of \
                 coordinates in pairs: {} points{}",
                coordinates.len(),
                points.count(),
                limit(points.is_limited)
            ),
            complete: true,
        },
    ];
    Sweep {
        sightings,
        searches,
        ..Sweep::default()
    }
}

/// Public halves that are left out lose no key by themselves.
const fn limit(is_limited: bool) -> &'static str {
    if is_limited {
        "; more were left out"
    } else {
        ""
    }
}

/// What one block nominates.
#[derive(Default)]
struct Share {
    numbers: Vec<(Large, Place)>,
    coordinates: Vec<(Coordinate, Place)>,
    points: Vec<(Point, Range<usize>)>,
    is_cut: bool,
    /// How often each number was nominated, by a hash.
    nominated: HashMap<u64, usize>,
    hasher: RandomState,
    /// Words that the numbers take.
    words: usize,
}

impl Share {
    fn of(space: &Space<'_>, block: &Block<'_>) -> Self {
        let mut share = Self::default();
        let mut triples = Triples::default();
        heads::each_number(space, block, |nominee, bytes| share.take(nominee, bytes));
        each_run(block, &Class::ALL, 512, |class, run| {
            edges::each_modulus(block, class, &run, |nominee, bytes| {
                share.take(nominee, bytes)
            });
            if class == Class::Random {
                triples.take(block, &run);
                points::each_point(block, &run, |point, range| {
                    if share.points.len() < POINTS_OF_BLOCK {
                        share.points.push((point, range));
                    }
                });
            }
        });
        triples.each(block, |number, range| {
            share.push(number, Place::Block(range))
        });
        texts::each_number(block, |number, range| {
            share.push(number, Place::Block(range))
        });
        share
    }

    fn push(&mut self, number: Large, place: Place) {
        // Of one number more places are not kept, and only one where there are many numbers.
        let name = self.hasher.hash_one(&*number.limbs);
        let most = if self.words < WORDS_OF_BLOCK / 2 {
            PLACES
        } else {
            1
        };
        let nominated = self.nominated.get(&name).copied().unwrap_or(0);
        if nominated >= most {
            return;
        }
        let words = self.words + number.limbs.len() + WORDS_BESIDE;
        if words > WORDS_OF_BLOCK {
            self.is_cut = true;
            return;
        }
        self.words = words;
        self.nominated.insert(name, nominated + 1);
        self.numbers.push((number, place));
    }

    fn take(&mut self, nominee: Nominee, bytes: &[u8]) {
        let Nominee {
            place,
            addresses,
            codec,
            source,
            kind,
        } = nominee;
        match (kind, addresses) {
            (Kind::Large, _) => {
                let Some(number) = Large::read(bytes, codec, source) else {
                    return;
                };
                self.push(number, place);
            }
            (Kind::Coordinate, Some(addresses)) if self.coordinates.len() < NUMBERS_OF_BLOCK => {
                let coordinate = Coordinate::read(bytes, codec, addresses);
                self.coordinates
                    .extend(coordinate.map(|coordinate| (coordinate, place)));
            }
            (Kind::Coordinate, _) => {}
        }
    }
}

/// Coordinates one block may nominate.
const NUMBERS_OF_BLOCK: usize = 1024;

/// Words of eight bytes that the numbers which one block nominates may take, some 1300 of 2048 bits: with all blocks
/// at a time 32 MiB.
const WORDS_OF_BLOCK: usize = 64 << 10;

/// Words that a number takes beside its limbs.
const WORDS_BESIDE: usize = 16;

/// Points kept of one block.
const POINTS_OF_BLOCK: usize = 512;

/// Coordinates kept of a dump: 10 MiB.
const MAX_COORDINATES: usize = 64 << 10;

#[cfg(test)]
mod tests;
