"""The energy columns of the rollups of registers: what each interval counted, from the readings of the minute rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import numpy as np

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.columns import Whole
from simems_cloud.telemetry.registers import LONGEST_HOLD_US, IntervalEnergy, by_interval, steps
from simems_cloud.telemetry.rollup import QUARTER_US
from simems_cloud.telemetry.samples import raw_values

QUERIES = load_queries("simems_cloud.telemetry")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, QUARTER = timedelta(minutes=1), timedelta(minutes=15)
Reading = tuple[int, float]


async def update_energy(
    connection: Connection, site_id: str, rollovers: Mapping[int, float], since: datetime, until: datetime
) -> None:
    """Anew for every quarter hour that values from ``since`` to ``until`` touch, neighbours included.

    ``rollovers``: by channel id.
    """
    ids = list(rollovers)
    low, high = await _touched(connection, ids, since, until)
    rows = await connection.fetch(QUERIES["minute_readings"], ids, low, high)
    by_channel: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        by_channel[row["channel_id"]].append(row)
    doubtful = [row for own in by_channel.values() for row in _doubtful(own)]
    exact = await _exact(connection, site_id, doubtful)
    minutes: list[tuple[int, Whole, IntervalEnergy]] = []
    quarters: list[tuple[int, Whole, IntervalEnergy]] = []
    for channel_id, own in by_channel.items():
        times, values = zip(*_readings(own, exact), strict=True)
        counted = steps(times, values, rollovers[channel_id])
        starts = np.array([_us(row["start_at"]) for row in own], dtype=np.int64)
        quarter_starts = np.unique(starts - starts % QUARTER_US)
        minutes.append((channel_id, starts, by_interval(counted, starts)))
        quarters.append((channel_id, quarter_starts, by_interval(counted, quarter_starts)))
    await _write(connection, "set_energy_1min", minutes, low, high)
    await _write(connection, "set_energy_15min", quarters, low, high)


async def _touched(
    connection: Connection, ids: Sequence[int], since: datetime, until: datetime
) -> tuple[datetime, datetime]:
    """[low, high) in whole quarter hours: with the one before when its last reading is near, and the one after."""
    low, high = quarter(since), quarter(until) + QUARTER
    row = await connection.fetchrow(QUERIES["reading_neighbours"], list(ids), low, high)
    if row is None:
        return low, high
    if row["before_at"] is not None and _us(low) - _us(row["before_at"]) <= LONGEST_HOLD_US:
        low = quarter(row["before_at"])
    if row["after_at"] is not None:
        high = quarter(row["after_at"]) + QUARTER
    return low, high


def _doubtful(rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """Minutes whose first and last reading do not tell all: the register did not only rise in or before them."""
    found = []
    for index, row in enumerate(rows):
        falls = index > 0 and row["first_value"] < rows[index - 1]["last_value"]
        next_falls = index + 1 < len(rows) and rows[index + 1]["first_value"] < row["last_value"]
        if falls or next_falls or row["minimum"] < row["first_value"] or row["maximum"] > row["last_value"]:
            found.append(row)
    return found


async def _exact(
    connection: Connection, site_id: str, rows: Sequence[asyncpg.Record]
) -> dict[tuple[int, datetime], list[Reading]]:
    """Every reading of these minutes; nothing where the raw values are gone."""
    found: dict[tuple[int, datetime], list[Reading]] = {}
    for row in rows:
        channel_id, start = row["channel_id"], row["start_at"]
        raw = (await raw_values(connection, site_id, [channel_id], start, start + MINUTE))[channel_id]
        valid = raw.valid
        readings = list(zip(raw.times_us[valid].tolist(), raw.values[valid].tolist(), strict=True))
        if readings:
            found[channel_id, start] = readings
    return found


def _readings(rows: Sequence[asyncpg.Record], exact: Mapping[tuple[int, datetime], list[Reading]]) -> list[Reading]:
    """In order of time, each time once."""
    found: dict[int, float] = {}
    for row in rows:
        ends = [(_us(row["first_at"]), row["first_value"]), (_us(row["last_at"]), row["last_value"])]
        found.update(exact.get((row["channel_id"], row["start_at"]), ends))
    return sorted(found.items())


async def _write(
    connection: Connection,
    query: str,
    parts: Sequence[tuple[int, Whole, IntervalEnergy]],
    low: datetime,
    high: datetime,
) -> None:
    """Those of [low, high); the rows beyond were there for their readings."""
    arguments: list[list[object]] = [[], [], [], [], []]
    for channel_id, starts_us, energy in parts:
        keep = np.flatnonzero((starts_us >= _us(low)) & (starts_us < _us(high))).tolist()
        for index in keep:
            row = (channel_id, int(starts_us[index]), energy.energy_wh[index], energy.gap_wh[index])
            for column, value in zip(arguments, (*row, int(energy.resets[index])), strict=True):
                column.append(value)
    if arguments[0]:
        await connection.execute(QUERIES[query], *arguments)


def quarter(moment: datetime) -> datetime:
    """The start of its quarter hour."""
    return EPOCH + (moment - EPOCH) // QUARTER * QUARTER


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
