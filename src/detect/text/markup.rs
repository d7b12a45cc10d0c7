//! Elements of XML that may lie anywhere: escaped in other texts, with or without prefixes of namespaces.

use crate::detect::LONGEST_FORM;
use crate::text::TextView;
use std::ops::Range;

/// A tag. Ranges are byte offsets.
#[derive(Clone, Debug)]
pub struct Tag {
    /// From its `<` to behind its `>`.
    pub range: Range<usize>,
    /// The name without prefix.
    pub name: Range<usize>,
    /// What stands between name and end.
    pub attributes: Range<usize>,
    /// What it does.
    pub kind: TagKind,
}

/// What a tag does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// Opens an element.
    Open,
    /// Closes one.
    Close,
    /// Is one.
    Empty,
}

impl Tag {
    /// The tag whose local name starts at `name`.
    pub fn around(view: TextView<'_>, name: usize) -> Option<Self> {
        let mut at = name;
        for _ in 0..MAX_PREFIX {
            let is_edge = at == name || view.char_at(at).is_some_and(is_name);
            if !is_edge {
                return None;
            }
            let open = match view.mark_before(at, b'/') {
                Some((slash, _)) => view.mark_before(slash, b'<'),
                None => view.mark_before(at, b'<'),
            };
            if let Some(tag) = open.and_then(|(start, _)| Self::read(view, start))
                && tag.name.start == name
            {
                return Some(tag);
            }
            let before = view.before(at)?;
            if at == name && view.char_at(before) != Some(b':') {
                return None;
            }
            at = if at == name {
                view.before(before)?
            } else {
                before
            };
        }
        None
    }

    /// The tag that starts at `at`.
    pub fn read(view: TextView<'_>, at: usize) -> Option<Self> {
        let open = view.mark(at).filter(|mark| mark.what == b'<')?;
        let slash = view.mark(open.behind).filter(|mark| mark.what == b'/');
        let mut name = slash.map_or(open.behind, |mark| mark.behind);
        let mut end = name;
        let mut length = 0;
        while let Some(character) = view.char_at(end) {
            length += 1;
            match character {
                _ if length > MAX_NAME => return None,
                b':' => name = view.after(end),
                _ if is_name(character) => {}
                _ => break,
            }
            end = view.after(end);
        }
        let mut last = 0;
        let mut close = end;
        for _ in 0..MAX_ATTRIBUTES {
            let mark = view.mark(close)?;
            match mark.what {
                b'>' => {
                    return Some(Self {
                        range: at..mark.behind,
                        name: name..end,
                        attributes: end..close,
                        kind: match (slash, last) {
                            (Some(_), _) => TagKind::Close,
                            (_, b'/' | b'?' | b'-') => TagKind::Empty,
                            _ => TagKind::Open,
                        },
                    });
                }
                b'<' => return None,
                what => last = what,
            }
            close = mark.behind;
        }
        None
    }

    /// Whether its local name is `name`.
    pub fn is(&self, view: TextView<'_>, name: &str) -> bool {
        view.skip(self.name.start, name) == Some(self.name.end)
    }

    /// What stands between the quotes of the attribute `name`.
    pub fn attribute(&self, view: TextView<'_>, name: &str) -> Option<Range<usize>> {
        let inside = view.until(self.attributes.end);
        let mut at = self.attributes.start;
        while at < self.attributes.end {
            let quoted = inside
                .skip(at, name)
                .and_then(|behind| inside.mark(behind))
                .filter(|mark| mark.what == b'=')
                .and_then(|mark| inside.mark(mark.behind))
                .filter(|mark| b"\"'".contains(&mark.what));
            if let Some(open) = quoted {
                let mut end = open.behind;
                while let Some(mark) = inside.mark(end) {
                    if mark.what == open.what {
                        return Some(open.behind..end);
                    }
                    end = mark.behind;
                }
                return None;
            }
            at = inside.after(at);
        }
        None
    }
}

/// What an element inside says.
#[derive(Clone, Debug)]
pub enum Content {
    /// Between the tags.
    Text(Range<usize>),
    /// Text whose closing tag is lost: where it starts.
    CutText(usize),
    /// Attributes.
    Tag(Tag),
}

