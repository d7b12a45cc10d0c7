//! Dumps that are cut or lie: no panic, no allocation by a length that nobody checked, no quadratic time.

use crate::core::{Core, RW};
use crate::mdmp::Writer;
use crate::minidumps::of_all_lists;
use crate::{cores, memory, read};
use dumpgate::dump::sniff;
use dumpgate::memory::RegionKind;

const LIES: [u32; 5] = [0, 1, 0xffff_ffff, 0x7fff_fff0, 0x1000_0000];

#[test]
fn every_cut_of_a_minidump_is_read_and_told() {
    for big in [false, true] {
        let data = of_all_lists(big, false).finish();
        for length in 4..data.len() {
            let dump = read(&data[..length]);
            assert!(
                dump.declared_end > length as u64,
                "cut at {length} of {}",
                data.len()
            );
            assert!(!dump.faults.is_empty(), "cut at {length}");
        }
    }
}

#[test]
fn every_cut_of_a_core_is_read_and_told() {
    for (is_64, big) in [(true, false), (false, true)] {
        let mut core = cores::sample(if is_64 { 62 } else { 20 }, is_64, big, 1, 4);
        core.loads.retain(|load| !load.1.is_empty());
        let data = core.finish();
        for length in (18..data.len()).step_by(7) {
            assert!(
                read(&data[..length]).declared_end > length as u64,
                "cut at {length} of {}",
                data.len()
            );
        }
    }
}

