"""An own PostgreSQL and the cloud's processes in a throw-away folder, the cloud on one core when asked for."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import zmq
from simems_cloud.kit.postgres.access import Access, access_to
from simems_cloud.kit.postgres.server import Server
from simems_cloud.kit.secret_files import curve_keys
from simems_cloud.kit.settings import Settings
from simems_cloud.migrations.run import upgrade


@dataclass(frozen=True)
class Device:
    tenant_id: UUID
    public_key: bytes
    secret_key: bytes


@dataclass(frozen=True)
class Rig:
    """A database at the newest revision."""

    server: Server
    access: Access
    settings: Settings

    @property
    def server_key(self) -> bytes:
        return curve_keys(self.settings.data_dir).public.encode()

    def tenant(self) -> UUID:
        tenant_id = uuid4()
        with psycopg.connect(self.access.admin_url) as connection:
            connection.execute("insert into tenants (tenant_id, name) values (%s, %s)", [tenant_id, str(tenant_id)])
        return tenant_id

    def device(self, tenant_id: UUID) -> Device:
        public, secret = zmq.curve_keypair()
        row = "insert into devices (tenant_id, name, public_key) values (%s, 'bench', %s)"
        with psycopg.connect(self.access.admin_url) as connection:
            connection.execute(row, [tenant_id, public.decode()])
        return Device(tenant_id, public, secret)


@contextmanager
def one_core() -> Iterator[None]:
    """What is started inside shares one core; we keep the others, where there are others."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores[1:] or cores)


@contextmanager
def rig() -> Iterator[Rig]:
    folder = Path(tempfile.mkdtemp(prefix="simems-bench-"))
    folder.chmod(0o755)
    server = Server(folder)
    try:
        if not server.try_own():
            raise RuntimeError(f"{server.home} belongs to another process")
        server.start()
        settings = Settings(data_dir=folder)
        access = access_to(settings, server.url)
        upgrade(access.admin_url, access.passwords)
        yield Rig(server, access, settings)
    finally:
        server.stop()
        shutil.rmtree(server.home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(made: Rig, name: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """``simems-cloud NAME`` with the address of its role."""
    url = {"ingest": made.access.ingest_url, "api": made.access.app_url, "worker": made.access.worker_url}[name]
    role = {"ingest": "INGEST", "api": "APP", "worker": "WORKER"}[name]
    environment = {
        **os.environ,
        "SIMEMS_DATA_DIR": str(made.settings.data_dir),
        f"SIMEMS_DATABASE_{role}_URL": url,
        **more,
    }
    command = [str(Path(sys.executable).parent / "simems-cloud"), name]
    running = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        running.wait()
