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
from simems_edge.buffer.compaction import JOINED_ROWS, SHORT_BYTES, join, joinable
from simems_edge.buffer.fault import BufferFault, StorageError
from simems_edge.buffer.high_water import HighWater
from simems_edge.buffer.quota import Quota, used_bytes

FILE = "buffer.sqlite"
HIGH_WATER_FILE = "buffer.high-water"
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
        except (OSError, sqlite3.Error) as again:
            raise StorageError(f"{self.path}: damaged ({error}) and cannot be replaced: {again}") from again
        self._faults.append(fault.corrupt_file(aside.name))

    def _start(self) -> None:
        """A new database goes on above everything that was ever given out."""
        if self._last_sequence() == 0 and self._high_water.reserved:
            with self._transaction():
                self._number_from(self._high_water.reserved)
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
        dropped = self._quota.enforce(self._connection, self._acked)
        for name, count in (("dropped_telemetry", dropped.telemetry), ("dropped_events", dropped.events)):
            if count:
                self._set_state(name, self._state(name) + count)
        if dropped.telemetry + dropped.events:
            self._faults.append(fault.over_quota(dropped.telemetry + dropped.events))

    def read_after(self, sequence: int, limit: int) -> list[Frame]:
        """The next ``limit`` frames above ``sequence``. A number whose frame is gone comes as an empty events frame,
        so that the cloud's count of contiguous sequences goes on."""
        query = "select sequence, kind, body from frames where sequence > ? order by sequence limit ?"
        with self._guarded():
            rows = self._connection.execute(query, (sequence, limit)).fetchall()
            last = self._last_sequence()
        return _without_gaps(sequence, [Frame(*row) for row in rows], last, limit)

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
        """The cloud knows numbers that this file never gave: it is an old copy. What is unsent gets new numbers."""
        self._high_water.cover(sequence)
        with self._transaction():
            query = "select body from frames where sequence > ? order by sequence"
            bodies = [row[0] for row in self._connection.execute(query, (self._acked,))]
            self._connection.execute("delete from frames where sequence > ?", (self._acked,))
            self._number_from(sequence)
            for body in bodies:
                self._insert(_durable(body))
        self._faults.append(fault.sequence_behind(sequence, last))

    def set_aside(self, sequence: int, reason: str) -> bool:
        """The cloud can never store this frame. False when it is not here (any more)."""
        with self._guarded(), self._transaction():
            moved = self._connection.execute(
                "insert or replace into refused select sequence, kind, body, ?, ? from frames where sequence = ?",
                (reason, self._utc_us(), sequence),
            ).rowcount
            self._connection.execute("delete from frames where sequence = ?", (sequence,))
        return moved > 0

    def last_sequence(self) -> int:
        """The highest sequence ever given."""
        with self._guarded():
            return self._last_sequence()

    def status(self) -> Status:
        one = self._connection.execute
        with self._guarded():
            last = self._last_sequence()
            oldest = one(
                "select from_us, sequence from frames where sequence > ? order by sequence limit 1", (self._acked,)
            ).fetchone()
            (newest,) = one(
                "select max(t) from (select max(to_us) as t from frames where kind = 'telemetry' "
                "union all select max(to_us) from archive)"
            ).fetchone()
            (refused,) = one("select count(*) from refused").fetchone()
            (queued,) = one("select count(*) from frames where sequence > ?", (self._acked,)).fetchone()
            return Status(
                queued=queued,
                oldest_unsent_us=oldest[0] if oldest else None,
                oldest_sequence=oldest[1] if oldest else last + 1,
                last_sequence=last,
                acked_sequence=self._acked,
                last_ack_us=self._acked_us or None,
                newest_us=newest,
                size_bytes=used_bytes(self._connection),
                dropped_telemetry=self._state("dropped_telemetry"),
                dropped_events=self._state("dropped_events"),
                refused=refused,
            )

    def compact(self) -> int:
        """Join one batch of short acknowledged frames for the history; how many frames went into it."""
        query = (
            "select sequence, body from frames where kind = 'telemetry' and sequence <= ? and length(body) < ? "
            "order by from_us, sequence limit ?"
        )
        with self._guarded():
            rows = self._connection.execute(query, (self._acked, SHORT_BYTES, JOINED_ROWS)).fetchall()
            if len(rows) < JOINED_ROWS:
                return 0
            messages = [_durable(body) for _, body in rows]
            frames = [message for message in messages if isinstance(message, wire.Telemetry)]
            count = max(1, joinable(frames))
            with self._transaction():
                self._keep_acknowledgement()
                self._archive(join(frames[:count]), [sequence for sequence, _ in rows[:count]])
        return count

    def _archive(self, joined: wire.Telemetry, sequences: list[int]) -> None:
        from_us, to_us = _span(joined)
        self._connection.execute(
            "insert into archive (from_us, to_us, body) values (?, ?, ?)", (from_us, to_us, wire.encode(joined))
        )
        self._connection.executemany("delete from frames where sequence = ?", ((number,) for number in sequences))

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
