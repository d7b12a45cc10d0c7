//! Text in a dump: one view over its encodings, base64 bodies, and strings made safe to print.

use crate::secret::SecretBuf;
use base64ct::{Base64, Decoder};

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
}

impl<'d> TextView<'d> {
    /// A view over `data`; positions are byte offsets into it.
    pub fn new(data: &'d [u8], encoding: Encoding) -> Self {
        Self { data, encoding }
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
    /// text); `%0A`, `%0D` (URLs); `&#10;`, `&#13;`, `&#xA;`, `&#xD;` (XML).
    pub fn line_break(&self, at: usize) -> Option<usize> {
        let mut behind = self.one_break(self.closing(at))?;
        while let Some(next) = self.one_break(self.closing(behind)) {
            behind = next;
        }
        for _ in 0..MAX_LINE_PREFIX {
            match self.char_at(behind) {
                Some(b' ' | b'\t' | b'"' | b'\'' | b'>' | b'#' | b'|' | b'*' | b';') => {
                    behind = self.after(behind)
                }
                _ => break,
            }
        }
        Some(behind)
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
                let mut behind = at;
                while self.char_at(behind) == Some(b'\\')
                    && behind - at < MAX_BACKSLASHES * self.encoding.width()
                {
                    behind = self.after(behind);
                }
                matches!(self.char_at(behind)?, b'n' | b'r').then(|| self.after(behind))
            }
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

/// Characters of base64 text gathered from lines, before they are decoded.
///
/// White space between them is dropped, padding ends them.
pub struct Base64Text {
    characters: SecretBuf,
}

/// Where and why gathering base64 characters stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathered {
    /// Byte offset of the first character that is not part of the text.
    pub end: usize,
    /// Byte offset behind the last base64 or padding character.
    pub last: usize,
    /// The text has more characters than were allowed.
    pub overlong: bool,
}

impl Base64Text {
    /// Gathers base64 characters from byte `at` on, skipping white space, at most `limit` of them.
    /// Counts them first: a header without a body allocates nothing.
    pub fn gather(view: TextView<'_>, at: usize, limit: usize) -> (Self, Gathered) {
        let mut count = 0;
        let gathered = walk(view, at, |_| {
            count += 1;
            count <= limit
        });
        let mut characters = SecretBuf::with_capacity(count.min(limit));
        walk(view, at, |character| characters.push(character));
        (Self { characters }, gathered)
    }

    /// Number of base64 characters gathered, padding not counted.
    pub fn len(&self) -> usize {
        self.characters.len()
    }

    /// Whether no character was gathered.
    pub fn is_empty(&self) -> bool {
        self.characters.is_empty()
    }

