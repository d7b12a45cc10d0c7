"""Keys as the `asyncssh` package writes them. usage: see take_rows in python.sh."""

import pathlib
import sys

import asyncssh

base, out, _, passphrase = sys.argv[1:]
base, out = pathlib.Path(base), pathlib.Path(out)
tool = f"asyncssh {asyncssh.__version__}"


def listed(file, key, form, note, data):
    (out / file).write_bytes(data)
    print("list", file, key, form, tool, note, sep="\t")


for name in ("rsa1024", "p384", "ed25519", "ed448"):
    key = asyncssh.read_private_key(base / f"{name}.pem")
    key.set_comment("throwaway@demo.test")
    listed(f"{name}.asyncssh.pem", name, "pem.openssh", "-", key.export_private_key("openssh"))
key = asyncssh.read_private_key(base / "rsa1024.pem")
listed(
    "rsa1024.asyncssh-encrypted.der",
    "rsa1024",
    "der.pkcs8-encrypted",
    "PBES1, MD5, DES",
    key.export_private_key("pkcs8-der", passphrase, cipher_name="des-cbc", hash_name="md5", pbe_version=1),
)
