"""Writes the DER SubjectPublicKeyInfo of a public key in another format, for the fingerprints of make-forms.

usage: spki.py ssh       a line of ssh-keygen or puttygen on standard input
       spki.py pgp N     the Nth public key (from 0) of a binary OpenPGP message; nothing for ElGamal
       spki.py cng       a CNG public key blob
       spki.py rsa N E, dsa P Q G Y, curve NAME X Y    numbers in hex

Only the DER of a few fixed structures, so it needs no package.
"""

import base64
import struct
import sys


def tlv(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def integer(number):
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(text):
    return tlv(6, bytes.fromhex(text))


def info(algorithm, key):
    return tlv(0x30, tlv(0x30, *algorithm), tlv(3, b"\0", key))


RSA = oid("2a864886f70d010101")
DSA = oid("2a8648ce380401")
EC = oid("2a8648ce3d0201")
CURVES = {
    "nistp256": "2a8648ce3d030107",
    "nistp384": "2b81040022",
    "nistp521": "2b81040023",
    "secp256k1": "2b8104000a",
}
X25519, X448, ED25519, ED448 = ("2b656e", "2b656f", "2b6570", "2b6571")


def rsa(n, e):
    return info([RSA, tlv(5)], tlv(0x30, integer(n), integer(e)))


def dsa(p, q, g, y):
    return info([DSA, tlv(0x30, integer(p), integer(q), integer(g))], integer(y))


def ec(curve, point):
    assert point[0] == 4, "an uncompressed point"
    return info([EC, oid(curve)], point)


def edwards(algorithm, raw):
    return info([oid(algorithm)], raw)


def number(data):
    return int.from_bytes(data, "big")


def ssh(line):
    blob = base64.b64decode(line.split()[1])
    fields = []
    while blob:
        (size,) = struct.unpack_from(">I", blob)
        fields.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    kind, *rest = fields
    match kind.decode():
        case "ssh-rsa":
            return rsa(number(rest[1]), number(rest[0]))
        case "ssh-dss":
            return dsa(*map(number, rest))
        case "ssh-ed25519":
            return edwards(ED25519, rest[0])
        case "ssh-ed448":
            return edwards(ED448, rest[0])
        case _:
            return ec(CURVES[rest[0].decode()], rest[1])


def packets(data):
    at = 0
    while at < len(data):
        tag = data[at]
        if tag & 0x40:
            kind, first = tag & 0x3F, data[at + 1]
            if first < 192:
                size, at = first, at + 2
            elif first < 224:
                size, at = (first - 192) * 256 + data[at + 2] + 192, at + 3
            else:
                size, at = number(data[at + 2 : at + 6]), at + 6
        else:
            kind, width = tag >> 2 & 15, 1 << (tag & 3)
            size, at = number(data[at + 1 : at + 1 + width]), at + 1 + width
        yield kind, data[at : at + size]
        at += size


def pgp(data, which):
    body = [body for kind, body in packets(data) if kind in (6, 14)][which]
    assert body[0] == 4, "a version 4 packet"
    algorithm, rest = body[5], body[6:]

    def mpi():
        nonlocal rest
        size = (struct.unpack_from(">H", rest)[0] + 7) // 8
        value, rest = rest[2 : 2 + size], rest[2 + size :]
        return value

    if algorithm in (1, 2, 3):
        n, e = mpi(), mpi()
        return rsa(number(n), number(e))
    if algorithm == 17:
        return dsa(*(number(mpi()) for _ in range(4)))
    if algorithm in (18, 19, 22):
        curve, rest = rest[1 : 1 + rest[0]].hex(), rest[1 + rest[0] :]
        point = mpi()
        if curve == "2b06010401da470f01":
            return edwards(ED25519, point[1:])
        if curve == "2b060104019755010501":
            return edwards(X25519, point[1:])
        return ec(curve, point)
    return b""


def cng(blob):
    magic = blob[:4].decode()
    if magic == "RSA1":
        _, e_size, n_size = struct.unpack_from("<III", blob, 4)[:3]
        rest = blob[24:]
        return rsa(number(rest[e_size : e_size + n_size]), number(rest[:e_size]))
    if magic == "DSPB":
        (size,) = struct.unpack_from("<I", blob, 4)
        q, rest = number(blob[32:52]), blob[52:]
        p, g, y = (number(rest[at * size : (at + 1) * size]) for at in range(3))
        return dsa(p, q, g, y)
    curve = {"1": "nistp256", "3": "nistp384", "5": "nistp521"}[magic[3]]
    (size,) = struct.unpack_from("<I", blob, 4)
    return ec(CURVES[curve], b"\4" + blob[8 : 8 + 2 * size])


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    data = b"" if sys.stdin.isatty() or what in ("rsa", "dsa", "curve") else sys.stdin.buffer.read()
    match what:
        case "ssh":
            der = ssh(data.decode())
        case "pgp":
            der = pgp(data, int(arguments[0]))
        case "cng":
            der = cng(data)
        case "rsa":
            der = rsa(*(int(text, 16) for text in arguments))
        case "dsa":
            der = dsa(*(int(text, 16) for text in arguments))
        case "curve":
            name, x, y = arguments
            der = ec(CURVES[name], b"\4" + bytes.fromhex(x) + bytes.fromhex(y))
    sys.stdout.buffer.write(der)


main()