    /// The bytes the characters stand for. Characters beyond the last whole group of four are
    /// used as far as they give whole bytes, so that a text without padding, or one cut off,
    /// decodes to what is there.
    pub fn decode(&self) -> Option<SecretBuf> {
        let whole = self.characters.len() / 4 * 4;
        let mut groups = self.characters.get(..whole)?.chunks(DECODE_BLOCK);
        let mut bytes = SecretBuf::with_capacity(whole / 4 * 3 + 3);
        let mut block = SecretBuf::zeroed(DECODE_BLOCK / 4 * 3);
        groups.try_for_each(|group| {
            let room = block.bytes_mut().get_mut(..group.len() / 4 * 3)?;
            Decoder::<Base64>::new(group).ok()?.decode(room).ok()?;
            bytes.extend(room).then_some(())
        })?;
        let rest = self.characters.get(whole..)?;
        if rest.len() >= 2 {
            let mut tail = SecretBuf::zeroed(4);
            tail.bytes_mut().fill(b'A');
            tail.bytes_mut()
                .get_mut(..rest.len())?
                .copy_from_slice(rest);
            let room = block.bytes_mut().get_mut(..3)?;
            Decoder::<Base64>::new(&tail).ok()?.decode(room).ok()?;
            if !bytes.extend(room.get(..rest.len() - 1)?) {
                return None;
            }
        }
        Some(bytes)
    }
}

/// Hands the base64 characters from byte `at` on to `take` until it refuses one or the text ends.
fn walk(view: TextView<'_>, at: usize, mut take: impl FnMut(u8) -> bool) -> Gathered {
    let mut gathered = Gathered {
        end: at,
        last: at,
        overlong: false,
    };
    let mut padding = 0;
    loop {
        let (character, end) = match view.char_at(gathered.end) {
            Some(b'%') => match view.percent(gathered.end) {
                Some(escape) => escape,
                None => break,
            },
            Some(b'\\') => view
                .json_escape(gathered.end)
                .unwrap_or((b'\\', view.after(gathered.end))),
            Some(character) => (character, view.after(gathered.end)),
            None => break,
        };
        match character {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {
                if !take(character) {
                    gathered.overlong = true;
                    break;
                }
                gathered.last = end;
            }
            b'=' if padding < 2 => {
                padding += 1;
                gathered.last = end;
            }
            b' ' | b'\t' => {}
            _ => match view.line_break(gathered.end) {
                Some(next) => {
                    gathered.end = next;
                    continue;
                }
                None => break,
            },
        }
        gathered.end = end;
    }
    gathered
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

/// Backslashes before an `n`: text quoted four times has eight.
const MAX_BACKSLASHES: usize = 16;

/// Characters decoded at a time: a multiple of four.
const DECODE_BLOCK: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::Encoding as _;
    use proptest::prelude::*;

    fn gather(text: &[u8]) -> (Base64Text, Gathered) {
        Base64Text::gather(TextView::new(text, Encoding::Ascii), 0, 1 << 16)
    }

    #[test]
    fn gathering_skips_white_space_and_ends_at_padding() {
        let (text, gathered) = gather(b"QUJD\r\n REU=\n-----END");
        assert_eq!(&*text.decode().unwrap(), b"ABCDE");
        assert_eq!(
            gathered,
            Gathered {
                end: 12,
                last: 11,
                overlong: false
            }
        );
    }

    #[test]
    fn lines_may_be_broken_as_other_texts_write_it() {
        for text in [
            "QUJD\\nREVG",
            "QUJD\\r\\nREVG",
            "QUJD\\\\nREVG",
            "QUJD%0AREVG",
            "QUJD&#10;REVG",
            "QUJD&#xD;&#xA;REVG",
            "QUJD\n    REVG",
            "QUJD\n> REVG",
            "QUJD\n# REVG",
            "QUJD\"\n\"REVG",
            "QUJD\\n\" +\n  \"REVG",
            "QUJD\\n\",\n\t\"REVG",
            "QUJD REVG",
        ] {
            let (gathered, _) = gather(format!("{text}\n-----END").as_bytes());
            assert_eq!(&*gathered.decode().unwrap(), b"ABCDEF", "{text}");
        }
        assert_eq!(&*gather(b"%2B%2FA%3D").0.decode().unwrap(), [0xfb, 0xf0]);
        assert_eq!(
            &*gather(b"\\u002B\\/\\u000aA\\u003D").0.decode().unwrap(),
            [0xfb, 0xf0]
        );
        assert_eq!(gather(b"QUJD\\tREVG").0.len(), 4);
    }

    #[test]
    fn a_limit_is_reported() {
        let (text, gathered) =
            Base64Text::gather(TextView::new(b"QUJDREVG", Encoding::Ascii), 0, 4);
        assert_eq!(&*text.decode().unwrap(), b"ABC");
        assert!(gathered.overlong);
    }

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

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(bytes in proptest::collection::vec(any::<u8>(), 0..5000), padded in any::<bool>()) {
            let mut text = Base64::encode_string(&bytes);
            if !padded { text = text.trim_end_matches('=').to_owned(); }
            let (gathered, _) = gather(text.as_bytes());
            prop_assert_eq!(&*gathered.decode().unwrap(), &bytes[..]);
        }
    }
}
