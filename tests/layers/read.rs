//! Reads one source file by its tokens: which paths, macros and modules stand in it, and where the paths lead.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{
    Item, Path, Token, attribute, first_line, import, items, lex, module, skip_visibility,
};

/// The name under which the binary, and nobody else, reaches the library.
const OWN_CRATE: &str = "dumpgate";

/// Crates that need no dependency.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];

/// Something in a file that a rule may object to.
pub(super) struct Sight {
    /// The line where it stands, from 1.
    pub(super) line: usize,
    /// Whether it stands in a `#[cfg(test)]` module.
    pub(super) in_test: bool,
    /// What it is.
    pub(super) what: What,
}

/// What a [`Sight`] is.
pub(super) enum What {
    /// A path, in a `use` or in the middle of code.
    Path {
        /// Where it leads.
        target: Target,
        /// Whether it stands for one name or for all.
        extent: Extent,
        /// If its first name came in by a `use` or a `mod` in scope: where that one leads.
        by_way_of: Option<Target>,
    },
    /// A call of the macro of that name.
    Macro(String),
    /// The word `unsafe`.
    Unsafe,
    /// A module declared here: its full path, and whether `#[cfg(test)]` stands before it.
    Module(Vec<String>, Purpose),
    /// A `#[path = "..."]` attribute.
    MovedModule,
}

/// Where a path leads, once its first name is resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// To our own crate: the names below the root. The root itself has none.
    Own(Vec<String>),
    /// To another crate: its name, then the names in it.
    Foreign(Vec<String>),
}

/// How much a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    /// The thing at its end.
    One,
    /// Everything in it: `use a::*`.
    All,
}

/// What a module is compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The program.
    Program,
    /// The tests only.
    Test,
}

/// What `lib.rs` names: name at the root -> where it leads.
pub(super) type Exports = BTreeMap<String, Target>;

impl Target {
    /// The path that goes on from here.
    pub(super) fn join(&self, tail: &[String]) -> Self {
        match self {
            Self::Own(names) => Self::Own([names, tail].concat()),
            Self::Foreign(names) => Self::Foreign([names, tail].concat()),
        }
    }
}

/// The module a file holds: `src/dump/elf.rs` is `dump::elf`, the two roots are the empty path.
pub(super) fn module_of(file: &str) -> Vec<String> {
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Vec<String> = inner.split('/').map(String::from).collect();
    if module.last().is_some_and(|last| last == "mod") || inner == "lib" || inner == "main" {
        module.pop();
    }
    module
}

/// Everything in a file that a rule may object to, in the order of the text.
///
/// `crates` are the names that mean an outside crate when nothing nearer has that name. An error says why the text could
/// not be cut into tokens.
pub(super) fn sights(
    file: &str,
    text: &str,
    crates: &BTreeSet<String>,
) -> Result<Vec<Sight>, String> {
    let tokens = lex(text)?;
    let mut reader = Reader {
        crates,
        sights: Vec::new(),
    };
    reader.walk(&tokens, &Place::at(module_of(file)));
    Ok(reader.sights)
}

/// The names that `lib.rs` declares and re-exports. Globs give none.
pub(super) fn exports(text: &str, crates: &BTreeSet<String>) -> Result<Exports, String> {
    let tokens = lex(text)?;
    let reader = Reader {
        crates,
        sights: Vec::new(),
    };
    Ok(reader.enter(&items(&tokens), &Place::at(Vec::new())).names)
}

/// The line of the first item that is neither a module declaration nor a `use`; `None` if there is none.
pub(super) fn stray_item(text: &str) -> Result<Option<usize>, String> {
    let tokens = lex(text)?;
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        let item = module(rest)
            .or_else(|| attribute(rest))
            .or_else(|| import(skip_visibility(rest)));
        match item.filter(|(item, _)| may_stand_in_lib(item)) {
            Some((_, after)) => rest = after,
            None => return Ok(Some(first_line(rest))),
        }
    }
    Ok(None)
}

/// Whether an item declares or re-exports, and no more.
fn may_stand_in_lib(item: &Item<'_>) -> bool {
    match item {
        Item::Module { body, purpose, .. } => body.is_none() || *purpose == Purpose::Test,
        Item::Imports(_) | Item::Attribute(_) => true,
        _ => false,
    }
}

/// Goes through the nested groups of one file and notes what it sees.
struct Reader<'a> {
    crates: &'a BTreeSet<String>,
    sights: Vec<Sight>,
}

/// Where in the program a group of tokens stands.
#[derive(Clone)]
struct Place {
    module: Vec<String>,
    /// What `use` and `mod` in this group and those around it, up to the module's border, give a name to.
    names: BTreeMap<String, Target>,
    purpose: Purpose,
}

impl Place {
    /// The top of a module of the program.
    fn at(module: Vec<String>) -> Self {
        Self {
            module,
            names: BTreeMap::new(),
            purpose: Purpose::Program,
        }
    }

