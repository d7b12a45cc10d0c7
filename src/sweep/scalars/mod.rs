//! The private half of known points: scalars of EC keys, seeds and scalars of Curve25519.
//!
//! One multiplication tests a window against every known point of a curve, so what counts is the number of windows.
//! By default these are looked at:
//!
//! - round every place where a public half lies in binary, as in a key structure;
//! - in random-looking runs hardly longer than a scalar, as a number of its own on a heap is one: where no random bytes
//!   stand before it or behind it, and in words of
//!   the other order, or at addresses that are no multiple of eight bytes, where none do at both ends;
//! - in runs of digits (30 of 32 bits and the like);
//! - in what structures hold or point to that point to a public half.
//!
//! With `--deep` every aligned window in random-looking memory is.

mod batch;
mod needles;
mod objects;
mod spans;

use super::codec::{CODECS, Class, Digit};
use super::space::{Block, Space};
use super::windows::{is_bounded, is_enclosed};
use super::{Depth, Sweep, Swept, Target};
use crate::clue::Rank;
use crate::crypto::material::{Material, Number};
use crate::crypto::random::looks_random;
use crate::crypto::{Identity, PublicKey};
use crate::detect::{Key, Sighting};
use crate::finding::Piece;
use crate::outcome::Search;
use batch::{Batch, Hit, Secrets};
use needles::Needles;
use spans::Spans;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Looks for the private halves of those of `targets` that are points.
pub fn sweep(space: &Space<'_>, targets: &[Target], depth: Depth) -> Sweep {
    let Some(hunt) = Hunt::new(targets, depth) else {
        return Sweep {
            sightings: Vec::new(),
            searches: vec![Search {
                name: NAME,
                scope: "no point known".to_owned(),
                complete: true,
            }],
            ..Sweep::default()
        };
    };
    let mut found = Found::default();
    let mut tried = 0;
    let mut is_cut = false;
    let mut places: Vec<Piece> = Vec::new();
    space.each_block(
        |block| hunt.examine(block, depth),
        |share, pieces| {
            tried += share.tried;
            is_cut |= share.is_cut;
            for hit in share.hits {
                found.take(&hunt, &hit, pieces(hit.range.clone()));
            }
            let room = MAX_PLACES.saturating_sub(places.len());
            is_cut |= share.needles.len() > room;
            let first = share.needles.into_iter().take(room);
            places.extend(first.filter_map(|range| pieces(range).into_iter().next()));
        },
    );
    if !depth.is_deep {
        let (hits, cut) = objects::examine(space, &places, |block, spans| hunt.test(block, spans));
        is_cut |= cut;
        for (hit, pieces) in hits {
            found.take(&hunt, &hit, pieces);
        }
    }
    let scope = hunt.scope(depth, tried);
    Sweep {
        sightings: found.sightings,
        searches: vec![Search {
            name: NAME,
            scope,
            complete: !is_cut,
        }],
        ..Sweep::default()
    }
}

/// The known points, ready to be met.
struct Hunt {
    secrets: Secrets,
    needles: Needles,
    identities: Vec<Arc<Identity>>,
}

/// What one block gave.
#[derive(Default)]
struct Share {
    hits: Vec<Hit>,
    /// Where public halves lie.
    needles: Vec<Range<usize>>,
    /// Windows that were tested.
    tried: u64,
    is_cut: bool,
}

impl Hunt {
    fn new(targets: &[Target], depth: Depth) -> Option<Self> {
        let points: Vec<&Target> = targets
            .iter()
            .filter(|target| match target.identity.key() {
                PublicKey::Ec { .. } => true,
                // Code that writes keys holds heads of public keys with zeros and addresses behind them, which would be
                // met everywhere.
                PublicKey::Ed25519(key) | PublicKey::X25519(key) => {
                    target.rank == Rank::User || looks_random(key)
                }
                _ => false,
            })
            .filter(|target| depth.is_deep || target.rank < Rank::Authority)
            .take(if depth.is_deep {
                usize::MAX
            } else {
                MAX_POINTS
            })
            .collect();
        let identities: Vec<Arc<Identity>> = points
            .iter()
            .map(|target| target.identity.clone())
            .collect();
        Some(Self {
            secrets: Secrets::new(&identities)?,
            needles: Needles::new(&points),
            identities,
        })
    }

