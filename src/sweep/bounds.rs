//! Does a number go on in what stands beside it?

use std::ops::Range;

/// Whether the window of `bytes` does not go on in its surroundings: what stands directly before it or behind it is
/// no part of random bytes (zeros, small numbers, addresses), or the head of an OCTET STRING. Of windows inside random
/// bytes one in 10^4 passes.
pub fn is_bounded(bytes: &[u8], window: Range<usize>) -> bool {
    let bounds = Bounds::of(bytes, window);
    bounds.before || bounds.behind || bounds.is_string
}

/// The same at both ends.
pub fn is_enclosed(bytes: &[u8], window: Range<usize>) -> bool {
    let bounds = Bounds::of(bytes, window);
    (bounds.before && bounds.behind) || bounds.is_string
}

/// Where what stands beside a window is no part of random bytes.
struct Bounds {
    before: bool,
    behind: bool,
    /// The head of an OCTET STRING of its length stands before it.
    is_string: bool,
}

impl Bounds {
    #[inline]
    fn of(bytes: &[u8], window: Range<usize>) -> Self {
        let is_quiet = |four: Option<&[u8]>| {
            four.is_none_or(|four| four.iter().filter(|byte| matches!(byte, 0 | 0xff)).count() >= 3)
        };
        let two = |from: usize| bytes.get(from..from + 2).is_some_and(|two| two != [0, 0]);
        let before = bytes.get(window.start.saturating_sub(4)..window.start);
        let behind = bytes.get(window.end..window.end + 4);
        // An address has zeros on top.
        let is_after_word = matches!(before, Some([.., 0, 0] | [.., 0xff, 0xff]));
        let is_before_word = bytes.get(window.end + 6..window.end + 8) == Some(&[0, 0]);
        Self {
            before: (is_after_word || is_quiet(before)) && two(window.start),
            behind: (is_before_word || is_quiet(behind)) && two(window.end.saturating_sub(2)),
            is_string: matches!(before, Some([.., 4, length]) if usize::from(*length) == window.len()),
        }
    }
}
