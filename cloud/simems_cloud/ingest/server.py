"""The ingest process: receive, store, answer; and keep the time each device was last heard."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from prometheus_client import Counter
from simems_core.wire import Bye, Ping

from simems_cloud.ingest.claims import ClaimDesk
from simems_cloud.ingest.dispatch import Dispatcher
from simems_cloud.ingest.door import Arrival, Door
from simems_cloud.ingest.inbox import Inbox
from simems_cloud.ingest.mqtt import MqttDoor
from simems_cloud.ingest.pong import pong_to, small_talk
from simems_cloud.ingest.proving import Prover
from simems_cloud.ingest.registry import Claimant, Gone, Registry
from simems_cloud.ingest.web import WebDoor
from simems_cloud.ingest.web_server import serve_web
from simems_cloud.ingest.writer import Batch, Writer, Written
from simems_cloud.kit.database import UNAVAILABLE, Pool, open_pool, transaction
from simems_cloud.kit.secret_files import curve_keys
from simems_cloud.kit.settings import Settings
from simems_cloud.telemetry.store import QUERIES, Device

log = logging.getLogger(__name__)
FRAMES = Counter("simems_ingest_frames_total", "Frames received from devices")
TOUCH_S = 5.0
CLAIMS_WAITING = 256
"""Messages of boxes that claim; more are dropped, the box asks again."""
SIDE_BY_SIDE = 6
"""Devices whose batches are stored at the same time; fewer than the pool has connections."""


class Server:
    """Several may run at once: the database decides, each device's row is its lock."""

    def __init__(self, door: Door, registry: Registry, writer: Writer, desk: ClaimDesk, dispatcher: Dispatcher) -> None:
        self._door, self._registry, self._writer, self._desk = door, registry, writer, desk
        self._dispatcher = dispatcher
        self._inbox = Inbox()
        self._claims: asyncio.Queue[tuple[Claimant, Arrival]] = asyncio.Queue(CLAIMS_WAITING)
        self.heard: dict[Device, datetime] = {}
        registry.on_gone.append(self._cut)

    async def receive(self) -> None:
        while True:
            arrival = await self._door.receive()
            FRAMES.inc()
            guest = await self._registry.find(arrival.key)
            if guest is None:
                log.warning("cut a connection: the key was revoked", extra={"key": arrival.key})
                self._door.cut(arrival)
            elif isinstance(guest, Claimant):
                self._put_claim(guest, arrival)
            else:
                await self._take(guest, arrival)

    async def _take(self, device: Device, arrival: Arrival) -> None:
        self._dispatcher.heard(device, partial(self._door.reply, arrival.route))
        message = small_talk(arrival.payload)
        if isinstance(message, Ping):
            self.heard[device] = datetime.now(UTC)
            await self._door.reply(arrival.route, pong_to(message))
        elif isinstance(message, Bye):
            self._dispatcher.left(device)
        else:
            await self._inbox.put(device.tenant_id, arrival)

    def _put_claim(self, claimant: Claimant, arrival: Arrival) -> None:
        try:
            self._claims.put_nowait((claimant, arrival))
        except asyncio.QueueFull:
            log.warning("dropped a claim: too many wait", extra={"claim": str(claimant.claim_id)})

    async def claims(self) -> None:
        """One after the other: those who are not let in yet never take more than that of the database."""
        while True:
            claimant, arrival = await self._claims.get()
            await self._door.reply(arrival.route, await self._desk.answer(claimant, arrival.payload))

    def _cut(self, gone: Gone) -> None:
        self._dispatcher.gone(gone.key)
        if self._door.cut_key(gone.key):
            log.warning("cut the connections of a key that may not come in any more", extra={"key": gone.key})

    async def store(self) -> None:
        """Batches after batches; several of these side by side serve several devices."""
        while True:
            batches = []
            for arrivals in await self._inbox.take():
                device = await self._registry.find(arrivals[0].key)
                if isinstance(device, Device):
                    batches.append((arrivals, Batch(device, [arrival.payload for arrival in arrivals])))
                else:
                    self._door.cut(arrivals[-1])
                    self._inbox.done(arrivals[0].key)
            if len(batches) == 1:
                await self._store(*batches[0])
            else:
                await self._store_together(batches)

    async def _store(self, arrivals: list[Arrival], batch: Batch) -> None:
        await self._answer(batch.device, arrivals, await self._writer.write(batch.device, batch.payloads))

    async def _store_together(self, batches: list[tuple[list[Arrival], Batch]]) -> None:
        """What cannot be stored together waits for a turn of its own, and the others not for it."""
        together = await self._writer.write_together([batch for _, batch in batches])
        for (arrivals, batch), written in zip(batches, together, strict=True):
            if written is None:
                self._inbox.alone(arrivals)
            else:
                await self._answer(batch.device, arrivals, written)

    async def _answer(self, device: Device, arrivals: list[Arrival], written: Written) -> None:
        routes = list(dict.fromkeys(arrival.route for arrival in arrivals))
        for answer in written.answers:
            for route in routes:
                await self._door.reply(route, answer)
        if written.hello is not None:
            self._dispatcher.greeted(device, partial(self._door.reply, routes[-1]), written.hello)
        self._inbox.done(arrivals[0].key)


async def run_ingest(
    settings: Settings,
    url: str,
    ready: Callable[[str], None] | None = None,
    web_ready: Callable[[int], None] | None = None,
    mqtt_ready: Callable[[], None] | None = None,
) -> None:
    """Until cancelled. ``url``: of the role ``simems_ingest``; ``ready`` is told the endpoint that was bound,
    ``web_ready`` the port of HTTPS and WebSocket, when they are wanted; ``mqtt_ready`` is called each time the broker
    begins to pass on what devices say."""
    pool = await open_pool(url, application="simems-ingest")
    registry = Registry(pool, url)
    door = Door(settings.ingest_endpoint, curve_keys(settings.data_dir), registry)
    log.info("listening for devices", extra={"endpoint": door.endpoint})
    dispatcher = Dispatcher(pool, url)
    writer = Writer(pool)
    desk = ClaimDesk(pool)
    server = Server(door, registry, writer, desk, dispatcher)
    web = WebDoor(Prover(pool, registry), writer, desk, dispatcher)
    registry.on_gone.append(web.cut)
    stores = [server.store() for _ in range(SIDE_BY_SIDE)]
    jobs: list[Awaitable[None]] = [
        server.receive(),
        server.claims(),
        *stores,
        registry.listen(),
        dispatcher.listen(),
        dispatcher.run(),
        touch(pool, server.heard),
    ]
    if settings.ingest_http_port is not None:
        jobs.append(serve_web(web, settings.ingest_http_host, settings.ingest_http_port, web_ready))
    if settings.ingest_mqtt_url is not None:
        mqtt = MqttDoor(settings, web, mqtt_ready)
        registry.on_gone.append(mqtt.cut)
        jobs.append(mqtt.run())
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
