//! One automaton over the anchors of all detectors.

use crate::detect::{DETECTORS, Detector};
use aho_corasick::packed::{self, MatchKind};
use aho_corasick::{AhoCorasick, Input, Span};
use std::ops::Range;

/// The automaton, and who asked for which anchor.
pub struct Anchors {
    engine: Engine,
    /// For each pattern, the detectors it announces.
    detectors: Vec<Vec<&'static dyn Detector>>,
    longest: usize,
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
        let mut patterns: Vec<&'static [u8]> = Vec::new();
        let mut detectors: Vec<Vec<&'static dyn Detector>> = Vec::new();
        for detector in DETECTORS {
            for anchor in detector.anchors() {
                match patterns.iter().position(|pattern| pattern == anchor) {
                    Some(known) => detectors
                        .get_mut(known)
                        .into_iter()
                        .for_each(|list| list.push(*detector)),
                    None => {
                        patterns.push(anchor);
                        detectors.push(vec![*detector]);
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
        }
    }

    /// Calls `examine` for every anchor that starts in `starts` and every detector it announces, in
    /// order of place. An anchor may hide no other: the search goes on one byte behind each start.
    pub fn each(
        &self,
        data: &[u8],
        starts: Range<usize>,
        mut examine: impl FnMut(usize, &'static dyn Detector),
    ) {
        let end = starts.end.saturating_add(self.longest - 1).min(data.len());
        let mut at = starts.start;
        while let Some((start, pattern)) = self.next(data, Span { start: at, end }) {
            if start >= starts.end {
                break;
            }
            for detector in self.detectors.get(pattern).into_iter().flatten() {
                examine(start, *detector);
            }
            at = start + 1;
        }
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

fn automaton(patterns: &[&[u8]]) -> AhoCorasick {
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
        anchors.each(data, range, |at, detector| hits.push((at, detector.name())));
        hits
    }

    fn naive(data: &[u8], range: Range<usize>) -> Vec<(usize, &'static str)> {
        let mut hits = Vec::new();
        for at in range {
            for detector in DETECTORS {
                if detector
                    .anchors()
                    .iter()
                    .any(|anchor| data[at..].starts_with(anchor))
                {
                    hits.push((at, detector.name()));
                }
            }
        }
        hits
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let anchors: Vec<&'static [u8]> = DETECTORS
            .iter()
            .flat_map(|detector| detector.anchors())
            .copied()
            .collect();
        let piece = prop_oneof![
            prop::sample::select(anchors).prop_map(<[u8]>::to_vec),
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
            let mut patterns: Vec<&'static [u8]> = Vec::new();
            for anchor in DETECTORS.iter().flat_map(|detector| detector.anchors()) {
                if !patterns.contains(anchor) {
                    patterns.push(anchor);
                }
            }
            let portable = Anchors { engine: Engine::Automaton(automaton(&patterns)), ..packed };
            prop_assert_eq!(hits(&portable, &data, 0..data.len()), found);
        }
    }
}
