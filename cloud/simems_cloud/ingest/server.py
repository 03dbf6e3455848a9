"""The ingest process: receive, store, answer; and keep the time each device was last heard."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from prometheus_client import Counter
from simems_core.wire import Ping, Pong, WireError, decode_from_edge

from simems_cloud.ingest.door import Arrival, Door
from simems_cloud.ingest.inbox import Inbox
from simems_cloud.ingest.registry import Registry
from simems_cloud.ingest.writer import Writer
from simems_cloud.kit.database import UNAVAILABLE, Pool, open_pool, transaction
from simems_cloud.kit.secret_files import curve_keys
from simems_cloud.kit.settings import Settings
from simems_cloud.telemetry.store import QUERIES, Device

log = logging.getLogger(__name__)
FRAMES = Counter("simems_ingest_frames_total", "Frames received from devices")
TOUCH_S = 5.0
PING_BYTES = 200
SIDE_BY_SIDE = 6
"""Devices whose batches are stored at the same time; fewer than the pool has connections."""


class Server:
    """Several may run at once: the database decides, each device's row is its lock."""

    def __init__(self, door: Door, registry: Registry, writer: Writer) -> None:
        self._door, self._registry, self._writer = door, registry, writer
        self._inbox = Inbox()
        self.heard: dict[Device, datetime] = {}

    async def receive(self) -> None:
        while True:
            arrival = await self._door.receive()
            FRAMES.inc()
            pong = _pong(arrival.payload)
            device = await self._registry.find(arrival.key)
            if device is None:
                log.warning("cut a connection: the key was revoked", extra={"key": arrival.key})
                self._door.cut(arrival)
            elif pong is not None:
                self.heard[device] = datetime.now(UTC)
                await self._door.reply(arrival.route, pong)
            else:
                await self._inbox.put(arrival)

    async def store(self) -> None:
        """Batch after batch; several of these side by side serve several devices."""
        while True:
            arrivals = await self._inbox.take()
            await self._store(arrivals[0].key, arrivals)
            await self._inbox.done(arrivals[0].key)

    async def _store(self, key: str, arrivals: list[Arrival]) -> None:
        device = await self._registry.find(key)
        if device is None:
            self._door.cut(arrivals[-1])
            return
        routes = list(dict.fromkeys(arrival.route for arrival in arrivals))
        for answer in await self._writer.write(device, [arrival.payload for arrival in arrivals]):
            for route in routes:
                await self._door.reply(route, answer)


async def run_ingest(settings: Settings, url: str, ready: Callable[[str], None] | None = None) -> None:
    """Until cancelled. ``url``: of the role ``simems_ingest``; ``ready`` is told the endpoint that was bound."""
    pool = await open_pool(url, application="simems-ingest")
    registry = Registry(pool, url)
    door = Door(settings.ingest_endpoint, curve_keys(settings.data_dir), registry)
    log.info("listening for devices", extra={"endpoint": door.endpoint})
    server = Server(door, registry, Writer(pool))
    stores = [server.store() for _ in range(SIDE_BY_SIDE)]
    jobs: list[Awaitable[None]] = [server.receive(), *stores, registry.listen(), touch(pool, server.heard)]
    tasks = [asyncio.ensure_future(job) for job in jobs]
    if ready is not None:
        ready(door.endpoint)
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        door.close()
        await pool.close()


async def touch(pool: Pool, heard: dict[Device, datetime]) -> None:
    """Write down now and then who pinged."""
    while True:
        await asyncio.sleep(TOUCH_S)
        by_tenant: dict[UUID, list[tuple[UUID, datetime]]] = defaultdict(list)
        for device in list(heard):
            by_tenant[device.tenant_id].append((device.device_id, heard.pop(device)))
        for tenant_id, rows in by_tenant.items():
            try:
                async with transaction(pool, tenant=tenant_id) as connection:
                    await connection.executemany(QUERIES["touch"], rows)
            except UNAVAILABLE as error:
                log.warning("cannot note who was heard", extra={"error": repr(error)})


def _pong(payload: bytes) -> Pong | None:
    """The answer when it is a ping; anything longer is not one."""
    if len(payload) > PING_BYTES:
        return None
    try:
        message = decode_from_edge(payload)
    except WireError:
        return None
    return Pong(time_us=message.time_us, server_time_us=time.time_ns() // 1000) if isinstance(message, Ping) else None
