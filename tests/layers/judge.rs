//! Holds what stands in the sources against the tables of the house.

use std::collections::BTreeSet;
use std::fmt;

use super::read::{self, Exports, Extent, Purpose, Sight, Target, What};
use super::tree::{Dependency, Tree};

/// The tables of `tests/layers.rs`, taken apart.
pub(super) struct House {
    /// Room | rooms it may use.
    pub(super) rooms: Table,
    /// Outside crate | rooms where it is at home.
    pub(super) crates: Table,
    /// Path in the standard library | rooms that may use it.
    pub(super) std_paths: Table,
    /// Macro | rooms that may call it.
    pub(super) macros: Table,
    nowhere: Vec<&'static str>,
    unsafe_files: Vec<&'static str>,
}

/// Rows of a name and a list of words, in the order of the text.
pub(super) struct Table(Vec<(&'static str, Vec<&'static str>)>);

/// One breach of a rule, in one line of one file.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Violation {
    file: String,
    line: usize,
    what: String,
}

impl Violation {
    /// The breach `what` in one line of a file.
    fn new(file: &str, line: usize, what: String) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl Table {
    /// Reads lines of `name | word word ...`; a line without a name goes on with the row above.
    fn parse(text: &'static str) -> Self {
        let mut rows: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (name, words) = line
                .split_once('|')
                .unwrap_or_else(|| panic!("no `|` in table row `{line}`"));
            match rows.last_mut() {
                Some((_, list)) if name.trim().is_empty() => list.extend(words.split_whitespace()),
                _ => rows.push((name.trim(), words.split_whitespace().collect())),
            }
        }
        Self(rows)
    }

    /// The list of the row of that name; `None` if there is no such row.
    pub(super) fn get(&self, name: &str) -> Option<&[&'static str]> {
        self.iter()
            .find(|(row, _)| *row == name)
            .map(|(_, list)| list)
    }

    /// All rows, top to bottom.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &[&'static str])> {
        self.0.iter().map(|(name, list)| (*name, list.as_slice()))
    }
}

/// One file while it is judged.
struct Inspection<'a> {
    house: &'a House,
    exports: &'a Exports,
    file: &'a str,
    /// The file's room; `lib` for `lib.rs`, which may name every room.
    room: &'a str,
}

impl House {
    /// The house as `tests/layers.rs` describes it.
    pub(super) fn ours() -> Self {
        Self {
            rooms: Table::parse(super::ROOMS),
            crates: Table::parse(super::CRATES),
            std_paths: Table::parse(super::STD_PATHS),
            macros: Table::parse(super::MACROS),
            nowhere: super::NOWHERE.split_whitespace().collect(),
            unsafe_files: super::UNSAFE_FILES.split_whitespace().collect(),
        }
    }

    /// All breaches in a tree, sorted by file and line, each told once.
    pub(super) fn judge(&self, tree: &Tree) -> Vec<Violation> {
        let mut found = BTreeSet::new();
        self.judge_dependencies(tree, &mut found);
        self.judge_sources(tree, &mut found);
        found.into_iter().collect()
    }

    /// Each dependency must have a row.
    fn judge_dependencies(&self, tree: &Tree, found: &mut BTreeSet<Violation>) {
        for Dependency { name, line } in tree.dependencies() {
            if self.crates.get(&name).is_none() {
                found.insert(Violation::new("Cargo.toml", line, homeless(&name)));
            }
        }
    }

