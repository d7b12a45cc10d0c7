"""Keys as the `pycryptodome` package writes them. usage: see take_rows in python.sh."""

import pathlib
import sys

import Crypto
from Crypto.PublicKey import DSA, ECC, RSA

base, out, _, passphrase = sys.argv[1:]
base, out = pathlib.Path(base), pathlib.Path(out)
tool = f"pycryptodome {Crypto.__version__}"


def listed(file, key, form, note, data):
    (out / file).write_bytes(data.encode() if isinstance(data, str) else data)
    print("list", file, key, form, tool, note, sep="\t")


key = RSA.import_key((base / "rsa2048.pem").read_bytes())
listed("rsa2048.pycryptodome.pem", "rsa2048", "pem.pkcs1", "-", key.export_key("PEM"))
listed(
    "rsa2048.pycryptodome-encrypted.pem",
    "rsa2048",
    "pem.pkcs1-encrypted",
    "DEK-Info, 3DES",
    key.export_key("PEM", passphrase, pkcs=1),
)
listed(
    "rsa2048.pycryptodome-pkcs8.pem",
    "rsa2048",
    "pem.pkcs8-encrypted",
    "PBES2, PBKDF2-SHA256, AES-256-CBC",
    key.export_key("PEM", passphrase, pkcs=8),
)
listed(
    "rsa2048.pycryptodome-scrypt.der",
    "rsa2048",
    "der.pkcs8-encrypted",
    "PBES2, scrypt, AES-192-CBC",
    key.export_key("DER", passphrase, pkcs=8, protection="scryptAndAES192-CBC", prot_params={"iteration_count": 1024}),
)
listed(
    "rsa2048.pycryptodome-gcm.der",
    "rsa2048",
    "der.pkcs8-encrypted",
    "PBES2, PBKDF2-SHA512, AES-256-GCM",
    key.export_key("DER", passphrase, pkcs=8, protection="PBKDF2WithHMAC-SHA512AndAES256-GCM", prot_params={"iteration_count": 1000}),
)
key = DSA.import_key((base / "dsa1024.pem").read_bytes())
listed("dsa1024.pycryptodome.pem", "dsa1024", "pem.dsa", "-", key.export_key("PEM", pkcs8=False))
listed("dsa1024.pycryptodome.der", "dsa1024", "der.dsa", "-", key.export_key("DER", pkcs8=False))
for name in ("p256", "p384", "p521"):
    key = ECC.import_key((base / f"{name}.pem").read_bytes())
    listed(f"{name}.pycryptodome.pem", name, "pem.sec1", "-", key.export_key(format="PEM", use_pkcs8=False))
    listed(f"{name}.pycryptodome.der", name, "der.pkcs8", "-", key.export_key(format="DER", compress=True))
for name in ("ed25519", "x25519", "ed448"):
    key = ECC.import_key((base / f"{name}.pem").read_bytes())
    listed(f"{name}.pycryptodome.der", name, "der.pkcs8", "-", key.export_key(format="DER"))
