//! ELF cores (System V gABI, chapter 5; Linux `fs/binfmt_elf.c`, `include/uapi/linux/elfcore.h`).
//!
//! | where | what |
//! |---|---|
//! | program headers PT_LOAD | memory: file range, address, size in memory |
//! | PT_NOTE, NT_PRSTATUS | a thread: number, registers |
//! | PT_NOTE, NT_PRPSINFO | the process: number, name |
//! | PT_NOTE, NT_FILE | mapped files |
//! | PT_NOTE, NT_AUXV | where the program begins |
//! | section headers | what GDB appends; Linux puts the number of segments there if it is above 65,534 |

use super::Format;
use super::draft::{Draft, MAX_DEAD_STACK, MAX_ENTRIES, MAX_NAME};
use super::span::SortedSpans;
use crate::bytes;
use crate::error::Error;
use crate::memory::{Dump, Label, RegionKind, Thread};
use object::Endian as _;
use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64, Machine};
use object::read::ReadRef;
use object::read::elf::{FileHeader, NoteIterator, ProgramHeader, SectionHeader};
use std::ops::Range;

/// The format.
pub struct ElfCore;

impl Format for ElfCore {
    fn name(&self) -> &'static str {
        "elf-core"
    }

    fn sniff(&self, data: &[u8]) -> bool {
        let kind = bytes::array(data, 16).map(if data.get(5) == Some(&elf::ELFDATA2MSB.0) {
            u16::from_be_bytes
        } else {
            u16::from_le_bytes
        });
        // One cut before it says what it is may have been a core.
        data.starts_with(b"\x7fELF") && kind.is_none_or(|kind| kind == elf::ET_CORE.0)
    }

    fn read(&self, data: &[u8]) -> Dump {
        let mut draft = Draft::new(data.len() as u64);
        if data.get(4) == Some(&elf::ELFCLASS32.0) {
            read::<FileHeader32<Endianness>>(data, &mut draft);
        } else {
            read::<FileHeader64<Endianness>>(data, &mut draft);
        }
        draft.finish()
    }
}

/// A PT_LOAD segment.
#[derive(Clone, Copy)]
struct Load {
    va: u64,
    memory_size: u64,
    is_writable: bool,
}

impl Load {
    fn end(&self) -> u64 {
        self.va.saturating_add(self.memory_size)
    }
}

