//! RSA keys in DER that lost their beginning, as a buffer does when its allocator writes the links of a free
//! list over it. The numbers that are left follow one another as INTEGERs.

use super::damaged;
use crate::crypto::der::{length_at, tag};
use crate::detect::key::Fragment;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};

/// The detector.
pub struct Tail;

impl Detector for Tail {
    fn name(&self) -> &'static str {
        "der.tail"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.pkcs1"]
    }

    /// e = 65537 or 3 before the head of d; heads of primes of 1024, 1536 and 2048 bits.
    fn anchors(&self) -> &'static [Anchor] {
        ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Tail {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let mut start = hit.at;
        let mut first = hit.at;
        for _ in 0..MAX_NUMBERS {
            if !hit.prover.afford(MAX_NUMBER_BYTES) {
                return None;
            }
            let Some(before) = number_before(hit.data, start) else {
                break;
            };
            start = before;
            if is_announced(hit.data, start) {
                first = start;
            }
        }
        // Another anchor of the same numbers does it; with its version the structure is whole in front.
        let has_version = matches!(
            hit.data.get(start..start + 3),
            Some([tag::INTEGER, 1, 0 | 1])
        );
        if first != hit.at || has_version {
            return None;
        }
        let end = hit.data.len().min(start + LONGEST_FORM);
        let (key, length) = damaged::without_beginning(hit.data.get(start..end)?, hit.prover)?;
        let fragment = Fragment {
            present: length as u64,
            expected: None,
        };
        let range = start..start + length;
        Some(Sighting::Key(key.fragment_at(
            "der.pkcs1",
            "raw",
            range,
            fragment,
        )))
    }
}

/// The start of the INTEGER that ends just before `end`.
fn number_before(data: &[u8], end: usize) -> Option<usize> {
    (1..MAX_NUMBER_BYTES).find_map(|contents| {
        let header = match contents {
            0..=0x7f => 2,
            0x80..=0xff => 3,
            _ => 4,
        };
        let start = end.checked_sub(contents + header)?;
        let is_header = *data.get(start)? == tag::INTEGER
            && length_at(data, start + 1) == Some((contents, header - 1));
        // Single bytes between large numbers are the version or a small exponent, others are chance.
        let is_plausible = contents >= MIN_NUMBER_BYTES
            || matches!(
                data.get(start + header..end),
                Some([0 | 1 | 3 | 17 | 35 | 37] | [1, 0, 1] | [1, 1])
            );
        (is_header && is_plausible).then_some(start)
    })
}

/// Whether one of the anchors stands at `at`.
fn is_announced(data: &[u8], at: usize) -> bool {
    let behind = data.get(at..).unwrap_or_default();
    ANCHORS.iter().any(|anchor| match anchor {
        Anchor::Bytes(bytes) => behind.starts_with(bytes),
        _ => false,
    })
}

const ANCHORS: &[Anchor] = &[
    Anchor::Bytes(b"\x02\x03\x01\x00\x01\x02\x82"),
    Anchor::Bytes(b"\x02\x03\x01\x00\x01\x02\x81"),
    Anchor::Bytes(b"\x02\x01\x03\x02\x82"),
    Anchor::Bytes(b"\x02\x81\x81\x00"),
    Anchor::Bytes(b"\x02\x81\xc1\x00"),
    Anchor::Bytes(b"\x02\x82\x01\x01\x00"),
];

/// Numbers of an RSA key.
const MAX_NUMBERS: usize = 9;

/// Bytes of a number: the modulus of 16,384 bits, and a zero.
const MAX_NUMBER_BYTES: usize = 2050;

/// Bytes of the smallest prime, if some of its leading bytes are zero.
const MIN_NUMBER_BYTES: usize = 28;
