//! Key formats announced by a literal. A detector sees a slice and a place in it; it knows neither
//! files nor dumps.
//!
//! # The budget for anchors
//!
//! All anchors together may cost a tenth of the rate of a scan. Their number hardly counts: the search looks at
//! four bytes of each, at the same speed for fifteen and for two hundred. What counts is how often these four
//! bytes stand in memory, since each of them is compared, and how often the whole anchor does, since a detector
//! is called for it. So an anchor is long, or has four rare bytes in a row; and of a frequent one the detector
//! refuses nearly all by comparing a few bytes. At most [`MAX_PATTERNS`] byte strings are searched for.

pub mod der;
pub mod fields;
pub mod key;
pub mod pgp;
pub mod public;
pub mod ssh;
pub mod text;
pub mod windows;

use crate::clue::Clue;
use crate::crypto::Prover;
use crate::text::{Encoding, TextView};
pub use key::{Evidence, Fragment, Key};

/// A detector: the literals that announce its format, and what to make of one.
pub trait Detector: Sync {
    /// Its name, `family.format`; never changes once released.
    fn name(&self) -> &'static str;

    /// The forms of all it reports, private keys and public ones; a name never changes once released.
    fn forms(&self) -> &'static [&'static str];

    /// Literals that stand in every instance of the format. Each has at least four bytes, and of its first
    /// four one is not zero: `scan` relies on it. One may begin or contain another.
    fn anchors(&self) -> &'static [Anchor];

    /// Looks at the bytes around a hit. Nothing when this is no instance of the format; several keys when
    /// the format holds several.
    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting>;
}

/// A literal that announces a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// These bytes.
    Bytes(&'static [u8]),
    /// These ASCII characters, and the same with a zero byte between each and the next, which stands in
    /// UTF-16 of either byte order.
    Text(&'static str),
    /// Somewhere in a long run of base64 characters and line breaks, in any encoding of text: the first
    /// place of the run that the scan looks at.
    Base64Run,
}

impl Anchor {
    /// The byte strings to search for, and whether each is wide text.
    pub fn patterns(self) -> impl Iterator<Item = (Vec<u8>, bool)> {
        let (narrow, is_text) = match self {
            Self::Bytes(bytes) => (bytes, false),
            Self::Text(text) => (text.as_bytes(), true),
            Self::Base64Run => (&[][..], false),
        };
        let wide = is_text.then(|| {
            let mut wide: Vec<u8> = narrow.iter().flat_map(|&byte| [byte, 0]).collect();
            wide.pop();
            (wide, true)
        });
        let narrow = (!narrow.is_empty()).then(|| (narrow.to_vec(), false));
        narrow.into_iter().chain(wide)
    }
}

/// An anchor seen at a place.
#[derive(Clone, Copy)]
pub struct Hit<'d> {
    /// All bytes that belong together: the whole dump, or memory put together across a seam.
    pub data: &'d [u8],
    /// Where the anchor starts; of wide text the first byte that is not zero.
    pub at: usize,
    /// The anchor stands there as wide text.
    pub is_wide: bool,
    /// The arithmetic, with the memory of what was proven before.
    pub prover: &'d Prover<'d>,
}

