//! `dumpgate info`

use super::args::{Info, InfoFormat};
use super::{Exit, complain, use_color};
use crate::detect::LONGEST_FORM;
use crate::dump;
use crate::error::Error;
use crate::finding::Piece;
use crate::memory::{MemoryMap, Region, RegionKind, windows};
use crate::report::{Contents, MemberRow, Packed, RegionRow, ThreadRow, write_info, write_packed};
use crate::source::Source;
use crate::text::printable;
use crate::unpack::{self, Budget, Fault, Item, Trouble};
use std::io::{self, Write};
use std::ops::ControlFlow;

/// Shows what is in the dump the user named.
pub fn run(arguments: &Info) -> Exit {
    let is_stdin = arguments.path.as_os_str() == "-";
    let source = match if is_stdin {
        Source::stdin()
    } else {
        Source::open(&arguments.path)
    } {
        Ok(source) => source,
        Err(error) => {
            complain(&error);
            return Exit::Usage;
        }
    };
    let path = arguments.path.to_string_lossy();
    let mut out = io::stdout().lock();
    let as_json = arguments.format == InfoFormat::Json;
    let color = use_color(arguments.color);
    let written = match shown(&path, source, &arguments.unpacking.budget()) {
        Shown::Dump(contents) => write_info(&contents, as_json, color, &mut out),
        Shown::Container(packed) => write_packed(&packed, as_json, color, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => Exit::Clean,
        Err(error) => {
            complain(&format_args!("failed to write: {error}"));
            Exit::Usage
        }
    }
}

/// A file is one or the other.
enum Shown {
    Dump(Box<Contents>),
    Container(Packed),
}

/// Opens the file as a scan does.
fn shown(path: &str, source: Source, budget: &Budget) -> Shown {
    let mut packed = Packed {
        path: path.to_owned(),
        format: "",
        size: source.bytes().len() as u64,
        members: Vec::new(),
        refused: 0,
        faults: Vec::new(),
        dumps: Vec::new(),
    };
    unpack::walk(source, path, budget, &mut |item| {
        match item {
            Item::Leaf(leaf) => {
                let place = place(path, &leaf.members);
                let contents = contents(place.clone(), leaf.source.bytes());
                packed.members.extend(leaf.packing.map(|packing| MemberRow {
                    display_path: place,
                    members: leaf.members,
                    format: contents.format,
                    method: packing.method,
                    offset: packing.offset,
                    packed: packing.packed,
                    size: contents.size,
                    not_opened: leaf.cut.map(Trouble::name),
                }));
                packed.dumps.push(contents);
            }
            Item::Container(opened) => {
                let place = place(path, &opened.members);
                packed.format = opened.format;
                let is_refused =
                    |fault: &&Fault| fault.member.is_some() && fault.trouble.is_refusal();
                packed.refused += opened.faults.iter().filter(is_refused).count() as u64;
                let faults = opened.faults.into_iter().map(|fault| {
                    let error = Error::member(fault.offset, fault.member, fault.what);
                    format!("{} {}", printable(&place), error.detail())
                });
                packed.faults.extend(faults);
                packed
                    .members
                    .extend(opened.packing.map(|packing| MemberRow {
                        display_path: place.clone(),
                        members: opened.members,
                        format: opened.format,
                        method: packing.method,
                        offset: packing.offset,
                        packed: packing.packed,
                        size: opened.source.bytes().len() as u64,
                        not_opened: None,
                    }));
            }
        }
        ControlFlow::Continue(())
    });
    match (packed.format, packed.dumps.pop()) {
        ("", Some(contents)) => Shown::Dump(Box::new(contents)),
        (_, last) => {
            packed.dumps.extend(last);
            Shown::Container(packed)
        }
    }
}

/// File and members in one.
fn place(path: &str, members: &[String]) -> String {
    std::iter::once(path)
        .chain(members.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join("!")
}

fn contents(path: String, data: &[u8]) -> Contents {
    let format = dump::sniff(data);
    let container = unpack::sniff(data).map(|container| container.name);
    let dump = format.read(data);
    let owners = dump.map.owners();
    let threads = owners.threads().iter().map(|thread| ThreadRow {
        id: thread.id,
        name: thread.name.clone(),
        stack: thread
            .stack
            .as_ref()
            .map(|stack| (format!("{:#x}", stack.start), format!("{:#x}", stack.end))),
    });
    let mut modules: Vec<String> = Vec::new();
    for module in owners.modules() {
        if modules.last() != Some(&module.name) {
            modules.push(module.name.clone());
        }
    }
    Contents {
        path,
        format: container.unwrap_or(format.name()),
        size: data.len() as u64,
        processor: dump.platform.processor.clone(),
        system: dump.platform.system.clone(),
        process_id: dump.process.id,
        process_name: dump.process.name.clone(),
        threads: threads.collect(),
        modules,
        regions: rows(&dump.map),
        not_dumped: dump.not_dumped,
        will_be_scanned: data.len() as u64,
        seams: windows(dump.map.regions(), LONGEST_FORM as u64).len(),
        declared: dump.declared_end,
        container,
        faults: dump
            .faults
            .iter()
            .map(crate::error::Error::detail)
            .collect(),
    }
}

/// Regions of one kind and name in one row, in file order of the first.
fn rows(map: &MemoryMap) -> Vec<RegionRow> {
    let mut rows: Vec<RegionRow> = Vec::new();
    for region in map.regions() {
        let (kind, name) = (region.kind.name(), name(map, region));
        let same = rows
            .iter()
            .position(|row| row.kind == kind && row.name == name);
        let known = if rows.len() < MAX_ROWS {
            same
        } else {
            same.or(Some(MAX_ROWS - 1))
        };
        match known.and_then(|index| rows.get_mut(index)) {
            Some(row) => {
                if row.name != name {
                    row.name = "others".to_owned();
                }
                row.count += 1;
                row.bytes += region.len();
            }
            None => rows.push(RegionRow {
                kind,
                name,
                count: 1,
                bytes: region.len(),
            }),
        }
    }
    rows
}

/// The stream's name, or who owns the memory.
fn name(map: &MemoryMap, region: &Region) -> String {
    if region.kind != RegionKind::Memory {
        return map.name(region).to_owned();
    }
    let owner = map.owner(&Piece {
        offset: region.start,
        length: region.len(),
        va: region.va,
    });
    match owner.kind {
        crate::finding::OwnerKind::Stack => "stacks".to_owned(),
        kind => kind.name().to_owned(),
    }
}

/// Rows of regions; a dump has some dozens of streams.
const MAX_ROWS: usize = 256;
