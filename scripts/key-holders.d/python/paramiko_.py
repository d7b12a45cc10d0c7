"""paramiko: an OpenSSH key signs."""

import paramiko

import holder

kind = holder.kind("paramiko")
if kind.startswith("rsa"):
    key = paramiko.RSAKey.from_private_key_file("key.ssh")
elif kind == "ed25519":
    key = paramiko.Ed25519Key.from_private_key_file("key.ssh")
else:
    key = paramiko.ECDSAKey.from_private_key_file("key.ssh")
holder.stay(key.sign_ssh_data)
