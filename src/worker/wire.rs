//! How values travel between parent and worker: numbers little-endian, everything else behind its length.
//!
//! What arrives is hostile, since the worker has read a hostile file: a value that is not exactly as written here is
//! `None`, nothing panics, and no length is believed before the bytes are there.

use super::words;
use std::path::PathBuf;
use std::time::Duration;

/// A value that travels.
pub trait Wire: Sized {
    /// Appends it to `out`.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it from the front of `input`; `None` when something else stands there.
    fn take(input: &mut Input<'_>) -> Option<Self>;
}

/// Bytes that are still to be read.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `count` bytes.
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// Bytes behind a length of theirs.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let count = u32::take(self)?;
        self.bytes(usize::try_from(count).ok()?)
    }
}

/// The value that `bytes` are, all of them.
pub fn read<T: Wire>(bytes: &[u8]) -> Option<T> {
    let mut input = Input::new(bytes);
    let value = T::take(&mut input)?;
    input.0.is_empty().then_some(value)
}

/// The bytes of a value.
pub fn written<T: Wire>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.put(&mut out);
    out
}

/// Appends the number of elements or bytes; one that no frame could hold becomes one that nobody believes.
fn put_count(count: usize, out: &mut Vec<u8>) {
    u32::try_from(count).unwrap_or(u32::MAX).put(out);
}

impl Wire for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array().map(|[byte]| byte)
    }
}

impl Wire for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array().map(Self::from_le_bytes)
    }
}

impl Wire for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array().map(Self::from_le_bytes)
    }
}

impl Wire for i32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array().map(Self::from_le_bytes)
    }
}

impl Wire for usize {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Self::try_from(u64::take(input)?).ok()
    }
}

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        match u8::take(input)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for [u8; 32] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        input.array()
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let text = std::str::from_utf8(input.counted()?).ok()?;
        Some(text.to_owned())
    }
}

/// One of the program's own words; see [`words::known`].
impl Wire for &'static str {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        words::known(std::str::from_utf8(input.counted()?).ok()?)
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_count(text.len(), out);
    out.extend(text.as_bytes());
}

impl Wire for PathBuf {
    fn put(&self, out: &mut Vec<u8>) {
        let bytes = self.as_os_str().as_encoded_bytes();
        put_count(bytes.len(), out);
        out.extend(bytes);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        use std::os::unix::ffi::OsStrExt;
        Some(Self::from(std::ffi::OsStr::from_bytes(input.counted()?)))
    }
}

impl Wire for Duration {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_secs().put(out);
        self.subsec_nanos().put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let seconds = u64::take(input)?;
        let nanoseconds = u32::take(input)?;
        (nanoseconds < 1_000_000_000).then(|| Self::new(seconds, nanoseconds))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        if bool::take(input)? {
            T::take(input).map(Some)
        } else {
            Some(None)
        }
    }
}

/// Each element takes up at least one byte, so a count larger than what follows ends at the end of the bytes.
impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        for element in self {
            element.put(out);
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let count = u32::take(input)?;
        let mut elements = Self::new();
        for _ in 0..count {
            elements.push(T::take(input)?);
        }
        Some(elements)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some((A::take(input)?, B::take(input)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_come_back_and_no_part_of_them_does(
            value: (Vec<(String, Option<u64>)>, (bool, u32)),
            extra: u8,
        ) {
            let bytes = written(&value);
            for end in 0..bytes.len() {
                let part = read::<(Vec<(String, Option<u64>)>, (bool, u32))>(&bytes[..end]);
                prop_assert_eq!(part, None);
            }
            let mut longer = bytes.clone();
            longer.push(extra);
            prop_assert_eq!(read::<(Vec<(String, Option<u64>)>, (bool, u32))>(&longer), None);
            prop_assert_eq!(read(&bytes), Some(value));
        }
    }

    #[test]
    fn a_length_is_not_believed() {
        let mut bytes = written(&u32::MAX);
        bytes.extend([1; 100]);
        assert_eq!(read::<Vec<u64>>(&bytes), None);
        assert_eq!(read::<String>(&bytes), None);
        assert_eq!(read::<bool>(&[2]), None);
        assert_eq!(read::<String>(&[1, 0, 0, 0, 0xff]), None);
    }
}
