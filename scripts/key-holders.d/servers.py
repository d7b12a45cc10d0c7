"""Configurations of real servers, written where the key's forms are; each is called as prepare(home, kind, port)."""

import hashlib
import os
import re
import subprocess
from pathlib import Path


def nginx(home: Path, kind: str, port: int) -> None:
    (home / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {home}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {home}/cert.pem;
        ssl_certificate_key {home}/key.pem;
        location / {{ return 200 "hello"; }}
    }}
}}
""")


def apache(home: Path, kind: str, port: int) -> None:
    modules = "/usr/lib/apache2/modules"
    (home / "httpd.conf").write_text(f"""
ServerRoot {home}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {home}/pid
Mutex file:{home}
ErrorLog {home}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule ssl_module {modules}/mod_ssl.so
SSLSessionCache none
SSLEngine on
SSLCertificateFile {home}/cert.pem
SSLCertificateKeyFile {home}/key.pem
""")


def haproxy(home: Path, kind: str, port: int) -> None:
    (home / "both.pem").write_text((home / "cert.pem").read_text() + (home / "key.pem").read_text())
    (home / "haproxy.cfg").write_text(f"""
global
    maxconn 64
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend tls
    bind 127.0.0.1:{port} ssl crt {home}/both.pem
    http-request return status 200
""")


def stunnel(home: Path, kind: str, port: int) -> None:
    (home / "stunnel.conf").write_text(f"""
foreground = yes
pid =
[tls]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:9
cert = {home}/cert.pem
key = {home}/key.pem
""")


def dropbear(home: Path, kind: str, port: int) -> None:
    line = ["dropbearconvert", "openssh", "dropbear", "key.ssh", "hostkey"]
    subprocess.run(line, cwd=home, check=True, capture_output=True)


def sshd(home: Path, kind: str, port: int) -> None:
    if os.geteuid() == 0:
        # Where its unprivileged half is locked in.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (home / "sshd_config").write_text(f"""
ListenAddress 127.0.0.1:{port}
HostKey {home}/key.ssh
PidFile none
UsePAM no
""")


def tinc(home: Path, kind: str, port: int) -> None:
    (home / "tinc.conf").write_text(f"""
Name = demo
DeviceType = dummy
BindToAddress = 127.0.0.1 {port}
Port = {port}
""")
    (home / "hosts").mkdir()
    (home / "hosts/demo").write_text((home / "pub.pem").read_text())
    (home / "rsa_key.priv").write_bytes((home / "trad.pem").read_bytes())


def gpg_agent(home: Path, kind: str, port: int) -> None:
    """An RSA key without passphrase, named by the SHA-1 of its modulus."""
    text = (home / "key.sexp").read_text()
    modulus = re.search("n #([0-9a-f]+)#", text)
    grip = hashlib.sha1(bytes.fromhex(modulus.group(1))).hexdigest().upper()
    (home / "private-keys-v1.d").mkdir(mode=0o700)
    (home / "private-keys-v1.d" / f"{grip}.key").write_text(f"Key: {text}\n")