/// The elements inside another one, as far as they can be read.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Local names, and what the elements say.
    pub contents: Vec<(Range<usize>, Content)>,
    /// From the tag that opens the outer element to the one that closes it, or what is left of that.
    pub range: Range<usize>,
    /// Both tags are there.
    pub is_whole: bool,
}

impl Inside {
    /// Reads the elements from `at` on: behind `open`, the tag that opens the element `name`, or in the midst
    /// of it.
    pub fn read(view: TextView<'_>, name: &str, open: Option<&Tag>, at: usize) -> Self {
        let mut inside = Self {
            contents: Vec::new(),
            range: open.map_or(at..at, |tag| tag.range.clone()),
            is_whole: false,
        };
        let mut pending: Option<Tag> = None;
        let mut position = at;
        while inside.contents.len() < MAX_CONTENTS {
            let tag = next_tag(view, position).and_then(|next| Tag::read(view, next));
            let Some(tag) = tag else { break };
            if tag.is(view, name) {
                if tag.kind == TagKind::Close {
                    inside.range.end = tag.range.end;
                    inside.is_whole = open.is_some();
                    pending = None;
                }
                break;
            }
            position = tag.range.end;
            match (tag.kind, pending.take()) {
                (TagKind::Close, Some(opened)) if same(view, &opened.name, &tag.name) => {
                    let text = opened.range.end..tag.range.start;
                    inside.take(&opened, Content::Text(text), tag.range.end);
                }
                (TagKind::Close, _) => {}
                (kind, _) => {
                    if !tag.attributes.is_empty() {
                        inside.take(&tag, Content::Tag(tag.clone()), tag.range.end);
                    }
                    pending = (kind == TagKind::Open).then_some(tag);
                }
            }
        }
        if let Some(opened) = pending {
            let behind = opened.range.end;
            inside.take(&opened, Content::CutText(behind), behind);
        }
        inside
    }

    /// What the elements `name` say.
    pub fn find(&self, view: TextView<'_>, name: &'static str) -> impl Iterator<Item = &Content> {
        let named = self
            .contents
            .iter()
            .filter(move |(range, _)| view.skip(range.start, name) == Some(range.end));
        named.map(|(_, content)| content)
    }

    fn take(&mut self, tag: &Tag, content: Content, behind: usize) {
        if self.range.is_empty() {
            self.range.start = tag.range.start;
        }
        self.range.end = behind;
        self.contents.push((tag.name.clone(), content));
    }
}

/// Where the text begins that runs up to the closing tag at `from`; `None` when the tag that opens the
/// element stands in it.
pub fn text_before(view: TextView<'_>, from: usize, name: &str) -> Option<usize> {
    let mut at = from;
    while let Some(before) = view.before(at) {
        let is_text = matches!(
            view.char_at(before),
            Some(b'\t' | b'\n' | b'\r' | b' '..=b'~')
        );
        if !is_text || from - before > LONGEST_FORM {
            break;
        }
        if let Some(behind) = view.skip(before, name) {
            let is_open = Tag::around(view, before).is_some_and(|tag| tag.kind == TagKind::Open);
            return (!is_open).then_some(behind);
        }
        at = before;
    }
    Some(at)
}

/// The first `<` from `at` on; `None` when the text ends before.
fn next_tag(view: TextView<'_>, at: usize) -> Option<usize> {
    let mut at = at;
    loop {
        let mark = view.mark(at)?;
        if mark.what == b'<' {
            return Some(at);
        }
        at = mark.behind;
    }
}

fn same(view: TextView<'_>, one: &Range<usize>, other: &Range<usize>) -> bool {
    let mut places = (one.start, other.start);
    while places.0 < one.end && places.1 < other.end {
        if view.char_at(places.0) != view.char_at(places.1) {
            return false;
        }
        places = (view.after(places.0), view.after(places.1));
    }
    one.len() == other.len()
}

fn is_name(character: u8) -> bool {
    character.is_ascii_alphanumeric() || b"_.-?!".contains(&character)
}

/// Characters of a prefix, its colon included.
const MAX_PREFIX: usize = 20;

/// Characters of a name with its prefix.
const MAX_NAME: usize = 64;

/// Characters of all attributes of a tag.
const MAX_ATTRIBUTES: usize = 512;

/// Elements inside that are kept.
const MAX_CONTENTS: usize = 32;
