"""One device drains its backlog while it goes on measuring: how much faster than time passes, and how late the cloud
shows what is live, beside the same device with nothing behind it, in one run.

The box is a process with the edge's own buffer and uplink: fifty channels each second, three hours of them behind. A
live frame's delay runs from its measurement until another session of the database sees it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import psycopg
from simems_cloud.kit.live import CHANNEL
from simems_edge.sync import Identity

from bench.cloud.rig import Rig, free_port, one_core, process, rig
from bench.figure import Figure

BACKLOG_S = 10_800
LIVE_S = 0.05
IDLE_FRAMES = 600
BOUND_S = 300.0
NEW = """select sequence, extract(epoch from start_at)::float8 as at from frame_values
    where device_id = $1 and sequence > $2 order by sequence"""
ACKED = "select acked_sequence from devices where device_id = $1"


@dataclass
class Seen:
    """Monotonic begin and end of the drain; delays of live frames that came during and after it."""

    began_s: float = 0.0
    drained_s: float = 0.0
    during: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)


def measure() -> list[Figure]:
    with one_core(), rig() as made:
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        with process(made, "ingest", SIMEMS_INGEST_ENDPOINT=endpoint), tempfile.TemporaryDirectory() as folder:
            device_id = _register(made, Identity(Path(folder)).keys.public_key)
            with _box(folder, endpoint, made.server_key.decode()):
                seen = asyncio.run(_watched(made, device_id))
    rate = BACKLOG_S / (seen.drained_s - seen.began_s)
    delay = Figure(
        "live values while the backlog drains, p99", 1e3 * p99(seen.during), "ms", "idle", 1e3 * p99(seen.after), 2.0
    )
    return [Figure("backlog of one device, drained", rate, "s/s", "time", 1.0, 200.0, at_most=False), delay]


def p99(delays: list[float]) -> float:
    return sorted(delays)[int(0.99 * (len(delays) - 1))]


def _register(made: Rig, public_key: str) -> UUID:
    row = "insert into devices (tenant_id, name, public_key) values (%s, 'bench', %s) returning device_id"
    with psycopg.connect(made.access.admin_url) as connection:
        found = connection.execute(row, [made.tenant(), public_key]).fetchone()
    assert found is not None
    return UUID(str(found[0]))


@contextmanager
def _box(folder: str, endpoint: str, server_key: str) -> Iterator[None]:
    arguments = [folder, endpoint, server_key, str(BACKLOG_S), str(LIVE_S)]
    with subprocess.Popen([sys.executable, "-m", "bench.cloud.box", *arguments]) as running:
        try:
            yield
        finally:
            running.terminate()


async def _watched(made: Rig, device_id: UUID) -> Seen:
    """Told of every commit, looks what it brought."""
    seen, news = Seen(), asyncio.Event()
    connection = await asyncpg.connect(made.access.admin_url)
    await connection.add_listener(CHANNEL, lambda *_: news.set())
    live_after, drained, began = BACKLOG_S, False, 0.0
    async with asyncio.timeout(BOUND_S):
        while len(seen.after) < IDLE_FRAMES:
            await news.wait()
            news.clear()
            rows = await connection.fetch(NEW, device_id, live_after)
            now_s = time.time()
            began = began or now_s
            (seen.after if drained else seen.during).extend(now_s - row["at"] for row in rows if row["at"] > began)
            live_after = max([live_after, *(row["sequence"] for row in rows)])
            seen.began_s = seen.began_s or time.monotonic()
            if not drained and await connection.fetchval(ACKED, device_id) >= BACKLOG_S:
                seen.drained_s, drained = time.monotonic(), True
    await connection.close()
    return seen
