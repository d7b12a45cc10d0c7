//! Parts of memory put together as it lay, where neighbours by address lie apart in the file.

use super::runs::{Segment, Window};
use crate::finding::Piece;
use crate::secret::SecretBuf;
use std::ops::Range;

/// A block of a window with as much round it as what starts in it may need.
pub struct Part<'w> {
    window: &'w Window,
    /// Bytes of the window in the block with its surroundings.
    whole: Range<u64>,
    /// Bytes of the window whose anchors the block owns.
    block: Range<u64>,
}

impl<'w> Part<'w> {
    /// The bytes `block` of `window`, which has `length` bytes, with up to `reach` bytes on both sides.
    pub fn new(window: &'w Window, length: u64, block: Range<u64>, reach: u64) -> Self {
        let whole = block.start.saturating_sub(reach)..block.end.saturating_add(reach).min(length);
        Self {
            window,
            whole,
            block,
        }
    }

    /// The owned bytes, as offsets into the assembled memory.
    pub fn own(&self) -> Range<usize> {
        let offset = |at: u64| (at - self.whole.start) as usize;
        offset(self.block.start)..offset(self.block.end)
    }

    /// Address of the first byte of the assembled memory.
    pub fn address(&self) -> u64 {
        self.window.first().map_or(0, |segment| segment.va) + self.whole.start
    }

    /// The memory as it lay.
    pub fn assemble(&self, data: &[u8]) -> SecretBuf {
        let mut memory = SecretBuf::with_capacity((self.whole.end - self.whole.start) as usize);
        for piece in self.pieces(0..(self.whole.end - self.whole.start) as usize) {
            let start = piece.offset as usize;
            let bytes = data
                .get(start..start + piece.length as usize)
                .unwrap_or_default();
            let fits = memory.extend(bytes);
            debug_assert!(fits && bytes.len() as u64 == piece.length);
        }
        memory
    }

    /// Bytes of the assembled memory as pieces of the file.
    pub fn pieces(&self, range: Range<usize>) -> Vec<Piece> {
        let address = |at: usize| self.address() + at as u64;
        let wanted = address(range.start)..address(range.end);
        let start = self
            .window
            .partition_point(|segment| segment.va + segment.length <= wanted.start);
        let mut pieces: Vec<Piece> = Vec::new();
        for segment in self
            .window
            .iter()
            .skip(start)
            .take_while(|segment| segment.va < wanted.end)
        {
            let inside = wanted.start.max(segment.va)..wanted.end.min(segment.va + segment.length);
            push(
                &mut pieces,
                segment,
                inside.start - segment.va,
                inside.end - inside.start,
            );
        }
        pieces
    }
}

/// Adds bytes of a segment; those that go on in the file as in memory extend the last piece.
fn push(pieces: &mut Vec<Piece>, segment: &Segment, skip: u64, length: u64) {
    let (offset, va) = (segment.offset + skip, segment.va + skip);
    match pieces.last_mut() {
        Some(last) if last.offset + last.length == offset => last.length += length,
        _ => pieces.push(Piece {
            offset,
            length,
            va: Some(va),
        }),
    }
}

/// Bytes in a window.
pub fn length(window: &Window) -> u64 {
    window.iter().map(|segment| segment.length).sum()
}
