//! Labels as hostile tables give them, and what must hold of the regions and windows made from them.

use dumpgate::memory::{Label, MemoryMap, Module, Owners, Region, RegionKind, Segment, Thread, Window, windows};

/// Whether numbers are small, the length of the file, how far windows reach, and for each label its
/// kind, offset, length and address.
pub type Input = (bool, u64, u16, Vec<(u8, u64, u64, u64)>);

/// Tiles a file by these labels and puts its memory together.
pub fn tile_and_stitch((is_small, length, reach, labels): Input) {
    let number = |number: u64| if is_small { number % SMALL } else { number };
    let length = number(length);
    let mut threads = Vec::new();
    let mut modules = Vec::new();
    let mut heaps = Vec::new();
    let mut tiles = Vec::new();
    for (kind, offset, size, va) in labels {
        let (offset, size, va) = (number(offset), number(size), number(va));
        let addresses = va..va.saturating_add(size);
        match kind % 8 {
            0 => threads.push(Thread { id: offset, name: None, stack: Some(addresses) }),
            1 => modules.push(Module { addresses, base: offset, name: String::new() }),
            2 => heaps.push(addresses),
            3 => tiles.push(Label::other(offset, size, RegionKind::Stream, kind.into())),
            4 => tiles.push(Label::other(offset, size, RegionKind::Header, kind.into())),
            _ => tiles.push(Label::memory(offset, size, va)),
        }
    }
    let map = MemoryMap::tile(length, tiles, vec![String::new()], Owners::new(threads, modules, heaps));
    check_tiles(&map, length);
    for piece in map.pieces(0..length) {
        map.owner(&piece);
    }
    let windows = windows(map.regions(), u64::from(reach).max(1));
    check_windows(map.regions(), &windows);
    if is_small {
        check_seams(map.regions(), &windows);
    }
}

/// Regions go from the first byte to the last without gap or overlap, and pieces of the file too.
pub fn check_tiles(map: &MemoryMap, length: u64) {
    let mut at = 0;
    for region in map.regions() {
        assert_eq!(region.start, at, "a gap or an overlap");
        assert!(region.start < region.end, "an empty region");
        assert_eq!(map.region_at(region.start), Some(region));
        assert_eq!(map.region_at(region.end - 1), Some(region));
        map.name(region);
        at = region.end;
    }
    assert_eq!(at, length, "bytes without a region");
    assert_eq!(map.region_at(length), None);
    let pieces = map.pieces(0..length);
    let end = pieces.iter().fold(0, |at, piece| {
        assert_eq!(piece.offset, at, "a gap or an overlap");
        assert!(piece.length > 0, "an empty piece");
        at + piece.length
    });
    assert_eq!(end, length, "bytes without a piece");
}

/// Segments follow by address without a gap, and each lies in the region it says.
pub fn check_windows(regions: &[Region], windows: &[Window]) {
    for window in windows {
        assert!(window.len() >= 2, "a window without a seam");
        for pair in window.windows(2) {
            assert_eq!(pair[0].va + pair[0].length, pair[1].va, "a window with a gap");
        }
        for segment in window {
            let behind = regions.partition_point(|region| region.start <= segment.offset);
            let region = behind.checked_sub(1).and_then(|index| regions.get(index)).expect("a region");
            assert!(segment.length > 0 && segment.offset + segment.length <= region.end, "{segment:?} {region:?}");
            assert_eq!(region.va_at(segment.offset), Some(segment.va));
        }
    }
}

/// The plain version: where neighbours by address lie apart in the file, some window holds both. Of several
/// regions with the same address, the first by address owns it in one view and the last in the other.
fn check_seams(regions: &[Region], windows: &[Window]) {
    let mut memory: Vec<&Region> = regions.iter().filter(|region| region.kind == RegionKind::Memory).collect();
    memory.sort_by_key(|region| (region.va, region.start));
    let offset = |region: &&Region, va: u64| {
        let inside = va.checked_sub(region.va?)?;
        (inside < region.len()).then_some(region.start + inside)
    };
    let first = |va: u64| memory.iter().find_map(|region| offset(region, va));
    let last = |va: u64| memory.iter().rev().find_map(|region| offset(region, va));
    for va in 1..2 * SMALL {
        for pair in [first(va - 1).zip(first(va)), last(va - 1).zip(last(va))] {
            let Some((left, right)) = pair.filter(|(left, right)| left + 1 != *right) else { continue };
            let is_seen = windows.iter().any(|window| holds(window, va - 1, left) && holds(window, va, right));
            assert!(is_seen, "no window holds the seam at address {va} between offsets {left} and {right}");
        }
    }
}

fn holds(window: &[Segment], va: u64, offset: u64) -> bool {
    let inside = |segment: &Segment| va.checked_sub(segment.va).filter(|inside| *inside < segment.length);
    window.iter().any(|segment| inside(segment).is_some_and(|inside| segment.offset + inside == offset))
}

/// Behind the largest of the small numbers.
const SMALL: u64 = 96;
