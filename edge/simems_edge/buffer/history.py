"""Recorded values of a time range at the resolution a screen can draw. Reads beside the writer, never in its way."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from simems_core import wire

from simems_edge.buffer.block import BlockError, Layout, columns_of, decoded_layout, summary_of

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
GAP_INTERVALS = 3
BLOCKS_PER_STEP = 4
"""An interval is drawn from summaries when at least so many blocks lie in it."""


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
    """Values of ``channels`` in ``[from_us, to_us)``; about ``max_points`` intervals at most. Blocks.

    Where the intervals are much longer than a block its summary is enough: a month costs no more than a few days."""
    step_us = _step_us(to_us - from_us, max_points)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0, isolation_level=None)
    try:
        # One state of the file for both reads: what is packed between them would count twice.
        connection.execute("begin")
        rows = _Rows(channels)
        _take_frames(connection, rows, from_us, to_us)
        _take_blocks(connection, rows, from_us, to_us, step_us)
    finally:
        connection.close()
    return rows.downsampled(from_us, to_us, step_us)


class _Rows:
    """Samples and summaries of the channels, in the order in which they were read."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.channels = tuple(channels)
        self._times: list[Times] = []
        self._parts: dict[str, list[Part]] = {channel: [] for channel in channels}

    def add(self, times: Times, values: Mapping[str, Values]) -> None:
        """Samples; a channel that is not there has no value."""
        missing = np.full(len(times), np.nan)
        for channel, parts in self._parts.items():
            column = values.get(channel, missing)
            parts.append((column, column, column, np.isfinite(column).astype(np.float64)))
        self._times.append(times)

    def add_summary(self, time_us: int, summary: Mapping[str, Values]) -> None:
        """``summary``: channel -> (mean, minimum, maximum, count)."""
        missing = np.array([np.nan, np.nan, np.nan, 0.0])
        for channel, parts in self._parts.items():
            mean, minimum, maximum, count = (part.reshape(1) for part in summary.get(channel, missing))
            parts.append((mean, minimum, maximum, count))
        self._times.append(np.array([time_us], np.int64))

    def downsampled(self, from_us: int, to_us: int, step_us: int) -> SeriesColumns:
        times = np.concatenate([*self._times, np.empty(0, np.int64)])
        order = np.argsort(times, kind="stable")
        order = order[(times[order] >= from_us) & (times[order] < to_us)]
        series = {channel: _joined(parts, order) for channel, parts in self._parts.items()}
        return _intervals(times[order], series, step_us)


Part = tuple[Values, Values, Values, Values]
"""(mean, minimum, maximum, count) of each sample or summary."""


def _joined(parts: Sequence[Part], order: Times) -> Part:
    empty = np.empty(0)
    mean, minimum, maximum, count = (
        (np.concatenate([*columns, empty]) for columns in zip(*parts, strict=True)) if parts else (empty,) * 4
    )
    return mean[order], minimum[order], maximum[order], count[order]


def _take_frames(connection: sqlite3.Connection, rows: _Rows, from_us: int, to_us: int) -> None:
    query = "select body from frames where kind = 'telemetry' and to_us >= ? and from_us < ?"
    for (body,) in connection.execute(query, (from_us, to_us)):
        frame = _decode(body)
        columns = {column.channel: column for column in frame.columns}
        values = {channel: _column(columns[channel]) for channel in rows.channels if channel in columns}
        rows.add(np.array(wire.absolute_us(frame.times_us), np.int64), values)


def _column(column: _LeanColumn) -> Values:
    numbers = _decode_values(column.values)
    return np.array([np.nan if number is None else number for number in numbers]) * (column.resolution or 1.0)


def _take_blocks(connection: sqlite3.Connection, rows: _Rows, from_us: int, to_us: int, step_us: int) -> None:
    """Of a block that lies in one short part of an interval the summary is enough, and exact. One that cannot be read
    leaves a gap; the writer finds and tells it."""
    layouts: dict[int, Layout] = {}
    query = "select id, from_us, to_us, layout, summary from blocks where to_us >= ? and from_us < ?"
    for number, begins_us, ends_us, layout, summary in connection.execute(query, (from_us, to_us)).fetchall():
        with suppress(BlockError):
            if layout not in layouts:
                layouts[layout] = _layout(connection, layout)
            inside = begins_us >= from_us and ends_us < to_us and begins_us // step_us == ends_us // step_us
            if inside and (ends_us - begins_us) * BLOCKS_PER_STEP <= step_us:
                rows.add_summary((begins_us + ends_us) // 2, _summary(summary, layouts[layout], rows.channels))
            else:
                body = connection.execute("select body from blocks where id = ?", (number,)).fetchone()
                if body is not None:
                    rows.add(*columns_of(body[0], layouts[layout], rows.channels))


def _layout(connection: sqlite3.Connection, number: int) -> Layout:
    row = connection.execute("select body from layouts where id = ?", (number,)).fetchone()
    return decoded_layout(row[0] if row else b"")


def _summary(summary: bytes, layout: Layout, channels: Sequence[str]) -> dict[str, Values]:
    table = summary_of(summary, layout)
    places = {channel: number for number, channel in enumerate(layout.channels)}
    return {channel: table[:, places[channel]] for channel in channels if channel in places}


def downsample(times_us: Times, values: dict[str, Values], from_us: int, to_us: int, max_points: int) -> SeriesColumns:
    """Mean, minimum and maximum per interval that has a row; one empty interval marks each gap in the recording."""
    rows = _Rows(tuple(values))
    rows.add(times_us, values)
    return rows.downsampled(from_us, to_us, _step_us(to_us - from_us, max_points))


def _intervals(times_us: Times, series: dict[str, Part], step_us: int) -> SeriesColumns:
    at = times_us // step_us
    with_gaps = _mark_gaps(np.unique(at))
    place = np.searchsorted(with_gaps, at)
    columns = {name: _statistics(place, part, len(with_gaps)) for name, part in series.items()}
    return SeriesColumns(step_us / 1e6, with_gaps * step_us, columns)


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


def _statistics(place: Times, part: Part, count: int) -> tuple[Values, Values, Values]:
    means, minima, maxima, amounts = part
    valid = np.isfinite(means)
    at, numbers, weights = place[valid], means[valid], amounts[valid]
    amount = np.bincount(at, weights=weights, minlength=count)
    total = np.bincount(at, weights=numbers * weights, minlength=count)
    mean = np.full(count, np.nan)
    np.divide(total, amount, out=mean, where=amount > 0)
    minimum, maximum = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(minimum, at, minima[valid])
    np.maximum.at(maximum, at, maxima[valid])
    empty = amount == 0
    minimum[empty] = maximum[empty] = np.nan
    return mean, minimum, maximum
