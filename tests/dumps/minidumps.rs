//! Minidumps by `minidump-synth` (little-endian: it does not export its byte order) and by our own writer.

use crate::mdmp::Writer;
use crate::{marked, memory, owned, owner, read};
use dumpgate::finding::OwnerKind;
use dumpgate::memory::RegionKind;
use minidump_synth::{
    AnnotationValue, CrashpadInfo, DumpString, Exception, HandleDescriptor, Memory, MemoryInfo,
    Module, ModuleCrashpadInfo, SimpleStream, SynthMinidump, SystemInfo, Thread, ThreadName,
    amd64_context,
};

/// A section with these bytes; its type has no name outside its crate.
macro_rules! section {
    ($bytes:expr) => {
        SimpleStream {
            stream_type: 0,
            section: Default::default(),
        }
        .section
        .append_bytes($bytes)
    };
}

/// 64 bytes of memory that start with `mark`.
fn page(mark: &str) -> Vec<u8> {
    let mut page = mark.as_bytes().to_vec();
    page.resize(64, b'.');
    page
}

#[test]
fn a_whole_dump_has_its_labels_and_owners() {
    let endian = section!(b"").endian;
    let stack = Memory::with_section(section!(&page("MARK-STACK")), 0x7fff_1000);
    let context = amd64_context(endian, 0x40_1000, 0x7fff_1000);
    let [program, thread_name, type_name, object_name] =
        ["/usr/bin/signer", "worker \u{e9}", "File", "C:\\MARK"]
            .map(|text| DumpString::new(text, endian));
    let maps = b"00400000-00402000 r-xp 00000000 08:01 12 /usr/bin/signer\n\
                 00800000-00801000 rw-p 00000000 00:00 0 [heap]\n\
                 00900000-00901000 r--p 00003000 08:01 13 /srv/my app/lib x.so\n\
                 00a00000-00a01000 rw-p 00000000 00:00 0 \n";
    let crashpad = ModuleCrashpadInfo::new(0, endian)
        .add_list_annotation("MARK-LIST")
        .add_simple_annotation("key", "MARK-SIMPLE")
        .add_annotation_object("object", AnnotationValue::String("MARK-OBJECT".to_owned()));
    let data = SynthMinidump::new()
        .add_system_info(
            SystemInfo::new(endian)
                .set_processor_architecture(9)
                .set_platform_id(0x8201),
        )
        .add_module(Module::new(endian, 0x40_0000, 0x2000, &program, 0, 0, None))
        .add_thread(Thread::new(endian, 4711, &stack, &context))
        .add_thread_name(ThreadName::new(endian, 4711, Some(&thread_name)))
        .add_handle_descriptor(HandleDescriptor::new(
            endian,
            1,
            Some(&type_name),
            Some(&object_name),
            0,
            0,
            1,
            1,
        ))
        .add(program)
        .add(thread_name)
        .add(type_name)
        .add(object_name)
        .add_memory(stack)
        .add(context)
        .add_memory(Memory::with_section(
            section!(&page("MARK-TEXT")),
            0x40_1000,
        ))
        .add_memory(Memory::with_section(
            section!(&page("MARK-HEAP")),
            0x80_0100,
        ))
        .add_memory(Memory::with_section(
            section!(&page("MARK-BLANKS")),
            0x90_0020,
        ))
        .add_memory(Memory::with_section(
            section!(&page("MARK-PRIVATE")),
            0xa0_0000,
        ))
        .add_memory_info(MemoryInfo::new(
            endian,
            0x7ffe_0000,
            0,
            4,
            0x2_0000,
            0x1000,
            4,
            0x2_0000,
        ))
        .add_memory_info(MemoryInfo::new(
            endian, 0x10_0000, 0, 4, 0x1_0000, 0x2000, 4, 0x2_0000,
        ))
        .add_crashpad_info(
            CrashpadInfo::new(endian)
                .add_simple_annotation("k", "MARK-INFO")
                .add_module(crashpad),
        )
        .add_exception(Exception::new(endian))
        .set_linux_maps(maps)
        .set_linux_proc_status(b"Name:\tsigner\nPid:\t99\n")
        .set_linux_environ(b"KEY=MARK-ENVIRON\0")
        .add(section!(&page("MARK-GAP")))
        .add_stream(SimpleStream {
            stream_type: 0x1_0001,
            section: section!(&page("MARK-USER")),
        })
        .finish()
        .unwrap();
    let dump = read(&data);
    assert!(dump.faults.is_empty() && !dump.is_cut, "{:?}", dump.faults);
    assert_eq!(dump.declared_end, data.len() as u64);
    assert_eq!(
        (
            dump.platform.processor.as_str(),
            dump.platform.system.as_str()
        ),
        ("x86-64", "Linux")
    );
    assert_eq!(
        (dump.process.id, dump.process.name.as_deref()),
        (Some(99), Some("signer"))
    );
    // The committed range without the stack's 64 bytes; reserved memory does not count.
    assert_eq!(dump.not_dumped, 0x2_0000 - 64);
    let threads = dump.map.owners().threads();
    assert_eq!(threads.len(), 1);
    assert_eq!(threads[0].name.as_deref(), Some("worker \u{e9}"));
    // From where the committed range begins.
    assert_eq!(threads[0].stack, Some(0x7ffe_0000..0x7fff_1040));

    let says = |mark: &str| owner(&dump, &data, mark.as_bytes());
    assert_eq!(
        says("MARK-STACK"),
        owned(OwnerKind::Stack, "thread 4711 (worker \u{e9})")
    );
    assert_eq!(
        says("MARK-TEXT"),
        owned(OwnerKind::Module, "/usr/bin/signer+0x1000")
    );
    assert_eq!(says("MARK-HEAP"), owned(OwnerKind::Heap, ""));
    assert_eq!(
        says("MARK-BLANKS"),
        owned(OwnerKind::Module, "/srv/my app/lib x.so+0x3020")
    );
    assert_eq!(says("MARK-PRIVATE"), owned(OwnerKind::Private, ""));
    assert_eq!(says("MARK-USER"), owned(OwnerKind::Stream, "user 0x10001"));
    assert_eq!(
        says("MARK-ENVIRON"),
        owned(OwnerKind::Stream, "LinuxEnviron")
    );
    assert_eq!(says("MARK-GAP"), owned(OwnerKind::Gap, ""));
    for mark in ["MARK-LIST", "MARK-SIMPLE", "MARK-OBJECT"] {
        assert_eq!(
            says(mark),
            owned(OwnerKind::Stream, "Crashpad annotations"),
            "{mark}"
        );
    }
    assert_eq!(
        owner(&dump, &data, b"M\0A\0R\0K\0"),
        owned(OwnerKind::Stream, "names")
    );
    assert_eq!(
        owner(&dump, &data, b"MDMP"),
        owned(OwnerKind::Header, "minidump header")
    );
    let (region, at) = marked(&dump, &data, b"MARK-HEAP");
    assert_eq!(
        (region.kind, region.va_at(at)),
        (RegionKind::Memory, Some(0x80_0100))
    );
}

