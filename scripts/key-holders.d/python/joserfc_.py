"""joserfc: a key from JWK signs."""

import json

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

import holder

kind = holder.kind("joserfc")
family = RSAKey if kind.startswith("rsa") else OKPKey if kind == "ed25519" else ECKey
key = family.import_key(json.loads(holder.read("key.jwk")))
algorithm = {"p256": "ES256", "p384": "ES384", "ed25519": "Ed25519"}.get(kind, "RS256")
holder.stay(lambda text: jwt.encode({"alg": algorithm}, {"sub": text.hex()}, key, algorithms=[algorithm]))
