//! What is judged: the sources and the manifest, from the disk or made up by a case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The sources of one crate and its manifest.
pub(super) struct Tree {
    /// The text of `Cargo.toml`.
    pub(super) manifest: String,
    /// Text of each source file by its path, such as `src/dump/elf.rs`; sorted, so that every run says the same.
    pub(super) files: BTreeMap<String, String>,
}

/// One entry of a `[dependencies]` section.
pub(super) struct Dependency {
    /// The name as the code spells it: `aho_corasick` for `aho-corasick`.
    pub(super) name: String,
    /// Its line in `Cargo.toml`, from 1.
    pub(super) line: usize,
}

impl Tree {
    /// Reads `Cargo.toml` and every `.rs` file below `src/` of the crate under test.
    pub(super) fn of_this_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = BTreeMap::new();
        collect_sources(&root.join("src"), "src", &mut files);
        Self {
            manifest: read(&root.join("Cargo.toml")),
            files,
        }
    }

    /// The dependencies of the library and the binary, those of one platform included; not those of tests.
    ///
    /// Reads line by line, which is enough for a manifest with one dependency to a line or to a section.
    pub(super) fn dependencies(&self) -> Vec<Dependency> {
        let mut found = Vec::new();
        let mut section = "";
        for (index, line) in self.manifest.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let mut key = None;
            if let Some(header) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                section = header.trim();
                key = section
                    .rsplit_once('.')
                    .filter(|(table, _)| is_dependency_table(table))
                    .map(|(_, name)| name);
            } else if is_dependency_table(section) {
                key = line
                    .split_once('=')
                    .map(|(key, _)| key.split('.').next().unwrap_or_default());
            }
            if let Some(key) = key {
                let name = key.trim().trim_matches(['"', '\'']).replace('-', "_");
                found.push(Dependency {
                    name,
                    line: index + 1,
                });
            }
        }
        found
    }

    /// The names of all dependencies, as the code spells them.
    pub(super) fn dependency_names(&self) -> BTreeSet<String> {
        self.dependencies()
            .into_iter()
            .map(|dependency| dependency.name)
            .collect()
    }
}

/// Whether a section's name is `dependencies` or `target.'...'.dependencies`.
fn is_dependency_table(section: &str) -> bool {
    section == "dependencies"
        || (section.starts_with("target.") && section.ends_with(".dependencies"))
}

/// Puts every `.rs` file below `directory` into `files`, under `name/...`.
fn collect_sources(directory: &Path, name: &str, files: &mut BTreeMap<String, String>) {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("failed to list `{name}`: {error}"));
    for entry in entries {
        let path = entry
            .unwrap_or_else(|error| panic!("failed to list `{name}`: {error}"))
            .path();
        let file_name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("source files have UTF-8 names");
        let full_name = format!("{name}/{file_name}");
        if path.is_dir() {
            collect_sources(&path, &full_name, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(full_name, read(&path));
        }
    }
}

/// The text of a file that must be there.
fn read(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("failed to read `{}`: {error}", path.display()))
}
