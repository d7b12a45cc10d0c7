"""Which programs are started: for each library what holds the key, what it needs, and which kinds of key it takes."""

import servers
from holders import (
    Holder,
    bun,
    compiled,
    deno,
    go,
    java,
    mono,
    node,
    of_crates,
    of_debian,
    own,
    python,
    rust,
    says,
    script,
    tool,
)

COMMON = ("rsa2048", "p256", "ed25519")
ALL_RSA = ("rsa2048", "rsa3072", "rsa4096")
CURVES = ("p256", "p384", "p521")

NODE_MODULES = {"NODE_PATH": "SHELF/node/node_modules"}
BOUNCY = ("/usr/share/java/bcprov.jar",)
S_SERVER = ["s_server", "-accept", "127.0.0.1:PORT", "-key", "key.pem", "-cert", "cert.pem", "-quiet"]


def every() -> list:
    return [*first(), *in_c(), *of_32_bits(), *in_python(), *in_javascript(), *in_others(), *real_servers()]


def first() -> list:
    return [
        Holder(
            "openssl-s_server",
            "OpenSSL, s_server",
            ALL_RSA + CURVES + ("k256", "ed25519"),
            tool("openssl", *S_SERVER),
            says("version"),
            "tls",
            needs="openssl",
        ),
        Holder(
            "openssl-evp",
            "OpenSSL, EVP in C",
            COMMON + ("rsa2048e3", "rsa4096", "p521", "x25519"),
            compiled("libcrypto.c", "libcrypto"),
            own,
            needs="libssl-dev",
        ),
        Holder("go-sign", "Go, crypto", COMMON + ("rsa4096", "p384", "p521"), go("sign"), own, needs="golang-go"),
        Holder("go-tls", "Go, crypto/tls", COMMON, go("serve", "PORT"), own, "tls", needs="golang-go"),
        Holder("go-new-sign", "Go, crypto", COMMON + ("rsa4096", "p384", "p521"), go("sign", fetched=True), own),
        Holder("go-new-agree", "Go, crypto/ecdh", ("x25519",), go("agree", fetched=True), own),
        Holder("go-new-tls", "Go, crypto/tls", COMMON, go("serve", "PORT", fetched=True), own, "tls"),
        Holder(
            "java-sign",
            "Java, SunRsaSign and SunEC",
            COMMON + ("rsa4096", "p384"),
            java("Sign"),
            own,
            needs="openjdk-17-jdk-headless",
        ),
        Holder("java-jsse", "Java, JSSE", COMMON, java("Serve", "PORT"), own, "tls", needs="openjdk-17-jdk-headless"),
        Holder("java-new-sign", "Java, SunRsaSign and SunEC", COMMON, java("Sign", fetched=True), own),
        Holder(
            "java-bc",
            "Java, Bouncy Castle",
            COMMON + ("k256",),
            java("Sign", "bc", jars=BOUNCY),
            own,
            needs="libbcprov-java",
        ),
        Holder("node-crypto", "Node, crypto", COMMON + ("x25519",), node("crypto"), own, needs="nodejs"),
        Holder("node-new-crypto", "Node, crypto", COMMON, node("crypto", fetched=True), own),
        Holder("node-tls", "Node, tls", COMMON, node("tls", "PORT"), own, "tls", needs="nodejs"),
        Holder(
            "node-forge",
            "node-forge",
            ("rsa2048", "rsa2048e3", "rsa3072"),
            node("node-forge", "node-forge"),
            own,
            environment=NODE_MODULES,
        ),
        Holder(
            "python-cryptography",
            "CPython cryptography",
            COMMON + ("rsa3072", "p384", "x25519"),
            python("cryptography_"),
            own,
        ),
        Holder(
            "gnutls",
            "GnuTLS",
            COMMON + ("rsa2048e3", "rsa4096", "p384"),
            compiled("gnutls.c", "gnutls"),
            own,
            needs="libgnutls28-dev",
        ),
        Holder(
            "gnutls-serv",
            "GnuTLS, gnutls-serv",
            COMMON,
            tool("gnutls-serv", "--quiet", "--port", "PORT", "--x509keyfile", "key.pem", "--x509certfile", "cert.pem"),
            says("--version"),
            "tls",
            needs="gnutls-bin",
        ),
        Holder(
            "nss", "NSS", ("rsa2048", "rsa4096", "p256", "p384"), compiled("nss.c", "nss"), own, needs="libnss3-dev"
        ),
        Holder(
            "mbedtls",
            "mbed TLS",
            ("rsa2048", "rsa4096", "p256", "p384", "k256"),
            compiled("mbedtls.c", "-lmbedcrypto"),
            own,
            needs="libmbedtls-dev",
        ),
        Holder(
            "rustls-ring",
            "rustls, ring",
            COMMON + ("rsa4096", "p384"),
            rust("serve", "PORT", "ring"),
            of_crates("rustls", "ring"),
            "tls",
        ),
        Holder(
            "rustls-aws-lc",
            "rustls, aws-lc-rs",
            COMMON + ("rsa4096", "p384", "p521"),
            rust("serve", "PORT", "aws-lc"),
            of_crates("rustls", "aws-lc-rs"),
            "tls",
        ),
        Holder(
            "rustcrypto",
            "RustCrypto",
            COMMON + ("p384", "k256"),
            rust("sign"),
            of_crates("rsa", "p256", "p384", "k256", "ed25519-dalek"),
        ),
    ]


