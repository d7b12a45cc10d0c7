//! Real dumps: our samples, and where `DUMPGATE_CORPUS` names a directory its public dumps too, judged by the
//! `minidump` crate's own account of them.

use crate::{memory, read};
use dumpgate::dump::sniff;
use dumpgate::finding::{OwnerKind, Piece};
use dumpgate::memory::{Dump, RegionKind};
use minidump::format::{MINIDUMP_STREAM_TYPE, MINIDUMP_THREAD};
use minidump::{
    Minidump, MinidumpMemory64List, MinidumpMemoryList, MinidumpModuleList, MinidumpThreadList,
    MinidumpThreadNames, Module as _,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Files below `directory` whose names end so, sorted.
fn files(directory: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            found.extend(files(&entry, endings));
        } else if endings
            .iter()
            .any(|ending| entry.to_string_lossy().ends_with(ending))
        {
            found.push(entry);
        }
    }
    found.sort();
    found
}

fn bytes_of(dump: &Dump, kind: RegionKind) -> u64 {
    dump.map
        .regions()
        .iter()
        .filter(|region| region.kind == kind)
        .map(|region| region.len())
        .sum()
}

/// Bytes of memory with an owner of `kind`, page by page.
fn bytes_owned(dump: &Dump, kind: OwnerKind) -> u64 {
    let pages = dump
        .map
        .regions()
        .iter()
        .filter(|region| region.kind == RegionKind::Memory)
        .flat_map(|region| {
            (region.start..region.end)
                .step_by(4096)
                .map(|offset| (offset, region.va_at(offset)))
        });
    4096 * pages
        .filter(|&(offset, va)| {
            dump.map
                .owner(&Piece {
                    offset,
                    length: 1,
                    va,
                })
                .kind
                == kind
        })
        .count() as u64
}

#[test]
fn samples_have_sane_labels() {
    let samples = files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"),
        &[".core", ".dmp"],
    );
    assert!(samples.len() >= 8, "{samples:?}");
    for path in samples {
        let data = fs::read(&path).unwrap();
        let dump = read(&data);
        let what = path.display();
        assert_eq!(
            sniff(&data).name(),
            if what.to_string().ends_with(".core") {
                "elf-core"
            } else {
                "minidump"
            }
        );
        assert!(
            dump.faults.is_empty() && !dump.is_cut,
            "{what}: {:?}",
            dump.faults
        );
        assert!(dump.declared_end <= data.len() as u64, "{what} is whole");
        assert_eq!(dump.platform.processor, "x86-64", "{what}");
        assert!(
            dump.process.id.is_some_and(|id| id > 0) && dump.process.name.is_some(),
            "{what}"
        );
        let owners = dump.map.owners();
        assert!(!owners.threads().is_empty(), "{what}");
        assert!(
            owners.threads().iter().all(|thread| thread.stack.is_some()),
            "{what}"
        );
        assert!(
            owners
                .modules()
                .iter()
                .any(|module| module.name.contains("libc.so")),
            "{what}"
        );
        for kind in [OwnerKind::Stack, OwnerKind::Heap, OwnerKind::Module] {
            assert!(bytes_owned(&dump, kind) >= 4096, "{what}: no {kind:?}");
        }
        assert!(
            bytes_of(&dump, RegionKind::Gap) < 4096,
            "{what}: gaps of {}",
            bytes_of(&dump, RegionKind::Gap)
        );
        assert!(
            bytes_of(&dump, RegionKind::Memory) > data.len() as u64 / 2,
            "{what}"
        );
    }
}

#[test]
fn samples_cut_at_every_page_are_told() {
    for path in files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"),
        &[".core", ".dmp"],
    ) {
        let data = fs::read(&path).unwrap();
        for length in (4096..data.len()).step_by(4096) {
            let dump = read(&data[..length]);
            assert!(
                dump.declared_end > length as u64,
                "{} cut at {length}",
                path.display()
            );
        }
    }
}

/// Damaged on purpose by their projects.
const DAMAGED: [&str; 2] = ["invalid-range.dmp", "invalid-record-count.dmp"];

