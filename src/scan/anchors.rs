//! The anchors of all detectors: who asked for which, and the search for all of them at once.

use super::search::Search;
use super::texts;
use crate::detect::{Anchor, Detector};
use aho_corasick::{AhoCorasick, Input};
use std::ops::Range;

/// What is searched for, and who asked for it.
pub struct Anchors {
    engine: Engine,
    detectors: Vec<&'static dyn Detector>,
    /// For each literal, which detectors it announces, and whether it is their anchor as wide text.
    announced: Vec<Vec<(usize, bool)>>,
    /// Who wants runs of base64 characters.
    base64_runs: Vec<&'static dyn Detector>,
    /// Bytes of the longest literal.
    longest: usize,
}

/// Whose anchor stands somewhere.
#[derive(Clone, Copy)]
pub struct Announced {
    /// The detector.
    pub detector: &'static dyn Detector,
    /// It is the anchor as wide text.
    pub is_wide: bool,
}

enum Engine {
    /// By windows, at the same speed for 15 literals and for 150.
    Windows(Search),
    /// For literals the search does not take: some 20 times slower.
    Automaton(AhoCorasick),
}

impl Anchors {
    /// Of `detectors`. A literal has at least four bytes, of which one is not zero; it may begin or contain
    /// another, and be asked for by several.
    pub fn new(detectors: &[&'static dyn Detector]) -> Self {
        let mut literals: Vec<Vec<u8>> = Vec::new();
        let mut announced: Vec<Vec<(usize, bool)>> = Vec::new();
        for (index, detector) in detectors.iter().enumerate() {
            let anchors = detector.anchors().iter();
            for (literal, is_wide) in anchors.flat_map(|anchor| anchor.patterns()) {
                let known = literals.iter().position(|known| *known == literal);
                match known.and_then(|known| announced.get_mut(known)) {
                    Some(list) => list.push((index, is_wide)),
                    None => {
                        literals.push(literal);
                        announced.push(vec![(index, is_wide)]);
                    }
                }
            }
        }
        let wants_runs =
            |detector: &&&'static dyn Detector| detector.anchors().contains(&Anchor::Base64Run);
        let engine = match Search::new(&literals) {
            Some(search) => Engine::Windows(search),
            None => Engine::Automaton(automaton(&literals)),
        };
        let lengths = literals.iter().map(|literal| literal.len());
        Self {
            engine,
            detectors: detectors.to_vec(),
            announced,
            base64_runs: detectors.iter().filter(wants_runs).copied().collect(),
            longest: lengths.max().unwrap_or(1),
        }
    }

    /// Calls `examine` for every place in `starts` where an anchor starts and every detector it announces:
    /// in order of place, at one place in order of the table, and once where several anchors of a detector
    /// start together. No anchor hides another.
    pub fn each(
        &self,
        data: &[u8],
        starts: Range<usize>,
        mut examine: impl FnMut(usize, Announced),
    ) {
        let mut hits: Vec<(usize, (usize, bool))> = Vec::new();
        let mut at = starts.start;
        while at < starts.end {
            let block = at..starts.end.min(at.saturating_add(BLOCK));
            at = block.end;
            self.search(data, block, |start, literal| {
                let detectors = self.announced.get(literal).into_iter().flatten();
                hits.extend(detectors.map(|detector| (start, *detector)));
            });
            // Neither search finds them by their starts.
            hits.sort_unstable();
            hits.dedup();
            for (start, (detector, is_wide)) in hits.drain(..) {
                if let Some(&detector) = self.detectors.get(detector) {
                    examine(start, Announced { detector, is_wide });
                }
            }
        }
    }

    /// Calls `examine` for every run of base64 characters met first in `starts`, for every detector that
    /// wants such.
    pub fn each_base64_run(
        &self,
        data: &[u8],
        starts: Range<usize>,
        mut examine: impl FnMut(usize, Announced),
    ) {
        texts::each(data, starts, |at, is_wide| {
            for &detector in &self.base64_runs {
                examine(at, Announced { detector, is_wide });
            }
        });
    }

    /// Calls `found` with place and number of every literal that starts in `starts`, in no order.
    fn search(&self, data: &[u8], starts: Range<usize>, mut found: impl FnMut(usize, usize)) {
        match &self.engine {
            Engine::Windows(search) => search.each(data, starts, found),
            Engine::Automaton(automaton) => {
                let end = starts.end.saturating_add(self.longest - 1).min(data.len());
                let input = Input::new(data).span(starts.start.min(end)..end);
                automaton
                    .find_overlapping_iter(input)
                    .filter(|hit| starts.contains(&hit.start()))
                    .for_each(|hit| found(hit.start(), hit.pattern().as_usize()));
            }
        }
    }
}

fn automaton(literals: &[Vec<u8>]) -> AhoCorasick {
    AhoCorasick::new(literals).expect("some hundred short literals fit every automaton")
}

/// Starts searched before what was found is put in order, in bytes: enough that its ends, where windows are
/// looked at twice, do not count, and few enough to bound what is held where anchors stand side by side.
const BLOCK: usize = 64 << 10;

/// Anchors that are hard to find, for tests.
#[cfg(test)]
pub mod samples {
    use super::*;
    use crate::detect::{Hit, Sighting};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// A detector with nothing but a name and anchors.
    struct Asker(&'static str, &'static [Anchor]);

