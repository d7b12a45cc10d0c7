//! Adding keys to a baseline's file: comments and order stay, and the file is never half written.

use super::baseline::{self, Baseline, Entry};
use crate::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use time::Date;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value, value};

/// A baseline's file, being changed.
#[derive(Debug)]
pub struct BaselineEdit {
    path: PathBuf,
    document: DocumentMut,
    baseline: Baseline,
}

/// What to do with a key that the baseline has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// An error.
    Refuse,
    /// Its entry gets the new reason and dates.
    Replace,
}

impl BaselineEdit {
    /// Opens the baseline at `path`; a new one if no file is there.
    ///
    /// # Errors
    /// When what is there cannot be read or is no baseline.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = match fs::metadata(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => NEW.to_owned(),
            _ => baseline::text(path)?,
        };
        let baseline = Baseline::parse(&text).map_err(|error| error.at_path(path))?;
        let document = text.parse::<DocumentMut>().map_err(|error| {
            // Cannot be: it was read a line above.
            Error::at_line(1, "TOML", error.message()).at_path(path)
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            document,
            baseline,
        })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// When its key has one and is not to be replaced.
    pub fn add(&mut self, entry: &Entry, duplicate: Duplicate) -> Result<(), Error> {
        let first = self.baseline.get(entry.spki_sha256);
        if let (Some(first), Duplicate::Refuse) = (first, duplicate) {
            let found = format!("{}, which has one until {}", entry.spki_sha256, first.until);
            let error = Error::at_line(first.line, "a key without an entry", found);
            return Err(error.at_path(&self.path));
        }
        let tables = self
            .document
            .entry("key")
            .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
            .as_array_of_tables_mut();
        let Some(tables) = tables else {
            return Ok(());
        };
        let name = entry.spki_sha256.to_string();
        let is_same = |table: &Table| {
            let held = table.get("spki_sha256").and_then(Item::as_str);
            held.is_some_and(|held| held.eq_ignore_ascii_case(&name))
        };
        let index = tables.iter().position(is_same);
        match index.and_then(|index| tables.get_mut(index)) {
            Some(table) => fill(table, entry),
            None => {
                let mut table = Table::new();
                table.decor_mut().set_prefix("\n");
                table.insert("spki_sha256", value(name));
                fill(&mut table, entry);
                tables.push(table);
            }
        }
        Ok(())
    }

    /// Writes the file: beside it, to the disk, then in its place. A symbolic link stays one.
    ///
    /// # Errors
    /// When the system refuses; the old file is untouched then.
    pub fn save(&self) -> Result<(), Error> {
        let text = self.document.to_string();
        // What will not be read again is not written.
        Baseline::parse(&text).map_err(|error| error.at_path(&self.path))?;
        replace(&self.path, text.as_bytes())
            .map_err(|cause| Error::io("write", cause).at_path(&self.path))
    }
}

/// Everything but the name.
fn fill(table: &mut Table, entry: &Entry) {
    set(table, "reason", entry.reason.as_str().into());
    set(table, "until", local(entry.until).into());
    if let Some(added) = entry.added {
        set(table, "added", local(added).into());
    }
}

/// Gives a field a value; the comments around an old one stay.
fn set(table: &mut Table, field: &str, mut new: Value) {
    match table.get_mut(field).and_then(Item::as_value_mut) {
        Some(held) => {
            *new.decor_mut() = held.decor().clone();
            *held = new;
        }
        None => {
            table.insert(field, Item::Value(new));
        }
    }
}

/// The date as TOML writes it.
fn local(date: Date) -> toml_edit::Datetime {
    let date = toml_edit::Date {
        year: u16::try_from(date.year()).unwrap_or(u16::MAX),
        month: date.month().into(),
        day: date.day(),
    };
    date.into()
}

fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
        Err(cause) => return Err(cause),
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = new_file(directory)?;
    if let Ok(old) = fs::metadata(&path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    // The new name, too, must outlast a crash. Only some systems open a directory.
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}

/// A file in `directory` that others may read if the user's mask says so: a baseline is shared.
fn new_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dumpgate-baseline-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// A baseline without keys.
const NEW: &str = "\
# Private keys accepted in dumps, by the SHA-256 of their public half; `dumpgate scan --baseline` reads it.
version = 1
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Fingerprint;

    const FIRST: &str = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";
    const SECOND: &str = "5a9214aa789ffe021992636dd17ca313f340948e604d4122735160f3d46688a0";

    fn entry(name: &str, reason: &str) -> Entry {
        Entry {
            spki_sha256: Fingerprint::from_hex(name).unwrap(),
            reason: reason.to_owned(),
            until: baseline::date("2027-03-31").unwrap(),
            added: baseline::date("2026-11-21"),
            line: 0,
        }
    }

    #[test]
    fn a_file_is_made_extended_and_keeps_its_comments() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("baseline.toml");
        let mut edit = BaselineEdit::open(&path).unwrap();
        edit.add(&entry(FIRST, "one"), Duplicate::Refuse).unwrap();
        edit.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let wanted = format!(
            "{NEW}\n[[key]]\nspki_sha256 = \"{FIRST}\"\nreason = \"one\"\nuntil = 2027-03-31\nadded = 2026-11-21\n"
        );
        assert_eq!(text, wanted);

        fs::write(&path, text.replace("reason", "# ours\nreason") + "# end\n").unwrap();
        let mut edit = BaselineEdit::open(&path).unwrap();
        let error = edit.add(&entry(FIRST, "two"), Duplicate::Refuse);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("line 4: expected a key without an entry"),
            "{error}"
        );
        edit.add(&entry(FIRST, "two"), Duplicate::Replace).unwrap();
        edit.add(&entry(SECOND, "a \"quoted\" one"), Duplicate::Refuse)
            .unwrap();
        edit.save().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("# ours\nreason = \"two\"") && text.contains("# end"),
            "{text}"
        );
        let read = Baseline::read(&path).unwrap();
        assert_eq!(read.entries().len(), 2);
        let second = read.get(Fingerprint::from_hex(SECOND).unwrap()).unwrap();
        assert_eq!(second.reason, "a \"quoted\" one");
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_file_that_is_no_baseline_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.toml");
        fs::write(&path, "a = 1\n").unwrap();
        assert!(BaselineEdit::open(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a = 1\n");
    }

    #[test]
    #[cfg(unix)]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("baseline.toml");
        fs::write(&path, NEW).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        let mut edit = BaselineEdit::open(&link).unwrap();
        edit.add(&entry(FIRST, "one"), Duplicate::Refuse).unwrap();
        edit.save().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(Baseline::read(&path).unwrap().entries().len(), 1);
    }
}
