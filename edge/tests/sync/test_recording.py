"""Quantising and the pump: what the recorder sampled is what a reader of the buffer gets back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core import BAD, GOOD, STALE, Channel, Clock, Cycle, ProcessImage, Recorder, wire
from simems_edge.buffer import Buffer, BufferFault
from simems_edge.sync import Pump, RecordedChannel, quantise

START_US = 1_700_000_000_000_000
SECOND_NS = 1_000_000_000


def one_column(channel: RecordedChannel, values: list[float], qualities: list[int]) -> wire.Column | None:
    columns = quantise([channel], np.array([values]).T, np.array([qualities], dtype=np.uint8).T)
    return columns[0] if columns else None


def test_only_valid_values_leave_and_the_rest_says_why() -> None:
    channel = RecordedChannel("a/b", resolution=0.5)
    column = one_column(channel, [1.3, 2.0, math.nan, 4.0], [GOOD, STALE, BAD, GOOD])
    assert column == wire.Column(channel="a/b", resolution=0.5, values=[3, None, None, 8], quality=[0, 1, 2, 0])


def test_a_channel_never_written_is_left_out() -> None:
    assert one_column(RecordedChannel("a/b"), [math.nan] * 2, [STALE] * 2) is None


def test_codes_and_flags_are_whole_numbers() -> None:
    column = one_column(RecordedChannel("a/b", kind="enum"), [2.0], [GOOD])
    assert column == wire.Column(channel="a/b", resolution=1.0, values=[2])


@pytest.mark.parametrize("value", [1e300, -1e300, math.inf])
def test_an_absurd_value_is_bad_and_nothing_breaks(value: float) -> None:
    column = one_column(RecordedChannel("a/b", resolution=1.0), [value], [GOOD])
    assert column == wire.Column(channel="a/b", resolution=1.0, values=[None], quality=[BAD])


@given(
    st.lists(st.tuples(st.floats(), st.integers(0, 3)), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.001, 0.1, 1.0, 10.0]),
)
def test_every_frame_can_be_stored_and_is_within_half_a_step(rows: list[tuple[float, int]], resolution: float) -> None:
    values, qualities = [value for value, _ in rows], [quality for _, quality in rows]
    column = one_column(RecordedChannel("a/b", resolution=resolution), values, qualities)
    if column is None:
        return
    message = wire.Telemetry(sequence=1, times_us=[START_US, *[1] * (len(rows) - 1)], columns=[column])
    decoded = wire.decode_from_edge(wire.encode(message))
    assert isinstance(decoded, wire.Telemetry)
    assert wire.inconsistency(decoded) is None
    for original, read in zip(values, wire.column_values(decoded.columns[0]), strict=True):
        assert read is None or abs(read - original) <= resolution / 2 + abs(original) * 1e-12


async def test_the_pump_moves_rows_and_events_into_the_buffer(tmp_path: Path) -> None:
    image = ProcessImage([Channel("a/b", resolution=0.5, stale_after_s=100.0), Channel("a/never")])
    clock = Clock.simulated(START_US)
    cycle = Cycle(image, period_s=1.0, sources=[], actuators=[], guards=[], clock=clock)
    recorder = Recorder(image, [0, 1], interval_s=1.0)
    cycle.attach(recorder)
    buffer = await Buffer.open(tmp_path, lambda: clock.utc_us(clock.now_ns()))
    faults: list[BufferFault] = []
    channels = [RecordedChannel(c.address, c.kind, c.resolution) for c in image.channels]
    pump = Pump(recorder, channels, clock, buffer, flush_s=1.0, on_fault=faults.append)
    for second in range(1, 6):
        clock.advance_to(second * SECOND_NS)
        image.publish(0, second * 1.0, second * SECOND_NS)
        cycle.begin(second * SECOND_NS)
        cycle.finish()
    pump.add_event(wire.Event(id="e", kind="action", code="c", severity="info", component="x", time_us=START_US))
    assert await pump.flush()
    messages = [wire.decode_from_edge(frame.body) for frame in await buffer.read_after(0, 10)]
    await buffer.close()
    telemetry, events = messages
    assert isinstance(telemetry, wire.Telemetry)
    assert isinstance(events, wire.Events)
    assert [column.channel for column in telemetry.columns] == ["a/b"]
    assert wire.column_values(telemetry.columns[0])[-3:] == [3.0, 4.0, 5.0]
    assert wire.absolute_us(telemetry.times_us)[-1] == START_US + 5_000_000
    assert (events.events[0].id, faults) == ("e", [])


async def test_steps_of_the_wall_clock_move_the_stamps_of_whole_frames_and_nothing_else(tmp_path: Path) -> None:
    """Three rows between flushes, a step before each: +-1 s, +-1 h, +-1 day, 200 times; every frame can be stored."""
    image = ProcessImage([Channel("a/b", resolution=1.0, stale_after_s=math.inf)])
    clock = Clock.stepped(START_US)
    cycle = Cycle(image, period_s=1.0, sources=[], actuators=[], guards=[], clock=clock)
    recorder = Recorder(image, [0], interval_s=0.001)
    cycle.attach(recorder)
    buffer = await Buffer.open(tmp_path, lambda: clock.utc_us(clock.now_ns()))
    pump = Pump(
        recorder, [RecordedChannel("a/b", resolution=1.0)], clock, buffer, flush_s=1.0, on_fault=lambda _fault: None
    )
    written: list[float] = []
    try:
        for number in range(200):
            step_us = (1, -1, 3600, -3600, 86_400, -86_400)[number % 6] * 1_000_000
            clock.set_wall(clock.utc_us(clock.now_ns()) + step_us)
            for _ in range(3):
                time_ns = max(clock.now_ns(), image.snapshot().time_ns + 1_000_000)
                image.publish(0, float(len(written)), time_ns)
                written.append(float(len(written)))
                cycle.begin(time_ns)
                cycle.finish()
            assert await pump.flush()
        read: list[float | None] = []
        for frame in await buffer.read_after(0, 10_000):
            message = wire.decode_from_edge(frame.body)
            assert isinstance(message, wire.Telemetry)
            assert wire.inconsistency(message) is None
            read += [value for column in message.columns for value in wire.column_values(column)]
    finally:
        await buffer.close()
    assert read == written, "each row once, in its order"
