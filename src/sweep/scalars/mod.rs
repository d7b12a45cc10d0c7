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
//! - in hexadecimal, decimal and base64 text of just the size;
//! - in what structures hold or point to that point to a public half.
//!
//! With `--deep` every aligned window in random-looking memory is.

mod batch;
mod needles;
mod objects;
mod spans;
mod written;

use super::bounds::{is_bounded, is_enclosed};
use super::codec::{CODECS, Class, Codec, Digit, counted};
use super::space::{Block, Space};
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
use spans::{NEAR, NEAR_ALIGNED, Spans};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use written::Written;
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
    let mut is_cut = hunt.omitted > 0;
    let mut places: Vec<Piece> = Vec::new();
    space.each_block(
        |block| hunt.examine(block, depth),
        |share, pieces| {
            tried += share.tried;
            if !depth.is_deep {
                let left = hunt.left.load(Ordering::Relaxed);
                hunt.left
                    .store(left.saturating_sub(share.tried), Ordering::Relaxed);
            }
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
        let (hits, cut) =
            objects::examine(space, &places, |block, spans| hunt.test(block, spans, &[]));
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
    /// Public halves that were left out.
    omitted: usize,
    /// Windows that may still be tested. It changes between waves of blocks only, so that any number of threads sees the
    /// same.
    left: AtomicU64,
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
        let mut points: Vec<&Target> = targets
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
            .collect();
        let most = if depth.is_deep {
            usize::MAX
        } else {
            MAX_POINTS
        };
        let omitted = points.len().saturating_sub(most);
        points.truncate(most);
        let identities: Vec<Arc<Identity>> = points
            .iter()
            .map(|target| target.identity.clone())
            .collect();
        Some(Self {
            secrets: Secrets::new(&identities)?,
            needles: Needles::new(&points),
            identities,
            omitted,
            left: AtomicU64::new(if depth.is_deep { u64::MAX } else { MAX_TRIED }),
        })
    }

    fn examine(&self, block: &Block<'_>, depth: Depth) -> Share {
        let (spans, needles) = Spans::of(block, &self.needles, self.secrets.sizes(), depth);
        let texts = self.texts(block);
        let mut share = self.test(block, &spans, &texts);
        share.needles = needles;
        share
    }

    /// What is written in `block` and may be a private half.
    fn texts(&self, block: &Block<'_>) -> Vec<Written> {
        let mut texts = Vec::new();
        written::each(block, self.secrets.sizes(), |text| texts.push(text));
        texts
    }

    /// Tests every window of `spans`, and `texts`.
    fn test(&self, block: &Block<'_>, spans: &Spans, texts: &[Written]) -> Share {
        let mut share = Share::default();
        let left = self.left.load(Ordering::Relaxed);
        // Everything is tested where it is asked for.
        let budget = if left == u64::MAX {
            left
        } else {
            left.min(TRIED_IN_BLOCK)
        };
        for &bits in self.secrets.sizes() {
            let mut batch = Batch::new(&self.secrets, bits);
            let forms = CODECS
                .iter()
                .flat_map(|codec| lengths(codec, bits).map(move |length| (codec, length)));
            for (codec, length) in forms {
                if batch.taken() + share.tried > budget {
                    share.is_cut = true;
                    break;
                }
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
            for text in texts {
                batch.offer_text(text, &mut share.hits);
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
        let encodings = counted();
        let regions = if depth.is_deep {
            "every aligned window that looks random".to_owned()
        } else {
            format!(
                "within {NEAR} bytes of the first 32 of public halves ({NEAR_ALIGNED} in limbs and words), in what points \
                 to them, and in random-looking runs of just the size outside of modules"
            )
        };
        let omitted = match self.omitted {
            0 => String::new(),
            omitted => format!(" ({omitted} more were left out)"),
        };
        format!(
            "private halves of {}{omitted} in {encodings}, {regions}, and in hexadecimal (also in parts in lines of 40 characters and more), decimal and base64 text of the size, of at most 1,024 letters and digits in a row: {tried} windows",
            kinds.join(", ")
        )
    }
}

/// Places of private halves, each once.
#[derive(Default)]
struct Found {
    sightings: Vec<Swept>,
    seen: HashSet<(u64, u64, [&'static str; 2])>,
}

impl Found {
    fn take(&mut self, hunt: &Hunt, hit: &Hit, pieces: Vec<Piece>) {
        let Some(identity) = hunt.identities.get(hit.owner) else {
            return;
        };
        let place = pieces
            .first()
            .map(|piece| (piece.offset, piece.length, hit.how));
        if place.is_some_and(|place| !self.seen.insert(place)) {
            return;
        }
        let numbers = vec![Number {
            component: hit.component,
            bytes: Zeroizing::new(hit.secret.to_vec()),
            bits: identity.key().bits(),
        }];
        let key = Key::proven(identity.clone(), Material { numbers });
        let [form, encoding] = hit.how;
        let evidence = key.part_at(form, hit.component, encoding, hit.range.clone());
        self.sightings.push(Swept {
            sighting: Sighting::Key(evidence),
            pieces,
        });
    }
}

const NAME: &str = "scalars";

/// Bytes that a scalar may take: all digits of its size, and one fewer where many numbers of the size have fewer.
fn lengths(codec: &'static Codec, bits: u32) -> impl Iterator<Item = usize> {
    // A look at every byte costs more than one at each word.
    let rare = if codec.class() == Class::Random {
        6
    } else {
        12
    };
    [Some(bits), codec.shorter(bits, rare)]
        .into_iter()
        .flatten()
        .map(|bits| codec.length(bits))
}

/// Points looked for at most by default, the user's first.
const MAX_POINTS: usize = 4096;

/// Windows tested at most by default, in a block and in a dump: some seconds' work. A GiB of real memory has a million.
const TRIED_IN_BLOCK: u64 = 1 << 18;
const MAX_TRIED: u64 = 1 << 23;

/// Places of public halves of which pointers are looked for.
const MAX_PLACES: usize = 65_536;
