//! Key formats announced by a literal. A detector sees a slice and a place in it; it knows neither
//! files nor dumps.

pub mod der;
pub mod key;
pub mod public;
pub mod ssh;
pub mod text;

use crate::clue::Clue;
use crate::crypto::Prover;
pub use key::{Evidence, Key};

/// A detector: the literals that announce its format, and what to make of one.
pub trait Detector: Sync {
    /// Its name, `family.format`; never changes once released.
    fn name(&self) -> &'static str;

    /// Literals that stand in every instance of the format. Each has at least four bytes, and of its first
    /// four one is not zero: `scan` relies on it. One may begin or contain another.
    fn anchors(&self) -> &'static [&'static [u8]];

    /// Looks at the bytes around a hit. `None` when this is no instance of the format.
    fn examine(&self, hit: &Hit<'_>) -> Option<Sighting>;
}

/// An anchor seen at a place.
#[derive(Clone, Copy)]
pub struct Hit<'d> {
    /// All bytes that belong together: the whole dump, or memory put together across a seam.
    pub data: &'d [u8],
    /// Where the anchor starts.
    pub at: usize,
    /// The arithmetic, with the memory of what was proven before.
    pub prover: &'d Prover<'d>,
}

/// What a detector saw.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// A private key.
    Key(Evidence),
    /// A public key.
    Public(Clue),
}

/// All detectors. A new format is one file, its `mod` line and one line here.
pub const DETECTORS: &[&dyn Detector] = &[
    &text::pem::PrivatePem,
    &der::pkcs1::Pkcs1,
    &der::pkcs8::Pkcs8,
    &der::sec1::Sec1,
    &ssh::openssh::OpenSsh,
    &public::pem::PublicPem,
    &public::spki::Spki,
];

/// The longest form any detector accepts, in bytes: PEM of a 16,384-bit RSA key in PKCS#8 takes
/// 12.9 KB. Memory is put together this far on each side of a seam.
pub const LONGEST_FORM: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ProofCache;
    use proptest::prelude::*;

    #[test]
    fn anchors_keep_the_rules_the_scan_relies_on() {
        for anchor in DETECTORS.iter().flat_map(|detector| detector.anchors()) {
            assert!(anchor.len() >= 4, "{anchor:02x?} is too short");
            assert_ne!(
                anchor[..4],
                [0; 4],
                "{anchor:02x?} could start in a page of zeros"
            );
        }
    }

    /// Bytes in which anchors stand among what may follow them.
    fn announced() -> impl Strategy<Value = (Vec<u8>, usize)> {
        let anchors: Vec<&'static [u8]> = DETECTORS
            .iter()
            .flat_map(|detector| detector.anchors())
            .copied()
            .collect();
        let short = proptest::collection::vec(any::<u8>(), 0..80);
        let tail = proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(0x30), Just(2), Just(0), Just(b'A')],
            0..400,
        );
        (short, prop::sample::select(anchors), tail).prop_map(|(head, anchor, tail)| {
            let at = head.len();
            ([&head, anchor, &tail].concat(), at)
        })
    }

    proptest! {
        #[test]
        fn what_follows_an_anchor_may_be_anything((data, at) in announced()) {
            let cache = ProofCache::default();
            let prover = Prover::new(&cache, 16);
            for detector in DETECTORS {
                let range = match detector.examine(&Hit { data: &data, at, prover: &prover }) {
                    Some(Sighting::Key(evidence)) => evidence.range,
                    Some(Sighting::Public(clue)) => clue.range,
                    None => continue,
                };
                prop_assert!(range.start < range.end && range.end <= data.len(), "{}: {:?}", detector.name(), range);
            }
        }
    }

    #[test]
    fn every_detector_has_a_fuzz_target() {
        for detector in DETECTORS {
            let name = detector.name().replace('.', "_");
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets/detect_").to_owned()
                + &name
                + ".rs";
            assert!(std::path::Path::new(&path).exists(), "{path}");
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = DETECTORS.iter().map(|detector| detector.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DETECTORS.len());
    }
}
