//! Text in a dump: one view over its encodings, base64 bodies, and strings made safe to print.

mod base64;
mod lines;
mod mark;

pub use base64::{Alphabet, Base64Text, Gathered};
pub use lines::Line;
pub use mark::{Mark, Written};

/// How characters lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One byte a character.
    Ascii,
    /// Two bytes a character, low byte first (Windows, .NET, Java on little-endian machines).
    Utf16Le,
    /// Two bytes a character, high byte first.
    Utf16Be,
}

impl Encoding {
    /// Bytes a character.
    pub const fn width(self) -> usize {
        match self {
            Self::Ascii => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// The name reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Utf16Le => "utf16le",
            Self::Utf16Be => "utf16be",
        }
    }
}

/// Bytes seen as ASCII characters in one encoding, from a byte offset on.
#[derive(Clone, Copy)]
pub struct TextView<'d> {
    data: &'d [u8],
    encoding: Encoding,
    /// What stands before each line, by its place and bytes; none if there is nothing.
    prefix: (usize, usize),
}

impl<'d> TextView<'d> {
    /// A view over `data`; positions are byte offsets into it.
    pub fn new(data: &'d [u8], encoding: Encoding) -> Self {
        Self {
            data,
            encoding,
            prefix: (0, 0),
        }
    }

    /// The same view over a text before whose lines stands what stands before `at` in its line: a mark of a
    /// difference, the name and time of a log.
    #[must_use]
    pub fn with_prefix_before(self, at: usize) -> Self {
        let mut start = at;
        for _ in 0..MAX_LINE_PREFIX {
            match self.before(start) {
                Some(before)
                    if self
                        .char_at(before)
                        .is_some_and(|c| !matches!(c, b'\r' | b'\n')) =>
                {
                    start = before;
                }
                _ => break,
            }
        }
        let prefix = (start, at - start);
        Self { prefix, ..self }
    }

    /// Behind the view's prefix at `at`; where a digit stands in it, any may.
    fn skip_prefix(&self, at: usize) -> Option<usize> {
        let (start, length) = self.prefix;
        (length > 0).then_some(())?;
        let mut behind = at;
        let mut wanted = start;
        while wanted < start + length {
            let (expected, found) = (self.char_at(wanted)?, self.char_at(behind)?);
            let fits = expected == found || (expected.is_ascii_digit() && found.is_ascii_digit());
            fits.then_some(())?;
            wanted = self.after(wanted);
            behind = self.after(behind);
        }
        Some(behind)
    }

    /// The encoding of the view.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The ASCII character that starts at byte `at`; `None` at the end or where none stands.
    pub fn char_at(&self, at: usize) -> Option<u8> {
        let first = *self.data.get(at)?;
        let character = match self.encoding {
            Encoding::Ascii => first,
            Encoding::Utf16Le => (*self.data.get(at + 1)? == 0).then_some(first)?,
            Encoding::Utf16Be => (first == 0).then(|| self.data.get(at + 1).copied())??,
        };
        character.is_ascii().then_some(character)
    }

    /// Whether a character beyond ASCII may stand at byte `at`, as part of a word of some language.
    pub fn is_foreign(&self, at: usize) -> bool {
        let byte = |index: usize| self.data.get(at.saturating_add(index)).copied();
        match self.encoding {
            Encoding::Ascii => byte(0).is_some_and(|byte| byte >= 0x80),
            Encoding::Utf16Le => byte(0)
                .zip(byte(1))
                .is_some_and(|(low, high)| high > 0 || low >= 0x80),
            Encoding::Utf16Be => byte(0)
                .zip(byte(1))
                .is_some_and(|(high, low)| high > 0 || low >= 0x80),
        }
    }

    /// The same text up to byte `end`.
    #[must_use]
    pub fn until(self, end: usize) -> Self {
        let data = self.data.get(..end).unwrap_or(self.data);
        Self { data, ..self }
    }

