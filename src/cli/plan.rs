//! What the paths that were typed mean: the files to scan, in order.

use crate::error::Error;
use crate::report::Origin;
use globset::{Glob, GlobSet, GlobSetBuilder};
use std::io;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// One step of a plan.
#[derive(Debug)]
pub enum Step {
    /// Scan standard input.
    Stdin,
    /// Scan this file.
    File(PathBuf, Origin),
    /// This could not be looked into.
    Unreadable(PathBuf, Error),
    /// An entry of a directory that is neither file nor directory, as a link or a FIFO.
    Skipped,
}

/// Which files of a directory are wanted.
pub struct Filter {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Filter {
    /// From patterns as typed.
    ///
    /// # Errors
    /// When one is no glob.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, globset::Error> {
        let include = if include.is_empty() {
            None
        } else {
            Some(globs(include)?)
        };
        Ok(Self {
            include,
            exclude: globs(exclude)?,
        })
    }

    /// Whether the file at `path` below a directory is wanted.
    fn wants(&self, path: &Path) -> bool {
        self.include
            .as_ref()
            .is_none_or(|globs| globs.is_match(path))
            && !self.exclude.is_match(path)
    }
}

/// A pattern without a slash matches the file's name in any directory.
fn globs(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let anywhere = format!("**/{pattern}");
        set.add(Glob::new(if pattern.contains('/') {
            pattern
        } else {
            &anywhere
        })?);
    }
    set.build()
}

/// The steps for `paths`, directories in the order of their entries' names.
pub fn steps<'p>(paths: &'p [PathBuf], filter: &'p Filter) -> impl Iterator<Item = Step> + 'p {
    paths
        .iter()
        .flat_map(move |path| -> Box<dyn Iterator<Item = Step> + 'p> {
            if path.as_os_str() == "-" {
                Box::new(std::iter::once(Step::Stdin))
            } else if path.is_dir() {
                Box::new(walk(path, filter))
            } else {
                Box::new(std::iter::once(Step::File(path.clone(), Origin::Named)))
            }
        })
}

fn walk<'p>(directory: &'p Path, filter: &'p Filter) -> impl Iterator<Item = Step> + 'p {
    WalkDir::new(directory)
        .sort_by_file_name()
        .into_iter()
        .filter_map(move |entry| {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(directory).to_path_buf();
                    let cause = error
                        .into_io_error()
                        .unwrap_or_else(|| io::Error::other("a loop of links"));
                    let error = Error::io("read", cause).at_path(&path);
                    return Some(Step::Unreadable(path, error));
                }
            };
            let kind = entry.file_type();
            let below = entry.path().strip_prefix(directory).unwrap_or(entry.path());
            if kind.is_dir() || !filter.wants(below) {
                None
            } else if kind.is_file() {
                Some(Step::File(entry.into_path(), Origin::Walked))
            } else {
                Some(Step::Skipped)
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(include: &[&str], exclude: &[&str], path: &str) -> bool {
        let owned = |patterns: &[&str]| {
            patterns
                .iter()
                .map(|&pattern| pattern.to_owned())
                .collect::<Vec<_>>()
        };
        Filter::new(&owned(include), &owned(exclude))
            .unwrap()
            .wants(Path::new(path))
    }

    #[test]
    fn globs_match_names_or_paths() {
        assert!(wants(&[], &[], "a/b.core"));
        assert!(wants(&["*.core"], &[], "a/b.core"));
        assert!(!wants(&["*.core"], &[], "a/b.dmp"));
        assert!(!wants(&["*.core"], &["b.*"], "a/b.core"));
        assert!(wants(&["a/*.core"], &[], "a/b.core"));
        assert!(!wants(&["c/*.core"], &[], "a/b.core"));
        assert!(Filter::new(&["[".to_owned()], &[]).is_err());
    }
}
