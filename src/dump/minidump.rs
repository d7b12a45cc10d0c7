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
//!
//! The structures are those of the `minidump` crate; the lists are walked here, because a dump that is
//! cut keeps the entries before the cut.

use super::Format;
use super::draft::{Draft, MAX_ENTRIES};
use super::span::Spans;
use super::stream_names::stream_name;
use crate::bytes;
use crate::error::Error;
use crate::memory::{Dump, Label, Module, RegionKind, Thread};
use minidump::format::{
    MINIDUMP_DIRECTORY, MINIDUMP_EXCEPTION_STREAM, MINIDUMP_HEADER, MINIDUMP_LOCATION_DESCRIPTOR,
    MINIDUMP_MEMORY_DESCRIPTOR, MINIDUMP_MEMORY_DESCRIPTOR64, MINIDUMP_MEMORY_INFO, MINIDUMP_MODULE,
    MINIDUMP_STREAM_TYPE as StreamType, MINIDUMP_SYSTEM_INFO, MINIDUMP_THREAD, MINIDUMP_THREAD_NAME, MemoryState,
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
        let endian = if data.starts_with(b"MDMP") { Endian::Little } else { Endian::Big };
        let mut reader = Reader { data, endian, draft: Draft::new(data.len() as u64), mapped: Spans::default() };
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
    /// Memory the process had, as far as the dump tells.
    mapped: Spans,
}

