"""A block gives back every frame as it was, in little space; damage is found and never taken for data."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core import wire
from simems_edge.buffer.block import (
    BlockError,
    columns_of,
    decoded_layout,
    encode_block,
    frames_of,
    layout_of,
    summary_of,
)

START_US = 1_700_000_000_000_000
S_US = 1_000_000
RESOLUTIONS = {"a/power_w": 10.0, "a/soc_pct": 0.1, "a/raw": 0.0, "a/code": 1.0}


def made_frames(seed: int) -> list[wire.Telemetry]:
    """Up to 8 frames of up to 5 rows; channels come and go; values may be missing, with a code that says why."""
    chance = random.Random(seed)
    made, time_us, sequence = [], START_US, chance.randint(1, 1000)
    for _ in range(chance.randint(1, 8)):
        rows = chance.randint(1, 5)
        channels = chance.sample(sorted(RESOLUTIONS), chance.randint(1, len(RESOLUTIONS)))
        times = [time_us := time_us + chance.randint(1, 10 * S_US) for _ in range(rows)]
        columns = [_column(chance, channel, rows) for channel in channels]
        made.append(wire.Telemetry(sequence=sequence, times_us=wire.differences_us(times), columns=columns))
        sequence += chance.randint(1, 3)
    return made


def _column(chance: random.Random, channel: str, rows: int) -> wire.Column:
    resolution = RESOLUTIONS[channel]
    span = 10 ** chance.randint(0, 15)
    number = (lambda: chance.randint(-span, span)) if resolution else (lambda: chance.uniform(-span, span))
    values = [None if chance.random() < 0.3 else number() for _ in range(rows)]
    codes = [chance.choice((1, 2)) if value is None else chance.choice((0, 0, 3)) for value in values]
    if all(code == 1 for code in codes):
        codes[0] = 2
    return wire.Column(channel=channel, resolution=resolution, values=values, quality=codes if any(codes) else None)


frames = st.integers(0, 2**32).map(made_frames)


def by_channel(frame: wire.Telemetry) -> dict[str, wire.Column]:
    return {column.channel: column for column in frame.columns}


@given(frames)
def test_every_frame_comes_back(made: list[wire.Telemetry]) -> None:
    layout = layout_of(made)
    block = encode_block(made, layout)
    back = frames_of(block.body, decoded_layout(layout.encoded()))
    assert [frame.sequence for frame in back] == [frame.sequence for frame in made]
    assert [frame.times_us for frame in back] == [frame.times_us for frame in made]
    assert [by_channel(frame) for frame in back] == [by_channel(frame) for frame in made]
    assert (block.first_sequence, block.last_sequence) == (made[0].sequence, made[-1].sequence)


@given(frames, st.integers(1, 10_000))
def test_a_shift_renumbers(made: list[wire.Telemetry], shift: int) -> None:
    layout = layout_of(made)
    back = frames_of(encode_block(made, layout).body, layout, shift)
    assert [frame.sequence for frame in back] == [frame.sequence + shift for frame in made]


def steady(rows: int, channels: int) -> list[wire.Telemetry]:
    """A frame a second: every channel wanders by a few steps of its resolution."""
    chance = random.Random(1)
    values = [1000] * channels
    made = []
    for row in range(rows):
        values = [value + chance.choice((-2, -1, 0, 0, 0, 1, 2)) for value in values]
        columns = [wire.Column(channel=f"dev/{n}", resolution=0.5, values=[v]) for n, v in enumerate(values)]
        made.append(wire.Telemetry(sequence=row + 1, times_us=[START_US + row * S_US], columns=columns))
    return made


def test_it_takes_less_than_a_byte_a_value() -> None:
    made = steady(300, 50)
    layout = layout_of(made)
    block = encode_block(made, layout)
    assert len(block.body) + len(block.summary) < 300 * 50


def test_columns_and_summary_are_those_of_the_frames() -> None:
    made = steady(300, 5)
    layout = layout_of(made)
    block = encode_block(made, layout)
    times, columns = columns_of(block.body, layout, ["dev/3", "none/such"])
    expected = [frame.columns[3].values[0] * 0.5 for frame in made if frame.columns[3].values[0] is not None]
    assert times.tolist() == [frame.times_us[0] for frame in made]
    assert columns["dev/3"].tolist() == expected
    assert "none/such" not in columns
    mean, minimum, maximum, count = summary_of(block.summary, layout)[:, 3]
    assert mean == pytest.approx(np.mean(expected))
    assert (minimum, maximum, count) == (min(expected), max(expected), 300)


def test_a_flipped_bit_is_found_wherever_it_is() -> None:
    made = steady(40, 3)
    layout = layout_of(made)
    body = bytearray(encode_block(made, layout).body)
    for place in range(len(body)):
        for bit in (0, 3, 7):
            damaged = bytearray(body)
            damaged[place] ^= 1 << bit
            with pytest.raises(BlockError):
                frames_of(bytes(damaged), layout)


@given(st.binary(max_size=300))
def test_rubbish_is_refused(rubbish: bytes) -> None:
    layout = layout_of(steady(2, 3))
    reads = (lambda: frames_of(rubbish, layout), lambda: summary_of(rubbish, layout), lambda: decoded_layout(rubbish))
    for read in reads:
        with pytest.raises(BlockError):
            read()
