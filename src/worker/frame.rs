//! Frames: how a message is told from a torn or damaged one.
//!
//! | bytes | |
//! |---|---|
//! | 1 | kind |
//! | 4 | length of the content, little-endian |
//! | 32 | SHA-256 over the digest of the frame before (zeros for the first), kind, length and content |
//! | length | content |
//!
//! Since each digest covers the one before, the digest of a reply's last frame covers the whole reply and all that was
//! said before it: a frame that is lost, doubled, or of another talk is seen.

use sha2::{Digest, Sha256};

/// One message as it arrived whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which message it is.
    pub kind: u8,
    /// What it says.
    pub content: Vec<u8>,
}

/// Bytes arrived that are no frame, or not the one that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn;

/// Makes the frames of one direction.
#[derive(Debug, Default)]
pub struct Writer {
    chain: [u8; 32],
}

impl Writer {
    /// The bytes of the next frame; `None` if `content` is longer than a frame may be.
    pub fn frame(&mut self, kind: u8, content: &[u8]) -> Option<Vec<u8>> {
        let length = u32::try_from(content.len()).ok();
        let length = length.filter(|length| *length <= MAX_CONTENT)?;
        self.chain = digest(&self.chain, kind, length, content);
        let mut bytes = Vec::with_capacity(HEADER + content.len());
        bytes.push(kind);
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.chain);
        bytes.extend(content);
        Some(bytes)
    }
}

/// Finds the frames of one direction in bytes as they arrive.
#[derive(Debug, Default)]
pub struct Reader {
    chain: [u8; 32],
    bytes: Vec<u8>,
    is_torn: bool,
}

impl Reader {
    /// Bytes that arrived behind the earlier ones.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The next frame; `None` if not all of it is there yet.
    ///
    /// # Errors
    /// When the bytes are not the frame that is due; then no later one is.
    pub fn next(&mut self) -> Result<Option<Frame>, Torn> {
        if self.is_torn {
            return Err(Torn);
        }
        let taken = self.take();
        self.is_torn = taken.is_err();
        taken
    }

    /// Whether no part of a frame is there.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.is_torn
    }

    fn take(&mut self) -> Result<Option<Frame>, Torn> {
        let Some((header, rest)) = self.bytes.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [kind, l0, l1, l2, l3, claimed @ ..] = *header;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if length > MAX_CONTENT {
            return Err(Torn);
        }
        let Some(content) = rest.get(..length as usize) else {
            return Ok(None);
        };
        let chain = digest(&self.chain, kind, length, content);
        if chain != claimed {
            return Err(Torn);
        }
        let content = content.to_vec();
        self.chain = chain;
        self.bytes.drain(..HEADER + content.len());
        Ok(Some(Frame { kind, content }))
    }
}

fn digest(chain: &[u8; 32], kind: u8, length: u32, content: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(chain);
    hash.update([kind]);
    hash.update(length.to_le_bytes());
    hash.update(content);
    hash.finalize().into()
}

const HEADER: usize = 1 + 4 + 32;

/// Bytes of a frame's content. The outcome of a dump full of keys is some megabytes; a file of public keys is at most
/// 16 MiB.
const MAX_CONTENT: u32 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All frames in bytes that arrive `step` at a time.
    fn frames(bytes: &[u8], step: usize) -> (Vec<Frame>, bool) {
        let mut reader = Reader::default();
        let mut frames = Vec::new();
        for part in bytes.chunks(step) {
            reader.push(part);
            loop {
                match reader.next() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(Torn) => return (frames, true),
                }
            }
        }
        (frames, false)
    }

    fn said(messages: &[(u8, Vec<u8>)]) -> Vec<Vec<u8>> {
        let mut writer = Writer::default();
        messages
            .iter()
            .map(|(kind, content)| writer.frame(*kind, content).unwrap())
            .collect()
    }

    proptest! {
        #[test]
        fn frames_come_back_however_they_arrive(
            messages in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..90)), 0..6),
            step in 1usize..100,
        ) {
            let bytes = said(&messages).concat();
            let (frames, is_torn) = frames(&bytes, step);
            prop_assert!(!is_torn);
            let frames: Vec<(u8, Vec<u8>)> =
                frames.into_iter().map(|frame| (frame.kind, frame.content)).collect();
            prop_assert_eq!(frames, messages);
        }

        #[test]
        fn arbitrary_bytes_are_no_frame(bytes in prop::collection::vec(any::<u8>(), 0..400), step in 1usize..100) {
            prop_assert_eq!(frames(&bytes, step).0, vec![]);
        }

        #[test]
        fn a_changed_byte_tears_the_frame_it_is_in(
            at in any::<prop::sample::Index>(), change in 1u8..,
        ) {
            let parts = said(&[(1, b"first".to_vec()), (2, b"second".to_vec()), (3, vec![])]);
            let mut bytes = parts.concat();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            let mut whole = 0;
            let mut end = 0;
            for part in &parts {
                end += part.len();
                whole += usize::from(end <= at);
            }
            prop_assert_eq!(frames(&bytes, 7).0.len(), whole);
        }
    }

    #[test]
    fn lost_doubled_and_foreign_frames_are_seen() {
        let ours = said(&[(1, vec![1]), (2, vec![2]), (2, vec![2])]);
        let theirs = said(&[(9, vec![9]), (2, vec![2])]);
        for order in [
            vec![&ours[1]],
            vec![&ours[0], &ours[2]],
            vec![&ours[0], &ours[0]],
            vec![&ours[0], &theirs[1]],
        ] {
            let bytes = order.into_iter().flatten().copied().collect::<Vec<u8>>();
            assert!(frames(&bytes, 1000).1);
        }
    }
}
