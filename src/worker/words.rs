//! Words of the program that come back from a worker: names of forms, searches and encodings, which are `&'static str`
//! wherever they are used.
//!
//! The worker is the same program, so a word it sends is one that stands in it. A table of all of them would be one
//! more place to edit for each new form; instead the words that arrive are kept for good, within narrow bounds: plain
//! text of a bounded length, and no more in all than the program could hold. What exceeds them makes a reply
//! malformed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The word `text`; `None` when it cannot be one of the program's, or when there are more than it has.
pub fn known(text: &str) -> Option<&'static str> {
    static KEPT: Mutex<Kept> = Mutex::new(Kept {
        words: BTreeSet::new(),
        room: ALL,
    });
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.word(text)
}

/// The words that arrived so far.
struct Kept {
    words: BTreeSet<&'static str>,
    /// Bytes that may still be kept.
    room: usize,
}

impl Kept {
    fn word(&mut self, text: &str) -> Option<&'static str> {
        if let Some(word) = self.words.get(text) {
            return Some(word);
        }
        let is_plain = text.len() <= LONGEST && !text.chars().any(char::is_control);
        if !is_plain {
            return None;
        }
        self.room = self.room.checked_sub(text.len() + OVERHEAD)?;
        let word: &'static str = Box::leak(text.to_owned().into_boxed_str());
        self.words.insert(word);
        Some(word)
    }
}

/// Bytes of the longest word: what `--deep` would cover is a sentence of 400.
const LONGEST: usize = 1024;

/// Bytes of all words and what it takes to keep them. The names of published keys alone are 45 KiB.
const ALL: usize = 1 << 20;

/// Bytes it takes to keep a word, beside its own.
const OVERHEAD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_once_and_within_bounds() {
        let mut kept = Kept {
            words: BTreeSet::new(),
            room: 3 * (OVERHEAD + 4),
        };
        let first = kept.word("pem1").unwrap();
        let again = kept.word("pem1").unwrap();
        assert!(std::ptr::eq(first, again));
        assert_eq!(kept.word("a\u{1b}[2J"), None);
        assert_eq!(kept.word(&"x".repeat(LONGEST + 1)), None);
        assert!(kept.word("pem2").is_some() && kept.word("pem3").is_some());
        assert_eq!(kept.word("pem4"), None);
        assert_eq!(kept.word("pem3"), Some("pem3"));
    }
}
