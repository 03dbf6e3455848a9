"""SunSpec model definitions as data: the published ones (JSON files of pysunspec2) and our own model 64901.

Read lazily, one file per model, never at import.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
class Definition:
    """A model flattened: points of its groups are named ``group.point``. Repeating groups end it."""

    id: int
    name: str
    points: Mapping[str, Point]

    @property
    def length(self) -> int:
        """Registers of the body (the value of L), without repeating groups."""
        return max(point.offset + point.size for point in self.points.values()) - HEADER_LENGTH

    def point(self, name: str) -> Point:
        """Raises :class:`DefinitionError` for an unknown name."""
        try:
            return self.points[name]
        except KeyError:
            raise DefinitionError(f"SunSpec model {self.id} has no point {name!r}") from None


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
    return Definition(id=int(data["id"]), name=group["name"], points=points)


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
