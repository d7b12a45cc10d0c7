"""coincurve: libsecp256k1 signs."""

from coincurve import PrivateKey

import holder

holder.kind("coincurve")
key = PrivateKey.from_pem(holder.read("trad.pem").encode())
holder.stay(key.sign)
