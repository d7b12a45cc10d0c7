"""PyJWT: the PEM text is given to every call, as most programs do."""

import jwt

import holder

kind = holder.kind("pyjwt")
key = holder.read("key.pem")
algorithm = {"p256": "ES256", "p384": "ES384", "ed25519": "EdDSA"}.get(kind, "RS256")
holder.stay(lambda text: jwt.encode({"sub": text.hex()}, key, algorithm))