    /// The place inside a child module: it sees none of our names, and in a test module all is test.
    fn module_below(&self, name: &str, purpose: Purpose) -> Self {
        let inner = Self::at([self.module.as_slice(), &[name.to_owned()]].concat());
        let in_test = self.purpose == Purpose::Test;
        Self {
            purpose: if in_test { Purpose::Test } else { purpose },
            ..inner
        }
    }
}

impl Reader<'_> {
    /// Notes everything in `tokens` and the groups inside it. `outer` is the place the group lies in.
    fn walk(&mut self, tokens: &[Token], outer: &Place) {
        let items = items(tokens);
        let place = self.enter(&items, outer);
        for item in &items {
            match item {
                Item::Module {
                    name,
                    line,
                    attributes,
                    purpose,
                    body,
                } => {
                    let inner = place.module_below(name, *purpose);
                    self.note(*line, &place, What::Module(inner.module.clone(), *purpose));
                    for attribute in attributes {
                        self.walk_attribute(attribute, *line, &place);
                    }
                    if let Some(body) = body {
                        self.walk(body, &inner);
                    }
                }
                Item::Imports(imports) => {
                    for import in imports {
                        self.note_path(&import.path, import.extent, &place);
                    }
                }
                Item::Path(path) => self.note_path(path, Extent::One, &place),
                Item::Macro(name, line) => self.note(*line, &place, What::Macro(name.clone())),
                Item::Unsafe(line) => self.note(*line, &place, What::Unsafe),
                Item::Attribute(inside) => self.walk_attribute(inside, first_line(inside), &place),
                Item::Group(inside) => self.walk(inside, &place),
            }
        }
    }

    /// Notes the paths in an attribute, such as `derive(serde::Serialize)`, and whether it moves a module.
    fn walk_attribute(&mut self, inside: &[Token], line: usize, place: &Place) {
        if let [Token::Word(word, _), Token::Mark('='), ..] = inside
            && word == "path"
        {
            self.note(line, place, What::MovedModule);
        }
        self.walk(inside, place);
    }

    /// The place inside a group that stands in `outer`: the same, with the names that the group's own items bring in.
    fn enter(&self, items: &[Item<'_>], outer: &Place) -> Place {
        let mut place = outer.clone();
        for item in items {
            if let Item::Module { name, .. } = item {
                place.names.insert(
                    name.clone(),
                    Target::Own(place.module_below(name, place.purpose).module),
                );
            }
        }
        // Twice, because `use io::Write;` may stand before the `use std::io;` that explains it.
        for _ in 0..2 {
            for item in items {
                let Item::Imports(imports) = item else {
                    continue;
                };
                for import in imports {
                    if let (Some(name), Some(target)) =
                        (&import.binds, self.resolve(&import.path, &place))
                    {
                        place.names.insert(name.clone(), target);
                    }
                }
            }
        }
        place
    }

    /// Notes a path, unless it starts at a name that is neither a module nor a crate, such as a type of this file.
    fn note_path(&mut self, path: &Path, extent: Extent, place: &Place) {
        if let Some(target) = self.resolve(path, place) {
            let head = path.names.first().filter(|_| !path.absolute);
            let way = head.and_then(|name| place.names.get(name)).cloned();
            // A `use` finds its own name in scope, but was not led by it.
            let by_way_of = way.filter(|way| *way != target);
            self.note(
                path.line,
                place,
                What::Path {
                    target,
                    extent,
                    by_way_of,
                },
            );
        }
    }

    /// Notes one sight.
    fn note(&mut self, line: usize, place: &Place, what: What) {
        self.sights.push(Sight {
            line,
            in_test: place.purpose == Purpose::Test,
            what,
        });
    }

    /// Where a path leads; `None` if its first name is nothing we know.
    ///
    /// Nearer names win: `minidump::x` beside a `mod minidump;` is ours, `::minidump::x` is the crate in any case.
    fn resolve(&self, path: &Path, place: &Place) -> Option<Target> {
        let (head, tail) = path.names.split_first()?;
        let own_root = Target::Own(Vec::new());
        if path.absolute {
            // No crate begins with a capital: `<T as Trait>::Item::new()` is no path from the roots.
            let is_crate = head.starts_with(|first: char| first.is_lowercase());
            return match head.as_str() {
                OWN_CRATE => Some(own_root.join(tail)),
                _ => is_crate.then(|| Target::Foreign(path.names.clone())),
            };
        }
        match head.as_str() {
            "crate" => Some(own_root.join(tail)),
            "self" | "super" => {
                let climb = |name: &&String| *name == "self" || *name == "super";
                let steps = path.names.iter().take_while(climb).count();
                let (steps, rest) = path.names.split_at(steps);
                let mut module = place.module.clone();
                for _ in steps.iter().filter(|step| *step == "super") {
                    module.pop();
                }
                Some(Target::Own(module).join(rest))
            }
            name => match place.names.get(name) {
                Some(target) => Some(target.join(tail)),
                None if name == OWN_CRATE => Some(own_root.join(tail)),
                None if STANDARD.contains(&name) || self.crates.contains(name) => {
                    Some(Target::Foreign(path.names.clone()))
                }
                None => None,
            },
        }
    }
}
