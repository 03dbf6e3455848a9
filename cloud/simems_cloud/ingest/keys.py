"""A device changes its keys: announced over the old ones and signed by the new one, proven by a hello with the new
ones, then the only ones. And it says which command key of its tenant it believes.
"""

from __future__ import annotations

import logging
import re

import asyncpg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from simems_core.rekeying import malformed, signed_announcement
from simems_core.wire import KeyTaken, Rekey, Rekeyed

from simems_cloud.audit.log import append
from simems_cloud.commands.delivery import key_taken
from simems_cloud.ingest.claims import QUERIES
from simems_cloud.kit.curve import is_key
from simems_cloud.kit.database import UNAVAILABLE, Connection, Pool, transaction
from simems_cloud.telemetry.store import Device

log = logging.getLogger(__name__)
_SIGNING_KEY = re.compile(r"[0-9a-f]{64}")
TAKEN = "this key is taken, or was before; make another one"
SPENT = "these keys cannot be changed from here: this device has others, or is not registered any more"


class KeyBook:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def announce(self, device: Device, rekey: Rekey) -> Rekeyed:
        """Once more does no harm: the newest announced keys count. Nothing is noted of what is refused."""
        reason = _wrong(device, rekey)
        if reason is None:
            reason = await self._noted(device, rekey)
        if reason:
            log.warning("refused new keys", extra={"device": str(device.device_id), "reason": reason})
            return Rekeyed(public_key=rekey.public_key if is_key(rekey.public_key) else "", reason=reason)
        return Rekeyed(public_key=rekey.public_key, signing_key=rekey.signing_key)

    async def _noted(self, device: Device, rekey: Rekey) -> str:
        """Why not; empty: it is."""
        sought = [key for key in (rekey.public_key, rekey.signing_key) if key]
        row = (device.device_id, device.public_key, rekey.public_key, rekey.signing_key)
        try:
            async with transaction(self._pool, tenant=device.tenant_id) as connection:
                if await connection.fetchval(QUERIES["keys_taken"], sought, device.device_id):
                    return TAKEN
                return "" if await connection.fetchval(QUERIES["announce_key"], *row) else SPENT
        except asyncpg.UniqueViolationError:
            return TAKEN
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("cannot note a new key", extra={"error": repr(error)})
            return "the cloud cannot note it now; try again"

    async def taken(self, device: Device, taken: KeyTaken) -> None:
        """What cannot be noted now is said again after the next welcome."""
        try:
            async with transaction(self._pool, tenant=device.tenant_id) as connection:
                await key_taken(connection, device.device_id, taken)
        except (*UNAVAILABLE, asyncpg.PostgresError) as error:
            log.warning("cannot note which command key a device believes", extra={"error": repr(error)})


async def came_with(connection: Connection, device: Device, signing_key: str) -> None:
    """In the transaction of its hello: the keys it came with are the only ones now. A signing key is taken from a hello
    only when none is known."""
    named = is_signing_key(signing_key)
    if named:
        # It came with the new CURVE key alone: it did not hear that both were taken.
        await connection.execute(QUERIES["signing_key_stays"], device.device_id, device.public_key, signing_key)
    name = await connection.fetchval(QUERIES["promote_key"], device.device_id, device.public_key)
    if name is not None:
        log.info("a device came with its new keys", extra={"device": str(device.device_id)})
        details = {"public_key": device.public_key}
        await append(connection, f"device {name}", "device.key_changed", str(device.device_id), details)
    if named:
        await connection.execute(QUERIES["signing_key"], device.device_id, signing_key)


def _wrong(device: Device, rekey: Rekey) -> str | None:
    """What makes an announcement impossible whatever the database says."""
    if not is_key(rekey.public_key):
        return "not a CURVE key of 40 Z85 characters"
    if not rekey.signing_key:
        return None
    wrong = malformed(rekey.signing_key, rekey.signature)
    if wrong is not None:
        return wrong
    text = signed_announcement(device.public_key, rekey.public_key, rekey.signing_key)
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(rekey.signing_key))
        key.verify(bytes.fromhex(rekey.signature), text)
    except (InvalidSignature, ValueError):
        return "signature: not of the new signing key, or over other keys than those of now"
    return None


def is_signing_key(text: str) -> bool:
    return _SIGNING_KEY.fullmatch(text) is not None
