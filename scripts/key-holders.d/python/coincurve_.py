"""coincurve: libsecp256k1 signs."""

from coincurve import PrivateKey

import holder

holder.kind("coincurve")
key = PrivateKey.from_pem(holder.read("key.pem").encode())
holder.stay(key.sign)
