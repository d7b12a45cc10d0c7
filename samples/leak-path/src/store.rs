//! The key store of production: the live private keys as PEM files, and the published public halves.

use crate::Result;
use crate::key::{Key, Use};
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes `DIR/KID.pem`, readable by the owner alone, whole or not at all.
///
/// # Errors
/// When the directory cannot be written.
pub fn write_key(directory: &Path, key: &Key) -> Result<()> {
    write_whole(
        &directory.join(format!("{}.pem", key.kid)),
        key.pem().as_bytes(),
    )
}

/// Writes a file that only its owner can read, whole or not at all.
///
/// # Errors
/// When its directory cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .map_err(|error| format!("failed to write `{}`: {error}", part.display()))?;
    file.write_all(bytes)?;
    fs::rename(&part, path)?;
    Ok(())
}

/// The keys in a directory, by name.
///
/// # Errors
/// When it cannot be read, or a PEM in it is none.
pub fn read_keys(directory: &Path) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(directory)
        .map_err(|error| format!("failed to read `{}`: {error}", directory.display()))?
    {
        let path = entry?.path();
        let Some(kid) = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".pem"))
        else {
            continue;
        };
        match fs::read_to_string(&path) {
            Ok(pem) => keys.push(Key::from_pem(kid, &pem)?),
            // A rotation removed it meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    keys.sort_by(|a, b| a.kid.cmp(&b.kid));
    Ok(keys)
}

/// The JWKS in a file; an empty one if there is none.
///
/// # Errors
/// When it is there and is none.
pub fn read_jwks(path: &Path) -> Result<Value> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(json!({"keys": []})),
        Err(error) => Err(error.into()),
    }
}

/// `leak-path keys`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the keys go, each as `KID.pem`
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The number in the kids
    #[arg(long, default_value_t = 0)]
    number: usize,
}

/// Makes one key of each kind.
///
/// # Errors
/// When one cannot be made or written.
pub fn run(arguments: &Arguments) -> Result<()> {
    for usage in Use::ALL {
        let key = Key::generate(usage, arguments.number)?;
        write_key(&arguments.out, &key)?;
        println!("{}", key.kid);
    }
    Ok(())
}
