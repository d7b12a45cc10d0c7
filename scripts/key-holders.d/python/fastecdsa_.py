"""fastecdsa: a CPython integer and GMP sign."""

from fastecdsa import ecdsa
from fastecdsa.curve import P256, P384, secp256k1
from fastecdsa.keys import import_key

import holder

kind = holder.kind("fastecdsa")
key, _ = import_key("trad.pem", curve={"p256": P256, "p384": P384, "k256": secp256k1}[kind])
holder.stay(lambda text: ecdsa.sign(text, key, curve={"p256": P256, "p384": P384, "k256": secp256k1}[kind]))
