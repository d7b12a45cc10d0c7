"""ssl: a server with a key from PEM. Started as `ssl_.py KIND PORT`."""

import socket
import ssl
import sys

if sys.argv[1] == "version":
    print(f"{sys.version.split()[0]}, {ssl.OPENSSL_VERSION}")
    sys.exit()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as server:
    while True:
        peer, _ = server.accept()
        try:
            with context.wrap_socket(peer, server_side=True) as stream:
                stream.write(b".")
        except OSError as error:
            print(error, file=sys.stderr)
