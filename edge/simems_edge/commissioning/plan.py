"""How large and how long the pulses are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from simems_edge.commissioning.equipment import Device, Equipment

READ_S: Final = 60.0
CHIPS: Final = (1, 0, -1, 1, -1, 0, 1, 0, -1, 1, -1, 0, -1, 1)
"""As much charge as discharge; no stretch of it looks like another."""
CHIP_S: Final = (6.0, 9.0)
"""Each lasts a pseudo-random time within."""
REST_S: Final = 8.0
LIMITED_SHARE: Final = 0.5
LIMITED_S: Final = 8.0
FULL_S: Final = 30.0
NOISE_TIMES: Final = 6.0
"""A pulse is so many standard deviations of what the meter moves by itself, ..."""
LEAST_SHARE: Final = 0.03
MOST_SHARE: Final = 0.2
"""... but at least and at most these shares of the battery's rating."""
MARGIN: Final = 0.9
"""Of each limit of the connection that a pulse may be expected to reach."""


class Permission(Protocol):
    """What the operator allows."""

    def allowed_w(self, stage: str, battery: str, wanted_w: float) -> float:
        """How much of it; 0: none. Asked once before each stage of each battery."""


@dataclass(frozen=True)
class Allowed:
    """Given beforehand. ``pulses_w``: the largest pulse; 0: only reading. ``full``: limited and full power too."""

    pulses_w: float = 0.0
    full: bool = False

    def allowed_w(self, stage: str, battery: str, wanted_w: float) -> float:
        """As :class:`Permission`."""
        del battery
        if stage == "pulses":
            return min(wanted_w, self.pulses_w)
        return wanted_w if self.full else 0.0


@dataclass(frozen=True)
class Room:
    """What may be asked of a battery now, both >= 0."""

    charge_w: float
    discharge_w: float


def pulse_w(rated_w: float, noise_w: float) -> float:
    """Size of the small pulses."""
    return min(max(NOISE_TIMES * noise_w, LEAST_SHARE * rated_w), MOST_SHARE * rated_w)


def chips(size_w: float, seed: int) -> list[tuple[float, float]]:
    """(power in W, duration in s) of the small pulses; the same for the same seed."""
    random = Random(f"{seed} pulses")  # noqa: S311 - repeatable, no secret
    return [(sign * size_w, round(random.uniform(*CHIP_S), 1)) for sign in CHIPS]


def room(
    battery: Device, equipment: Equipment, *, limits_w: tuple[float, float], soc_pct: float, grid_w: float, own_w: float
) -> Room:
    """``limits_w``: charge and discharge as the battery tells them. ``grid_w`` and ``own_w``: now."""
    low_pct, high_pct = battery.soc_window_pct
    charge_w, discharge_w = limits_w
    site_w = grid_w + own_w
    charge_w = min(charge_w, MARGIN * equipment.import_limit_w - site_w)
    discharge_w = min(discharge_w, MARGIN * equipment.export_limit_w + site_w)
    if soc_pct >= high_pct - 1.0:
        charge_w = 0.0
    if soc_pct <= low_pct + 1.0:
        discharge_w = 0.0
    return Room(max(charge_w, 0.0), max(discharge_w, 0.0))


def within(power_w: float, space: Room) -> float:
    return min(max(power_w, -space.charge_w), space.discharge_w)


def duration_s(batteries: int, *, pulses: bool, full: bool) -> float:
    """Of a whole commissioning without any stop."""
    each = (sum(CHIP_S) / 2 * len(CHIPS) + REST_S if pulses else 0.0) + (
        2 * (LIMITED_S + FULL_S) + 3 * REST_S if full and pulses else 0.0
    )
    return READ_S + batteries * each
