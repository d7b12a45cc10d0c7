"""JSON Web Keys as the `joserfc` package writes them. usage: see take_rows in python.sh."""

import importlib.metadata
import json
import pathlib
import sys

from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

base, out, _, _ = sys.argv[1:]
out = pathlib.Path(out)
tool = f"joserfc {importlib.metadata.version('joserfc')}"


def listed(file, keys, note, value):
    (out / file).write_text(json.dumps(value))
    for key in keys:
        print("list", file, key, "json.jwk", tool, note, sep="\t")


kinds = {"rsa1024": RSAKey, "p256": ECKey, "p521": ECKey, "ed25519": OKPKey, "x448": OKPKey}
keys = {
    name: kind.import_key((pathlib.Path(base) / f"{name}.pem").read_bytes())
    for name, kind in kinds.items()
}
for name, key in keys.items():
    listed(f"{name}.joserfc.jwk", [name], "spaces behind colons", key.as_dict(private=True))
secret = OctKey.generate_key(512)
print("know", "joserfc-oct512", "symmetric", 512, "-", sep="\t")
listed("joserfc-oct512.jwk", ["joserfc-oct512"], "oct", secret.as_dict(private=True))
store = KeySet([keys["p256"], keys["ed25519"], secret])
listed("several.joserfc.jwks", ["p256", "ed25519", "joserfc-oct512"], "set of three, one oct", store.as_dict(private=True))
