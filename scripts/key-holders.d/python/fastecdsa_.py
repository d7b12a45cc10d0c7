"""fastecdsa: a CPython integer and GMP sign."""

from fastecdsa import ecdsa
from fastecdsa.curve import P256, secp256k1
from fastecdsa.encoding.pem import PEMEncoder
from fastecdsa.keys import import_private_key

import holder

kind = holder.kind("fastecdsa")
curve = {"p256": P256, "k256": secp256k1}[kind]
key = import_private_key("trad.pem", PEMEncoder())
holder.stay(lambda text: ecdsa.sign(text, key, curve=curve))