    impl Detector for Asker {
        fn name(&self) -> &'static str {
            self.0
        }

        fn forms(&self) -> &'static [&'static str] {
            &[]
        }

        fn anchors(&self) -> &'static [Anchor] {
            self.1
        }

        fn examine(&self, _: &Hit<'_>) -> Vec<Sighting> {
            Vec::new()
        }
    }

    use Anchor::Bytes;

    pub static DETECTORS: [&dyn Detector; 7] = [
        &Asker(
            "zeros first",
            &[
                Bytes(b"\0\0\x49\x67"),
                Bytes(b"\0\x11\x01\0\x01"),
                Bytes(b"\0\0\0\x13ecdsa"),
            ],
        ),
        &Asker(
            "prefixes",
            &[
                Bytes(b"-----BEGIN RSA"),
                Bytes(b"-----BEGIN"),
                Bytes(b"----"),
            ],
        ),
        &Asker(
            "inside others",
            &[
                Bytes(b"BEGI"),
                Bytes(b"ecdsa"),
                Bytes(b"\0\0\0\x13"),
                Bytes(b"\x01\0\x01\0\0\0\0"),
            ],
        ),
        &Asker(
            "asked for twice",
            &[
                Bytes(b"----"),
                Bytes(b"\x02\x01\0\x02\x82"),
                Bytes(b"ecdsa"),
            ],
        ),
        &Asker(
            "periodic",
            &[
                Bytes(b"abab"),
                Bytes(b"babab"),
                Bytes(b"aaaa"),
                Bytes(b"-\0-\0-\0"),
            ],
        ),
        &Asker(
            "window far behind",
            &[Bytes(
                b"aaaabaaaabaaaabaaaabaaaabaaaabaaaabaaaab\xd7\xa9\xe3\xb5",
            )],
        ),
        &Asker(
            "zeros inside",
            &[
                Bytes(b"\x07\x02\0\0\0\xa4\0\0"),
                Bytes(b"a\0\0\0\0\0\0\0\xd7"),
                Bytes(b"P\0R\0I\0V"),
            ],
        ),
    ];

    pub static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| Anchors::new(&DETECTORS));

    pub fn literals(detectors: &[&'static dyn Detector]) -> Vec<Vec<u8>> {
        let all = detectors.iter().flat_map(|detector| detector.anchors());
        all.flat_map(|anchor| anchor.patterns())
            .map(|(literal, _)| literal)
            .collect()
    }

    /// What `Anchors::each` has to find, found the plain way.
    pub fn naive(
        detectors: &[&'static dyn Detector],
        data: &[u8],
        starts: Range<usize>,
    ) -> Vec<(usize, &'static str)> {
        let mut hits = Vec::new();
        for at in starts {
            for detector in detectors {
                let mut anchors = detector
                    .anchors()
                    .iter()
                    .flat_map(|anchor| anchor.patterns());
                if anchors.any(|(anchor, _)| data[at..].starts_with(&anchor)) {
                    hits.push((at, detector.name()));
                }
            }
        }
        hits
    }

    /// Anchors and pieces of them, among bytes they are made of.
    pub fn text(detectors: &[&'static dyn Detector]) -> impl Strategy<Value = Vec<u8>> + use<> {
        let literals = literals(detectors);
        let mut bytes = literals.concat();
        bytes.extend([0; 40]);
        let piece = prop_oneof![
            3 => (prop::sample::select(literals), 0..60usize)
                .prop_map(|(literal, cut)| literal[..literal.len() - cut.saturating_sub(40).min(literal.len())].to_vec()),
            1 => proptest::collection::vec(prop::sample::select(bytes), 0..80),
            1 => (0..200usize).prop_map(|length| vec![0; length]),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{literals, naive, text};
    use super::*;
    use crate::detect;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    fn hits(anchors: &Anchors, data: &[u8], range: Range<usize>) -> Vec<(usize, &'static str)> {
        let mut hits = Vec::new();
        anchors.each(data, range, |at, announced| {
            hits.push((at, announced.detector.name()))
        });
        hits
    }

    /// With every search there is: those of this processor, and the portable one.
    fn every(detectors: &[&'static dyn Detector]) -> Vec<Anchors> {
        let mut known = Vec::new();
        for literal in literals(detectors) {
            if !known.contains(&literal) {
                known.push(literal);
            }
        }
        let searches = Search::available(&known).expect("literals that keep the rules");
        let portable = Engine::Automaton(automaton(&known));
        let engines = searches.map(Engine::Windows).chain([portable]);
        engines
            .map(|engine| Anchors {
                engine,
                ..Anchors::new(detectors)
            })
            .collect()
    }

    /// Whether all of `every` and the plain search agree on `data`, in one piece and cut at `cut`.
    fn agree(
        detectors: &[&'static dyn Detector],
        every: &[Anchors],
        data: &[u8],
        cut: usize,
    ) -> Result<(), TestCaseError> {
        let expected = naive(detectors, data, 0..data.len());
        for anchors in every {
            prop_assert_eq!(&hits(anchors, data, 0..data.len()), &expected);
            let mut found = hits(anchors, data, 0..cut);
            found.extend(hits(anchors, data, cut..data.len()));
            prop_assert_eq!(&found, &expected);
        }
        Ok(())
    }

    static OURS: LazyLock<Vec<Anchors>> = LazyLock::new(|| every(detect::DETECTORS));

    static HARD: LazyLock<Vec<Anchors>> = LazyLock::new(|| every(&samples::DETECTORS));

    proptest! {
        #[test]
        fn no_anchor_is_missed_and_none_hides_another(data in text(detect::DETECTORS), cut in any::<prop::sample::Index>()) {
            agree(detect::DETECTORS, &OURS, &data, cut.index(data.len() + 1))?;
        }

        #[test]
        fn anchors_may_overlap_and_start_with_zeros(data in text(&samples::DETECTORS), cut in any::<prop::sample::Index>()) {
            agree(&samples::DETECTORS, &HARD, &data, cut.index(data.len() + 1))?;
        }
    }

    #[test]
    fn an_anchor_is_found_at_every_distance_from_either_end() {
        for literal in literals(&samples::DETECTORS) {
            for length in literal.len()..200 {
                let mut data = vec![0x55; length];
                data[length - literal.len()..].copy_from_slice(&literal);
                agree(&samples::DETECTORS, &HARD, &data, length / 2).unwrap();
                data.rotate_left(length - literal.len());
                agree(&samples::DETECTORS, &HARD, &data, length / 2).unwrap();
            }
        }
    }

    #[test]
    fn anchors_are_searched_by_windows() {
        for (detectors, every) in [(detect::DETECTORS, &*OURS), (&samples::DETECTORS, &*HARD)] {
            let chosen = Anchors::new(detectors).engine;
            assert!(matches!(chosen, Engine::Windows(_)) && every.len() > 1);
        }
    }

    #[test]
    fn hits_stay_in_order_where_blocks_meet() {
        let literals = literals(&samples::DETECTORS).concat();
        let data: Vec<u8> = literals
            .iter()
            .copied()
            .cycle()
            .take(3 * BLOCK + 17)
            .collect();
        agree(&samples::DETECTORS, &HARD, &data, BLOCK + 1).unwrap();
    }
}
