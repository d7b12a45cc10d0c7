//! Minidumps as Windows, Breakpad and Crashpad write them (minidumpapiset.h; Breakpad's
//! minidump_format.h), of either byte order.
//!
//! | where | what |
//! |---|---|
//! | header, 32 bytes | `MDMP`, version, number of streams, offset of the directory |
//! | directory | type, size, offset of each stream |
//! | MemoryList (5) | address, size, offset of each range |
//! | Memory64List (9) | offset of the first range, then address and size of each; they follow one another |
//! | ThreadList (3) | number, stack and registers of each thread |
//! | ModuleList (4), LinuxMaps (0x47670009) | mapped files |
//! | MemoryInfoList (16) | what memory there was, dumped or not |
//! | HandleData (12), UnloadedModuleList (14), CrashpadInfo (0x43500001) | where names and annotations lie |
//!
//! The structures are those of the `minidump` crate; the lists are walked here, because a dump that is
//! cut keeps the entries before the cut.

use super::Format;
use super::draft::{Draft, MAX_ENTRIES, MAX_NAME};
use super::proc_maps;
use super::span::Spans;
use super::stream_names::stream_name;
use crate::bytes;
use crate::error::Error;
use crate::memory::{Dump, Label, RegionKind, Thread};
use minidump::format::{
    MINIDUMP_DIRECTORY, MINIDUMP_EXCEPTION_STREAM, MINIDUMP_HEADER, MINIDUMP_LOCATION_DESCRIPTOR,
    MINIDUMP_MEMORY_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR64, MINIDUMP_MEMORY_INFO,
    MINIDUMP_MODULE, MINIDUMP_STREAM_TYPE as StreamType, MINIDUMP_SYSTEM_INFO, MINIDUMP_THREAD,
    MINIDUMP_THREAD_NAME, MemoryState,
};
use scroll::ctx::TryFromCtx;
use scroll::{Endian, Pread};

/// The format.
pub struct Minidump;

impl Format for Minidump {
    fn name(&self) -> &'static str {
        "minidump"
    }

    fn sniff(&self, data: &[u8]) -> bool {
        data.starts_with(b"MDMP") || data.starts_with(b"PMDM")
    }

    fn read(&self, data: &[u8]) -> Dump {
        let endian = if data.starts_with(b"MDMP") {
            Endian::Little
        } else {
            Endian::Big
        };
        let mut reader = Reader {
            data,
            endian,
            draft: Draft::new(data.len() as u64),
            mapped: Spans::default(),
            allocated: Spans::default(),
            entries_left: MAX_READ_ENTRIES,
            text_left: MAX_TEXT,
            names_left: MAX_NAMES,
        };
        reader.read();
        reader.draft.finish()
    }
}

/// Bytes of a range of the file.
#[derive(Clone, Copy)]
struct Stream {
    kind: u32,
    at: u64,
    size: u64,
}

struct Reader<'d> {
    data: &'d [u8],
    endian: Endian,
    draft: Draft,
    /// Modules.
    mapped: Spans,
    /// Memory the process had, if the dump tells.
    allocated: Spans,
    /// Entries of lists, bytes of text and bytes of names that may still be read: a directory can name
    /// the same list, and a list the same name, any number of times.
    entries_left: u64,
    text_left: u64,
    names_left: usize,
}

