//! A public key seen on the way. It is no finding; it confirms private keys.

use crate::crypto::Identity;
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
}
