//! Public halves as they lie in binary, met at any byte of random-looking memory.

use crate::crypto::PublicKey;
use crate::sweep::Target;

/// First bytes of public halves, to be looked up at every offset.
pub(super) struct Needles {
    /// Which upper bits of a hash occur: most offsets end here.
    filter: Box<[u64; FILTER_BITS / 64]>,
    /// The first eight bytes of each half as a little-endian number, sorted.
    starts: Vec<u64>,
}

impl Needles {
    /// Those of `targets`: the first coordinate of points big-endian, little-endian, and times 2^(64 · limbs) in the
    /// field as P-256 is kept; keys of Curve25519 as they are.
    pub(super) fn new(targets: &[&Target]) -> Self {
        let mut starts: Vec<u64> = targets
            .iter()
            .flat_map(|target| halves(target.identity.key()))
            .collect();
        starts.sort_unstable();
        starts.dedup();
        let mut filter = Box::new([0; FILTER_BITS / 64]);
        for &start in &starts {
            let (word, bit) = slot(start);
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self { filter, starts }
    }

    /// The offsets from `from` on below `to` at which a half begins.
    pub(super) fn each(&self, bytes: &[u8], from: usize, to: usize, mut found: impl FnMut(usize)) {
        let span = bytes
            .get(from..bytes.len().min(to.saturating_add(7)))
            .unwrap_or_default();
        for (index, start) in span.windows(8).enumerate() {
            let Ok(start) = start.try_into().map(u64::from_le_bytes) else {
                continue;
            };
            let (word, bit) = slot(start);
            let may_be = self.filter.get(word).is_some_and(|word| word & bit != 0);
            if may_be && self.starts.binary_search(&start).is_ok() {
                found(from + index);
            }
        }
    }
}

fn slot(start: u64) -> (usize, u64) {
    let hash = start.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS.trailing_zeros());
    ((hash / 64) as usize, 1 << (hash % 64))
}

fn halves(key: &PublicKey) -> Vec<u64> {
    let first = |bytes: &[u8]| {
        let bytes: Option<[u8; 8]> = bytes.get(..8).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u64::from_le_bytes)
    };
    match key {
        PublicKey::Ec { curve, point } => {
            let size = curve.field_bytes();
            let x = point.get(1..=size).unwrap_or_default();
            let reversed: Vec<u8> = x.iter().rev().copied().collect();
            let montgomery = curve.montgomery(x).unwrap_or_default();
            [first(x), first(&reversed), first(&montgomery)]
                .into_iter()
                .flatten()
                .collect()
        }
        PublicKey::Ed25519(key) | PublicKey::X25519(key) => first(key).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Bits of the filter: 8 KiB, which stay in the first-level cache.
const FILTER_BITS: usize = 1 << 16;
