"""How cars share what there is: a minimum or nothing, then evenly or by priority, inside every limit. Pure.

Limits are sums of currents: of a phase (the chargers that stand on it), or of power (each charger by its phases). A
charger that does not do what it was told takes its part first: it is no longer ours to give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

NOMINAL_V = 230.0
Mode = Literal["fair", "priority"]
STEP_A = 1e-9


@dataclass(frozen=True, slots=True)
class Wish:
    """One charger with a car, most important first."""

    name: str
    phases: tuple[int, ...]
    most_a: float
    """What charger, cable and car can take."""
    least_a: float = 6.0
    """Nothing, or this and more (IEC 61851-1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What all chargers together may take. ``phase_a``: by phase number; those not named are free."""

    phase_a: Mapping[int, float]
    power_w: float = float("inf")


def shares(
    wishes: Sequence[Wish], limits: Limits, mode: Mode, taken: Mapping[str, Wish] | None = None
) -> dict[str, float]:
    """Current per phase of each wish, 0 or between least and most; every limit holds.

    ``taken``: what others take whatever they are told, as wishes with ``most_a`` for it."""
    room = _Room(limits)
    for one in (taken or {}).values():
        room.take(one.phases, one.most_a)
    given: dict[str, float] = {one.name: 0.0 for one in wishes}
    for one in wishes:
        if one.most_a >= one.least_a and room.fits(one.phases) >= one.least_a - STEP_A:
            first_a = one.least_a if mode == "fair" else min(one.most_a, room.fits(one.phases))
            given[one.name] = first_a
            room.take(one.phases, first_a)
    if mode == "fair":
        _fill([one for one in wishes if given[one.name] > 0.0], given, room)
    return given


class _Room:
    """What is left of each limit."""

    def __init__(self, limits: Limits) -> None:
        self._phase_a = dict(limits.phase_a)
        self._power_w = limits.power_w

    def fits(self, phases: Sequence[int]) -> float:
        """The most that one charger on these phases may still have."""
        of_phases = (self._phase_a.get(phase, float("inf")) for phase in phases)
        return max(min(*of_phases, self._power_w / (NOMINAL_V * len(phases))), 0.0)

    def take(self, phases: Sequence[int], current_a: float) -> None:
        for phase in phases:
            if phase in self._phase_a:
                self._phase_a[phase] -= current_a
        self._power_w -= current_a * NOMINAL_V * len(phases)

    def even_step_a(self, growing: Sequence[Wish]) -> float:
        """How much all of these may rise together."""
        steps = [
            left_a / count
            for phase, left_a in self._phase_a.items()
            if (count := sum(phase in one.phases for one in growing)) > 0
        ]
        watts_per_ampere = sum(NOMINAL_V * len(one.phases) for one in growing)
        return max(min([*steps, self._power_w / watts_per_ampere]), 0.0)


def _fill(wishes: Sequence[Wish], given: dict[str, float], room: _Room) -> None:
    """Raise all alike until a limit or its own maximum stops one; the others go on. Ends after as many rounds as
    there are wishes, for each round stops one at least."""
    growing = [one for one in wishes if given[one.name] < one.most_a - STEP_A]
    while growing:
        nearest_a = min(one.most_a - given[one.name] for one in growing)
        step_a = min(nearest_a, room.even_step_a(growing))
        for one in growing:
            given[one.name] += step_a
            room.take(one.phases, step_a)
        after = [one for one in growing if given[one.name] < one.most_a - STEP_A and room.fits(one.phases) > 1e-6]
        if len(after) == len(growing):
            return
        growing = after


def staged(
    targets: Mapping[str, float], held_a: Mapping[str, float], phases: Mapping[str, tuple[int, ...]], limits: Limits
) -> dict[str, float]:
    """``targets`` as far as they may be told now: less at once, more only into what the others have really left.

    ``held_a``: what each charger may still draw (at least its part in the sum), by name, also of those without a
    target. A charger whose raise must wait keeps what it holds."""
    now = {name: min(targets.get(name, held), held) for name, held in held_a.items()}
    room = _Room(limits)
    for name, held in held_a.items():
        room.take(phases[name], held)
    for name, target_a in targets.items():
        more_a = target_a - held_a[name]
        if more_a > 0.0:
            step_a = min(more_a, room.fits(phases[name]))
            now[name] = held_a[name] + step_a
            room.take(phases[name], step_a)
    return now
