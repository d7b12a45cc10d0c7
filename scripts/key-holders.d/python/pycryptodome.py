"""PyCryptodome: a key from PEM signs."""

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import DSS, eddsa, pkcs1_15

import holder

kind = holder.kind("pycryptodome")
if kind.startswith("rsa"):
    signer = pkcs1_15.new(RSA.import_key(holder.read("key.pem")))
elif kind == "ed25519":
    signer = eddsa.new(ECC.import_key(holder.read("key.pem")), "rfc8032")
else:
    signer = DSS.new(ECC.import_key(holder.read("key.pem")), "fips-186-3")
holder.stay(lambda text: signer.sign(text if kind == "ed25519" else SHA256.new(text)))
