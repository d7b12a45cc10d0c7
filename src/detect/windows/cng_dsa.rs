//! CNG's BCRYPT_DSA_PRIVATE_BLOB (Microsoft, "BCRYPT_DSA_KEY_BLOB structure", "BCRYPT_DSA_KEY_BLOB_V2
//! structure"); header little-endian, numbers big-endian.
//!
//! | field | bytes |
//! |---|---|
//! | magic `DSPV`, cbKey, Count, Seed, q | 4, 4, 4, 20, 20 |
//! | p, g, y, x | cbKey, cbKey, cbKey, 20 |
//!
//! | field | bytes |
//! |---|---|
//! | magic `DPV2`, cbKey, hash, standard, cbSeedLength, cbGroupSize, Count | 28 |
//! | Seed, q | cbSeedLength, cbGroupSize |
//! | p, g, y, x | cbKey, cbKey, cbKey, cbGroupSize |

use crate::bytes::{slice, u32_le};
use crate::crypto::dsa::DsaNumbers;
use crate::detect::key::Key;
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::secret::Secret;

/// The detector.
pub struct CngDsa;

impl Detector for CngDsa {
    fn name(&self) -> &'static str {
        "windows.cng-dsa"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["windows.cng-dsa"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(VERSION_1), Anchor::Bytes(VERSION_2)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl CngDsa {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let number = |at: usize| Some(u32_le(hit.data, hit.at + at)? as usize);
        let size = number(4).filter(|size| SIZES.contains(size))?;
        let (group, q) = match slice(hit.data, hit.at, 4)? {
            VERSION_1 => (GROUP, 32),
            _ => {
                let (seed, group) = (number(16)?, number(20)?);
                (seed <= MAX_GROUP && (GROUP..=MAX_GROUP).contains(&group)).then_some(())?;
                (group, 28 + seed)
            }
        };
        let q = hit.at + q;
        let field = |index: usize| slice(hit.data, q + group + index * size, size);
        let x = q + group + 3 * size;
        let numbers = DsaNumbers {
            p: field(0)?,
            q: slice(hit.data, q, group)?,
            g: field(1)?,
            y: Some(field(2)?),
            x: Secret::new(slice(hit.data, x, group)?),
        };
        let key = Key::dsa(&numbers, hit.prover)?;
        Some(Sighting::Key(key.at(self.name(), "raw", hit.at..x + group)))
    }
}

const VERSION_1: &[u8] = b"DSPV";
const VERSION_2: &[u8] = b"DPV2";

/// Bytes of p.
const SIZES: std::ops::RangeInclusive<usize> = 64..=512;

/// Bytes of q in version 1, and at most.
const GROUP: usize = 20;
const MAX_GROUP: usize = 64;
