//! Cuts Rust text into tokens, and a run of tokens into the few items that matter to the wall.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use super::read::{Extent, Purpose};

/// Words after which a new path may begin: in `return ::a::b` the path is `::a::b`, not `return::a::b`.
const KEYWORDS: [&str; 27] = [
    "as", "await", "break", "const", "dyn", "else", "enum", "extern", "fn", "for", "if", "impl",
    "in", "let", "match", "mod", "move", "mut", "pub", "ref", "return", "static", "struct",
    "unsafe", "use", "where", "while",
];

/// A token, with `::` as one and a bracketed group as one.
pub(super) enum Token {
    /// A name or keyword and its line; `r#type` is the word `type`.
    Word(String, usize),
    /// `::`
    Separator,
    /// Any other punctuation, one character at a time.
    Mark(char),
    /// What stands between two brackets.
    Group(Delimiter, Vec<Token>),
    /// A number, character or string.
    Literal,
}

/// What stands in a run of tokens, as far as a rule may care.
pub(super) enum Item<'t> {
    /// `mod name;` or `mod name { body }`, with its attributes.
    Module {
        name: String,
        line: usize,
        attributes: Vec<&'t [Token]>,
        purpose: Purpose,
        body: Option<&'t [Token]>,
    },
    /// One `use` or `extern crate`, taken apart.
    Imports(Vec<Import>),
    /// A path of two or more names outside a `use`.
    Path(Path),
    /// `name!(...)` and the line.
    Macro(String, usize),
    /// The word `unsafe` and its line.
    Unsafe(usize),
    /// The inside of an attribute that belongs to no module.
    Attribute(&'t [Token]),
    /// The inside of any other group.
    Group(&'t [Token]),
}

/// A path as it is written.
#[derive(Clone, Default)]
pub(super) struct Path {
    /// Whether it begins with `::`.
    pub(super) absolute: bool,
    /// Its names, `crate`, `self` and `super` among them; generic arguments end a path.
    pub(super) names: Vec<String>,
    /// The line of its last name.
    pub(super) line: usize,
}

/// One leaf of a `use`: `use a::{b, c as d};` has two.
pub(super) struct Import {
    /// The whole path, from its first name.
    pub(super) path: Path,
    /// One name, or all for `*`.
    pub(super) extent: Extent,
    /// The name it gives to the thing, be it `_`; `None` for `*`.
    pub(super) binds: Option<String>,
}

/// The tokens of a whole file. The error says why and in which line the text is not Rust.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, String> {
    match text.parse::<TokenStream>() {
        Ok(stream) => Ok(convert(stream)),
        Err(error) => Err(format!(
            "failed to cut line {} into tokens: {error}",
            error.span().start().line
        )),
    }
}

/// Our tokens for those of `proc_macro2`.
fn convert(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        tokens.push(match tree {
            TokenTree::Ident(word) => {
                let line = word.span().start().line;
                Token::Word(word.to_string().trim_start_matches("r#").to_owned(), line)
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' && mark.spacing() == Spacing::Joint => {
                match trees
                    .next_if(|next| matches!(next, TokenTree::Punct(next) if next.as_char() == ':'))
                {
                    Some(_) => Token::Separator,
                    None => Token::Mark(':'),
                }
            }
            TokenTree::Punct(mark) => Token::Mark(mark.as_char()),
            TokenTree::Group(group) => Token::Group(group.delimiter(), convert(group.stream())),
            TokenTree::Literal(_) => Token::Literal,
        });
    }
    tokens
}

/// Everything of note among the tokens of one group, in order. Nested groups are items, not entered.
pub(super) fn items(tokens: &[Token]) -> Vec<Item<'_>> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        let whole = module(rest)
            .or_else(|| attribute(rest))
            .or_else(|| import(rest));
        rest = if let Some((item, after)) = whole {
            found.push(item);
            after
        } else if let Some((path, after)) = path(rest) {
            note_path(path, after, &mut found);
            after
        } else if let Some(after) = macro_variable(rest) {
            after
        } else {
            if let Token::Group(_, inside) = first {
                found.push(Item::Group(inside));
            }
            after
        };
    }
    found
}

