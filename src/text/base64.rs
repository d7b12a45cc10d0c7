//! Base64 in a dump: characters gathered from lines, decoded into wiped memory (RFC 4648, sections 4 and 5).

use super::TextView;
use crate::secret::SecretBuf;
use base64ct::{Base64, Decoder};

/// Which characters belong to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// `+` and `/`, where a hyphen ends a text, as in PEM.
    Standard,
    /// `+` and `/`, or `-` and `_`.
    Either,
}

impl Alphabet {
    /// The character of the standard alphabet that `character` stands for.
    pub const fn standard(self, character: u8) -> Option<u8> {
        match (character, self) {
            (b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/', _) => Some(character),
            (b'-', Self::Either) => Some(b'+'),
            (b'_', Self::Either) => Some(b'/'),
            _ => None,
        }
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
    pub fn gather(
        view: TextView<'_>,
        at: usize,
        limit: usize,
        alphabet: Alphabet,
    ) -> (Self, Gathered) {
        let mut count = 0;
        let gathered = walk(view, at, alphabet, |_| {
            count += 1;
            count <= limit
        });
        let mut characters = SecretBuf::with_capacity(count.min(limit));
        walk(view, at, alphabet, |character| characters.push(character));
        (Self { characters }, gathered)
    }

    /// Byte offset behind the `count`th base64 character from byte `at` on, or behind the last one.
    pub fn end_of(view: TextView<'_>, at: usize, count: usize, alphabet: Alphabet) -> usize {
        let mut left = count;
        let gathered = walk(view, at, alphabet, |_| {
            let wanted = left > 0;
            left = left.saturating_sub(1);
            wanted
        });
        gathered.last
    }

    /// Byte offset of the `count`th base64 character from byte `at` on, counted from 0.
    pub fn start_of(view: TextView<'_>, at: usize, count: usize, alphabet: Alphabet) -> usize {
        let behind = Self::end_of(view, at, count + 1, alphabet);
        view.before(behind).unwrap_or(behind)
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
fn walk(
    view: TextView<'_>,
    at: usize,
    alphabet: Alphabet,
    mut take: impl FnMut(u8) -> bool,
) -> Gathered {
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
        if let Some(character) = alphabet.standard(character).filter(|_| padding == 0) {
            if !take(character) {
                gathered.overlong = true;
                break;
            }
            gathered.last = end;
            gathered.end = end;
            continue;
        }
        match character {
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

/// Characters decoded at a time: a multiple of four.
const DECODE_BLOCK: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Encoding;
    use base64ct::Encoding as _;
    use proptest::prelude::*;

    fn gather(text: &[u8]) -> (Base64Text, Gathered) {
        Base64Text::gather(
            TextView::new(text, Encoding::Ascii),
            0,
            1 << 16,
            Alphabet::Standard,
        )
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
            "QUJD\", \"REVG",
            "QUJD\\\",\\\"REVG",
            "QUJD' + 'REVG",
            "QUJD\n// REVG",
            "QUJD\n-- REVG",
            "QUJD\r\n\r\nREVG",
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
        let (text, gathered) = Base64Text::gather(
            TextView::new(b"QUJDREVG", Encoding::Ascii),
            0,
            4,
            Alphabet::Standard,
        );
        assert_eq!(&*text.decode().unwrap(), b"ABC");
        assert!(gathered.overlong);
    }

    #[test]
    fn the_alphabet_of_urls_is_read_where_it_is_allowed() {
        let view = TextView::new(b"-_-_", Encoding::Ascii);
        let gather = |alphabet| Base64Text::gather(view, 0, 99, alphabet).0;
        assert!(gather(Alphabet::Standard).is_empty());
        assert_eq!(
            &*gather(Alphabet::Either).decode().unwrap(),
            [0xfb, 0xff, 0xbf]
        );
    }

    #[test]
    fn what_stands_before_the_first_line_may_stand_before_all() {
        for (first, second) in [
            ("+", "+"),
            ("12:01:02 app: ", "12:01:03 app: "),
            ("web_1  | ", "web_1  | "),
        ] {
            let text = format!("x\n{first}BEGIN\n{second}QUJD\r\n{second}REVG\n{second}-----");
            let view = TextView::new(text.as_bytes(), Encoding::Ascii);
            let begin = text.find("BEGIN").unwrap();
            let view = view.with_prefix_before(begin);
            let (gathered, _) = Base64Text::gather(view, begin + 5, 99, Alphabet::Standard);
            assert_eq!(&*gathered.decode().unwrap(), b"ABCDEF", "{first}");
        }
    }

    #[test]
    fn characters_are_located_across_lines() {
        let view = TextView::new(b"QUJD\r\nREVG..", Encoding::Ascii);
        let end = |count| Base64Text::end_of(view, 0, count, Alphabet::Standard);
        assert_eq!([0, 4, 5, 8, 99].map(end), [0, 4, 7, 10, 10]);
        assert_eq!(Base64Text::start_of(view, 0, 4, Alphabet::Standard), 6);
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
