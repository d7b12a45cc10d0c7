//! ELF cores of several machines, classes and byte orders.

use crate::core::{Core, RW, RX};
use crate::{memory, owned, owner, read};
use dumpgate::finding::OwnerKind;

fn page(mark: &str) -> Vec<u8> {
    let mut page = mark.as_bytes().to_vec();
    page.resize(4096, 0);
    page
}

/// Machine number, name, 64 bits, big-endian, register number of the stack pointer in `elf_gregset_t`, bytes of
/// `pr_uid`.
const MACHINES: &[(u16, &str, bool, bool, usize, usize)] = &[
    (62, "x86-64", true, false, 19, 4),
    (3, "x86", false, false, 15, 2),
    (183, "arm64", true, false, 31, 4),
    (40, "arm", false, false, 13, 2),
    (40, "arm", false, true, 13, 2),
    (243, "riscv64", true, false, 2, 4),
    (21, "ppc64", true, true, 1, 4),
    (21, "ppc64", true, false, 1, 4),
    (20, "ppc", false, true, 1, 4),
    (22, "s390x", true, true, 17, 4),
    (8, "mips64", true, true, 29, 4),
    (8, "mips", false, true, 35, 4),
    (8, "mips", false, false, 35, 4),
    (258, "loongarch64", true, false, 3, 4),
];

/// A core with a program, a heap, two threads and something shared.
pub fn sample(machine: u16, is_64: bool, big: bool, register: usize, owner_size: usize) -> Core {
    let mut core = Core::new(is_64, big, machine);
    core.process(321, "signer: main", owner_size)
        .thread(321, register, 0x7f80_0100)
        .thread(322, register, 0x6000_0100)
        .entry_point(0x1_0010)
        .files(&[
            (0x1_0000, 0x1_1000, 0, "/usr/bin/signer"),
            (0x1_1000, 0x1_2000, 1, "/usr/bin/signer"),
            (0x5000_0000, 0x5000_1000, 3, "/usr/lib/libx y.so"),
        ]);
    core.load(0x1_0000, page("MARK-TEXT"), RX)
        .load(0x1_1000, page("MARK-DATA"), RW)
        .load(0x1_2000, page("MARK-BSS"), RW)
        .load(0x2_2000, page("MARK-HEAP"), RW)
        .load(0x5000_0000, page("MARK-LIBRARY"), RX)
        .load(0x6000_0000, page("MARK-WORKER"), RW)
        .load(0x7000_0000, page("MARK-PRIVATE"), RW)
        .load(0x7f80_0000, page("MARK-MAIN"), RW);
    core.loads.push((0x5000_1000, Vec::new(), 0x3000, RX));
    core
}

#[test]
fn every_machine_has_its_threads_and_owners() {
    for &(machine, name, is_64, big, register, owner_size) in MACHINES {
        let mut data = sample(machine, is_64, big, register, owner_size).finish();
        data.extend(b"MARK-BEHIND");
        let dump = read(&data);
        let what = format!("{name}, 64 bits {is_64}, big {big}");
        assert!(
            dump.faults.is_empty() && !dump.is_cut,
            "{what}: {:?}",
            dump.faults
        );
        assert_eq!(dump.declared_end, data.len() as u64 - 11, "{what}");
        assert_eq!(dump.platform.processor, name);
        assert_eq!(
            (dump.process.id, dump.process.name.as_deref()),
            (Some(321), Some("signer: main")),
            "{what}"
        );
        assert_eq!(dump.not_dumped, 0x3000, "{what}");
        let says = |mark: &str| owner(&dump, &data, mark.as_bytes());
        assert_eq!(
            says("MARK-MAIN"),
            owned(OwnerKind::Stack, "thread 321"),
            "{what}"
        );
        assert_eq!(
            says("MARK-WORKER"),
            owned(OwnerKind::Stack, "thread 322"),
            "{what}"
        );
        assert_eq!(
            says("MARK-DATA"),
            owned(OwnerKind::Module, "/usr/bin/signer+0x1000"),
            "{what}"
        );
        assert_eq!(
            says("MARK-LIBRARY"),
            owned(OwnerKind::Module, "/usr/lib/libx y.so+0x3000"),
            "{what}"
        );
        assert_eq!(says("MARK-BSS"), owned(OwnerKind::Private, ""), "{what}");
        assert_eq!(says("MARK-HEAP"), owned(OwnerKind::Heap, ""), "{what}");
        assert_eq!(
            says("MARK-PRIVATE"),
            owned(OwnerKind::Private, ""),
            "{what}"
        );
        assert_eq!(says("MARK-BEHIND"), owned(OwnerKind::Gap, ""), "{what}");
        assert_eq!(
            says("signer: main"),
            owned(OwnerKind::Stream, "notes"),
            "{what}"
        );
    }
}

