//! Fields of binary formats, read one after the other; what a field is, each format says.

use crate::bytes;

/// A reader of fields.
#[derive(Clone, Copy)]
pub struct Fields<'d> {
    data: &'d [u8],
    at: usize,
}

impl<'d> Fields<'d> {
    /// A reader at the start of `data`.
    pub fn new(data: &'d [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.data.len()
    }

    /// What is not read yet.
    pub fn rest(&self) -> &'d [u8] {
        self.data.get(self.at..).unwrap_or_default()
    }

    /// The next `length` bytes; nothing is read when they are not all there.
    pub fn take(&mut self, length: usize) -> Option<&'d [u8]> {
        let taken = bytes::slice(self.data, self.at, length)?;
        self.at += length;
        Some(taken)
    }

    /// A big-endian number of four bytes.
    pub fn number(&mut self) -> Option<u32> {
        bytes::u32_be(self.take(4)?, 0)
    }

    /// Exactly these bytes.
    pub fn literal(&mut self, literal: &[u8]) -> Option<()> {
        (self.take(literal.len())? == literal).then_some(())
    }
}
