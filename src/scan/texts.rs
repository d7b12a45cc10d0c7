//! Long runs of base64 characters, found by samples: one every 512 bytes, so that a run of fifteen lines
//! holds at least one.

use std::ops::Range;

/// Calls `take` once for every run of base64 characters and line breaks that holds a sample place in
/// `starts`: with the first such place, and whether the characters are two bytes wide. For wide ones the
/// place is that of a byte that is not zero.
pub fn each(data: &[u8], starts: Range<usize>, mut take: impl FnMut(usize, bool)) {
    let first = starts.start.next_multiple_of(STEP);
    for at in (first..starts.end).step_by(STEP) {
        let Some((place, width)) = sample(data, at) else {
            continue;
        };
        let before = at.checked_sub(STEP).and_then(|before| sample(data, before));
        let goes_on = before
            .is_some_and(|(start, other)| other == width && is_text(data, start..place, width));
        if !goes_on {
            take(place, width == 2);
        }
    }
}

/// The place of the first character of a run at `at`, and the bytes a character has.
fn sample(data: &[u8], at: usize) -> Option<(usize, usize)> {
    if is_text(data, at..at + SAMPLE, 1) {
        return Some((at, 1));
    }
    let wide = at + usize::from(data.get(at) == Some(&0));
    is_text(data, wide..wide + 2 * SAMPLE, 2).then_some((wide, 2))
}

/// Whether every `width`th byte of `range` is a character of such a run and the bytes between are zero.
fn is_text(data: &[u8], range: Range<usize>, width: usize) -> bool {
    data.get(range).is_some_and(|bytes| {
        bytes.chunks(width).all(|character| match character {
            [byte, rest @ ..] => is_character(*byte) && rest.iter().all(|&byte| byte == 0),
            [] => true,
        })
    })
}

/// Base64, line breaks, and the backslash of line breaks in other texts.
fn is_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\r' | b'\n' | b'\\')
}

/// Bytes between samples: fifteen lines of 64 characters and a break have 975.
const STEP: usize = 512;

/// Characters of a sample.
const SAMPLE: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(data: &[u8], range: Range<usize>) -> Vec<(usize, bool)> {
        let mut places = Vec::new();
        each(data, range, |at, is_wide| places.push((at, is_wide)));
        places
    }

    proptest! {
        #[test]
        fn a_long_run_is_met_once(before in 0..3000usize, length in 960..5000usize, wide in any::<bool>(), cut in 0..9000usize) {
            let run: Vec<u8> = if wide { [b'Q', 0].repeat(length) } else { vec![b'Q'; length] };
            let data = [vec![1; before], run, vec![1; 700]].concat();
            let cut = cut.min(data.len());
            let mut found = places(&data, 0..cut);
            found.extend(places(&data, cut..data.len()));
            prop_assert_eq!(found.len(), 1);
            prop_assert!(found[0].1 == wide && data[found[0].0] == b'Q');
        }
    }

    #[test]
    fn a_wide_run_at_an_odd_place_is_met_by_its_first_whole_sample() {
        let data = [vec![1; 513], [b'Q', 0].repeat(960), vec![1; 700]].concat();
        assert_eq!(places(&data, 0..data.len()), [(1025, true)]);
    }

    #[test]
    fn other_bytes_are_none() {
        assert!(places(&[0; 4096], 0..4096).is_empty());
        assert!(
            places(
                &b"These are words, no lines of base64. ".repeat(100),
                0..3700
            )
            .is_empty()
        );
    }
}
