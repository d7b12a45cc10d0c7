//! Members of a JSON object that may lie anywhere: escaped in other texts, in single quotes as Python writes
//! it, with bare names as JavaScript does, cut at either end.
//!
//! No whole JSON parser: what stands in strings and nested values is passed over, and what is left of an
//! object is read as far as it goes.

use crate::detect::LONGEST_FORM;
use crate::text::{Mark, TextView, Written};
use std::ops::Range;

/// How the names of an object are quoted: by which character, written how; `None` for bare names.
pub type Quote = Option<(u8, Written)>;

/// A member of an object. Ranges are byte offsets.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name, without quotes.
    pub name: Range<usize>,
    /// Its value.
    pub value: Value,
    /// Behind the value.
    pub behind: usize,
}

/// A value, as far as it matters.
#[derive(Clone, Debug)]
pub enum Value {
    /// What stands between the quotes.
    Text(Range<usize>),
    /// What is left of a string that lost its end.
    CutText(Range<usize>),
    /// An array or object, with its brackets.
    Nested(Range<usize>),
    /// A number, a word.
    Word,
}

/// Members in a row.
#[derive(Clone, Debug)]
pub struct Members {
    /// In the order of the text; the last one may have a [`Value::CutText`].
    pub members: Vec<Member>,
    /// Where reading ended: behind the closing brace, or where the object is cut or is none.
    pub end: usize,
    /// The closing brace was met.
    pub is_closed: bool,
}

/// An object around a name, or what is left of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its members as far as they can be read; the last one may have a [`Value::CutText`].
    pub members: Vec<Member>,
    /// From brace to brace, or what is left of that.
    pub range: Range<usize>,
    /// Both braces are there, and all between them was read.
    pub is_whole: bool,
}

/// The object in which the name `own` stands, quote and all, at `anchor`.
pub fn enclosing(view: TextView<'_>, anchor: usize, quote: Quote, own: &str) -> Option<Found> {
    let opening = opening(view, anchor, own);
    let mut at = opening.behind.unwrap_or(opening.start);
    let mut start = opening.behind.map(|_| opening.start);
    for attempt in 0..=MAX_ATTEMPTS {
        let from = match (attempt, start) {
            (MAX_ATTEMPTS, _) => anchor,
            (_, Some(_)) => at,
            (_, None) => next_name(view, at, anchor, quote),
        };
        let Members {
            members,
            end,
            is_closed,
        } = members(view, from, quote, own);
        let holds_anchor = members
            .iter()
            .any(|member| is(view, &member.name, own) && member.name.start >= anchor);
        if holds_anchor {
            return Some(Found {
                members,
                range: start.unwrap_or(from)..end,
                is_whole: is_closed && start.is_some(),
            });
        }
        // Something that cannot be read stands before the anchor: go on with the next name behind it.
        start = None;
        let stopped = if is_closed { from } else { end };
        at = view.after(stopped.max(from)).min(anchor);
    }
    None
}

/// How the name that starts at `name` is quoted; the offset where its quote starts.
pub fn quote_of(view: TextView<'_>, name: usize) -> (usize, Quote) {
    let quotes = QUOTES.iter();
    let marks = quotes.filter_map(|&quote| view.mark_before(name, quote));
    match marks.min_by_key(|(start, _)| *start) {
        Some((start, mark)) => (start, Some((mark.what, mark.written))),
        None => (name, None),
    }
}

/// Reads members from `at` on, which is behind a brace or at a name. Stops at a second member of the name
/// `only_once`.
pub fn members(view: TextView<'_>, at: usize, quote: Quote, only_once: &str) -> Members {
    let mut members: Vec<Member> = Vec::new();
    let mut position = at;
    let mut seen = false;
    loop {
        let next = separators(view, position, quote);
        let closing = view.mark(next).filter(|mark| mark.what == b'}');
        if let Some(mark) = closing {
            return Members {
                members,
                end: mark.behind,
                is_closed: true,
            };
        }
        let member = member(view, next, quote)
            .filter(|member| !(seen && is(view, &member.name, only_once)))
            .filter(|_| members.len() < MAX_MEMBERS);
        let Some(member) = member else {
            return Members {
                members,
                end: position,
                is_closed: false,
            };
        };
        seen |= is(view, &member.name, only_once);
        position = member.behind;
        let is_cut = matches!(member.value, Value::CutText(_));
        members.push(member);
        if is_cut {
            return Members {
                members,
                end: position,
                is_closed: false,
            };
        }
    }
}