fn read<E: FileHeader<Endian = Endianness>>(data: &[u8], draft: &mut Draft) {
    let header_size = size_of::<E>() as u64;
    draft.declare(0, 0, header_size);
    let Ok(header) = E::parse(data) else {
        let found = format!(
            "a file of {} bytes, or an unknown class or version",
            data.len()
        );
        draft.fault(Error::malformed(
            0,
            format!("an ELF header of {header_size} bytes"),
            found,
        ));
        return;
    };
    let endian = header.endian().unwrap_or(Endianness::Little);
    let names = draft.name("ELF header");
    draft.label(0, Label::other(0, header_size, RegionKind::Header, names));
    draft.platform.processor = processor(header.e_machine(endian), header.is_class_64());
    draft.platform.system = system(header.e_ident().os_abi).to_owned();
    sections(header, endian, data, draft);

    let sections = u64::from(header.e_shentsize(endian)) * u64::from(header.e_shnum(endian));
    draft.declare(
        if header.is_class_64() { 40 } else { 32 },
        header.e_shoff(endian).into(),
        sections,
    );
    let table_at: u64 = header.e_phoff(endian).into();
    let entry_size = size_of::<E::ProgramHeader>() as u64;
    let entries = header.phnum(endian, data).unwrap_or_else(|_| {
        let expected = "a section header that holds the number of segments";
        draft.fault(Error::malformed(0, expected, "none"));
        // It lies at the end of the file, so a core that is cut has lost it; but the first segment's
        // bytes follow the table.
        let first = data.read_at::<E::ProgramHeader>(table_at);
        let behind: u64 = first.map_or(0, |first| first.p_offset(endian).into());
        let entries = behind.saturating_sub(table_at) / entry_size;
        u32::try_from(entries).unwrap_or_default().max(1)
    });
    if entries == 0 || table_at == 0 {
        draft.fault(Error::malformed(0, "program headers", "none"));
        return;
    }
    let given_size = u64::from(header.e_phentsize(endian));
    if given_size != entry_size {
        let expected = format!("program headers of {entry_size} bytes");
        draft.fault(Error::malformed(0, expected, format!("{given_size} bytes")));
    }
    let table_size = entry_size * u64::from(entries);
    let names = draft.name("program headers");
    draft.label(
        0,
        Label::other(table_at, table_size, RegionKind::Header, names),
    );
    let whole = (data.len() as u64).saturating_sub(table_at).min(table_size) / entry_size;
    let whole = usize::try_from(whole).unwrap_or(usize::MAX);
    let Ok(table) = data.read_slice_at::<E::ProgramHeader>(table_at, whole) else {
        return;
    };

    let mut loads = Vec::with_capacity(whole.min(MAX_ENTRIES));
    for (index, entry) in table.iter().enumerate() {
        let entry_at = table_at + entry_size * index as u64;
        let (offset, size): (u64, u64) =
            (entry.p_offset(endian).into(), entry.p_filesz(endian).into());
        match entry.p_type(endian) {
            elf::PT_LOAD => {
                let memory_size: u64 = entry.p_memsz(endian).into();
                let va = entry.p_vaddr(endian).into();
                draft.label(entry_at, Label::memory(offset, size, va));
                draft.not_dumped = draft
                    .not_dumped
                    .saturating_add(memory_size.saturating_sub(size));
                if loads.len() < MAX_ENTRIES {
                    let is_writable = entry.p_flags(endian).contains(elf::PF_W);
                    loads.push(Load {
                        va,
                        memory_size: memory_size.max(size),
                        is_writable,
                    });
                }
            }
            elf::PT_NOTE => {
                let names = draft.name("notes");
                draft.label(
                    entry_at,
                    Label::other(offset, size, RegionKind::Stream, names),
                );
            }
            _ => {
                let names = draft.name("segment");
                draft.label(
                    entry_at,
                    Label::other(offset, size, RegionKind::Stream, names),
                );
            }
        }
    }
    let mut notes = Notes {
        draft,
        endian,
        is_64: header.is_class_64(),
        machine: header.e_machine(endian),
        stacks: Vec::new(),
        entry_point: None,
        room: MAX_NOTES,
    };
    for entry in table
        .iter()
        .filter(|entry| entry.p_type(endian) == elf::PT_NOTE)
    {
        notes.read::<E>(entry, data);
    }
    let Notes {
        stacks,
        entry_point,
        ..
    } = notes;
    loads.sort_unstable_by_key(|load| load.va);
    own(&loads, &stacks, entry_point, draft);
}

/// Labels the section headers and their names, which lie behind the memory where there are any.
fn sections<E: FileHeader<Endian = Endianness>>(
    header: &E,
    endian: Endianness,
    data: &[u8],
    draft: &mut Draft,
) {
    let table_at: u64 = header.e_shoff(endian).into();
    if table_at == 0 {
        return;
    }
    let entry_size = size_of::<E::SectionHeader>() as u64;
    let table_size = entry_size * u64::from(header.e_shnum(endian)).max(1);
    let name = draft.name("section headers");
    draft.label(
        0,
        Label::other(table_at, table_size, RegionKind::Header, name),
    );
    let names_at = table_at.saturating_add(entry_size * u64::from(header.e_shstrndx(endian).0));
    if let Ok(names) = data.read_at::<E::SectionHeader>(names_at)
        && names.sh_type(endian) == elf::SHT_STRTAB
    {
        let (offset, size): (u64, u64) =
            (names.sh_offset(endian).into(), names.sh_size(endian).into());
        let name = draft.name("section names");
        draft.label(
            names_at,
            Label::other(offset, size, RegionKind::Header, name),
        );
    }
}

