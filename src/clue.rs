//! A public key seen on the way. It is no finding; it confirms private keys.

use crate::crypto::{Identity, PublicKey};
use std::ops::Range;
use std::sync::Arc;

/// A public key and the bytes it was read from.
#[derive(Clone, Debug)]
pub struct Clue {
    /// The key and its fingerprint.
    pub identity: Arc<Identity>,
    /// The form's name, as `der.spki`.
    pub form: &'static str,
    /// Bytes, as offsets into the slice that was examined.
    pub range: Range<usize>,
    /// How likely its private half is in the same process.
    pub rank: Rank,
    /// It is a bare modulus, and the usual exponent is taken for its own.
    pub e_assumed: bool,
}

/// How likely the private half of a public key is in the same process: sweeps look for the first ones first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The user asks for it.
    User,
    /// Something in the process points to it, as a key object does.
    Pointed,
    /// A key without a certificate, or with that of an end entity.
    #[default]
    Own,
    /// The key of a certificate authority.
    Authority,
}

impl Clue {
    /// A public key that some structure holds, which is no certificate of an authority.
    pub fn new(key: PublicKey, form: &'static str, range: Range<usize>) -> Self {
        Self {
            identity: Arc::new(Identity::new(key)),
            form,
            range,
            rank: Rank::default(),
            e_assumed: false,
        }
    }

    /// The same with this rank.
    #[must_use]
    pub fn ranked(self, rank: Rank) -> Self {
        Self { rank, ..self }
    }
}
