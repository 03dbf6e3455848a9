"""Joining: the history stays what it was, the space shrinks, unsent frames are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from simems_core import wire
from simems_edge.buffer import Store
from simems_edge.buffer.compaction import JOINED_ROWS, join, joinable
from simems_edge.buffer.history import read_history

NOW_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


def second_frame(second: int, resolution: float = 0.5) -> wire.Telemetry:
    """A frame of one row; one channel is only there every third second."""
    columns = [
        wire.Column(channel=f"a/{n}", resolution=resolution, values=[second + n])
        for n in range(20 if second % 3 else 21)
    ]
    return wire.Telemetry(sequence=0, times_us=[NOW_US + second * SECOND_US], columns=columns)


def test_history_is_the_same_before_and_after(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: NOW_US)
    for second in range(JOINED_ROWS + 50):
        store.append([second_frame(second)])
    assert store.compact() == 0, "nothing is acknowledged"
    store.acknowledge(JOINED_ROWS + 10)
    before = read_history(store.path, ["a/0", "a/20"], NOW_US, NOW_US + 400 * SECOND_US, 1000)
    size = store.status().size_bytes
    assert store.compact() == JOINED_ROWS
    assert store.compact() == 0
    after = read_history(store.path, ["a/0", "a/20"], NOW_US, NOW_US + 400 * SECOND_US, 1000)
    assert np.array_equal(before.times_us, after.times_us)
    for channel, columns in before.series.items():
        for old, new in zip(columns, after.series[channel], strict=True):
            assert np.array_equal(old, new, equal_nan=True)
    assert store.status().size_bytes < size / 2
    assert store.status().queued == 40
    assert len(store.read_after(JOINED_ROWS + 10, 1000)) == 40
    store.close()


def test_a_changed_resolution_or_a_time_that_falls_back_ends_a_joined_frame() -> None:
    assert joinable([second_frame(1), second_frame(2), second_frame(3, resolution=0.1)]) == 2
    assert joinable([second_frame(2), second_frame(1)]) == 1
    assert joinable([second_frame(1), second_frame(2)]) == 2


def test_a_joined_frame_is_a_sound_message() -> None:
    joined = join([second_frame(second) for second in range(1, 10)])
    assert wire.inconsistency(wire.Telemetry(sequence=1, times_us=joined.times_us, columns=joined.columns)) is None
