"""SunSpec model definitions as data: the published ones (JSON files of pysunspec2) and our own model 64901.

Read lazily, one file per model, never at import.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal

PointType = Literal[
    "int16", "uint16", "count", "acc16", "enum16", "bitfield16", "raw16", "int32", "uint32", "acc32", "enum32",
    "bitfield32", "int64", "uint64", "acc64", "bitfield64", "float32", "float64", "ipaddr", "ipv6addr", "eui48",
    "string", "sunssf", "pad",
]  # fmt: skip
HEADER_LENGTH: Final = 2
"""Registers of every model before its body: ID and L."""


class DefinitionError(ValueError):
    """There is no definition of a model, or it lacks a point."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a model. ``offset`` counts registers from the model's ID register."""

    name: str
    type: PointType
    offset: int
    size: int
    scale_factor: str | int | None
    """Name of the point that carries the exponent, a constant exponent, or None."""
    units: str
    writable: bool
    symbols: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A group at the model's end that comes as often as the model's length has room for it."""

    name: str
    size: int
    points: tuple[Point, ...]
    """Of the first repetition, named ``group.point``."""

    def point(self, number: int, point: Point) -> Point:
        """That of repetition ``number`` (from 1), named ``group.number.point``."""
        own = point.name.removeprefix(f"{self.name}.")
        return replace(point, name=f"{self.name}.{number}.{own}", offset=point.offset + (number - 1) * self.size)


@dataclass(frozen=True, slots=True)
class Definition:
    """A model flattened: points of its groups are named ``group.point``; those of a repeated group ``group.2.point``
    (160 ``module``, 714 ``Prt``). Groups that repeat inside repeated ones (the curves of 705-712) end it."""

    id: int
    name: str
    points: Mapping[str, Point]
    repeat: Repeat | None = None

    @property
    def length(self) -> int:
        """Registers of the body (the value of L), without repeating groups."""
        return max(point.offset + point.size for point in self.points.values()) - HEADER_LENGTH

    def point(self, name: str) -> Point:
        """Raises :class:`DefinitionError` for an unknown name."""
        found = self.points.get(name) or self._in_repeat(name)
        if found is None:
            raise DefinitionError(f"SunSpec model {self.id} has no point {name!r}")
        return found

    def has_point(self, name: str) -> bool:
        return name in self.points or self._in_repeat(name) is not None

    def _in_repeat(self, name: str) -> Point | None:
        group, _, rest = name.partition(".")
        number, _, own = rest.partition(".")
        if self.repeat is None or group != self.repeat.name or not number.isdecimal() or not 1 <= int(number) <= 999:
            return None
        first = next((p for p in self.repeat.points if p.name == f"{group}.{own}"), None)
        return None if first is None else self.repeat.point(int(number), first)

    def repeated(self, length: int) -> Iterator[Point]:
        """Points of the repetitions that a model of ``length`` registers (with header) has room for."""
        if self.repeat is None or self.repeat.size == 0:
            return
        for number in range(1, (length - self.length - HEADER_LENGTH) // self.repeat.size + 1):
            yield from (self.repeat.point(number, point) for point in self.repeat.points)


@lru_cache(maxsize=256)
def load_definition(model: int) -> Definition:
    """The definition of ``model``. Raises :class:`DefinitionError` when none is installed."""
    return parse_definition(json.loads(_file(model).read_text("utf-8")))


def has_definition(model: int) -> bool:
    """Whether :func:`load_definition` would find one."""
    return any(folder.joinpath(f"model_{model}.json").is_file() for folder in _folders())


def _file(model: int) -> Traversable:
    for folder in _folders():
        path = folder.joinpath(f"model_{model}.json")
        if path.is_file():
            return path
    raise DefinitionError(f"there is no definition of SunSpec model {model}; add devices/models/model_{model}.json")


def _folders() -> tuple[Traversable, Traversable]:
    return files("simems_edge.devices") / "models", files("sunspec2") / "models" / "json"


def parse_definition(data: Mapping[str, Any]) -> Definition:
    """Lay out a definition in the published JSON form."""
    group = data["group"]
    points = {point.name: point for point in _lay_out(group, "", 0)}
    return Definition(id=int(data["id"]), name=group["name"], points=points, repeat=_repeat(group, points))


def _repeat(group: Mapping[str, Any], points: Mapping[str, Point]) -> Repeat | None:
    inner = next((one for one in group.get("groups", ()) if one.get("count", 1) != 1), None)
    if inner is None or inner.get("groups"):
        return None
    start = max(point.offset + point.size for point in points.values())
    first = tuple(_lay_out({"points": inner["points"]}, f"{inner['name']}.", start))
    return Repeat(inner["name"], sum(point.size for point in first), first)


def _lay_out(group: Mapping[str, Any], prefix: str, offset: int) -> Iterator[Point]:
    for raw in group["points"]:
        yield (point := _point(raw, prefix, offset))
        offset += point.size
    for inner in group.get("groups", ()):
        if inner.get("count", 1) != 1:
            return
        for point in _lay_out(inner, f"{prefix}{inner['name']}.", offset):
            yield point
            offset = point.offset + point.size


def _point(raw: Mapping[str, Any], prefix: str, offset: int) -> Point:
    return Point(
        name=prefix + raw["name"],
        type=raw["type"],
        offset=offset,
        size=int(raw["size"]),
        scale_factor=raw.get("sf"),
        units=raw.get("units", ""),
        writable=raw.get("access") == "RW",
        symbols={int(symbol["value"]): symbol["name"] for symbol in raw.get("symbols", ())},
    )
