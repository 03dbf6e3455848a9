"""Each frame once, whatever is sent twice, late, out of order, over new connections or cut off by a kill."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.postgres.access import Access
from simems_cloud.kit.settings import Settings
from simems_core import wire

pytestmark = pytest.mark.integration
GRID = "grid0/active_power_w"
START_US = 1_760_000_400_000_000


def _frames(telemetry: Any, count: int, rows: int = 10) -> list[wire.Telemetry]:
    step = rows * 1_000_000
    return [
        telemetry(n, START_US + (n - 1) * step, {GRID: [float(n * 100 + i) for i in range(rows)]})
        for n in range(1, count + 1)
    ]


async def _stored(pool: Pool, customer: Any) -> tuple[list[int], int, float, int, float]:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        sequences = [r[0] for r in await connection.fetch("select sequence from frames order by sequence")]
        count = await connection.fetchval("select count(*) from measurements")
        total = await connection.fetchval("select coalesce(sum(value), 0) from measurements")
        rolled = await connection.fetchval("select sum(count)::bigint from rollup_1min")
        rolled_sum = await connection.fetchval("select sum(sum) from rollup_1min")
    return sequences, count, total, rolled, rolled_sum


async def _assert_exactly_once(
    pool: Pool, customer: Any, frames: list[wire.Telemetry], roll_up: Any, pack: Any
) -> None:
    """As they came, rolled up, packed: never more, never less."""
    values = [value for frame in frames for column in frame.columns for value in column.values if value is not None]
    for step in (_nothing, roll_up, pack):
        await step()
        sequences, count, total, rolled, rolled_sum = await _stored(pool, customer)
        assert sequences == list(range(1, len(frames) + 1))
        assert (count, total) == (len(values), sum(values))
        if step is not _nothing:
            assert (rolled, rolled_sum) == (len(values), sum(values))


async def _nothing() -> None:
    pass


async def test_duplicates_and_disorder(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool, roll_up: Any, pack: Any
) -> None:
    frames = _frames(telemetry, 40)
    sent = frames * 3
    random.Random(7).shuffle(sent)
    edge = connect(customer)
    await edge.hello()
    for frame in sent:
        await edge.send(frame)
    await edge.until_ack(40)
    await _assert_exactly_once(app_pool, customer, frames, roll_up, pack)
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        row = await connection.fetchrow("select * from rollup_15min where start_at = to_timestamp(1760000400)")
    assert row is not None
    assert (row["count"], row["minimum"], row["maximum"]) == (400, 100.0, 4009.0)
    assert (row["first_value"], row["last_value"]) == (100.0, 4009.0)
    assert row["minutes_seen"] == 0b1111111


async def test_acks_only_what_is_contiguous(connect: Any, customer: Any, telemetry: Any) -> None:
    one, two, three = _frames(telemetry, 3)
    edge = connect(customer)
    await edge.hello()
    await edge.send(three)
    assert await edge.receive() == wire.Ack(sequence=0)
    await edge.send(one)
    assert await edge.receive() == wire.Ack(sequence=1)
    await edge.send(two)
    assert await edge.receive() == wire.Ack(sequence=3)


async def test_reconnects_and_two_connections_at_once(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool, roll_up: Any, pack: Any
) -> None:
    frames = _frames(telemetry, 30)
    edges = [connect(customer) for _ in range(3)]
    for edge in edges:
        await edge.hello(sequence=30)
    for edge in edges:
        for frame in frames:
            await edge.send(frame)
    for edge in edges:
        await edge.until_ack(30)
    assert await connect(customer).hello(sequence=30) == wire.Ack(sequence=30)
    await _assert_exactly_once(app_pool, customer, frames, roll_up, pack)


async def test_what_the_device_no_longer_has_is_not_waited_for(connect: Any, customer: Any, telemetry: Any) -> None:
    edge = connect(customer)
    assert await edge.hello(sequence=500, oldest=500) == wire.Ack(sequence=499)
    await edge.send(telemetry(500, START_US, {GRID: [1.0]}))
    assert await edge.receive() == wire.Ack(sequence=500)


async def test_other_content_under_a_stored_sequence_is_refused_and_alarmed(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool
) -> None:
    edge = connect(customer)
    await edge.hello()
    await edge.send(telemetry(1, START_US, {GRID: [1.0]}))
    assert await edge.receive() == wire.Ack(sequence=1)
    await edge.send(telemetry(1, START_US, {GRID: [2.0]}))
    refused = await edge.receive()
    assert isinstance(refused, wire.Refused)
    assert refused.sequence == 1
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetchval("select array_agg(value) from measurements") == [1.0]
        assert await connection.fetchval("select code from alarms") == "cloud.frame_conflict"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start_ingest(settings: Settings, access: Access, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SIMEMS_DATA_DIR": str(settings.data_dir),
        "SIMEMS_DATABASE_INGEST_URL": access.ingest_url,
        "SIMEMS_INGEST_ENDPOINT": f"tcp://127.0.0.1:{port}",
    }
    return subprocess.Popen([Path(sys.executable).parent / "simems-cloud", "ingest"], env=environment)


async def test_killed_in_the_middle_of_batches(
    connect: Any,
    customer: Any,
    telemetry: Any,
    app_pool: Pool,
    cloud_settings: Settings,
    database: Access,
    roll_up: Any,
    pack: Any,
) -> None:
    frames = _frames(telemetry, 60, rows=60)
    port = _free_port()
    process = _start_ingest(cloud_settings, database, port)
    edge = connect(customer, at=f"tcp://127.0.0.1:{port}")
    acked, deaths, said = 0, 0, time.monotonic() - 10
    rng = random.Random(3)
    kill_at = [rng.randint(1, 12), rng.randint(13, 24), rng.randint(25, 48)]
    async with asyncio.timeout(90):
        while acked < 60:
            if deaths < len(kill_at) and acked >= kill_at[deaths]:
                process.send_signal(signal.SIGKILL)
                process.wait()
                process, deaths = _start_ingest(cloud_settings, database, port), deaths + 1
            if time.monotonic() - said > 1.0:
                await edge.send(_hello_of(edge))
                for frame in frames[acked : acked + 12]:
                    await edge.send(frame)
                said = time.monotonic()
            try:
                answer = await edge.receive(0.5)
            except TimeoutError:
                continue
            if isinstance(answer, wire.Ack) and answer.sequence > acked:
                acked, said = answer.sequence, time.monotonic() - 10
    process.terminate()
    assert process.wait(20) == 0
    assert deaths == 3
    await _assert_exactly_once(app_pool, customer, frames, roll_up, pack)


def _hello_of(edge: Any) -> wire.Hello:
    return wire.Hello(
        site=edge.customer.site, time_zone="UTC", software="t", time_us=0, sequence=60, components=[], channels=[]
    )


async def test_no_ack_while_the_database_is_away(
    customer: Any,
    telemetry: Any,
    running_ingest: Any,
    connect: Any,
    database: Access,
    cloud_settings: Settings,
) -> None:
    """A proxy stands between ingest and database, closed and opened again."""
    from urllib.parse import urlsplit

    parts = urlsplit(database.ingest_url)
    proxy = _Proxy(parts.hostname or "", parts.port or 5432)
    await proxy.open()
    url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}").geturl()
    async with running_ingest(cloud_settings, url) as bound:
        edge = connect(customer, at=bound)
        await edge.hello()
        await edge.send(telemetry(1, START_US, {GRID: [1.0]}))
        assert await edge.receive() == wire.Ack(sequence=1)
        await proxy.shut()
        await edge.send(telemetry(2, START_US + 10_000_000, {GRID: [2.0]}))
        with pytest.raises(TimeoutError):
            await edge.receive(1.0)
        await proxy.open()
        assert await edge.receive() == wire.Ack(sequence=2)


class _Proxy:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._target = host, port
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pair, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _pair(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._target)
        self._writers |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer), return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
