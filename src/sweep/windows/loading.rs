//! The number in a window.

use crate::sweep::codec::{Codec, Digit, Order};

/// As [`Codec::decode`], a limb at a time where bytes are whole.
pub(super) fn load(codec: &Codec, bytes: &[u8], limbs: &mut [u64]) -> Option<()> {
    let Digit::Whole(size) = codec.digit() else {
        return codec.decode(bytes, limbs);
    };
    if bytes.len().div_ceil(8) > limbs.len() {
        return codec.decode(bytes, limbs);
    }
    let used = bytes.len().div_ceil(8);
    limbs.iter_mut().skip(used).for_each(|limb| *limb = 0);
    let whole = |chunk: &[u8]| {
        chunk
            .first_chunk()
            .map_or_else(|| partial(chunk), |word| u64::from_le_bytes(*word))
    };
    match (codec.order(), size) {
        (Order::Least, _) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks(8)) {
                *limb = whole(chunk);
            }
        }
        (Order::Most, 1) if bytes.len().is_multiple_of(8) => {
            for (limb, word) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0.iter().rev()) {
                *limb = u64::from_be_bytes(*word);
            }
        }
        (Order::Most, 1) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
                *limb = match chunk.first_chunk() {
                    Some(word) => u64::from_be_bytes(*word),
                    None => chunk
                        .iter()
                        .fold(0, |limb, byte| limb << 8 | u64::from(*byte)),
                };
            }
        }
        (Order::Most, 4) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
                *limb = match chunk.len() {
                    8 => whole(chunk).rotate_left(32),
                    _ => whole(chunk),
                };
            }
        }
        (Order::Most, _) => {
            for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
                *limb = whole(chunk);
            }
        }
    }
    Some(())
}

fn partial(chunk: &[u8]) -> u64 {
    chunk
        .iter()
        .rev()
        .fold(0, |limb, byte| limb << 8 | u64::from(*byte))
}
