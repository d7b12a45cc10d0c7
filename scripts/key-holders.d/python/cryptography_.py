"""cryptography: a key from PEM signs."""

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

import holder

kind = holder.kind("cryptography")
with open("key.pem", "rb") as file:
    key = serialization.load_pem_private_key(file.read(), None)
options = [ec.ECDSA(hashes.SHA256())]
if kind.startswith("rsa"):
    options = [padding.PKCS1v15(), hashes.SHA256()]
elif kind == "ed25519":
    options = []
holder.stay(lambda text: key.sign(text, *options))
