"""Throwaway keys: made by openssl, written in the forms the holders load, with all their numbers as truth."""

import base64
import hashlib
import json
import struct
import subprocess
from pathlib import Path

PASSPHRASE = "throwaway"

# Name -> options of `openssl genpkey`.
KINDS = {
    "rsa2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa2048e3": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"],
    "rsa3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa4096": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "k256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "ed25519": ["-algorithm", "ED25519"],
    "x25519": ["-algorithm", "X25519"],
}
EDWARDS = ("ed25519", "x25519")

# Kind -> curve's name in truth.json, bytes of a coordinate, libgcrypt's and OpenSSH's name.
CURVES = {
    "p256": ("secp256r1", 32, "NIST P-256", "nistp256"),
    "p384": ("secp384r1", 48, "NIST P-384", "nistp384"),
    "p521": ("secp521r1", 66, "NIST P-521", "nistp521"),
    "k256": ("secp256k1", 32, "secp256k1", None),
}


def make(kind: str, home: Path) -> dict:
    """A new key in `home`, in all forms, and its truth.

    key.pem, key.der: PKCS#8; trad.pem, trad.der: PKCS#1 or SEC 1 (RSA, EC); cert.pem: self-signed; key.p12: both, with
    the passphrase; spki.der, pub.pem: the public half; key.jwk; key.sexp: as libgcrypt reads it; key.xml: as .NET
    reads it (RSA); key.ssh: openssh-key-v1 (not secp256k1); seed.bin (Ed25519, X25519). X25519 has the plain ones only.
    """
    openssl(home, "genpkey", *KINDS[kind], "-out", "key.pem")
    # Not `openssl pkey`, which writes the traditional form as DER.
    openssl(home, "pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER", "-out", "key.der")
    openssl(home, "pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "spki.der")
    openssl(home, "pkey", "-in", "key.pem", "-pubout", "-out", "pub.pem")
    if kind != "x25519":
        openssl(
            home, "req", "-x509", "-new", "-key", "key.pem", "-subj", f"/CN=localhost/O={kind}", "-days", "30",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", "cert.pem",
        )
        openssl(
            home, "pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-name", "key",
            "-passout", f"pass:{PASSPHRASE}", "-out", "key.p12",
        )
    if kind.startswith("rsa"):
        openssl(home, "rsa", "-in", "key.pem", "-traditional", "-out", "trad.pem")
    elif kind not in EDWARDS:
        openssl(home, "ec", "-in", "key.pem", "-out", "trad.pem")
    if kind not in EDWARDS:
        (home / "trad.der").write_bytes(pem_body((home / "trad.pem").read_text()))

    key = numbers(kind, (home / "key.der").read_bytes(), (home / "spki.der").read_bytes())
    key["der"] = {"pkcs8": (home / "key.der").read_bytes().hex()}
    key["pem"] = {"pkcs8": (home / "key.pem").read_text()}
    if kind not in EDWARDS:
        form = "pkcs1" if key["type"] == "rsa" else "sec1"
        key["der"][form] = (home / "trad.der").read_bytes().hex()
        key["pem"][form] = (home / "trad.pem").read_text()
    key["spki_der"] = (home / "spki.der").read_bytes().hex()
    if kind in EDWARDS:
        (home / "seed.bin").write_bytes(bytes.fromhex(key["seed"]))
    if kind == "x25519":
        return key
    key["cert_pem"] = (home / "cert.pem").read_text()
    key["cert_der"] = pem_body(key["cert_pem"]).hex()

    (home / "key.jwk").write_text(json.dumps(jwk(kind, key)))
    (home / "key.sexp").write_text(sexp(kind, key))
    if key["type"] == "rsa":
        (home / "key.xml").write_text(xml(key))
    if kind != "k256":
        key["pem"]["openssh"] = openssh(kind, key)
        (home / "key.ssh").write_text(key["pem"]["openssh"])
        (home / "key.ssh").chmod(0o600)
    return key


def openssl(home: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=home, check=True, capture_output=True)


def pem_body(text: str) -> bytes:
    """What stands between the last BEGIN and its END."""
    lines = text[text.rindex("-----BEGIN"):].strip().splitlines()
    return base64.b64decode("".join(lines[1:-1]))


def items(der: bytes) -> list:
    """The (tag, content) pairs that stand one behind the other in well-formed DER."""
    found, at = [], 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at:at + size], "big"), at + size
        found.append((tag, der[at:at + length]))
        at += length
    return found


