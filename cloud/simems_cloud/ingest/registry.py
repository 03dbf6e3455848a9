"""Which keys may come in: the database's word, cached, dropped at once when a key is changed or revoked."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

import asyncpg

from simems_cloud.kit.database import UNAVAILABLE, Pool, transaction
from simems_cloud.kit.live import DEVICES
from simems_cloud.telemetry.store import Device

log = logging.getLogger(__name__)
FRESH_S = 30.0
"""A cached yes is asked again after this, should a notification be lost."""


class Registry:
    """Key to device. Without the database the last known yes holds; a key never seen stays outside."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool, self._url = pool, url
        self._known: dict[str, tuple[Device, float]] = {}

    async def find(self, key: str) -> Device | None:
        device, checked = self._known.get(key, (None, 0.0))
        if device is not None and time.monotonic() - checked < FRESH_S:
            return device
        try:
            return await self._ask(key)
        except UNAVAILABLE:
            return device

    async def _ask(self, key: str) -> Device | None:
        async with transaction(self._pool) as connection:
            row = await connection.fetchrow("select tenant_id, device_id from device_by_key($1)", key)
        if row is None:
            self._known.pop(key, None)
            return None
        device = Device(row["tenant_id"], row["device_id"], key)
        self._known[key] = (device, time.monotonic())
        return device

    async def callback(self, domain: str, key: bytes) -> bool:
        """Asked by the ZAP handler for each new connection; never raises."""
        try:
            device = await self.find(key.decode())
        except (asyncpg.PostgresError, UnicodeDecodeError):
            log.exception("cannot check a device's key")
            return False
        if device is None:
            log.warning("refused a connection: unknown or revoked key", extra={"key": key.decode(), "domain": domain})
        return device is not None

    async def listen(self) -> None:
        """Forget keys as the database says they changed; runs until cancelled."""
        while True:
            try:
                await self._listen()
            except UNAVAILABLE as error:
                log.warning("not listening for changed keys, trying again", extra={"error": repr(error)})
            await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url, timeout=10, server_settings={"application_name": "simems-keys"})
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _c: lost.set())
        try:
            await connection.add_listener(DEVICES, self._forget)
            self._age_all()
            await lost.wait()
        finally:
            with suppress(*UNAVAILABLE):
                await connection.close(timeout=2)

    def _forget(self, _connection: object, _pid: int, _channel: str, key: object) -> None:
        self._known.pop(str(key), None)

    def _age_all(self) -> None:
        """What changed while nobody listened is asked again."""
        self._known = {key: (device, float("-inf")) for key, (device, _) in self._known.items()}
