"""Short acknowledged frames joined into long ones: a row of a joined frame takes about a twelfth of the space."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from simems_core import wire

JOINED_ROWS = 300
SHORT_BYTES = 16 * 1024
"""A longer frame is left as it is."""


def joinable(frames: Sequence[wire.Telemetry]) -> int:
    """How many frames from the first on fit together: times rise on, and no channel changes its resolution."""
    resolutions: dict[str, float] = {}
    end_us = 0
    for count, frame in enumerate(frames):
        own = {column.channel: column.resolution for column in frame.columns}
        changed = any(resolutions.get(channel, step) != step for channel, step in own.items())
        if frame.times_us[0] <= end_us or changed:
            return count
        resolutions |= own
        end_us = sum(frame.times_us)
    return len(frames)


def join(frames: Sequence[wire.Telemetry]) -> wire.Telemetry:
    """One message (sequence 0) with the rows of all; where a frame lacks a channel there is no value."""
    times_us = [time_us for frame in frames for time_us in wire.absolute_us(frame.times_us)]
    columns: dict[str, wire.Column] = {}
    done = 0
    for frame in frames:
        for column in frame.columns:
            known = columns.setdefault(column.channel, _empty(column))
            _pad(known, done)
            known.values.extend(column.values)
            _quality(known).extend(column.quality or [0] * len(column.values))
        done += len(frame.times_us)
    for column in columns.values():
        _pad(column, done)
    joined = [_without_good(column) for column in columns.values()]
    return wire.Telemetry(sequence=0, times_us=wire.differences_us(times_us), columns=joined)


def _without_good(column: wire.Column) -> wire.Column:
    return column if any(_quality(column)) else msgspec.structs.replace(column, quality=None)


def _empty(like: wire.Column) -> wire.Column:
    return wire.Column(channel=like.channel, resolution=like.resolution, values=[], quality=[])


def _quality(column: wire.Column) -> list[int]:
    return column.quality if column.quality is not None else []


def _pad(column: wire.Column, rows: int) -> None:
    missing = rows - len(column.values)
    column.values.extend([None] * missing)
    _quality(column).extend([1] * missing)