    /// Each file must keep to its room.
    fn judge_sources(&self, tree: &Tree, found: &mut BTreeSet<Violation>) {
        let mut crates = tree.dependency_names();
        crates.extend(self.crates.iter().map(|(name, _)| name.to_owned()));
        let lib = tree.files.get("src/lib.rs").map_or("", String::as_str);
        // If `lib.rs` is no Rust, the loop below tells it.
        let exports = read::exports(lib, &crates).unwrap_or_default();
        if let Ok(Some(line)) = read::stray_item(lib) {
            let what = "`lib.rs` may only declare rooms and re-export their names".to_owned();
            found.insert(Violation::new("src/lib.rs", line, what));
        }

        let mut files = Vec::new();
        for (file, text) in &tree.files {
            match read::sights(file, text, &crates) {
                Ok(sights) => files.push((file.as_str(), sights)),
                Err(error) => _ = found.insert(Violation::new(file, 1, error)),
            }
        }
        let test_modules = test_modules(files.iter().flat_map(|(_, sights)| sights));
        for (file, sights) in &files {
            let module = read::module_of(file);
            let room = room_of(file, &module);
            let in_test_file = test_modules.iter().any(|test| module.starts_with(test));
            if room != "lib" && self.rooms.get(room).is_none() && !in_test_file {
                found.insert(Violation::new(file, 1, no_room(room)));
                continue;
            }
            let inspection = Inspection {
                house: self,
                exports: &exports,
                file,
                room,
            };
            for sight in sights {
                let objection = inspection.objection(sight, sight.in_test || in_test_file);
                found.extend(objection.map(|what| Violation::new(file, sight.line, what)));
            }
        }
    }
}

/// The room a file lies in; `lib` and `main` for the two roots.
fn room_of<'a>(file: &str, module: &'a [String]) -> &'a str {
    match file {
        "src/lib.rs" => "lib",
        "src/main.rs" => "main",
        _ => module.first().map_or("", String::as_str),
    }
}

/// The modules that stand in files of their own and are compiled for tests only: `#[cfg(test)] mod tests;`.
fn test_modules<'a>(sights: impl Iterator<Item = &'a Sight>) -> Vec<&'a [String]> {
    let of_test = |sight: &'a Sight| match &sight.what {
        What::Module(path, Purpose::Test) => Some(path.as_slice()),
        _ => None,
    };
    sights.filter_map(of_test).collect()
}

