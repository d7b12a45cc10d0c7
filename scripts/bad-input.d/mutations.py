"""Broken copies of real dumps: cut at many places, and with one number at a time replaced.

`intact` is what a scan of the whole dump gave, one element of `dumps` in its JSON report.
"""

import struct
from pathlib import Path
from typing import Callable, NamedTuple, Optional

PAGE = 4096

CLEAN, FOUND, UNOPENED, INCOMPLETE = 0, 1, 2, 3

# Widths of the fields of a 64-bit ELF header behind e_ident, and of a program header.
ELF_HEADER = [
    ("e_type", 16, 2), ("e_machine", 18, 2), ("e_version", 20, 4), ("e_entry", 24, 8), ("e_phoff", 32, 8),
    ("e_shoff", 40, 8), ("e_flags", 48, 4), ("e_ehsize", 52, 2), ("e_phentsize", 54, 2), ("e_phnum", 56, 2),
    ("e_shentsize", 58, 2), ("e_shnum", 60, 2), ("e_shstrndx", 62, 2),
]
PROGRAM_HEADER = [
    ("p_type", 0, 4), ("p_flags", 4, 4), ("p_offset", 8, 8), ("p_vaddr", 16, 8), ("p_paddr", 24, 8),
    ("p_filesz", 32, 8), ("p_memsz", 40, 8), ("p_align", 48, 8),
]
PN_XNUM = 0xFFFF

# Streams of a minidump that are lists, whose first words are replaced too.
LISTS = {3: "ThreadList", 4: "ModuleList", 5: "MemoryList", 9: "Memory64List", 16: "MemoryInfoList", 24: "ThreadNames"}


class Case(NamedTuple):
    """One input: how to make it, and what may come of it."""

    group: str
    name: str
    build: Callable[[Path], None]
    allowed: frozenset  # exit codes
    intact: Optional[Path] = None  # the dump that says how long it may take; without, a harmless file of its size


def cases(dump, intact):
    """All mutations of one dump."""
    data = dump.read_bytes()
    yield from cuts(dump, data, intact)
    fields = minidump_fields(data) if data.startswith(b"MDMP") else elf_fields(data)
    # Labels may go wrong, but every byte is searched: a key that was found is found again.
    allowed = frozenset({FOUND} if intact["verdict"] == "found" else {CLEAN, INCOMPLETE})
    for group, name, changes in fields:
        yield Case(group, f"{dump.name} {name}", patched(data, changes), allowed, dump)


def cuts(dump, data, intact):
    ends = [
        piece["offset"] + piece["length"]
        for finding in intact["findings"]
        for place in finding["places"]
        for piece in place["pieces"][-1:]
    ]
    places = set(range(0, len(data), PAGE))
    places |= {1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 119, 120, 121, 4095, 4097}
    places |= {len(data) - back for back in (1, 2, 3, 7, 8, 63, 64, 65, 4095, 4097)}
    for place in sorted(place for place in places if 0 <= place < len(data)):
        if any(end <= place for end in ends):
            allowed = {FOUND}
        else:
            allowed = {INCOMPLETE} if declares_more(data[:place]) else {CLEAN, INCOMPLETE}
            if ends:
                # Another form of the key may be whole.
                allowed.add(FOUND)
        yield Case("cut", f"{dump.name} at {place}", lambda path, place=place: path.write_bytes(data[:place]),
                   frozenset(allowed), dump)


def declares_more(data):
    """Whether the tables of a dump name bytes behind its end; so does a magic number without its header."""
    if data.startswith(b"MDMP"):
        return minidump_end(data) > len(data)
    return data.startswith(b"\x7fELF") and elf_end(data) > len(data)


def elf_end(data):
    if len(data) < 64:
        return 64
    at, sections = struct.unpack_from("<QQ", data, 32)
    size, count, section_size, section_count = struct.unpack_from("<HHHH", data, 54)
    ends = [at + size * count, sections + section_size * section_count if sections else 0]
    for entry in range(at, min(at + size * count, len(data) - 55), size):
        offset, length = struct.unpack_from("<Q16xQ", data, entry + 8)
        if length:
            ends.append(offset + length)
    return max(ends)


def minidump_end(data):
    if len(data) < 32:
        return 32
    ends = []
    count, directory = struct.unpack_from("<II", data, 8)
    ends.append(directory + 12 * count)
    for entry in range(directory, min(directory + 12 * count, len(data) - 11), 12):
        kind, size, at = struct.unpack_from("<III", data, entry)
        if size:
            ends.append(at + size)
        if kind == 5 and at + 4 <= len(data):
            ranges = struct.unpack_from("<I", data, at)[0]
            for place in range(at + 4, min(at + 4 + 16 * ranges, len(data) - 15), 16):
                ends.append(sum(struct.unpack_from("<8xII", data, place)))
        if kind == 9 and at + 16 <= len(data):
            ranges, end = struct.unpack_from("<QQ", data, at)
            for place in range(at + 16, min(at + 16 + 16 * ranges, len(data) - 15), 16):
                end += struct.unpack_from("<8xQ", data, place)[0]
            ends.append(end)
    return max(ends)


