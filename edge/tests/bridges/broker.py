"""A real Mosquitto of the test's own, on a free port; the test is skipped where none is installed."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .conftest import unused_port

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Broker:
    """``lines``: of its configuration, beside the listener's."""

    def __init__(self, folder: Path, lines: list[str]) -> None:
        if MOSQUITTO is None:
            pytest.skip("mosquitto is not installed (Debian package mosquitto)")
        self.port = unused_port()
        self._program = MOSQUITTO
        self._config = folder / f"mosquitto-{self.port}.conf"
        owner = ["user root"] if os.getuid() == 0 else []
        self._config.write_text("\n".join([f"listener {self.port} 127.0.0.1", *owner, *lines]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        command = [self._program, "-c", str(self._config)]
        self._process = await asyncio.to_thread(
            subprocess.Popen, command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while not self._listens():
                assert self._process.poll() is None, "mosquitto ended at once"
                await asyncio.sleep(0.02)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def kill(self) -> None:
        """As a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await asyncio.to_thread(process.wait)


@asynccontextmanager
async def broker_of(folder: Path, *lines: str) -> AsyncIterator[Broker]:
    broker = Broker(folder, list(lines) or ["allow_anonymous true"])
    await broker.start()
    try:
        yield broker
    finally:
        await broker.kill()


class Listener:
    """Everything that the broker passes on: newest payload by topic, and all of them in order."""

    def __init__(self) -> None:
        self.newest: dict[str, str] = {}
        self.every: list[tuple[str, str]] = []

    async def listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            text = bytes(message.payload).decode() if isinstance(message.payload, bytes) else ""
            self.newest[str(message.topic)] = text
            self.every.append((str(message.topic), text))


@asynccontextmanager
async def peer(broker: Broker, **access: Any) -> AsyncIterator[tuple[aiomqtt.Client, Listener]]:
    """A client of the test's own that hears everything."""
    listener = Listener()
    async with aiomqtt.Client("127.0.0.1", broker.port, **access) as client:
        await client.subscribe("#", qos=1)
        task = asyncio.create_task(listener.listen(client))
        try:
            yield client, listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(ready: Callable[[], Any], timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not ready():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


class Authority:
    """Makes certificates for one test."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        own = self._builder(self._name).public_key(self._key.public_key())
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True
        )
        own = own.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        self._certificate = own.sign(self._key, hashes.SHA256())
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, name: x509.Name) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self._name)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1))
        return builder.not_valid_after(now + dt.timedelta(hours=1))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key of ``name`` on 127.0.0.1, as PEM files."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])).public_key(key.public_key())
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        certificate = builder.sign(self._key, hashes.SHA256())
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        files[1].write_bytes(secret)
        files[1].chmod(0o600)
        return files
