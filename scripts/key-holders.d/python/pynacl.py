"""PyNaCl: an Ed25519 seed from a file signs."""

from nacl.signing import SigningKey

import holder

holder.kind("pynacl")
with open("seed.bin", "rb") as file:
    key = SigningKey(file.read())
holder.stay(key.sign)