#[test]
fn public_dumps_are_what_the_minidump_crate_says() {
    let Some(corpus) = env::var_os("DUMPGATE_CORPUS") else {
        eprintln!("skipped: DUMPGATE_CORPUS names no directory with `public/`");
        return;
    };
    let (mut dumps, mut minidumps, mut differences) = (0, 0, Vec::new());
    for path in files(&Path::new(&corpus).join("public"), &[".dmp", ".core"]) {
        let what = path.file_name().unwrap().to_string_lossy().into_owned();
        if DAMAGED.iter().any(|damaged| what.ends_with(damaged)) {
            continue;
        }
        let data = fs::read(&path).unwrap();
        let dump = read(&data);
        dumps += 1;
        assert!(
            dump.declared_end <= data.len() as u64,
            "{what} is whole: {:?}",
            dump.faults
        );
        assert!(
            dump.faults.is_empty() && !dump.is_cut,
            "{what}: {:?}",
            dump.faults
        );
        if sniff(&data).name() == "minidump" {
            minidumps += 1;
            differences.extend(
                compare(&dump, &data)
                    .into_iter()
                    .map(|difference| format!("{what}: {difference}")),
            );
        }
    }
    eprintln!(
        "{dumps} dumps, {minidumps} minidumps, {} differences from the minidump crate",
        differences.len()
    );
    assert!(dumps > 0 && differences.is_empty(), "{differences:#?}");
}

/// Where we and the `minidump` crate differ.
fn compare(ours: &Dump, data: &[u8]) -> Vec<String> {
    let theirs = Minidump::read(data).unwrap();
    let mut differences = Vec::new();
    let mut same = |what: &str, equal: bool| {
        if !equal {
            differences.push(what.to_owned());
        }
    };
    let owners = ours.map.owners();

    if let Ok(list) = theirs.get_stream::<MinidumpModuleList>() {
        let known: BTreeSet<_> = owners
            .modules()
            .iter()
            .map(|module| (module.addresses.start, module.addresses.end, &module.name))
            .collect();
        for module in list.iter() {
            let end = module.base_address() + module.size();
            let name = module.code_file().into_owned();
            same(
                &format!("module {name}"),
                known.contains(&(module.base_address(), end, &name)),
            );
        }
    }
    if let Ok(list) = theirs.get_stream::<MinidumpThreadList>() {
        let names = theirs
            .get_stream::<MinidumpThreadNames>()
            .unwrap_or_default();
        same(
            "number of threads",
            list.threads.len() == owners.threads().len(),
        );
        for thread in &list.threads {
            let raw: &MINIDUMP_THREAD = &thread.raw;
            let known = owners
                .threads()
                .iter()
                .find(|known| known.id == u64::from(raw.thread_id));
            same(&format!("thread {}", raw.thread_id), known.is_some());
            let Some(known) = known else { continue };
            let name = names
                .get_name(raw.thread_id)
                .map(std::borrow::Cow::into_owned);
            same(
                &format!("name of thread {}", raw.thread_id),
                known.name == name,
            );
            let stack = &raw.stack;
            if stack.memory.data_size > 0 {
                let last = stack.start_of_memory_range + u64::from(stack.memory.data_size) - 1;
                let holds = known
                    .stack
                    .as_ref()
                    .is_some_and(|stack| stack.contains(&last));
                same(&format!("stack of thread {}", raw.thread_id), holds);
            }
        }
    }
    let mut ranges: Vec<(u64, u64, &[u8])> = Vec::new();
    if let Ok(list) = theirs.get_stream::<MinidumpMemoryList>() {
        ranges.extend(
            list.iter()
                .map(|range| (range.base_address, range.size, range.bytes)),
        );
    }
    if let Ok(list) = theirs.get_stream::<MinidumpMemory64List>() {
        ranges.extend(
            list.iter()
                .map(|range| (range.base_address, range.size, range.bytes)),
        );
    }
    for (va, size, bytes) in &ranges {
        let offset = bytes.as_ptr() as u64 - data.as_ptr() as u64;
        let pieces = ours.map.pieces(offset..offset + size);
        same(
            &format!("memory at {va:#x}"),
            pieces.len() == 1 && pieces[0].va == Some(*va),
        );
    }
    let theirs_covers: BTreeSet<(u64, u64)> = ranges
        .iter()
        .map(|&(va, size, _)| (va, va + size))
        .collect();
    for (va, size) in memory(ours) {
        let mut at = va;
        while let Some(&(_, end)) = theirs_covers
            .iter()
            .find(|&&(start, end)| start <= at && at < end)
        {
            at = end;
        }
        same(
            &format!("{size} bytes at {va:#x} are ours alone"),
            at >= va + size,
        );
    }
    for stream in theirs.all_streams() {
        let unused = stream.stream_type == MINIDUMP_STREAM_TYPE::UnusedStream as u32;
        let at = u64::from(stream.location.rva);
        if !unused && stream.location.data_size > 0 {
            let kind = ours.map.region_at(at).map(|region| region.kind);
            same(
                &format!("stream {:#x}", stream.stream_type),
                kind == Some(RegionKind::Stream),
            );
        }
    }
    differences
}
