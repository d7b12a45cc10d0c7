"""Where a key whose numbers are known lies in a core, by brute force: what, in which encoding, at which address.

Shares no code with the scanner, so that a miss of the scanner can be explained. Each number is written in every
encoding of `encodings`, cut into 16-byte pieces, and every piece is looked for at every offset: so a number counts as
there `whole`, or in `part` when at least half of its pieces stand (free() overwrites the first 16 bytes of a chunk).
"""

import base64
import ctypes
import hashlib
import math
import mmap
import struct
import subprocess
from bisect import bisect_right
from collections import Counter, defaultdict
from pathlib import Path
from typing import Iterator, NamedTuple, Optional

HERE = Path(__file__).resolve().parent
PIECE = 16
ROOM = 1 << 20  # hits that are kept
ADDRESSES = 8  # that are listed for each row

# Curve -> field's prime, group's order, bytes of a number, bits of Montgomery's R.
CURVES = {
    "secp256r1": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551, 32, 256,
    ),
    "secp384r1": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973, 48, 384,
    ),
    "secp521r1": (
        2**521 - 1, 2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7, 66, 576,
    ),
    "secp256k1": (2**256 - 2**32 - 977, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141, 32, 256),
}

# What stands above an integer of 32 bits in a value of these engines.
JAVASCRIPTCORE = 0xFFFE << 48
SPIDERMONKEY = 0x1FFF1 << 47

SECRET = {"p", "q", "d", "scalar", "seed", "expanded", "pem", "der"}


class Segment(NamedTuple):
    """Memory that an ELF core holds."""

    offset: int
    address: int
    size: int