    /// The byte offset of the character before the one at `at`.
    pub fn before(&self, at: usize) -> Option<usize> {
        at.checked_sub(self.encoding.width())
    }

    /// The byte offset of the character after the one at `at`.
    pub fn after(&self, at: usize) -> usize {
        at.saturating_add(self.encoding.width())
    }

    /// The byte offset behind `literal` when it stands at `at`.
    pub fn skip(&self, at: usize, literal: &str) -> Option<usize> {
        literal.bytes().try_fold(at, |at, wanted| {
            (self.char_at(at)? == wanted).then(|| self.after(at))
        })
    }

    /// Behind a line break at `at`, as text or as another text writes it, and behind what may stand before
    /// the next line: blanks, quotes, marks of a comment or a quotation. `None` where none stands.
    ///
    /// Breaks: CR, LF, CRLF; `\n` and `\r` after any number of backslashes (JSON, JSON in JSON, source
    /// text); `%0A`, `%0D` (URLs); `&#10;`, `&#13;`, `&#xA;`, `&#xD;` (XML); the quotes between two strings
    /// of an array.
    pub fn line_break(&self, at: usize) -> Option<usize> {
        let mut behind = self.one_break(self.closing(at))?;
        loop {
            if let Some(text) = self.skip_prefix(behind) {
                return Some(text);
            }
            match self.one_break(self.closing(behind)) {
                Some(next) => behind = next,
                None => break,
            }
        }
        for _ in 0..MAX_LINE_PREFIX {
            match self.char_at(behind) {
                Some(b' ' | b'\t' | b'"' | b'\'' | b'>' | b'#' | b'|' | b'*' | b';') => {
                    behind = self.after(behind)
                }
                _ => match COMMENTS.iter().find_map(|mark| self.skip(behind, mark)) {
                    Some(text) => behind = text,
                    None => break,
                },
            }
        }
        Some(behind)
    }

    /// Behind the quotes between two strings of one line, as `", "` in an array of lines.
    fn joint(&self, at: usize) -> Option<usize> {
        let (open, quote) = self.quote(at)?;
        let comma = self.blanks(open);
        let joined = match self.char_at(comma)? {
            b',' | b'+' => self.blanks(self.after(comma)),
            _ => return None,
        };
        let (behind, other) = self.quote(joined)?;
        (quote == other).then_some(behind)
    }

    /// Behind a quote, escaped or not, and which one it is.
    pub fn quote(&self, at: usize) -> Option<(usize, u8)> {
        let at = self.backslashes(at);
        match self.char_at(at)? {
            quote @ (b'"' | b'\'') => Some((self.after(at), quote)),
            _ => None,
        }
    }

    /// Behind any number of backslashes, within bounds.
    pub fn backslashes(&self, at: usize) -> usize {
        let mut behind = at;
        while self.char_at(behind) == Some(b'\\')
            && behind - at < MAX_BACKSLASHES * self.encoding.width()
        {
            behind = self.after(behind);
        }
        behind
    }

    /// Behind blanks and tabs.
    pub fn blanks(&self, at: usize) -> usize {
        let mut behind = at;
        while let Some(b' ' | b'\t') = self.char_at(behind) {
            behind = self.after(behind);
        }
        behind
    }

    /// Behind what may stand between the end of a line's text and its break: a quote, a comma or a plus of
    /// source text, blanks.
    fn closing(&self, at: usize) -> usize {
        let mut behind = at;
        for _ in 0..MAX_LINE_PREFIX {
            match self.char_at(behind) {
                Some(b' ' | b'\t' | b'"' | b'\'' | b',' | b'+') => behind = self.after(behind),
                _ => break,
            }
        }
        if self.one_break(behind).is_some() {
            behind
        } else {
            at
        }
    }