/// Whether the text at `range` is `literal`.
pub fn is(view: TextView<'_>, range: &Range<usize>, literal: &str) -> bool {
    view.skip(range.start, literal) == Some(range.end)
}

/// The first place from `from` on, up to `to`, where a member's name and its colon stand.
pub fn next_name(view: TextView<'_>, from: usize, to: usize, quote: Quote) -> usize {
    let mut at = from;
    let mut is_inside_word = false;
    while at < to {
        let starts_here = !(quote.is_none() && is_inside_word)
            && name(view, at, quote)
                .is_some_and(|(_, behind)| colon(view, behind, quote).is_some());
        if starts_here {
            break;
        }
        is_inside_word = view.char_at(at).is_some_and(is_word);
        at = view.after(at);
    }
    at.min(to)
}

/// The value of the member whose name ends at `behind_name`, quote and all.
pub fn value_of(view: TextView<'_>, behind_name: usize, quote: Quote) -> Option<Value> {
    Some(value(view, colon(view, behind_name, quote)?)?.0)
}

/// Behind the closing quote of the name that ends at `at`.
pub fn close_name(view: TextView<'_>, at: usize, quote: Quote) -> Option<usize> {
    match quote {
        Some(quote) => {
            let mark = view.mark(at).filter(|mark| is_quote(mark, quote))?;
            Some(mark.behind)
        }
        None => (!view.char_at(at).is_some_and(is_word)).then_some(at),
    }
}

/// Where an object begins.
#[derive(Clone, Copy)]
struct Opening {
    /// Its brace, or where the text begins.
    start: usize,
    /// Behind the brace; `None` when it is lost.
    behind: Option<usize>,
}

/// Where the object opens in which the name `own` stands, quote and all, at `from`: behind another `own` at
/// the latest, which bounds the work on a text of nothing but names.
fn opening(view: TextView<'_>, from: usize, own: &str) -> Opening {
    let mut depth = 0usize;
    let mut names = 0;
    let mut at = from;
    while let Some(before) = view.before(at) {
        if from - before > LONGEST_FORM {
            break;
        }
        let Some(character) = view.char_at(before) else {
            if view.is_foreign(before) {
                at = before;
                continue;
            }
            break;
        };
        let bracket = match character {
            b'%' => view.mark(before).filter(|mark| b"{}".contains(&mark.what)),
            b'{' | b'}' => view.mark(before),
            b'\t' | b'\n' | b'\r' | b' '..=b'~' => None,
            _ => break,
        };
        match bracket {
            Some(mark) if mark.what == b'}' => depth += 1,
            Some(mark) if depth == 0 => {
                return Opening {
                    start: before,
                    behind: Some(mark.behind),
                };
            }
            Some(_) => depth -= 1,
            None => {}
        }
        if let Some(behind) = view.skip(before, own).filter(|_| is_name(view, before)) {
            names += 1;
            if depth == 0 || names > MAX_NAMES_BEFORE {
                at = behind;
                break;
            }
        }
        at = before;
    }
    Opening {
        start: at,
        behind: None,
    }
}

/// Whether a quote stands before `at`.
fn is_name(view: TextView<'_>, at: usize) -> bool {
    let before = view.before(at).and_then(|before| view.char_at(before));
    before.is_some_and(|character| b"\"'`2 {,".contains(&character))
}

fn member(view: TextView<'_>, at: usize, quote: Quote) -> Option<Member> {
    let (name, behind) = name(view, at, quote)?;
    let (value, behind) = value(view, colon(view, behind, quote)?)?;
    Some(Member {
        name,
        value,
        behind,
    })
}

/// The name that starts, quote and all, at `at`, and what is behind it.
fn name(view: TextView<'_>, at: usize, quote: Quote) -> Option<(Range<usize>, usize)> {
    let open = view.mark(at)?;
    let quote = match quote {
        Some(quote) if is_quote(&open, quote) => Some(quote),
        Some(_) => return None,
        None => QUOTES
            .contains(&open.what)
            .then_some((open.what, open.written)),
    };
    let start = if quote.is_some() { open.behind } else { at };
    let mut end = start;
    for _ in 0..MAX_NAME {
        if let Some(behind) = close_name(view, end, quote).filter(|_| end > start) {
            return Some((start..end, behind));
        }
        let character = view.char_at(end)?;
        if !(is_word(character) || (quote.is_some() && b"-#.: /".contains(&character))) {
            return None;
        }
        end = view.after(end);
    }
    None
}