def in_c() -> list:
    android = "/usr/lib/x86_64-linux-gnu/android"
    boring = f"-I/usr/include/android -L{android} -lcrypto -Wl,-rpath,{android}"
    return [
        Holder(
            "boringssl",
            "BoringSSL",
            COMMON + ("rsa4096", "p384"),
            compiled("libcrypto.c", boring),
            of_debian("android-libboringssl"),
            needs="android-libboringssl-dev",
        ),
        Holder(
            "nettle",
            "Nettle",
            COMMON + ("p384",),
            compiled("nettle.c", "hogweed nettle -lgmp"),
            own,
            needs="nettle-dev",
        ),
        Holder(
            "wolfssl",
            "wolfCrypt",
            COMMON + ("rsa4096", "p384"),
            compiled("wolfssl.c", "wolfssl"),
            own,
            needs="libwolfssl-dev",
        ),
        Holder(
            "libgcrypt",
            "libgcrypt",
            COMMON + ("rsa4096", "p384", "k256"),
            compiled("gcrypt.c", "libgcrypt"),
            own,
            needs="libgcrypt20-dev",
        ),
        Holder(
            "botan",
            "Botan",
            COMMON + ("rsa4096", "p384"),
            compiled("botan.cpp", "botan-2"),
            own,
            needs="libbotan-2-dev",
        ),
        Holder(
            "libsodium",
            "libsodium",
            ("ed25519", "x25519"),
            compiled("sodium.c", "libsodium"),
            own,
            needs="libsodium-dev",
        ),
        Holder(
            "crypto++",
            "Crypto++",
            COMMON + ("rsa4096", "p384"),
            compiled("cryptopp.cpp", "libcrypto++"),
            own,
            needs="libcrypto++-dev",
        ),
        Holder(
            "libtomcrypt",
            "LibTomCrypt, LibTomMath",
            ("rsa2048", "rsa4096"),
            compiled("tomcrypt.c", "libtomcrypt libtommath"),
            of_debian("libtomcrypt1"),
            needs="libtomcrypt-dev libtommath-dev",
        ),
        Holder(
            "bearssl",
            "BearSSL",
            ("rsa2048", "rsa4096", "p256", "p384"),
            compiled("bearssl.c", "-lbearssl"),
            own,
            needs="libbearssl-dev",
        ),
    ]


def of_32_bits() -> list:
    """The libraries of Debian's i386, with the headers of the system's own architecture."""

    def holder(name: str, library: str, kinds: tuple, source: str, *libraries: str) -> Holder:
        flags = "-m32 -I/usr/include/x86_64-linux-gnu -L/usr/lib/i386-linux-gnu"
        linked = " ".join(f"-l:{file}" for file in libraries)
        needs = "gcc-multilib, g++-multilib and the library of i386"
        return Holder(
            f"{name}-32", f"{library}, 32-bit", kinds, compiled(source, f"{flags} {linked}"), own, needs=needs
        )

    return [
        holder("nettle", "Nettle", COMMON, "nettle.c", "libhogweed.so.6", "libnettle.so.8", "libgmp.so.10"),
        holder("libgcrypt", "libgcrypt", COMMON, "gcrypt.c", "libgcrypt.so.20"),
        holder("crypto++", "Crypto++", COMMON, "cryptopp.cpp", "libcrypto++.so.8"),
        holder("libtomcrypt", "LibTomCrypt, LibTomMath", ("rsa2048",), "tomcrypt.c", "libtomcrypt.so.1"),
        holder("bearssl", "BearSSL", ("rsa2048", "p256"), "bearssl.c", "libbearssl.so.0"),
        holder("libsodium", "libsodium", ("ed25519",), "sodium.c", "libsodium.so.23"),
    ]


