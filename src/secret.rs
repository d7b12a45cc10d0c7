//! Bytes that may be key material: borrowed or owned, never printed, wiped when owned.

use std::fmt;
use std::ops::Deref;
use zeroize::Zeroizing;

/// Bytes of the dump that may be part of a private key. `Debug` shows their length only.
#[derive(Clone, Copy)]
pub struct Secret<'d>(&'d [u8]);

impl<'d> Secret<'d> {
    /// Marks `bytes` as secret.
    pub fn new(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves, for arithmetic only.
    pub fn expose(self) -> &'d [u8] {
        self.0
    }
}

/// The bytes of a secret that may be missing: none if it is.
pub fn exposed(secret: Option<Secret<'_>>) -> &[u8] {
    secret.map_or(&[], Secret::expose)
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// An owned buffer of secret bytes, overwritten with zeros when dropped.
///
/// It is made with its final capacity, because a growing vector would leave copies behind.
pub struct SecretBuf {
    bytes: Zeroizing<Vec<u8>>,
    capacity: usize,
}

impl SecretBuf {
    /// An empty buffer that holds up to `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(capacity)),
            capacity,
        }
    }

    /// `length` zero bytes to be filled in place.
    pub fn zeroed(length: usize) -> Self {
        Self {
            bytes: Zeroizing::new(vec![0; length]),
            capacity: length,
        }
    }

    /// Appends `byte` unless the buffer is full; says whether there was room.
    #[must_use]
    pub fn push(&mut self, byte: u8) -> bool {
        let room = self.bytes.len() < self.capacity;
        if room {
            self.bytes.push(byte);
        }
        room
    }

    /// Appends `bytes` unless they do not fit whole; says whether there was room.
    #[must_use]
    pub fn extend(&mut self, bytes: &[u8]) -> bool {
        let room = bytes.len() <= self.capacity - self.bytes.len();
        if room {
            self.bytes.extend_from_slice(bytes);
        }
        room
    }

    /// Forgets all but the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        if let Some(tail) = self.bytes.get_mut(length..) {
            tail.fill(0);
        }
        self.bytes.truncate(length);
    }

    /// Empties the buffer, overwriting what was in it; keeps its capacity.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// The bytes for writing.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Deref for SecretBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for SecretBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBuf({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_length_only() {
        assert_eq!(format!("{:?}", Secret::new(b"abc")), "Secret(3 bytes)");
        let mut buffer = SecretBuf::with_capacity(3);
        assert!(buffer.extend(b"abc"));
        assert_eq!(format!("{buffer:?}"), "SecretBuf(3 bytes)");
    }

    #[test]
    fn the_buffer_never_grows_beyond_its_capacity() {
        let mut buffer = SecretBuf::with_capacity(2);
        let place = buffer.bytes.as_ptr();
        assert!(buffer.push(1));
        assert!(!buffer.extend(&[2, 3]));
        assert!(buffer.push(2));
        assert!(!buffer.push(3));
        assert_eq!(&*buffer, &[1, 2]);
        assert_eq!(buffer.bytes.as_ptr(), place);
    }
}
