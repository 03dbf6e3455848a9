"""Values a second from a device's socket to the ack of their commit, beside a raw COPY of the same values as rows."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import zmq
import zmq.asyncio
from simems_cloud.kit.postgres.access import Access, access_to
from simems_cloud.kit.postgres.server import Server
from simems_cloud.kit.secret_files import curve_keys
from simems_cloud.kit.settings import Settings
from simems_cloud.migrations.run import upgrade
from simems_core import wire

from bench.figure import Figure

START_US = 1_760_000_400_000_000
BOUND_S = 300.0
IN_FLIGHT = 64
"""Frames without an ack; an edge has up to 256 live ones."""


@dataclass(frozen=True)
class Shape:
    """``count`` frames of ``rows`` rows and ``channels`` channels, a row every ``step_s``."""

    name: str
    count: int
    rows: int
    channels: int
    step_s: int

    @property
    def values(self) -> int:
        return self.count * self.rows * self.channels


SHAPES = (
    Shape("frames of 60 rows x 50 channels, each second", 120, 60, 50, 1),
    Shape("frames of 120 rows x 100 channels, each minute", 20, 120, 100, 60),
    Shape("frames of 1 row x 100 channels, each second", 400, 1, 100, 1),
)


@dataclass(frozen=True)
class Device:
    tenant_id: UUID
    public_key: bytes
    secret_key: bytes


def measure() -> list[Figure]:
    """Each shape into an empty device; the reference right after it, into a plain table of the same server."""
    with _cloud() as (access, settings, endpoint):
        return [_figure(shape, access, settings, endpoint) for shape in SHAPES]


def _figure(shape: Shape, access: Access, settings: Settings, endpoint: str) -> Figure:
    frames = [_frame(shape, number) for number in range(shape.count)]
    payloads = [wire.encode(frame) for frame in frames]
    device = _register(access)
    took_s = asyncio.run(_ship(payloads, shape, device, endpoint, curve_keys(settings.data_dir).public))
    raw_s = _copy(access.admin_url, _rows(frames))
    name = f"ingest, {shape.name}"
    reference = "raw COPY of the same values as rows"
    return Figure(name, shape.values / took_s, "values/s", reference, shape.values / raw_s, 1.0, at_most=False)


def _frame(shape: Shape, number: int) -> wire.Telemetry:
    step_us = shape.step_s * 1_000_000
    start_us = START_US + number * shape.rows * step_us
    times_us = [start_us, *[step_us] * (shape.rows - 1)]
    columns = [
        wire.Column(
            channel=f"meter{channel}/active_power_w",
            resolution=1.0,
            values=[(channel * 7919 + (number * shape.rows + row) * 104_729) % 60_000 for row in range(shape.rows)],
        )
        for channel in range(shape.channels)
    ]
    return wire.Telemetry(sequence=number + 1, times_us=times_us, columns=columns)


async def _ship(payloads: list[bytes], shape: Shape, device: Device, endpoint: str, server_key: str) -> float:
    """Seconds from the first frame sent until the ack of the last."""
    with zmq.asyncio.Context() as context, context.socket(zmq.DEALER) as link:
        link.linger = 0
        link.curve_serverkey = server_key.encode()
        link.curve_publickey, link.curve_secretkey = device.public_key, device.secret_key
        link.connect(endpoint)
        await link.send(wire.encode(_hello(shape)))
        async with asyncio.timeout(BOUND_S):
            await _until(link, 0)
            began = time.monotonic()
            acked = 0
            for number, payload in enumerate(payloads):
                while number - acked >= IN_FLIGHT:
                    acked = await _until(link, acked + 1)
                await link.send(payload)
            await _until(link, len(payloads))
        return time.monotonic() - began


async def _until(link: zmq.asyncio.Socket, sequence: int) -> int:
    while True:
        message = wire.decode_from_cloud(await link.recv())
        match message:
            case wire.Ack(sequence=acked) if acked >= sequence:
                return acked
            case wire.Refused() | wire.Bye():
                raise RuntimeError(f"the cloud answered {message}")


def _hello(shape: Shape) -> wire.Hello:
    channels = [wire.ChannelInfo(address=f"meter{n}/active_power_w", resolution=1.0) for n in range(shape.channels)]
    return wire.Hello(
        site=f"bench-{shape.rows}", time_zone="UTC", software="bench", time_us=0, sequence=0, components=[],
        channels=channels,
    )  # fmt: skip


def _register(access: Access) -> Device:
    public, secret = zmq.curve_keypair()
    tenant_id = uuid4()
    with psycopg.connect(access.admin_url) as connection:
        connection.execute("set role simems_owner")
        connection.execute("select set_config('app.tenant', %s, true)", [str(tenant_id)])
        connection.execute("insert into tenants (tenant_id, name) values (%s, %s)", [tenant_id, str(tenant_id)])
        row = "insert into devices (tenant_id, name, public_key) values (app_tenant(), 'bench', %s)"
        connection.execute(row, [public.decode()])
    return Device(tenant_id, public, secret)


def _rows(frames: list[wire.Telemetry]) -> list[bytes]:
    """The text of the COPY, made before the clock runs, one piece a frame."""
    return [
        "".join(
            f"{channel}\t{time_us}\t{value}\n"
            for channel, column in enumerate(frame.columns)
            for time_us, value in zip(wire.absolute_us(frame.times_us), wire.column_values(column), strict=True)
        ).encode()
        for frame in frames
    ]


def _copy(url: str, pieces: list[bytes]) -> float:
    """Seconds until committed; no key, no policy, no rollup."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop table if exists bench_rows")
        connection.execute("create table bench_rows (channel_id bigint, time_us bigint, value float8)")
        began = time.monotonic()
        with connection.cursor() as cursor, cursor.copy("copy bench_rows from stdin") as copy:
            for piece in pieces:
                copy.write(piece)
        return time.monotonic() - began


@contextmanager
def _cloud() -> Iterator[tuple[Access, Settings, str]]:
    """An own PostgreSQL and one ingest process in a throw-away folder."""
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
        with _ingest(settings, access) as endpoint:
            yield access, settings, endpoint
    finally:
        server.stop()
        shutil.rmtree(server.home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ingest(settings: Settings, access: Access) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    environment = {
        **os.environ,
        "SIMEMS_DATA_DIR": str(settings.data_dir),
        "SIMEMS_DATABASE_INGEST_URL": access.ingest_url,
        "SIMEMS_INGEST_ENDPOINT": endpoint,
    }
    command = [str(Path(sys.executable).parent / "simems-cloud"), "ingest"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield endpoint
    finally:
        process.terminate()
        process.wait()
