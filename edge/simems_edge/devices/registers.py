"""Register words to numbers and back, by SunSpec point type. Pure; big-endian words as SunSpec and Modbus have them.

Not-implemented values (SunSpec Device Information Model Specification, "Data types") become None. Accumulators define 0
as not implemented; a zero accumulator is read as 0 all the same, because every counter starts there.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from simems_edge.devices.definition import Point, PointType

Raw = int | float | str | bytes | None


class EncodeError(ValueError):
    """A value that the registers of its point cannot carry."""


FORMATS: Final[Mapping[PointType, str]] = {
    "int16": ">h", "sunssf": ">h", "uint16": ">H", "count": ">H", "acc16": ">H", "enum16": ">H", "bitfield16": ">H",
    "raw16": ">H", "pad": ">H", "int32": ">i", "uint32": ">I", "acc32": ">I", "enum32": ">I", "bitfield32": ">I",
    "ipaddr": ">I", "int64": ">q", "uint64": ">Q", "acc64": ">Q", "bitfield64": ">Q", "float32": ">f", "float64": ">d",
}  # fmt: skip

_MISSING: Final[Mapping[PointType, int]] = {
    "int16": -0x8000, "sunssf": -0x8000, "uint16": 0xFFFF, "count": 0xFFFF, "enum16": 0xFFFF, "bitfield16": 0xFFFF,
    "int32": -0x80000000, "uint32": 0xFFFFFFFF, "enum32": 0xFFFFFFFF, "bitfield32": 0xFFFFFFFF,
    "int64": -0x8000000000000000, "uint64": 0xFFFFFFFFFFFFFFFF, "bitfield64": 0xFFFFFFFFFFFFFFFF, "ipaddr": 0,
}  # fmt: skip
_SCALE_FACTORS: Final = range(-10, 11)


def to_bytes(registers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(registers)}H", *registers)


def from_bytes(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 2}H", data))


def decode_raw(point: Point, registers: Sequence[int]) -> Raw:
    """The point's number, text or bytes as the device has it, without scale factor; None when not implemented.

    ``registers`` are exactly the point's own ``point.size`` words.
    """
    data = to_bytes(registers)
    if point.type == "string":
        return data.split(b"\0", 1)[0].decode("utf-8", "replace").strip() or None
    layout = FORMATS.get(point.type)
    if layout is None:
        return data if any(data) else None
    number: int | float = struct.unpack(layout, data)[0]
    return None if is_missing(point.type, number) else number


def is_missing(kind: PointType, number: float) -> bool:
    """Whether this number says "not implemented" in a point of this type."""
    if kind in {"float32", "float64"}:
        return not math.isfinite(number)
    if kind == "sunssf":
        return number not in _SCALE_FACTORS
    return kind == "pad" or _MISSING.get(kind) == number


def encode_raw(point: Point, value: Raw) -> list[int]:
    """The registers of the point; None becomes the not-implemented value. Raises :class:`EncodeError`."""
    if point.type == "string":
        return _encode_text(point, value)
    layout = FORMATS.get(point.type)
    if layout is None and value is None:
        return [0] * point.size
    if layout is None or isinstance(value, str | bytes):
        raise EncodeError(f"point {point.name} of type {point.type} cannot carry {type(value).__name__}")
    return from_bytes(_pack(point, layout, missing_value(point.type) if value is None else value))


def missing_value(kind: PointType) -> int | float:
    """What a device shows in a point that it does not implement."""
    return math.nan if kind in {"float32", "float64"} else _MISSING.get(kind, 0)


def missing_number(kind: PointType) -> int | None:
    """The raw number that says "not implemented" in a point of this type; None when only NaN or nothing does."""
    return _MISSING.get(kind)


def _pack(point: Point, layout: str, value: float) -> bytes:
    try:
        return struct.pack(layout, value if layout in {">f", ">d"} else int(value))
    except (struct.error, OverflowError, ValueError) as error:
        raise EncodeError(f"{value!r} does not fit point {point.name} of type {point.type}") from error


def _encode_text(point: Point, value: Raw) -> list[int]:
    if value is not None and not isinstance(value, str):
        raise EncodeError(f"point {point.name} takes text, not {type(value).__name__}")
    data = (value or "").encode()
    if len(data) > 2 * point.size:
        raise EncodeError(f"text of {len(data)} bytes does not fit point {point.name} of {2 * point.size} bytes")
    return from_bytes(data.ljust(2 * point.size, b"\0"))
