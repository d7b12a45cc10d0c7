#!/usr/bin/env python3
"""Says by exact search what a sample dump holds of the sample keys, and writes that down as its expected.json.

usage: truth.py FORMAT DUMP KEY_DIR [NAME]     write expected.json beside DUMP
       truth.py --check SAMPLES KEY_DIR        hold every sample against its expected.json
       truth.py --neutral DUMP                 blank the kernel release and build path in DUMP
       truth.py --readme README SAMPLES        put the fingerprints of the samples into README's table
       truth.py --pkcs8 OPENSSH_KEY            turn ssh-keygen's unencrypted Ed25519 key into a PKCS#8 PEM

FORMAT is elf-core or minidump. NAME is the key that has to be found whole; without it the dump has to be clean.

Shares nothing with the scanner, on purpose. Every PEM block and every well-formed DER structure that has the shape of a
PKCS#1, PKCS#8 or SEC1 private key is taken out of the dump, whichever key it holds, so that a foreign key (a library's
test key, a key of this machine) fails the run as well. Needs Python 3 and the openssl program.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

KINDS = {"rsa": "rsa-private-key", "ec": "ec-private-key", "ed25519": "ed25519-private-key"}
CURVES = {"prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "secp256k1"}
LABELS = {b"RSA ": "pem.pkcs1", b"EC ": "pem.sec1", b"": "pem.pkcs8", b"OPENSSH ": "pem.openssh"}
PEM = re.compile(
    rb"-----BEGIN ((?:[A-Z]+ )?)PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+?)-----END \1PRIVATE KEY-----"
)
# A SEQUENCE that begins with INTEGER 0 or 1: every private key does.
DER = re.compile(rb"(?=\x30(?:[\x00-\x7f]|\x81.|\x82..)\x02\x01[\x00\x01])", re.S)
ED25519_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


class Key:
    """One sample key: what a report says of it, and its secret numbers."""

    def __init__(self, path):
        self.name = path.stem
        text = openssl("pkey", "-in", str(path), "-noout", "-text").decode()
        spki = openssl("pkey", "-in", str(path), "-pubout", "-outform", "DER")
        self.spki = spki
        self.fingerprint = hashlib.sha256(spki).hexdigest()
        self.curve = None
        if "ED25519" in text:
            self.kind, self.bits = "ed25519", 256
            self.secrets = {"seed": field(text, "priv")}
        elif "ASN1 OID" in text:
            self.kind = "ec"
            self.curve = CURVES[re.search(r"ASN1 OID: (\S+)", text)[1]]
            self.bits = int(re.search(r"\((\d+) bit", text)[1])
            scalar = field(text, "priv").lstrip(b"\0")
            self.secrets = {"scalar": scalar.rjust((self.bits + 7) // 8, b"\0")}
        else:
            self.kind = "rsa"
            self.bits = int(re.search(r"\((\d+) bit", text)[1])
            names = {"d": "privateExponent", "p": "prime1", "q": "prime2"}
            self.secrets = {k: field(text, v).lstrip(b"\0") for k, v in names.items()}

    def owns(self, structure):
        """Whether the decoded structure holds this key."""
        main = self.secrets.get("d") or self.secrets.get("scalar") or self.secrets["seed"]
        return main in structure


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


def field(text, name):
    digits = re.search(rf"^{name}:\s*((?:\s*[0-9a-f]{{2}}:?)+)\s*$", text, re.M)[1]
    return bytes.fromhex(re.sub(r"[\s:]", "", digits))


def element(data, at, end):
    """(tag, start of contents, end of contents) of the DER element at `at`, or None."""
    if at + 2 > end:
        return None
    tag, length, start = data[at], data[at + 1], at + 2
    if length >= 0x80:
        count = length - 0x80
        if not 1 <= count <= 2 or start + count > end:
            return None
        length = int.from_bytes(data[start : start + count], "big")
        if length < (0x80 if count == 1 else 0x100):
            return None
        start += count
    return (tag, start, start + length) if start + length <= end else None


def children(data, start, end):
    """The elements between start and end, or None if they do not fill that space exactly."""
    found = []
    while start < end:
        child = element(data, start, end)
        if child is None:
            return None
        found.append(child)
        start = child[2]
    return found


def shape(data, at):
    """(form, end) of the private key structure at `at`, or None."""
    outer = element(data, at, len(data))
    inner = outer and children(data, outer[1], outer[2])
    if not inner or len(inner) < 2:
        return None
    tags = [tag for tag, _, _ in inner]
    version = data[inner[0][1]]
    if tags == [2] * 9 and version == 0:
        return "der.pkcs1", outer[2]
    if tags[:2] == [2, 4] and version == 1 and set(tags[2:]) <= {0xA0, 0xA1}:
        return "der.sec1", outer[2]
    if tags[:3] == [2, 0x30, 4] and set(tags[3:]) <= {0xA0, 0xA1, 0x81}:
        algorithm = children(data, inner[1][1], inner[1][2])
        if algorithm and algorithm[0][0] == 6:
            return "der.pkcs8", outer[2]
    return None


def structures(data):
    """(form, offset, the decoded key) of each whole private key in the dump, nested ones left out."""
    found = []
    for block in PEM.finditer(data):
        label = LABELS.get(block[1])
        if label is None:
            raise SystemExit(f"a PEM label unknown here: {block[1]!r} at {block.start():#x}")
        found.append((label, block.start(), base64.b64decode(re.sub(rb"\s", b"", block[2]))))
    covered = 0
    for anchor in DER.finditer(data):
        at = anchor.start()
        known = shape(data, at) if at >= covered else None
        if known:
            covered = known[1]
            found.append((known[0], at, data[at:covered]))
    return found


def places(data, needle):
    return [m.start() for m in re.finditer(re.escape(needle), data)]


def truth(form, dump, keys, quiet=False):
    """What expected.json should say of the dump."""
    data = dump.read_bytes()
    say = (lambda *_: None) if quiet else (lambda *words: print(" ", *words))
    forms = {}
    for name, at, decoded in structures(data):
        owner = next((key for key in keys if key.owns(decoded)), None)
        if owner is None:
            raise SystemExit(f"{dump}: a foreign private key ({name}) at {at:#x}")
        say(f"{owner.name}: {name} at {at:#x}, {len(decoded)} bytes decoded")
        forms.setdefault(owner, set()).add(name)
    for key in keys:
        loose = {}
        for secret, number in key.secrets.items():
            loose[f"{secret} big-endian"] = places(data, number)
            loose[f"{secret} little-endian"] = places(data, number[::-1])
        loose = {k: [hex(v) for v in at] for k, at in loose.items() if at}
        if loose and key not in forms:
            raise SystemExit(f"{dump}: numbers of {key.name}, but no whole form: {loose}")
        for where, at in loose.items():
            say(f"{key.name}: {where} at {', '.join(at)}")
        if spki := places(data, key.spki):
            say(f"{key.name}: SPKI at {', '.join(map(hex, spki))}")
    findings = [
        {
            "kind": KINDS[key.kind],
            "bits": key.bits,
            "curve": key.curve,
            "proof": "arithmetic",
            "spki_sha256": key.fingerprint,
            "forms": sorted(written),
        }
        for key, written in sorted(forms.items(), key=lambda pair: pair[0].fingerprint)
    ]
    return {"format": form, "verdict": "found" if findings else "clean", "findings": findings}


def write(form, dump, keys, wanted):
    found = truth(form, dump, keys)
    expected = [key.fingerprint for key in keys if key.name == wanted]
    if [finding["spki_sha256"] for finding in found["findings"]] != expected:
        raise SystemExit(f"{dump}: expected the key {wanted}, found {found['findings']}")
    (dump.parent / "expected.json").write_text(json.dumps(found, indent=2) + "\n")


def check(samples, keys):
    failed = 0
    dumps = sorted([*samples.glob("*/*.core"), *samples.glob("*/*.dmp")])
    for dump in dumps:
        expected = json.loads((dump.parent / "expected.json").read_text())
        ok = truth(expected["format"], dump, keys, quiet=True) == expected
        failed += not ok
        print("ok  " if ok else "BAD ", dump.relative_to(samples), expected["verdict"])
    return 1 if failed or not dumps else 0


def neutral(dump):
    """Overwrites the kernel's release, and any path that names it, with text of the same length."""
    data = bytearray(dump.read_bytes())
    release = os.uname().release
    plain = re.match(r"[\d.]*", release)[0]
    blank = plain + re.sub(r"[^-.]", "x", release[len(plain) :])
    for encoding in "latin-1", "utf-16-le":
        for at in places(bytes(data), release.encode(encoding)):
            start, end = at, at + len(release.encode(encoding))
            width = 1 if encoding == "latin-1" else 2
            while start >= width and 0x21 <= data[start - width] <= 0x7E:
                start -= width
            while end < len(data) and 0x21 <= data[end] <= 0x7E:
                end += width
            text = bytes(data[start:end]).decode(encoding)
            text = re.sub(r"[^/]", "x", text) if text.startswith("/") else text.replace(release, blank)
            data[start:end] = text.encode(encoding)
    dump.write_bytes(data)


