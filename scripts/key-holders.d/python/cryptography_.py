"""cryptography: a key from PEM signs, or agrees on secrets (X25519)."""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, x25519

import holder

kind = holder.kind("cryptography")
with open("key.pem", "rb") as file:
    key = serialization.load_pem_private_key(file.read(), None)
options = [ec.ECDSA(hashes.SHA256())]
if kind.startswith("rsa"):
    options = [padding.PKCS1v15(), hashes.SHA256()]
elif kind == "ed25519":
    options = []
if kind == "x25519":
    holder.stay(lambda text: key.exchange(x25519.X25519PrivateKey.generate().public_key()))
holder.stay(lambda text: key.sign(text, *options))
