"""TLS before a server on the loopback interface: `tls_front.py PORT DIRECTORY`.

Binds a free port, tells it as the first line of its output, hands every byte on to the server at PORT
and back, and ends when its standard input does: with the program that started it.

The certificate is for `localhost` and 127.0.0.1. DIRECTORY/ca.pem holds the root that it goes back to,
made anew each time. As at AWS's endpoints, every key is RSA with 2,048 bits, and an intermediate
authority stands between root and server, so that a handshake costs a client what it costs there.
"""

import asyncio
import datetime
import ipaddress
import json
import os
import ssl
import sys
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

# A front lives for minutes; a day leaves room for clocks that differ.
VALID = datetime.timedelta(days=1)
# Most bytes that are handed on at once, which is what one TLS record holds.
CHUNK = 16 * 1024


def certificate(name, issuer, extensions):
    """A certificate and its key, signed by `issuer`, another such pair, or by itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_name, issuer_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(
        issuer_name, subject, key.public_key(), x509.random_serial_number(), now - VALID, now + VALID
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256()), key


def pem(*parts):
    return b"".join(part.public_bytes(serialization.Encoding.PEM) for part in parts)


def server_context(directory):
    """The server's side of TLS; leaves the root in the directory."""
    authority = x509.BasicConstraints(ca=True, path_length=None)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    root = certificate("Banto's local root", None, [authority])
    intermediate = certificate("Banto's local authority", root, [authority])
    server, key = certificate("localhost", intermediate, [x509.SubjectAlternativeName(names)])
    (directory / "ca.pem").write_bytes(pem(root[0]))
    chain = directory / "server.pem"
    chain.write_bytes(
        pem(server, intermediate[0])
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


async def pump(reader, writer):
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        # The other side is gone; closing tells this one.
        pass
    finally:
        writer.close()


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


async def main(port, directory):
    async def front(reader, writer):
        try:
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, behind_writer), pump(behind_reader, writer))

    server = await asyncio.start_server(front, "127.0.0.1", 0, ssl=server_context(directory))
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


threading.Thread(target=end_with_parent, daemon=True).start()
asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
