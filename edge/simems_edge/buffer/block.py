"""A block: many frames on disk as packed columns, from which each frame comes back with its own sequence.

A frame of one second of 500 channels takes 40 kB as a message and some 500 bytes as its share of a block. What a
screen draws over weeks stands beside it: mean, minimum and maximum of each channel over the block.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from simems_core import CoreError, pack_doubles, pack_integers, unpack_doubles, unpack_integers, wire

Integers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
GOOD, STALE = 0, 1
MOST_ROWS = 100_000


class BlockError(ValueError):
    """Bytes that are no block, or damaged."""


class Layout(msgspec.Struct, frozen=True):
    """Which channels the columns of a block are, in their order; shared by many blocks."""

    channels: tuple[str, ...]
    resolutions: tuple[float, ...]

    def encoded(self) -> bytes:
        return msgspec.msgpack.encode(self)


@dataclass(frozen=True)
class Block:
    """What the database keeps of frames ``first_sequence .. last_sequence``."""

    first_sequence: int
    last_sequence: int
    from_us: int
    to_us: int
    frames: int
    rows: int
    summary: bytes
    body: bytes


class _Column(msgspec.Struct, array_like=True, frozen=True):
    values: bytes
    """Packed; of the rows that have a value."""
    count: int
    present: bytes | None
    """A bit per row; None: every row has a value."""
    quality: bytes | None
    """Packed codes of all rows; None: all good."""


class _Body(msgspec.Struct, array_like=True, frozen=True):
    checksum: int
    """CRC-32 of what follows: the database itself does not notice a flipped bit."""
    frames: int
    rows: int
    content: msgspec.Raw


class _Content(msgspec.Struct, array_like=True, frozen=True):
    sequences: bytes
    counts: bytes
    """Rows of each frame."""
    times: bytes
    columns: list[msgspec.Raw]


_encode = msgspec.msgpack.Encoder().encode
_body = msgspec.msgpack.Decoder(_Body).decode
_content = msgspec.msgpack.Decoder(_Content).decode
_column = msgspec.msgpack.Decoder(_Column).decode
_layout = msgspec.msgpack.Decoder(Layout).decode


def decoded_layout(encoded: bytes) -> Layout:
    """Raises BlockError."""
    try:
        return _layout(encoded)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BlockError(f"not a layout: {error}") from error


# ---------------------------------------------------------------- frames -> block


def layout_of(frames: Sequence[wire.Telemetry]) -> Layout:
    """Every channel of these frames, in the order of their first appearance."""
    found = {column.channel: column.resolution for frame in frames for column in frame.columns}
    return Layout(tuple(found), tuple(found.values()))


def encode_block(frames: Sequence[wire.Telemetry], layout: Layout) -> Block:
    """``frames``: in order of sequence, times rising, every channel at its resolution in ``layout``."""
    counts = [len(frame.times_us) for frame in frames]
    times = np.array([time for frame in frames for time in wire.absolute_us(frame.times_us)], np.int64)
    named = [{column.channel: column for column in frame.columns} for frame in frames]
    columns = [_Rows.of(named, counts, channel) for channel in layout.channels]
    content = _Content(
        sequences=_packed([frame.sequence for frame in frames]),
        counts=_packed(counts),
        times=_packed(times),
        columns=[
            msgspec.Raw(_encode(column.packed(step))) for column, step in zip(columns, layout.resolutions, strict=True)
        ],
    )
    encoded = _encode(content)
    return Block(
        first_sequence=frames[0].sequence,
        last_sequence=frames[-1].sequence,
        from_us=int(times[0]),
        to_us=int(times[-1]),
        frames=len(frames),
        rows=len(times),
        summary=_summary(columns, layout),
        body=_encode(_Body(zlib.crc32(encoded), len(frames), len(times), msgspec.Raw(encoded))),
    )


@dataclass(frozen=True)
class _Rows:
    """One channel over all rows; values are multiples of the resolution where it has one."""

    values: list[float | int]
    present: npt.NDArray[np.bool_]
    quality: npt.NDArray[np.int64]

    @classmethod
    def of(cls, frames: Sequence[dict[str, wire.Column]], counts: Sequence[int], channel: str) -> _Rows:
        """``frames``: columns by channel; ``counts``: their rows."""
        cells: list[float | int | None] = []
        codes: list[int] = []
        for frame, count in zip(frames, counts, strict=True):
            column = frame.get(channel)
            cells.extend([None] * count if column is None else column.values)
            codes.extend([STALE] * count if column is None else column.quality or [GOOD] * count)
        values = [cell for cell in cells if cell is not None]
        return cls(values, np.array([cell is not None for cell in cells], np.bool_), np.array(codes, np.int64))

    def packed(self, step: float) -> _Column:
        whole = None if self.present.all() else np.packbits(self.present).tobytes()
        quality = _packed(self.quality) if self.quality.any() else None
        values = _packed(self.values) if step else pack_doubles(np.array(self.values, "<f8").tobytes())
        return _Column(values, len(self.values), whole, quality)


def _named(layout: Layout) -> Iterator[tuple[str, float]]:
    return zip(layout.channels, layout.resolutions, strict=True)


def _packed(values: Any) -> bytes:  # noqa: ANN401 - a list or an array of whole numbers
    return pack_integers(np.asarray(values, "<i8").tobytes())


def _summary(columns: Sequence[_Rows], layout: Layout) -> bytes:
    """(mean, minimum, maximum, count) x channels, packed."""
    table = np.full((4, len(columns)), np.nan)
    table[3] = [len(column.values) for column in columns]
    for number, column in enumerate(columns):
        if column.values:
            values = np.array(column.values, np.float64) * (layout.resolutions[number] or 1.0)
            table[:3, number] = values.mean(), values.min(), values.max()
    return pack_doubles(table.astype("<f8").tobytes())


# ---------------------------------------------------------------- block -> frames, columns


def frames_of(body: bytes, layout: Layout, shift: int = 0) -> list[wire.Telemetry]:
    """The frames as they were appended, their sequences raised by ``shift``. Raises BlockError."""
    opened = _Opened(body)
    columns = [opened.column(number, step) for number, (_, step) in enumerate(_named(layout))]
    return list(_split(opened, layout, columns, shift))


def columns_of(body: bytes, layout: Layout, channels: Sequence[str]) -> tuple[Integers, dict[str, Doubles]]:
    """(times in us, values by channel; NaN where there is none). Channels it does not have are left out.

    Raises BlockError."""
    opened = _Opened(body)
    places = {channel: number for number, channel in enumerate(layout.channels)}
    found = {}
    for channel in channels:
        number = places.get(channel)
        if number is not None:
            step = layout.resolutions[number]
            values, present, _ = opened.column(number, step)
            full = np.full(opened.rows, np.nan)
            full[present] = values * (step or 1.0)
            found[channel] = full
    return opened.times, found


def summary_of(summary: bytes, layout: Layout) -> Doubles:
    """(mean, minimum, maximum, count) x channels. Raises BlockError."""
    shape = (4, len(layout.channels))
    try:
        return np.frombuffer(unpack_doubles(summary, shape[0] * shape[1]), "<f8").reshape(shape)
    except CoreError as error:
        raise BlockError(str(error)) from error


Cells = tuple[Any, npt.NDArray[np.bool_], Integers | None]
"""(values, which rows have one, codes of all rows or None when good)"""


class _Opened:
    """A checked block, its columns still packed."""

    def __init__(self, body: bytes) -> None:
        try:
            outer = _body(body)
            if zlib.crc32(outer.content) != outer.checksum or not 0 < outer.rows <= MOST_ROWS:
                raise BlockError("a damaged block")
            self._content = _content(outer.content)
            self.rows = outer.rows
            self.times = _unpacked(self._content.times, outer.rows)
            self.sequences = _unpacked(self._content.sequences, outer.frames)
            self.counts = _unpacked(self._content.counts, outer.frames)
        except (msgspec.MsgspecError, CoreError, RecursionError) as error:
            raise BlockError(f"not a block: {error}") from error

    def column(self, number: int, step: float) -> Cells:
        try:
            column = _column(self._content.columns[number])
            present = np.ones(self.rows, np.bool_)
            if column.present is not None:
                bits = np.frombuffer(column.present, np.uint8)
                present = np.unpackbits(bits, count=self.rows).astype(np.bool_)
            codes = None if column.quality is None else _unpacked(column.quality, self.rows)
            return _unpacked_values(column, step), present, codes
        except (msgspec.MsgspecError, CoreError, RecursionError, IndexError, ValueError) as error:
            raise BlockError(f"not a column: {error}") from error


def _unpacked(packed: bytes, count: int) -> Integers:
    return np.frombuffer(unpack_integers(packed, count), "<i8")


def _unpacked_values(column: _Column, step: float) -> Any:  # noqa: ANN401 - an array of either kind
    if step:
        return _unpacked(column.values, column.count)
    return np.frombuffer(unpack_doubles(column.values, column.count), "<f8")


def _split(opened: _Opened, layout: Layout, columns: Sequence[Cells], shift: int) -> Iterator[wire.Telemetry]:
    filled = [_with_gaps(cells, opened.rows) for cells in columns]
    start = 0
    for sequence, count in zip(opened.sequences.tolist(), opened.counts.tolist(), strict=True):
        rows = slice(start, start + count)
        start += count
        parts = (
            _part(channel, step, values[rows], None if codes is None else codes[rows])
            for (channel, step), (values, codes) in zip(_named(layout), filled, strict=True)
        )
        times = opened.times[rows].tolist()
        yield wire.Telemetry(
            sequence=sequence + shift,
            times_us=wire.differences_us(times),
            columns=[part for part in parts if part is not None],
        )


def _with_gaps(cells: Cells, rows: int) -> tuple[list[Any], list[int] | None]:
    values, present, codes = cells
    full: list[Any] = [None] * rows
    for row, value in zip(np.flatnonzero(present).tolist(), values.tolist(), strict=True):
        full[row] = value
    return full, None if codes is None else codes.tolist()


def _part(channel: str, step: float, values: list[Any], codes: list[int] | None) -> wire.Column | None:
    """None for a channel that the frame did not have."""
    if codes is not None and all(code == STALE for code in codes) and all(value is None for value in values):
        return None
    quality = codes if codes is not None and any(codes) else None
    return wire.Column(channel=channel, resolution=step, values=values, quality=quality)
