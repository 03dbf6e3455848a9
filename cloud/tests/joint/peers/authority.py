"""A certificate authority of its own, and something that ends TLS before a server, as nginx does in the field."""

from __future__ import annotations

import asyncio
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = ("localhost",)
CHUNK = 65536


class Authority:
    """``ca``: the file that whoever trusts it names."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.ca = folder / f"{name.replace(' ', '-')}-ca.pem"
        own = self._signed(self._name, self._key.public_key(), (), (-30, 30), authority=True)
        self.ca.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def certificate(
        self, name: str, hosts: Sequence[str] = HERE, days: tuple[float, float] = (-1, 1)
    ) -> tuple[str, str]:
        """Files of a new certificate and its key; ``days``: from when to when, counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._signed(_named(name), key.public_key(), hosts, days)
        certificate, secret = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        formats = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, *formats))
        return str(certificate), str(secret)

    def _signed(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        hosts: Sequence[str],
        days: tuple[float, float],
        *,
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
        if hosts == HERE:
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@asynccontextmanager
async def tls_front(port: int, certificate: tuple[str, str], clients: Path) -> AsyncIterator[int]:
    """Its port; what comes there with TLS and a certificate of ``clients`` goes to ``port``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, behind[1]), _copy(behind[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=_asking(certificate, clients))
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


class _Handshakes(socketserver.ThreadingTCPServer):
    """Ends TLS as OpenSSL does it, with an alert that says what is wrong, and has nothing behind it."""

    allow_reuse_address, daemon_threads = True, True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        with suppress(OSError), self.context.wrap_socket(request, server_side=True) as wrapped:
            wrapped.recv(1)


@contextmanager
def handshakes(certificate: tuple[str, str], clients: Path) -> Iterator[int]:
    """The port of a server that asks for certificates of ``clients`` and does nothing more."""
    with _Handshakes(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        server.context = _asking(certificate, clients)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def _asking(certificate: tuple[str, str], clients: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.load_verify_locations(clients)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends, however it does."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
