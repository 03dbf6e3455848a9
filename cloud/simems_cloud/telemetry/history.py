"""History at a resolution that fits: raw values, one-minute or quarter-hour rollups, gaps as null."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.raw import Buckets, RawBlock, aggregate, native_step_s
from simems_cloud.telemetry.schemas import History, Resolution, Series

QUERIES = load_queries("simems_cloud.telemetry")
Source = Literal["raw", "1min", "15min"]
BASE_S: dict[Source, float] = {"raw": 1.0, "1min": 60.0, "15min": 900.0}
NICE_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
RAW_LIMIT_S = 86_400.0
"""Longest time of raw values in one request."""


@dataclass(frozen=True)
class Window:
    """Half-open, aligned to whole steps since 1970."""

    start_s: float
    end_s: float
    step_s: float

    @property
    def count(self) -> int:
        return max(0, math.ceil((self.end_s - self.start_s) / self.step_s))

    def time(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)


def choose_source(wanted: Resolution, span_s: float, max_points: int) -> Source:
    """The coarsest source that still gives ``max_points``; raw only where it is worth reading.

    Raises InvalidRequestError when raw values are asked for over too long a time.
    """
    if wanted == "raw" and span_s > RAW_LIMIT_S:
        raise InvalidRequestError(f"resolution: raw: at most {RAW_LIMIT_S / 3600:.0f} h in one request; use 1min")
    if wanted != "auto":
        return wanted
    step_s = span_s / max_points
    return "raw" if step_s < 30 else "1min" if step_s < 900 else "15min"


def nice_step_s(at_least_s: float) -> float:
    """The smallest round step that is not shorter; whole days beyond one."""
    for step in NICE_S:
        if step >= at_least_s:
            return float(step)
    return math.ceil(at_least_s / 86_400) * 86_400.0


def align(start: datetime, end: datetime, step_s: float) -> Window:
    """Starts at the step that contains ``start``."""
    start_s = math.floor(start.timestamp() / step_s) * step_s
    return Window(start_s, end.timestamp(), step_s)


async def read_history(
    pool: Pool,
    principal: Principal,
    site_id: str,
    channels: Sequence[str],
    *,
    start: datetime,
    end: datetime,
    max_points: int,
    resolution: Resolution,
) -> History:
    """Raises NotFoundError for the site, InvalidRequestError for a time that is none."""
    span_s = _span_s(start, end)
    source = choose_source(resolution, span_s, max_points)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        rows = await connection.fetch(QUERIES["channel_ids"], site_id, list(channels))
        ids = {row["channel_id"]: row["address"] for row in rows}
        least_s = max(span_s / max_points, BASE_S[source])
        if source == "raw":
            window, found = await _raw(connection, ids, start, end, least_s)
        else:
            window = align(start, end, nice_step_s(least_s))
            found = await _rollup(connection, source, ids, window)
    return _history(window, channels, found)


def _span_s(start: datetime, end: datetime) -> float:
    if start.tzinfo is None or end.tzinfo is None:
        raise InvalidRequestError("from, to: without an offset; write 2026-03-01T00:00:00Z")
    span_s = (end - start).total_seconds()
    if span_s <= 0:
        raise InvalidRequestError("from, to: `to` is not after `from`")
    return span_s


async def _raw(
    connection: Connection, ids: dict[int, str], start: datetime, end: datetime, least_s: float
) -> tuple[Window, dict[str, Buckets]]:
    rows = await connection.fetch(QUERIES["raw"], list(ids), start, end)
    blocks = [RawBlock(ids[r["channel_id"]], r["times_us"], r["values"], r["quality"]) for r in rows]
    window = align(start, end, nice_step_s(max(least_s, native_step_s(blocks))))
    return window, aggregate(blocks, start_s=window.start_s, end_s=window.end_s, step_s=window.step_s)


async def _rollup(connection: Connection, source: Source, ids: dict[int, str], window: Window) -> dict[str, Buckets]:
    rows = await connection.fetch(
        QUERIES[f"rollup_{source}"], list(ids), window.time(window.start_s), window.time(window.end_s), window.step_s
    )
    found = {address: Buckets.empty(window.count) for address in ids.values()}
    for row in rows:
        index = round((float(row["bucket"]) - window.start_s) / window.step_s)
        if 0 <= index < window.count:
            found[ids[row["channel_id"]]].put(index, row["mean"], row["minimum"], row["maximum"])
    return found


def _history(window: Window, channels: Sequence[str], found: dict[str, Buckets]) -> History:
    times = [window.time(window.start_s + index * window.step_s) for index in range(window.count)]
    empty = Buckets.empty(window.count)
    series = {address: _series(found.get(address, empty)) for address in channels}
    return History(resolution_s=window.step_s, times=times, series=series)


def _series(buckets: Buckets) -> Series:
    return Series(mean=_column(buckets.mean), minimum=_column(buckets.minimum), maximum=_column(buckets.maximum))


def _column(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]