def in_python() -> list:
    return [
        Holder("python-ssl", "CPython, ssl", COMMON, python("ssl_", "PORT"), own, "tls"),
        Holder("pycryptodome", "PyCryptodome", COMMON + ("rsa4096", "p384"), python("pycryptodome"), own),
        Holder("python-rsa", "rsa (Python)", ("rsa2048", "rsa4096"), python("rsa_"), own),
        Holder("python-ecdsa", "ecdsa (Python)", ("p256", "p384", "k256", "ed25519"), python("ecdsa_"), own),
        Holder("pynacl", "PyNaCl", ("ed25519",), python("pynacl"), own),
        Holder("paramiko", "paramiko", COMMON, python("paramiko_"), own),
        Holder("asyncssh", "asyncssh", COMMON, python("asyncssh_"), own),
        Holder("pyjwt", "PyJWT", COMMON, python("pyjwt"), own),
        Holder("joserfc", "joserfc", COMMON, python("joserfc_"), own),
        Holder("tlslite-ng", "tlslite-ng", ("rsa2048", "p256"), python("tlslite_"), own),
        Holder("coincurve", "coincurve, libsecp256k1", ("k256",), python("coincurve_"), own),
        Holder("awscrt", "awscrt, aws-lc", ("rsa2048", "rsa4096"), python("awscrt_"), own),
        Holder("fastecdsa", "fastecdsa", ("p256", "k256"), python("fastecdsa_"), own),
    ]


def in_javascript() -> list:
    def holder(name: str, kinds: tuple, package: str = "") -> Holder:
        return Holder(name, package or name, kinds, node(name, package or name), own, environment=NODE_MODULES)

    return [
        holder("jsonwebtoken", ("rsa2048", "p256")),
        holder("jsrsasign", ("rsa2048", "p256")),
        holder("elliptic", ("p256", "p384", "k256", "ed25519")),
        holder("jose", COMMON),
        holder("noble-curves", ("p256", "p384", "k256", "ed25519"), "@noble/curves"),
        holder("node-rsa", ("rsa2048", "rsa4096")),
        holder("jsencrypt", ("rsa2048",)),
        holder("tweetnacl", ("ed25519",)),
        holder("sshpk", COMMON),
        # Where `navigator` is there, node-forge and jsrsasign choose other digits.
        Holder(
            "node-new-forge",
            "node-forge",
            ("rsa2048",),
            node("node-forge", "node-forge", fetched=True),
            own,
            environment=NODE_MODULES,
        ),
        Holder(
            "node-new-jsrsasign",
            "jsrsasign",
            ("rsa2048",),
            node("jsrsasign", "jsrsasign", fetched=True),
            own,
            environment=NODE_MODULES,
        ),
        Holder("bun-crypto", "Bun, crypto", COMMON, bun("crypto"), own),
        Holder("bun-forge", "node-forge", ("rsa2048",), bun("node-forge", "node-forge"), own, environment=NODE_MODULES),
        Holder("bun-elliptic", "elliptic", ("p256",), bun("elliptic", "elliptic"), own, environment=NODE_MODULES),
        Holder(
            "gjs-forge",
            "node-forge",
            ("rsa2048",),
            script("gjs", "gjs-forge.js"),
            own,
            environment=NODE_MODULES,
            needs="gjs",
        ),
        Holder("deno", "Deno, WebCrypto", COMMON + ("p384",), deno, own),
    ]


