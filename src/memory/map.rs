//! The map of a dump: regions that tile the file, made from whatever labels a reader gave.

use super::nest::innermost;
use super::owner::Owners;
use super::region::{Label, Region, RegionKind};
use crate::error::Error;
use crate::finding::{Owner, OwnerKind, Piece};
use std::cmp::Reverse;
use std::ops::Range;

/// What a reader says about a dump.
#[derive(Debug)]
pub struct Dump {
    /// The bytes and their labels.
    pub map: MemoryMap,
    /// The machine and system the process ran on.
    pub platform: Platform,
    /// The process.
    pub process: Process,
    /// Bytes of process memory that were left out by design.
    pub not_dumped: u64,
    /// Behind the last byte any table of the dump speaks of.
    pub declared_end: u64,
    /// What is not as the format demands, the first of each kind. Costs labels, never bytes.
    pub faults: Vec<Error>,
    /// Tables had more entries than are labelled.
    pub is_cut: bool,
}

/// Processor and system, as far as the dump says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// As `x86-64`; empty if unknown.
    pub processor: String,
    /// As `Windows 10.0.19045`; empty if unknown.
    pub system: String,
}

impl Platform {
    /// Bytes of a pointer: 8, or 4 where the processor is known to have 32 bits.
    pub fn pointer_bytes(&self) -> usize {
        const SHORT: [&str; 7] = [
            "x86",
            "x86 on x86-64",
            "arm",
            "mips",
            "ppc",
            "riscv32",
            "sparc",
        ];
        if SHORT.contains(&self.processor.as_str()) {
            4
        } else {
            8
        }
    }
}

/// The dumped process, as far as the dump says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// The process' number.
    pub id: Option<u64>,
    /// Name of the program. Hostile text.
    pub name: Option<String>,
}

/// Regions from the first byte of the file to the last, without gap or overlap, and their owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMap {
    regions: Vec<Region>,
    names: Vec<String>,
    owners: Owners,
}

impl MemoryMap {
    /// Tiles a file of `length` bytes: labels are clipped to the file, sorted, freed of overlaps (a byte
    /// keeps the label that starts last before it; of two that start together the more specific, the
    /// shorter) and gaps between them are filled.
    pub fn tile(length: u64, mut labels: Vec<Label>, names: Vec<String>, owners: Owners) -> Self {
        labels.retain_mut(|label| {
            label.end = label.end.min(length);
            label.start < label.end
        });
        labels.sort_by_key(|label| (label.start, Reverse((label.end, label.kind, label.va))));
        let parts = innermost(labels.iter().map(|label| label.start..label.end));
        let mut regions: Vec<Region> = Vec::with_capacity(parts.len() + 1);
        let gap = |start, end| Region {
            start,
            end,
            kind: RegionKind::Gap,
            va: None,
            name: 0,
        };
        let mut at = 0;
        for part in parts {
            let Some(label) = labels.get(part.index) else {
                continue;
            };
            let (start, end) = (part.range.start, part.range.end);
            if start > at {
                push(&mut regions, gap(at, start));
            }
            let va = label.va.and_then(|va| va.checked_add(start - label.start));
            push(
                &mut regions,
                Region {
                    start,
                    end,
                    kind: label.kind,
                    va,
                    name: label.name,
                },
            );
            at = end;
        }
        if at < length {
            push(&mut regions, gap(at, length));
        }
        Self {
            regions,
            names,
            owners,
        }
    }

    /// A file of `length` bytes that is no dump.
    pub fn raw(length: u64) -> Self {
        let label = Label::other(0, length, RegionKind::Raw, 0);
        Self::tile(length, vec![label], Vec::new(), Owners::default())
    }

    /// The regions in file order.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Threads, modules and heaps.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// The name of a stream region; hostile text where it comes from the dump.
    pub fn name(&self, region: &Region) -> &str {
        let named = matches!(region.kind, RegionKind::Stream | RegionKind::Header);
        let name = usize::try_from(region.name)
            .ok()
            .and_then(|index| self.names.get(index));
        name.filter(|_| named).map_or("", String::as_str)
    }

    /// The region that holds the byte at file offset `offset`.
    pub fn region_at(&self, offset: u64) -> Option<&Region> {
        let behind = self
            .regions
            .partition_point(|region| region.start <= offset);
        self.regions
            .get(behind.checked_sub(1)?)
            .filter(|region| offset < region.end)
    }

