//! What the first pass over memory notes for those after it: which groups are worth a look.
//!
//! Most of memory holds no number of a key, and each sweep looks for where one may lie. The first, for numbers of all
//! classes, notes it in two bits for each group of 512 bytes; the others look at those groups alone.

use super::simd_runs::GROUP;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Which groups of a block are worth a look: in those of the first mask windows for numbers of 256 bits and more may
/// start, in those of the second windows for numbers of 512 bits and more do.
pub struct Note {
    masks: [Vec<u64>; 2],
}

impl Note {
    /// A note on so many groups, none of which is worth it.
    pub fn new(groups: usize) -> Self {
        let words = groups / 64 + 1;
        Self {
            masks: [vec![0; words], vec![0; words]],
        }
    }

    /// Notes whether the group is worth a look for shorter and for longer numbers.
    pub fn take(&mut self, group: usize, short: bool, long: bool) {
        for (mask, is_worth) in self.masks.iter_mut().zip([short || long, long]) {
            if let Some(word) = mask.get_mut(group / 64) {
                *word |= u64::from(is_worth) << (group % 64);
            }
        }
    }

    /// The groups that are worth a look, for longer numbers alone or for all.
    pub fn groups(&self, is_long: bool) -> impl Iterator<Item = usize> {
        let [short, long] = &self.masks;
        let mask = if is_long { long } else { short };
        mask.iter().enumerate().flat_map(|(index, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(64 * index + bit as usize)
            })
        })
    }

    /// Bytes of memory it takes, and its place among others.
    fn size(&self) -> usize {
        let [short, long] = &self.masks;
        8 * (short.len() + long.len()) + 128
    }
}

/// The notes on a dump.
#[derive(Default)]
pub struct Notebook {
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    /// By the offset in the file from which on numbers belong to a block, and the phase of its words.
    notes: HashMap<(usize, usize), Arc<Note>>,
    bytes: usize,
}

/// The notes on one block.
pub struct Notes<'n> {
    book: &'n Notebook,
    /// Offset in the file from which on numbers belong to the block.
    start: usize,
}

impl Notebook {
    /// Those on the block to which numbers belong that begin from the offset `start` in the file on.
    pub fn of_block(&self, start: usize) -> Notes<'_> {
        Notes { book: self, start }
    }
}

impl Notes<'_> {
    /// What was noted with the words in this phase.
    pub fn read(&self, phase: usize) -> Option<Arc<Note>> {
        let pages = self.book.pages.lock();
        let pages = pages.unwrap_or_else(PoisonError::into_inner);
        pages.notes.get(&(self.start, phase)).cloned()
    }

    /// Keeps a note, while there is room.
    pub fn write(&self, phase: usize, note: Note) {
        let pages = self.book.pages.lock();
        let mut pages = pages.unwrap_or_else(PoisonError::into_inner);
        if pages.bytes + note.size() <= MAX_BYTES {
            pages.bytes += note.size();
            pages.notes.insert((self.start, phase), Arc::new(note));
        }
    }
}

/// Bytes of all notes at most: those on 20 GiB. What is not noted is looked at anew.
const MAX_BYTES: usize = 20 * 1024 * ((1 << 20) / GROUP / 4 + 256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_and_more_than_there_is_room_for_is_not() {
        let mut note = Note::new(130);
        for (group, short, long) in [
            (0, true, false),
            (63, false, true),
            (64, true, true),
            (130, true, false),
        ] {
            note.take(group, short, long);
        }
        note.take(500, true, true);
        assert!(note.groups(false).eq([0, 63, 64, 130]));
        assert!(note.groups(true).eq([63, 64]));

        let book = Notebook::default();
        book.of_block(4096).write(4, note);
        assert!(book.of_block(4096).read(0).is_none());
        assert!(book.of_block(0).read(4).is_none());
        assert!(
            book.of_block(4096)
                .read(4)
                .is_some_and(|note| note.groups(true).eq([63, 64]))
        );

        let most = MAX_BYTES / Note::new(2048).size();
        for block in 0..most + 10 {
            book.of_block(block << 20).write(0, Note::new(2048));
        }
        let kept = (0..most + 10).filter(|block| book.of_block(block << 20).read(0).is_some());
        assert!(kept.count().abs_diff(most) <= 1);
    }
}
