"""The blocks of the database: frames into them and out again. Inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simems_core import wire

from simems_edge.buffer.block import Block, BlockError, Layout, decoded_layout, encode_block, frames_of, layout_of

FRAMES_AT_ONCE = 300


class DamagedBlockError(Exception):
    """A block whose frames cannot be read."""

    def __init__(self, block: StoredBlock, error: BlockError) -> None:
        super().__init__(f"block {block.id}: {error}")
        self.id = block.id
        self.frames = block.count


@dataclass(frozen=True)
class StoredBlock:
    """A block as it lies in the database."""

    id: int
    first_sequence: int
    last_sequence: int
    shift: int
    count: int
    """Frames in it."""
    layout: int
    body: bytes


class BlocksTable:
    """``connection``: the writer's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._layouts: dict[int, Layout] = {}
        self._last: StoredBlock | None = None
        self._last_frames: list[wire.Telemetry] = []

    def add(self, frames: Sequence[wire.Telemetry]) -> None:
        """Moves these frames, by their sequences, into a new block."""
        layout = layout_of(frames)
        self.insert(encode_block(frames, layout), self._layout_id(layout))
        sequences = ((frame.sequence,) for frame in frames)
        self._connection.executemany("delete from frames where sequence = ?", sequences)

    def insert(self, block: Block, layout: int, *, shift: int = 0, thinned: int = 0) -> None:
        self._connection.execute(
            "insert into blocks"
            " (first_sequence, last_sequence, shift, from_us, to_us, frames, rows, thinned, layout, summary, body)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                block.first_sequence + shift,
                block.last_sequence + shift,
                shift,
                block.from_us,
                block.to_us,
                block.frames,
                block.rows,
                thinned,
                layout,
                block.summary,
                block.body,
            ),
        )

    def frames_after(self, sequence: int, limit: int) -> Iterator[wire.Telemetry]:
        """At most ``limit`` packed frames above ``sequence``, in order. Raises DamagedBlockError."""
        left = limit
        for block in self._blocks_after(sequence):
            for frame in self.unpacked(block):
                if frame.sequence > sequence and left > 0:
                    left -= 1
                    yield frame
            if left <= 0:
                return

    def take_out(self, sequence: int) -> wire.Telemetry | None:
        """Removes one frame from its block and returns it; None when it is in none. Raises DamagedBlockError."""
        block = next(iter(self._blocks_after(sequence - 1)), None)
        if block is None or block.first_sequence > sequence:
            return None
        frames = self.unpacked(block)
        found = next((frame for frame in frames if frame.sequence == sequence), None)
        if found is not None:
            self.delete([block.id])
            rest = [frame for frame in frames if frame.sequence != sequence]
            if rest:
                layout = layout_of(rest)
                self.insert(encode_block(rest, layout), self._layout_id(layout))
        return found

    def delete(self, ids: Sequence[int]) -> None:
        self._connection.executemany("delete from blocks where id = ?", ((number,) for number in ids))
        self._last = None

    def shift_above(self, sequence: int, delta: int) -> None:
        """Numbers the packed frames above ``sequence`` anew, all by the same step."""
        self._connection.execute(
            "update blocks set"
            " shift = shift + ?1, first_sequence = first_sequence + ?1, last_sequence = last_sequence + ?1"
            " where first_sequence > ?2",
            (delta, sequence),
        )
        self._last = None

    def _blocks_after(self, sequence: int) -> Iterator[StoredBlock]:
        query = (
            "select id, first_sequence, last_sequence, shift, frames, layout, body from blocks where last_sequence > ?"
            " order by last_sequence"
        )
        return (StoredBlock(*row) for row in self._connection.execute(query, (sequence,)))

    def unpacked(self, block: StoredBlock) -> list[wire.Telemetry]:
        """A backlog is read a few frames at a time: the block at hand stays unpacked. Raises DamagedBlockError."""
        if self._last is None or (self._last.id, self._last.shift) != (block.id, block.shift):
            try:
                self._last_frames = frames_of(block.body, self.layout(block.layout), block.shift)
            except BlockError as error:
                raise DamagedBlockError(block, error) from error
            self._last = block
        return self._last_frames

    def layout(self, number: int) -> Layout:
        """Raises BlockError."""
        known = self._layouts.get(number)
        if known is None:
            row = self._connection.execute("select body from layouts where id = ?", (number,)).fetchone()
            known = self._layouts[number] = decoded_layout(row[0] if row else b"")
        return known

    def _layout_id(self, layout: Layout) -> int:
        body = layout.encoded()
        self._connection.execute("insert or ignore into layouts (body) values (?)", (body,))
        (number,) = self._connection.execute("select id from layouts where body = ?", (body,)).fetchone()
        return int(number)