/// Finds the threads' stacks and the heap among the sorted segments.
fn own(loads: &[Load], stacks: &[(u64, Option<u64>)], entry_point: Option<u64>, draft: &mut Draft) {
    for load in loads.iter().filter(|load| load.is_writable) {
        draft.writable(load.va..load.end());
    }
    let files = draft.files();
    let segment = |pointer: u64| {
        let index = loads
            .partition_point(|load| load.va <= pointer)
            .checked_sub(1)?;
        loads
            .get(index)
            .filter(|load| pointer < load.end())
            .map(|load| (index, load))
    };
    let mut threads_in = vec![0u32; loads.len()];
    for (index, _) in stacks
        .iter()
        .filter_map(|(_, pointer)| segment((*pointer)?))
    {
        if let Some(count) = threads_in.get_mut(index) {
            *count += 1;
        }
    }
    for &(id, pointer) in stacks {
        let stack = pointer.and_then(|pointer| {
            let (index, load) = segment(pointer).filter(|_| files.around(pointer).is_none())?;
            stack_in(load, pointer, threads_in.get(index) == Some(&1))
        });
        draft.thread(Thread {
            id,
            name: None,
            stack,
        });
    }
    if let Some(heap) = heap(loads, &files, entry_point, draft) {
        draft.heap(heap);
    }
}

/// Reads what the notes tell.
struct Notes<'n> {
    draft: &'n mut Draft,
    endian: Endianness,
    is_64: bool,
    machine: Machine,
    /// Thread numbers and stack pointers.
    stacks: Vec<(u64, Option<u64>)>,
    /// Where the program begins to run.
    entry_point: Option<u64>,
    /// Bytes of notes that may still be read.
    room: u64,
}

