"""Hostile files made from nothing: a million keys, half keys, and tables that make a careless reader work too much.

Every one is small in comparison to the work or memory it asks for.
"""

import random
import struct

from mutations import CLEAN, FOUND, INCOMPLETE, Case

ANY = frozenset({CLEAN, INCOMPLETE})
LEAKS = frozenset({FOUND})
EITHER = ANY | LEAKS
MIB = 1024 * 1024
PT_LOAD, PT_NOTE = 1, 4
THREADS, MODULES, MEMORY, MEMORY64, MEMORY_INFO, THREAD_NAMES, LINUX_MAPS = 3, 4, 5, 9, 16, 24, 0x47670009


def cases(keys):
    """`keys` is the directory with one key in each form."""
    yield from copies(keys)
    yield from halves(keys)
    for group, table in (("crafted ELF core", elf_cases(keys)), ("crafted minidump", minidump_cases())):
        for name, allowed, make in table:
            yield Case(group, name, lambda path, make=make: path.write_bytes(make()), allowed)


def copies(keys):
    """The same key very often, and very many keys."""

    def repeated(name, count):
        data = (keys / name).read_bytes()

        def build(path):
            with open(path, "wb") as out:
                for _ in range(10):
                    out.write(data * (count // 10))

        return Case("key copies", f"{count} of {name}", build, LEAKS)

    yield repeated("ed25519.pkcs8.der", 10**6)
    yield repeated("p256.sec1.der", 10**6)
    yield repeated("p256.sec1-nopublic.der", 10**6)
    yield repeated("rsa1024.pkcs1.der", 10**5)
    yield repeated("ed25519.pkcs8.pem", 10**5)
    yield repeated("rsa1024.pkcs8.pem", 10**5)

    def different(name, number_at, size, count, leading=b"", allowed=LEAKS):
        data = (keys / name).read_bytes()

        def build(path):
            chance = random.Random(1)
            head, tail = data[:number_at] + leading, data[number_at + size :]
            with open(path, "wb") as out:
                for _ in range(count):
                    out.write(head + chance.randbytes(size - len(leading)) + tail)

        return Case("different keys", f"{count} like {name}", build, allowed)

    yield different("ed25519.pkcs8.der", 16, 32, 10**6)
    yield different("p256.sec1-nopublic.der", 7, 32, 10**5)
    yield different("p521.sec1-nopublic.der", 7, 66, 10**5, b"\0")
    # Their factors are not prime, save by chance: no keys, but only a costly test tells.
    for bits, count in ((1024, 20000), (4096, 2000), (16384, 100)):
        name = f"{count} structures like an RSA-{bits} key"
        build = lambda path, count=count, bits=bits: rsa_keys(path, count, bits // 2)
        yield Case("different keys", name, build, EITHER)
    yield different("rsa2048.spki.der", 33, 256, 10**5, b"\xc1", EITHER)
    yield different("rsa4096.spki.der", 33, 512, 3 * 10**4, b"\xc1", EITHER)
    yield different("ed25519.spki.der", 12, 32, 10**6, b"", EITHER)
    yield different("p256.spki.der", 27, 64, 10**5, b"", EITHER)


def rsa_keys(path, count, bits):
    """PKCS#1 structures whose numbers agree, save that the factors need not be prime."""
    chance = random.Random(2)

    def integer(number):
        body = number.to_bytes(number.bit_length() // 8 + 1, "big")
        return b"\x02" + length(len(body)) + body

    def length(size):
        if size < 0x80:
            return bytes([size])
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([0x80 | len(digits)]) + digits

    def factor():
        while True:
            number = chance.getrandbits(bits) | 3 << bits - 2 | 1
            if number % 3 and number % 5 and number % 7 and (number - 1) % 65537:
                return number

    with open(path, "wb") as out:
        while count:
            p, q = factor(), factor()
            try:
                d = pow(65537, -1, (p - 1) * (q - 1))
                numbers = (0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
            except ValueError:
                continue
            body = b"".join(map(integer, numbers))
            out.write(b"\x30" + length(len(body)) + body)
            count -= 1


def halves(keys):
    """The beginnings of keys, one behind the other: everything announces a key and none is there."""
    for file in sorted(keys.glob("*.der")) + sorted(keys.glob("*.pem")):
        data = file.read_bytes()
        for share, name in ((0.5, "half"), (0.95, "most"), (0, "start")):
            part = data[: max(int(len(data) * share), 40)]
            if len(part) < len(data):
                build = lambda path, part=part: path.write_bytes(part * (4 * MIB // len(part)))
                yield Case("half keys", f"{name} of {file.name}, 4 MiB", build, EITHER)


def elf(segments, payload):
    """A 64-bit core. A segment is (type, offset in the payload, address, size in the file, size in memory)."""
    count = len(segments)
    table = 64 + 64
    start = table + 56 * count
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, 62, 1, 0, table, 64 if count >= 0xFFFF else 0, 0, 64, 56,
        min(count, 0xFFFF), 64, 1, 0,
    )
    section = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, count if count >= 0xFFFF else 0, 0, 0)
    pack = struct.Struct("<IIQQQQQQ").pack
    rows = [pack(kind, 6, start + at, va, 0, size, memory, 1) for kind, at, va, size, memory in segments]
    return b"".join((header, section, *rows, payload))


def note(kind, body):
    return struct.pack("<III8s", 5, len(body), kind, b"CORE") + body + bytes(-len(body) % 4)


def file_note(mappings, names):
    rows = b"".join(struct.pack("<QQQ", start, end, 0) for start, end in mappings)
    return note(0x46494C45, struct.pack("<QQ", len(mappings), 4096) + rows + names)


def elf_cases(keys):
    key = (keys / "ed25519.pkcs8.der").read_bytes()
    many = 1 << 18

    def same_bytes(step):
        payload = random.Random(3).randbytes(4 * MIB)
        return elf([(PT_LOAD, 0, 0x1000 + step * n, len(payload), len(payload)) for n in range(65534)], payload)

    yield "65534 segments of the same 4 MiB at one address", ANY, lambda: same_bytes(0)
    yield "65534 segments of the same 4 MiB, a page apart", ANY, lambda: same_bytes(4096)

    def small(size, address, content):
        payload = (content * size)[:size] * many if len(content) < size else content * many
        return elf([(PT_LOAD, n * size, address(n), size, size) for n in range(many)], payload)

    padded = key + bytes(16)
    yield "262144 segments of 64 bytes, backwards", ANY, lambda: small(64, lambda n: (many - n) * 64, b"A")
    yield "262144 segments of 64 bytes, backwards, a key in each", LEAKS, \
        lambda: small(64, lambda n: (many - n) * 64, padded)
    yield "262144 segments of 64 bytes at one address, a key in each", LEAKS, \
        lambda: small(64, lambda n: 0x1000, padded)
    yield "262144 segments of 1 byte, backwards", ANY, lambda: small(1, lambda n: many - n, b"-")

    def torn():
        """Keys in memory, of which no two bytes lie side by side in the file."""
        size = 48 * 4000
        memory = key * 4000
        order = list(range(0, size, 2)) + list(range(1, size, 2))
        return elf([(PT_LOAD, n, 0x1000 + va, 1, 1) for n, va in enumerate(order)], bytes(memory[va] for va in order))

    yield "4000 keys whose bytes lie apart", LEAKS, torn

    def torn_pem():
        memory = (keys / "rsa4096.pkcs1.pem").read_bytes() * 60
        order = list(range(0, len(memory), 2)) + list(range(1, len(memory), 2))
        return elf([(PT_LOAD, n, 0x1000 + va, 1, 1) for n, va in enumerate(order)], bytes(memory[va] for va in order))

    yield "60 long keys whose bytes lie apart", LEAKS, torn_pem

    def nested():
        sizes = range(4000, 0, -2)
        starts = [sum(sizes[:n]) for n in range(len(sizes))]
        segments = [(PT_LOAD, start, 0x1000 + n, size, size) for n, (start, size) in enumerate(zip(starts, sizes))]
        return elf(segments, b"B" * sum(sizes))

    yield "2000 segments, each inside the one before", ANY, nested

    def overflow():
        return elf([(PT_LOAD, 0, 2**64 - 1 - n, 64, 2**64 - 1) for n in range(1000)], bytes(64))

    yield "sizes in memory that add up beyond 64 bits", ANY, overflow

    def heap_search():
        """Every segment looks like the heap until the last of all mapped files is asked."""
        mappings = [(1, 2)] + [(4, 5)] * (1 << 17) + [(0x1000, 2**63)]
        notes = note(3, bytes(40) + b"a".ljust(96, b"\0")) + file_note(mappings, b"/a\0" + b"\0" * (1 << 17) + b"z\0")
        loads = [(PT_LOAD, 0, 0x1000 + n, 1, 1) for n in range(1 << 17)]
        return elf([(PT_NOTE, 0, 0, len(notes), 0)] + loads, notes)

    yield "131072 segments in the last of 131072 mapped files", ANY, heap_search

    def thread_search():
        status = bytes(32) + struct.pack("<I", 1) + bytes(112 - 36 + 19 * 8) + struct.pack("<Q", 0x1010) + bytes(64)
        notes = file_note([(4, 5)] * many, b"\0" * many) + note(1, status) * (1 << 16)
        return elf([(PT_NOTE, 0, 0, len(notes), 0), (PT_LOAD, 0, 0x1000, 4096, 4096)], notes)

    yield "65536 threads and 262144 mapped files", ANY, thread_search

    def long_names(count, size):
        notes = file_note([(0x1000, 0x2000)], b"n" * size + b"\0")
        return elf([(PT_NOTE, 0, 0, len(notes), 0)] * count, notes)

    yield "2000 segments of one note with a name of 1 MiB", ANY, lambda: long_names(2000, MIB)
    yield "65534 segments of one note with a name of 64 KiB", ANY, lambda: long_names(65534, 65536)

    def same_notes():
        notes = file_note([(n * 4096, n * 4096 + 1) for n in range(4096)], b"\0" * 4096)
        return elf([(PT_NOTE, 0, 0, len(notes), 0)] * 65534, notes)

    yield "65534 segments of one note with 4096 mapped files", ANY, same_notes


def minidump(streams, body):
    """`streams` are (type, offset in the body, size); `body` is made for the offset at which it will stand."""
    base = 32 + 12 * len(streams)
    header = struct.pack("<4sIIIIIQ", b"MDMP", 0xA793, len(streams), 32, 0, 0, 0)
    pack = struct.Struct("<III").pack
    return header + b"".join(pack(kind, size, base + at) for kind, at, size in streams) + body(base)


def minidump_cases():
    thread = struct.Struct("<IIIIQQIIII").pack
    module = struct.Struct("<QIIII52sIIII16s").pack

    def threads(count, first=0):
        rows = (thread(first + n, 0, 0, 0, 0, n * 4096, 0, 0, 0, 0) for n in range(count))
        return struct.pack("<I", count) + b"".join(rows)

    def modules(count, name_at):
        rows = (module(n * 4096, 4096, 0, 0, name_at, bytes(52), 0, 0, 0, 0, bytes(16)) for n in range(count))
        return struct.pack("<I", count) + b"".join(rows)

    def string(units):
        return struct.pack("<I", 2 * len(units)) + units.encode("utf-16-le")

    def thread_names():
        count = 1 << 17
        body = threads(count)
        name = len(body) + 4 + 12 * count
        streams = [(THREADS, 0, len(body)), (THREAD_NAMES, len(body), 4 + 12 * count)]

        def whole(base):
            rows = struct.pack("<IQ", count - 1, base + name) * count
            return body + struct.pack("<I", count) + rows + string("n")

        return minidump(streams, whole)

    yield "131072 names for the last of 131072 threads", ANY, thread_names

    def shared(kind, count, body):
        return minidump([(kind, 0, len(body))] * count, lambda base: body)

    yield "4096 lists of the same 65536 threads", ANY, lambda: shared(THREADS, 4096, threads(65536))
    yield "4096 lists of the same 65536 ranges", ANY, \
        lambda: shared(MEMORY, 4096, struct.pack("<I", 65536) + struct.pack("<QII", 4096, 64, 32) * 65536)
    yield "4096 lists of the same 65536 pages", ANY, \
        lambda: shared(MEMORY_INFO, 4096, struct.pack("<IIQ", 16, 48, 65536) + bytes(48) * 65536)
    yield "4096 memory maps in the same 2 MiB of text", ANY, \
        lambda: shared(LINUX_MAPS, 4096, b"1-2 r 0 0 0 /\n" * (2 * MIB // 14))
    yield "512 memory maps with a name of 4 MiB", ANY, \
        lambda: shared(LINUX_MAPS, 512, b"1-2 r 0 0 0 /" + b"n" * 4 * MIB + b"\n")

    def named_modules(lists, count, name):
        text = string(name)
        size = 4 + 108 * count
        return minidump([(MODULES, len(text), size)] * lists, lambda base: text + modules(count, base))

    yield "262144 modules with the same long name", ANY, lambda: named_modules(1, 1 << 18, "\uffee" * 512)
    yield "4096 lists of the same 16384 modules with a long name", ANY, lambda: named_modules(4096, 1 << 14, "n" * 512)
    yield "1000000 streams of the same range", ANY, \
        lambda: shared(MEMORY, 10**6, struct.pack("<IQII", 1, 4096, 64, 32))

    def whole_file():
        count = 1 << 20
        rows = b"".join(struct.pack("<QII", n << 32, 16 * count, 0) for n in range(count))
        return minidump([(MEMORY, 0, 4 + 16 * count)], lambda base: struct.pack("<I", count) + rows)

    yield "1048576 ranges that are the whole file each", ANY, whole_file
    yield "ranges of 2^63 bytes", ANY, \
        lambda: shared(MEMORY64, 1, struct.pack("<QQ", 1000, 2**63) + struct.pack("<QQ", 2**63, 2**63) * 1000)
