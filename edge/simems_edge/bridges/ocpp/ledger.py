"""The last gate before a station is allowed more: on no phase may the sum of what connectors may draw pass its cap.

Lowering is always free. Raising one connector gets what the others leave, each counted with the most that it may
still draw (:class:`simems_edge.bridges.ocpp.limits.LimitBook`), answered or not. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simems_edge.bridges.ocpp.limits import LimitBook


@dataclass(frozen=True, slots=True)
class Cap:
    """``limit_a`` of the sum of the members' currents: of a fuse on one phase, of a station, of a cluster."""

    name: str
    limit_a: float
    members: frozenset[str]


class Ledger:
    def __init__(self, caps: Sequence[Cap], books: Mapping[str, LimitBook]) -> None:
        """``books``: by component, every connector that any cap names."""
        self._books = books
        self._caps = {name: [cap for cap in caps if name in cap.members] for name in books}
        self._all = tuple(caps)

    def room_a(self, name: str, now_s: float) -> float:
        """The most that may be sent to ``name`` now; infinity without a cap, never below 0."""
        rooms = [cap.limit_a - self._others_a(cap, name, now_s) for cap in self._caps[name]]
        return max(min(rooms, default=math.inf), 0.0)

    def used_a(self, cap: Cap, now_s: float) -> float:
        """What all members may draw."""
        return sum(self._books[member].bound_a(now_s) for member in cap.members)

    def over(self, now_s: float) -> list[Cap]:
        """Caps that are passed: by safe currents or maxima that do not fit, or a station that takes what it likes."""
        return [cap for cap in self._all if self.used_a(cap, now_s) > cap.limit_a + 1e-6]

    def _others_a(self, cap: Cap, name: str, now_s: float) -> float:
        return sum(self._books[member].bound_a(now_s) for member in cap.members if member != name)


def granted_a(wanted_a: float, room_a: float, least_a: float) -> float:
    """What is sent: the wish inside the room, on a grid of 0.1 A downwards; below ``least_a`` nothing (IEC 61851-1)."""
    most_a = math.floor(min(wanted_a, room_a) * 10.0 + 1e-6) / 10.0
    return most_a if most_a >= least_a else 0.0
