//! Characters that carry the structure of JSON and XML, as another text writes them.
//!
//! | meant | written |
//! |---|---|
//! | `"` | `"`, `\"` after any number of backslashes, `\u0022`, `\x22`, `%22`, `&quot;`, `&#34;`, `&amp;quot;` |
//! | `<` | `<`, `\u003c`, `%3C`, `&lt;`, `&#x3c;`, `&amp;lt;` |
//! | white space | itself, `\n`, `\r`, `\t`, `%0A`, `&#10;` |

use super::TextView;

/// A character as it is meant and as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The character meant; a blank for all white space.
    pub what: u8,
    /// How it is written: two quotes match only when this is the same.
    pub written: Written,
    /// The byte offset behind it.
    pub behind: usize,
}

/// How a character is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// As itself.
    Plain,
    /// Behind so many backslashes.
    Backslashes(usize),
    /// As its number in hexadecimal, `\u0022`, behind so many backslashes.
    Unicode(usize),
    /// As in URLs, `%22`.
    Percent,
    /// As in XML, `&quot;`, the ampersand so many times escaped itself.
    Entity(usize),
}

impl TextView<'_> {
    /// The character that stands, however written, at byte `at`. `None` for control characters, characters
    /// beyond ASCII and the end.
    pub fn mark(&self, at: usize) -> Option<Mark> {
        let first = self.char_at(at)?;
        let escape = match first {
            b'\\' => self.backslash(at),
            b'%' => self.hexadecimal(self.after(at), 2, Written::Percent),
            b'&' => self.entity(at),
            _ => None,
        };
        let itself = || Mark {
            what: first,
            written: Written::Plain,
            behind: match first {
                b'\\' => self.backslashes(at),
                _ => self.after(at),
            },
        };
        meant(escape.unwrap_or_else(itself))
    }

    /// Where the character `what` starts, in its longest way of writing, that ends before byte `at`.
    pub fn mark_before(&self, at: usize, what: u8) -> Option<(usize, Mark)> {
        let mut start = at;
        let mut longest = None;
        for _ in 0..LONGEST_MARK {
            let Some(before) = self.before(start) else {
                break;
            };
            start = before;
            let mark = self.mark(start);
            if let Some(mark) = mark.filter(|mark| mark.what == what && mark.behind == at) {
                longest = Some((start, mark));
            }
        }
        longest
    }

    fn backslash(&self, at: usize) -> Option<Mark> {
        let behind = self.backslashes(at);
        let count = (behind - at) / self.encoding().width();
        let letter = self.char_at(behind)?;
        let next = self.after(behind);
        match letter {
            b'u' => self.hexadecimal(next, 4, Written::Unicode(count)),
            b'x' => self.hexadecimal(next, 2, Written::Unicode(count)),
            _ => {
                let what = match letter {
                    b'n' | b'r' | b't' => b' ',
                    b'"' | b'\'' | b'/' | b'`' => letter,
                    _ => return None,
                };
                Some(Mark {
                    what,
                    written: Written::Backslashes(count),
                    behind: next,
                })
            }
        }
    }

    fn entity(&self, at: usize) -> Option<Mark> {
        let mut name = self.after(at);
        let mut depth = 0;
        while let Some(behind) = self.skip(name, "amp;").filter(|_| depth < MAX_ENTITY_DEPTH) {
            name = behind;
            depth += 1;
        }
        let (_, what, behind) = ENTITIES
            .iter()
            .find_map(|&(text, what)| Some((text, what, self.skip(name, text)?)))?;
        Some(Mark {
            what,
            written: Written::Entity(depth),
            behind,
        })
    }

    /// The ASCII character whose number stands at `at` in `digits` hexadecimal digits.
    fn hexadecimal(&self, at: usize, digits: usize, written: Written) -> Option<Mark> {
        let mut behind = at;
        let mut value = 0u32;
        for _ in 0..digits {
            let digit = char::from(self.char_at(behind)?).to_digit(16)?;
            value = value << 4 | digit;
            behind = self.after(behind);
        }
        let what = u8::try_from(value).ok().filter(u8::is_ascii)?;
        Some(Mark {
            what,
            written,
            behind,
        })
    }
}