/// Puts into `found` what a path outside a `use` means: a path, a macro call, `unsafe`, or nothing for a single name.
fn note_path(path: Path, after: &[Token], found: &mut Vec<Item<'_>>) {
    let Some(last) = path.names.last() else {
        return;
    };
    if let [Token::Mark('!'), Token::Group(..), ..] = after {
        found.push(Item::Macro(last.clone(), path.line));
    }
    if last == "unsafe" {
        found.push(Item::Unsafe(path.line));
    }
    if path.names.len() > 1 {
        found.push(Item::Path(path));
    }
}

/// `mod name;` or `mod name { ... }` with the attributes and the visibility before it, and what follows.
pub(super) fn module(tokens: &[Token]) -> Option<(Item<'_>, &[Token])> {
    let mut attributes = Vec::new();
    let mut rest = tokens;
    while let Some((Item::Attribute(inside), after)) = attribute(rest) {
        attributes.push(inside);
        rest = after;
    }
    let purpose = if attributes.iter().any(|inside| is_cfg_test(inside)) {
        Purpose::Test
    } else {
        Purpose::Program
    };
    let [
        Token::Word(keyword, line),
        Token::Word(name, _),
        end,
        after @ ..,
    ] = skip_visibility(rest)
    else {
        return None;
    };
    let body = match end {
        Token::Group(Delimiter::Brace, body) => Some(body.as_slice()),
        Token::Mark(';') => None,
        _ => return None,
    };
    let item = Item::Module {
        name: name.clone(),
        line: *line,
        attributes,
        purpose,
        body,
    };
    (keyword == "mod").then_some((item, after))
}

/// Whether an attribute's inside is exactly `cfg(test)`: `cfg(any(test, unix))` is compiled into the program too.
fn is_cfg_test(inside: &[Token]) -> bool {
    let [
        Token::Word(cfg, _),
        Token::Group(Delimiter::Parenthesis, condition),
    ] = inside
    else {
        return false;
    };
    matches!(condition.as_slice(), [Token::Word(test, _)] if cfg == "cfg" && test == "test")
}

/// What follows `pub`, `pub(crate)` and the like; the tokens themselves if there is none.
pub(super) fn skip_visibility(tokens: &[Token]) -> &[Token] {
    match tokens {
        [
            Token::Word(word, _),
            Token::Group(Delimiter::Parenthesis, _),
            after @ ..,
        ] if word == "pub" => after,
        [Token::Word(word, _), after @ ..] if word == "pub" => after,
        _ => tokens,
    }
}

/// The inside of `#[...]` or `#![...]`, and what follows.
pub(super) fn attribute(tokens: &[Token]) -> Option<(Item<'_>, &[Token])> {
    match tokens {
        [
            Token::Mark('#'),
            Token::Group(Delimiter::Bracket, inside),
            after @ ..,
        ]
        | [
            Token::Mark('#'),
            Token::Mark('!'),
            Token::Group(Delimiter::Bracket, inside),
            after @ ..,
        ] => Some((Item::Attribute(inside), after)),
        _ => None,
    }
}

/// A whole `use ...;` or `extern crate ...;`, and what follows.
pub(super) fn import(tokens: &[Token]) -> Option<(Item<'_>, &[Token])> {
    let (Token::Word(keyword, _), _) = tokens.split_first()? else {
        return None;
    };
    if keyword != "use" && keyword != "extern" {
        return None;
    }
    let end = tokens
        .iter()
        .position(|token| matches!(token, Token::Mark(';')))?;
    let (statement, after) = tokens.split_at(end);
    let mut imports = Vec::new();
    match statement {
        // The bound `impl Trait + use<'a>` imports nothing.
        [Token::Word(first, _), Token::Mark('<'), ..] if first == "use" => return None,
        [Token::Word(first, _), leaves @ ..] if first == "use" => {
            use_tree(leaves, &Path::default(), &mut imports);
        }
        [Token::Word(first, _), Token::Word(second, _), named @ ..]
            if first == "extern" && second == "crate" =>
        {
            use_tree(named, &Path::default(), &mut imports);
            for import in &mut imports {
                import.make_extern();
            }
        }
        _ => return None,
    }
    // `after` begins with the semicolon.
    Some((Item::Imports(imports), after.get(1..).unwrap_or_default()))
}

