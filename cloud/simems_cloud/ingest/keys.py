"""A device changes its key: announced over the old one, proven by a connection with the new one, then the only one.
And it says which command key of its tenant it believes.
"""

from __future__ import annotations

import logging
import re

import asyncpg
from simems_core.wire import KeyTaken, Rekeyed

from simems_cloud.audit.log import append
from simems_cloud.commands.delivery import key_taken
from simems_cloud.ingest.claims import QUERIES
from simems_cloud.kit.curve import is_key
from simems_cloud.kit.database import UNAVAILABLE, Connection, Pool, transaction
from simems_cloud.telemetry.store import Device

log = logging.getLogger(__name__)
_SIGNING_KEY = re.compile(r"[0-9a-f]{64}")


class KeyBook:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def announce(self, device: Device, public_key: str) -> Rekeyed:
        """Once more does no harm: the newest announced key counts."""
        if not is_key(public_key):
            return Rekeyed(public_key="", reason="not a CURVE key of 40 Z85 characters")
        try:
            async with transaction(self._pool, tenant=device.tenant_id) as connection:
                done = await connection.fetchval(QUERIES["announce_key"], device.device_id, public_key)
        except asyncpg.UniqueViolationError:
            return Rekeyed(public_key=public_key, reason="this key is taken; make another one")
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("cannot note a new key", extra={"error": repr(error)})
            return Rekeyed(public_key=public_key, reason="the cloud cannot note it now; try again")
        return Rekeyed(public_key=public_key, reason="" if done else "this device is not registered any more")

    async def taken(self, device: Device, taken: KeyTaken) -> None:
        """What cannot be noted now is said again after the next welcome."""
        try:
            async with transaction(self._pool, tenant=device.tenant_id) as connection:
                await key_taken(connection, device.device_id, taken)
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("cannot note which command key a device believes", extra={"error": repr(error)})


async def came_with(connection: Connection, device: Device, signing_key: str) -> None:
    """In the transaction of its hello: the key it came with is the only one now; the first signing key stays."""
    name = await connection.fetchval(QUERIES["promote_key"], device.device_id, device.public_key)
    if name is not None:
        log.info("a device came with its new key", extra={"device": str(device.device_id)})
        details = {"public_key": device.public_key}
        await append(connection, f"device {name}", "device.key_changed", str(device.device_id), details)
    if is_signing_key(signing_key):
        await connection.execute(QUERIES["signing_key"], device.device_id, signing_key)


def is_signing_key(text: str) -> bool:
    return _SIGNING_KEY.fullmatch(text) is not None