def numbers(kind: str, pkcs8: bytes, spki: bytes) -> dict:
    """Type, size, fingerprint and every number of a key, in hexadecimal."""
    inner = items(items(pkcs8)[0][1])[2][1]
    point = items(items(spki)[0][1])[1][1][1:]
    key = {"spki_sha256": hashlib.sha256(spki).hexdigest()}
    if kind.startswith("rsa"):
        values = [int.from_bytes(content, "big") for _, content in items(items(inner)[0][1])]
        key |= {"type": "rsa", "bits": values[1].bit_length(), "e": values[2]}
        names = {"n": 1, "d": 3, "p": 4, "q": 5, "dp": 6, "dq": 7, "qinv": 8}
        return key | {name: f"{values[at]:x}" for name, at in names.items()}
    if kind in EDWARDS:
        seed = items(inner)[0][1]
        expanded = bytearray(hashlib.sha512(seed).digest()[:32] if kind == "ed25519" else seed)
        expanded[0] &= 0xF8
        expanded[31] = expanded[31] & 0x7F | 0x40
        key |= {"type": kind, "bits": 256, "seed": seed.hex()}
        return key | {"scalar_le": expanded.hex(), "pub": point.hex()}
    curve, size, _, _ = CURVES[kind]
    scalar = items(items(inner)[0][1])[1][1]
    key |= {"type": "ec", "bits": int(kind[1:]), "curve": curve, "scalar": scalar.hex()}
    return key | {"x": point[1:1 + size].hex(), "y": point[1 + size:].hex()}


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def magnitude(value: str) -> bytes:
    """Hexadecimal of any length as big-endian bytes."""
    return bytes.fromhex(value.zfill(len(value) + len(value) % 2))


def jwk(kind: str, key: dict) -> dict:
    if key["type"] == "rsa":
        names = {"n": "n", "d": "d", "p": "p", "q": "q", "dp": "dp", "dq": "dq", "qi": "qinv"}
        fields = {field: unpadded(magnitude(key[name])) for field, name in names.items()}
        return {"kty": "RSA", "e": unpadded(magnitude(f"{key['e']:x}"))} | fields
    if kind == "ed25519":
        seed, public = bytes.fromhex(key["seed"]), bytes.fromhex(key["pub"])
        return {"kty": "OKP", "crv": "Ed25519", "d": unpadded(seed), "x": unpadded(public)}
    curve = {"p256": "P-256", "p384": "P-384", "p521": "P-521", "k256": "secp256k1"}[kind]
    fields = {field: unpadded(bytes.fromhex(key[name])) for field, name in {"d": "scalar", "x": "x", "y": "y"}.items()}
    return {"kty": "EC", "crv": curve} | fields


def sexp(kind: str, key: dict) -> str:
    """A private key as libgcrypt reads it; it wants p < q and u = 1/p mod q."""
    if key["type"] == "rsa":
        p, q = sorted(int(key[name], 16) for name in "pq")
        values = {"n": int(key["n"], 16), "e": key["e"], "d": int(key["d"], 16), "p": p, "q": q, "u": pow(p, -1, q)}
        # A leading zero byte keeps a number positive.
        fields = "".join(f"({name} #00{magnitude(f'{value:x}').hex()}#)" for name, value in values.items())
        return f"(private-key (rsa {fields}))"
    if kind == "ed25519":
        return f"(private-key (ecc (curve Ed25519) (flags eddsa) (q #{key['pub']}#) (d #{key['seed']}#)))"
    return f'(private-key (ecc (curve "{CURVES[kind][2]}") (q #04{key["x"]}{key["y"]}#) (d #{key["scalar"]}#)))'


def xml(key: dict) -> str:
    size = key["bits"] // 8
    fields = {
        "Modulus": ("n", size), "P": ("p", size // 2), "Q": ("q", size // 2), "DP": ("dp", size // 2),
        "DQ": ("dq", size // 2), "InverseQ": ("qinv", size // 2), "D": ("d", size),
    }
    exponent = base64.b64encode(magnitude(f"{key['e']:x}")).decode()
    text = f"<Exponent>{exponent}</Exponent>"
    for field, (name, length) in fields.items():
        text += f"<{field}>{base64.b64encode(int(key[name], 16).to_bytes(length, 'big')).decode()}</{field}>"
    return f"<RSAKeyValue>{text}</RSAKeyValue>"


def openssh(kind: str, key: dict) -> str:
    """openssh-key-v1 without encryption (OpenSSH's PROTOCOL.key)."""
    def field(data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + data

    def number(value: int) -> bytes:
        return field(value.to_bytes(value.bit_length() // 8 + 1, "big"))

    if key["type"] == "rsa":
        value = {name: int(key[name], 16) for name in ("n", "d", "qinv", "p", "q")}
        public = field(b"ssh-rsa") + number(key["e"]) + number(value["n"])
        private = field(b"ssh-rsa") + number(value["n"]) + number(key["e"])
        private += b"".join(number(value[name]) for name in ("d", "qinv", "p", "q"))
    elif kind == "ed25519":
        half = bytes.fromhex(key["pub"])
        public = field(b"ssh-ed25519") + field(half)
        private = public + field(bytes.fromhex(key["seed"]) + half)
    else:
        name = CURVES[kind][3].encode()
        public = field(b"ecdsa-sha2-" + name) + field(name) + field(b"\4" + bytes.fromhex(key["x"] + key["y"]))
        private = public + number(int(key["scalar"], 16))
    private = bytes(8) + private + field(b"throwaway")
    private += bytes(range(1, 1 + -len(private) % 8))
    blob = b"openssh-key-v1\0" + field(b"none") * 2 + field(b"") + struct.pack(">I", 1) + field(public) + field(private)
    text = base64.encodebytes(blob).decode().replace("\n", "")
    lines = "\n".join(text[at:at + 70] for at in range(0, len(text), 70))
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}\n-----END OPENSSH PRIVATE KEY-----\n"
