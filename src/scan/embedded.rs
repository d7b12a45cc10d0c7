//! Containers inside a dump: named, not opened. What is packed there is no memory of the process as it lay.
//!
//! Looked for where regions and pages begin, and 16 bytes behind that, where glibc puts a block of its own mapping:
//! a header elsewhere is not told. So it costs one word a page beside the pass over every byte.

use crate::bytes::{array, slice};
use crate::memory::MemoryMap;
use crate::outcome::Note;
use crate::unpack::CONTAINERS;
use rayon::prelude::*;

/// The containers whose headers lie in `data`, a line a format, by the offset of the first.
pub fn find(data: &[u8], map: &MemoryMap) -> Vec<Note> {
    let pages = data
        .par_chunks(STRIDE)
        .enumerate()
        .flat_map_iter(|(index, part)| {
            let start = index * STRIDE;
            (0..part.len())
                .step_by(PAGE)
                .flat_map(move |page| BEHIND.map(|behind| start + page + behind))
                .filter_map(|at| Some((at, kind(data, at)?)))
        });
    let starts = map.regions().iter().map(|region| region.start as usize);
    let mut found: Vec<(usize, &'static str)> = pages.collect();
    let unaligned = starts.filter(|start| start % PAGE != 0);
    found.extend(unaligned.filter_map(|at| Some((at, kind(data, at)?))));
    // The file's own start is judged as a whole.
    found.retain(|&(at, _)| at != 0);
    found.sort_unstable();
    found.dedup();
    let mut notes: Vec<Note> = Vec::new();
    for (at, name) in found {
        let known = notes.iter_mut().find_map(|note| match note {
            Note::EmbeddedContainer { format, count, .. } if *format == name => Some(count),
            _ => None,
        });
        match known {
            Some(count) => *count += 1,
            None => notes.push(Note::EmbeddedContainer {
                format: name,
                offset: at as u64,
                count: 1,
            }),
        }
    }
    notes
}

/// The container whose sound header stands at `at`.
fn kind(data: &[u8], at: usize) -> Option<&'static str> {
    // Every magic begins with one of these, so that a page costs a comparison or two; but for tar's, which stands behind
    // a name.
    let [first, second] = array(data, at)?;
    let is_magic = matches!(
        (first, second),
        (0x1f, 0x8b)
            | (0x28, 0xb5)
            | (0xfd, b'7')
            | (b'B', b'Z')
            | (0x04, 0x22)
            | (b'7', b'z')
            | (b'M', b'S')
            | (b'P', b'K' | b'r')
            | (b'-', b'-')
            | (b'{', b'"' | b'}')
    );
    let is_tar = || first != 0 && slice(data, at + 257, 5) == Some(b"ustar");
    if !is_magic && !is_tar() {
        return None;
    }
    let window = slice(data, at, HEADER).or_else(|| data.get(at..))?;
    CONTAINERS.iter().find_map(|container| {
        let looks_real = container.looks_real?;
        looks_real(window).then_some(container.name)
    })
}

const PAGE: usize = 4096;

/// Where in a page a header is looked for: a mapped file's begins the page, a large block of the heap's comes
/// behind its size.
const BEHIND: [usize; 2] = [0, 16];

/// Bytes that one task takes.
const STRIDE: usize = 64 << 20;

/// Bytes of a header that are looked at.
const HEADER: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_at_pages_and_regions_are_told_once_a_format() {
        let mut data = vec![0; 5 * PAGE];
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a";
        for at in [0, PAGE, 2 * PAGE + 16, 3 * PAGE + 8] {
            data[at..at + zip.len()].copy_from_slice(zip);
        }
        data[4 * PAGE..4 * PAGE + 10].copy_from_slice(b"BZh91AY&SY");
        let notes = find(&data, &MemoryMap::raw(data.len() as u64));
        let note = |format, offset, count| Note::EmbeddedContainer {
            format,
            offset,
            count,
        };
        assert_eq!(
            notes,
            [
                note("zip", PAGE as u64, 2),
                note("bzip2", 4 * PAGE as u64, 1)
            ]
        );
    }

    #[test]
    fn two_right_bytes_are_chance() {
        let mut data = vec![0xff; 3 * PAGE];
        data[PAGE..PAGE + 4].copy_from_slice(b"\x1f\x8b\x08\xff");
        data[2 * PAGE..2 * PAGE + 4].copy_from_slice(b"PK\x03\x04");
        assert_eq!(find(&data, &MemoryMap::raw(data.len() as u64)), []);
    }
}