/// White space as a blank; `None` for other control characters.
fn meant(mark: Mark) -> Option<Mark> {
    match mark.what {
        b'\t' | b'\n' | b'\r' => Some(Mark { what: b' ', ..mark }),
        b' '..=b'~' => Some(mark),
        _ => None,
    }
}

/// What may stand behind an ampersand, and what it means.
const ENTITIES: [(&str, u8); 19] = [
    ("quot;", b'"'),
    ("lt;", b'<'),
    ("gt;", b'>'),
    ("apos;", b'\''),
    ("#34;", b'"'),
    ("#39;", b'\''),
    ("#60;", b'<'),
    ("#62;", b'>'),
    ("#x22;", b'"'),
    ("#x27;", b'\''),
    ("#x3C;", b'<'),
    ("#x3E;", b'>'),
    ("#x3c;", b'<'),
    ("#x3e;", b'>'),
    ("#10;", b' '),
    ("#13;", b' '),
    ("#9;", b' '),
    ("#xA;", b' '),
    ("#xD;", b' '),
];

/// Times an ampersand is escaped that are followed.
const MAX_ENTITY_DEPTH: usize = 4;

/// Characters of the longest way to write a character that is looked for backwards: sixteen backslashes and
/// `u0022`, or four times `amp;` and an entity.
const LONGEST_MARK: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Encoding;

    fn mark(text: &str) -> Option<(u8, usize)> {
        let mark = TextView::new(text.as_bytes(), Encoding::Ascii).mark(0)?;
        Some((mark.what, mark.behind))
    }

    #[test]
    fn quotes_and_brackets_in_every_way_of_writing() {
        for text in [
            "\"",
            "\\\"",
            "\\\\\\\"",
            "\\u0022",
            "\\\\u0022",
            "\\x22",
            "%22",
            "&quot;",
            "&#34;",
            "&#x22;",
            "&amp;quot;",
            "&amp;amp;quot;",
        ] {
            assert_eq!(
                mark(&format!("{text}k")),
                Some((b'"', text.len())),
                "{text}"
            );
        }
        for text in ["<", "\\u003c", "\\u003C", "%3C", "%3c", "&lt;", "&amp;lt;"] {
            assert_eq!(mark(text), Some((b'<', text.len())), "{text}");
        }
        for text in [
            " ", "\n", "\\n", "\\\\r", "\\t", "%0A", "%20", "&#xD;", "\\u000a",
        ] {
            assert_eq!(mark(text), Some((b' ', text.len())), "{text}");
        }
        for text in ["", "\0", "\\u00ff", "\u{e9}", "\u{7f}"] {
            let expected = text.starts_with('\\').then_some((b'\\', 1));
            assert_eq!(mark(text), expected, "{text}");
        }
        assert_eq!(mark("&other;"), Some((b'&', 1)));
        assert_eq!(mark("%zz"), Some((b'%', 1)));
    }

    #[test]
    fn the_longest_way_of_writing_is_found_backwards() {
        for (text, start) in [
            ("ab\"", 2),
            ("ab\\\"", 2),
            ("a\\\\\\\"", 1),
            ("ab\\\\u0022", 2),
            ("a%22", 1),
            ("{&quot;", 1),
        ] {
            let view = TextView::new(text.as_bytes(), Encoding::Ascii);
            let found = view.mark_before(text.len(), b'"').map(|(start, _)| start);
            assert_eq!(found, Some(start), "{text}");
        }
        let view = TextView::new(b"abc", Encoding::Ascii);
        assert_eq!(view.mark_before(3, b'"'), None);
    }
}
