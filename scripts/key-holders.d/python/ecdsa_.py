"""ecdsa: CPython's integers sign."""

import hashlib

from ecdsa import SigningKey

import holder

kind = holder.kind("ecdsa")
key = SigningKey.from_pem(holder.read("key.pem"), **({} if kind == "ed25519" else {"hashfunc": hashlib.sha256}))
holder.stay(key.sign)