def explain(core: Path, truth: dict, work: Path) -> list:
    """A row for each component and encoding that lies in the core.

    Rows: component, encoding, `whole` and `part` (how often), `mod16` (address modulo 16 -> how often, whole ones
    only), `addresses` (the first few).
    """
    written = [
        (component, encoding, data) for component, encoding, data in forms(truth) if len(data) >= PIECE
    ]
    pieces = defaultdict(list)
    for number, (_, _, data) in enumerate(written):
        for at in range(0, len(data) - PIECE + 1, PIECE):
            pieces[data[at:at + PIECE]].append((number, at))
    with open(core, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as memory:
        stands = defaultdict(set)
        ordered = sorted(pieces)
        for offset, index in search(memory, ordered, work):
            for number, at in pieces[ordered[index]]:
                stands[number, offset - at].add(at)
        map_ = segments(memory)
        counts: dict = defaultdict(lambda: {"whole": 0, "part": 0, "mod16": Counter(), "addresses": []})
        digits_there = set()
        covered: list = []  # (start, end) of what stands whole, in order, none inside another
        parts = []
        for number, start in sorted(stands, key=lambda place: place[1]):
            component, encoding, data = written[number]
            end = start + len(data)
            if start < 0 or memory[start:end] != data:
                parts.append((number, start))
                continue
            if encoding.endswith("/64") and (component, f"smi{encoding}", start - 4) in digits_there:
                # The same digits, looked at from the middle of the first word.
                continue
            digits_there.add((component, encoding, start))
            if not covered or end > covered[-1][1]:
                covered.append((start, end))
            tell(counts[component, encoding], at_address(map_, start))
        for component, start in in_php(memory[:], truth):
            tell(counts[component, "zval31/128"], at_address(map_, start))
        for number, start in parts:
            # p - 1 and p share all pieces but one: what explains itself otherwise is no part.
            seen = [at for at in stands[number, start] if not inside(covered, start + at)]
            component, encoding, data = written[number]
            if 2 * len(seen) * PIECE >= len(data):
                counts[component, encoding]["part"] += 1
    return [
        {"component": component, "encoding": encoding} | count
        for (component, encoding), count in sorted(counts.items()) if count["whole"] or count["part"]
    ]


def tell(count: dict, address: Optional[int]) -> None:
    count["whole"] += 1
    if address is not None:
        count["mod16"][str(address % 16)] += 1
        if len(count["addresses"]) < ADDRESSES:
            count["addresses"].append(f"{address:#x}")


def leaks(rows: list) -> bool:
    """Whether one of the numbers that make the key, or a whole text of it, is there."""
    return any(row["component"].split(".")[0] in SECRET and row["whole"] for row in rows)


def search(memory: mmap.mmap, pieces: list, work: Path) -> list:
    """(offset, index of the piece) for every place where a piece stands; `pieces` are sorted."""
    library = work / "search.so"
    if not library.exists():
        build = ["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "search.c"]
        subprocess.run(build, check=True, capture_output=True)
    run = ctypes.CDLL(str(library)).search
    run.restype = ctypes.c_uint64
    hits = (ctypes.c_uint64 * (2 * ROOM))()
    first = ctypes.c_char.from_buffer(memory)
    found = run(
        ctypes.byref(first), ctypes.c_uint64(len(memory)), b"".join(pieces), ctypes.c_uint64(len(pieces)), hits,
        ctypes.c_uint64(ROOM),
    )
    del first
    if found > ROOM:
        raise ValueError(f"{found} pieces found, at most {ROOM} are kept")
    return [(hits[2 * at], hits[2 * at + 1]) for at in range(found)]


def inside(covered: list, offset: int) -> bool:
    """Whether the piece at an offset belongs to something whole."""
    at = bisect_right(covered, (offset, 2**64)) - 1
    # A longer one may have begun before the last one that begins here.
    return any(start <= offset and offset + PIECE <= end for start, end in covered[max(0, at - 3):at + 1])


class Table(NamedTuple):
    """Where the program headers of a little-endian ELF core lie, and their layout, of 64 or of 32 bits."""

    at: int
    count: int
    layout: struct.Struct
    kind: int  # the places of the fields in the layout
    flags: int
    offset: int
    address: int
    stored: int
    size: int

    @classmethod
    def of(cls, header: bytes) -> "Table":
        if header[4] == 2:
            at, = struct.unpack_from("<Q", header, 32)
            count, = struct.unpack_from("<H", header, 56)
            return cls(at, count, struct.Struct("<IIQQQQQQ"), kind=0, flags=1, offset=2, address=3, stored=5, size=6)
        at, = struct.unpack_from("<I", header, 28)
        count, = struct.unpack_from("<H", header, 44)
        return cls(at, count, struct.Struct("<IIIIIIII"), kind=0, flags=6, offset=1, address=2, stored=4, size=5)

    def patch(self, header: bytearray, count: int) -> None:
        """Another number of program headers, and no section headers."""
        wide = header[4] == 2
        struct.pack_into("<H", header, 56 if wide else 44, count)
        struct.pack_into("<Q" if wide else "<I", header, 40 if wide else 32, 0)
        struct.pack_into("<3H", header, 58 if wide else 46, 0, 0, 0)


def segments(memory: mmap.mmap) -> list:
    """What a little-endian ELF core holds, by file offset."""
    table = Table.of(memory[:64])
    found = []
    for row in table.layout.iter_unpack(memory[table.at:table.at + table.count * table.layout.size]):
        if row[table.kind] == 1 and row[table.stored]:
            found.append(Segment(row[table.offset], row[table.address], row[table.stored]))
    return sorted(found)


def at_address(map_: list, offset: int) -> Optional[int]:
    """The address of a file offset."""
    at = bisect_right(map_, (offset, 2**64, 0)) - 1
    if at < 0 or offset >= map_[at].offset + map_[at].size:
        return None
    return map_[at].address + offset - map_[at].offset


def forms(key: dict) -> Iterator:
    """(component, encoding, bytes) for all that is looked for."""
    if key["type"] == "rsa":
        yield from rsa_forms(key)
    elif key["type"] == "ec":
        yield from ec_forms(key)
    else:
        yield from named("seed", number_forms(int(key["seed"], 16), 32))
        # As bytes it is little-endian already: "be" here is the usual order.
        yield from named("expanded", number_forms(int(key["scalar_le"], 16), 32))
        if key["type"] == "ed25519":
            yield "hash", "be", hashlib.sha512(bytes.fromhex(key["seed"])).digest()
        yield from named("pub", number_forms(int(key["pub"], 16), 32))
    for form, data in key["der"].items():
        yield from named(f"der.{form}", blob_forms(bytes.fromhex(data)))
    for form, text in key["pem"].items():
        yield from named(f"pem.{form}", text_forms(text))
    yield from named("spki", blob_forms(bytes.fromhex(key["spki_der"])))
    if "cert_pem" in key:
        yield from named("cert", blob_forms(bytes.fromhex(key["cert_der"])))
        yield from named("cert.pem", text_forms(key["cert_pem"]))


def rsa_forms(key: dict) -> Iterator:
    value = {name: int(key[name], 16) for name in ("n", "d", "p", "q", "dp", "dq", "qinv")}
    p, q = value["p"], value["q"]
    limb = 2 ** (p.bit_length() + 63 & ~63)
    phi = (p - 1) * (q - 1)
    value |= {"pinv": pow(p, -1, q), "qinv.mont": value["qinv"] * limb % p, "pinv.mont": pow(p, -1, q) * limb % q}
    value |= {"p-1": p - 1, "q-1": q - 1, "phi": phi}
    for name, modulus in {"d.phi": phi, "d.lambda": phi // math.gcd(p - 1, q - 1)}.items():
        if pow(key["e"], -1, modulus) != value["d"]:
            value[name] = pow(key["e"], -1, modulus)
    for name, number in value.items():
        yield from named(name, number_forms(number, (number.bit_length() + 7) // 8))


def ec_forms(key: dict) -> Iterator:
    prime, order, size, bits = CURVES[key["curve"]]
    scalar, x, y = (int(key[name], 16) for name in ("scalar", "x", "y"))
    yield from named("scalar", number_forms(scalar, size))
    yield from named("scalar.mont", number_forms((scalar << bits) % order, size))
    for times in (1, 2):
        yield from named(f"scalar+{times}n", number_forms(scalar + times * order, size + 1))
    for name, coordinate in {"x": x, "y": y}.items():
        yield from named(name, number_forms(coordinate, size))
        yield from named(f"{name}.mont", number_forms((coordinate << bits) % prime, size))
        # The JDK's and others' five digits of 52 bits.
        yield f"{name}.mont260", "52/64", digits((coordinate << 260) % prime, 52, "<Q")
    yield "point", "be", bytes.fromhex(key["x"] + key["y"])
    # Inside PKCS#8 the curve's name stands outside.
    inner = bytes.fromhex(key["der"]["pkcs8"])
    start = inner.index(b"\x02\x01\x01\x04", 8)
    start -= 2 if inner[start - 2] == 0x30 else 3
    yield from named("der.sec1-bare", blob_forms(inner[start:]))


def named(component: str, written: dict) -> Iterator:
    for encoding, texts in written.items():
        for text in texts:
            yield component, encoding, text


def number_forms(value: int, size: int) -> dict:
    """Encoding -> the bytes of a number, of which a base64 text has one for each start within the 3-byte groups.

    `30/32` stands for digits of 30 bits in 32-bit words, least significant first; be32 and be64 are words in machine
    order, most significant first; smi are V8's small integers, in 64-bit words or, with compressed pointers, in 32-bit,
    jsc and sm those of JavaScriptCore and SpiderMonkey.
    """
    big = value.to_bytes(size, "big")
    words = big.rjust(size + -size % 8, b"\0")
    halves = big.rjust(size + -size % 4, b"\0")
    hexa = big.hex()
    found = {
        "be": [big], "le": [big[::-1]],
        "be32": [b"".join(halves[at:at + 4][::-1] for at in range(0, len(halves), 4))],
        "be64": [b"".join(words[at:at + 8][::-1] for at in range(0, len(words), 8))],
        "hex": [hexa.encode(), hexa.upper().encode()],
        "hex:": [big.hex(":").encode(), big.hex(":").upper().encode()],
        "dec": [str(value).encode()],
        "b64": base64_forms(big),
        "utf16.hex": [hexa.encode("utf-16-le"), hexa.upper().encode("utf-16-le")],
        "utf16.dec": [str(value).encode("utf-16-le")],
    }
    found["utf16.b64"] = [text.decode().encode("utf-16-le") for text in found["b64"]]
    for word, code, widths in (
        (16, "<H", (15,)), (32, "<I", (31, 30, 28, 26)), (64, "<Q", (60, 58, 56, 52, 51, 28, 26)),
    ):
        for width in widths:
            found[f"{width}/{word}"] = [digits(value, width, code)]
    for width in (30, 28, 26):
        found[f"jsc{width}/64"] = [digits(value, width, "<Q", tag=JAVASCRIPTCORE)]
        found[f"sm{width}/64"] = [digits(value, width, "<Q", tag=SPIDERMONKEY)]
        found[f"smi{width}/64"] = [digits(value, width, "<Q", 32)]
        found[f"smi{width}/32"] = [digits(value, width, "<I", 1)]
    for width in (30, 28, 26, 24):
        found[f"f64.{width}"] = [digits(value, width, "<d")]
    return found


def digits(value: int, width: int, code: str, shift: int = 0, tag: int = 0) -> bytes:
    """The number in digits of `width` bits, least significant first, each shifted left in a word of its own."""
    written = []
    while value:
        written.append(struct.pack(code, (value & ((1 << width) - 1)) << shift | tag))
        value >>= width
    return b"".join(written)


def in_php(memory: bytes, key: dict) -> Iterator:
    """(component, offset) of numbers in arrays of PHP: digits of 31 bits, each in 16 bytes.

    Such a value is the digit in 8 bytes, the type in 4 (an integer's is 4), and 4 bytes of anything.
    """
    for component in ("p", "q", "d", "dp", "dq", "n", "scalar", "x", "y"):
        if component not in key:
            continue
        value = int(key[component], 16)
        cells = [value >> at & 0x7FFFFFFF for at in range(0, value.bit_length(), 31)]
        cells = [struct.pack("<QI", cell, 4) for cell in cells]
        # What a core has most of is zeros: a digit without any is found soonest.
        rare = next((n for n, cell in enumerate(cells) if 0 not in cell[:4]), 0)
        at = memory.find(cells[rare][:4])
        while at >= 0:
            start = at - 16 * rare
            if start >= 0 and all(memory[start + 16 * n:start + 16 * n + 12] == cell for n, cell in enumerate(cells)):
                yield component, start
            at = memory.find(cells[rare][:4], at + 1)


def blob_forms(data: bytes) -> dict:
    found = {"be": [data], "hex": [data.hex().encode(), data.hex().upper().encode()], "b64": base64_forms(data)}
    return found | {"utf16.b64": [text.decode().encode("utf-16-le") for text in found["b64"]]}


def base64_forms(data: bytes) -> list:
    """In base64 and base64url, at each start within the 3-byte groups, without the characters that neighbours share."""
    found = []
    for shift, cut in ((0, 0), (1, 2), (2, 3)):
        for letters in (b"+/", b"-_"):
            text = base64.b64encode(bytes(shift) + data, letters).rstrip(b"=")
            text = text[cut:len(text) - (1 if (shift + len(data)) % 3 else 0)]
            if text not in found:
                found.append(text)
    return found


def text_forms(text: str) -> dict:
    """A PEM text with the line ends it may have."""
    text = text.strip()
    return {
        "lf": [text.encode()], "crlf": [text.replace("\n", "\r\n").encode()],
        "\\n": [text.replace("\n", "\\n").encode()],
        "one line": ["".join(text.splitlines()[1:-1]).encode()], "utf16": [text.encode("utf-16-le")],
    }