/// Puts the leaves of `a::{b, c as d, e::*}` into `found`, each with `prefix` before it.
fn use_tree(tokens: &[Token], prefix: &Path, found: &mut Vec<Import>) {
    let mut path = prefix.clone();
    let mut rest = tokens;
    loop {
        rest = match rest {
            [] => return found.extend(Import::of_name(path, None)),
            [Token::Word(word, _), Token::Word(alias, _)] if word == "as" => {
                return found.extend(Import::of_name(path, Some(alias)));
            }
            [Token::Mark('*')] => {
                return found.push(Import {
                    path,
                    extent: Extent::All,
                    binds: None,
                });
            }
            [Token::Group(Delimiter::Brace, inside)] => {
                for leaf in inside.split(|token| matches!(token, Token::Mark(','))) {
                    // A comma after the last leaf leaves an empty one.
                    if !leaf.is_empty() {
                        use_tree(leaf, &path, found);
                    }
                }
                return;
            }
            [Token::Word(name, line), after @ ..] => {
                path.line = *line;
                // The `self` of `a::{self}` is `a`.
                if name != "self" || path.names.is_empty() {
                    path.names.push(name.clone());
                }
                after
            }
            [Token::Separator, after @ ..] => {
                path.absolute |= path.names.is_empty();
                after
            }
            // `$crate` is `crate`; another macro variable is no name we could follow.
            [Token::Mark('$'), after @ ..] if macro_variable(rest).is_none() => after,
            _ => return,
        }
    }
}

/// The longest path at the start of `tokens`, of one name or more, and what follows it.
fn path(tokens: &[Token]) -> Option<(Path, &[Token])> {
    let (absolute, mut rest) = match tokens {
        [Token::Separator, after @ ..] => (true, after),
        _ => (false, tokens),
    };
    let mut path = Path {
        absolute,
        ..Path::default()
    };
    while let [Token::Word(name, line), after @ ..] = rest {
        path.names.push(name.clone());
        path.line = *line;
        rest = match after {
            [Token::Separator, next @ ..]
                if starts_with_word(next) && !KEYWORDS.contains(&name.as_str()) =>
            {
                next
            }
            _ => return Some((path, after)),
        };
    }
    None
}

/// Whether the next token is a word.
fn starts_with_word(tokens: &[Token]) -> bool {
    matches!(tokens, [Token::Word(..), ..])
}

/// What follows `$name::a::b`: a path from a macro's variable leads where the caller says, and is judged there.
fn macro_variable(tokens: &[Token]) -> Option<&[Token]> {
    let [Token::Mark('$'), named @ ..] = tokens else {
        return None;
    };
    match named {
        [Token::Word(name, _), ..] if name != "crate" => path(named).map(|(_, after)| after),
        _ => None,
    }
}

/// The line of the first word in `tokens` or their groups; 1 if they have none.
pub(super) fn first_line(tokens: &[Token]) -> usize {
    first_word_line(tokens).unwrap_or(1)
}

/// The line of the first word in `tokens` or their groups.
fn first_word_line(tokens: &[Token]) -> Option<usize> {
    tokens.iter().find_map(|token| match token {
        Token::Word(_, line) => Some(*line),
        Token::Group(_, inside) => first_word_line(inside),
        _ => None,
    })
}

impl Import {
    /// The import of one thing under its own name or `alias`; `None` for an empty path.
    fn of_name(path: Path, alias: Option<&String>) -> Option<Self> {
        let binds = Some(alias.or(path.names.last())?.clone());
        Some(Self {
            path,
            extent: Extent::One,
            binds,
        })
    }

    /// Turns `use name` into `extern crate name`: from the roots of all crates, where `self` is our own.
    fn make_extern(&mut self) {
        if self.path.names == ["self"] {
            self.path.names = vec!["crate".to_owned()];
        } else {
            self.path.absolute = true;
        }
    }
}
