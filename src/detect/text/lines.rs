//! RSA keys in whole lines of base64 and nothing else: the BEGIN line and the first lines were overwritten, as
//! the allocator of a server does that frees the text it loaded its key from.
//!
//! Nothing announces such lines. Any long run of base64 characters is decoded and searched for the numbers
//! of a private key; a certificate or a picture has none.

use super::base64::encoding_name;
use crate::crypto::Prover;
use crate::detect::der::damaged;
use crate::detect::key::{Evidence, Fragment};
use crate::detect::{Anchor, Detector, Hit, MAX_CHARACTERS, Sighting};
use crate::text::{Alphabet, Base64Text, TextView};

/// The detector.
pub struct Lines;

impl Detector for Lines {
    fn name(&self) -> &'static str {
        "text.lines"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["der.pkcs1"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Base64Run]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        hit.best(|(view, at)| look(view, at, hit.prover))
    }
}

fn look(view: TextView<'_>, at: usize, prover: &Prover<'_>) -> Option<Evidence> {
    let run = run_around(view, at)?;
    if !prover.afford(run.len()) {
        return None;
    }
    // A line ends with a group of four characters; where there are no lines, a group may start anywhere.
    let starts = match first_line(view, run.start, run.end) {
        Some(characters) => characters % 4..characters % 4 + 1,
        None => 0..4,
    };
    starts.into_iter().find_map(|skip| {
        let start = run.start + skip * view.encoding().width();
        let alphabet = Alphabet::Standard;
        let (text, _) = Base64Text::gather(view, start, MAX_CHARACTERS, alphabet);
        let (key, range) = damaged::anywhere(&text.decode()?, prover)?;
        let first = Base64Text::start_of(view, start, range.start * 4 / 3, alphabet);
        let end = Base64Text::end_of(view, start, (range.end * 4).div_ceil(3), alphabet);
        let fragment = Fragment {
            present: range.len() as u64,
            expected: None,
        };
        Some(key.fragment_at("der.pkcs1", encoding_name(view), first..end, fragment))
    })
}

/// The run of base64 characters and line breaks round `at`, if it is long enough for ten lines and not so
/// long that it is something else.
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

/// Characters of the first line of a run.
fn first_line(view: TextView<'_>, start: usize, end: usize) -> Option<usize> {
    let mut at = start;
    let mut characters = 0;
    while at < end {
        let is_character = view
            .char_at(at)
            .and_then(|c| Alphabet::Standard.standard(c));
        if is_character.is_none() {
            return Some(characters);
        }
        characters += 1;
        at = view.after(at);
    }
    None
}

/// Characters of the fewest lines that are looked at: a 1024-bit key that lost its first line has more.
const MIN_CHARACTERS: usize = 10 * 64;
