"""The table for the README: which library's keys are found, and how."""

from collections import defaultdict

COLUMNS = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521", "k256", "ed25519"]
TITLES = {
    "rsa2048": "RSA 2048", "rsa3072": "RSA 3072", "rsa4096": "RSA 4096", "p256": "P-256", "p384": "P-384",
    "p521": "P-521", "k256": "secp256k1", "ed25519": "Ed25519",
}
NUMBERS = ["p", "q", "d", "dp", "dq", "d.phi", "d.lambda", "scalar", "scalar.mont", "seed", "expanded"]


def markdown(results: list) -> str:
    """Rows are libraries, columns kinds of key; a cell says how the key was found."""
    rows = defaultdict(dict)
    for result in results:
        rows[result["library"], result["version"]][result["kind"]] = cell(result)
    used = [kind for kind in COLUMNS if any(kind in cells for cells in rows.values())]
    lines = ["| library | " + " | ".join(TITLES[kind] for kind in used) + " |", "|---" * (len(used) + 1) + "|"]
    for (library, version), cells in rows.items():
        found = " | ".join(cells.get(kind, "") for kind in used)
        lines.append(f"| {library} ({version}) | {found} |")
    return "\n".join(lines) + "\n"


def cell(result: dict) -> str:
    """How a key was found; `missed`, with `asked` if it is found by its public key; or `not there`."""
    core = result["core"]
    if not core["found"]:
        if result.get("asked", {}).get("found"):
            return f"only with `--public-keys`: {ways(result['asked'])}"
        return "missed" if result["leaks"] else "not there"
    return ways(core)


def ways(scan: dict) -> str:
    """The forms, and behind each the numbers that lie so: `der.pkcs8, raw.limbs-le p q d`."""
    by_form = defaultdict(list)
    for form, component, _ in scan["places"]:
        by_form[form].append(component)
    told = []
    for form, components in sorted(by_form.items()):
        names = sorted(set(components) - {"key", ""})
        told.append(f"{form} {' '.join(names)}".strip())
    proof = "" if scan["proof"] == "arithmetic" else f" ({scan['proof']})"
    return ", ".join(told) + proof


def where(rows: list) -> str:
    """The truth in a line: secret components by encoding, `~` for parts, `@` for addresses that are not 0 modulo 8."""
    by_encoding = defaultdict(list)
    for row in rows:
        name = row["component"]
        if name in NUMBERS or name.startswith(("pem.", "der.")):
            odd = any(int(address) % 8 for address in row["mod16"])
            by_encoding[row["encoding"]].append(f"{'' if row['whole'] else '~'}{name}{'@' if odd else ''}")
    return "; ".join(f"{encoding}: {' '.join(names)}" for encoding, names in sorted(by_encoding.items())) or "nothing"
