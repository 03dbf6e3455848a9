"""Sends what waits for the devices that are connected here; with several ingest processes each serves its own.

Told by the database when a command is made, and by a device's hello. A command without an end is sent again with each
hello; the device does none twice and answers what became of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
from simems_core.wire import FromCloud, Hello

from simems_cloud.commands.delivery import waiting
from simems_cloud.kit.database import UNAVAILABLE, Pool
from simems_cloud.kit.live import COMMANDS
from simems_cloud.telemetry.store import Device

log = logging.getLogger(__name__)
FEATURE: Final = "commands"
SILENT_S: Final = 60.0
"""A device that said nothing for so long is not here any more."""
AGAIN_S: Final = 2.0
SEND_S: Final = 5.0


Send = Callable[[FromCloud], Awaitable[None]]
"""To one connection; to one that is gone nothing is sent."""


@dataclass
class _Session:
    device: Device
    send: Send
    heard_s: float


class Dispatcher:
    """A device has one session, over the connection that it used last."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool, self._url = pool, url
        self._sessions: dict[UUID, _Session] = {}
        self._wanted: asyncio.Queue[UUID] = asyncio.Queue()

    def heard(self, device: Device, send: Send | None) -> None:
        """A message of it came over this connection; None: one that takes nothing afterwards. One with another key than
        that of the session, of which the device has only one, changes nothing."""
        session = self._sessions.get(device.device_id)
        if session is not None and session.device.public_key == device.public_key:
            session.send, session.heard_s = send or session.send, time.monotonic()

    def greeted(self, device: Device, send: Send, hello: Hello) -> None:
        """Its hello is stored: it may have something to do."""
        if FEATURE in hello.features:
            self.polls(device, send)

    def polls(self, device: Device, send: Send) -> None:
        """It asks for what waits."""
        self._sessions[device.device_id] = _Session(device, send, time.monotonic())
        self._wanted.put_nowait(device.device_id)

    def left(self, device: Device) -> None:
        """It said goodbye."""
        self._sessions.pop(device.device_id, None)

    def gone(self, key: str) -> None:
        """The key was revoked."""
        self._sessions = {name: one for name, one in self._sessions.items() if one.device.public_key != key}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            device_id = await self._wanted.get()
            session = self._sessions.get(device_id)
            if session is None:
                continue
            if time.monotonic() - session.heard_s > SILENT_S:
                del self._sessions[device_id]
                continue
            await self._send(session)

    async def _send(self, session: _Session) -> None:
        device = session.device
        try:
            messages = await waiting(self._pool, device.tenant_id, device.device_id)
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("cannot look for commands, trying again", extra={"error": repr(error)})
            asyncio.get_running_loop().call_later(AGAIN_S, self._wanted.put_nowait, device.device_id)
            return
        for message in messages:
            await self._deliver(session, message)

    async def _deliver(self, session: _Session, message: FromCloud) -> None:
        """What one connection does to us is its own affair: the command stays open and is sent again."""
        try:
            async with asyncio.timeout(SEND_S):
                await session.send(message)
        except Exception as error:  # noqa: BLE001 - any transport, in any state
            log.info("a device does not take a command now", extra={"error": repr(error)})

    async def listen(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._listen()
            except UNAVAILABLE as error:
                log.warning("not listening for commands, trying again", extra={"error": repr(error)})
            await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        settings = {"application_name": "simems-commands"}
        connection = await asyncpg.connect(self._url, timeout=10, server_settings=settings)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _c: lost.set())
        try:
            await connection.add_listener(COMMANDS, self._made)
            for device_id in self._sessions:
                self._wanted.put_nowait(device_id)
            await lost.wait()
        finally:
            with suppress(*UNAVAILABLE):
                await connection.close(timeout=2)

    def _made(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        device_id = UUID(str(payload))
        if device_id in self._sessions:
            self._wanted.put_nowait(device_id)