    fn one_break(&self, at: usize) -> Option<usize> {
        match self.char_at(at)? {
            b'\r' | b'\n' => Some(self.after(at)),
            b'\\' => {
                let behind = self.backslashes(at);
                match self.char_at(behind)? {
                    b'n' | b'r' => Some(self.after(behind)),
                    _ => self.joint(at),
                }
            }
            b'"' | b'\'' => self.joint(at),
            b'%' => ["%0A", "%0D", "%0a", "%0d"]
                .iter()
                .find_map(|escape| self.skip(at, escape)),
            b'&' => ["&#10;", "&#13;", "&#xA;", "&#xD;", "&#xa;", "&#xd;"]
                .iter()
                .find_map(|escape| self.skip(at, escape)),
            _ => None,
        }
    }

    /// A character of base64 or a line break that a JSON text writes as an escape, and what is behind it:
    /// `\/`, `\u002B` and the like, `\u000A`.
    fn json_escape(&self, at: usize) -> Option<(u8, usize)> {
        let escapes = [
            ("\\/", b'/'),
            ("\\u002B", b'+'),
            ("\\u002b", b'+'),
            ("\\u002F", b'/'),
            ("\\u002f", b'/'),
            ("\\u003D", b'='),
            ("\\u003d", b'='),
            ("\\u000A", b' '),
            ("\\u000a", b' '),
            ("\\u000D", b' '),
            ("\\u000d", b' '),
        ];
        escapes
            .iter()
            .find_map(|(escape, character)| Some((*character, self.skip(at, escape)?)))
    }

    /// A character of base64 that a URL writes as `%2B`, `%2F` or `%3D`, and what is behind it.
    fn percent(&self, at: usize) -> Option<(u8, usize)> {
        let escapes = [
            ("%2B", b'+'),
            ("%2b", b'+'),
            ("%2F", b'/'),
            ("%2f", b'/'),
            ("%3D", b'='),
            ("%3d", b'='),
        ];
        let escape = escapes
            .iter()
            .find_map(|(escape, character)| Some((*character, self.skip(at, escape)?)));
        escape.or_else(|| Some((b'\n', self.one_break(at)?)))
    }

    /// Whether `literal` ends just before `at`; its start if so.
    pub fn skip_back(&self, at: usize, literal: &str) -> Option<usize> {
        let start = at.checked_sub(literal.len() * self.encoding.width())?;
        self.skip(start, literal).map(|_| start)
    }
}

/// Hostile text made safe for a terminal: control characters, line breaks and bidirectional
/// overrides become escapes, everything else stays.
pub fn printable(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, character| {
            if character.is_control() || is_invisible(character) {
                out.extend(character.escape_unicode());
            } else {
                out.push(character);
            }
            out
        })
}

/// Characters that reorder or hide their neighbours (Unicode's bidirectional controls, zero-width
/// characters, line separators).
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Characters that may stand between a line's break and its text, or its text and its break.
const MAX_LINE_PREFIX: usize = 64;

/// Marks of a comment that is a line of its own, in source texts.
const COMMENTS: [&str; 5] = ["// ", "/// ", "//! ", "-- ", "//\t"];

/// Backslashes before an `n`: text quoted four times has eight.
const MAX_BACKSLASHES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_of_wide_text() {
        let wide = b"K\0E\0Y\0-\0";
        let view = TextView::new(wide, Encoding::Utf16Le);
        assert_eq!(view.skip(0, "KEY-"), Some(8));
        assert_eq!(view.skip_back(8, "KEY-"), Some(0));
        assert_eq!(view.skip(1, "KEY"), None);
        let wide: Vec<u8> = b"KEY".iter().flat_map(|&c| [0, c]).collect();
        assert_eq!(
            TextView::new(&wide, Encoding::Utf16Be).skip(0, "KEY"),
            Some(6)
        );
    }

    #[test]
    fn hostile_names_are_made_printable() {
        assert_eq!(
            printable("a\u{1b}[31mb\nc\u{202e}"),
            "a\\u{1b}[31mb\\u{a}c\\u{202e}"
        );
        assert_eq!(printable("größe.dmp"), "größe.dmp");
    }
}
