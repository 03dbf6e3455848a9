"""What goes when the buffer is full, and in which order.

Of what the cloud has: its resolution, then itself. Then of what is unsent: the resolution of the oldest telemetry, then
the oldest telemetry itself, events and alarms last. A thinned row is one that was measured, never a made one; the
summary of its block stays that of all rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Final

import msgspec
from simems_core import wire

from simems_edge.buffer.block import encode_block
from simems_edge.buffer.blocks_table import BlocksTable, DamagedBlockError, StoredBlock

CHUNK_FRAMES: Final = 64
CHUNK_BLOCKS: Final = 4
THIN_STEPS_S: Final = (10, 60)
"""One row is kept in each step; the oldest blocks go to the next step first."""
MOST_THINNED: Final = 16
"""Blocks thinned in one commit; the next commit goes on."""


@dataclass
class GivenUp:
    """What was deleted before the cloud had it."""

    telemetry: int = 0
    """Frames."""
    events: int = 0
    thinned_rows: int = 0


def used_bytes(connection: sqlite3.Connection) -> int:
    """Pages in use; free pages of the file do not count, they are used again."""
    (pages,) = connection.execute("pragma page_count").fetchone()
    (free,) = connection.execute("pragma freelist_count").fetchone()
    (size,) = connection.execute("pragma page_size").fetchone()
    return int((pages - free) * size)


class Quota:
    """Keeps the used size at or below ``max_bytes``."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def enforce(self, connection: sqlite3.Connection, blocks: BlocksTable, acked: int) -> GivenUp:
        """Inside the caller's transaction, oldest first, until it fits."""
        given_up = GivenUp()
        if self._fits(connection):
            return given_up
        work = _Room(connection, blocks, acked, given_up)
        thinned = 0
        for step in (work.thin_sent, work.drop_sent, work.thin_unsent, work.drop_unsent):
            while not self._fits(connection):
                if step in (work.thin_sent, work.thin_unsent):
                    thinned += 1
                if thinned > MOST_THINNED:
                    return given_up
                if not step():
                    break
        return given_up

    def _fits(self, connection: sqlite3.Connection) -> bool:
        return used_bytes(connection) <= self._max_bytes


class _Room:
    """Each step makes some room; False when there is nothing of its kind left."""

    def __init__(self, connection: sqlite3.Connection, blocks: BlocksTable, acked: int, given_up: GivenUp) -> None:
        self._connection = connection
        self._blocks = blocks
        self._acked = acked
        self._given_up = given_up

    def thin_sent(self) -> bool:
        return self._thin("last_sequence <= ?") is not None

    def thin_unsent(self) -> bool:
        rows = self._thin("last_sequence > ?")
        self._given_up.thinned_rows += rows or 0
        return rows is not None

    def drop_sent(self) -> bool:
        return bool(self._drop_blocks("last_sequence <= ?") or self._drop_frames("telemetry", "sequence <= ?"))

    def drop_unsent(self) -> bool:
        """Telemetry first, then events that the cloud has, then the others."""
        gone = self._drop_blocks("last_sequence > ?") or self._drop_frames("telemetry", "sequence > ?")
        self._given_up.telemetry += gone
        if gone or self._drop_frames("events", "sequence <= ?"):
            return True
        events = self._drop_frames("events", "sequence > ?")
        self._given_up.events += events
        return bool(events)

    def _thin(self, side: str) -> int | None:
        """Rows given up of one block; None when all are as thin as they get."""
        for step_s in THIN_STEPS_S:
            block = self._next_to_thin(side, step_s)
            if block is not None:
                return self._thin_block(*block, step_s)
        return None

    def _next_to_thin(self, side: str, step_s: int) -> tuple[StoredBlock, bytes, int] | None:
        query = (
            "select id, first_sequence, last_sequence, shift, frames, layout, body, summary, rows from blocks"  # noqa: S608 - a fixed choice of two conditions
            f" where {side} and thinned < ? order by to_us limit 1"
        )
        row = self._connection.execute(query, (self._acked, step_s)).fetchone()
        return None if row is None else (StoredBlock(*row[:7]), row[7], row[8])

    def _thin_block(self, block: StoredBlock, summary: bytes, rows: int, step_s: int) -> int:
        try:
            frames = list(_thinned(self._blocks.unpacked(block), step_s))
        except DamagedBlockError as error:
            self._blocks.delete([error.id])
            self._given_up.telemetry += error.frames
            return 0
        fresh = replace(encode_block(frames, self._blocks.layout(block.layout)), summary=summary)
        self._blocks.delete([block.id])
        self._blocks.insert(fresh, block.layout, thinned=step_s)
        return rows - fresh.rows

    def _drop_blocks(self, side: str) -> int:
        query = f"select id, frames from blocks where {side} order by to_us limit {CHUNK_BLOCKS}"  # noqa: S608 - as above
        rows = self._connection.execute(query, (self._acked,)).fetchall()
        self._blocks.delete([number for number, _ in rows])
        return sum(frames for _, frames in rows)

    def _drop_frames(self, kind: str, side: str) -> int:
        """By time of the data: frames filled in later for an earlier time go first as well."""
        query = (
            "delete from frames where sequence in "  # noqa: S608 - as above
            f"(select sequence from frames where kind = ? and {side} order by to_us, sequence limit {CHUNK_FRAMES})"
        )
        return self._connection.execute(query, (kind, self._acked)).rowcount


def _thinned(frames: list[wire.Telemetry], step_s: int) -> Iterator[wire.Telemetry]:
    """The first row of each step; frames without any row left are left out."""
    step_us, last = step_s * 1_000_000, None
    for frame in frames:
        times = wire.absolute_us(frame.times_us)
        kept = []
        for time_us in times:
            kept.append(time_us // step_us != last)
            last = time_us // step_us
        if any(kept):
            yield _rows_of(frame, times, kept)


def _rows_of(frame: wire.Telemetry, times: list[int], kept: list[bool]) -> wire.Telemetry:
    def chosen(cells: list[Any]) -> list[Any]:
        return list(compress(cells, kept))

    columns = [
        msgspec.structs.replace(
            column, values=chosen(column.values), quality=None if column.quality is None else chosen(column.quality)
        )
        for column in frame.columns
    ]
    return msgspec.structs.replace(frame, times_us=wire.differences_us(chosen(times)), columns=columns)