    /// A range of file offsets as pieces: one where addresses run through or there are none, several
    /// where the memory was not contiguous.
    pub fn pieces(&self, range: Range<u64>) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut offset = range.start;
        while let Some(region) = self.region_at(offset).filter(|_| offset < range.end) {
            let length = region.end.min(range.end) - offset;
            let va = region.va_at(offset);
            match pieces.last_mut() {
                Some(last) if va == last.va.and_then(|va| va.checked_add(last.length)) => {
                    last.length += length
                }
                _ => pieces.push(Piece { offset, length, va }),
            }
            offset += length;
        }
        pieces
    }

    /// Who owns a piece.
    pub fn owner(&self, piece: &Piece) -> Owner {
        if let Some(va) = piece.va {
            return self.owners.of(va);
        }
        let region = self.region_at(piece.offset);
        let kind = match region.map(|region| region.kind) {
            Some(RegionKind::Header) => OwnerKind::Header,
            Some(RegionKind::Stream) => OwnerKind::Stream,
            Some(RegionKind::Raw) => OwnerKind::Raw,
            Some(RegionKind::Memory) => OwnerKind::Private,
            Some(RegionKind::Gap) | None => OwnerKind::Gap,
        };
        Owner {
            kind,
            name: region.map_or("", |region| self.name(region)).to_owned(),
        }
    }
}

/// Appends a region; one that continues the last in every respect extends it.
fn push(regions: &mut Vec<Region>, region: Region) {
    match regions.last_mut() {
        Some(last)
            if last.kind == region.kind
                && last.name == region.name
                && last.va.is_some() == region.va.is_some()
                && last.va_end() == region.va
                && region.kind == RegionKind::Memory =>
        {
            last.end = region.end;
        }
        _ => regions.push(region),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels() -> impl Strategy<Value = Vec<Label>> {
        let number = prop_oneof![0..200u64, Just(u64::MAX), Just(u64::MAX - 5), any::<u64>()];
        let label = (
            number.clone(),
            number.clone(),
            proptest::option::of(number),
            0..3u32,
        )
            .prop_map(|(offset, length, va, name)| match va {
                Some(va) => Label::memory(offset, length, va),
                None => Label::other(offset, length, RegionKind::Stream, name),
            });
        proptest::collection::vec(label, 0..20)
    }

    proptest! {
        #[test]
        fn regions_tile_the_file_whatever_the_labels(length in 0..150u64, labels in labels()) {
            let map = MemoryMap::tile(length, labels, Vec::new(), Owners::default());
            let mut at = 0;
            for region in map.regions() {
                prop_assert_eq!(region.start, at);
                prop_assert!(region.end > region.start);
                at = region.end;
            }
            prop_assert_eq!(at, length);
            for offset in 0..length {
                let region = map.region_at(offset).unwrap();
                prop_assert!(region.range().contains(&offset));
            }
            prop_assert!(map.region_at(length).is_none());
        }

        #[test]
        fn pieces_cover_their_range(length in 1..150u64, labels in labels(), a in 0..150u64, b in 0..150u64) {
            let map = MemoryMap::tile(length, labels, Vec::new(), Owners::default());
            let range = a.min(b).min(length)..a.max(b).min(length);
            let pieces = map.pieces(range.clone());
            let mut at = range.start;
            for piece in &pieces {
                prop_assert_eq!(piece.offset, at);
                at += piece.length;
            }
            prop_assert_eq!(at, range.end);
        }
    }

    #[test]
    fn what_starts_last_has_its_bytes_and_addresses_follow() {
        let labels = vec![
            Label::memory(10, 20, 0x1000),
            Label::memory(20, 20, 0x9000),
            Label::other(15, 2, RegionKind::Stream, 7),
        ];
        let map = MemoryMap::tile(50, labels, Vec::new(), Owners::default());
        let seen: Vec<_> = map
            .regions()
            .iter()
            .map(|r| (r.start, r.end, r.kind, r.va))
            .collect();
        assert_eq!(
            seen,
            [
                (0, 10, RegionKind::Gap, None),
                (10, 15, RegionKind::Memory, Some(0x1000)),
                (15, 17, RegionKind::Stream, None),
                (17, 20, RegionKind::Memory, Some(0x1007)),
                (20, 40, RegionKind::Memory, Some(0x9000)),
                (40, 50, RegionKind::Gap, None),
            ]
        );
        assert_eq!(
            map.pieces(18..22),
            [
                Piece {
                    offset: 18,
                    length: 2,
                    va: Some(0x1008)
                },
                Piece {
                    offset: 20,
                    length: 2,
                    va: Some(0x9000)
                }
            ]
        );
    }

    #[test]
    fn a_lie_over_the_whole_file_costs_only_the_gaps() {
        let lie = Label::memory(1, u64::MAX, 0x6666_0000);
        let labels = vec![
            Label::memory(10, 10, 0x1000),
            lie,
            Label::memory(30, 10, 0x2000),
        ];
        let map = MemoryMap::tile(50, labels, Vec::new(), Owners::default());
        let seen: Vec<_> = map.regions().iter().map(|r| (r.start, r.va)).collect();
        let lies = [
            (1, Some(0x6666_0000)),
            (20, Some(0x6666_0013)),
            (40, Some(0x6666_0027)),
        ];
        assert_eq!(
            seen,
            [
                (0, None),
                lies[0],
                (10, Some(0x1000)),
                lies[1],
                (30, Some(0x2000)),
                lies[2]
            ]
        );
    }
}
