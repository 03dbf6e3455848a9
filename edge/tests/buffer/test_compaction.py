"""Packing: what was sent and what is unsent stays what it was, the space shrinks, a long view reads summaries."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from simems_core import wire
from simems_edge.buffer import Store
from simems_edge.buffer.compaction import BLOCK_ROWS, joinable, next_block
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


def noisy_frame(second: int) -> wire.Telemetry:
    chance = random.Random(second)
    columns = [wire.Column(channel=f"a/{n}", resolution=0.5, values=[chance.randrange(2**20)]) for n in range(20)]
    return wire.Telemetry(sequence=0, times_us=[NOW_US + second * SECOND_US], columns=columns)


def event(name: str) -> wire.Events:
    one = wire.Event(id=name, kind="raised", code="x", severity="alarm", component="c", time_us=NOW_US)
    return wire.Events(sequence=0, events=[one])


def filled(folder: Path, seconds: int) -> Store:
    store = Store(folder, lambda: NOW_US)
    store.append([second_frame(second) for second in range(seconds)])
    return store


def bodies(store: Store, after: int = 0) -> list[tuple[int, object]]:
    frames = store.read_after(after, 100_000)
    return [(frame.sequence, wire.decode_from_edge(frame.body)) for frame in frames]


def test_nothing_changes_but_the_space(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: NOW_US)
    for second in range(BLOCK_ROWS + 50):
        store.append([second_frame(second), *([event(f"e{second}")] if second % 40 == 0 else [])])
    before, size = bodies(store), store.status().size_bytes
    history = read_history(store.path, ["a/0", "a/20"], NOW_US, NOW_US + 400 * SECOND_US, 1000)
    assert store.compact() == BLOCK_ROWS
    assert store.compact() == 0, "fifty rows wait for more"
    assert bodies(store) == before
    assert store.status().size_bytes < size / 2
    assert store.status().queued == len(before)
    again = read_history(store.path, ["a/0", "a/20"], NOW_US, NOW_US + 400 * SECOND_US, 1000)
    assert np.array_equal(history.times_us, again.times_us)
    for channel, columns in history.series.items():
        for old, new in zip(columns, again.series[channel], strict=True):
            assert np.array_equal(old, new, equal_nan=True)
    store.close()


@pytest.mark.parametrize("after", [0, 1, 299, 300, 301, 340])
@pytest.mark.parametrize("limit", [1, 7, 500])
def test_reading_on_from_anywhere(tmp_path: Path, after: int, limit: int) -> None:
    store = filled(tmp_path, BLOCK_ROWS + 50)
    before = store.read_after(after, limit)
    store.compact()
    assert store.read_after(after, limit) == before
    store.close()


def test_an_acknowledgement_inside_a_block_counts(tmp_path: Path) -> None:
    store = filled(tmp_path, BLOCK_ROWS)
    store.compact()
    store.acknowledge(100)
    status = store.status()
    assert (status.queued, status.oldest_sequence) == (BLOCK_ROWS - 100, 101)
    store.acknowledge(BLOCK_ROWS)
    assert (store.status().queued, store.status().oldest_unsent_us) == (0, None)
    store.close()


def test_a_cloud_that_is_ahead_renumbers_what_is_packed_too(tmp_path: Path) -> None:
    store = filled(tmp_path, BLOCK_ROWS + 20)
    store.compact()
    store.acknowledge(5000)
    frames = bodies(store, 5000)
    assert [sequence for sequence, _ in frames] == list(range(5001, 5001 + BLOCK_ROWS + 20))
    assert all(isinstance(m, wire.Telemetry) and m.sequence == sequence for sequence, m in frames)
    assert [m.times_us[0] for _, m in frames if isinstance(m, wire.Telemetry)] == [
        NOW_US + second * SECOND_US for second in range(BLOCK_ROWS + 20)
    ]
    assert store.append([second_frame(9999)]) == [5001 + BLOCK_ROWS + 20]
    store.close()


def test_a_packed_frame_can_be_set_aside(tmp_path: Path) -> None:
    store = filled(tmp_path, BLOCK_ROWS)
    store.compact()
    assert store.set_aside(150, "no such channel")
    assert not store.set_aside(150, "again")
    frames = dict(bodies(store))
    assert frames[150] == wire.Events(sequence=150, events=[])
    assert isinstance(frames[149], wire.Telemetry)
    assert len(frames) == BLOCK_ROWS
    assert store.status().refused == 1
    store.close()


def test_a_damaged_block_costs_itself_only(tmp_path: Path) -> None:
    store = filled(tmp_path, 2 * BLOCK_ROWS)
    store.compact()
    store.compact()
    store._connection.execute("update blocks set body = zeroblob(length(body)) where first_sequence = 1")
    frames = dict(bodies(store))
    assert frames[1] == wire.Events(sequence=1, events=[])
    assert isinstance(frames[BLOCK_ROWS + 1], wire.Telemetry)
    assert store.status().dropped_telemetry == BLOCK_ROWS
    assert [fault.code for fault in store.take_faults()] == ["buffer.corrupt_file"]
    store.close()


def test_a_long_view_is_that_of_the_samples(tmp_path: Path) -> None:
    store = filled(tmp_path, 12 * BLOCK_ROWS)
    span = (NOW_US - 400 * SECOND_US, NOW_US + 12 * BLOCK_ROWS * SECOND_US)
    exact = read_history(store.path, ["a/3"], *span, 2)
    while store.compact():
        continue
    store._connection.execute("update blocks set body = x'00' where first_sequence between 400 and 1500")
    packed = read_history(store.path, ["a/3"], *span, 2)
    assert packed.resolution_s == exact.resolution_s == 3600.0
    assert np.array_equal(packed.times_us, exact.times_us)
    for old, new in zip(exact.series["a/3"], packed.series["a/3"], strict=True):
        assert new == pytest.approx(old)
    store.close()


def test_a_full_buffer_thins_the_oldest_first_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: NOW_US, max_bytes=700_000)
    store.append([event("keep")])
    for start in range(0, 30 * BLOCK_ROWS, BLOCK_ROWS):
        store.append([noisy_frame(second) for second in range(start, start + BLOCK_ROWS)])
        store.compact()
    status = store.status()
    assert status.thinned_rows > 0
    assert status.dropped_telemetry == status.dropped_events == 0
    assert "buffer.thinned" in {fault.code for fault in store.take_faults()}
    frames = [m for _, m in bodies(store) if isinstance(m, wire.Telemetry)]
    seconds = [(m.times_us[0] - NOW_US) // SECOND_US for m in frames]
    gaps = np.diff(seconds)
    assert gaps[0] in {10, 60}, "the oldest is thin"
    assert gaps[-1] == 1, "the newest is not"
    assert max(gaps) <= 61
    measured = [noisy_frame(second).columns for second in seconds]
    assert [m.columns for m in frames] == measured, "no row that was not measured"
    assert isinstance(bodies(store)[0][1], wire.Events)
    store.close()


def test_a_changed_resolution_or_a_time_that_falls_back_ends_a_block() -> None:
    changed = [second_frame(1), second_frame(2), second_frame(3, resolution=0.1)]
    assert joinable(changed) == 2
    assert len(next_block(changed, more=False)) == 2
    assert joinable([second_frame(2), second_frame(1)]) == 1
    assert next_block([second_frame(1), second_frame(2)], more=False) == []
