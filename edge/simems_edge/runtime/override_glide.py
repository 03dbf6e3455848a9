"""After an override: the actuator leaves its value no faster than a ramp, wherever the automatic modes then want it.

While an actuator glides the manual source says nothing but bounds around the last setpoint. They end when what is
wanted lies inside them, at the latest after :data:`LONGEST_S`; guards cross them at any time, and a blocked direction
is left at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Final, Self

from simems_core import Snapshot

from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.commanded import CONTACTS, POWERS

LONGEST_S = 60.0
NANOSECONDS = 1e-9
GLIDES: Final = {"W": 20_000.0, "var": 20_000.0, "A": 4.0}
"""How fast an actuator leaves an override, a second, where the site file names no ramp; by unit."""
ARRIVED = 0.999
"""A step smaller than this share of what was allowed was not held back."""


class Glide:
    """``setpoints``: target -> handle of its setpoint; ``rates``: target -> unit of the target a second. A target
    without a rate (a contact) does not glide."""

    def __init__(self, setpoints: Mapping[str, int], rates: Mapping[str, float]) -> None:
        self._setpoints = setpoints
        self._rates = rates
        self._standing: frozenset[str] = frozenset()
        self._since_ns: dict[str, int] = {}
        self._before: dict[str, float] = {}
        self._last_ns: int | None = None
        self._allowed: dict[str, float] = {}

    @classmethod
    def of(cls, assembly: Assembly) -> Self:
        """Batteries and inverters by their own ramp where they have one; the rest, and clusters, by default."""
        ramps = {one.address: one.component.guards.ramp_w_per_s for one in assembly.commanded if one.role in POWERS}
        units = {one.address: one.unit for one in assembly.commanded if one.role not in CONTACTS}
        units |= {group.target: group.unit for group in assembly.groups}
        rates = {address: ramps.get(address) or GLIDES[unit] for address, unit in units.items()}
        return cls({address: assembly.image.handle(f"{address}_setpoint") for address in rates}, rates)

    def bounds(self, snapshot: Snapshot, standing: set[str]) -> dict[str, tuple[float, float]]:
        """Once per cycle. ``standing``: targets that are overridden now."""
        dt_s = 0.0 if self._last_ns is None else (snapshot.time_ns - self._last_ns) * NANOSECONDS
        self._last_ns = snapshot.time_ns
        for target in self._standing - standing:
            if target in self._rates:
                self._since_ns[target] = snapshot.time_ns
                self._allowed.pop(target, None)
        self._standing = frozenset(standing)
        found = {}
        for target in list(self._since_ns):
            bound = None if target in standing else self._bound(snapshot, target, dt_s)
            if bound is None:
                del self._since_ns[target]
            else:
                found[target] = bound
        return found

    def _bound(self, snapshot: Snapshot, target: str, dt_s: float) -> tuple[float, float] | None:
        now, allowed = snapshot.value(self._setpoints[target]), self._allowed.get(target)
        late = (snapshot.time_ns - self._since_ns[target]) * NANOSECONDS > LONGEST_S
        arrived = allowed is not None and abs(now - self._before[target]) < ARRIVED * allowed
        if isnan(now) or late or arrived:
            return None
        step = self._rates[target] * dt_s
        self._before[target], self._allowed[target] = now, step
        return now - step, now + step
