"""From steps in the lives of alarms to messages: who is told is fixed in one transaction, sending comes after it.

A worker that dies while it sends leaves the line waiting; it is sent again two minutes later with the same id.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from prometheus_client import Counter

from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.settings import Settings
from simems_cloud.kit.sql import load_queries
from simems_cloud.kit.vault import SealBrokenError, Vault
from simems_cloud.notifications import mail, webhook
from simems_cloud.notifications.audience import recipients
from simems_cloud.notifications.compose import body_of, subject_of, text_of
from simems_cloud.notifications.targets import BadTargetError
from simems_cloud.notifications.webhook import NotDeliveredError

log = logging.getLogger(__name__)
QUERIES = load_queries("simems_cloud.notifications")
SENT = Counter("simems_notifications_total", "Messages by method and outcome", ["method", "outcome"])
BATCH = 100
AT_ONCE = 10
LEASE_S = 120.0
"""Longer than sending can take: while it runs nobody else sends the same."""
FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 900.0
GIVE_UP_S = 7 * 86_400.0


@dataclass(frozen=True)
class Sender:
    settings: Settings
    pool: Pool
    vault: Vault


async def serve(sender: Sender, tenant_id: UUID) -> int:
    """Tell and send all that is due; the number of messages sent."""
    while await tell(sender.pool, tenant_id):
        pass
    sent = 0
    while batch := await _claim(sender.pool, tenant_id):
        sent += sum(await asyncio.gather(*(_send_one(sender, tenant_id, row) for row in batch)))
    return sent


async def tell(pool: Pool, tenant_id: UUID, now: datetime | None = None) -> int:
    """Write a line for everybody who is to hear of what is new; how many steps were dealt with.

    What is silenced waits for the end of the silence: an alarm that then still stands is told, one that is over is not.
    """
    at = now or datetime.now(UTC)
    async with transaction(pool, tenant=tenant_id) as connection:
        changes = [dict(row) for row in await connection.fetch(QUERIES["untold"], BATCH)]
        if not changes:
            return 0
        audience = [dict(row) for row in await connection.fetch(QUERIES["audience"])]
        for row in changes:
            if not row["silenced"]:
                await _write(connection, row, audience, at)
        await connection.execute(QUERIES["told"], [row["change_id"] for row in changes])
    return len(changes)


async def _write(
    connection: Connection, change: Mapping[str, Any], audience: Sequence[Mapping[str, Any]], at: datetime
) -> None:
    told = recipients(change, audience, at)
    if not told:
        return
    body = body_of(change)
    text, subject = json.dumps(body), subject_of(body)
    for who in told:
        row = (change["change_id"], who.subscription_id, who.webhook_id, who.method, who.address, subject, text)
        await connection.execute(QUERIES["add_delivery"], *row, who.not_before)


async def _claim(pool: Pool, tenant_id: UUID) -> list[asyncpg.Record]:
    async with transaction(pool, tenant=tenant_id) as connection:
        await connection.execute(QUERIES["drop_cleared"])
        return await connection.fetch(QUERIES["claim"], AT_ONCE, LEASE_S)


async def _send_one(sender: Sender, tenant_id: UUID, row: asyncpg.Record) -> bool:
    try:
        await _send(sender, row)
    except (NotDeliveredError, BadTargetError, SealBrokenError) as error:
        SENT.labels(row["method"], "failed").inc()
        log.warning("a message was not delivered", extra={"delivery": str(row["delivery_id"]), "error": str(error)})
        async with transaction(sender.pool, tenant=tenant_id) as connection:
            values = (row["delivery_id"], str(error)[:500], wait_s(row["attempts"]), GIVE_UP_S)
            await connection.execute(QUERIES["not_delivered"], *values)
        return False
    SENT.labels(row["method"], "delivered").inc()
    async with transaction(sender.pool, tenant=tenant_id) as connection:
        await connection.execute(QUERIES["delivered"], row["delivery_id"])
    return True


async def _send(sender: Sender, row: asyncpg.Record) -> None:
    body, delivery_id = json.loads(row["body"]), str(row["delivery_id"])
    if row["method"] == "email":
        text = text_of(body, sender.settings.public_url)
        await mail.send(sender.settings, delivery_id, row["recipient"], row["subject"], text)
        return
    secret = sender.vault.open(row["sealed_secret"])
    await webhook.send(row["url"], secret, delivery_id, body, private=sender.settings.webhooks_private)


def wait_s(attempts: int) -> float:
    """10, 20, 40 ... 900 s, each up to a fifth longer, so that many that failed together do not return together."""
    wait: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempts - 1, 10))
    return wait * random.uniform(1.0, 1.2)  # noqa: S311 - jitter
