"""Raw values of channels between two times, from packed blocks and from frames that are not packed yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import numpy as np

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.columns import FORCED, GOOD, Codes, Flags, Floats, Whole
from simems_cloud.telemetry.packed import codes, floats, wholes
from simems_cloud.telemetry.rollup import PackedFrame

QUERIES = load_queries("simems_cloud.telemetry")


@dataclass(frozen=True)
class RawValues:
    """Of one channel, in order of time; NaN where there was none."""

    times_us: Whole
    values: Floats
    quality: Codes

    @property
    def valid(self) -> Flags:
        """What is there and counts: good and forced."""
        counts: Flags = ((self.quality == GOOD) | (self.quality == FORCED)) & ~np.isnan(self.values)
        return counts

    @staticmethod
    def of(parts: Sequence[tuple[Whole, Floats, Codes | None]]) -> RawValues:
        """Any order, also none."""
        if not parts:
            return RawValues(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int16))
        times = np.concatenate([part[0] for part in parts])
        values = np.concatenate([part[1] for part in parts])
        quality = np.concatenate([np.zeros(len(p[0]), np.int16) if p[2] is None else p[2] for p in parts])
        order = np.argsort(times, kind="stable")
        return RawValues(times[order], values[order], quality[order])


def packed_frame(row: asyncpg.Record) -> PackedFrame:
    """Of a row with ``channel_ids``, ``times_us``, ``values`` and ``quality`` as ``array_send`` gives them."""
    channel_ids, times_us = wholes(row["channel_ids"]), wholes(row["times_us"])
    shape = (len(channel_ids), len(times_us))
    quality = None if row["quality"] is None else codes(row["quality"]).reshape(shape)
    return PackedFrame(channel_ids, times_us, floats(row["values"]).reshape(shape), quality)


async def raw_values(
    connection: Connection, site_id: str, channel_ids: Sequence[int], start: datetime, end: datetime
) -> dict[int, RawValues]:
    """Of [start, end), for each channel asked for."""
    parts: dict[int, list[tuple[Whole, Floats, Codes | None]]] = defaultdict(list)
    for row in await connection.fetch(QUERIES["packed_values"], list(channel_ids), start, end):
        quality = None if row["quality"] is None else codes(row["quality"])
        parts[row["channel_id"]].append((wholes(row["times_us"]), floats(row["values"]), quality))
    for row in await connection.fetch(QUERIES["fresh_values"], list(channel_ids), start, end, site_id):
        quality = None if row["quality"] is None else codes(row["quality"])
        parts[row["channel_id"]].append((wholes(row["times_us"]), floats(row["values"]), quality))
    low, high = _microseconds(start), _microseconds(end)
    return {channel_id: _within(RawValues.of(parts[channel_id]), low, high) for channel_id in channel_ids}


async def next_values(
    connection: Connection, site_id: str, channel_ids: Sequence[int], start: datetime, end: datetime
) -> datetime | None:
    """In [start, end): before this there are no values of these channels; None: none at all."""
    found: datetime | None = await connection.fetchval(QUERIES["next_values"], list(channel_ids), start, end, site_id)
    return found


def _within(raw: RawValues, low_us: int, high_us: int) -> RawValues:
    first, last = np.searchsorted(raw.times_us, [low_us, high_us])
    return RawValues(raw.times_us[first:last], raw.values[first:last], raw.quality[first:last])


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
