//! RSA keys in whole lines of base64 and nothing else: the BEGIN line and the first lines were overwritten, as
//! the allocator of a server does that frees the text it loaded its key from.
//!
//! Nothing announces such lines. Any long run of base64 characters is decoded and searched for the numbers
//! of a private key; a certificate or a picture has none.

use super::base64::encoding_name;
use crate::detect::der::damaged;
use crate::detect::key::Fragment;
use crate::detect::{Anchor, Detector, Hit, MAX_CHARACTERS, Sighting};
use crate::text::{Alphabet, Base64Text, TextView};

/// The detector.
pub struct Lines;

impl Detector for Lines {
    fn name(&self) -> &'static str {
        "text.lines"
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Base64Run]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let sighting = hit.views().find_map(|(view, at)| look(view, at, hit));
        sighting.into_iter().collect()
    }
}

fn look(view: TextView<'_>, at: usize, hit: &Hit<'_>) -> Option<Sighting> {
    let run = run_around(view, at)?;
    // Lines start groups of four characters; where there are none, a group may start anywhere.
    let first_line = first_break(view, run.start, run.end);
    let starts = match first_line {
        Some(line) => [Some(line), None, None, None],
        None => [0, 1, 2, 3].map(|skip| Some(run.start + skip * view.encoding().width())),
    };
    starts.into_iter().flatten().find_map(|start| {
        let alphabet = Alphabet::Standard;
        let (text, _) = Base64Text::gather(view, start, MAX_CHARACTERS, alphabet);
        let (key, range) = damaged::anywhere(&text.decode()?, hit.prover)?;
        let first = Base64Text::start_of(view, start, range.start * 4 / 3, alphabet);
        let end = Base64Text::end_of(view, start, (range.end * 4).div_ceil(3), alphabet);
        let fragment = Fragment {
            present: range.len() as u64,
            expected: None,
        };
        let evidence = key.fragment_at("der.pkcs1", encoding_name(view), first..end, fragment);
        Some(Sighting::Key(evidence))
    })
}

/// The run of base64 characters and line breaks round `at`, if it is long enough for fifteen lines and not
/// so long that it is something else.
fn run_around(view: TextView<'_>, at: usize) -> Option<std::ops::Range<usize>> {
    let is_text = |at: usize| {
        let character = view.char_at(at);
        character.is_some_and(|c| {
            Alphabet::Standard.standard(c).is_some() || matches!(c, b'\r' | b'\n' | b'\\')
        })
    };
    let most = MAX_CHARACTERS;
    let mut start = at;
    let mut count = 0;
    while count < most
        && let Some(before) = view.before(start).filter(|before| is_text(*before))
    {
        start = before;
        count += 1;
    }
    let mut end = at;
    while count < most && is_text(end) {
        end = view.after(end);
        count += 1;
    }
    (MIN_CHARACTERS..most)
        .contains(&count)
        .then_some(start..end)
}

/// Behind the first line break in a run.
fn first_break(view: TextView<'_>, start: usize, end: usize) -> Option<usize> {
    let mut at = start;
    while at < end {
        if let Some(line) = view.line_break(at) {
            return Some(line);
        }
        at = view.after(at);
    }
    None
}

/// Characters of fifteen lines of 64, less what two broken lines may lack.
const MIN_CHARACTERS: usize = 14 * 64;