impl Inspection<'_> {
    /// What is wrong with one sight, if anything.
    fn objection(&self, sight: &Sight, in_test: bool) -> Option<String> {
        match &sight.what {
            What::Macro(name) if self.house.nowhere.contains(&name.as_str()) => {
                Some(format!("`{name}!` may stand nowhere, not even in tests"))
            }
            What::Unsafe if !self.may_be_unsafe() => Some(format!(
                "`unsafe` may stand only in: {}",
                self.house.unsafe_files.join(", ")
            )),
            _ if in_test => None,
            What::Path {
                target,
                extent,
                by_way_of,
            } => {
                // A wrong import is told where it stands, not again at each use of the name.
                let told = by_way_of
                    .as_ref()
                    .is_some_and(|way| self.objection_to_path(way, Extent::One).is_some());
                if told {
                    None
                } else {
                    self.objection_to_path(target, *extent)
                }
            }
            What::Macro(name) => {
                let homes = self.house.macros.get(name)?;
                self.unless_at_home(homes, &format!("`{name}!`"), "rooms that may")
            }
            What::Module(path, Purpose::Program) => self.objection_to_module(path),
            What::MovedModule => Some("`#[path]` hides the room a module lies in".to_owned()),
            What::Module(_, Purpose::Test) | What::Unsafe => None,
        }
    }

    /// What is wrong with a path that leads to `target`.
    fn objection_to_path(&self, target: &Target, extent: Extent) -> Option<String> {
        match &self.behind_export(target) {
            Target::Own(names) => self.objection_to_own(names, extent),
            Target::Foreign(names) => self.objection_to_foreign(names, extent),
        }
    }

    /// Where `target` leads in the end: `crate::Scanner` is what `lib.rs` says it is.
    fn behind_export(&self, target: &Target) -> Target {
        if let Target::Own(names) = target
            && let Some((first, tail)) = names.split_first()
            && let Some(export) = self.exports.get(first)
            && self.house.rooms.get(first).is_none()
        {
            return export.join(tail);
        }
        target.clone()
    }

    /// What is wrong with a path to one of our own rooms.
    fn objection_to_own(&self, names: &[String], extent: Extent) -> Option<String> {
        let room = self.room;
        let Some(used) = names.first() else {
            // Any room could be reached through another name for the root.
            let deed = match extent {
                Extent::One => "give the crate root another name",
                Extent::All => "import all of the crate root",
            };
            return Some(format!("room `{room}` may not {deed}; {}", self.allowed()));
        };
        if self.house.rooms.get(used).is_none() {
            return Some(format!(
                "`crate::{used}` is neither a room of the table nor a name that `lib.rs` re-exports"
            ));
        }
        if used == room {
            return None;
        }
        if room == "lib" {
            let message = || format!("`lib.rs` may not re-export all of `{used}`: name each thing");
            return (extent == Extent::All).then(message);
        }
        let path = names.join("::");
        let grants = self.house.rooms.get(room).unwrap_or_default();
        let is_granted = grants.iter().any(|grant| is_within(&path, grant));
        (!is_granted).then(|| {
            format!(
                "room `{room}` may not use `crate::{path}`; {}",
                self.allowed()
            )
        })
    }

    /// What is wrong with a path into another crate or the standard library.
    fn objection_to_foreign(&self, names: &[String], extent: Extent) -> Option<String> {
        let name = names.first()?;
        if name == "std" {
            let path = names.join("::");
            return self.house.std_paths.iter().find_map(|(ruled, homes)| {
                // `use std::io::*` brings in `stdout` too.
                let brings_in = extent == Extent::All && is_within(ruled, &path);
                let objection =
                    || self.unless_at_home(homes, &format!("`{ruled}`"), "rooms that may");
                (brings_in || is_within(&path, ruled))
                    .then(objection)
                    .flatten()
            });
        }
        if name == "core" || name == "alloc" {
            return None;
        }
        match self.house.crates.get(name) {
            None => Some(homeless(name)),
            Some(homes) => self.unless_at_home(homes, &format!("the crate `{name}`"), "its home"),
        }
    }

    /// What is wrong with declaring a module of that path here.
    fn objection_to_module(&self, path: &[String]) -> Option<String> {
        match (self.room, path) {
            ("main", _) => Some(
                "`main.rs` may not declare modules: the program lies in the library".to_owned(),
            ),
            ("lib", [name]) if self.house.rooms.get(name).is_none() => Some(no_room(name)),
            _ => None,
        }
    }

    /// An objection unless our room is among `homes`.
    fn unless_at_home(&self, homes: &[&str], what: &str, heading: &str) -> Option<String> {
        let objection = || {
            format!(
                "room `{}` may not use {what}; {heading}: {}",
                self.room,
                list(homes)
            )
        };
        (!homes.contains(&self.room)).then(objection)
    }

    /// The rooms our room may use, for the end of a message.
    fn allowed(&self) -> String {
        format!(
            "it may use: {}",
            list(self.house.rooms.get(self.room).unwrap_or_default())
        )
    }

    /// Whether `unsafe` may stand in this file.
    fn may_be_unsafe(&self) -> bool {
        let file_name = self.file.rsplit('/').next().unwrap_or_default();
        self.house
            .unsafe_files
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(beginning) => file_name.starts_with(beginning),
                None => self.file == *pattern,
            })
    }
}

/// The message for a crate without a row.
fn homeless(name: &str) -> String {
    format!("the crate `{name}` has no row: give it a home in the table")
}

/// The message for a file or module of the crate root without a row.
fn no_room(name: &str) -> String {
    format!("`{name}` is no room: give it a row in the table")
}

/// Whether a path leads to `outer` or to something inside it: `std::fs::read` is within `std::fs`.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|tail| tail.is_empty() || tail.starts_with("::"))
}

/// Words with commas between them; `none` if there are none.
fn list(words: &[&str]) -> String {
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    }
}
