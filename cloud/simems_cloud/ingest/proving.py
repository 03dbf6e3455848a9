"""Who signed a request of the web or of a broker: a device with its own key, or a box with that of its claim code."""

from __future__ import annotations

import re
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from simems_core.web_proof import TIME, WITHIN_US

from simems_cloud.ingest.claims import QUERIES
from simems_cloud.ingest.registry import Claimant, Guest, Registry
from simems_cloud.kit.database import Pool, transaction

_SIGNATURE = re.compile(r"[0-9a-f]{128}")
NOT_KNOWN = "this device is not known, or may not come in any more"


class NotProvenError(Exception):
    """The request is not shown to come from whom it names; the text says why.

    NotProvenError
     +- NotKnownError   nobody with this key may come in
     +- WrongTimeError  it is from another time; the cloud's may be told to anybody
    """


class NotKnownError(NotProvenError):
    pass


class WrongTimeError(NotProvenError):
    pass


class Prover:
    def __init__(self, pool: Pool, registry: Registry) -> None:
        self._pool, self._registry = pool, registry

    async def guest(self, key: str, time_us: int, signature: str, signed: bytes) -> Guest:
        """Who signed this. Raises NotProvenError, and what the database raises when it is away."""
        if abs(time_us - time.time_ns() // 1000) > WITHIN_US:
            raise WrongTimeError(f"{TIME} is too far from the cloud's time, which this answer tells in {TIME}")
        guest = await self._registry.seek(key)
        if guest is None:
            raise NotKnownError(NOT_KNOWN)
        signing_key = await self._signing_key(guest)
        if not (_SIGNATURE.fullmatch(signature) and _fits(signing_key, bytes.fromhex(signature), signed)):
            raise NotProvenError("the signature does not fit the device's signing key")
        return guest

    async def _signing_key(self, guest: Guest) -> str:
        """Empty when there is none."""
        async with transaction(self._pool, tenant=guest.tenant_id) as connection:
            if isinstance(guest, Claimant):
                return await connection.fetchval(QUERIES["claim_signing_key_of"], guest.claim_id) or ""
            return await connection.fetchval(QUERIES["signing_key_of"], guest.device_id, guest.public_key) or ""


def _fits(signing_key: str, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(signing_key)).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