#[test]
fn both_memory_lists_are_read() {
    let data = SynthMinidump::new()
        .add_memory(Memory::with_section(section!(&page("A")), 0x1000))
        .add_memory64(Memory::with_section(section!(&page("B")), 0x1_0000_0000))
        .add_memory64(Memory::with_section(section!(&page("C")), 0x1_0000_2000))
        .finish()
        .unwrap();
    let dump = read(&data);
    assert_eq!(
        memory(&dump),
        [(0x1000, 64), (0x1_0000_0000, 64), (0x1_0000_2000, 64)]
    );
    assert!(dump.faults.is_empty(), "{:?}", dump.faults);
}

#[test]
fn full_memory_that_is_cut_is_read_as_far_as_it_goes() {
    let data = of_all_lists(false, false).finish();
    let dump = read(&data[..data.len() - 100]);
    assert_eq!(dump.declared_end, data.len() as u64);
    assert_eq!(memory(&dump).last(), Some(&(0x40_0800, 28)));
    assert!(
        dump.faults[0].detail().contains("expected 64 bytes"),
        "{}",
        dump.faults[0].detail()
    );
}

/// A dump of every list we read, in either byte order, its lists' numbers padded to eight bytes or not.
pub fn of_all_lists(big: bool, padded: bool) -> Writer {
    let mut w = Writer::new(big);
    let stack = w.at();
    w.bytes(&page("MARK-STACK"));
    let context = w.at();
    w.zeros(716);
    let (module, name) = (w.string("signer.exe"), w.string("main"));
    let heap = w.at();
    w.bytes(&page("MARK-MEMORY"));
    w.bytes(&page("MARK-GAP"));
    let count = |w: &mut Writer, count: u32| {
        w.u32(count);
        if padded {
            w.u32(0xffff_ffff);
        }
    };
    w.stream(7, |w| {
        w.u16(0)
            .u16(6)
            .u16(0)
            .u16(0x101)
            .u32(10)
            .u32(0)
            .u32(19045)
            .u32(2)
            .u32(0)
            .zeros(28);
    });
    w.stream(15, |w| {
        w.u32(24).u32(1).u32(777).zeros(12);
    });
    w.stream(24, |w| {
        w.u32(1).u32(5).u64(u64::from(name));
    });
    w.stream(3, |w| {
        count(w, 2);
        w.thread(5, (0x12_0000, 64, stack), (716, context))
            .thread(6, (0x12_0000, 0, 0), (0, 0));
    });
    w.stream(4, |w| {
        count(w, 1);
        w.module(0x40_0000, 0x1000, module);
    });
    w.stream(5, |w| {
        count(w, 2);
        w.u64(0x12_0000)
            .u32(64)
            .u32(stack)
            .u64(0x50_0000)
            .u32(64)
            .u32(heap);
    });
    w.stream(16, |w| {
        w.u32(16).u32(48).u64(1);
        w.u64(0x50_0000)
            .u64(0)
            .u32(4)
            .u32(0)
            .u64(0x1000)
            .u32(0x1000)
            .u32(4)
            .u32(0x2_0000)
            .u32(0);
    });
    let base = w.at() + 16 + 32;
    w.stream(9, |w| {
        w.u64(2)
            .u64(u64::from(base))
            .u64(0x40_0800)
            .u64(64)
            .u64(0x60_0000)
            .u64(64);
    });
    w.bytes(&page("MARK-IMAGE")).bytes(&page("MARK-FULL"));
    w
}

