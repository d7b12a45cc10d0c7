//! Read leases: the kernel's word that nobody has a file open for writing (fcntl(2), `F_SETLEASE`).
//!
//! A lease is granted only while no descriptor and no shared map can write to the file, and it is broken, before the
//! other's call comes back, when somebody opens the file to write or cuts it. So a file whose lease was granted before
//! it was read and is held after has the bytes that were read. Nobody but Linux has leases; elsewhere none is granted.

use std::fs::File;

/// What became of the wish for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It is held, until the file is closed or it is given up.
    Granted,
    /// Somebody has the file open for writing.
    Busy,
    /// The file is another user's, or its file system or this one knows no leases.
    Unknown,
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod calls {
    use super::Lease;
    use libc::{EAGAIN, F_GETLEASE, F_RDLCK, F_SETLEASE, F_UNLCK, SIG_IGN, SIGIO, c_int};
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::sync::Once;

    pub fn take(file: &File) -> Lease {
        static DEAF: Once = Once::new();
        // A broken lease is told by a signal whose default ends the process. We ask instead.
        DEAF.call_once(|| {
            // SAFETY: ignoring a signal runs no code of ours; nothing else in this program handles SIGIO.
            unsafe { libc::signal(SIGIO, SIG_IGN) };
        });
        if set(file, F_RDLCK) == 0 {
            Lease::Granted
        } else if io::Error::last_os_error().raw_os_error() == Some(EAGAIN) {
            Lease::Busy
        } else {
            Lease::Unknown
        }
    }

    pub fn is_held(file: &File) -> bool {
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the call takes no pointer.
        let lease = unsafe { libc::fcntl(file.as_raw_fd(), F_GETLEASE) };
        // While it is being broken this says what it becomes.
        lease == F_RDLCK
    }

    pub fn give_up(file: &File) {
        set(file, F_UNLCK);
    }

    fn set(file: &File, lease: c_int) -> c_int {
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the call takes a number and no pointer.
        unsafe { libc::fcntl(file.as_raw_fd(), F_SETLEASE, lease) }
    }
}

#[cfg(not(target_os = "linux"))]
mod calls {
    use super::Lease;
    use std::fs::File;

    pub fn take(_: &File) -> Lease {
        Lease::Unknown
    }

    pub fn is_held(_: &File) -> bool {
        false
    }

    pub fn give_up(_: &File) {}
}

/// Asks for a lease on `file`, which must be open for reading only.
pub fn take(file: &File) -> Lease {
    calls::take(file)
}

/// Whether the lease that was granted is neither broken nor about to be.
pub fn is_held(file: &File) -> bool {
    calls::is_held(file)
}

/// Gives the lease up: who waits to write goes on.
pub fn give_up(file: &File) {
    calls::give_up(file);
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags, open};
    use std::io::Write;

    #[test]
    fn a_lease_is_refused_to_a_writer_and_broken_by_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"a").unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(take(&file), Lease::Busy);
        drop(writer);
        assert_eq!(take(&file), Lease::Granted);
        assert!(is_held(&file));
        // Would wait, and is told so; the signal that comes with it ends nobody.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = open(&path, flags, Mode::empty());
        assert_eq!(opened.unwrap_err(), rustix::io::Errno::WOULDBLOCK);
        assert!(!is_held(&file));
        give_up(&file);
        assert!(open(&path, flags, Mode::empty()).is_ok());
    }
}
