//! Public halves that no format announces: moduli and points as libraries hold them.

use super::codec::Class;
use super::edges;
use super::heads::{self, Kind, Place};
use super::large::{Large, Pool};
use super::runs::each_run;
use super::space::{Block, Space};
use super::{Depth, Sweep, Target};
use crate::outcome::Search;

/// Looks for moduli and points that nothing announces, beside the public keys `known`.
pub fn sweep(space: &Space<'_>, known: &[Target], _depth: Depth) -> Sweep {
    let mut pool = Pool::new(known);
    let mut is_cut = false;
    space.each_block(
        |block| Share::of(space, block),
        |share, pieces| {
            is_cut |= share.is_cut;
            for (number, place) in share.numbers {
                pool.take(number, || match place {
                    Place::Block(range) => pieces(range),
                    Place::File(range) => space.pieces(range),
                });
            }
        },
    );
    let judged = pool.judge();
    let search = Search {
        name: "bare-moduli",
        scope: format!(
            "{} numbers, {} new moduli, {} known ones, {} keys{}",
            judged.numbers,
            judged.moduli,
            judged.known,
            judged.keys,
            if judged.is_limited { "; limited" } else { "" }
        ),
        complete: judged.is_complete && !is_cut,
    };
    Sweep {
        sightings: judged.sightings,
        searches: vec![search],
    }
}

/// What one block nominates.
#[derive(Default)]
struct Share {
    numbers: Vec<(Large, Place)>,
    is_cut: bool,
}

impl Share {
    fn of(space: &Space<'_>, block: &Block<'_>) -> Self {
        let mut share = Self::default();
        let mut take = |nominee: heads::Nominee, bytes: &[u8]| match nominee.kind {
            Kind::Large => {
                if let Some(number) = Large::read(bytes, nominee.codec, nominee.source) {
                    if share.numbers.len() < NUMBERS_OF_BLOCK {
                        share.numbers.push((number, nominee.place));
                    } else {
                        share.is_cut = true;
                    }
                }
            }
            Kind::Coordinate => {}
        };
        heads::each_number(space, block, &mut take);
        each_run(block, &Class::ALL, 512, |class, run| {
            edges::each_modulus(block, class, &run, &mut take);
        });
        share
    }
}

/// Numbers one block may nominate.
const NUMBERS_OF_BLOCK: usize = 4096;
