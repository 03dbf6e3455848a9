"""Packs values that are rolled up: from a row a frame to a row a channel and time span, nothing lost or doubled.

The rows of the frames leave in the transaction that writes the blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import numpy as np

from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.columns import Codes, Floats, Whole
from simems_cloud.telemetry.energy import quarter
from simems_cloud.telemetry.months import Months
from simems_cloud.telemetry.packed import NULL, array_field, copy_row, copy_stream, field, time_field
from simems_cloud.telemetry.samples import RawValues, packed_frame

QUERIES = load_queries("simems_cloud.telemetry")
FRAMES_A_TURN = 1000
VALUES_A_TURN = 1_000_000
SETTLED_AFTER = timedelta(minutes=5)
"""A quarter hour that ended so long ago is packed whole; its frames are short, its blocks are not."""
DAY_US = 86_400_000_000
LONGEST_BLOCK = 5000
DOOR = "block_door"
DOOR_COLUMNS = (
    *("channel_id", "start_at", "device_id", "first_sequence", "end_at"),
    *("times_us", "values", "quality"),
)


async def pack_all(pool: Pool, months: Months, *, now: datetime | None = None, at_most: int = 100) -> int:
    """Frames packed, one turn of every site that has some. Several workers may run this at once."""
    before = quarter((now or datetime.now(UTC)) - SETTLED_AFTER)
    async with transaction(pool) as connection:
        waiting = await connection.fetch(QUERIES["sites_to_pack"], before, at_most)
    return sum([await pack_site(pool, months, row["tenant_id"], row["site_id"], before) for row in waiting])


async def pack_site(pool: Pool, months: Months, tenant_id: UUID, site_id: str, before: datetime) -> int:
    """The oldest frames, in one transaction. Another worker at the same site: none."""
    while True:
        async with transaction(pool, tenant=tenant_id) as connection:
            if not await connection.fetchval(QUERIES["site_turn"], site_id):
                return 0
            rows = _a_turn(await connection.fetch(QUERIES["frames_to_pack"], site_id, before, FRAMES_A_TURN))
            if not rows:
                return 0
            since, until = min(row["start_at"] for row in rows), max(row["end_at"] for row in rows)
            if months.known(since, until):
                await _pack_all(connection, rows, months)
                return len(rows)
        await months.make(pool, since, until)


async def _pack_all(connection: Connection, rows: Sequence[asyncpg.Record], months: Months) -> None:
    try:
        for device_id, own in _by_device(rows).items():
            await _pack(connection, device_id, own)
    except asyncpg.CheckViolationError:
        months.forget()
        raise


def _a_turn(rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    sizes = np.cumsum([len(row["values"]) // 12 for row in rows])
    return list(rows[: max(1, int(np.searchsorted(sizes, VALUES_A_TURN)))])


def _by_device(rows: Sequence[asyncpg.Record]) -> dict[UUID, list[asyncpg.Record]]:
    found: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row["device_id"]].append(row)
    return found


async def _pack(connection: Connection, device_id: UUID, rows: Sequence[asyncpg.Record]) -> None:
    parts: dict[int, list[tuple[Whole, Floats, Codes | None]]] = defaultdict(list)
    first_sequence = min(row["sequence"] for row in rows)
    for row in rows:
        frame = packed_frame(row)
        for index, channel_id in enumerate(frame.channel_ids.tolist()):
            quality = None if frame.quality is None else frame.quality[index]
            parts[channel_id].append((frame.times_us, frame.values[index], quality))
    stream = copy_stream(
        _block(channel_id, device_id, first_sequence, block)
        for channel_id in sorted(parts)
        for block in cut(RawValues.of(parts[channel_id]))
    )
    await connection.copy_to_table(DOOR, source=_once(stream), columns=list(DOOR_COLUMNS), format="binary")
    await connection.execute(QUERIES["forget_values"], device_id, [row["sequence"] for row in rows])


def cut(raw: RawValues) -> Iterator[RawValues]:
    """Where a UTC day begins, so that a block lies in one partition, and every so many values; equal times together."""
    low, size = 0, len(raw.times_us)
    while low < size:
        day_ends = np.searchsorted(raw.times_us, (raw.times_us[low] // DAY_US + 1) * DAY_US)
        high = min(int(day_ends), low + LONGEST_BLOCK)
        high = int(np.searchsorted(raw.times_us, raw.times_us[high - 1], side="right"))
        yield RawValues(raw.times_us[low:high], raw.values[low:high], raw.quality[low:high])
        low = high


def _block(channel_id: int, device_id: UUID, first_sequence: int, block: RawValues) -> bytes:
    return copy_row(
        [
            field(channel_id),
            time_field(int(block.times_us[0])),
            field(device_id),
            field(first_sequence),
            time_field(int(block.times_us[-1])),
            array_field(block.times_us),
            array_field(block.values),
            array_field(block.quality) if block.quality.any() else NULL,
        ]
    )


async def _once(stream: bytes) -> AsyncIterator[bytes]:
    yield stream
