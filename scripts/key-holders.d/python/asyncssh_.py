"""asyncssh: an OpenSSH key signs."""

import asyncssh

import holder

kind = holder.kind("asyncssh")
key = asyncssh.read_private_key("key.ssh")
algorithm = b"rsa-sha2-256" if kind.startswith("rsa") else key.algorithm
holder.stay(lambda text: key.sign(text, algorithm))
