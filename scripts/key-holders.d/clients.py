"""Who gives the servers work.

Each client is called as client(home, kind, port, number) and says whether it was answered."""

import os
import socket
import subprocess
from pathlib import Path

PATIENCE = 20  # seconds


def run(home: Path, *command: str, environment: dict = {}) -> subprocess.CompletedProcess:
    environment = dict(os.environ) | environment
    try:
        return subprocess.run(
            command, cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -1, b"", b"")


def tls(home: Path, kind: str, port: int, number: int) -> bool:
    """One handshake, by turns in TLS 1.3 and 1.2."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief"]
    if kind == "k256":
        # TLS 1.3 has no such signatures.
        command += ["-tls1_2", "-curves", "secp256k1:P-256", "-sigalgs", "ECDSA+SHA256"]
    elif number % 2:
        command.append("-tls1_2")
    return run(home, *command).returncode == 0


def ssh(home: Path, kind: str, port: int, number: int) -> bool:
    """One key exchange, which the server's key signs."""
    return b" " in run(home, "ssh-keyscan", "-T", "10", "-p", str(port), "127.0.0.1").stdout


def tcp(home: Path, kind: str, port: int, number: int) -> bool:
    """Only a word of greeting."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE):
            return True
    except OSError:
        return False


def agent(home: Path, kind: str, port: int, number: int) -> bool:
    """The first time the key is added to the agent; then it signs."""
    environment = {"SSH_AUTH_SOCK": str(home / "sock")}
    if number == 0:
        return run(home, "ssh-add", "-q", "key.ssh", environment=environment).returncode == 0
    (home / "key.ssh.pub").write_bytes(run(home, "ssh-add", "-L", environment=environment).stdout)
    (home / "text").write_text(f"text {number}")
    (home / "text.sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", "key.ssh.pub", "text"]
    return run(home, *command, environment=environment).returncode == 0


def gpg(home: Path, kind: str, port: int, number: int) -> bool:
    """One signature."""
    grip = next((home / "private-keys-v1.d").iterdir()).stem
    orders = [f"SIGKEY {grip}", f"SETHASH --hash=sha256 {number:064x}", "PKSIGN", "/bye"]
    told = run(home, "gpg-connect-agent", "--homedir", str(home), "--no-autostart", *orders)
    return b"sig-val" in told.stdout


CLIENTS = {"tls": tls, "ssh": ssh, "tcp": tcp, "agent": agent, "gpg": gpg}