#[test]
fn a_machine_we_do_not_know_keeps_its_memory() {
    let data = sample(0x9026, true, false, 0, 4).finish();
    let dump = read(&data);
    assert_eq!(dump.platform.processor, "machine 36902");
    assert_eq!(dump.map.owners().threads().len(), 2);
    assert!(
        dump.map
            .owners()
            .threads()
            .iter()
            .all(|thread| thread.stack.is_none())
    );
    assert_eq!(
        memory(&dump).iter().map(|(_, length)| length).sum::<u64>(),
        8 * 4096
    );
}

#[test]
fn without_an_entry_point_the_name_leads_to_the_heap() {
    let mut core = sample(62, true, false, 19, 4);
    core.notes.retain(|(_, kind, _)| *kind != 6 && *kind != 3);
    let data = core.clone().finish();
    assert_eq!(
        owner(&read(&data), &data, b"MARK-HEAP").kind,
        OwnerKind::Private
    );
    let data = core.process(321, "signer", 4).finish();
    assert_eq!(
        owner(&read(&data), &data, b"MARK-HEAP").kind,
        OwnerKind::Heap
    );
}

#[test]
fn a_runtime_that_keeps_stacks_in_its_heap_does_not_make_it_a_stack() {
    let mut core = Core::new(true, false, 62);
    let mut arena = vec![0; 1 << 20];
    arena[0x8_0000..0x8_000b].copy_from_slice(b"MARK-OBJECT");
    arena[0x1_0080..0x1_008a].copy_from_slice(b"MARK-FRAME");
    core.thread(1, 19, 0xc0_0001_0000)
        .thread(2, 19, 0xc0_0002_0000)
        .load(0xc0_0000_0000, arena, RW);
    let data = core.finish();
    let dump = read(&data);
    assert_eq!(
        owner(&dump, &data, b"MARK-FRAME"),
        owned(OwnerKind::Stack, "thread 1")
    );
    assert_eq!(owner(&dump, &data, b"MARK-OBJECT").kind, OwnerKind::Private);
}

#[test]
fn seventy_thousand_segments_are_read() {
    for (is_64, big) in [(true, false), (false, true)] {
        let mut core = Core::new(is_64, big, if is_64 { 62 } else { 20 });
        core.extended = true;
        for index in 0..70_000 {
            core.load(0x10_0000 + index * 0x1000, vec![index as u8; 8], RW);
        }
        let data = core.finish();
        let dump = read(&data);
        assert!(dump.faults.is_empty() && !dump.is_cut, "{:?}", dump.faults);
        assert_eq!(dump.declared_end, data.len() as u64);
        assert_eq!(memory(&dump).len(), 70_000);
        // The number of segments lies at the end and is the first thing to be lost.
        let dump = read(&data[..data.len() - 20]);
        assert_eq!(
            (dump.declared_end, memory(&dump).len()),
            (data.len() as u64, 70_000)
        );
    }
}

#[test]
fn section_headers_belong_to_the_file() {
    let mut core = sample(62, true, false, 19, 4);
    core.extended = true;
    let data = core.finish();
    assert_eq!(read(&data).declared_end, data.len() as u64);
    assert_eq!(
        read(&data[..data.len() - 10]).declared_end,
        data.len() as u64,
        "what GDB appends may be cut too"
    );
}