def in_others() -> list:
    return [
        Holder(
            "perl-rsa",
            "Perl, Crypt::OpenSSL::RSA",
            ("rsa2048", "rsa4096"),
            script("perl", "perl-rsa.pl"),
            own,
            needs="libcrypt-openssl-rsa-perl",
        ),
        Holder(
            "perl-cryptx",
            "Perl, CryptX",
            COMMON + ("p384", "k256"),
            script("perl", "perl-cryptx.pl"),
            own,
            needs="libcryptx-perl",
        ),
        Holder(
            "php-openssl", "PHP, openssl", ("rsa2048", "p256"), script("php", "php-openssl.php"), own, needs="php-cli"
        ),
        Holder("phpseclib", "phpseclib", COMMON, script("php", "phpseclib.php"), own, needs="php-phpseclib3"),
        Holder("tcl-pki", "Tcllib, pki", ("rsa2048",), script("tclsh", "tcl-pki.tcl"), own, needs="tcllib"),
        Holder("ruby-openssl", "Ruby, openssl", COMMON, script("ruby", "ruby-openssl.rb"), own, needs="ruby"),
        Holder(
            "erlang",
            "Erlang, crypto",
            ("rsa2048", "p256"),
            script("escript", "erlang.escript"),
            own,
            needs="erlang-base erlang-public-key erlang-crypto erlang-asn1",
        ),
        Holder(
            "mono",
            "Mono, RSACryptoServiceProvider",
            ("rsa2048", "rsa4096"),
            mono,
            says("--version"),
            needs="mono-mcs mono-runtime",
        ),
    ]


def real_servers() -> list:
    redis = ["--port", "0", "--tls-port", "PORT", "--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"]
    redis += ["--tls-auth-clients", "no", "--save", "", "--bind", "127.0.0.1"]
    return [
        Holder(
            "nginx",
            "nginx, OpenSSL",
            COMMON + ("rsa4096",),
            tool("nginx", "-p", ".", "-c", "nginx.conf", "-e", "error.log"),
            says("-v"),
            "tls",
            servers.nginx,
            needs="nginx",
        ),
        Holder(
            "apache",
            "Apache httpd, OpenSSL",
            COMMON,
            tool("apache2", "-X", "-f", "HOME/httpd.conf"),
            says("-v"),
            "tls",
            servers.apache,
            needs="apache2-bin",
        ),
        Holder(
            "haproxy",
            "HAProxy, OpenSSL",
            COMMON,
            tool("haproxy", "-db", "-f", "haproxy.cfg"),
            says("-v"),
            "tls",
            servers.haproxy,
            needs="haproxy",
        ),
        Holder(
            "redis",
            "Redis, OpenSSL",
            COMMON,
            tool("redis-server", *redis),
            says("--version"),
            "tls",
            needs="redis-server",
        ),
        Holder(
            "stunnel",
            "stunnel, OpenSSL",
            COMMON,
            tool("stunnel4", "stunnel.conf"),
            says("-version"),
            "tls",
            servers.stunnel,
            needs="stunnel4",
        ),
        Holder(
            "dropbear",
            "Dropbear, LibTomCrypt",
            COMMON,
            tool("dropbear", "-F", "-E", "-s", "-r", "hostkey", "-p", "127.0.0.1:PORT"),
            says("-V"),
            "ssh",
            servers.dropbear,
            needs="dropbear-bin",
        ),
        Holder(
            "sshd",
            "OpenSSH, sshd",
            COMMON,
            tool("sshd", "-D", "-e", "-f", "HOME/sshd_config"),
            of_debian("openssh-server"),
            "ssh",
            servers.sshd,
            needs="openssh-server",
        ),
        Holder(
            "ssh-agent",
            "OpenSSH, ssh-agent",
            COMMON,
            tool("ssh-agent", "-D", "-a", "sock"),
            of_debian("openssh-client"),
            "agent",
            needs="openssh-client",
        ),
        Holder(
            "gpg-agent",
            "GnuPG, gpg-agent",
            ("rsa2048", "rsa4096"),
            tool("gpg-agent", "--homedir", "HOME", "--no-detach", "--daemon", "sleep", "1000000"),
            says("--version"),
            "gpg",
            servers.gpg_agent,
            process="gpg-agent",
            needs="gpg-agent gpgconf",
        ),
        Holder(
            "tinc",
            "tinc, OpenSSL",
            ("rsa2048",),
            tool("tincd", "-D", "-c", "HOME", "--pidfile=HOME/pid"),
            says("--version"),
            "tcp",
            servers.tinc,
            needs="tinc",
        ),
    ]
