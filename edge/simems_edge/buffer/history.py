"""Recorded values of a time range at the resolution a screen can draw. Reads beside the writer, never in its way."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from simems_core import wire

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
GAP_INTERVALS = 3


@dataclass
class SeriesColumns:
    """Common interval starts and, per channel, (mean, minimum, maximum); NaN where there is no valid value."""

    resolution_s: float
    times_us: Times
    series: dict[str, tuple[Values, Values, Values]] = field(default_factory=dict)


class _LeanColumn(msgspec.Struct):
    channel: str
    resolution: float
    values: msgspec.Raw


class _LeanTelemetry(msgspec.Struct):
    times_us: list[int]
    columns: list[_LeanColumn]


_decode = msgspec.msgpack.Decoder(_LeanTelemetry).decode
_decode_values = msgspec.msgpack.Decoder(list[float | None]).decode


def read_history(path: Path, channels: Sequence[str], from_us: int, to_us: int, max_points: int) -> SeriesColumns:
    """Values of ``channels`` in ``[from_us, to_us)``; about ``max_points`` intervals at most. Blocks."""
    times, values = _read_rows(path, channels, from_us, to_us)
    return downsample(times, values, from_us, to_us, max_points)


def _read_rows(path: Path, channels: Sequence[str], from_us: int, to_us: int) -> tuple[Times, dict[str, Values]]:
    query = (
        "select body from frames where kind = 'telemetry' and to_us >= ?1 and from_us < ?2 "
        "union all select body from archive where to_us >= ?1 and from_us < ?2"
    )
    times: list[int] = []
    values: dict[str, list[float | None]] = {channel: [] for channel in channels}
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)
    try:
        for (body,) in connection.execute(query, (from_us, to_us)):
            _take(_decode(body), times, values)
    finally:
        connection.close()
    return _within(times, values, from_us, to_us)


def _take(frame: _LeanTelemetry, times: list[int], values: dict[str, list[float | None]]) -> None:
    times.extend(wire.absolute_us(frame.times_us))
    columns = {column.channel: column for column in frame.columns if column.channel in values}
    for channel, target in values.items():
        column = columns.get(channel)
        target.extend([None] * len(frame.times_us) if column is None else _column(column))


def _column(column: _LeanColumn) -> list[float | None]:
    numbers = _decode_values(column.values)
    scale = column.resolution or 1.0
    return [None if number is None else number * scale for number in numbers]


def _within(
    times: list[int], values: dict[str, list[float | None]], from_us: int, to_us: int
) -> tuple[Times, dict[str, Values]]:
    at = np.asarray(times, dtype=np.int64)
    order = np.argsort(at, kind="stable")
    order = order[(at[order] >= from_us) & (at[order] < to_us)]
    return at[order], {name: np.asarray(column, dtype=np.float64)[order] for name, column in values.items()}


def downsample(times_us: Times, values: dict[str, Values], from_us: int, to_us: int, max_points: int) -> SeriesColumns:
    """Mean, minimum and maximum per interval that has a row; one empty interval marks each gap in the recording."""
    step_us = _step_us(to_us - from_us, max_points)
    rows = times_us // step_us
    starts = np.unique(rows)
    with_gaps = _mark_gaps(starts)
    place = np.searchsorted(with_gaps, rows)
    series = {name: _statistics(place, column, len(with_gaps)) for name, column in values.items()}
    return SeriesColumns(step_us / 1e6, with_gaps * step_us, series)


def _step_us(span_us: int, max_points: int) -> int:
    """The shortest usual step that gives at most ``max_points`` intervals."""
    wanted_s = span_us / 1e6 / max_points
    usual = next((step for step in STEPS_S if step >= wanted_s), None)
    days = -(-wanted_s // 86400)
    return round((usual if usual is not None else days * 86400) * 1e6)


def _mark_gaps(starts: Times) -> Times:
    """Add one interval into each gap longer than a few times the spacing of the rows beside it."""
    if len(starts) < 3:
        return starts
    spacing = np.diff(starts)
    before = np.concatenate([spacing[1:2], spacing[:-1]])
    after = np.concatenate([spacing[1:], spacing[-2:-1]])
    gap = spacing > GAP_INTERVALS * np.maximum(before, after)
    return np.sort(np.concatenate([starts, starts[:-1][gap] + 1]))


def _statistics(place: Times, column: Values, count: int) -> tuple[Values, Values, Values]:
    valid = np.isfinite(column)
    at, numbers = place[valid], column[valid]
    amount = np.bincount(at, minlength=count).astype(np.float64)
    total = np.bincount(at, weights=numbers, minlength=count)
    mean = np.full(count, np.nan)
    np.divide(total, amount, out=mean, where=amount > 0)
    minimum, maximum = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(minimum, at, numbers)
    np.maximum.at(maximum, at, numbers)
    empty = amount == 0
    minimum[empty] = maximum[empty] = np.nan
    return mean, minimum, maximum
