//! What the first pass over memory notes for those after it: which groups are worth a look.
//!
//! Most of memory holds no number of a key, and each sweep looks for where one may lie. The first, for numbers of all
//! classes, notes it in three bits for each group of 512 bytes; the others look at those groups alone.

use super::simd_runs::GROUP;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Which groups of a block are worth a look.
pub struct Note {
    masks: [Vec<u64>; KINDS],
}

/// What a group may be worth a look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Windows for numbers of 256 bits and more may start in it.
    Short,
    /// Windows for numbers of 512 bits and more do.
    Long,
    /// It may hold part of a long text.
    Text,
}

const KINDS: usize = 3;

impl Note {
    /// A note on so many groups, none of which is worth it.
    pub fn new(groups: usize) -> Self {
        let words = groups / 64 + 1;
        Self {
            masks: std::array::from_fn(|_| vec![0; words]),
        }
    }

    /// Notes whether the group is worth a look for shorter numbers, for longer ones, and for texts.
    pub fn take(&mut self, group: usize, [short, long, text]: [bool; KINDS]) {
        for (mask, is_worth) in self.masks.iter_mut().zip([short || long, long, text]) {
            if let Some(word) = mask.get_mut(group / 64) {
                *word |= u64::from(is_worth) << (group % 64);
            }
        }
    }

    /// The groups that are worth a look, in order.
    pub fn groups(&self, worth: Worth) -> impl Iterator<Item = usize> {
        let [short, long, text] = &self.masks;
        let mask = match worth {
            Worth::Short => short,
            Worth::Long => long,
            Worth::Text => text,
        };
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
        8 * self.masks.iter().map(Vec::len).sum::<usize>() + 128
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
const MAX_BYTES: usize = 20 * 1024 * (KINDS * (1 << 20) / GROUP / 8 + 256);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_and_more_than_there_is_room_for_is_not() {
        let mut note = Note::new(130);
        for (group, short, long, text) in [
            (0, true, false, true),
            (63, false, true, false),
            (64, true, true, true),
            (100, false, false, true),
            (130, true, false, false),
        ] {
            note.take(group, [short, long, text]);
        }
        note.take(500, [true; KINDS]);
        assert!(note.groups(Worth::Short).eq([0, 63, 64, 130]));
        assert!(note.groups(Worth::Long).eq([63, 64]));
        assert!(note.groups(Worth::Text).eq([0, 64, 100]));

        let book = Notebook::default();
        book.of_block(4096).write(4, note);
        assert!(book.of_block(4096).read(0).is_none());
        assert!(book.of_block(0).read(4).is_none());
        assert!(
            book.of_block(4096)
                .read(4)
                .is_some_and(|note| note.groups(Worth::Long).eq([63, 64]))
        );

        let most = MAX_BYTES / Note::new(2048).size();
        for block in 0..most + 10 {
            book.of_block(block << 20).write(0, Note::new(2048));
        }
        let kept = (0..most + 10).filter(|block| book.of_block(block << 20).read(0).is_some());
        assert!(kept.count().abs_diff(most) <= 1);
    }
}