impl Notes<'_> {
    fn read<E: FileHeader<Endian = Endianness>>(&mut self, entry: &E::ProgramHeader, data: &[u8]) {
        let (offset, size): (u64, u64) = (
            entry.p_offset(self.endian).into(),
            entry.p_filesz(self.endian).into(),
        );
        let end = offset
            .saturating_add(size.min(self.room))
            .min(data.len() as u64);
        self.room -= end.saturating_sub(offset);
        let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
        let Some(bytes) = range.and_then(|(start, end)| data.get(start..end)) else {
            return;
        };
        let Ok(mut notes) = NoteIterator::<E>::new(self.endian, E::Word::default(), bytes) else {
            return;
        };
        while let Ok(Some(note)) = notes.next() {
            if note.name() == b"LINUX" {
                "Linux".clone_into(&mut self.draft.platform.system);
            }
            if note.name() != b"CORE" {
                continue;
            }
            match note.n_type(self.endian).0 {
                NT_PRSTATUS => self.thread(note.desc()),
                NT_PRPSINFO => self.process(note.desc()),
                NT_AUXV => self.auxiliary_vector(note.desc()),
                NT_FILE => {
                    let _ = self.files(note.desc());
                }
                _ => {}
            }
        }
    }

    /// `struct elf_prstatus`.
    fn thread(&mut self, status: &[u8]) {
        let number_at = if self.is_64 { 32 } else { 24 };
        let Some(id) = self.u32(status, number_at) else {
            return;
        };
        let pointer =
            stack_pointer_at(self.machine, self.is_64).and_then(|at| self.word(status, at));
        if self.stacks.len() < MAX_ENTRIES {
            self.stacks.push((u64::from(id), pointer));
        }
    }

    /// `struct elf_prpsinfo`; 32-bit machines write the user's number in 16 or 32 bits.
    fn process(&mut self, info: &[u8]) {
        let (number_at, name_at) = match (self.is_64, info.len()) {
            (true, _) => (24, 40),
            (false, 128..) => (16, 32),
            (false, _) => (12, 28),
        };
        self.draft.process.id = self.u32(info, number_at).map(u64::from);
        let name =
            bytes::slice(info, name_at, 16).and_then(|name| name.split(|&byte| byte == 0).next());
        self.draft.process.name = name.map(|name| String::from_utf8_lossy(name).into_owned());
    }

    /// Pairs of type and value.
    fn auxiliary_vector(&mut self, vector: &[u8]) {
        let word = if self.is_64 { 8 } else { 4 };
        let mut pairs = vector.chunks_exact(2 * word);
        let entry = pairs.find(|pair| self.word(pair, 0) == Some(AT_ENTRY));
        self.entry_point = entry
            .and_then(|pair| self.word(pair, word))
            .or(self.entry_point);
    }

    /// Count and page size, then start, end and offset in pages of each mapping, then the names.
    fn files(&mut self, table: &[u8]) -> Option<()> {
        let word = if self.is_64 { 8 } else { 4 };
        let count = usize::try_from(self.word(table, 0)?).ok()?;
        let page = self.word(table, word)?;
        let names_at = count.checked_mul(3 * word)?.checked_add(2 * word)?;
        let mut names = table.get(names_at..)?.split(|&byte| byte == 0);
        for index in 0..count.min(MAX_ENTRIES) {
            let at = 2 * word + index * 3 * word;
            let name = names.next()?;
            let name = String::from_utf8_lossy(name.get(..MAX_NAME).unwrap_or(name)).into_owned();
            let addresses = self.word(table, at)?..self.word(table, at + word)?;
            let offset = self.word(table, at + 2 * word)?.saturating_mul(page);
            self.draft.module(addresses, offset, name);
        }
        Some(())
    }

    fn u32(&self, data: &[u8], at: usize) -> Option<u32> {
        bytes::array(data, at).map(|word| self.endian.read_u32(word))
    }

    /// A `long` of the dumped process.
    fn word(&self, data: &[u8], at: usize) -> Option<u64> {
        if self.is_64 {
            bytes::array(data, at).map(|word| self.endian.read_u64(word))
        } else {
            self.u32(data, at).map(u64::from)
        }
    }
}

/// Addresses of the stack in the segment that `pointer` points into. `None` in a segment that cannot be
/// written or is too large for a stack. A segment where several threads have their stacks is a heap
/// of a runtime, as Go's: of it only the little above the pointer is taken.
fn stack_in(load: &Load, pointer: u64, is_alone: bool) -> Option<Range<u64>> {
    let start = match load.memory_size {
        ..=USUAL_STACK => load.va,
        _ => load.va.max(pointer.saturating_sub(MAX_DEAD_STACK)),
    };
    let stack = match is_alone {
        true => start..load.end(),
        false => pointer..load.end().min(pointer.saturating_add(INNER_STACK)),
    };
    (load.is_writable && load.memory_size <= MAX_STACK).then_some(stack)
}

/// Addresses of the `brk` heap: the first writable segment of no file that begins a little behind the
/// program's own memory, as Linux lays it out. The program is the file that holds the entry point, or
/// else one named as the process.
fn heap(
    loads: &[Load],
    files: &SortedSpans,
    entry_point: Option<u64>,
    draft: &Draft,
) -> Option<Range<u64>> {
    let modules = draft.modules();
    let by_entry =
        entry_point.and_then(|at| modules.iter().find(|module| module.addresses.contains(&at)));
    let by_name = || {
        let process = draft
            .process
            .name
            .as_deref()
            .filter(|name| !name.is_empty())?;
        let file = |name: &'_ str| {
            name.rsplit('/')
                .next()
                .is_some_and(|file| file.starts_with(process))
        };
        modules.iter().find(|module| file(&module.name))
    };
    let program = by_entry.or_else(by_name)?;
    let parts = modules.iter().filter(|module| {
        let distance = module.addresses.start.checked_sub(program.addresses.start);
        module.name == program.name && distance.is_some_and(|distance| distance < MAX_BRK_DISTANCE)
    });
    let mapped_end = parts.map(|module| module.addresses.end).max()?;
    let is_anonymous = |load: &&Load| load.is_writable && files.around(load.va).is_none();
    // The program's zeroed data follows its mappings without a gap and is not the heap.
    let zeroed = loads
        .iter()
        .find(|load| load.va == mapped_end)
        .filter(is_anonymous);
    let program_end = zeroed.map_or(mapped_end, Load::end);
    let heap = loads
        .iter()
        .filter(|load| load.va > mapped_end && load.va >= program_end)
        .find(is_anonymous)?;
    (heap.va - program_end <= MAX_BRK_DISTANCE).then_some(heap.va..heap.end())
}

