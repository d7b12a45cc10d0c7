"""Who gives the servers work: each client is called as client(home, kind, port, number) and says whether it was answered."""

import subprocess
from pathlib import Path

PATIENCE = 20  # seconds


def answered(command: list, home: Path, give: bytes = b"") -> bool:
    try:
        done = subprocess.run(command, cwd=home, input=give, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def tls(home: Path, kind: str, port: int, number: int) -> bool:
    """One handshake, by turns in TLS 1.3 and 1.2."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief"]
    if kind == "k256":
        # TLS 1.3 has no such signatures.
        command += ["-tls1_2", "-curves", "secp256k1:P-256", "-sigalgs", "ECDSA+SHA256"]
    elif number % 2:
        command.append("-tls1_2")
    return answered(command, home)


CLIENTS = {"tls": tls}
