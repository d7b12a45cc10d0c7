//! CNG's BCRYPT_DH_PRIVATE_BLOB (Microsoft, "BCRYPT_DH_KEY_BLOB structure"). No arithmetic here: a private
//! number in range beside a public one that looks random is a key.
//!
//! | field | bytes |
//! |---|---|
//! | magic `DHPV`, cbKey, little-endian | 8 |
//! | p, g, y, x, big-endian | each cbKey |

use crate::bytes::{bit_length, slice, trim_zeros, u32_le};
use crate::crypto::random::is_ciphertext;
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, Sighting};

/// The detector.
pub struct CngDh;

impl Detector for CngDh {
    fn name(&self) -> &'static str {
        "windows.cng-dh"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["windows.cng-dh"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(b"DHPV")]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl CngDh {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let size = u32_le(hit.data, hit.at + 4)? as usize;
        SIZES.contains(&size).then_some(())?;
        let field = |index: usize| slice(hit.data, hit.at + HEADER + index * size, size);
        let (p, g, y, x) = (field(0)?, field(1)?, field(2)?, trim_zeros(field(3)?));
        let is_odd = p.last().is_some_and(|byte| byte & 1 == 1);
        let is_prime_sized = bit_length(p) as usize > 8 * (size - 1) && is_odd;
        let are_below = [g, y].iter().all(|number| *number < p) && bit_length(g) > 1;
        let is_private = x.len() >= MIN_PRIVATE && (x.len() < size || x < p);
        // Of a key's numbers only y and x are random: well-known moduli begin and end with ones.
        let are_random = || is_ciphertext(trim_zeros(y), 1) && is_ciphertext(x, 1);
        (is_prime_sized && are_below && is_private && are_random()).then_some(())?;
        let end = hit.at + HEADER + 4 * size;
        Some(Sighting::Key(Key::other(x).at(
            self.name(),
            "raw",
            hit.at..end,
        )))
    }
}

const HEADER: usize = 8;

/// Bytes of p.
const SIZES: std::ops::RangeInclusive<usize> = 64..=1024;

/// Bytes of a private number at least; the usual groups ask for 28 and more.
const MIN_PRIVATE: usize = 24;
