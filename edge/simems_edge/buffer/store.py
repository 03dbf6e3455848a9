"""Frames on disk. One thread at a time; every change is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from simems_core import wire

from simems_edge.buffer import database, fault
from simems_edge.buffer.blocks_table import FRAMES_AT_ONCE, BlocksTable, DamagedBlockError
from simems_edge.buffer.compaction import next_block
from simems_edge.buffer.fault import BufferFault, StorageError
from simems_edge.buffer.held import read_held
from simems_edge.buffer.high_water import HighWater
from simems_edge.buffer.quota import Quota, used_bytes
from simems_edge.buffer.salvage import salvage

FILE = "buffer.sqlite"
HIGH_WATER_FILE = "buffer.high-water"
NUMBERED = "numbered"
"""State: this database's numbers were lifted above all that were ever given."""
DEFAULT_MAX_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True)
class Frame:
    """One durable message; ``body`` is the wire frame."""

    sequence: int
    kind: str
    body: bytes


@dataclass(frozen=True)
class Status:
    """What the buffer holds. ``queued`` counts frames not yet acknowledged."""

    queued: int
    oldest_unsent_us: int | None
    oldest_sequence: int
    """Lowest unacknowledged sequence that is still here; one above the last when there is none."""
    last_sequence: int
    acked_sequence: int
    last_ack_us: int | None
    newest_us: int | None
    """End of the newest telemetry."""
    size_bytes: int
    dropped_telemetry: int
    dropped_events: int
    thinned_rows: int
    """Rows of unsent telemetry given up to make room; those between them are still here."""
    refused: int