def readme(path, samples):
    lines = path.read_text().split("\n")
    for i, line in enumerate(lines):
        name = re.match(r"\| `([^`]+)` \|", line)
        expected = name and samples / name[1] / "expected.json"
        if expected and expected.exists():
            prints = [finding["spki_sha256"] for finding in json.loads(expected.read_text())["findings"]]
            lines[i] = re.sub(r"`[0-9a-f]{64}`", lambda _: f"`{prints.pop(0)}`", line)
    path.write_text("\n".join(lines))


def pkcs8(path):
    """The seed follows the public key in the private part: string public, string seed || public."""
    body = path.read_bytes().replace(b"\n", b"").split(b"-----")[2]
    blob = base64.b64decode(body)
    at = blob.rindex(b"\0\0\0\x20")
    public = blob[at + 4 : at + 36]
    seed, again = blob[at + 40 : at + 72], blob[at + 72 : at + 104]
    if blob[at + 36 : at + 40] != b"\0\0\0\x40" or public != again:
        raise SystemExit(f"{path}: not an unencrypted Ed25519 key")
    text = base64.b64encode(ED25519_PKCS8 + seed).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"


def load(directory):
    return [Key(path) for path in sorted(Path(directory).glob("*.pem"))]


def main(args):
    match args:
        case ["--check", samples, keys]:
            return check(Path(samples), load(keys))
        case ["--neutral", dump]:
            neutral(Path(dump))
        case ["--readme", path, samples]:
            readme(Path(path), Path(samples))
        case ["--pkcs8", key]:
            print(pkcs8(Path(key)), end="")
        case ["elf-core" | "minidump" as form, dump, keys, *wanted] if len(wanted) < 2:
            write(form, Path(dump), load(keys), wanted[0] if wanted else None)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
