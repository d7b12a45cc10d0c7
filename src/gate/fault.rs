//! Points at which a test ends or fails the gate. Nothing of this is in a release build.
//!
//! Every call that changes a file system passes two points, one before and one behind. The variable holds `kill N`
//! (the process ends at the N-th point, as by a loss of power that the disk survives) or `full N` (each call that
//! needs room fails from the N-th point on, as on a full disk) or `deaf 0` (no event is heard of).

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

#[cfg(debug_assertions)]
mod asked {
    use rustix::process::{Signal, getpid, kill_process};
    use std::io;
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

    const VARIABLE: &str = "DUMPGATE_TEST_FAILPOINT";
}