def values(width):
    """Nothing, the smallest, the largest, and the largest as a signed number."""
    return 0, 1, (1 << 8 * width) - 1, (1 << 8 * width - 1) - 1


def each(group, name, at, width):
    for value in values(width):
        yield group, f"{name}={value:#x}", [(at, value.to_bytes(width, "little"))]


def minidump_fields(data):
    for at in range(0, 32, 4):
        yield from each("minidump header", f"u32 at {at}", at, 4)
    count, directory = struct.unpack_from("<II", data, 8)
    for index in range(count):
        entry = directory + 12 * index
        for word, name in enumerate(("type", "size", "rva")):
            yield from each("stream directory", f"stream {index} {name}", entry + 4 * word, 4)
        kind, size, at = struct.unpack_from("<III", data, entry)
        if kind in LISTS:
            for word in range(at, at + min(size - size % 4, 64), 4):
                yield from each("stream lists", f"{LISTS[kind]} u32 at {word - at}", word, 4)
    # All streams at once of one type: the readers meet each other's bytes.
    for kind in LISTS:
        kinds = [(directory + 12 * index, kind.to_bytes(4, "little")) for index in range(count)]
        yield "stream directory", f"all streams {LISTS[kind]}", kinds


def elf_fields(data):
    for at, name in ((4, "EI_CLASS"), (5, "EI_DATA"), (6, "EI_VERSION"), (7, "EI_OSABI")):
        for value in (0, 1, 2, 0xFF):
            yield "ELF header", f"{name}={value}", [(at, bytes([value]))]
    for name, at, width in ELF_HEADER:
        yield from each("ELF header", name, at, width)
    table, = struct.unpack_from("<Q", data, 32)
    count, = struct.unpack_from("<H", data, 56)

    def header(**fields):
        places = {name: (at, width) for name, at, width in ELF_HEADER}
        return [(places[name][0], value.to_bytes(places[name][1], "little")) for name, value in fields.items()]

    for changes in (
        dict(e_phnum=0xFFFE), dict(e_phnum=0xFFFE, e_phentsize=0), dict(e_phnum=0xFFFE, e_phentsize=1),
        dict(e_phnum=0xFFFE, e_phoff=0), dict(e_phnum=0xFFFE, e_phoff=1), dict(e_phoff=len(data) - 1),
        dict(e_phoff=len(data)), dict(e_phoff=len(data) - 56), dict(e_phoff=2**64 - 56), dict(e_phnum=count + 1),
        dict(e_shoff=len(data) - 1, e_shnum=0xFFFE), dict(e_shoff=2**64 - 64, e_phnum=PN_XNUM),
        dict(e_shoff=len(data) - 1, e_phnum=PN_XNUM), dict(e_shoff=0, e_phnum=PN_XNUM),
    ):
        name = " ".join(f"{name}={value:#x}" for name, value in changes.items())
        yield "ELF header", name, header(**changes)
    # The number of segments stands in sh_info of a section header, put behind the dump.
    for segments in (0, 1, count, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF):
        section = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, segments, 0, 0)
        changes = header(e_phnum=PN_XNUM, e_shoff=len(data), e_shentsize=64, e_shnum=1)
        yield "PN_XNUM", f"sh_info={segments:#x}", changes + [(len(data), section)]

    for index in sorted({0, 1, count - 2, count - 1}):
        for name, at, width in PROGRAM_HEADER:
            yield from each("program headers", f"{index} {name}", table + 56 * index + at, width)
    for index in range(count):
        entry = table + 56 * index
        kind, notes = struct.unpack_from("<I4xQ", data, entry)
        if kind == 4:
            for number in range(4):
                sizes = struct.unpack_from("<II", data, notes)
                for word, name in enumerate(("namesz", "descsz", "type", "name", "name", "word 0", "word 1", "word 2")):
                    yield from each("notes", f"note {number} {name}", notes + 4 * word, 4)
                notes += 12 + sum((size + 3) // 4 * 4 for size in sizes)
    # All segments claim the same: bytes, addresses, or more than there is.
    for name, at, value in (
        ("p_offset=0", 8, 0), ("p_vaddr=0x1000", 16, 0x1000), ("p_vaddr=2^64-4096", 16, 2**64 - PAGE),
        ("p_filesz=2^63", 32, 2**63), ("p_memsz=2^64-1", 40, 2**64 - 1), ("p_type=PT_NOTE", 0, 4),
        ("p_type=PT_LOAD", 0, 1),
    ):
        width = 4 if at == 0 else 8
        places = [(table + 56 * index + at, value.to_bytes(width, "little")) for index in range(count)]
        yield "program headers", f"all {name}", places


def patched(data, changes):
    def build(path):
        copy = bytearray(data)
        for at, value in changes:
            copy[at : at + len(value)] = value
        path.write_bytes(copy)

    return build
