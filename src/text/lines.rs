//! Lines of a text, and the numbers in them.

use super::TextView;
use std::ops::Range;

/// A line and where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its bytes without the break.
    pub text: Range<usize>,
    /// Behind the break, further empty lines and what may stand before the next line's text.
    pub next: usize,
}

impl TextView<'_> {
    /// The line from `at` on; `None` where no break follows within bounds. Bytes that are no
    /// ASCII, as in a comment, belong to it.
    pub fn line(&self, at: usize) -> Option<Line> {
        let mut end = at;
        for _ in 0..MAX_LINE {
            if let Some(next) = self.line_break(end) {
                return Some(Line {
                    text: at..end,
                    next,
                });
            }
            self.data.get(end)?;
            end = self.after(end);
        }
        None
    }

    /// The character below 256 that starts at byte `at`, as ISO 8859-1 counts them.
    pub fn latin_at(&self, at: usize) -> Option<u8> {
        match self.encoding {
            super::Encoding::Ascii => self.data.get(at).copied(),
            super::Encoding::Utf16Le => {
                (self.data.get(at + 1) == Some(&0)).then(|| self.data.get(at).copied())?
            }
            super::Encoding::Utf16Be => {
                (self.data.get(at) == Some(&0)).then(|| self.data.get(at + 1).copied())?
            }
        }
    }

    /// Whether `character` stands in `range`.
    pub fn contains(&self, range: &Range<usize>, character: u8) -> bool {
        range
            .clone()
            .step_by(self.encoding.width())
            .any(|at| self.char_at(at) == Some(character))
    }

    /// A decimal number of up to six digits at `at`, and what is behind it.
    pub fn decimal(&self, at: usize) -> Option<(usize, usize)> {
        let mut behind = at;
        let mut number = 0;
        for _ in 0..6 {
            match self.char_at(behind) {
                Some(digit @ b'0'..=b'9') => {
                    number = 10 * number + usize::from(digit - b'0');
                    behind = self.after(behind);
                }
                _ => break,
            }
        }
        (behind > at).then_some((number, behind))
    }
}

/// Characters of a line; a line of a header with a name or a comment stays far below.
pub const MAX_LINE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Encoding;

    #[test]
    fn lines_end_at_breaks_of_any_kind() {
        let view = TextView::new(b"a: \xc3\xa4\r\n\r\nb\\nc", Encoding::Ascii);
        let line = view.line(0).unwrap();
        assert_eq!((line.text.clone(), line.next), (0..5, 9));
        assert!(view.contains(&line.text, b':') && !view.contains(&line.text, b'b'));
        assert_eq!(view.line(9).unwrap().next, 12);
        assert_eq!(view.line(12), None);
    }

    #[test]
    fn decimals_end_at_what_is_no_digit() {
        let view = TextView::new(b"14\n", Encoding::Ascii);
        assert_eq!(view.decimal(0), Some((14, 2)));
        assert_eq!(view.decimal(2), None);
    }
}