#[test]
fn no_lie_in_a_minidump_costs_more_than_labels() {
    let data = of_all_lists(false, false).finish();
    for at in 0..data.len() - 4 {
        for lie in LIES {
            let mut bad = data.clone();
            bad[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            read(&bad);
        }
    }
}

#[test]
fn no_lie_in_a_core_costs_more_than_labels() {
    let core = cores::sample(62, true, false, 19, 4);
    let data = core.finish();
    let tables = core.start() + (core.loads.len() + 1) * core.header_size();
    for at in (16..tables).step_by(2) {
        for lie in LIES {
            let mut bad = data.clone();
            bad[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            read(&bad);
        }
    }
    for (at, value) in [
        (32, u64::MAX),
        (32, u64::MAX - 8),
        (40, u64::MAX - 63),
        (40, data.len() as u64 - 1),
    ] {
        let mut bad = data.clone();
        bad[at..at + 8].copy_from_slice(&value.to_le_bytes());
        assert!(
            read(&bad).declared_end > data.len() as u64,
            "{value:#x} at {at}"
        );
    }
}

#[test]
fn a_segment_that_ends_beyond_all_offsets_is_told() {
    let mut core = Core::new(true, false, 62);
    core.load(0x1000, vec![1; 64], RW);
    let data = core.finish();
    let entry = core.start() + core.header_size();
    let lie = core.program_header(1, RW, u64::MAX - 10, 0x1000, (u64::MAX, u64::MAX));
    let mut bad = data.clone();
    bad[entry..entry + lie.len()].copy_from_slice(&lie);
    let dump = read(&bad);
    assert_eq!(dump.declared_end, u64::MAX);
    assert!(memory(&dump).is_empty());
}

#[test]
fn memory_that_ends_beyond_all_addresses_has_none() {
    for (va, is_right) in [(u64::MAX - 0x3f, true), (u64::MAX - 0x3e, false)] {
        let mut core = Core::new(true, false, 62);
        core.load(va, vec![1; 64], RW);
        let dump = read(&core.finish());
        let regions = dump.map.regions().iter();
        let memory = regions.filter(|region| region.kind == RegionKind::Memory);
        let addresses: Vec<Option<u64>> = memory.map(|region| region.va).collect();
        assert_eq!(addresses, [is_right.then_some(va)]);
        assert_eq!(dump.faults.is_empty(), is_right, "{va:#x}");
    }
}

#[test]
fn lists_that_claim_more_than_they_have_are_told() {
    let mut w = Writer::new(false);
    for kind in [3, 4, 5, 8, 24] {
        w.stream(kind, |w| {
            w.u32(u32::MAX).zeros(40);
        });
    }
    w.stream(9, |w| {
        w.u64(u64::MAX).u64(0).u64(0x1000).u64(u64::MAX);
    });
    w.stream(16, |w| {
        w.u32(16).u32(48).u64(u64::MAX);
    });
    w.stream(12, |w| {
        w.u32(16).u32(0).u32(u32::MAX).u32(0);
    });
    let dump = read(&w.finish());
    assert!(
        dump.faults
            .iter()
            .any(|fault| fault.detail().contains("ThreadList of 4294967295 entries"))
    );
    assert_eq!(dump.declared_end, u64::MAX);
}

#[test]
fn one_list_named_by_thousands_of_streams_is_read_a_bounded_number_of_times() {
    let mut data = Writer::new(false).finish();
    let (streams, entries) = (5_000u32, 40_000u32);
    let list_at = 32 + 12 * streams;
    data.resize(list_at as usize, 0);
    data[8..12].copy_from_slice(&streams.to_le_bytes());
    for (index, kind) in [3u32, 4, 5, 9, 24]
        .iter()
        .cycle()
        .take(streams as usize)
        .enumerate()
    {
        let entry = [
            kind.to_le_bytes(),
            (4 + entries * 108).to_le_bytes(),
            list_at.to_le_bytes(),
        ]
        .concat();
        data[32 + 12 * index..44 + 12 * index].copy_from_slice(&entry);
    }
    data.extend(entries.to_le_bytes());
    // As a module each entry has a name of 60,000 bytes.
    let name_at = list_at + 4 + entries * 108;
    for _ in 0..entries * 27 {
        data.extend(name_at.to_le_bytes());
    }
    data.extend(60_000u32.to_le_bytes());
    data.extend(vec![b'A'; 60_000]);
    let dump = read(&data);
    assert!(dump.is_cut);
    let names: usize = dump
        .map
        .owners()
        .modules()
        .iter()
        .map(|module| module.name.len())
        .sum();
    assert!(names <= 16 << 20, "{names} bytes of names");
}

#[test]
fn many_threads_modules_and_segments_are_read_in_time() {
    let many = 150_000u64;
    let mut core = Core::new(true, false, 62);
    let files: Vec<_> = (0..many)
        .map(|index| {
            (
                0x10_0000 + index * 0x2000,
                0x10_1000 + index * 0x2000,
                0,
                "f",
            )
        })
        .collect();
    core.process(1, "f", 4).files(&files);
    for index in 0..many {
        core.thread(index as u32, 19, 0x7f00_0000_0000 + index * 0x2000 + 8);
    }
    core.extended = true;
    for index in 0..many {
        core.load(0x7f00_0000_0000 + index * 0x2000, vec![1; 16], RW);
    }
    let data = core.finish();
    let dump = read(&data);
    assert_eq!(dump.map.owners().threads().len() as u64, many);
    assert!(
        dump.map
            .owners()
            .threads()
            .iter()
            .all(|thread| thread.stack.is_some())
    );

    let mut w = Writer::new(false);
    let name = w.string("t");
    w.stream(3, |w| {
        w.u32(many as u32);
        for id in 0..many {
            w.thread(id as u32, (0, 0, 0), (0, 0));
        }
    });
    w.stream(24, |w| {
        w.u32(many as u32);
        for id in 0..many {
            w.u32(id as u32).u64(u64::from(name));
        }
    });
    let data = w.finish();
    let dump = read(&data);
    assert!(
        dump.map
            .owners()
            .threads()
            .iter()
            .all(|thread| thread.name.as_deref() == Some("t"))
    );
}

#[test]
fn a_long_name_shared_by_thousands_of_modules_is_read_a_bounded_number_of_times() {
    let mut w = Writer::new(false);
    let name = w.string(&"n".repeat(4000));
    let many = 200_000;
    w.stream(4, |w| {
        w.u32(many);
        for index in 0..many {
            w.u64(u64::from(index) << 20)
                .u32(1 << 20)
                .u32(0)
                .u32(0)
                .u32(name)
                .zeros(84);
        }
    });
    let dump = read(&w.finish());
    assert!(!dump.map.owners().modules().is_empty());
}

#[test]
fn notes_named_by_thousands_of_segments_are_read_a_bounded_number_of_times() {
    let mut core = Core::new(true, false, 62);
    core.notes.push(("CORE", 99, vec![0; 4 << 20]));
    for _ in 0..20_000 {
        core.load(0, Vec::new(), RW);
    }
    let mut data = core.finish();
    let (start, size) = (core.start(), core.header_size());
    let note = data[start..start + size].to_vec();
    for index in 1..=core.loads.len() {
        data[start + index * size..][..size].copy_from_slice(&note);
    }
    // Many small notes rather than one large one.
    let notes_at = start + (core.loads.len() + 1) * size;
    let small = [5u32.to_le_bytes(), 0u32.to_le_bytes(), 99u32.to_le_bytes()].concat();
    let small = [&small[..], b"CORE\0\0\0\0"].concat();
    for chunk in data[notes_at..].chunks_exact_mut(small.len()) {
        chunk.copy_from_slice(&small);
    }
    read(&data);
}

#[test]
fn short_files_have_a_reader() {
    for head in [
        &b""[..],
        b"M",
        b"MDM",
        b"MDMP",
        b"PMDM",
        b"\x7fELF",
        b"\x7fELF\x02\x01\x01",
    ] {
        for length in 0..80 {
            let mut data = head.to_vec();
            data.resize(data.len().max(length), 4);
            let _ = sniff(&data).name();
            read(&data);
        }
    }
}
