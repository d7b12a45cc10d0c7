"""rsa: CPython's integers sign."""

import rsa

import holder

holder.kind("rsa")
key = rsa.PrivateKey.load_pkcs1(holder.read("trad.pem"))
holder.stay(lambda text: rsa.sign(text, key, "SHA-256"))
