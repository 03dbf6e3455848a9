"""Which keys may come in: the database's word, cached, dropped at once when a key is changed or revoked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from simems_cloud.kit.database import UNAVAILABLE, Pool, ask_as_nobody, transaction
from simems_cloud.kit.live import DEVICES
from simems_cloud.telemetry.store import Device

log = logging.getLogger(__name__)
FRESH_S = 30.0
"""A cached yes is asked again after this, should a notification be lost."""
GUEST = """select tenant_id, device_id as id, false as claims, broker_name, predecessor from device_by_key($1)
    union all select tenant_id, claim_id, true, '', null from claim_by_key($1) order by claims limit 1"""
"""Whose key it is; one that is a device's is no claimant's any more."""


@dataclass(frozen=True)
class Claimant:
    """A box that came with a claim key: it may say who it is and hear what became of it, nothing else."""

    tenant_id: UUID
    claim_id: UUID
    public_key: str


Guest = Device | Claimant


@dataclass(frozen=True)
class Gone:
    """A key that may not come in any more."""

    key: str
    broker_name: str
    """Of the device that had it; empty when there was none here."""
    goes_on: bool
    """With another key: the device itself is let in as before."""


GOES_ON = (
    "select public_key <> $2 and next_public_key is distinct from $2 and revoked_at is null "
    "from devices where device_id = $1"
)


class Registry:
    """Key to device or claimant. Without the database the last known yes holds; a key never seen stays outside."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool, self._url = pool, url
        self._known: dict[str, tuple[Guest, float]] = {}
        self.on_gone: list[Callable[[Gone], None]] = []
        self._checks: set[asyncio.Task[None]] = set()

    async def find(self, key: str) -> Guest | None:
        try:
            return await self.seek(key)
        except UNAVAILABLE:
            return None

    async def seek(self, key: str) -> Guest | None:
        """As :meth:`find`; of a key never seen it says when the database is away. Raises UNAVAILABLE."""
        guest, checked = self._known.get(key, (None, 0.0))
        if guest is not None and time.monotonic() - checked < FRESH_S:
            return guest
        try:
            return await self._ask(key)
        except UNAVAILABLE:
            if guest is None:
                raise
            return guest

    async def _ask(self, key: str) -> Guest | None:
        row = await ask_as_nobody(self._pool, GUEST, key)
        if row is None:
            self._known.pop(key, None)
            return None
        if row["claims"]:
            guest: Guest = Claimant(row["tenant_id"], row["id"], key)
        else:
            guest = Device(row["tenant_id"], row["id"], key, row["broker_name"], row["predecessor"])
        self._known[key] = (guest, time.monotonic())
        return guest

    async def callback(self, domain: str, key: bytes) -> bool:
        """Asked by the ZAP handler for each new connection; never raises."""
        try:
            guest = await self.find(key.decode())
        except (asyncpg.PostgresError, UnicodeDecodeError):
            log.exception("cannot check a device's key")
            return False
        if guest is None:
            log.warning("refused a connection: unknown or revoked key", extra={"key": key.decode(), "domain": domain})
        return guest is not None

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
            await connection.add_listener(DEVICES, self._changed)
            self._age_all()
            await lost.wait()
        finally:
            with suppress(*UNAVAILABLE):
                await connection.close(timeout=2)

    def _changed(self, _connection: object, _pid: int, _channel: str, key: object) -> None:
        """Whoever is here with this key is asked about again now, and cut when it may not stay."""
        guest, _ = self._known.pop(str(key), (None, 0.0))
        self._recheck(str(key), guest)

    async def _check(self, key: str, guest: Guest | None) -> None:
        try:
            if await self.find(key) is not None:
                return
        except asyncpg.PostgresError:
            log.exception("cannot check a changed key; it is cut with its next message")
            return
        gone = Gone(key, "", goes_on=False)
        if isinstance(guest, Device):
            gone = Gone(key, guest.broker_name, await self._goes_on(guest))
        for cut in self.on_gone:
            cut(gone)

    async def _goes_on(self, device: Device) -> bool:
        """While the database is away it counts as gone: who is in rightly comes again."""
        try:
            async with transaction(self._pool, tenant=device.tenant_id) as connection:
                return bool(await connection.fetchval(GOES_ON, device.device_id, device.public_key))
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("cannot see whether a device has another key", extra={"error": repr(error)})
            return False

    def _age_all(self) -> None:
        """What changed while nobody listened is asked again now: those who are here may be revoked."""
        self._known = {key: (guest, float("-inf")) for key, (guest, _) in self._known.items()}
        for key, (guest, _) in list(self._known.items()):
            self._recheck(key, guest)

    def _recheck(self, key: str, guest: Guest | None) -> None:
        check = asyncio.get_running_loop().create_task(self._check(key, guest))
        self._checks.add(check)
        check.add_done_callback(self._checks.discard)
