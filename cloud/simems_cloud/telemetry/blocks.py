"""A batch as what the database takes: one stream of rows for COPY, and the latest values as columns; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import numpy as np

from simems_cloud.telemetry.columns import GOOD
from simems_cloud.telemetry.frames import Frame
from simems_cloud.telemetry.packed import NULL, array_field, copy_row, copy_stream, field, time_field
from simems_cloud.telemetry.rollup import moment

DOOR = "frame_door"
DOOR_COLUMNS = (
    *("device_id", "site_id", "sequence", "kind", "checksum", "refusal"),
    *("start_at", "end_at", "channel_ids", "times_us", "values", "quality"),
)


def door_stream(device_id: UUID, site_id: str, frames: Sequence[Frame], ids: Mapping[str, int]) -> bytes:
    """The frames of one device."""
    return copy_stream(door_rows(device_id, site_id, frames, ids))


def door_rows(device_id: UUID, site_id: str, frames: Sequence[Frame], ids: Mapping[str, int]) -> Iterator[bytes]:
    """``DOOR_COLUMNS`` of each frame; those without values have nulls in the last six."""
    device, site = field(device_id), field(site_id)
    for frame in frames:
        identity = [device, site, field(frame.sequence), field(frame.kind), field(frame.checksum), field(frame.refusal)]
        yield copy_row([*identity, *_values(frame, ids)])


def _values(frame: Frame, ids: Mapping[str, int]) -> list[bytes]:
    columns = frame.columns
    if not columns.channels:
        return [NULL] * 6
    return [
        time_field(frame.times_us[0]),
        time_field(frame.times_us[-1]),
        array_field(np.array([ids[channel] for channel in columns.channels], dtype=np.int64)),
        array_field(np.array(frame.times_us, dtype=np.int64)),
        array_field(columns.values),
        array_field(columns.quality) if (columns.quality != GOOD).any() else NULL,
    ]


def latest_arguments(frames: Sequence[Frame], ids: Mapping[str, int]) -> list[list[object]]:
    """Of ``end_batch`` after the site: per channel the last value that was there with its time, the last row's
    quality and its time."""
    channel_ids = np.array(sorted({ids[c] for frame in frames for c in frame.columns.channels}), dtype=np.int64)
    size = len(channel_ids)
    value, value_us = np.full(size, np.nan), np.zeros(size, dtype=np.int64)
    quality, at_us = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    seen = np.zeros(size, dtype=np.bool_)
    for _, _, frame in sorted(((f.times_us[-1], n, f) for n, f in enumerate(frames)), reverse=True):
        own = np.searchsorted(channel_ids, np.array([ids[c] for c in frame.columns.channels], dtype=np.int64))
        first = ~seen[own]
        quality[own[first]], at_us[own[first]] = frame.columns.quality[first, -1], frame.times_us[-1]
        seen[own] = True
        there = ~np.isnan(frame.columns.values)
        last = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
        known = np.flatnonzero(there.any(axis=1) & np.isnan(value[own]))
        value[own[known]] = frame.columns.values[known, last[known]]
        value_us[own[known]] = np.array(frame.times_us, dtype=np.int64)[last[known]]
        if seen.all() and not np.isnan(value).any():
            break
    moments = _moments([*value_us.tolist(), *at_us.tolist()])
    none = np.isnan(value).tolist()
    return [
        channel_ids.tolist(),
        [None if gone else number for gone, number in zip(none, value.tolist(), strict=True)],
        [None if gone else moments[time] for gone, time in zip(none, value_us.tolist(), strict=True)],
        quality.tolist(),
        [moments[time] for time in at_us.tolist()],
    ]


def _moments(times_us: Sequence[int]) -> dict[int, datetime]:
    return {time_us: moment(time_us) for time_us in set(times_us)}
