//! The readers of dumps: what they say of synthetic dumps by independent writers, of dumps that lie, and of real ones.

// Tests may panic.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "dumps/core.rs"]
mod core;
#[path = "dumps/cores.rs"]
mod cores;
#[path = "dumps/lies.rs"]
mod lies;
#[path = "dumps/mdmp.rs"]
mod mdmp;
#[path = "dumps/minidumps.rs"]
mod minidumps;
#[path = "dumps/real.rs"]
mod real;

use dumpgate::dump::sniff;
use dumpgate::finding::{Owner, OwnerKind, Piece};
use dumpgate::memory::{Dump, Region, RegionKind};

/// What the right reader says about `data`, whose regions must tile it.
fn read(data: &[u8]) -> Dump {
    let dump = sniff(data).read(data);
    let mut at = 0;
    for region in dump.map.regions() {
        assert_eq!(region.start, at, "regions tile the file");
        assert!(region.end > region.start);
        at = region.end;
    }
    assert_eq!(at, data.len() as u64, "regions tile the file");
    dump
}

/// The region that holds the first copy of `mark`, and where the mark begins.
fn marked<'m>(dump: &'m Dump, data: &[u8], mark: &[u8]) -> (&'m Region, u64) {
    let at = data
        .windows(mark.len())
        .position(|window| window == mark)
        .expect("the mark is in the file") as u64;
    (dump.map.region_at(at).unwrap(), at)
}

/// The owner of the first copy of `mark`.
fn owner(dump: &Dump, data: &[u8], mark: &[u8]) -> Owner {
    let (region, offset) = marked(dump, data, mark);
    dump.map.owner(&Piece {
        offset,
        length: mark.len() as u64,
        va: region.va_at(offset),
    })
}

fn owned(kind: OwnerKind, name: &str) -> Owner {
    Owner {
        kind,
        name: name.to_owned(),
    }
}

/// Addresses and lengths of all memory, in file order.
fn memory(dump: &Dump) -> Vec<(u64, u64)> {
    let memory = dump
        .map
        .regions()
        .iter()
        .filter(|region| region.kind == RegionKind::Memory);
    memory
        .map(|region| (region.va.unwrap(), region.len()))
        .collect()
}