#[test]
fn both_byte_orders_and_padded_lists_say_the_same() {
    for (big, padded) in [(false, false), (false, true), (true, false), (true, true)] {
        let data = of_all_lists(big, padded).finish();
        let dump = read(&data);
        assert!(
            dump.faults.is_empty(),
            "big {big}, padded {padded}: {:?}",
            dump.faults
        );
        assert_eq!(dump.declared_end, data.len() as u64);
        assert_eq!(dump.platform.system, "Windows 10.0.19045");
        assert_eq!(
            (dump.process.id, dump.process.name.as_deref()),
            (Some(777), Some("signer.exe"))
        );
        assert_eq!(dump.not_dumped, 0x1000 - 64);
        let says = |mark: &str| owner(&dump, &data, mark.as_bytes());
        assert_eq!(
            says("MARK-STACK"),
            owned(OwnerKind::Stack, "thread 5 (main)")
        );
        assert_eq!(says("MARK-MEMORY"), owned(OwnerKind::Private, ""));
        assert_eq!(
            says("MARK-IMAGE"),
            owned(OwnerKind::Module, "signer.exe+0x800")
        );
        assert_eq!(says("MARK-FULL"), owned(OwnerKind::Private, ""));
        assert_eq!(says("MARK-GAP"), owned(OwnerKind::Gap, ""));
        assert_eq!(dump.map.owners().threads().len(), 2);
        assert_eq!(
            memory(&dump).len(),
            4,
            "the stack, named twice, is one region"
        );
    }
}

#[test]
fn the_backing_store_of_a_thread_is_memory() {
    let mut w = Writer::new(false);
    let store = w.at();
    w.bytes(&page("MARK-STORE"));
    w.stream(8, |w| {
        w.u32(1)
            .thread(5, (0, 0, 0), (0, 0))
            .u64(0x9000)
            .u32(64)
            .u32(store);
    });
    let data = w.finish();
    assert_eq!(memory(&read(&data)), [(0x9000, 64)]);
}

#[test]
fn ranges_that_overlap_keep_what_they_can() {
    let mut w = Writer::new(false);
    let at = w.at();
    w.zeros(1000);
    w.stream(5, |w| {
        w.u32(3);
        for (va, size, offset) in [
            (0x1000, 600, at),
            (0x9000, 500, at + 500),
            (0x5000, 10, at + 100),
        ] {
            w.u64(va).u32(size).u32(offset);
        }
    });
    let dump = read(&w.finish());
    assert_eq!(
        memory(&dump),
        [
            (0x1000, 100),
            (0x5000, 10),
            (0x1000 + 110, 390),
            (0x9000, 500)
        ]
    );
}

#[test]
fn android_names_its_heaps() {
    let mut w = Writer::new(false);
    let at = w.at();
    w.bytes(&page("MARK"));
    w.stream(5, |w| {
        w.u32(1).u64(0x7000_0010).u32(64).u32(at);
    });
    w.stream(0x4767_0009, |w| {
        w.bytes(b"70000000-70001000 rw-p 00000000 00:00 0                          [anon:scudo:primary]\n");
    });
    let data = w.finish();
    assert_eq!(
        owner(&read(&data), &data, b"MARK"),
        owned(OwnerKind::Heap, "")
    );
}
