"""The store's promises: durable, numbered once, nothing unsent deleted while there is another way."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from simems_core import wire
from simems_edge.buffer import StorageError, Store
from simems_edge.buffer.store import FILE, HIGH_WATER_FILE

NOW_US = 1_700_000_000_000_000


def clock_us() -> int:
    return NOW_US


def telemetry(start_us: int = NOW_US, rows: int = 2, size: int = 1) -> wire.Telemetry:
    columns = [wire.Column(channel=f"a/{n}", resolution=0.0, values=[1.5] * rows) for n in range(size)]
    return wire.Telemetry(sequence=0, times_us=[start_us, *[1_000_000] * (rows - 1)], columns=columns)


def events(name: str = "e") -> wire.Events:
    event = wire.Event(id=name, kind="raised", code="x", severity="alarm", component="c", time_us=NOW_US)
    return wire.Events(sequence=0, events=[event])


def sequences(store: Store, after: int = 0) -> list[int]:
    return [frame.sequence for frame in store.read_after(after, 10_000)]


def test_the_body_is_the_wire_message_with_its_sequence(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    assert store.append([telemetry(), events()]) == [1, 2]
    decoded = [wire.decode_from_edge(frame.body) for frame in store.read_after(0, 10)]
    assert [(type(m).__name__, m.sequence) for m in decoded if isinstance(m, wire.Durable)] == [
        ("Telemetry", 1),
        ("Events", 2),
    ]
    store.close()


def test_an_acknowledgement_survives_a_clean_stop(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    store.append([telemetry()] * 3)
    store.acknowledge(2)
    store.close()
    again = Store(tmp_path, clock_us)
    status = again.status()
    assert (status.acked_sequence, status.queued, status.last_sequence, status.last_ack_us) == (2, 1, 3, NOW_US)
    again.close()


def test_a_damaged_file_is_set_aside_and_numbers_go_on_above(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    used = store.append([telemetry()] * 5)
    store.close()
    (tmp_path / FILE).write_bytes(b"not a database at all" * 400)
    again = Store(tmp_path, clock_us)
    assert [fault.code for fault in again.take_faults()] == ["buffer.corrupt_file"]
    assert again.append([telemetry()])[0] > max(used)
    assert list(tmp_path.glob(f"{FILE}.corrupt-*"))
    again.close()


def test_damage_while_running_costs_one_try_only(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    used = store.append([telemetry(size=50)] * 50)
    store._connection.execute("pragma wal_checkpoint(truncate)")
    content = bytearray((tmp_path / FILE).read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    (tmp_path / FILE).write_bytes(content)
    store._connection.execute("pragma shrink_memory")
    with pytest.raises(StorageError):
        store.read_after(0, 100)
    assert store.append([telemetry()])[0] > max(used)
    assert "buffer.corrupt_file" in [fault.code for fault in store.take_faults()]
    store.close()


def test_a_deleted_file_does_not_bring_numbers_back(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    used = store.append([telemetry()] * 3)
    store.close()
    (tmp_path / FILE).unlink()
    again = Store(tmp_path, clock_us)
    assert again.append([telemetry()])[0] > max(used)
    again.close()


def test_a_number_whose_frame_is_gone_comes_as_an_empty_frame(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    store.append([telemetry(), telemetry(), telemetry()])
    assert store.set_aside(2, "no such channel")
    assert not store.set_aside(2, "again")
    frames = store.read_after(0, 10)
    assert [frame.sequence for frame in frames] == [1, 2, 3]
    assert wire.decode_from_edge(frames[1].body) == wire.Events(sequence=2, events=[])
    assert store.status().refused == 1
    store.close()


def test_a_cloud_that_is_ahead_lifts_the_numbers_and_nothing_unsent_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    store.append([events("first"), events("second")])
    store.acknowledge(5000)
    assert [fault.code for fault in store.take_faults()] == ["buffer.sequence_behind"]
    frames = store.read_after(5000, 10)
    messages = [wire.decode_from_edge(frame.body) for frame in frames]
    assert [(m.sequence, m.events[0].id) for m in messages if isinstance(m, wire.Events)] == [
        (5001, "first"),
        (5002, "second"),
    ]
    store.close()


def test_the_quota_takes_acknowledged_telemetry_first_and_events_last(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us, max_bytes=400_000)
    store.append([events("keep")])
    kept = [store.append([telemetry(NOW_US + n * 10_000_000, rows=50, size=20)])[0] for n in range(20)]
    store.acknowledge(kept[9])
    for n in range(20, 60):
        store.append([telemetry(NOW_US + n * 10_000_000, rows=50, size=20)])
    status = store.status()
    assert status.size_bytes <= 400_000
    assert status.dropped_telemetry > 0
    assert status.dropped_events == 0
    assert "buffer.quota" in [fault.code for fault in store.take_faults()]
    assert wire.decode_from_edge(store.read_after(0, 1)[0].body) != wire.Events(sequence=1, events=[])
    store.close()


def test_acknowledged_telemetry_is_enough_when_it_is_enough(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us, max_bytes=400_000)
    for n in range(100):
        store.append([telemetry(NOW_US + n * 10_000_000, rows=50, size=20)])
        store.acknowledge(n + 1)
    assert (store.status().dropped_telemetry, store.take_faults()) == (0, [])
    store.close()


def test_a_full_disk_changes_nothing_and_heals(tmp_path: Path) -> None:
    store = Store(tmp_path, clock_us)
    store.append([telemetry()])
    pages = store._connection.execute("pragma page_count").fetchone()[0]
    store._connection.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"):
        store.append([telemetry(size=2000)])
    store._connection.execute("pragma max_page_count = 1000000")
    assert store.append([telemetry()]) == [2]
    store.close()


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match="later version"):
        Store(tmp_path, clock_us)
    assert not list(tmp_path.glob("*.corrupt-*"))


class BufferModel(RuleBasedStateMachine):
    """Any order of appends, acknowledgements, crashes, damage: numbers are new, unsent frames are there."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="buffer-"))
        self.store = Store(self.folder, clock_us)
        self.given: list[int] = []
        self.acked = 0
        self.present: set[int] = set()

    @rule(count=st.integers(1, 5), kind=st.sampled_from([telemetry, events]))
    def append(self, count: int, kind: Any) -> None:
        new = self.store.append([kind() for _ in range(count)])
        assert min(new) > max(self.given, default=0)
        self.given += new
        self.present |= set(new)

    @rule(share=st.floats(0, 1))
    def acknowledge(self, share: float) -> None:
        self.acked = max(self.acked, round(share * max(self.given, default=0)))
        self.store.acknowledge(self.acked)

    @rule()
    def crash(self) -> None:
        """The process dies: nothing is said to the file."""
        self.store._connection.close()
        self.store = Store(self.folder, clock_us)
        assert self.store.status().acked_sequence <= self.acked
        self.store.acknowledge(self.acked)

    @rule()
    def stop(self) -> None:
        self.store.close()
        self.store = Store(self.folder, clock_us)
        assert self.store.status().acked_sequence == self.acked

    @rule(damage=st.sampled_from([b"", b"rubbish" * 100]))
    def damage(self, damage: bytes) -> None:
        self.store.close()
        for part in self.folder.glob(f"{FILE}*"):
            part.unlink()
        if damage:
            (self.folder / FILE).write_bytes(damage)
        self.store = Store(self.folder, clock_us)
        self.store.acknowledge(self.acked)
        self.present.clear()

    @invariant()
    def unsent_frames_come_in_order(self) -> None:
        frames = self.store.read_after(self.acked, 100_000)
        numbers = [frame.sequence for frame in frames]
        assert numbers == list(range(self.acked + 1, self.acked + 1 + len(numbers)))
        assert {number for number in self.present if number > self.acked} <= set(numbers)
        assert not self.given or (self.folder / HIGH_WATER_FILE).exists()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)


BufferModel.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestBufferModel = BufferModel.TestCase