impl<'d> Hit<'d> {
    /// The texts in which the anchor may stand, each with the place of its first character: one of ASCII,
    /// or two of UTF-16, since the anchor itself does not tell the byte order.
    pub fn views(&self) -> impl Iterator<Item = (TextView<'d>, usize)> + use<'d> {
        let view = |encoding| TextView::new(self.data, encoding);
        let views = if self.is_wide {
            let big = self.at.checked_sub(1);
            [
                Some((view(Encoding::Utf16Le), self.at)),
                big.map(|at| (view(Encoding::Utf16Be), at)),
            ]
        } else {
            [Some((view(Encoding::Ascii), self.at)), None]
        };
        views.into_iter().flatten()
    }

    /// The best that `look` makes of the texts in which the anchor may stand: a text of one byte order seen
    /// in the other lacks a character.
    pub fn best(
        &self,
        look: impl FnMut((TextView<'d>, usize)) -> Option<Evidence>,
    ) -> Vec<Sighting> {
        let best = self.views().filter_map(look).max_by_key(|evidence| {
            // Inside a longer text both byte orders see the same: wide text stands at even offsets.
            let is_even = evidence.range.start % 2 == 0;
            (evidence.key.proof, evidence.fragment.is_none(), is_even)
        });
        best.map(Sighting::Key).into_iter().collect()
    }
}

/// What a detector saw.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// A private key.
    Key(Evidence),
    /// A public key.
    Public(Clue),
}

impl Sighting {
    /// The name of its form.
    pub fn form(&self) -> &'static str {
        match self {
            Self::Key(evidence) => evidence.form,
            Self::Public(clue) => clue.form,
        }
    }
}

/// All detectors. A new format is one file, its `mod` line and one line here.
pub const DETECTORS: &[&dyn Detector] = &[
    &text::pem::PrivatePem,
    &text::base64::Base64Der,
    &text::base64::Base64Pem,
    &text::hex::Hex,
    &text::lines::Lines,
    &text::jwk::Jwk,
    &text::xml::XmlKey,
    &der::pkcs1::Pkcs1,
    &der::pkcs8::Pkcs8,
    &der::sec1::Sec1,
    &der::dsa::Dsa,
    &der::encrypted::EncryptedPkcs8,
    &der::pkcs12::Pkcs12,
    &der::tail::Tail,
    &pgp::armor::Armor,
    &pgp::keyring::Keyring,
    &pgp::secret_key::SecretKey,
    &pgp::sexp::Sexp,
    &ssh::openssh::OpenSsh,
    &ssh::ppk::Ppk,
    &ssh::private::SshPrivate,
    &ssh::sshcom::SshCom,
    &ssh::sshcom::SshComText,
    &public::pem::PublicPem,
    &public::spki::Spki,
    &public::pkcs1::PublicPkcs1,
    &public::ssh::SshPublic,
    &public::ssh::SshPublicText,
    &public::windows::WindowsPublic,
    &windows::capi::Capi,
    &windows::bsafe::Bsafe,
    &windows::cng_rsa::CngRsa,
    &windows::cng_ec::CngEc,
    &windows::cng_dsa::CngDsa,
    &windows::cng_dh::CngDh,
    &windows::pvk::Pvk,
    &windows::symcrypt::SymCrypt,
    &windows::dpapi::Dpapi,
];

/// Byte strings searched for at most, text counted twice; the search takes twice as many.
pub const MAX_PATTERNS: usize = 256;

/// The longest form any detector accepts, in bytes: PEM of a 16,384-bit RSA key in PKCS#8 takes
/// 12.9 KB, twice that as UTF-16. Memory is put together this far on each side of a seam.
pub const LONGEST_FORM: usize = 32 << 10;

/// Base64 characters of the longest text any detector reads: PEM of a 16,384-bit RSA key in base64 again.
pub const MAX_CHARACTERS: usize = 18 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ProofCache;
    use proptest::prelude::*;

    #[test]
    fn anchors_keep_the_rules_the_scan_relies_on() {
        let anchors = DETECTORS.iter().flat_map(|detector| detector.anchors());
        let patterns = anchors.flat_map(|anchor| anchor.patterns());
        let all: std::collections::BTreeSet<Vec<u8>> =
            patterns.map(|(pattern, _)| pattern).collect();
        assert!(all.len() <= MAX_PATTERNS, "{} byte strings", all.len());
        for anchor in all {
            assert!(anchor.len() >= 4, "{anchor:02x?} is too short");
            assert_ne!(
                anchor[..4],
                [0; 4],
                "{anchor:02x?} could start in a page of zeros"
            );
        }
    }

    /// Bytes in which anchors stand among what may follow them.
    fn announced() -> impl Strategy<Value = (Vec<u8>, usize, bool)> {
        let anchors: Vec<(Vec<u8>, bool)> = DETECTORS
            .iter()
            .flat_map(|detector| detector.anchors())
            .flat_map(|anchor| anchor.patterns())
            .collect();
        let short = proptest::collection::vec(any::<u8>(), 0..80);
        let tail = proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(0x30), Just(2), Just(0), Just(b'A')],
            0..400,
        );
        (short, prop::sample::select(anchors), tail).prop_map(|(head, (anchor, is_wide), tail)| {
            let at = head.len();
            ([&head[..], &anchor, &tail].concat(), at, is_wide)
        })
    }

    proptest! {
        #[test]
        fn what_follows_an_anchor_may_be_anything((data, at, is_wide) in announced()) {
            let cache = ProofCache::default();
            let prover = Prover::new(&cache, 16);
            for detector in DETECTORS {
                for sighting in detector.examine(&Hit { data: &data, at, is_wide, prover: &prover }) {
                    prop_assert!(detector.forms().contains(&sighting.form()), "{}: {}", detector.name(), sighting.form());
                    let range = match sighting {
                        Sighting::Key(evidence) => evidence.range,
                        Sighting::Public(clue) => clue.range,
                    };
                    prop_assert!(range.start < range.end && range.end <= data.len(), "{}: {:?}", detector.name(), range);
                }
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
