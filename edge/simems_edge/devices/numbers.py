"""Numbers in blocks of registers: where they lie, what they are worth. Pure, and prepared once for fast reading."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from simems_edge.devices.points import Register
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.tables import BIT_TABLES, Table

LAYOUTS: Final = {
    "int16": ">h", "uint16": ">H", "bit": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Registers that are read together, at one rate. ``unit`` None: the component's own. Each is its own key: two are
    never the same block, whatever they hold."""

    unit: int | None
    table: Table
    address: int
    count: int
    poll_s: float
    apart: str = ""
    """The optional channel that it is read for; the device may refuse it."""

    @property
    def end(self) -> int:
        return self.address + self.count


Contents = Mapping[Block, bytes]
"""Block -> its registers' bytes, as last read."""
ReadNumber = Callable[[Contents], float | None]
"""None when it is missing."""


@dataclass(frozen=True, slots=True)
class Place:
    """One number inside a block."""

    block: Block
    start: int
    """Bytes from the block's begin."""
    layout: struct.Struct
    swapped: bool = False
    """The low word comes first."""
    missing: frozenset[float] = frozenset()

    def raw(self, contents: Contents) -> float | None:
        """None when not read, cut off or not valid."""
        data = contents.get(self.block)
        if data is None or len(data) < self.start + self.layout.size:
            return None
        if self.swapped:
            data = swap_words(data[self.start : self.start + self.layout.size])
        number: float = self.layout.unpack_from(data, 0 if self.swapped else self.start)[0]
        return None if number in self.missing or not math.isfinite(number) else number


@dataclass(frozen=True, slots=True)
class Value:
    """A place's number in the channel's unit and our sign."""

    place: Place
    sign: int = 1
    scale: float = 1.0
    exponent: Place | int = 0
    """Power of ten that it is scaled by (SunSpec), read beside it or fixed."""
    bit: int | None = None
    names: Mapping[int, int] = field(default_factory=dict)
    percent_of: Value | None = None
    negative_when: tuple[Place, int] | None = None

    @property
    def plain(self) -> bool:
        """Nothing but a number, a sign and a scale."""
        beside = self.exponent or self.bit is not None or self.names or self.percent_of or self.negative_when
        return not beside and not self.place.swapped

    def reader(self) -> ReadNumber:
        """:meth:`of`, prepared: most registers are plain numbers, and they are read often."""
        if not self.plain:
            return self.of
        block, start, unpack, missing = (
            self.place.block,
            self.place.start,
            self.place.layout.unpack_from,
            self.place.missing,
        )
        end, inverse, factor = start + self.place.layout.size, whole_inverse(self.scale), self.scale * self.sign
        divisor = inverse * self.sign

        def read(contents: Contents) -> float | None:
            data = contents.get(block)
            if data is None or len(data) < end:
                return None
            number: float = unpack(data, start)[0]
            if number in missing or not math.isfinite(number):
                return None
            return (number / divisor if divisor else number * factor) + 0.0

        return read

    def of(self, contents: Contents) -> float | None:
        """None when any part of it is missing or absurd."""
        raw = self.place.raw(contents)
        if raw is None:
            return None
        if self.bit is not None:
            return float(int(raw) >> self.bit & 1)
        if self.names:
            raw = self.names.get(int(raw), raw)
        return self._scaled(raw, contents)

    def _scaled(self, raw: float, contents: Contents) -> float | None:
        exponent = self.exponent if isinstance(self.exponent, int) else self.exponent.raw(contents)
        if exponent is None or not -10 <= exponent <= 10:
            return None
        value = scaled(raw * 10.0**exponent if exponent >= 0 else raw / 10.0**-exponent, self.scale) * self.sign
        if self.negative_when is not None:
            flags = self.negative_when[0].raw(contents)
            if flags is None:
                return None
            value = -value if int(flags) >> self.negative_when[1] & 1 else value
        if self.percent_of is not None:
            whole = self.percent_of.of(contents)
            return None if whole is None else value / 100 * whole + 0.0
        return value + 0.0


def scaled(raw: float, scale: float) -> float:
    """raw * scale, rounded once where the scale is one over a whole number (2305 and 0.1 give 230.5)."""
    inverse = whole_inverse(scale)
    return raw / inverse if inverse else raw * scale


def whole_inverse(scale: float) -> int:
    """The whole number that a scale is one over; 0 when there is none."""
    inverse = round(1.0 / scale) if scale < 1.0 else 0
    return inverse if inverse and math.isclose(scale * inverse, 1.0, rel_tol=1e-12) else 0


def unscaled(value: float, scale: float) -> float:
    """The reverse of :func:`scaled`."""
    return scaled(value, 1.0 / scale) if scale >= 1.0 else value * (1.0 / scale)


def swap_words(data: bytes) -> bytes:
    """The same words, last first."""
    return b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))


def layout_of_type(name: str) -> struct.Struct:
    return struct.Struct(LAYOUTS[name])


def words_of(register: Register, raw: float) -> tuple[int, ...]:
    """The register's words for a raw number, to the nearest. Raises :class:`EncodeError` when it does not fit."""
    if not math.isfinite(raw):
        raise EncodeError(f"{raw!r} cannot be written to register {register.address}")
    if register.type == "bit":
        if raw not in (0.0, 1.0):
            raise EncodeError(f"{raw!r} is no state of coil {register.address}; use 0 or 1")
        return (int(raw),)
    try:
        data = struct.pack(LAYOUTS[register.type], raw if register.type.startswith("float") else round(raw))
    except (struct.error, OverflowError) as error:
        raise EncodeError(f"{raw!r} does not fit register {register.address} of type {register.type}") from error
    if register.word_order == "little":
        data = swap_words(data)
    return struct.unpack(f">{len(data) // 2}H", data)


def bytes_of(words: Sequence[int]) -> bytes:
    """A block's words (or bits, one a word) as bytes."""
    return struct.pack(f">{len(words)}H", *words)


def is_bits(table: Table) -> bool:
    return table in BIT_TABLES