/// Offset in bytes of the stack pointer in `struct elf_prstatus`: the registers start at 112 (64-bit) or
/// 72 (32-bit) in the order of the machine's `elf_gregset_t`.
fn stack_pointer_at(machine: Machine, is_64: bool) -> Option<usize> {
    let (start, word) = if is_64 { (112, 8) } else { (72, 4) };
    let register = match machine {
        elf::EM_X86_64 => 19,
        elf::EM_386 => 15,
        elf::EM_AARCH64 => 31,
        elf::EM_ARM => 13,
        elf::EM_RISCV => 2,
        elf::EM_PPC | elf::EM_PPC64 => 1,
        elf::EM_S390 => 17,
        elf::EM_LOONGARCH => 3,
        elf::EM_MIPS if is_64 => 29,
        elf::EM_MIPS => 35,
        _ => return None,
    };
    Some(start + register * word)
}

fn processor(machine: Machine, is_64: bool) -> String {
    let name = match machine {
        elf::EM_X86_64 => "x86-64",
        elf::EM_386 => "x86",
        elf::EM_AARCH64 => "arm64",
        elf::EM_ARM => "arm",
        elf::EM_RISCV if is_64 => "riscv64",
        elf::EM_RISCV => "riscv32",
        elf::EM_PPC64 => "ppc64",
        elf::EM_PPC => "ppc",
        elf::EM_S390 => "s390x",
        elf::EM_MIPS if is_64 => "mips64",
        elf::EM_MIPS => "mips",
        elf::EM_LOONGARCH => "loongarch64",
        elf::EM_SPARCV9 => "sparc64",
        _ => return format!("machine {}", machine.0),
    };
    name.to_owned()
}

fn system(abi: elf::OsAbi) -> &'static str {
    match abi {
        elf::ELFOSABI_SYSV | elf::ELFOSABI_GNU => "Linux or System V",
        elf::ELFOSABI_FREEBSD => "FreeBSD",
        elf::ELFOSABI_NETBSD => "NetBSD",
        elf::ELFOSABI_OPENBSD => "OpenBSD",
        elf::ELFOSABI_SOLARIS => "Solaris",
        _ => "",
    }
}

const NT_PRSTATUS: u32 = 1;
const NT_PRPSINFO: u32 = 3;
const NT_AUXV: u32 = 6;
const NT_FILE: u32 = 0x4649_4c45;

const AT_ENTRY: u64 = 9;

/// Bytes of notes that are read for labels: a thread takes some 3 KiB, a mapping some 100 bytes.
const MAX_NOTES: u64 = 256 << 20;

/// The largest segment in bytes that is taken for a thread's stack: eight times the usual limit.
const MAX_STACK: u64 = 64 << 20;

/// Segments up to this size in bytes are one stack from end to end; in larger ones a stack reaches
/// only a little below its pointer.
const USUAL_STACK: u64 = 8 << 20;

/// Bytes above the pointer that are taken for the stack where a runtime keeps many in one segment: Go
/// gives its own threads 16 KiB.
const INNER_STACK: u64 = 16 << 10;

/// Linux puts the heap at most 1 GiB (arm64; 32 MiB elsewhere) behind the program.
const MAX_BRK_DISTANCE: u64 = 1 << 30;