impl Reader<'_> {
    fn read(&mut self) {
        let name = self.draft.name("minidump header");
        self.draft.label(0, Label::other(0, HEADER, RegionKind::Header, name));
        let Some(header) = self.record::<MINIDUMP_HEADER>(0) else { return };
        let directory = u64::from(header.stream_directory_rva);
        let size = u64::from(header.stream_count) * ENTRY;
        let name = self.draft.name("stream directory");
        self.draft.label(8, Label::other(directory, size, RegionKind::Header, name));
        let mut streams = Vec::new();
        for index in 0..u64::from(header.stream_count) {
            let at = directory + index * ENTRY;
            let Some(entry) = self.record::<MINIDUMP_DIRECTORY>(at) else { break };
            let location = entry.location;
            let stream = Stream { kind: entry.stream_type, at: location.rva.into(), size: location.data_size.into() };
            if stream.kind == 0 && stream.size == 0 {
                continue;
            }
            let name = self.draft.name(stream_name(stream.kind));
            self.draft.label(at, Label::other(stream.at, stream.size, RegionKind::Stream, name));
            if streams.len() < MAX_STREAMS {
                streams.push(stream);
            }
        }
        for stream in &streams {
            self.stream(*stream);
        }
        for stream in streams.iter().filter(|stream| stream.kind == StreamType::ThreadNamesStream as u32) {
            self.thread_names(*stream);
        }
        self.draft.not_dumped = self.mapped.without(&self.draft.dumped);
    }

    fn stream(&mut self, stream: Stream) {
        let kind = |kind: StreamType| kind as u32;
        match stream.kind {
            k if k == kind(StreamType::SystemInfoStream) => self.system(stream),
            k if k == kind(StreamType::MiscInfoStream) => self.misc(stream),
            k if k == kind(StreamType::ThreadListStream) => self.threads(stream, THREAD),
            k if k == kind(StreamType::ThreadExListStream) => self.threads(stream, THREAD + 16),
            k if k == kind(StreamType::ModuleListStream) => self.modules(stream),
            k if k == kind(StreamType::MemoryListStream) => self.memory(stream),
            k if k == kind(StreamType::Memory64ListStream) => self.memory64(stream),
            k if k == kind(StreamType::MemoryInfoListStream) => self.memory_info(stream),
            k if k == kind(StreamType::ExceptionStream) => {
                if let Some(exception) = self.record::<MINIDUMP_EXCEPTION_STREAM>(stream.at) {
                    self.location(stream.at, exception.thread_context, "exception context");
                }
            }
            k if k == kind(StreamType::LinuxMaps) => self.linux_maps(stream),
            k if k == kind(StreamType::LinuxProcStatus) => self.linux_status(stream),
            _ => {}
        }
    }

    fn system(&mut self, stream: Stream) {
        let Some(info) = self.record::<MINIDUMP_SYSTEM_INFO>(stream.at) else { return };
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
            let Some(thread) = self.record::<MINIDUMP_THREAD>(at) else { break };
            let memory = thread.stack;
            let size = u64::from(memory.memory.data_size);
            let start = memory.start_of_memory_range;
            if size > 0 && memory.memory.rva > 0 {
                self.draft.label(at, Label::memory(memory.memory.rva.into(), size, start));
                self.draft.dumped.add(start, size);
            }
            self.location(at, thread.thread_context, "thread context");
            let stack = (size > 0).then_some(start..start.saturating_add(size));
            self.draft.thread(Thread { id: thread.thread_id.into(), name: None, stack });
        }
    }

    fn thread_names(&mut self, stream: Stream) {
        for at in self.entries(stream, THREAD_NAME) {
            let Some(entry) = self.record::<MINIDUMP_THREAD_NAME>(at) else { break };
            if let Some(name) = self.string(entry.thread_name_rva) {
                self.draft.name_thread(entry.thread_id.into(), name);
            }
        }
    }

    fn modules(&mut self, stream: Stream) {
        for at in self.entries(stream, MODULE) {
            let Some(module) = self.record::<MINIDUMP_MODULE>(at) else { break };
            self.location(at, module.cv_record, "module debug record");
            self.location(at, module.misc_record, "module debug record");
            let start = module.base_of_image;
            let size = u64::from(module.size_of_image);
            let name = self.string(module.module_name_rva.into()).unwrap_or_default();
            self.mapped.add(start, size);
            if self.draft.process.name.is_none() {
                self.draft.process.name = Some(name.clone());
            }
            self.draft.module(Module { addresses: start..start.saturating_add(size), offset: 0, name });
        }
    }

    fn memory(&mut self, stream: Stream) {
        for at in self.entries(stream, MEMORY) {
            let Some(range) = self.record::<MINIDUMP_MEMORY_DESCRIPTOR>(at) else { break };
            let (start, size) = (range.start_of_memory_range, u64::from(range.memory.data_size));
            self.draft.label(at, Label::memory(range.memory.rva.into(), size, start));
            self.draft.dumped.add(start, size);
        }
    }

    fn memory64(&mut self, stream: Stream) {
        let Some((count, mut offset)) = self.record::<u64>(stream.at).zip(self.record::<u64>(stream.at + 8)) else {
            return;
        };
        let room = stream.size.saturating_sub(16) / MEMORY64;
        if count > room {
            let expected = format!("a Memory64List of {count} ranges");
            self.draft.fault(Error::malformed(stream.at, expected, format!("room for {room}")));
        }
        for index in 0..count.min(room) {
            let at = stream.at + 16 + index * MEMORY64;
            let Some(range) = self.record::<MINIDUMP_MEMORY_DESCRIPTOR64>(at) else { break };
            let (start, size) = (range.start_of_memory_range, range.data_size);
            self.draft.label(at, Label::memory(offset, size, start));
            self.draft.dumped.add(start, size);
            offset = offset.saturating_add(size);
        }
    }

    /// Size of the header, size of an entry, number of entries (64 bits), entries.
    fn memory_info(&mut self, stream: Stream) {
        let sizes = self.record::<u32>(stream.at).zip(self.record::<u32>(stream.at + 4));
        let Some((header, entry)) = sizes.map(|(header, entry)| (u64::from(header), u64::from(entry))) else { return };
        let Some(count) = self.record::<u64>(stream.at + 8).filter(|_| entry >= MEMORY_INFO) else { return };
        let mut mapped = Spans::default();
        for index in 0..count.min(stream.size / entry) {
            let Some(info) = self.record::<MINIDUMP_MEMORY_INFO>(stream.at + header + index * entry) else { break };
            if info.state == MemoryState::MEM_COMMIT.bits() {
                mapped.add(info.base_address, info.region_size);
            }
        }
        if !mapped.is_empty() {
            self.mapped = mapped;
        }
    }

    /// The text of `/proc/PID/maps`: it alone names the heap.
    fn linux_maps(&mut self, stream: Stream) {
        let text = self.text(stream);
        for line in text.lines().take(MAX_ENTRIES) {
            let mut fields = line.split_ascii_whitespace();
            let addresses = fields.next().and_then(|range| range.split_once('-'));
            let addresses = addresses.and_then(|(start, end)| {
                Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
            });
            let offset = fields.nth(1).and_then(|offset| u64::from_str_radix(offset, 16).ok());
            let name = fields.nth(2);
            if let (Some(addresses), Some(offset), Some(name)) = (addresses, offset, name) {
                match name {
                    "[heap]" => self.draft.heap(addresses),
                    _ if name.starts_with('/') => {
                        self.draft.module(Module { addresses, offset, name: name.to_owned() });
                    }
                    _ => {}
                }
            }
        }
    }

    /// The text of `/proc/PID/status`.
    fn linux_status(&mut self, stream: Stream) {
        let text = self.text(stream);
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        self.draft.process.id = field("Pid:").and_then(|id| id.parse().ok()).or(self.draft.process.id);
        if let Some(name) = field("Name:").filter(|name| !name.is_empty()) {
            self.draft.process.name = Some(name.to_owned());
        }
    }

    /// Labels bytes that an entry at file offset `entry` points to.
    fn location(&mut self, entry: u64, location: MINIDUMP_LOCATION_DESCRIPTOR, name: &str) {
        if location.data_size > 0 {
            let name = self.draft.name(name);
            let label = Label::other(location.rva.into(), location.data_size.into(), RegionKind::Stream, name);
            self.draft.label(entry, label);
        }
    }

    /// File offsets of the entries of a list that starts with their number; some writers pad the
    /// number to eight bytes.
    fn entries(&mut self, stream: Stream, entry_size: u64) -> impl Iterator<Item = u64> + use<> {
        let count = self.record::<u32>(stream.at).map_or(0, u64::from);
        let padding = if stream.size == 8 + count * entry_size { 8 } else { 4 };
        let room = stream.size.saturating_sub(padding) / entry_size;
        if count > room {
            let expected = format!("{} of {count} entries", stream_name(stream.kind));
            self.draft.fault(Error::malformed(stream.at, expected, format!("room for {room}")));
        }
        (0..count.min(room)).map(move |index| stream.at + padding + index * entry_size)
    }

    /// The structure at file offset `at`, if it is all there.
    fn record<'a, T>(&'a self, at: u64) -> Option<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error>,
    {
        self.data.pread_with(usize::try_from(at).ok()?, self.endian).ok()
    }

    /// A MINIDUMP_STRING: length in bytes, UTF-16 text.
    fn string(&self, at: u64) -> Option<String> {
        let length: u32 = self.record(at)?;
        let at = usize::try_from(at).ok()?.checked_add(4)?;
        let text = bytes::slice(self.data, at, usize::try_from(length).ok()?.min(MAX_NAME))?;
        let (units, _) = text.as_chunks::<2>();
        let unit = |unit: &[u8; 2]| match self.endian {
            Endian::Little => u16::from_le_bytes(*unit),
            Endian::Big => u16::from_be_bytes(*unit),
        };
        Some(String::from_utf16_lossy(&units.iter().map(unit).collect::<Vec<_>>()))
    }

    fn text(&self, stream: Stream) -> String {
        let start = usize::try_from(stream.at).unwrap_or(usize::MAX).min(self.data.len());
        let end = usize::try_from(stream.at + stream.size.min(MAX_TEXT)).unwrap_or(usize::MAX).min(self.data.len());
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

/// Bytes of a module's or thread's name that are kept.
const MAX_NAME: usize = 1024;

/// Bytes of a text stream that are read for labels.
const MAX_TEXT: u64 = 16 << 20;
