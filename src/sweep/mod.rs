//! Searches that no anchor announces: they know the number they look for, or the form that a number has.
//!
//! A sweep goes over all [`space::Space`] and says in a [`Search`] what it covered. Where numbers lie is found by what
//! memory looks like ([`codec::Class`]); what they are is told by arithmetic alone.

mod bounds;
pub mod codec;
pub mod copies;
pub mod distinct;
mod edges;
pub mod harvest;
mod heads;
mod large;
mod notes;
mod numbers;
mod points;
pub mod public_halves;
pub mod rsa;
pub mod runs;
pub mod scalars;
pub mod seeds;
mod simd_ahead;
mod simd_heads;
mod simd_runs;
pub mod space;
mod texts;
pub mod traces;
mod triples;
pub mod windows;

use crate::clue::Rank;
use crate::crypto::Identity;
use crate::detect::{Key, Sighting};
use crate::finding::Piece;
use crate::outcome::Search;
use std::sync::Arc;

/// A public key whose private half is looked for.
#[derive(Clone, Debug)]
pub struct Target {
    /// The key.
    pub identity: Arc<Identity>,
    /// How likely its private half is in the same process.
    pub rank: Rank,
    /// It is a bare modulus: its exponent is not known.
    pub e_assumed: bool,
    /// Where it lies, as far as places were kept.
    pub places: Vec<Piece>,
}

/// Something a sweep saw, and where in the file; the range inside the sighting is not used.
#[derive(Clone, Debug)]
pub struct Swept {
    /// A private key that is proven, or a public one.
    pub sighting: Sighting,
    /// Its bytes, in the order in which they lay in memory.
    pub pieces: Vec<Piece>,
}

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Sweep {
    /// What it saw, in the same order in every run.
    pub sightings: Vec<Swept>,
    /// What it covered.
    pub searches: Vec<Search>,
    /// Places of keys that it saw and did not keep.
    pub omitted: Vec<(Key, u64)>,
}

/// What [`Depth::is_deep`] adds.
pub const DEEP: &str = "private exponents and scalars of certificate authorities, private exponents in random-looking runs \
                        beyond 64 KiB, primes of unequal size and of moduli with more than two, X25519 keys whose public half \
                        nothing announces, and EC scalars and Edwards seeds in every aligned window";

/// What [`Depth::is_deep`] adds where points are left out that are likely those of single sessions or signatures.
pub const DEEP_AND_POINTS: &str = "private exponents and scalars of certificate authorities, scalars of points that nothing \
                                   announces (left out here: keys of single TLS or SSH sessions, numbers of single \
                                   signatures), private exponents in random-looking runs beyond 64 KiB, primes of unequal \
                                   size and of moduli with more than two, X25519 keys whose public half nothing \
                                   announces, and EC scalars and Edwards seeds in every aligned window";

/// What a user asks of sweeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depth {
    /// Also where keys are unlikely, however long it takes.
    pub is_deep: bool,
}
