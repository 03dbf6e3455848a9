"""The buffer on the event loop: one commit per flush, a refusing disk, a cancelled flush, history."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core import wire
from simems_edge.buffer import Buffer, StorageError, downsample
from simems_edge.buffer import buffer as module

NOW_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


def fixed_us() -> int:
    return NOW_US


def column(values: list[float | int | None], channel: str = "a/b") -> wire.Column:
    return wire.Column(channel=channel, resolution=0.5, values=values)


@pytest.fixture
async def disk_buffer(tmp_path: Path) -> AsyncIterator[Buffer]:
    buffer = await Buffer.open(tmp_path, fixed_us)
    yield buffer
    await buffer.close()


async def test_a_flush_is_one_commit_of_everything(disk_buffer: Buffer) -> None:
    disk_buffer.append_telemetry([NOW_US, NOW_US + 5], [column([1, 2])])
    disk_buffer.append_events([wire.Event(id="e", kind="raised", code="c", severity="info", component="x", time_us=1)])
    assert await disk_buffer.flush()
    assert disk_buffer.appended.is_set()
    assert [frame.kind for frame in await disk_buffer.read_after(0, 10)] == ["telemetry", "events"]


async def test_nothing_to_say_makes_no_frame(disk_buffer: Buffer) -> None:
    disk_buffer.append_telemetry([], [])
    disk_buffer.append_events([])
    assert await disk_buffer.flush()
    assert (await disk_buffer.status()).last_sequence == 0


async def test_a_refusing_disk_keeps_the_rows_and_is_said_once(
    disk_buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = disk_buffer._store.append

    def refuse(messages: Sequence[wire.Durable]) -> list[int]:
        raise StorageError("database or disk is full")

    monkeypatch.setattr(disk_buffer._store, "append", refuse)
    for second in range(3):
        disk_buffer.append_telemetry([NOW_US + second], [column([second])])
        assert not await disk_buffer.flush()
    assert disk_buffer.writable is False
    assert [fault.code for fault in disk_buffer.take_faults()] == ["buffer.not_writable"]
    monkeypatch.setattr(disk_buffer._store, "append", append)
    assert await disk_buffer.flush()
    assert len(await disk_buffer.read_after(0, 10)) == 3


async def test_a_disk_that_refuses_for_long_costs_the_oldest_telemetry_and_no_event(
    disk_buffer: Buffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    disk_buffer.append_events([wire.Event(id="e", kind="raised", code="c", severity="info", component="x", time_us=1)])
    for second in range(5):
        disk_buffer.append_telemetry([NOW_US + second], [column([second])])
    assert disk_buffer.lost_in_memory == 3
    await disk_buffer.flush()
    frames = await disk_buffer.read_after(0, 10)
    assert [frame.kind for frame in frames] == ["events", "telemetry", "telemetry"]


async def test_a_cancelled_flush_keeps_nothing_twice(disk_buffer: Buffer, monkeypatch: pytest.MonkeyPatch) -> None:
    append, entered, leave = disk_buffer._store.append, threading.Event(), threading.Event()

    def slow(messages: Sequence[wire.Durable]) -> list[int]:
        entered.set()
        assert leave.wait(10)
        return append(messages)

    monkeypatch.setattr(disk_buffer._store, "append", slow)
    disk_buffer.append_telemetry([NOW_US], [column([1])])
    flush = asyncio.create_task(disk_buffer.flush())
    await asyncio.to_thread(entered.wait, 10)
    flush.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flush
    leave.set()
    assert await disk_buffer.flush()
    assert (await disk_buffer.status()).last_sequence == 1


async def test_history_is_in_units_with_gaps_and_unknown_values(disk_buffer: Buffer) -> None:
    for second in (0, 1, 2, 3, 30, 31, 32):
        value = None if second == 2 else second * 2
        disk_buffer.append_telemetry([NOW_US + second * SECOND_US], [column([value])])
    await disk_buffer.flush()
    history = await disk_buffer.history(["a/b", "a/new"], NOW_US, NOW_US + 60 * SECOND_US, 1000)
    mean, minimum, maximum = history.series["a/b"]
    seconds = ((history.times_us - NOW_US) / SECOND_US).round(1).tolist()
    assert seconds == [0, 1, 2, 3, 3.1, 30, 31, 32]
    assert np.array_equal(mean, [0, 1, np.nan, 3, np.nan, 30, 31, 32], equal_nan=True)
    assert np.array_equal(minimum, maximum, equal_nan=True)
    assert np.isnan(history.series["a/new"][0]).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 10_000), st.floats(-1e6, 1e6) | st.just(float("nan"))),
        max_size=80,
        unique_by=lambda row: row[0],
    ),
    st.integers(1, 50),
)
def test_downsampling_keeps_extremes_and_bounds_the_points(rows: list[tuple[int, float]], max_points: int) -> None:
    rows.sort()
    times = np.array([time * SECOND_US for time, _ in rows], dtype=np.int64)
    values = np.array([value for _, value in rows], dtype=np.float64)
    columns = downsample(times, {"a": values}, 0, 10_001 * SECOND_US, max_points)
    mean, minimum, maximum = columns.series["a"]
    assert len(columns.times_us) <= 2 * (max_points + 1)
    assert bool((np.diff(columns.times_us) > 0).all())
    if not np.isnan(values).all():
        assert np.nanmin(minimum) == np.nanmin(values)
        assert np.nanmax(maximum) == np.nanmax(values)
        valid = ~np.isnan(mean)
        assert bool((mean[valid] >= minimum[valid] - 1e-6).all())
        assert bool((mean[valid] <= maximum[valid] + 1e-6).all())
