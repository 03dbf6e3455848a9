"""What stands between a profile's channels and the documents or messages of one device. Pure: no reading, no clock.

A *part* is one document or message: the answer to a path (HTTP), a topic (MQTT), a message (CAN). A bridge gives each
part as it arrives, with its time, and takes the channels that it renewed. A value is as old as its oldest part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from simems_edge.contracts.interfaces import ValueKind
from simems_edge.devices.content_points import CanPoint, HttpPoint, JsonPoint, MqttPoint
from simems_edge.devices.json_content import MISSING, at_pointer, json_number
from simems_edge.devices.numbers import scaled
from simems_edge.devices.points import Source, Term
from simems_edge.devices.profile import Profile, ProfileChannel

NANOSECONDS: Final = 1e-9
POLLS_TO_MOVE: Final = 3
"""What must change within a time is asked for so often in it."""
Fresh = tuple[str, float | None, int]
"""A channel, its value in its unit and our sign (None: missing), and the time of the oldest part it comes from."""
Point = HttpPoint | MqttPoint | CanPoint


@dataclass(frozen=True, slots=True)
class Part:
    """One document or message. ``apart``: only optional channels come from it."""

    key: str
    poll_s: float
    apart: bool


@dataclass(frozen=True, slots=True)
class _Number:
    """One term of a channel."""

    key: str
    of: Callable[[object], float | None]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One source of a channel."""

    terms: tuple[_Number, ...]
    product: bool

    def of(self, contents: Mapping[str, tuple[object, int]]) -> tuple[float | None, int] | None:
        """Value and time; None while a part of it has never come."""
        parts = [contents.get(term.key) for term in self.terms]
        there = [part for part in parts if part is not None]
        if len(there) < len(parts):
            return None
        values = [term.of(part[0]) for term, part in zip(self.terms, there, strict=True)]
        return self._join(values), min(part[1] for part in there)

    def _join(self, values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        joined = math.prod(known) if self.product else sum(known) + 0.0
        return joined if math.isfinite(joined) else None


class ContentView:
    """Of one device. Each channel keeps to the first of its sources that gave a value, until :meth:`forget`."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._contents: dict[str, tuple[object, int]] = {}
        self._readings = {c.name: [_reading(c, source) for source in c.read] for c in profile.channels if c.readable}
        self._kept: dict[str, _Reading] = {}
        self._uses = {name: {t.key for r in found for t in r.terms} for name, found in self._readings.items()}
        self._watches = [_Watch(point, one.within_s) for one in profile.alive if (point := _point(one)) is not None]
        self.parts = tuple(_parts(profile, self._uses, {watch.key: watch.within_s for watch in self._watches}))

    def update(self, key: str, content: object, time_ns: int) -> list[Fresh]:
        """A part came; the channels that it renewed."""
        self._contents[key] = (content, time_ns)
        for watch in self._watches:
            watch.see(key, content, time_ns)
        return [row for name, keys in self._uses.items() if key in keys and (row := self._fresh(name)) is not None]

    def _fresh(self, name: str) -> Fresh | None:
        kept = self._kept.get(name)
        for reading in self._readings[name] if kept is None else [kept]:
            found = reading.of(self._contents)
            if found is not None and found[0] is not None:
                self._kept[name] = reading
                return (name, *found)
        first = (kept or self._readings[name][0]).of(self._contents)
        return None if first is None else (name, None, first[1])

    def values(self) -> dict[str, float | None]:
        """Every channel whose parts have come."""
        return {row[0]: row[1] for name in self._readings if (row := self._fresh(name)) is not None}

    def shown(self) -> dict[str, float | None]:
        """Every channel that can be read; None where nothing of it has come."""
        every: dict[str, float | None] = dict.fromkeys(self._readings)
        return every | self.values()

    def value(self, name: str) -> tuple[float | None, int] | None:
        """One channel and its time; None while its parts have not come."""
        row = self._fresh(name)
        return None if row is None else (row[1], row[2])

    def names_of(self, key: str) -> list[str]:
        """Channels that a part is needed for."""
        return [name for name, keys in self._uses.items() if key in keys]

    def key_of(self, channel: ProfileChannel) -> str | None:
        """The part that shows a channel; None when it cannot be read."""
        found = self._readings.get(channel.name)
        return found[0].terms[0].key if found else None

    def forget(self) -> None:
        """A new session: nothing that came before is believed."""
        self._contents.clear()
        self._kept.clear()
        for watch in self._watches:
            watch.forget()

    def frozen(self, now_ns: int) -> str | None:
        """What should have changed and did not; None while everything moves."""
        return next((watch.text for watch in self._watches if watch.still(now_ns)), None)


class _Watch:
    """Something that must change."""

    def __init__(self, point: Point, within_s: float) -> None:
        self.key, self._point, self.within_s = key_of(point), point, within_s
        self._seen: object = MISSING
        self._moved_ns: int | None = None

    @property
    def text(self) -> str:
        shown = self._point.signal if isinstance(self._point, CanPoint) else self._point.pointer or "the answer"
        return f"{shown} of {self.key or 'the device'} has not changed for {self.within_s:g} s"

    def see(self, key: str, content: object, time_ns: int) -> None:
        if key != self.key:
            return
        raw = raw_of(self._point, content)
        if raw is not MISSING and raw != self._seen:
            self._seen, self._moved_ns = raw, time_ns
        elif self._moved_ns is None:
            self._moved_ns = time_ns

    def still(self, now_ns: int) -> bool:
        return self._moved_ns is not None and (now_ns - self._moved_ns) * NANOSECONDS > self.within_s

    def forget(self) -> None:
        self._seen, self._moved_ns = MISSING, None


# ---- points


def _point(part: object) -> Point | None:
    named = (getattr(part, name, None) for name in ("http", "mqtt", "can"))
    return next((point for point in named if point is not None), None)


def key_of(point: Point) -> str:
    """The part that a point lies in."""
    if isinstance(point, HttpPoint):
        return point.path
    if isinstance(point, MqttPoint):
        return point.topic
    return point.message if point.multiplex is None else f"{point.message}#{point.multiplex}"


def raw_of(point: Point, content: object) -> object:
    """As the device says it; :data:`MISSING` when it does not."""
    if isinstance(point, JsonPoint):
        return at_pointer(content, point.pointer)
    return content.get(point.signal, MISSING) if isinstance(content, Mapping) else MISSING


def number_of(point: Point, kind: ValueKind, content: object) -> float | None:
    """In the channel's unit and our sign; None when missing, of another type, or no value of this kind."""
    value = json_number(point, kind, content) if isinstance(point, JsonPoint) else _signal(point, content)
    if value is None or (kind != "float" and not value.is_integer()):
        return None
    return None if kind == "bool" and value not in (0.0, 1.0) else value


def _signal(point: CanPoint, content: object) -> float | None:
    raw = raw_of(point, content)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        return None
    if float(raw) in point.invalid:
        return None
    named = point.values.get(int(raw)) if float(raw).is_integer() else None
    return float(named) if named is not None else scaled(float(raw), point.scale) * point.sign + 0.0


def _reading(channel: ProfileChannel, source: Source) -> _Reading:
    return _Reading(tuple(_number(channel.kind, term) for term in source.terms), bool(source.product))


def _number(kind: ValueKind, term: Term) -> _Number:
    point = _point(term)
    if point is None:
        raise ValueError("a register in a profile of documents")  # the profile's own check refuses it first
    return _Number(key_of(point), lambda content: number_of(point, kind, content))


def _parts(profile: Profile, uses: Mapping[str, set[str]], watched: Mapping[str, float]) -> list[Part]:
    channels = {channel.name: channel for channel in profile.channels}
    keys = dict.fromkeys([key for found in uses.values() for key in sorted(found)] + list(watched))
    found = []
    for key in keys:
        users = [channels[name] for name, used in uses.items() if key in used]
        poll_s = min([watched.get(key, math.inf) / POLLS_TO_MOVE, *(channel.poll_s for channel in users)])
        found.append(Part(key, poll_s, bool(users) and all(channel.optional for channel in users)))
    return found
