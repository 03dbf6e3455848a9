"""The arithmetic on matrices gives what the same arithmetic gives value by value, to the last bit."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from statistics import median
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.telemetry.blocks import DOOR_COLUMNS, door_stream, latest_arguments
from simems_cloud.telemetry.columns import MAX_VALUE, read_columns
from simems_cloud.telemetry.frames import Frame, unpack
from simems_cloud.telemetry.packed import COPY_HEAD, COPY_TAIL, codes, floats, wholes
from simems_cloud.telemetry.rollup import (
    MINUTE_US,
    QUARTER_US,
    PackedFrame,
    minutes_seen,
    moment,
    roll_up,
    samples_of,
)
from simems_core.wire import Column, Telemetry, absolute_us, inconsistency

START_US = 1_760_000_400_000_000
NOW_US = START_US + 86_400_000_000 * 30
CHANNELS = ("a/x", "a/y", "b/x")
IDS = {"a/x": 7, "a/y": 3, "b/x": 2**40}
Sample = tuple[int, float]
RESOLUTIONS = st.sampled_from([0.0, 0.1, 0.01, 0.003, 0.5, 1.0, 2.5, 10.0, 1e-9])
STEPS_US = st.sampled_from([1, 500_000, 1_000_000, 59_999_999, MINUTE_US, 5 * MINUTE_US, QUARTER_US, 3 * QUARTER_US])
QUALITY = st.sampled_from([0, 0, 0, 1, 2, 3])


@st.composite
def columns(draw: st.DrawFn, channel: str, rows: int) -> Column:
    resolution = draw(RESOLUTIONS)
    numbers = st.floats(-1e14, 1e14) if resolution == 0 else st.integers(-(10**13), 10**13)
    values = draw(st.lists(st.none() | numbers, min_size=rows, max_size=rows))
    quality = draw(st.none() | st.lists(QUALITY, min_size=rows, max_size=rows))
    return Column(channel=channel, resolution=resolution, values=values, quality=quality)


@st.composite
def messages(draw: st.DrawFn, sequence: int = 1) -> Telemetry:
    steps = draw(st.lists(STEPS_US, max_size=12))
    start_us = START_US + draw(st.integers(0, 40)) * 30_000_000
    named = draw(st.lists(st.sampled_from(CHANNELS), unique=True, min_size=1))
    made = [draw(columns(name, len(steps) + 1)) for name in named]
    return Telemetry(sequence=sequence, times_us=[start_us, *steps], columns=made)


BATCHES = st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True).flatmap(
    lambda sequences: st.tuples(*(messages(sequence) for sequence in sequences))
)


def unpacked(batch: Iterable[Telemetry]) -> list[Frame]:
    frames = [unpack(message, b"", NOW_US) for message in batch]
    assert [frame.refusal for frame in frames] == [None] * len(frames)
    return frames


def scaled_one_by_one(column: Column) -> list[float | None]:
    if column.resolution == 0:
        return [None if value is None else float(value) for value in column.values]
    inverse = round(1.0 / column.resolution) if column.resolution < 1 else 0
    if inverse and abs(inverse * column.resolution - 1.0) < 1e-12:
        return [None if value is None else value / inverse for value in column.values]
    return [None if value is None else value * column.resolution for value in column.values]


def samples_one_by_one(message: Telemetry, column: Column) -> list[Sample]:
    codes = column.quality or [0] * len(column.values)
    rows = zip(absolute_us(message.times_us), scaled_one_by_one(column), codes, strict=True)
    return [(time_us, value) for time_us, value, code in rows if value is not None and code in (0, 3)]


def rolled_one_by_one(samples: list[tuple[int, int, float]], length_us: int) -> dict[tuple[int, int], list[float]]:
    """(channel, start) -> the columns of the rollup."""
    groups: dict[tuple[int, int], list[Sample]] = defaultdict(list)
    for channel_id, time_us, value in samples:
        groups[channel_id, time_us - time_us % length_us].append((time_us, value))
    rows: dict[tuple[int, int], list[float]] = {}
    for key in sorted(groups):
        total = positive = 0.0
        values = [value for _, value in groups[key]]
        for value in values:
            total += value
            positive += max(value, 0.0)
        first, last = groups[key][0], groups[key][-1]
        extremes = [min(values), max(values)]
        rows[key] = [*key, len(values), total, positive, *extremes, first[1], first[0], last[1], last[0]]
    return rows


def covered_one_by_one(samples: list[Sample]) -> set[int]:
    minutes = {time_us // MINUTE_US for time_us, _ in samples}
    steps = [later - earlier for (earlier, _), (later, _) in pairwise(samples)]
    longest_us = min(3 * median(steps), QUARTER_US) if steps else 0
    for (earlier, _), (later, _) in pairwise(samples):
        if later - earlier <= longest_us:
            minutes.update(range(earlier // MINUTE_US, later // MINUTE_US))
    return minutes


@given(messages())
def test_values_and_qualities(message: Telemetry) -> None:
    (frame,) = unpacked([message])
    for index, column in enumerate(message.columns):
        values = scaled_one_by_one(column)
        codes = column.quality or [0] * len(values)
        kept = [None if np.isnan(value) else value for value in frame.columns.values[index].tolist()]
        assert kept == values
        expected = [1 if value is None and code == 0 else code for value, code in zip(values, codes, strict=True)]
        assert frame.columns.quality[index].tolist() == expected


@given(BATCHES)
def test_rollups_and_covered_minutes(batch: tuple[Telemetry, ...]) -> None:
    frames = unpacked(batch)
    own = [(IDS[c.channel], samples_one_by_one(m, c)) for m in batch for c in m.columns]
    flat = sorted(((i, t, v) for i, found in own for t, v in found), key=lambda sample: sample[:2])
    packed = [
        PackedFrame(
            np.array([IDS[channel] for channel in frame.columns.channels]),
            np.array(frame.times_us),
            frame.columns.values,
            frame.columns.quality,
        )
        for frame in frames
    ]
    samples = samples_of(packed)
    if not flat:
        assert not len(samples.value)
        return
    for length_us in (MINUTE_US, QUARTER_US):
        found = [list(row) for row in zip(*roll_up(samples, length_us).arguments(), strict=True)]
        assert found == list(rolled_one_by_one(flat, length_us).values())
    expected = dict.fromkeys(rolled_one_by_one(flat, QUARTER_US), 0)
    for channel_id, found_samples in own:
        for minute in covered_one_by_one(found_samples):
            key = (channel_id, minute // 15 * QUARTER_US)
            if key in expected:
                expected[key] |= 1 << (minute % 15)
    assert minutes_seen(roll_up(samples, QUARTER_US), packed).tolist() == list(expected.values())


def fields_of(stream: bytes) -> list[list[bytes | None]]:
    """A binary COPY read by the manual."""
    assert stream.startswith(COPY_HEAD)
    assert stream.endswith(COPY_TAIL)
    at, rows = len(COPY_HEAD), []
    while stream[at:] != COPY_TAIL:
        (count,) = struct.unpack_from(">h", stream, at)
        row: list[bytes | None] = []
        at += 2
        for _ in range(count):
            (length,) = struct.unpack_from(">i", stream, at)
            row.append(None if length < 0 else stream[at + 4 : at + 4 + length])
            at += 4 + max(length, 0)
        rows.append(row)
    return rows


@given(BATCHES)
def test_the_stream_says_what_the_device_said(batch: tuple[Telemetry, ...]) -> None:
    device = UUID(int=5)
    rows = fields_of(door_stream(device, "harbour", unpacked(batch), IDS))
    for message, row in zip(batch, rows, strict=True):
        found: Any = dict(zip(DOOR_COLUMNS, row, strict=True))
        times = absolute_us(message.times_us)
        assert (found["device_id"], found["site_id"], found["kind"]) == (device.bytes, b"harbour", b"telemetry")
        assert struct.unpack(">q", found["sequence"]) == (message.sequence,)
        assert [struct.unpack(">q", found[name])[0] + 946_684_800_000_000 for name in ("start_at", "end_at")] == [
            times[0],
            times[-1],
        ]
        assert wholes(found["channel_ids"]).tolist() == [IDS[column.channel] for column in message.columns]
        assert wholes(found["times_us"]).tolist() == times
        wanted = [value for column in message.columns for value in scaled_one_by_one(column)]
        assert np.array_equal(floats(found["values"]), np.array(wanted, dtype=np.float64), equal_nan=True)
        wanted_codes = [
            1 if value is None and code == 0 else code
            for column in message.columns
            for value, code in zip(column.values, column.quality or [0] * len(times), strict=True)
        ]
        kept = codes(found["quality"]).tolist() if found["quality"] else [0] * len(wanted_codes)
        assert kept == wanted_codes


@given(BATCHES)
def test_latest_is_the_last_row_with_the_last_value_that_was_there(batch: tuple[Telemetry, ...]) -> None:
    expected: dict[int, tuple[object, ...]] = {}
    for message in sorted(batch, key=lambda message: absolute_us(message.times_us)[-1]):
        times = absolute_us(message.times_us)
        for column in message.columns:
            values = scaled_one_by_one(column)
            before = expected.get(IDS[column.channel], (None, None))
            there = [(value, moment(time)) for value, time in zip(values, times, strict=True) if value is not None]
            code = column.quality[-1] if column.quality else 0
            code = 1 if values[-1] is None and code == 0 else code
            expected[IDS[column.channel]] = (*(there[-1] if there else before[:2]), code, moment(times[-1]))
    ids = {column.channel: IDS[column.channel] for message in batch for column in message.columns}
    found = latest_arguments(unpacked(batch), ids)
    assert list(zip(*found, strict=True)) == [(key, *expected[key]) for key in sorted(expected)]


@given(
    st.lists(
        st.builds(
            Column,
            channel=st.sampled_from(["a/x", "b/x", "c", "d/\0", "e/" + "x" * 199]),
            resolution=st.sampled_from([0.0, 1.0, 0.1, -1.0, float("nan"), float("inf"), 5e-324]),
            values=st.lists(
                st.none()
                | st.integers(-5, 5)
                | st.sampled_from([2**63, -(2**63), 0.5, 3.0, float("nan"), float("inf"), 1e15, 1.1e15]),
                min_size=1,
                max_size=3,
            ),
            quality=st.none() | st.lists(st.sampled_from([0, 1, 2, 3, 4, -1, 2**63]), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_refused_is_what_the_check_of_each_value_refuses(made: list[Column]) -> None:
    rows = len(made[0].values)
    message = Telemetry(sequence=1, times_us=[START_US, *[1] * (rows - 1)], columns=made)
    wrong = inconsistency(message) is not None or any(
        "/" not in c.channel or "\0" in c.channel or len(c.channel) > 200 for c in made
    )
    wrong = wrong or any(
        v is not None and not abs(v * (c.resolution or 1.0)) <= MAX_VALUE for c in made for v in c.values
    )
    assert (read_columns(made, rows) is None) == wrong
    frame = unpack(message, b"", NOW_US)
    assert (frame.refusal is not None) == wrong
    assert frame.refusal != "columns that cannot be read"


@pytest.mark.parametrize("rows", [1, 3])
def test_a_frame_without_columns_keeps_its_times(rows: int) -> None:
    message = Telemetry(sequence=1, times_us=[START_US, *[1] * (rows - 1)], columns=[])
    (frame,) = unpacked([message])
    assert frame.kind == "telemetry"
    assert len(frame.times_us) == rows
