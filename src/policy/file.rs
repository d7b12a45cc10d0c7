//! The policy file: what blocks a dump, what is accepted, how much a dump may cost, and keys that must never leave.
//!
//! ```toml
//! version = 1
//!
//! [policy]
//! truncated = "quarantine"   # or "release"
//! fail_on = "parsed"         # the least proof that blocks: shape, parsed, arithmetic
//! kinds = ["rsa-private-key"]  # only these block, and watched keys; all, if it is not there
//! strict = false             # known test keys block too
//! baseline = "/etc/dumpgate/accepted.toml"
//!
//! [limits]
//! worker_memory = 4294967296 # bytes
//! seconds = 600              # for one dump
//! input_bytes = 68719476736  # of `dumpgate pipe`
//!
//! [[watch]]
//! file = "/etc/dumpgate/jwks.json"  # PEM, DER, JWKS, SSH
//!
//! [[watch]]
//! spki_sha256 = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e"
//! name = "token signer"
//! ```
//!
//! What is not understood is an error: half a policy would let pass what its author meant to stop.

use super::baseline::{Reader, fields, line, text};
use crate::crypto::Fingerprint;
use crate::error::Error;
use crate::finding::Proof;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, Key, Table};

/// What a policy file says; `None` is what it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFile {
    /// Whether a truncated dump is released if there is nothing else against it.
    pub releases_truncated: Option<bool>,
    /// The least proof that blocks.
    pub fail_on: Option<Proof>,
    /// The kinds that block.
    pub kinds: Option<Vec<String>>,
    /// Whether known test keys block.
    pub strict: Option<bool>,
    /// The file of accepted keys.
    pub baseline: Option<PathBuf>,
    /// Bytes of memory of a worker.
    pub worker_memory: Option<u64>,
    /// Seconds for one dump.
    pub seconds: Option<u64>,
    /// Bytes of one dump on standard input.
    pub input_bytes: Option<u64>,
    /// Keys that must never leave.
    pub watch: Vec<Watch>,
}

/// Keys that must never leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Which.
    pub keys: WatchedKeys,
    /// What they are called, if they shall not be called as they call themselves.
    pub name: Option<String>,
}

/// Which keys are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchedKeys {
    /// All public keys in this file.
    File(PathBuf),
    /// One by its name.
    Key(Fingerprint),
}

impl PolicyFile {
    /// The policy in the file at `path`. Paths in it are from its directory on.
    ///
    /// # Errors
    /// When it cannot be read or is no policy; the error names the line.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut policy = Self::parse(&text(path)?).map_err(|error| error.at_path(path))?;
        let directory = path.parent().unwrap_or_else(|| Path::new("."));
        if let Some(baseline) = &mut policy.baseline {
            *baseline = directory.join(&*baseline);
        }
        for watch in &mut policy.watch {
            if let WatchedKeys::File(file) = &mut watch.keys {
                *file = directory.join(&*file);
            }
        }
        Ok(policy)
    }

    /// The policy in a text.
    ///
    /// # Errors
    /// When it is none; the error names the line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = Document::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            Error::at_line(line(text, at), "TOML", error.message())
        })?;
        let reader = Reader { text };
        let mut version = None;
        let mut policy = Self::default();
        for (name, key, item) in fields(&document) {
            match name {
                "version" => version = Some(reader.version(item)?),
                "policy" => policy.rules(&reader, table(&reader, key, item)?)?,
                "limits" => policy.limits(&reader, table(&reader, key, item)?)?,
                "watch" => {
                    let tables = item.as_array_of_tables().ok_or_else(|| {
                        reader.unexpected(key, "tables that begin with `[[watch]]`", item)
                    })?;
                    for table in tables {
                        policy.watch.push(watch(&reader, table)?);
                    }
                }
                _ => {
                    let expected = "`version`, `[policy]`, `[limits]` or `[[watch]]`";
                    return Err(reader.unknown(key, expected));
                }
            }
        }
        match version {
            Some(()) => Ok(policy),
            None => Err(Error::at_line(1, "`version = 1`", "no version")),
        }
    }

    fn rules(&mut self, reader: &Reader<'_>, table: &Table) -> Result<(), Error> {
        for (name, key, item) in fields(table) {
            match name {
                "truncated" => {
                    let fates = [("quarantine", false), ("release", true)];
                    self.releases_truncated = Some(choice(reader, item, &fates)?);
                }
                "fail_on" => {
                    let proofs = [Proof::Shape, Proof::Parsed, Proof::Arithmetic];
                    let proofs = proofs.map(|proof| (proof.name(), proof));
                    self.fail_on = Some(choice(reader, item, &proofs)?);
                }
                "kinds" => self.kinds = Some(kinds(reader, item)?),
                "strict" => {
                    let strict = item.as_bool();
                    self.strict = Some(strict.ok_or_else(|| {
                        reader.unexpected(key, "`strict = true` or `false`", item)
                    })?);
                }
                "baseline" => self.baseline = Some(path(reader, item)?),
                _ => {
                    let expected = "`truncated`, `fail_on`, `kinds`, `strict` or `baseline`";
                    return Err(reader.unknown(key, expected));
                }
            }
        }
        Ok(())
    }

    fn limits(&mut self, reader: &Reader<'_>, table: &Table) -> Result<(), Error> {
        for (name, key, item) in fields(table) {
            let limit = match name {
                "worker_memory" => &mut self.worker_memory,
                "seconds" => &mut self.seconds,
                "input_bytes" => &mut self.input_bytes,
                _ => {
                    let expected = "`worker_memory`, `seconds` or `input_bytes`";
                    return Err(reader.unknown(key, expected));
                }
            };
            let number = item
                .as_integer()
                .and_then(|number| u64::try_from(number).ok());
            let number = number.filter(|number| *number > 0);
            *limit = Some(number.ok_or_else(|| {
                reader.fault(
                    item.span(),
                    "a number above 0, without a unit",
                    item.type_name(),
                )
            })?);
        }
        Ok(())
    }
}

