"""Faults at random between boxes and two ingest processes: nothing acknowledged is lost, nothing doubled, no gap.

Connections are cut, reset, left half open, delayed and slowed down to a trickle by a proxy; ingest processes are killed
with SIGKILL and started again; boxes lose their power (their buffer is opened again, what was flushed must be there).
``SIMEMS_FAULTS``: how many faults; the short form makes 15, ``make chaos`` 600.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction

pytestmark = [pytest.mark.integration, pytest.mark.timeout(7200)]
FAULTS = int(os.environ.get("SIMEMS_FAULTS", "15"))
NETWORK = ("cut", "reset", "half-open", "delay", "slow")
BOXES = 3


class Pipe:
    """One direction of a connection; what ``fault`` says happens to its bytes."""

    def __init__(self) -> None:
        self.fault = ""

    async def run(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(16_384):
                await self._harm(data, sink)
        sink.close()

    async def _harm(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        if self.fault == "half-open":
            await asyncio.Event().wait()
        if self.fault == "delay":
            await asyncio.sleep(random.uniform(0.1, 0.6))
        step = 200 if self.fault == "slow" else len(data)
        for start in range(0, len(data), step):
            sink.write(data[start : start + step])
            await sink.drain()
            if self.fault == "slow":
                await asyncio.sleep(0.005)


class Proxy:
    """In front of several ports; passes on to one that answers."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self._open: dict[asyncio.StreamWriter, tuple[Pipe, list[asyncio.Task[None]]]] = {}
        self._server: asyncio.Server

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.close()
        for _, tasks in list(self._open.values()):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in random.sample(self.ports, len(self.ports)):
            with suppress(OSError):
                there, here = await asyncio.open_connection("127.0.0.1", port)
                break
        else:
            writer.close()
            return
        pipe = Pipe()
        tasks = [asyncio.create_task(pipe.run(*ends)) for ends in ((reader, here), (there, writer))]
        self._open[writer] = (pipe, tasks)
        await asyncio.wait(tasks)
        del self._open[writer]

    def harm(self, kind: str) -> bool:
        """One connection, at random; False when there is none."""
        if not self._open:
            return False
        writer = random.choice(list(self._open))
        pipe, tasks = self._open[writer]
        if kind == "reset":
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if kind in ("cut", "reset"):
            for task in tasks:
                task.cancel()
            writer.transport.abort()
        else:
            pipe.fault = kind
        return True


class Plant:
    """One box that measures a counter: value n at its n-th measurement."""

    def __init__(self, box: Any) -> None:
        self.box = box
        self.count = 0
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        await self._stack.enter_async_context(self.box.running())

    async def measure(self) -> None:
        self.count += 1
        await self.box.measure(self.count)

    async def power_cut(self) -> None:
        """What was flushed is all there is: the uplink dies with what it holds."""
        await self._stack.aclose()
        self._stack = AsyncExitStack()
        await self.start()

    async def stop(self) -> None:
        await self._stack.aclose()


async def test_faults_lose_and_double_nothing(
    make_box: Any,
    ingest_processes: Any,
    eventually: Any,
    owner_pool: Pool,
    customer: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = random.randrange(2**32)
    random.seed(seed)
    farm = ingest_processes(2)
    for one in farm:
        await eventually(one.answers)
    proxy = Proxy([one.port for one in farm])
    port = await proxy.start()
    plants = [Plant(make_box(f"box{n}", at=f"tcp://127.0.0.1:{port}")) for n in range(BOXES)]
    await _register(owner_pool, customer, plants)
    for plant in plants:
        await plant.start()
    began = time.monotonic()
    done = await _storm(proxy, farm, plants, eventually)
    for plant in plants:
        await plant.measure()
        await eventually(plant.box.all_acked, 60.0)
    frames = [(await plant.box.buffer.status()).last_sequence for plant in plants]
    for plant in plants:
        await plant.stop()
    await proxy.stop()
    await _compared(owner_pool, customer, plants, frames, seed)
    with capsys.disabled():
        print(  # noqa: T201 - the figure
            f"\n{sum(done.values())} faults in {time.monotonic() - began:.0f} s: 0 lost, 0 doubled, 0 gaps of "
            f"{sum(plant.count for plant in plants)} values; {dict(sorted(done.items()))}"
        )


async def _storm(proxy: Proxy, farm: list[Any], plants: list[Plant], eventually: Any) -> Counter[str]:
    """Measurements with faults between them."""
    done = Counter[str]()
    while sum(done.values()) < FAULTS:
        kind = random.choices([*NETWORK, "kill ingest", "power cut"], [4, 4, 4, 4, 4, 1, 2])[0]
        for _ in range(random.randrange(1, 4)):
            for plant in plants:
                await plant.measure()
            await asyncio.sleep(random.uniform(0.0, 0.1))
        if kind == "kill ingest":
            await _killed(random.choice(farm), eventually)
        elif kind == "power cut":
            await random.choice(plants).power_cut()
        elif not proxy.harm(kind):
            continue
        done[kind] += 1
    return done


async def _killed(ingest: Any, eventually: Any) -> None:
    ingest.kill()
    ingest.again()
    await eventually(ingest.answers)


async def _register(pool: Pool, customer: Any, plants: list[Plant]) -> None:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        for number, plant in enumerate(plants):
            plant.box.site = f"site-{number}"
            await connection.execute(
                "insert into devices (tenant_id, name, public_key) values (app_tenant(), $1, $2)",
                *(f"box{number}", plant.box.identity.keys.public_key),
            )


async def _compared(pool: Pool, customer: Any, plants: list[Plant], frames: list[int], seed: int) -> None:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        values = await connection.fetch(
            "select site_id, array_agg(value order by value) as values from measurements group by 1"
        )
        kept = await connection.fetch(
            "select site_id, array_agg(sequence order by sequence) as sequences from frames group by 1"
        )
        foreign = await connection.fetchval(
            """select count(*) from frames f join devices d on d.tenant_id = f.tenant_id and d.device_id = f.device_id
            where d.site_id <> f.site_id"""
        )
    stored = {row["site_id"]: list(row["values"]) for row in values}
    sequences = {row["site_id"]: list(row["sequences"]) for row in kept}
    for number, plant in enumerate(plants):
        site = f"site-{number}"
        assert stored[site] == [float(n) for n in range(1, plant.count + 1)], f"seed {seed}: {site}"
        assert sequences[site] == sorted(set(sequences[site])), f"seed {seed}: {site}"
        assert sequences[site][-1] == frames[number], f"seed {seed}: {site}"
    assert foreign == 0