class Store:
    """The buffer's file in ``folder``, made when absent, replaced when damaged.

    Raises:
        StorageError: the disk refuses; nothing was changed.
        database.TooNewError: the file belongs to a later version.
    """

    def __init__(self, folder: Path, utc_us: Callable[[], int], max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.path = folder / FILE
        self._utc_us = utc_us
        self._quota = Quota(max_bytes)
        self._faults: list[BufferFault] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._high_water = HighWater(folder / HIGH_WATER_FILE)
        self._open()

    def _open(self) -> None:
        try:
            self._connection = database.connect(self.path)
        except sqlite3.Error as error:
            if not database.is_damage(error):
                raise StorageError(f"{self.path}: {error}") from error
            self._replace_damaged(error)
        self._start()

    def _replace_damaged(self, error: sqlite3.Error) -> None:
        try:
            aside = database.quarantine(self.path, self._utc_us())
            self._connection = database.connect(self.path)
            saved = salvage(aside, self._connection)
            self._connection.execute("delete from state where name = ?", (NUMBERED,))
        except (OSError, sqlite3.Error) as again:
            raise StorageError(f"{self.path}: damaged ({error}) and cannot be replaced: {again}") from again
        self._faults.append(fault.corrupt_file(aside.name, saved.rows.get("frames", 0), saved.rows.get("blocks", 0)))

    def _start(self) -> None:
        """A new database goes on above everything that was ever given out, also above what was saved of a damaged
        one."""
        if not self._state(NUMBERED):
            if self._high_water.reserved and not self._last_sequence() and not self._faults:
                self._faults.append(fault.lost_file())
            with self._transaction():
                self._number_from(max(self._last_sequence(), self._high_water.reserved))
                self._set_state(NUMBERED, 1)
        self._blocks = BlocksTable(self._connection)
        self._acked = self._state("acked")
        self._acked_us = self._state("acked_us")

    def _last_sequence(self) -> int:
        row = self._connection.execute("select seq from sqlite_sequence where name = 'frames'").fetchone()
        return int(row[0]) if row else 0

    def _number_from(self, sequence: int) -> None:
        self._connection.execute("delete from sqlite_sequence where name = 'frames'")
        self._connection.execute("insert into sqlite_sequence (name, seq) values ('frames', ?)", (sequence,))

    def _state(self, name: str) -> int:
        row = self._connection.execute("select value from state where name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _set_state(self, name: str, value: int) -> None:
        self._connection.execute("insert or replace into state (name, value) values (?, ?)", (name, value))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Disk errors leave as StorageError; a damaged file is replaced first, so that the next call works."""
        try:
            yield
        except sqlite3.Error as error:
            if database.is_damage(error):
                self._connection.close()
                self._replace_damaged(error)
                self._start()
            raise StorageError(f"{self.path}: {error}") from error
        except OSError as error:
            raise StorageError(f"{self.path}: {error}") from error

    def append(self, messages: Sequence[wire.Durable]) -> list[int]:
        """Number and keep ``messages``, in one commit; their own sequence is replaced. Durable when it returns."""
        with self._guarded():
            self._high_water.cover(self._last_sequence() + len(messages))
            with self._transaction():
                sequences = [self._insert(message) for message in messages]
                self._keep_acknowledgement()
                self._enforce_quota()
        return sequences

    def _insert(self, message: wire.Durable) -> int:
        sequence = self._last_sequence() + 1
        from_us, to_us = _span(message)
        kind = "telemetry" if isinstance(message, wire.Telemetry) else "events"
        body = wire.encode(msgspec.structs.replace(message, sequence=sequence))
        self._connection.execute(
            "insert into frames (sequence, kind, from_us, to_us, created_us, body) values (?, ?, ?, ?, ?, ?)",
            (sequence, kind, from_us, to_us, self._utc_us(), body),
        )
        return sequence

    def _keep_acknowledgement(self) -> None:
        self._set_state("acked", self._acked)
        self._set_state("acked_us", self._acked_us)

    def _enforce_quota(self) -> None:
        given_up = self._quota.enforce(self._connection, self._blocks, self._acked)
        self._count("dropped_telemetry", given_up.telemetry)
        self._count("dropped_events", given_up.events)
        self._count("thinned_rows", given_up.thinned_rows)
        if given_up.telemetry + given_up.events:
            self._faults.append(fault.over_quota(given_up.telemetry + given_up.events))
        elif given_up.thinned_rows:
            self._faults.append(fault.thinned(given_up.thinned_rows))

    def _count(self, name: str, more: int) -> None:
        if more:
            self._set_state(name, self._state(name) + more)

    def read_after(self, sequence: int, limit: int) -> list[Frame]:
        """The next ``limit`` frames above ``sequence``. A number whose frame is gone comes as an empty events frame,
        so that the cloud's count of contiguous sequences goes on."""
        query = "select sequence, kind, body from frames where sequence > ? order by sequence limit ?"
        with self._guarded():
            rows = self._connection.execute(query, (sequence, limit)).fetchall()
            packed = self._packed_after(sequence, limit)
            last = self._last_sequence()
        found = sorted([*(Frame(*row) for row in rows), *packed], key=lambda frame: frame.sequence)
        return _without_gaps(sequence, found, last, limit)

    def _packed_after(self, sequence: int, limit: int) -> list[Frame]:
        """A block that cannot be read is dropped, counted and told; the others are all there."""
        while True:
            try:
                frames = self._blocks.frames_after(sequence, limit)
                return [Frame(frame.sequence, "telemetry", wire.encode(frame)) for frame in frames]
            except DamagedBlockError as error:
                self._drop_damaged(error)

    def _drop_damaged(self, error: DamagedBlockError) -> None:
        with self._transaction():
            self._blocks.delete([error.id])
            self._count("dropped_telemetry", error.frames)
        self._faults.append(fault.damaged_block(error.frames))

    def acknowledge(self, sequence: int) -> None:
        """Everything up to ``sequence`` is safe in the cloud. Durable with the next append or close; until then a
        crash only means that it is sent again."""
        with self._guarded():
            last = self._last_sequence()
            if sequence > last:
                self._renumber_above(sequence, last)
        self._acked = max(self._acked, sequence)
        self._acked_us = self._utc_us()

    def _renumber_above(self, sequence: int, last: int) -> None:
        """The cloud knows numbers that this file never gave: it is an old copy. What is unsent gets new numbers, all
        by the same step."""
        self._high_water.cover(sequence)
        delta = sequence - self._acked
        with self._transaction():
            query = "select sequence, body from frames where sequence > ? order by sequence desc"
            for number, body in self._connection.execute(query, (self._acked,)).fetchall():
                fresh = wire.encode(msgspec.structs.replace(_durable(body), sequence=number + delta))
                self._connection.execute(
                    "update frames set sequence = ?, body = ? where sequence = ?", (number + delta, fresh, number)
                )
            self._blocks.shift_above(self._acked, delta)
            self._number_from(last + delta)
        self._faults.append(fault.sequence_behind(sequence, last))

    def set_aside(self, sequence: int, reason: str) -> bool:
        """The cloud can never store this frame. False when it is not here (any more)."""
        with self._guarded(), self._transaction():
            query = "select kind, body from frames where sequence = ?"
            row = self._connection.execute(query, (sequence,)).fetchone() or self._out_of_block(sequence)
            if row is None:
                return False
            self._connection.execute(
                "insert or replace into refused values (?, ?, ?, ?, ?)", (sequence, *row, reason, self._utc_us())
            )
            self._connection.execute("delete from frames where sequence = ?", (sequence,))
        return True

    def _out_of_block(self, sequence: int) -> tuple[str, bytes] | None:
        try:
            frame = self._blocks.take_out(sequence)
        except DamagedBlockError as error:
            self._blocks.delete([error.id])
            self._count("dropped_telemetry", error.frames)
            self._faults.append(fault.damaged_block(error.frames))
            return None
        return None if frame is None else ("telemetry", wire.encode(frame))

    def last_sequence(self) -> int:
        """The highest sequence ever given."""
        with self._guarded():
            return self._last_sequence()

    def status(self) -> Status:
        with self._guarded():
            held = read_held(self._connection, self._acked)
            last = self._last_sequence()
            return Status(
                queued=held.queued,
                oldest_unsent_us=held.oldest_us,
                oldest_sequence=last + 1 if held.oldest_sequence is None else held.oldest_sequence,
                last_sequence=last,
                acked_sequence=self._acked,
                last_ack_us=self._acked_us or None,
                newest_us=held.newest_us,
                size_bytes=used_bytes(self._connection),
                dropped_telemetry=self._state("dropped_telemetry"),
                dropped_events=self._state("dropped_events"),
                thinned_rows=self._state("thinned_rows"),
                refused=held.refused,
            )

    def compact(self) -> int:
        """Pack the oldest frames of telemetry into one block; how many. 0: they wait for further ones."""
        query = "select body from frames where kind = 'telemetry' order by sequence limit ?"
        with self._guarded():
            bodies = self._connection.execute(query, (FRAMES_AT_ONCE,)).fetchall()
            messages = (_durable(body) for (body,) in bodies)
            frames = [message for message in messages if isinstance(message, wire.Telemetry)]
            chosen = next_block(frames, more=len(bodies) == FRAMES_AT_ONCE)
            if not chosen:
                return 0
            with self._transaction():
                self._keep_acknowledgement()
                self._blocks.add(chosen)
        return len(chosen)

    def take_faults(self) -> list[BufferFault]:
        """What happened since the last call."""
        faults, self._faults = self._faults, []
        return faults

    def close(self) -> None:
        """Keep the acknowledgement and close; safe to call twice."""
        try:
            with self._guarded(), self._transaction():
                self._keep_acknowledgement()
        finally:
            self._connection.close()


def _span(message: wire.Durable) -> tuple[int, int]:
    if isinstance(message, wire.Telemetry):
        return message.times_us[0], sum(message.times_us)
    times_us = [event.time_us for event in message.events]
    return (min(times_us), max(times_us)) if times_us else (0, 0)


def _durable(body: bytes) -> wire.Durable:
    message = wire.decode_from_edge(body)
    if not isinstance(message, wire.Telemetry | wire.Events):
        raise wire.WireError(f"a {type(message).__name__} in the buffer")
    return message


def empty_frame(sequence: int) -> Frame:
    """Stands for a frame that is no longer here."""
    return Frame(sequence, "events", wire.encode(wire.Events(sequence=sequence, events=[])))


def _without_gaps(after: int, frames: list[Frame], last: int, limit: int) -> list[Frame]:
    filled: list[Frame] = []
    ahead = iter(frames)
    upcoming = next(ahead, None)
    for sequence in range(after + 1, min(after + limit, last) + 1):
        if upcoming is not None and upcoming.sequence == sequence:
            filled.append(upcoming)
            upcoming = next(ahead, None)
        else:
            filled.append(empty_frame(sequence))
    return filled
