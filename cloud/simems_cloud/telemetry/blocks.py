"""Arguments of the set-wise inserts of a batch: flat arrays, and where each row's part of them lies; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, pairwise

import numpy as np

from simems_cloud.telemetry.columns import GOOD, Flags
from simems_cloud.telemetry.frames import Frame
from simems_cloud.telemetry.rollup import moment


def frame_arguments(frames: Sequence[Frame]) -> list[list[object]]:
    """Of ``add_frames`` after the site: one list per column, then all times in a row and where each frame's end."""
    ends = list(np.cumsum([len(frame.times_us) for frame in frames]).tolist())
    return [
        [frame.sequence for frame in frames],
        [frame.kind for frame in frames],
        [frame.checksum for frame in frames],
        [frame.refusal for frame in frames],
        list(chain.from_iterable(frame.times_us for frame in frames)),
        [start + 1 for start, _ in pairwise([0, *ends])],
        ends,
    ]


def block_arguments(frames: Sequence[Frame], ids: Mapping[str, int]) -> list[list[object]]:
    """Of ``add_blocks`` after the device: channel, start, end, sequence, first place, last place, holes, first place
    of the quality (none: all good); then all values (NaN: none) and the qualities that are not all good."""
    rows: list[tuple[object, ...]] = []
    values: list[object] = []
    quality: list[object] = []
    for frame in frames:
        columns = frame.columns
        holes = _rows(np.isnan(columns.values))
        bad = _rows(columns.quality != GOOD)
        start, end, count = moment(frame.times_us[0]), moment(frame.times_us[-1]), len(frame.times_us)
        for index, channel in enumerate(columns.channels):
            low = len(values) + index * count + 1
            quality_low = len(quality) + 1 if index in bad else None
            rows.append((ids[channel], start, end, frame.sequence, low, low + count - 1, index in holes, quality_low))
            if index in bad:
                quality += columns.quality[index].tolist()
        values += columns.values.ravel().tolist()
    return [*(list(column) for column in zip(*rows, strict=True)), values, quality]


def _rows(flags: Flags) -> set[int]:
    """Rows with any flag set."""
    return set(np.flatnonzero(flags.any(axis=1)).tolist())


def latest_arguments(frames: Sequence[Frame], ids: Mapping[str, int]) -> list[list[object]]:
    """Of ``add_latest`` after the site: per channel the last value that was there with its time, the last row's
    quality and its time."""
    channel_ids = np.array(sorted(ids.values()), dtype=np.int64)
    size = len(channel_ids)
    value, value_us = np.full(size, np.nan), np.zeros(size, dtype=np.int64)
    quality, at_us = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for frame in sorted(frames, key=lambda frame: frame.times_us[-1]):
        own = np.searchsorted(channel_ids, np.array([ids[c] for c in frame.columns.channels], dtype=np.int64))
        quality[own], at_us[own] = frame.columns.quality[:, -1], frame.times_us[-1]
        there = ~np.isnan(frame.columns.values)
        last = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
        known = np.flatnonzero(there.any(axis=1))
        value[own[known]] = frame.columns.values[known, last[known]]
        value_us[own[known]] = np.array(frame.times_us, dtype=np.int64)[last[known]]
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