impl Reader<'_> {
    fn read(&mut self) {
        let name = self.draft.name("minidump header");
        self.draft
            .label(0, Label::other(0, HEADER, RegionKind::Header, name));
        let Some(header) = self.record::<MINIDUMP_HEADER>(0) else {
            return;
        };
        let directory = u64::from(header.stream_directory_rva);
        let size = u64::from(header.stream_count) * ENTRY;
        let name = self.draft.name("stream directory");
        self.draft
            .label(8, Label::other(directory, size, RegionKind::Header, name));
        let mut streams = Vec::new();
        for index in 0..u64::from(header.stream_count) {
            let at = directory + index * ENTRY;
            let Some(entry) = self.record::<MINIDUMP_DIRECTORY>(at) else {
                break;
            };
            let location = entry.location;
            let stream = Stream {
                kind: entry.stream_type,
                at: location.rva.into(),
                size: location.data_size.into(),
            };
            if stream.kind == 0 && stream.size == 0 {
                continue;
            }
            let name = self.draft.name(&stream_name(stream.kind));
            self.draft.label(
                at,
                Label::other(stream.at, stream.size, RegionKind::Stream, name),
            );
            if streams.len() < MAX_STREAMS {
                streams.push(stream);
            } else {
                self.draft.cut();
            }
        }
        for stream in &streams {
            self.stream(*stream);
        }
        let told = if self.allocated.is_empty() {
            &self.mapped
        } else {
            &self.allocated
        };
        self.draft.not_dumped = told.without(&self.draft.dumped);
        self.draft
            .deepen_stacks(&std::mem::take(&mut self.allocated).sorted());
    }

    fn stream(&mut self, stream: Stream) {
        let kind = |kind: StreamType| kind as u32;
        match stream.kind {
            k if k == kind(StreamType::SystemInfoStream) => self.system(stream),
            k if k == kind(StreamType::MiscInfoStream) => self.misc(stream),
            k if k == kind(StreamType::ThreadListStream) => self.threads(stream, THREAD),
            k if k == kind(StreamType::ThreadExListStream) => self.threads(stream, THREAD + MEMORY),
            k if k == kind(StreamType::ThreadNamesStream) => self.thread_names(stream),
            k if k == kind(StreamType::ModuleListStream) => self.modules(stream),
            k if k == kind(StreamType::MemoryListStream) => self.memory(stream),
            k if k == kind(StreamType::Memory64ListStream) => self.memory64(stream),
            k if k == kind(StreamType::MemoryInfoListStream) => self.memory_info(stream),
            k if k == kind(StreamType::ExceptionStream) => {
                if let Some(exception) = self.record::<MINIDUMP_EXCEPTION_STREAM>(stream.at) {
                    self.location(stream.at, exception.thread_context, "exception context");
                }
            }
            k if k == kind(StreamType::HandleDataStream) => self.named_entries(stream, &[8, 12]),
            k if k == kind(StreamType::UnloadedModuleListStream) => {
                self.named_entries(stream, &[20])
            }
            k if k == kind(StreamType::CrashpadInfoStream) => self.crashpad(stream),
            k if k == kind(StreamType::LinuxMaps) => self.linux_maps(stream),
            k if k == kind(StreamType::LinuxProcStatus) => self.linux_status(stream),
            _ => {}
        }
    }

    fn system(&mut self, stream: Stream) {
        let Some(info) = self.record::<MINIDUMP_SYSTEM_INFO>(stream.at) else {
            return;
        };
        self.counted(stream.at, info.csd_version_rva, "names");
        self.draft.platform.processor = match info.processor_architecture {
            0 => "x86".to_owned(),
            1 => "mips".to_owned(),
            3 => "ppc".to_owned(),
            5 => "arm".to_owned(),
            9 => "x86-64".to_owned(),
            10 => "x86 on x86-64".to_owned(),
            12 | 0x8003 => "arm64".to_owned(),
            0x8001 => "sparc".to_owned(),
            0x8002 => "ppc64".to_owned(),
            0x8004 => "mips64".to_owned(),
            other => format!("processor {other}"),
        };
        let system = match info.platform_id {
            1..=3 => "Windows",
            0x8000 => "Unix",
            0x8101 => "macOS",
            0x8102 => "iOS",
            0x8201 => "Linux",
            0x8202 => "Solaris",
            0x8203 => "Android",
            0x8205 => "Native Client",
            other => return self.draft.platform.system = format!("platform {other}"),
        };
        let (major, minor, build) = (info.major_version, info.minor_version, info.build_number);
        self.draft.platform.system = match (major, minor, build) {
            (0, 0, 0) => system.to_owned(),
            _ => format!("{system} {major}.{minor}.{build}"),
        };
    }

    /// Size, flags, and the process' number if bit 0 is set.
    fn misc(&mut self, stream: Stream) {
        let flags: Option<u32> = self.record(stream.at + 4);
        let id: Option<u32> = self.record(stream.at + 8);
        if flags.is_some_and(|flags| flags & 1 == 1) {
            self.draft.process.id = id.map(u64::from);
        }
    }

    fn threads(&mut self, stream: Stream, entry_size: u64) {
        for at in self.entries(stream, entry_size) {
            let Some(thread) = self.record::<MINIDUMP_THREAD>(at) else {
                break;
            };
            let memory = thread.stack;
            let size = u64::from(memory.memory.data_size);
            let start = memory.start_of_memory_range;
            self.memory_range(at, memory);
            if entry_size > THREAD
                && let Some(backing_store) = self.record::<MINIDUMP_MEMORY_DESCRIPTOR>(at + THREAD)
            {
                self.memory_range(at, backing_store);
            }
            self.location(at, thread.thread_context, "thread context");
            let stack = (size > 0).then_some(start..start.saturating_add(size));
            self.draft.thread(Thread {
                id: thread.thread_id.into(),
                name: None,
                stack,
            });
        }
    }

    fn thread_names(&mut self, stream: Stream) {
        for at in self.entries(stream, THREAD_NAME) {
            let Some(entry) = self.record::<MINIDUMP_THREAD_NAME>(at) else {
                break;
            };
            let rva = u32::try_from(entry.thread_name_rva).unwrap_or_default();
            if let Some(name) = self.string(at, rva) {
                self.draft.name_thread(entry.thread_id.into(), name);
            }
        }
    }

    fn modules(&mut self, stream: Stream) {
        for at in self.entries(stream, MODULE) {
            let Some(module) = self.record::<MINIDUMP_MODULE>(at) else {
                break;
            };
            self.location(at, module.cv_record, "module debug record");
            self.location(at, module.misc_record, "module debug record");
            let start = module.base_of_image;
            let size = u64::from(module.size_of_image);
            let name = self.string(at, module.module_name_rva).unwrap_or_default();
            self.mapped.add(start, size);
            if self.draft.process.name.is_none() {
                self.draft.process.name = Some(name.clone());
            }
            self.draft
                .module(start..start.saturating_add(size), 0, name);
        }
    }

    fn memory(&mut self, stream: Stream) {
        for at in self.entries(stream, MEMORY) {
            let Some(range) = self.record::<MINIDUMP_MEMORY_DESCRIPTOR>(at) else {
                break;
            };
            self.memory_range(at, range);
        }
    }

    /// Labels memory. Offset 0 means that the memory is not in the dump, or is in the Memory64List.
    fn memory_range(&mut self, entry: u64, range: MINIDUMP_MEMORY_DESCRIPTOR) {
        let (start, size) = (
            range.start_of_memory_range,
            u64::from(range.memory.data_size),
        );
        if size > 0 && range.memory.rva > 0 {
            self.draft
                .label(entry, Label::memory(range.memory.rva.into(), size, start));
            self.draft.dumped.add(start, size);
        }
    }

    fn memory64(&mut self, stream: Stream) {
        let Some((count, mut offset)) = self
            .record::<u64>(stream.at)
            .zip(self.record::<u64>(stream.at + 8))
        else {
            return;
        };
        let room = stream.size.saturating_sub(16) / MEMORY64;
        if count > room {
            let expected = format!("a Memory64List of {count} ranges");
            self.draft.fault(Error::malformed(
                stream.at,
                expected,
                format!("room for {room}"),
            ));
        }
        for at in self.read_entries(stream.at + 16, count.min(room), MEMORY64) {
            let Some(range) = self.record::<MINIDUMP_MEMORY_DESCRIPTOR64>(at) else {
                break;
            };
            let (start, size) = (range.start_of_memory_range, range.data_size);
            self.draft.label(at, Label::memory(offset, size, start));
            self.draft.dumped.add(start, size);
            offset = offset.saturating_add(size);
        }
    }

    /// What memory there was. The number of entries has 64 bits where the header has room for them.
    fn memory_info(&mut self, stream: Stream) {
        let count = match self.record::<u32>(stream.at) {
            Some(..16) => self.record::<u32>(stream.at + 8).map(u64::from),
            _ => self.record::<u64>(stream.at + 8),
        };
        let count = count.unwrap_or_default();
        for at in self.sized_entries(stream, count, MEMORY_INFO) {
            let Some(info) = self.record::<MINIDUMP_MEMORY_INFO>(at) else {
                break;
            };
            if info.state == MemoryState::MEM_COMMIT.bits() {
                self.allocated.add(info.base_address, info.region_size);
            }
        }
    }

    /// Labels the texts that the entries of a list point to from these offsets.
    fn named_entries(&mut self, stream: Stream, pointers: &[u64]) {
        let count = self.record::<u32>(stream.at + 8).map_or(0, u64::from);
        let least = pointers.iter().max().map_or(4, |last| last + 4);
        for at in self.sized_entries(stream, count, least) {
            for pointer in pointers {
                let rva = self.record::<u32>(at + pointer).unwrap_or_default();
                self.counted(at, rva, "names");
            }
        }
    }

    /// MinidumpCrashpadInfo: version, two identifiers, the process' annotations, one record a module
    /// with its own.
    fn crashpad(&mut self, stream: Stream) {
        self.annotations(stream.at + 36, 8, &[0, 4]);
        for link in self.located_entries(stream.at + 44, 12) {
            let Some(module) = self.record::<MINIDUMP_LOCATION_DESCRIPTOR>(link + 4) else {
                break;
            };
            self.location(link, module, "Crashpad annotations");
            if module.data_size >= 28 && module.rva > 0 {
                let at = u64::from(module.rva);
                self.annotations(at + 4, 4, &[0]);
                self.annotations(at + 12, 8, &[0, 4]);
                self.annotations(at + 20, 12, &[0, 8]);
            }
        }
    }

    /// Labels the names and values that a list of annotations points to from these offsets.
    fn annotations(&mut self, at: u64, entry_size: u64, pointers: &[u64]) {
        for entry in self.located_entries(at, entry_size) {
            for pointer in pointers {
                let rva = self.record::<u32>(entry + pointer).unwrap_or_default();
                self.counted(entry, rva, "Crashpad annotations");
            }
        }
    }

    /// File offsets of the entries of the list that the location at file offset `at` gives; without
    /// annotations the location is all zeros.
    fn located_entries(&mut self, at: u64, entry_size: u64) -> impl Iterator<Item = u64> + use<> {
        let list = self
            .record::<MINIDUMP_LOCATION_DESCRIPTOR>(at)
            .filter(|list| list.data_size >= 4 && list.rva > 0);
        let (mut count, mut start) = (0, 0);
        if let Some(list) = list {
            self.location(at, list, "Crashpad annotations");
            let room = (u64::from(list.data_size) - 4) / entry_size;
            count = self
                .record::<u32>(list.rva.into())
                .map_or(0, u64::from)
                .min(room);
            start = u64::from(list.rva) + 4;
        }
        self.read_entries(start, count, entry_size)
    }

    /// The text of `/proc/PID/maps`: it alone names the heap.
    fn linux_maps(&mut self, stream: Stream) {
        let text = self.text(stream);
        for line in text.lines().take(MAX_ENTRIES) {
            let Some((addresses, offset, name)) = proc_maps::mapping(line) else {
                continue;
            };
            if name == "[heap]" || ANDROID_HEAPS.iter().any(|heap| name.starts_with(heap)) {
                self.draft.heap(addresses);
            } else if name.starts_with('/') {
                self.draft
                    .module(addresses, offset, name.chars().take(MAX_NAME).collect());
            }
        }
    }

    /// The text of `/proc/PID/status`.
    fn linux_status(&mut self, stream: Stream) {
        let text = self.text(stream);
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::trim)
        };
        self.draft.process.id = field("Pid:")
            .and_then(|id| id.parse().ok())
            .or(self.draft.process.id);
        if let Some(name) = field("Name:").filter(|name| !name.is_empty()) {
            self.draft.process.name = Some(name.chars().take(MAX_NAME).collect());
        }
    }

    /// Labels bytes that an entry at file offset `entry` points to.
    fn location(&mut self, entry: u64, location: MINIDUMP_LOCATION_DESCRIPTOR, name: &str) {
        if location.data_size > 0 && location.rva > 0 {
            let name = self.draft.name(name);
            let label = Label::other(
                location.rva.into(),
                location.data_size.into(),
                RegionKind::Stream,
                name,
            );
            self.draft.label(entry, label);
        }
    }

    /// File offsets of the entries of a list that starts with their number; some writers pad the
    /// number to eight bytes.
    fn entries(&mut self, stream: Stream, entry_size: u64) -> impl Iterator<Item = u64> + use<> {
        let count = self.record::<u32>(stream.at).map_or(0, u64::from);
        let padding = if stream.size == 8 + count * entry_size {
            8
        } else {
            4
        };
        let room = stream.size.saturating_sub(padding) / entry_size;
        if count > room {
            let expected = format!("{} of {count} entries", stream_name(stream.kind));
            self.draft.fault(Error::malformed(
                stream.at,
                expected,
                format!("room for {room}"),
            ));
        }
        self.read_entries(stream.at + padding, count.min(room), entry_size)
    }

    /// File offsets of the entries of a list that starts with the sizes of its header and of an entry,
    /// which is at least `least` bytes.
    fn sized_entries(
        &mut self,
        stream: Stream,
        count: u64,
        least: u64,
    ) -> impl Iterator<Item = u64> + use<> {
        let size = |at| self.record::<u32>(at).map_or(0, u64::from);
        let (header, entry_size) = (size(stream.at), size(stream.at + 4));
        let room = stream
            .size
            .saturating_sub(header)
            .checked_div(entry_size)
            .unwrap_or_default();
        let count = if entry_size < least { 0 } else { count };
        if count > room {
            let expected = format!("{} of {count} entries", stream_name(stream.kind));
            self.draft.fault(Error::malformed(
                stream.at,
                expected,
                format!("room for {room}"),
            ));
        }
        self.read_entries(stream.at + header, count.min(room), entry_size)
    }

    /// File offsets of `count` entries from `at` on, as far as they lie in the file and may still be
    /// read.
    fn read_entries(
        &mut self,
        at: u64,
        count: u64,
        entry_size: u64,
    ) -> impl Iterator<Item = u64> + use<> {
        let present = (self.data.len() as u64)
            .saturating_sub(at)
            .checked_div(entry_size)
            .unwrap_or_default();
        let count = count.min(present);
        if count > self.entries_left {
            self.draft.cut();
        }
        let read = count.min(self.entries_left);
        self.entries_left -= read;
        (0..read).map(move |index| at + index * entry_size)
    }

    /// The structure at file offset `at`, if it is all there.
    fn record<'a, T>(&'a self, at: u64) -> Option<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error>,
    {
        self.data
            .pread_with(usize::try_from(at).ok()?, self.endian)
            .ok()
    }

    /// A MINIDUMP_STRING: length in bytes, UTF-16 text.
    fn string(&mut self, entry: u64, rva: u32) -> Option<String> {
        self.counted(entry, rva, "names");
        let at = u64::from(rva);
        let length = self.record::<u32>(at).filter(|_| rva > 0)?;
        let at = usize::try_from(at).ok()?.checked_add(4)?;
        let length = usize::try_from(length).ok()?.min(2 * MAX_NAME);
        self.names_left = self.names_left.checked_sub(4 + length)?;
        let text = bytes::slice(self.data, at, length)?;
        let (units, _) = text.as_chunks::<2>();
        let unit = |unit: &[u8; 2]| match self.endian {
            Endian::Little => u16::from_le_bytes(*unit),
            Endian::Big => u16::from_be_bytes(*unit),
        };
        Some(String::from_utf16_lossy(
            &units.iter().map(unit).collect::<Vec<_>>(),
        ))
    }

    /// Labels text or a value that starts with its length in bytes, and the zero that may end it. An
    /// entry without one points to offset 0.
    fn counted(&mut self, entry: u64, rva: u32, name: &str) {
        if rva == 0 {
            return;
        }
        let at = u64::from(rva);
        let Some(length) = self.record::<u32>(at) else {
            return self.draft.declare(entry, at, 4);
        };
        let size = 4 + u64::from(length);
        let zeros = [2, 1].into_iter().find(|&zeros| {
            let end = usize::try_from(at + size).ok();
            end.and_then(|end| bytes::slice(self.data, end, zeros))
                .is_some_and(bytes::is_zero)
        });
        let name = self.draft.name(name);
        let size = size + zeros.unwrap_or_default() as u64;
        self.draft
            .label(entry, Label::other(at, size, RegionKind::Stream, name));
    }

    fn text(&mut self, stream: Stream) -> String {
        let size = stream.size.min(self.text_left);
        self.text_left -= size;
        let start = usize::try_from(stream.at)
            .unwrap_or(usize::MAX)
            .min(self.data.len());
        let end = usize::try_from(stream.at + size)
            .unwrap_or(usize::MAX)
            .min(self.data.len());
        String::from_utf8_lossy(self.data.get(start..end).unwrap_or_default()).into_owned()
    }
}

const HEADER: u64 = 32;
const ENTRY: u64 = 12;
const THREAD: u64 = 48;
const THREAD_NAME: u64 = 12;
const MODULE: u64 = 108;
const MEMORY: u64 = 16;
const MEMORY64: u64 = 16;
const MEMORY_INFO: u64 = 48;

/// Streams whose contents are read for labels; a dump has some twenty.
const MAX_STREAMS: usize = 4096;

/// Entries of all lists together that are read for labels.
const MAX_READ_ENTRIES: u64 = 1 << 20;

/// What Android's allocators call their memory.
const ANDROID_HEAPS: [&str; 2] = ["[anon:libc_malloc", "[anon:scudo"];

/// Bytes of names together that are read, in the dump's own encoding.
const MAX_NAMES: usize = 16 << 20;

/// Bytes of text streams together that are read for labels.
const MAX_TEXT: u64 = 16 << 20;
