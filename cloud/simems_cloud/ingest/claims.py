"""What a box with a claim key may do: say who it is and hear what a person decided. Anything else is a goodbye."""

from __future__ import annotations

import logging
import re

import asyncpg
from simems_core.wire import Bye, Claim, ClaimState, FromCloud, Ping, WireError, decode_from_edge

from simems_cloud.ingest.pong import pong_to
from simems_cloud.ingest.registry import Claimant
from simems_cloud.kit.curve import is_key
from simems_cloud.kit.database import UNAVAILABLE, Connection, Pool, transaction
from simems_cloud.kit.sql import load_queries

log = logging.getLogger(__name__)
QUERIES = load_queries("simems_cloud.ingest")
ONLY_A_CLAIM = "this key may only claim"
_SIGNING_KEY = re.compile(r"[0-9a-f]{64}")
MOST_TEXT = 200


class ClaimDesk:
    """Never stores a frame; a payload is looked at only as far as it is a claim."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def answer(self, claimant: Claimant, payload: bytes) -> FromCloud:
        try:
            message = decode_from_edge(payload)
        except WireError:
            return Bye(reason=ONLY_A_CLAIM)
        if isinstance(message, Ping):
            return pong_to(message)
        if not isinstance(message, Claim):
            log.warning("a claim key sent something else", extra={"kind": type(message).__name__})
            return Bye(reason=ONLY_A_CLAIM)
        wrong = _wrong(claimant, message)
        return Bye(reason=wrong) if wrong else await self._present(claimant, message)

    async def _present(self, claimant: Claimant, claim: Claim) -> FromCloud:
        try:
            async with transaction(self._pool, tenant=claimant.tenant_id) as connection:
                return await _presented(connection, claimant, claim)
        except UNAVAILABLE:
            return ClaimState(state="waiting", reason="the cloud cannot look it up now")
        except asyncpg.PostgresError:
            log.exception("cannot keep a claim")
            return ClaimState(state="waiting", reason="the cloud cannot keep it now")


async def _presented(connection: Connection, claimant: Claimant, claim: Claim) -> FromCloud:
    row = await connection.fetchrow(QUERIES["lock_claim"], claimant.claim_id)
    if row is None:
        return ClaimState(state="refused", reason="the claim was withdrawn")
    if row["state"] == "refused":
        return ClaimState(state="refused", reason=row["reason"])
    if row["revoked"]:
        return ClaimState(state="refused", reason="this box was revoked, or another one took its place")
    if row["state"] == "approved":
        theirs = row["public_key"] == claim.public_key
        return ClaimState(state="approved") if theirs else ClaimState(state="refused", reason="another box was let in")
    about = (claim.software, claim.vendor, claim.model, claim.serial_number)
    shown = [text[:MOST_TEXT].replace("\x00", "") for text in about]
    shown_keys = (claim.public_key, claim.signing_key)
    await connection.execute(QUERIES["present_claim"], claimant.claim_id, *shown_keys, *shown)
    return ClaimState(state="waiting", reason="a person of the tenant must approve it")


def _wrong(claimant: Claimant, claim: Claim) -> str | None:
    if not is_key(claim.public_key) or claim.public_key == claimant.public_key:
        return "public_key: not a CURVE key of this box"
    return None if _SIGNING_KEY.fullmatch(claim.signing_key) else "signing_key: not 64 hexadecimal digits"
