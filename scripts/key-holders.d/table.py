"""The table for the README: which library's keys are found, and how."""

from collections import defaultdict
from pathlib import Path

COLUMNS = ["rsa2048", "rsa2048e3", "rsa3072", "rsa4096", "p256", "p384", "p521", "k256", "ed25519", "x25519"]
TITLES = {
    "rsa2048": "RSA 2048",
    "rsa2048e3": "RSA 2048, e = 3",
    "rsa3072": "RSA 3072",
    "rsa4096": "RSA 4096",
    "p256": "P-256",
    "p384": "P-384",
    "p521": "P-521",
    "k256": "secp256k1",
    "ed25519": "Ed25519",
    "x25519": "X25519",
}
NUMBERS = ["p", "q", "d", "dp", "dq", "d.phi", "d.lambda", "scalar", "scalar.mont", "seed", "expanded"]


FAMILIES = {"pem": "PEM", "der": "DER", "ssh": "SSH", "pgp": "GnuPG", "json": "JSON", "xml": "XML"}
BEGIN, END = "<!-- key-holders -->", "<!-- end of key-holders -->"


def markdown(results: list) -> str:
    """Rows are libraries, columns kinds of key; a cell says how the key was found."""
    rows: dict = defaultdict(dict)
    for result in results:
        rows[result["library"], result["version"]][result["kind"]] = cell(result)
    used = [kind for kind in COLUMNS if any(kind in cells for cells in rows.values())]
    lines = ["| library | " + " | ".join(TITLES[kind] for kind in used) + " |", "|---" * (len(used) + 1) + "|"]
    for (library, version), cells in sorted(rows.items(), key=lambda row: row[0][0].lower()):
        found = " | ".join(cells.get(kind, "") for kind in used)
        lines.append(f"| {library} ({version}) | {found} |")
    found = sum(result["core"]["found"] for result in results)
    there = sum(result["leaks"] or result["core"]["found"] for result in results)
    lines.append("")
    lines.append(f"{found} of the {there} keys that lie in these {len(results)} cores are found.")
    return "\n".join(lines) + "\n"


def place(text: str, path: Path) -> None:
    """Writes the table to a file; between the two marks, where the file has them."""
    whole = path.read_text() if path.exists() else ""
    if BEGIN in whole and END in whole:
        before, after = whole.split(BEGIN, 1)[0], whole.split(END, 1)[1]
        text = f"{before}{BEGIN}\n{text}{END}{after}"
    path.write_text(text)


def cell(result: dict) -> str:
    """How a key was found; or `missed`, or that it is found when its public half is given, or `not there`."""
    if result["core"]["found"]:
        return ways(result["core"])
    if result.get("asked", {}).get("found"):
        return f"only with `--public-keys`: {ways(result['asked'])}"
    return "missed" if result["leaks"] else "not there"


def ways(scan: dict) -> str:
    """Families of texts, and raw numbers by their encoding: `PEM, DER, limbs-le`."""
    texts, numbers = [], []
    for form, _, _ in scan["places"]:
        family, _, rest = form.partition(".")
        name = rest if family == "raw" else FAMILIES.get(family, form)
        into = numbers if family == "raw" else texts
        if name not in into:
            into.append(name)
    proof = "" if scan["proof"] == "arithmetic" else f" ({scan['proof']})"
    return ", ".join(sorted(texts) + sorted(numbers)) + proof


def where(rows: list) -> str:
    """The truth in a line: secret components by encoding, `~` for parts, `@` for addresses that are not 0 modulo 8."""
    by_encoding = defaultdict(list)
    for row in rows:
        name = row["component"]
        if name in NUMBERS or name.startswith(("pem.", "der.")):
            odd = any(int(address) % 8 for address in row["mod16"])
            by_encoding[row["encoding"]].append(f"{'' if row['whole'] else '~'}{name}{'@' if odd else ''}")
    return "; ".join(f"{encoding}: {' '.join(names)}" for encoding, names in sorted(by_encoding.items())) or "nothing"
