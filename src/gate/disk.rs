//! Directories that are held open, and what the gate does to names in them: each call is one that lasts or fails.
//!
//! Names are looked up in an open directory and never through a path, so nobody can put another directory in between.

use super::fault;
use crate::error::Error;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, linkat, mkdirat, openat, renameat,
    statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A directory that is open.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// How a rename that overwrites nothing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// It is done.
    Done,
    /// There is something of the new name.
    Exists,
    /// The two directories lie on different file systems, or on one that cannot do it.
    Elsewhere,
}

impl Directory {
    /// The directory at `path`, links followed.
    ///
    /// # Errors
    /// When there is none that can be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty()).map_err(failed("open", path))?;
        Ok(Self {
            fd,
            path: path.to_path_buf(),
        })
    }

    /// The directory `name` in this one; a link is none.
    ///
    /// # Errors
    /// When there is none that can be opened.
    pub fn below(&self, name: &OsStr) -> Result<Self, Error> {
        let path = self.path.join(name);
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::empty()).map_err(failed("open", &path))?;
        Ok(Self { fd, path })
    }

    /// The directory `name` in this one; `None` if there is no such thing.
    ///
    /// # Errors
    /// When there is one that cannot be opened.
    pub fn below_if_there(&self, name: &OsStr) -> Result<Option<Self>, Error> {
        match self.below(name) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same directory once more.
    ///
    /// # Errors
    /// When no more can be open.
    pub fn again(&self) -> Result<Self, Error> {
        let fd =
            rustix::io::fcntl_dupfd_cloexec(&self.fd, 3).map_err(failed("open", &self.path))?;
        Ok(Self {
            fd,
            path: self.path.clone(),
        })
    }

    /// The directory that `path` leads to from this one, each part of it made as open as this one if it is not there.
    ///
    /// # Errors
    /// When one cannot be made, or is none.
    pub fn reach(&self, path: &Path) -> Result<Self, Error> {
        let mut at = self.again()?;
        for part in path {
            let stat = fstat(&at.fd).map_err(failed("read", &at.path))?;
            let mode = Mode::from_raw_mode(stat.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO);
            at.change("make", part, || match mkdirat(&at.fd, part, mode) {
                Err(Errno::EXIST) => Ok(()),
                made => made,
            })?;
            at.trace("make-directory", part, None);
            at.sync()?;
            at = at.below(part)?;
        }
        Ok(at)
    }

    /// Makes the directory `name`, open to nobody but its owner.
    ///
    /// # Errors
    /// When it is there already, or cannot be made.
    pub fn make(&self, name: &OsStr) -> Result<Self, Error> {
        let path = self.path.join(name);
        self.change("make", name, || mkdirat(&self.fd, name, Mode::RWXU))?;
        self.trace("make-directory", name, None);
        self.below(name).map_err(|error| error.at_path(&path))
    }

    /// The private directory `name`, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or the one that is there is somebody else's or open to others.
    pub fn private(&self, name: &OsStr) -> Result<Self, Error> {
        let made = self.change("make", name, || match mkdirat(&self.fd, name, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            made => made,
        });
        made?;
        self.trace("make-directory", name, None);
        let directory = self.below(name)?;
        let stat = fstat(&directory.fd).map_err(failed("read", &directory.path))?;
        let is_ours = stat.st_uid == rustix::process::geteuid().as_raw();
        let is_open = Mode::from_raw_mode(stat.st_mode).intersects(Mode::RWXG | Mode::RWXO);
        if !is_ours || is_open {
            let cause = io::Error::other(
                "it must belong to the user that runs the gate and be open to nobody else",
            );
            return Err(Error::io("use", cause).at_path(&directory.path));
        }
        self.sync()?;
        Ok(directory)
    }

    /// What it is called in messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Device and number of the directory itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn identity(&self) -> Result<(u64, u64), Error> {
        let stat = fstat(&self.fd).map_err(failed("read", &self.path))?;
        Ok(identity(&stat))
    }

    /// Which file system it lies on, where that can be told: device numbers change when a machine starts again.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn file_system(&self) -> Result<u64, Error> {
        let known = rustix::fs::fstatvfs(&self.fd).map_err(failed("read", &self.path))?;
        Ok(known.f_fsid)
    }

    /// Bytes that may still be written to its file system.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn free(&self) -> Result<u64, Error> {
        let known = rustix::fs::fstatvfs(&self.fd).map_err(failed("read", &self.path))?;
        Ok(known.f_bavail.saturating_mul(known.f_frsize))
    }

    /// The names in it, in order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(&self) -> Result<Vec<OsString>, Error> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed("list", &self.path))? {
            let entry = entry.map_err(failed("list", &self.path))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// What `name` is, links not followed; `None` if there is no such thing.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn stat(&self, name: &OsStr) -> Result<Option<Stat>, Error> {
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed("look at", &self.path.join(name))(error)),
        }
    }

    /// What kind of thing `name` is; `None` if there is no such thing.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn kind(&self, name: &OsStr) -> Result<Option<FileType>, Error> {
        let stat = self.stat(name)?;
        Ok(stat.map(|stat| FileType::from_raw_mode(stat.st_mode)))
    }

    /// Whether there is something called `name`.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn has(&self, name: &OsStr) -> Result<bool, Error> {
        Ok(self.stat(name)?.is_some())
    }

    /// The file `name`, for reading; a link is none, and a FIFO does not block.
    ///
    /// # Errors
    /// When there is none that can be opened.
    pub fn file(&self, name: &OsStr) -> Result<File, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = openat(&self.fd, name, flags, Mode::empty());
        fd.map(File::from)
            .map_err(failed("open", &self.path.join(name)))
    }

    /// A new file `name` for its owner alone.
    ///
    /// # Errors
    /// When it is there already, or cannot be made.
    pub fn create(&self, name: &OsStr) -> Result<File, Error> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.change("make", name, || {
            openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
        })?;
        self.trace("make-file", name, None);
        Ok(File::from(fd))
    }

    /// The file `name` for a lock or a log, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn create_or_open(&self, name: &OsStr) -> Result<File, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = self.change("open", name, || {
            openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
        })?;
        self.trace("make-file", name, None);
        Ok(File::from(fd))
    }

    /// Writes the file `name` in one: afterwards all of it is there and lasts, or nothing of it.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let draft = OsString::from(format!("{name}.draft"));
        self.remove(&draft)?;
        let mut file = self.create(&draft)?;
        let path = self.path.join(name);
        write(&mut file, bytes).map_err(|cause| Error::io("write", cause).at_path(&path))?;
        sync(&file).map_err(|cause| Error::io("write", cause).at_path(&path))?;
        self.change("write", name.as_ref(), || {
            renameat(&self.fd, &draft, &self.fd, name)
        })?;
        self.trace("rename", &draft, Some((self, name.as_ref())));
        self.sync()
    }

    /// Renames `from` here to `name` in `to`, a private directory; what had that name there has none any more.
    ///
    /// # Errors
    /// When it cannot be; of kind "not found" when somebody else did.
    pub fn take(&self, from: &OsStr, to: &Self, name: &OsStr) -> Result<(), Error> {
        self.change("claim", from, || renameat(&self.fd, from, &to.fd, name))?;
        self.trace("rename", from, Some((to, name)));
        Ok(())
    }

    /// Renames the file `from` here to `name` in `to`, unless there is something of that name.
    ///
    /// # Errors
    /// When it cannot be, for another reason than those of [`Renamed`].
    pub fn rename(&self, from: &OsStr, to: &Self, name: &OsStr) -> Result<Renamed, Error> {
        let renamed = self.change("move", from, || {
            match rename_no_replace(self, from, to, name) {
                Ok(()) => Ok(Renamed::Done),
                Err(Errno::EXIST) => Ok(Renamed::Exists),
                Err(Errno::XDEV) => Ok(Renamed::Elsewhere),
                // Some file systems have no such rename.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(Renamed::Elsewhere),
                Err(error) => Err(error),
            }
        })?;
        if renamed == Renamed::Done {
            self.trace("rename", from, Some((to, name)));
        }
        Ok(renamed)
    }

    /// Renames the file `from` to `name`, both in this directory, unless there is something of that name.
    ///
    /// # Errors
    /// When it cannot be, for another reason than those of [`Renamed`].
    pub fn settle(&self, from: &OsStr, name: &OsStr) -> Result<Renamed, Error> {
        match self.rename(from, self, name)? {
            Renamed::Elsewhere => {}
            renamed => return Ok(renamed),
        }
        // Between the two steps the file has both names: whoever starts again tells that by its link count.
        let linked = self.change("move", from, || {
            match linkat(&self.fd, from, &self.fd, name, AtFlags::empty()) {
                Ok(()) => Ok(Renamed::Done),
                Err(Errno::EXIST) => Ok(Renamed::Exists),
                Err(error) => Err(error),
            }
        })?;
        if linked == Renamed::Done {
            self.sync()?;
            self.remove(from)?;
        }
        Ok(linked)
    }

    /// Removes the file `name`, if there is one.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn remove(&self, name: &OsStr) -> Result<(), Error> {
        if !self.has(name)? {
            return Ok(());
        }
        let flags = AtFlags::empty();
        self.change("remove", name, || match unlinkat(&self.fd, name, flags) {
            Err(Errno::NOENT) => Ok(()),
            removed => removed,
        })?;
        self.trace("remove", name, None);
        Ok(())
    }

    /// Removes the empty directory `name`, if there is one.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn remove_directory(&self, name: &OsStr) -> Result<(), Error> {
        let flags = AtFlags::REMOVEDIR;
        self.change("remove", name, || match unlinkat(&self.fd, name, flags) {
            Err(Errno::NOENT) => Ok(()),
            removed => removed,
        })?;
        self.trace("remove", name, None);
        Ok(())
    }

    /// Makes what was done to its names last.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> Result<(), Error> {
        let synced = fault::before().and_then(|()| Ok(rustix::fs::fsync(&self.fd)?));
        fault::after();
        synced.map_err(|cause| Error::io("write", cause).at_path(&self.path))?;
        fault::trace(|| ("sync-directory", vec![self.path.clone()]), None);
        Ok(())
    }

    /// Records a change for a test.
    fn trace(&self, deed: &'static str, name: &OsStr, to: Option<(&Self, &OsStr)>) {
        let paths = || {
            let to = to.map(|(directory, name)| directory.path.join(name));
            (deed, [self.path.join(name)].into_iter().chain(to).collect())
        };
        fault::trace(paths, None);
    }

    fn change<T>(
        &self,
        tried: &'static str,
        name: &OsStr,
        call: impl FnOnce() -> Result<T, Errno>,
    ) -> Result<T, Error> {
        let path = || self.path.join(name);
        fault::before().map_err(|cause| Error::io(tried, cause).at_path(&path()))?;
        let done = call().map_err(|error| failed(tried, &path())(error));
        fault::after();
        done
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Writes all of `bytes` where the file stands.
///
/// # Errors
/// When there is no room; some of them may be written then.
pub fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    // One call writes all or, when the system ends in the middle, some: a test sees both.
    let half = if fault::is_asked() {
        bytes.len() / 2
    } else {
        0
    };
    let (first, second) = bytes.split_at(half);
    file.write_all(first)?;
    fault::before()?;
    file.write_all(second)?;
    fault::after();
    Ok(())
}