fn table<'i>(reader: &Reader<'_>, key: &Key, item: &'i Item) -> Result<&'i Table, Error> {
    item.as_table()
        .ok_or_else(|| reader.unexpected(key, "a table, as `[policy]`", item))
}

fn watch(reader: &Reader<'_>, table: &Table) -> Result<Watch, Error> {
    let (mut keys, mut name) = (None, None);
    for (field, key, item) in fields(table) {
        let seen = match field {
            "file" => WatchedKeys::File(path(reader, item)?),
            "spki_sha256" => WatchedKeys::Key(reader.fingerprint(item)?),
            "name" => {
                let text = item.as_str().and_then(super::baseline::reason);
                name = Some(text.map(str::to_owned).ok_or_else(|| {
                    reader.fault(item.span(), "a name in one line", item.type_name())
                })?);
                continue;
            }
            _ => return Err(reader.unknown(key, "`file`, `spki_sha256` or `name`")),
        };
        if keys.replace(seen).is_some() {
            return Err(reader.fault(key.span(), "one of `file` and `spki_sha256`", "both"));
        }
    }
    let keys = keys.ok_or_else(|| {
        reader.fault(
            table.span(),
            "an entry with `file` or `spki_sha256`",
            "one without",
        )
    })?;
    Ok(Watch { keys, name })
}

fn kinds(reader: &Reader<'_>, item: &Item) -> Result<Vec<String>, Error> {
    let expected = "an array of kinds, as reports name them: `[\"rsa-private-key\"]`";
    let fault = || reader.fault(item.span(), expected, item.type_name());
    let array = item.as_array().ok_or_else(fault)?;
    let mut kinds = Vec::new();
    for value in array {
        let known = value
            .as_str()
            .filter(|text| crate::finding::Kind::names().any(|name| name == *text));
        kinds.push(known.ok_or_else(fault)?.to_owned());
    }
    match kinds.is_empty() {
        true => Err(fault()),
        false => Ok(kinds),
    }
}

fn path(reader: &Reader<'_>, item: &Item) -> Result<PathBuf, Error> {
    let text = item.as_str().filter(|text| !text.is_empty());
    text.map(PathBuf::from)
        .ok_or_else(|| reader.fault(item.span(), "a path", item.type_name()))
}

fn choice<T: Copy>(reader: &Reader<'_>, item: &Item, known: &[(&str, T)]) -> Result<T, Error> {
    let found = known.iter().find(|(name, _)| item.as_str() == Some(name));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<String> = known
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        reader.fault(item.span(), &names.join(" or "), "something else")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read() {
        let name = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";
        let text = format!(
            "version = 1\n[policy]\ntruncated = \"release\"\nfail_on = \"arithmetic\"\n\
             kinds = [\"rsa-private-key\"]\nstrict = true\nbaseline = \"b.toml\"\n\
             [limits]\nworker_memory = 5\nseconds = 6\ninput_bytes = 7\n\
             [[watch]]\nfile = \"k.pem\"\n[[watch]]\nspki_sha256 = \"{name}\"\nname = \"signer\"\n"
        );
        let policy = PolicyFile::parse(&text).unwrap();
        assert_eq!(policy.releases_truncated, Some(true));
        assert_eq!(policy.fail_on, Some(Proof::Arithmetic));
        assert_eq!(policy.strict, Some(true));
        assert_eq!(
            (policy.worker_memory, policy.seconds, policy.input_bytes),
            (Some(5), Some(6), Some(7))
        );
        assert_eq!(policy.watch.len(), 2);
        assert_eq!(policy.watch[1].name.as_deref(), Some("signer"));
        assert_eq!(
            PolicyFile::parse("version = 1\n").unwrap(),
            PolicyFile::default()
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, wanted) in [
            ("", "line 1: expected `version = 1`"),
            ("version = 1\npolicy = 3\n", "line 2: expected a table"),
            (
                "version = 1\n[policy]\ntruncated = \"drop\"\n",
                "line 3: expected \"quarantine\" or \"release\"",
            ),
            (
                "version = 1\n[policy]\nkinds = [\"keys\"]\n",
                "line 3: expected an array of kinds",
            ),
            (
                "version = 1\n[policy]\nkinds = []\n",
                "line 3: expected an array of kinds",
            ),
            (
                "version = 1\n[policy]\nfoo = 1\n",
                "line 3: expected `truncated`",
            ),
            (
                "version = 1\n[limits]\nseconds = -1\n",
                "line 3: expected a number above 0",
            ),
            (
                "version = 1\n[[watch]]\nname = \"a\"\n",
                "line 2: expected an entry with `file`",
            ),
            ("version = 1\nwatch = 1\n", "line 2: expected tables"),
            (
                "version = 1\n[gate]\n",
                "line 2: expected `version`, `[policy]`",
            ),
        ] {
            let refused = PolicyFile::parse(text).unwrap_err().to_string();
            assert!(refused.contains(wanted), "{text}: {refused}");
        }
    }
}
