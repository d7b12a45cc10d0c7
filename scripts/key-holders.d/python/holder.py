"""What the holders in Python have in common: they sign some times, say that they are ready, and stay."""

import sys
import time
from importlib.metadata import version


def kind(package):
    """The key's kind, from the command line; `version` prints the package's and ends."""
    if sys.argv[1] == "version":
        print(f"{version(package)}, Python {sys.version.split()[0]}")
        sys.exit()
    return sys.argv[1]


def read(name):
    with open(name, encoding="ascii") as file:
        return file.read()


def stay(sign):
    for number in range(5):
        sign(bytes([number]))
    open("ready", "w").close()
    time.sleep(1000000)
