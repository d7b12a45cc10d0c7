//! Points at which a test ends or fails the gate. Nothing of this is in a release build.
//!
//! Every call that changes a file system passes two points, one before and one behind. The variable holds `kill N`
//! (the process ends at the N-th point, as by a loss of power that the disk survives) or `full N` (each call that
//! needs room fails from the N-th point on, as on a full disk) or `deaf 0` (no event is heard of). Another variable names a
//! file in which each change is recorded once it is made.

use std::io;

/// Before a call: an error instead of it, if a test asked for one.
pub fn before() -> io::Result<()> {
    #[cfg(debug_assertions)]
    asked::pass(asked::Side::Before)?;
    Ok(())
}

/// Behind a call that was made.
pub fn after() {
    // Only what was not done yet can fail.
    #[cfg(debug_assertions)]
    {
        _ = asked::pass(asked::Side::After);
    }
}

/// Whether a test asked for anything: what is written is written in two halves then.
pub fn is_asked() -> bool {
    #[cfg(debug_assertions)]
    {
        asked::fault().is_some()
    }
    #[cfg(not(debug_assertions))]
    {
        false
    }
}

/// Whether a test asked for a gate that hears of no event in the spool.
pub fn is_deaf() -> bool {
    #[cfg(debug_assertions)]
    {
        matches!(asked::fault(), Some(asked::Fault::Deaf))
    }
    #[cfg(not(debug_assertions))]
    {
        false
    }
}

/// Records a change that was made, if a test asked for a record: a deed and the paths it was about; or a file whose
/// bytes last now.
pub fn trace(
    deed: impl FnOnce() -> (&'static str, Vec<std::path::PathBuf>),
    file: Option<&std::fs::File>,
) {
    #[cfg(debug_assertions)]
    asked::trace(deed, file);
    #[cfg(not(debug_assertions))]
    let _ = (deed, file);
}

#[cfg(debug_assertions)]
mod asked {
    use super::super::names::hex;
    use rustix::process::{Signal, getpid, kill_process};
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    pub enum Side {
        Before,
        After,
    }

    #[derive(Clone, Copy)]
    pub enum Fault {
        Kill(u64),
        Full(u64),
        Deaf,
    }

    pub fn fault() -> Option<Fault> {
        static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
        *FAULT.get_or_init(|| {
            let asked = std::env::var(VARIABLE).ok()?;
            let (deed, point) = asked.split_once(' ')?;
            let point = point.parse().ok()?;
            match deed {
                "kill" => Some(Fault::Kill(point)),
                "full" => Some(Fault::Full(point)),
                "deaf" => Some(Fault::Deaf),
                _ => None,
            }
        })
    }

    pub fn pass(side: Side) -> io::Result<()> {
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let passed = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
        match (fault(), side) {
            (Some(Fault::Kill(point)), _) if passed == point => {
                _ = kill_process(getpid(), Signal::KILL);
                Ok(())
            }
            (Some(Fault::Full(point)), Side::Before) if passed >= point => {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            _ => Ok(()),
        }
    }

    /// Appends a line: the deed, the paths, and for a file its number, mode and bytes, all that is not text in
    /// hexadecimal digits. One that cannot be written is missed by the test.
    pub fn trace(deed: impl FnOnce() -> (&'static str, Vec<PathBuf>), file: Option<&File>) {
        static RECORD: OnceLock<Option<File>> = OnceLock::new();
        let record = RECORD.get_or_init(|| {
            let path = std::env::var_os(RECORD_VARIABLE)?;
            File::options().append(true).create(true).open(path).ok()
        });
        let Some(mut record) = record.as_ref() else {
            return;
        };
        let (deed, paths) = deed();
        // The file that a name stands for now, where it does.
        let number = paths.last().and_then(|path| path.metadata().ok());
        let number = number.map(|metadata| metadata.ino());
        let content = file.and_then(|file| {
            let metadata = file.metadata().ok()?;
            let again = format!("/proc/self/fd/{}", file.as_raw_fd());
            let bytes = std::fs::read(again).ok()?;
            Some((metadata.ino(), metadata.mode() & 0o7777, hex(&bytes)))
        });
        let line = serde_json::json!({
            "deed": deed, "paths": paths, "number": number, "content": content,
        });
        _ = record.write_all(format!("{line}\n").as_bytes());
    }

    const RECORD_VARIABLE: &str = "DUMPGATE_TEST_TRACE";

    const VARIABLE: &str = "DUMPGATE_TEST_FAILPOINT";
}
