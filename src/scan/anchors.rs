//! One automaton over the anchors of all detectors.

use super::texts;
use crate::detect::{Anchor, DETECTORS, Detector};
use aho_corasick::packed::{self, MatchKind};
use aho_corasick::{AhoCorasick, Input, Span};
use std::ops::Range;

/// The automaton, and who asked for which anchor.
pub struct Anchors {
    engine: Engine,
    /// For each pattern, what it announces.
    detectors: Vec<Vec<Announced>>,
    longest: usize,
    /// Who wants runs of base64 characters.
    base64_runs: Vec<&'static dyn Detector>,
}

/// What a pattern announces.
#[derive(Clone, Copy)]
pub struct Announced {
    /// Whose anchor it is.
    pub detector: &'static dyn Detector,
    /// It is the anchor as wide text.
    pub is_wide: bool,
}

enum Engine {
    /// SIMD search for a few dozen patterns (Teddy): some 20 times as fast as the automaton.
    Packed(packed::Searcher),
    /// For processors without it.
    Automaton(AhoCorasick),
}

impl Anchors {
    /// Over all detectors.
    pub fn new() -> Self {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut detectors: Vec<Vec<Announced>> = Vec::new();
        let mut base64_runs = Vec::new();
        for &detector in DETECTORS {
            if detector.anchors().contains(&Anchor::Base64Run) {
                base64_runs.push(detector);
            }
            let anchors = detector.anchors().iter();
            for (bytes, is_wide) in anchors.flat_map(|anchor| anchor.patterns()) {
                let announced = Announced { detector, is_wide };
                match patterns.iter().position(|pattern| *pattern == bytes) {
                    Some(known) => detectors
                        .get_mut(known)
                        .into_iter()
                        .for_each(|list| list.push(announced)),
                    None => {
                        patterns.push(bytes);
                        detectors.push(vec![announced]);
                    }
                }
            }
        }
        let longest = patterns
            .iter()
            .map(|pattern| pattern.len())
            .max()
            .unwrap_or(1);
        let packed = packed::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .builder()
            .extend(&patterns)
            .build();
        let engine = match packed {
            Some(searcher) => Engine::Packed(searcher),
            None => Engine::Automaton(automaton(&patterns)),
        };
        Self {
            engine,
            detectors,
            longest,
            base64_runs,
        }
    }

    /// Calls `examine` for every anchor that starts in `starts` and every detector it announces, in
    /// order of place. An anchor may hide no other: the search goes on one byte behind each start.
    pub fn each(
        &self,
        data: &[u8],
        starts: Range<usize>,
        mut examine: impl FnMut(usize, Announced),
    ) {
        let end = starts.end.saturating_add(self.longest - 1).min(data.len());
        let mut at = starts.start;
        while let Some((start, pattern)) = self.next(data, Span { start: at, end }) {
            if start >= starts.end {
                break;
            }
            for announced in self.detectors.get(pattern).into_iter().flatten() {
                examine(start, *announced);
            }
            at = start + 1;
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

    fn next(&self, data: &[u8], span: Span) -> Option<(usize, usize)> {
        if span.start >= span.end {
            return None;
        }
        let found = match &self.engine {
            Engine::Packed(searcher) => searcher.find_in(data, span)?,
            Engine::Automaton(automaton) => automaton.find(Input::new(data).span(span))?,
        };
        Some((found.start(), found.pattern().as_usize()))
    }
}

fn automaton(patterns: &[Vec<u8>]) -> AhoCorasick {
    AhoCorasick::builder()
        .match_kind(aho_corasick::MatchKind::LeftmostFirst)
        .build(patterns)
        .expect("a few dozen short patterns fit every automaton")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hits(anchors: &Anchors, data: &[u8], range: Range<usize>) -> Vec<(usize, &'static str)> {
        let mut hits = Vec::new();
        anchors.each(data, range, |at, announced| {
            hits.push((at, announced.detector.name()))
        });
        hits
    }

    fn naive(data: &[u8], range: Range<usize>) -> Vec<(usize, &'static str)> {
        let mut hits = Vec::new();
        for at in range {
            for detector in DETECTORS {
                let anchors = detector
                    .anchors()
                    .iter()
                    .flat_map(|anchor| anchor.patterns());
                if anchors
                    .into_iter()
                    .any(|(pattern, _)| data[at..].starts_with(&pattern))
                {
                    hits.push((at, detector.name()));
                }
            }
        }
        hits
    }

    fn all_patterns() -> Vec<Vec<u8>> {
        let anchors = DETECTORS.iter().flat_map(|detector| detector.anchors());
        anchors
            .flat_map(|anchor| anchor.patterns())
            .map(|(pattern, _)| pattern)
            .collect()
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::sample::select(all_patterns()),
            proptest::collection::vec(
                prop::sample::select(&b"\x02\x01\x00\x82-P\x0d\x06"[..]),
                0..40
            ),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_anchor_is_missed_and_none_hides_another(data in text(), cut in any::<prop::sample::Index>()) {
            let packed = Anchors::new();
            let cut = cut.index(data.len() + 1);
            let mut found = hits(&packed, &data, 0..cut);
            found.extend(hits(&packed, &data, cut..data.len()));
            prop_assert_eq!(&found, &naive(&data, 0..data.len()));
            let mut patterns: Vec<Vec<u8>> = Vec::new();
            for pattern in all_patterns() {
                if !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
            }
            let portable = Anchors { engine: Engine::Automaton(automaton(&patterns)), ..packed };
            prop_assert_eq!(hits(&portable, &data, 0..data.len()), found);
        }
    }
}
