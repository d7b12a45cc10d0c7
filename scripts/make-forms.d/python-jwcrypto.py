"""JSON Web Keys as the `jwcrypto` package writes them. usage: see take_rows in python.sh."""

import importlib.metadata
import json
import pathlib
import sys

from jwcrypto import jwk

base, out, _, _ = sys.argv[1:]
out = pathlib.Path(out)
tool = f"jwcrypto {importlib.metadata.version('jwcrypto')}"


def listed(file, key, note, text):
    (out / file).write_text(text)
    print("list", file, key, "json.jwk", tool, note, sep="\t")


keys = {}
for path in sorted(pathlib.Path(base).glob("*.pem")):
    if path.stem.startswith("dsa") or path.stem == "x448":  # no JWK of DSA is defined; X448 it cannot import
        continue
    keys[path.stem] = jwk.JWK.from_pem(path.read_bytes())
    listed(f"{path.stem}.jwcrypto.jwk", path.stem, "compact, sorted", keys[path.stem].export_private())

for name in ("rsa1024", "p256", "ed25519"):
    text = keys[name].export_private()
    listed(f"{name}.jwcrypto-pretty.jwk", name, "indented", json.dumps(json.loads(text), indent=4))
    listed(f"{name}.jwcrypto-escaped.json", name, "JSON in a JSON string", json.dumps({"key": text}))
    listed(f"{name}.jwcrypto-escaped2.json", name, "JSON in a JSON string in another", json.dumps(json.dumps({"key": text})))
    reverse = dict(reversed(json.loads(text).items()))
    listed(f"{name}.jwcrypto-reverse.jwk", name, "members backwards", json.dumps(reverse, separators=(",", ":")))

# An RSA key may come without its primes.
numbers = json.loads(keys["rsa1024"].export_private())
bare = {name: numbers[name] for name in ("kty", "n", "e", "d")}
listed("rsa1024.jwcrypto-bare.jwk", "rsa1024", "n, e and d alone", json.dumps(bare))

store = jwk.JWKSet()
for name in ("rsa2048", "p384", "x25519", "ed448"):
    store.add(keys[name])
for name in ("rsa2048", "p384", "x25519", "ed448"):
    listed("several.jwcrypto.jwks", name, "set of four", store.export(private_keys=True))
listed("ed25519.jwcrypto.jwks", "ed25519", "set of one, indented", json.dumps({"keys": [json.loads(keys["ed25519"].export_private())]}, indent=2))

for size in (128, 256):
    print("know", f"jwcrypto-oct{size}", "symmetric", size, "-", sep="\t")
    secret = jwk.JWK.generate(kty="oct", size=size, kid=f"oct{size}", alg=f"A{size}GCM")
    listed(f"jwcrypto-oct{size}.jwk", f"jwcrypto-oct{size}", "oct", secret.export())
