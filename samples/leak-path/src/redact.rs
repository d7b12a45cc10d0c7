//! The redactor: blanks in a finished dump the secrets it knows, in every encoding it knows. It does that well. What it
//! cannot do is blank a key that nobody has told it of yet.

use crate::Result;
use crate::forms::Form;
use crate::key::Key;
use crate::search::{Exact, Parts};
use crate::store;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// What the redactor knows: a picture of the key store as it was at one moment.
#[derive(Default)]
pub struct Snapshot {
    known: BTreeMap<String, Known>,
}

struct Known {
    forms: Vec<Form>,
    text: Vec<u8>,
}

impl Snapshot {
    /// Looks at the key store again. What was known before stays known: a key that was rotated out may still lie in
    /// freed memory.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn refresh(&mut self, store: &Path) -> Result<()> {
        for key in store::read_keys(store)? {
            let Key { kid, .. } = &key;
            if !self.known.contains_key(kid) {
                let (forms, text) = (key.forms(), key.private_text());
                self.known.insert(kid.clone(), Known { forms, text });
            }
        }
        Ok(())
    }

    /// The kids of all known keys.
    pub fn kids(&self) -> Vec<&str> {
        self.known.keys().map(String::as_str).collect()
    }

    /// Overwrites every known secret with zeros, and whatever is left of one; how many bytes that were.
    pub fn blank(&self, dump: &mut [u8]) -> usize {
        let forms = || self.known.values().flat_map(|known| &known.forms);
        let exact = Exact::new(forms().map(|form| &*form.bytes));
        let lengths: Vec<usize> = forms().map(|form| form.bytes.len()).collect();
        let wholes = exact
            .find(dump)
            .into_iter()
            .map(|(index, at)| at..at + lengths[index]);
        let mut ranges: Vec<Range<usize>> = wholes.collect();
        ranges.extend(
            parts(
                self.known
                    .values()
                    .map(|known| (&*known.forms, &*known.text)),
            )
            .find(dump),
        );
        let mut blanked = 0;
        for range in ranges {
            blanked += dump[range.clone()]
                .iter()
                .filter(|byte| **byte != 0)
                .count();
            dump[range].fill(0);
        }
        blanked
    }
}

/// The search for what is left of the private numbers of some keys, and of their texts. Whole structures are no part of
/// it: their headers and public numbers are no secret, and stand in other keys too.
pub fn parts<'k>(keys: impl Iterator<Item = (&'k [Form], &'k [u8])>) -> Parts {
    Parts::new(keys.flat_map(|(forms, text)| {
        let numbers = forms
            .iter()
            .filter(|form| !matches!(form.component, "pem" | "der"));
        numbers.map(|form| &*form.bytes).chain([text])
    }))
}

#[cfg(test)]
mod tests {
    use super::Snapshot;
    use crate::key::{Key, Use};
    use crate::store::write_key;
    use crate::truth::Truth;

    #[test]
    fn known_keys_are_blanked_and_unknown_ones_are_not() {
        let store = tempfile::tempdir().expect("a directory");
        let known = Key::generate(Use::Consumer, 1).expect("a key");
        let new = Key::generate(Use::Enterprise, 2).expect("a key");
        write_key(store.path(), &known).expect("written");
        let mut snapshot = Snapshot::default();
        snapshot.refresh(store.path()).expect("read");
        let mut dump = vec![0; 100];
        for key in [&known, &new] {
            for form in key.forms() {
                dump.extend(form.bytes);
                dump.extend([0; 5]);
            }
            dump.extend(&key.pem().as_bytes()[20..200]);
        }
        let both = [known, new];
        let truth = Truth::new(&both);
        let kids = |dump: &[u8]| -> Vec<String> {
            let holds = truth.of(dump);
            let mut kids: Vec<String> = holds.places.into_iter().map(|place| place.kid).collect();
            kids.dedup();
            kids
        };
        assert_eq!(kids(&dump), ["consumer-1", "enterprise-2"]);
        assert!(snapshot.blank(&mut dump) > 1000);
        assert_eq!(kids(&dump), ["enterprise-2"]);
        assert!(
            truth
                .of(&dump)
                .remains
                .iter()
                .all(|(kid, _)| kid == "enterprise-2")
        );
    }
}
