"""SunSpec: the chain of models in a device's registers, and a model's registers as values. Pure.

Source: SunSpec Device Information Model Specification 1.1: marker "SunS" at register 0, 40000 or 50000, then models
(ID, L, body of L registers) until ID 0xFFFF.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from simems_edge.devices.definition import HEADER_LENGTH, Definition, Point
from simems_edge.devices.registers import EncodeError, Raw, decode_raw, encode_raw, is_missing

BASE_ADDRESSES: Final = (40000, 0, 50000)
MARKER: Final = (0x5375, 0x6E53)
"""Registers of the text "SunS"."""
END_OF_CHAIN: Final = 0xFFFF
MAX_MODELS: Final = 100
MAX_ADDRESS: Final = 0xFFFF

Value = float | int | str | bytes | None


class ChainError(ValueError):
    """What was read is not a chain of SunSpec models."""


@dataclass(frozen=True, slots=True)
class ModelBlock:
    """Where one model lies in the device. ``address`` is that of its ID register; ``length`` is L."""

    id: int
    address: int
    length: int

    @property
    def total(self) -> int:
        """Registers with header. A read must not run past them (exception 2)."""
        return self.length + HEADER_LENGTH


class ChainReader:
    """Walks the chain without doing I/O: read 2 registers at :attr:`next_address`, give them to :meth:`feed`, repeat
    until :attr:`next_address` is None. The first read is the marker at the base address."""

    def __init__(self, base_address: int = BASE_ADDRESSES[0]) -> None:
        self.base_address = base_address
        self.blocks: list[ModelBlock] = []
        self.next_address: int | None = base_address

    def feed(self, registers: Sequence[int]) -> None:
        """Raises :class:`ChainError` when this is no chain; the reader is then finished."""
        address, self.next_address = self.next_address, None
        if address is None or len(registers) != 2:
            raise ChainError(f"expected 2 registers while the chain is open, got {len(registers)}")
        if address == self.base_address:
            self._check_marker(tuple(registers))
            self.next_address = address + len(MARKER)
        elif registers[0] != END_OF_CHAIN:
            self.next_address = self._add(ModelBlock(registers[0], address, registers[1]))

    def _check_marker(self, registers: tuple[int, ...]) -> None:
        if registers != MARKER:
            raise ChainError(f"no SunSpec device at register {self.base_address}: the marker 'SunS' is missing")

    def _add(self, block: ModelBlock) -> int:
        following = block.address + block.total
        if following >= MAX_ADDRESS or len(self.blocks) >= MAX_MODELS:
            raise ChainError(f"the chain of models does not end: model {block.id} at register {block.address}")
        self.blocks.append(block)
        return following


def parse_chain(registers: Sequence[int], base_address: int = BASE_ADDRESSES[0]) -> list[ModelBlock]:
    """The models in one contiguous read that starts with the marker. Raises :class:`ChainError`."""
    reader = ChainReader(base_address)
    while reader.next_address is not None:
        start = reader.next_address - base_address
        reader.feed(registers[start : start + 2])
    return reader.blocks


def decode_model(definition: Definition, registers: Sequence[int]) -> dict[str, Value]:
    """Every point of a model in its unit, scale factor applied; None where not implemented.

    ``registers`` start at the model's ID. A device's model may be shorter than the definition (older edition): points
    beyond its end are None. A value whose scale factor is missing or absurd is None, never unscaled.
    """
    points = [*definition.points.values(), *definition.repeated(len(registers))]
    raws = {point.name: _raw(point, registers) for point in points}
    return {point.name: _scaled(point, raws) for point in points}


def _raw(point: Point, registers: Sequence[int]) -> Raw:
    words = registers[point.offset : point.offset + point.size]
    return decode_raw(point, words) if len(words) == point.size else None


def _scaled(point: Point, raws: Mapping[str, Raw]) -> Value:
    raw = raws[point.name]
    if point.scale_factor is None or not isinstance(raw, int | float):
        return raw
    exponent = scale_exponent(point, raws)
    return None if exponent is None else scale(raw, exponent)


def scale_exponent(point: Point, values: Mapping[str, Value]) -> int | None:
    """The exponent of a point's scale factor from the model's values (0 without one); None when not implemented."""
    if point.scale_factor is None or isinstance(point.scale_factor, int):
        return point.scale_factor or 0
    exponent = next((values[name] for name in _candidates(point) if name in values), None)
    return exponent if isinstance(exponent, int) else None


def scale_points(point: Point) -> list[str] | int:
    """Names under which a point's scale factor may stand, nearest first; a number when it is fixed (0 without one)."""
    if point.scale_factor is None or isinstance(point.scale_factor, int):
        return point.scale_factor or 0
    return list(_candidates(point))


def _candidates(point: Point) -> Iterator[str]:
    """A scale factor is looked up in the point's own group first, then outwards."""
    prefix = point.name
    while "." in prefix:
        prefix = prefix.rpartition(".")[0]
        yield f"{prefix}.{point.scale_factor}"
    yield str(point.scale_factor)


def scale(raw: float, exponent: int) -> float:
    """raw * 10**exponent, rounded once (2305 and -1 give 230.5)."""
    return float(Decimal(raw).scaleb(exponent))


def encode_point(definition: Definition, name: str, value: Value, values: Mapping[str, Value]) -> list[int]:
    """Registers of one point for ``value`` in its unit; ``values`` gives the model's scale factors.

    Rounds to the nearest step. Raises :class:`EncodeError` when the value is not finite, does not fit, would read as
    not implemented, or the scale factor is not known.
    """
    point = definition.point(name)
    if value is None or not isinstance(value, int | float):
        return encode_raw(point, value)
    if not math.isfinite(value):
        raise EncodeError(f"{value!r} cannot be written to point {name} of model {definition.id}")
    raw = _unscaled(definition, point, value, values)
    if is_missing(point.type, raw):
        raise EncodeError(f"{value!r} does not fit point {name}: it would read as not implemented")
    return encode_raw(point, raw)


def _unscaled(definition: Definition, point: Point, value: float, values: Mapping[str, Value]) -> float:
    if point.type in {"float32", "float64"}:
        return value
    exponent = scale_exponent(point, values)
    if exponent is None:
        raise EncodeError(
            f"scale factor {point.scale_factor} of model {definition.id} is not known; read the model first"
        )
    return int(Decimal(value).scaleb(-exponent).to_integral_value())


def encode_model(definition: Definition, values: Mapping[str, Value], length: int | None = None) -> list[int]:
    """All registers of a model with header, from values in their units; scale factors must be among ``values``.

    Points without a value show not implemented. The counterpart of :func:`decode_model` for servers and tests.
    """
    body = definition.length if length is None else length
    registers = [0] * (definition.length + HEADER_LENGTH)
    for point in definition.points.values():
        words = encode_point(definition, point.name, values.get(point.name), values)
        registers[point.offset : point.offset + point.size] = words
    registers[:HEADER_LENGTH] = [definition.id, body]
    return registers[: body + HEADER_LENGTH]
