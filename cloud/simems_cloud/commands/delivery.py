"""What waits for a device, and what it answers, in the database."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from simems_core.wire import Command, CommandAck, FromCloud, KeyChange, KeyTaken, Welcome

from simems_cloud.commands.signing import QUERIES
from simems_cloud.kit.database import Connection, Pool, fetch_one, transaction

ANSWERS = ("accepted", "rejected", "done", "expired")
_KEY = re.compile(r"[0-9a-f]{64}")
MOST_REASON = 2000
MOST_RESULT = 2 * 1024 * 1024


async def waiting(pool: Pool, tenant_id: UUID, device_id: UUID) -> list[FromCloud]:
    """The welcome and every command that has no end yet, in the order of their counters; marked as sent."""
    async with transaction(pool, tenant=tenant_id) as connection:
        told = await fetch_one(connection, QUERIES["welcome"], device_id)
        rows: list[asyncpg.Record] = []
        if told["open"]:
            await connection.execute(QUERIES["expire_unsent"], device_id)
            told = await fetch_one(connection, QUERIES["welcome"], device_id)
            rows = await connection.fetch(QUERIES["open_commands"], device_id)
            await connection.execute(QUERIES["mark_sent"], [row["command_id"] for row in rows])
        changes = await connection.fetch(QUERIES["key_changes"]) if told["number"] else []
    if told["key"] is None:
        return []
    welcome = Welcome(
        tenant=str(tenant_id),
        device=str(device_id),
        command_keys=[told["key"]],
        key_changes=[KeyChange(tenant=str(tenant_id), **dict(row)) for row in changes],
        command_counter=told["counter"],
        server_time_us=time.time_ns() // 1000,
    )
    return [welcome, *(_command(tenant_id, row) for row in rows)]


async def answered(connection: Connection, device_id: UUID, ack: CommandAck) -> bool:
    """Notes what the device says; False when it has no such command that is open. A state never goes back."""
    command_id = _uuid(ack.id)
    if command_id is None or ack.state not in ANSWERS:
        return False
    reason = ack.reason[:MOST_REASON].replace("\x00", "")
    site = await connection.fetchval(QUERIES["apply_ack"], command_id, device_id, ack.state, reason)
    if site is None:
        return False
    await connection.execute(QUERIES["add_ack"], command_id, _time(ack.time_us), ack.state, reason)
    if 0 < len(ack.attachment) <= MOST_RESULT:
        await connection.execute(QUERIES["add_result"], command_id, ack.attachment)
    return True


async def key_taken(connection: Connection, device_id: UUID, taken: KeyTaken) -> None:
    """Notes which command key the device believes, as far as it can be one."""
    key = taken.key if _KEY.fullmatch(taken.key) else ""
    await connection.execute(QUERIES["key_taken"], device_id, key, taken.reason[:MOST_REASON].replace("\x00", ""))


def _command(tenant_id: UUID, row: asyncpg.Record) -> Command:
    return Command(
        id=str(row["command_id"]),
        tenant=str(tenant_id),
        device=str(row["device_id"]),
        actor=row["requested_by"],
        counter=row["counter"],
        kind=row["kind"],
        payload=row["payload"],
        payload_sha256=row["payload_sha256"],
        not_before_us=row["not_before_us"],
        expires_us=row["expires_us"],
        key=row["key"],
        signature=row["signature"],
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _time(time_us: int) -> datetime:
    """By the device's clock, when that can be a time at all."""
    try:
        return datetime.fromtimestamp(time_us / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)