    fn examine(&self, block: &Block<'_>, depth: Depth) -> Share {
        let (spans, needles) = Spans::of(block, &self.needles, self.secrets.sizes(), depth);
        let mut share = self.test(block, &spans);
        share.needles = needles;
        share
    }

    /// Tests every window of `spans`.
    fn test(&self, block: &Block<'_>, spans: &Spans) -> Share {
        let mut share = Share::default();
        for &bits in self.secrets.sizes() {
            let mut batch = Batch::new(&self.secrets, bits);
            for codec in CODECS {
                let length = codec.length(bits);
                for span in spans.of_codec(codec, length) {
                    let (first, step) = block.first_aligned(span.start, codec.step(block.pointer));
                    for start in (first..span.end).step_by(step) {
                        let Some(window) = block.bytes.get(start..start + length) else {
                            break;
                        };
                        batch.offer(codec, start, window, &mut share.hits);
                    }
                }
                for span in spans.of_runs(codec, length) {
                    let (first, step) = block.first_aligned(span.start, codec.step(block.pointer));
                    for start in (first..span.end).step_by(step) {
                        let end = start + length;
                        let is_apart = if codec.digit() == Digit::Whole(1) && block.is_word(start) {
                            is_bounded
                        } else {
                            is_enclosed
                        };
                        if let Some(window) = block.bytes.get(start..end)
                            && (codec.class() != Class::Random || is_apart(block.bytes, start..end))
                        {
                            batch.offer(codec, start, window, &mut share.hits);
                        }
                    }
                }
            }
            batch.flush(&mut share.hits);
            share.tried += batch.tried();
        }
        share
    }

    fn scope(&self, depth: Depth, tried: u64) -> String {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for identity in &self.identities {
            let name = match identity.key() {
                PublicKey::Ec { curve, .. } => curve.name(),
                PublicKey::Ed25519(_) => "Ed25519",
                _ => "X25519",
            };
            *kinds.entry(name).or_default() += 1;
        }
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(name, number)| format!("{number} {name}"))
            .collect();
        let encodings = CODECS.len();
        let regions = if depth.is_deep {
            "every aligned window that looks random"
        } else {
            "near public halves, in what points to them, and in random-looking runs of just the size outside of modules"
        };
        format!(
            "private halves of {} in {encodings} encodings, {regions}: {tried} windows",
            kinds.join(", ")
        )
    }
}

/// Places of private halves, each once.
#[derive(Default)]
struct Found {
    sightings: Vec<Swept>,
    seen: HashSet<(u64, u64, &'static str)>,
}

impl Found {
    fn take(&mut self, hunt: &Hunt, hit: &Hit, pieces: Vec<Piece>) {
        let Some(identity) = hunt.identities.get(hit.owner) else {
            return;
        };
        let place = pieces
            .first()
            .map(|piece| (piece.offset, piece.length, hit.form));
        if place.is_some_and(|place| !self.seen.insert(place)) {
            return;
        }
        let numbers = vec![Number {
            component: hit.component,
            bytes: Zeroizing::new(hit.secret.to_vec()),
            bits: identity.key().bits(),
        }];
        let key = Key::proven(identity.clone(), Material { numbers });
        let evidence = key.part_at(hit.form, hit.component, "raw", hit.range.clone());
        self.sightings.push(Swept {
            sighting: Sighting::Key(evidence),
            pieces,
        });
    }
}

const NAME: &str = "scalars";

/// Points looked for at most by default, the user's first.
const MAX_POINTS: usize = 4096;

/// Places of public halves of which pointers are looked for.
const MAX_PLACES: usize = 65_536;
