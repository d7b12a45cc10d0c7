"""awscrt: aws-lc signs by RSA."""

from awscrt.crypto import RSA, RSASignatureAlgorithm
import hashlib

import holder

holder.kind("awscrt")
key = RSA.new_private_key_from_pem_data(holder.read("trad.pem"))
holder.stay(lambda text: key.sign(RSASignatureAlgorithm.PKCS1_5_SHA256, hashlib.sha256(text).digest()))
