//! What a file is besides its bytes: mode, owner, times, extended attributes; read before anything is changed, and
//! given back on release.

use super::names::Bytes;
use crate::error::Error;
use rustix::fs::{Gid, Mode, Timespec, Timestamps, Uid, fchmod, fchown, futimens};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::MetadataExt;

/// What a file is besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Permissions, set-user-ID and the like included.
    mode: u32,
    owner: u32,
    group: u32,
    accessed: Time,
    modified: Time,
    /// `user.coredump.*` and the rest of `user.*`, and access control lists.
    xattrs: Vec<Attribute>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attribute {
    name: Bytes,
    value: Bytes,
}

impl Facts {
    /// Those of `file`.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn of(file: &File) -> Result<Self, Error> {
        let read = |cause| Error::io("read", cause);
        let metadata = file.metadata().map_err(read)?;
        let mut attributes = Vec::new();
        for name in xattrs::names(file).map_err(|error| read(error.into()))? {
            // One that went meanwhile, or may not be read, is none.
            if let (true, Ok(value)) = (is_kept(&name), xattrs::value(file, &name)) {
                attributes.push(Attribute {
                    name: Bytes::of(&name),
                    value: Bytes::of(&value),
                });
            }
        }
        attributes.sort_by_key(|attribute| attribute.name.bytes());
        Ok(Self {
            mode: metadata.mode() & 0o7777,
            owner: metadata.uid(),
            group: metadata.gid(),
            accessed: Time {
                seconds: metadata.atime(),
                nanoseconds: metadata.atime_nsec(),
            },
            modified: Time {
                seconds: metadata.mtime(),
                nanoseconds: metadata.mtime_nsec(),
            },
            xattrs: attributes,
        })
    }

    /// Gives `file` these. Returns what could not be given, in words: the owner, where the gate is not privileged,
    /// and attributes that the file system there does not have.
    ///
    /// # Errors
    /// When mode or times cannot be set.
    pub fn give(&self, file: &File) -> Result<Vec<String>, Error> {
        let mut lost = Vec::new();
        let failed = |error: Errno| Error::io("restore mode and times", error.into());
        let metadata = file.metadata().map_err(|cause| Error::io("read", cause))?;
        let mut mode = self.mode;
        if (metadata.uid(), metadata.gid()) != (self.owner, self.group) {
            let owner = Uid::from_raw(self.owner);
            let group = Gid::from_raw(self.group);
            if fchown(file, Some(owner), Some(group)).is_err() {
                lost.push(format!("owner {}:{}", self.owner, self.group));
                // With these bits a program of somebody else would run as us.
                mode &= 0o777;
            }
        }
        if metadata.mode() & 0o7777 != mode || !lost.is_empty() {
            #[allow(clippy::useless_conversion)] // other systems have narrower modes
            let mode = Mode::from_raw_mode(mode.try_into().unwrap_or(0o600));
            fchmod(file, mode).map_err(failed)?;
        }
        for attribute in &self.xattrs {
            let (Some(name), Some(value)) = (attribute.name.bytes(), attribute.value.bytes())
            else {
                continue;
            };
            let is_there = xattrs::value(file, &name).is_ok_and(|present| present == value);
            if !is_there && xattrs::set(file, &name, &value).is_err() {
                lost.push(format!("attribute {}", String::from_utf8_lossy(&name)));
            }
        }
        let time = |time: &Time| Timespec {
            tv_sec: time.seconds,
            #[allow(clippy::useless_conversion)] // other systems have narrower ones
            tv_nsec: time.nanoseconds.try_into().unwrap_or(0),
        };
        let times = Timestamps {
            last_access: time(&self.accessed),
            last_modification: time(&self.modified),
        };
        futimens(file, &times).map_err(failed)?;
        Ok(lost)
    }
}

/// Shuts `file` to everybody but us. Who has it open already can go on reading.
///
/// # Errors
/// When the mode cannot be changed.
pub fn shut(file: &File) -> Result<(), Error> {
    let failed = |error: Errno| Error::io("take all rights from", error.into());
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    // A gate without privileges has to leave it to its owner; the directory is shut to him.
    _ = fchown(file, Some(user), Some(group));
    xattrs::remove(file, b"system.posix_acl_access");
    fchmod(file, Mode::RUSR | Mode::WUSR).map_err(failed)
}

/// Labels of the system's own (`security.*`, `trusted.*`) are for the system to give, where the file is now.
fn is_kept(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name == b"system.posix_acl_access"
}

#[cfg(any(target_vendor = "apple", target_os = "linux", target_os = "android"))]
mod xattrs {
    use rustix::fs::{
        XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fremovexattr,
        fsetxattr,
    };
    use rustix::io::Errno;
    use std::fs::File;

    pub fn names(file: &File) -> Result<Vec<Vec<u8>>, Errno> {
        let list = match filled(|| flistxattr_query(file), |list| flistxattr(file, list)) {
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            list => list?,
        };
        let names = list
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty());
        Ok(names.map(<[u8]>::to_vec).collect())
    }

    pub fn value(file: &File, name: &[u8]) -> Result<Vec<u8>, Errno> {
        filled(
            || fgetxattr_query(file, name),
            |value| fgetxattr(file, name, value),
        )
    }

    pub fn set(file: &File, name: &[u8], value: &[u8]) -> Result<(), Errno> {
        fsetxattr(file, name, value, XattrFlags::empty())
    }

    pub fn remove(file: &File, name: &[u8]) {
        // Where there is none there is nothing to remove.
        _ = fremovexattr(file, name);
    }

    /// What `fill` gives, which has the size that `size` says; it may grow meanwhile.
    fn filled(
        size: impl Fn() -> Result<usize, Errno>,
        mut fill: impl FnMut(&mut [u8]) -> Result<usize, Errno>,
    ) -> Result<Vec<u8>, Errno> {
        for _ in 0..TRIES {
            let mut bytes = vec![0; size()?];
            if bytes.is_empty() {
                return Ok(bytes);
            }
            match fill(&mut bytes) {
                Ok(filled) => {
                    bytes.truncate(filled);
                    return Ok(bytes);
                }
                Err(Errno::RANGE) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::RANGE)
    }

    const TRIES: usize = 8;
}

#[cfg(not(any(target_vendor = "apple", target_os = "linux", target_os = "android")))]
mod xattrs {
    use rustix::io::Errno;
    use std::fs::File;

    pub fn names(_: &File) -> Result<Vec<Vec<u8>>, Errno> {
        Ok(Vec::new())
    }

    pub fn value(_: &File, _: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::OPNOTSUPP)
    }

    pub fn set(_: &File, _: &[u8], _: &[u8]) -> Result<(), Errno> {
        Err(Errno::OPNOTSUPP)
    }

    pub fn remove(_: &File, _: &[u8]) {}
}
