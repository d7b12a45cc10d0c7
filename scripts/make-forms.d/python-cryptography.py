"""Keys as the `cryptography` package writes them. usage: see take_rows in python.sh."""

import pathlib
import sys

import cryptography
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)

base, out, spki, passphrase = sys.argv[1:]
out, spki = pathlib.Path(out), pathlib.Path(spki)
tool = f"cryptography {cryptography.__version__}"
clear, encrypted = NoEncryption(), BestAvailableEncryption(passphrase.encode())


def listed(file, key, form, note="-"):
    print("list", file, key, form, tool, note, sep="\t")


def write(file, data):
    (out / file).write_bytes(data)


keys = {
    path.stem: load_pem_private_key(path.read_bytes(), None)
    for path in sorted(pathlib.Path(base).glob("*.pem"))
}

for name in ("rsa1024", "p256", "p521", "ed25519", "dsa1024"):
    file = f"{name}.cryptography-openssh.pem"
    write(file, keys[name].private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, clear))
    listed(file, name, "pem.openssh")
for name in ("ed25519", "secp256k1", "x448", "dsa2048"):
    file = f"{name}.cryptography.der"
    write(file, keys[name].private_bytes(Encoding.DER, PrivateFormat.PKCS8, clear))
    listed(file, name, "der.pkcs8")
for name in ("ed25519", "x25519"):
    file = f"{name}.cryptography-encrypted.pem"
    write(file, keys[name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encrypted))
    listed(file, name, "pem.pkcs8-encrypted")
file = "p521.cryptography-encrypted.openssh.pem"
write(file, keys["p521"].private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encrypted))
listed(file, "p521", "pem.openssh-encrypted")
for name, encryption, note in (("p384", clear, "key alone, in clear, no passphrase"), ("rsa1024", encrypted, "key alone, encrypted")):
    file = f"{name}.cryptography-{'clear' if encryption is clear else 'encrypted'}.p12"
    write(file, pkcs12.serialize_key_and_certificates(name.encode(), keys[name], None, None, encryption))
    listed(file, name, "der.pkcs12", note)

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem

    post_quantum = {
        "mldsa44": mldsa.MLDSA44PrivateKey,
        "mldsa65": mldsa.MLDSA65PrivateKey,
        "mldsa87": mldsa.MLDSA87PrivateKey,
        "mlkem768": mlkem.MLKEM768PrivateKey,
        "mlkem1024": mlkem.MLKEM1024PrivateKey,
    }
except ImportError:
    print("skipped: post-quantum keys, cryptography is too old", file=sys.stderr)
    post_quantum = {}
for name, kind in post_quantum.items():
    key = kind.generate()
    (spki / f"cryptography-{name}").write_bytes(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    print("know", f"cryptography-{name}", "other", "-", "-", sep="\t")
    for encoding, extension in ((Encoding.DER, "der"), (Encoding.PEM, "pem")):
        file = f"cryptography-{name}.pkcs8.{extension}"
        write(file, key.private_bytes(encoding, PrivateFormat.PKCS8, clear))
        listed(file, f"cryptography-{name}", f"{extension}.pkcs8", f"{name.upper()}, seed")