/// Makes a file's bytes and what is known of it last.
///
/// # Errors
/// When the disk fails.
pub fn sync(file: &File) -> io::Result<()> {
    fault::before()?;
    file.sync_all()?;
    fault::after();
    fault::trace(|| ("sync-file", Vec::new()), Some(file));
    Ok(())
}

/// Device and number of what `stat` is about.
#[allow(clippy::unnecessary_cast)] // other systems have narrower numbers
pub fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// Whether the system said that there is no such thing.
pub fn is_not_found(error: &Error) -> bool {
    matches!(
        error.kind(),
        crate::error::ErrorKind::Io { cause, .. } if cause.kind() == io::ErrorKind::NotFound
    )
}

/// Whether the next dump would meet the same.
pub fn is_of_the_disk(error: &Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        crate::error::ErrorKind::Io { cause, .. }
            if matches!(cause.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
    )
}

#[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
fn rename_no_replace(
    from: &Directory,
    old: &OsStr,
    to: &Directory,
    new: &OsStr,
) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(&from.fd, old, &to.fd, new, RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_vendor = "apple", target_os = "linux", target_os = "android")))]
fn rename_no_replace(_: &Directory, _: &OsStr, _: &Directory, _: &OsStr) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

fn failed(tried: &'static str, path: &Path) -> impl FnOnce(Errno) -> Error {
    move |error| Error::io(tried, error.into()).at_path(path)
}