/// Behind a colon, or the arrow of Ruby and Perl, and blanks.
fn colon(view: TextView<'_>, at: usize, quote: Quote) -> Option<usize> {
    let at = blanks(view, at, quote);
    let mark = view.mark(at)?;
    let behind = match mark.what {
        b':' => mark.behind,
        b'=' => {
            view.mark(mark.behind)
                .filter(|mark| mark.what == b'>')?
                .behind
        }
        _ => return None,
    };
    Some(blanks(view, behind, quote))
}

fn value(view: TextView<'_>, at: usize) -> Option<(Value, usize)> {
    let mark = view.mark(at)?;
    match mark.what {
        quote if QUOTES.contains(&quote) => {
            let (contents, behind) = string(view, mark);
            Some(match behind {
                Some(behind) => (Value::Text(contents), behind),
                None => (Value::CutText(contents.clone()), contents.end),
            })
        }
        b'[' | b'{' => {
            let behind = nested(view, at)?;
            Some((Value::Nested(at..behind), behind))
        }
        _ => {
            let mut behind = at;
            while view
                .char_at(behind)
                .is_some_and(|character| is_word(character) || b"+-.".contains(&character))
            {
                behind = view.after(behind);
            }
            (behind > at).then_some((Value::Word, behind))
        }
    }
}

/// The contents of the string that `open` opens, and what is behind the quote that closes it.
fn string(view: TextView<'_>, open: Mark) -> (Range<usize>, Option<usize>) {
    let mut at = open.behind;
    loop {
        match view.mark(at) {
            Some(mark) if is_quote(&mark, (open.what, open.written)) => {
                return (open.behind..at, Some(mark.behind));
            }
            Some(mark) => at = mark.behind,
            None if view.is_foreign(at) => at = view.after(at),
            None => return (open.behind..at, None),
        }
    }
}

/// Behind the bracket that closes the one at `at`. `None` when it is cut, or holds keys by the dozen.
fn nested(view: TextView<'_>, at: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut keys = 0;
    let mut at = at;
    loop {
        let mark = view.mark(at)?;
        at = mark.behind;
        match mark.what {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            quote if QUOTES.contains(&quote) => {
                keys += usize::from(view.skip(mark.behind, "kty").is_some());
                at = string(view, mark).1?;
            }
            b'k' => keys += usize::from(view.skip(mark.behind, "ty").is_some()),
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        if keys > MAX_NESTED_KEYS {
            return None;
        }
    }
}

/// Behind blanks and commas.
fn separators(view: TextView<'_>, at: usize, quote: Quote) -> usize {
    let mut at = blanks(view, at, quote);
    while let Some(mark) = view.mark(at).filter(|mark| mark.what == b',') {
        at = blanks(view, mark.behind, quote);
    }
    at
}

fn blanks(view: TextView<'_>, at: usize, quote: Quote) -> usize {
    let is_url = matches!(quote, Some((_, Written::Percent)));
    let mut at = at;
    while let Some(mark) = view
        .mark(at)
        .filter(|mark| mark.what == b' ' || (is_url && mark.what == b'+'))
    {
        at = mark.behind;
    }
    at
}

fn is_quote(mark: &Mark, (what, written): (u8, Written)) -> bool {
    mark.what == what && mark.written == written
}

fn is_word(character: u8) -> bool {
    character.is_ascii_alphanumeric() || character == b'_' || character == b'$'
}

/// Names of the same kind inside nested values before an anchor.
const MAX_NAMES_BEFORE: usize = 4;

/// Times reading starts again behind something unreadable; the last time at the anchor itself.
const MAX_ATTEMPTS: usize = 8;

/// What strings are put in.
const QUOTES: [u8; 3] = [b'"', b'\'', b'`'];

/// Members that are read.
const MAX_MEMBERS: usize = 64;

/// Characters of a name, its closing quote included.
const MAX_NAME: usize = 48;

/// Keys inside one value of a key: a few primes, a certificate's. It bounds the work on a text in which
/// each key is nested in the one before.
const MAX_NESTED_KEYS: usize = 4;
