"""How often ingest goes to the database and back for one device that returns, counted on the line between them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from simems_cloud.kit.postgres.access import Access
from simems_cloud.kit.settings import Settings
from simems_core import wire

pytestmark = pytest.mark.integration
START_US = 1_760_000_400_000_000
FRAMES = 12
KEY, HELLO, BATCH = 1, 4, 5
"""Whether the key may come in; begin, hold, compare, commit; begin, look, copy, end, commit. A first look at commands,
for a device that takes them: begin, look, commit."""
COMMANDS = 3
MOST_BATCHES = 4
"""The first frame may leave alone, and the others in what had come by then."""
QUERY, SYNC = b"Q", b"S"
"""Each asks for an answer and waits: PostgreSQL's simple query, and the end of an extended one."""


class _Counted:
    """Stands between ingest and the database and counts what asks for an answer."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.asked: Counter[bytes] = Counter()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def ways(self) -> int:
        return self.asked[QUERY] + self.asked[SYNC]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._pair, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        netloc = f"{self._parts.username}:{self._parts.password}@127.0.0.1:{port}"
        yield self._parts._replace(netloc=netloc, query="sslmode=disable").geturl()
        server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _pair(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        for pump in (self._count(reader, back), _pass_on(there, writer)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The first message has no letter; each other one a letter and its length."""
        try:
            writer.write(await _body(reader))
            while True:
                letter = await reader.readexactly(1)
                self.asked[letter] += 1
                writer.write(letter + await _body(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def _body(reader: asyncio.StreamReader) -> bytes:
    size = await reader.readexactly(4)
    return size + await reader.readexactly(int.from_bytes(size, "big") - 4)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        return
    writer.close()


@pytest.mark.parametrize("features", [[], ["commands"]])
async def test_a_device_that_returns_costs_few_ways_to_the_database(
    connect: Any,
    new_customer: Callable[[], Any],
    telemetry: Callable[..., wire.Telemetry],
    running_ingest: Any,
    database: Access,
    cloud_settings: Settings,
    features: list[str],
    eventually: Callable[..., Any],
) -> None:
    counted = _Counted(database.ingest_url)
    async with counted.open() as url, running_ingest(cloud_settings, url) as bound:
        first, second = await new_customer(), await new_customer()
        for customer in (first, second, first):
            await _outage(connect(customer, at=bound), telemetry, 0, features)
        await eventually(lambda: counted.ways > 0)
        before = counted.ways
        await _outage(connect(second, at=bound), telemetry, FRAMES, features)
        ways = counted.ways - before
    most = KEY + HELLO + MOST_BATCHES * BATCH + (COMMANDS if features else 0)
    assert HELLO + BATCH <= ways <= most
    assert most < 29


async def _outage(edge: Any, telemetry: Callable[..., wire.Telemetry], behind: int, features: list[str]) -> None:
    """It comes back, greets, and sends what it measured meanwhile; with nothing behind, a frame to warm up."""
    acked = (await edge.hello(sequence=behind + 1, features=features)).sequence
    for number in range(acked + 1, acked + max(behind, 1) + 1):
        await edge.send(telemetry(number, START_US + number * 60_000_000, {"grid0/active_power_w": [1.0]}))
    await edge.until_ack(acked + max(behind, 1))
