"""History at a resolution that fits: raw values, one-minute or quarter-hour rollups, gaps as null."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec
import numpy as np

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.packed import floats, wholes
from simems_cloud.telemetry.raw import Buckets, aggregate, native_step_s
from simems_cloud.telemetry.samples import raw_values
from simems_cloud.telemetry.schemas import Resolution

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


@dataclass(frozen=True)
class HistoryColumns:
    """What was found, as columns; the channels in the order they were asked for."""

    window: Window
    found: dict[str, Buckets]

    def json(self) -> bytes:
        """A ``History``; not a number is null."""
        starts = self.window.start_s + np.arange(self.window.count) * self.window.step_s
        # Not the shortest form: of days it would be a date, which is no time.
        unit: Literal["s", "us"] = "s" if bool(np.all(starts % 1.0 == 0.0)) else "us"
        times = np.datetime_as_string((starts * 1e6).astype("datetime64[us]"), unit=unit).tolist()
        series = {
            address: {name: column.tolist() for name, column in vars(buckets).items()}
            for address, buckets in self.found.items()
        }
        answer = {"resolution_s": self.window.step_s, "times": [f"{time}Z" for time in times], "series": series}
        return msgspec.json.encode(answer)


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
) -> HistoryColumns:
    """Raises NotFoundError for the site, InvalidRequestError for a time that is none."""
    span_s = _span_s(start, end)
    source = choose_source(resolution, span_s, max_points)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        rows = await connection.fetch(QUERIES["channel_ids"], site_id, list(channels))
        ids = {row["channel_id"]: row["address"] for row in rows}
        least_s = max(span_s / max_points, BASE_S[source])
        if source == "raw":
            window, found = await _raw(connection, site_id, ids, start, end, least_s)
        else:
            window = align(start, end, nice_step_s(least_s))
            found = await _rollup(connection, source, ids, window)
    empty = Buckets.empty(window.count)
    return HistoryColumns(window, {address: found.get(address, empty) for address in channels})


def _span_s(start: datetime, end: datetime) -> float:
    if start.tzinfo is None or end.tzinfo is None:
        raise InvalidRequestError("from, to: without an offset; write 2026-03-01T00:00:00Z")
    span_s = (end - start).total_seconds()
    if span_s <= 0:
        raise InvalidRequestError("from, to: `to` is not after `from`")
    return span_s


async def _raw(
    connection: Connection, site_id: str, ids: dict[int, str], start: datetime, end: datetime, least_s: float
) -> tuple[Window, dict[str, Buckets]]:
    found = await raw_values(connection, site_id, list(ids), start, end)
    window = align(start, end, nice_step_s(max(least_s, native_step_s(found.values()))))
    bounds = {"start_s": window.start_s, "end_s": window.end_s, "step_s": window.step_s}
    return window, {ids[channel_id]: aggregate(raw, **bounds) for channel_id, raw in found.items()}


async def _rollup(connection: Connection, source: Source, ids: dict[int, str], window: Window) -> dict[str, Buckets]:
    bounds: list[object] = [list(ids), window.time(window.start_s), window.time(window.end_s)]
    if window.step_s == BASE_S[source]:
        rows = await connection.fetch(QUERIES[f"rollup_{source}_as_it_is"], *bounds)
    else:
        rows = await connection.fetch(QUERIES[f"rollup_{source}"], *bounds, window.step_s)
    found: dict[str, Buckets] = {}
    for row in rows:
        buckets = found[ids[row["channel_id"]]] = Buckets.empty(window.count)
        index = np.rint((wholes(row["bucket"]) - window.start_s) / window.step_s).astype(np.int64)
        buckets.put(index, floats(row["mean"]), floats(row["minimum"]), floats(row["maximum"]))
    return found
