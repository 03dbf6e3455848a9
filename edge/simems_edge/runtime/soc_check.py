"""The battery's own state of charge beside our estimate: how far apart, and whether it jumped.

Only an estimate that is valid and sure (two sigma of 5 points or less) is compared; without one nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Final

from simems_core import Snapshot

from simems_edge.devices.estimator_inputs import OUTPUTS
from simems_edge.runtime.assembly import Assembly

APART_PCT: Final = 5.0
APART_HOLD_NS: Final = 60_000_000_000
"""So long they must be apart."""
TOGETHER_PCT: Final = 4.0
"""And so near before that is over."""
JUMP_PCT: Final = 2.0
"""Between two readings of the battery's SOC it moved by so much more than the charge that flowed."""
JUMP_WITHIN_NS: Final = 60_000_000_000
JUMP_TOLD_NS: Final = 600_000_000_000
"""So long a jump is told."""


@dataclass(frozen=True)
class SocDisagreement:
    """They have been apart for a minute."""

    soc_pct: float
    estimated_pct: float
    sigma_pct: float


@dataclass(frozen=True)
class SocJump:
    """The battery's SOC moved without charge."""

    before_pct: float
    after_pct: float


@dataclass
class _Battery:
    soc: int
    estimate: tuple[int, int, int]
    apart_ns: int | None = None
    last: tuple[int, float, float] | None = None
    """Time of the battery's reading, its SOC, and how far it was above the estimate."""
    jumped_ns: int | None = None
    jump: SocJump | None = None
    disagreement: SocDisagreement | None = field(default=None)


class SocCheck:
    """Bound once to the handles of each battery with an estimator."""

    def __init__(self, assembly: Assembly) -> None:
        handle = assembly.image.handle
        self._batteries = {}
        for component in assembly.site.components:
            if component.estimator is not None:
                soc, sigma, valid = (handle(f"{component.id}/{name}") for name in OUTPUTS)
                self._batteries[component.id] = _Battery(handle(f"{component.id}/soc_pct"), (soc, sigma, valid))

    def update(self, snapshot: Snapshot) -> None:
        """Once per snapshot that alarms are judged on."""
        for battery in self._batteries.values():
            _compare(battery, snapshot)

    @property
    def apart(self) -> Mapping[str, SocDisagreement]:
        """By component."""
        found = {name: battery.disagreement for name, battery in self._batteries.items()}
        return {name: disagreement for name, disagreement in found.items() if disagreement is not None}

    @property
    def jumps(self) -> Mapping[str, SocJump]:
        """By component, those of the last ten minutes."""
        return {name: battery.jump for name, battery in self._batteries.items() if battery.jump is not None}


def _compare(battery: _Battery, snapshot: Snapshot) -> None:
    now_ns = snapshot.time_ns
    if battery.jumped_ns is not None and now_ns - battery.jumped_ns >= JUMP_TOLD_NS:
        battery.jumped_ns = battery.jump = None
    soc_pct = snapshot.value(battery.soc)
    estimated_pct, sigma_pct, valid = (snapshot.value(handle) for handle in battery.estimate)
    sure = valid == 1.0 and 2.0 * sigma_pct <= APART_PCT
    if isnan(soc_pct) or isnan(estimated_pct) or not sure:
        battery.apart_ns = battery.last = battery.disagreement = None
        return
    _look_for_jump(battery, snapshot.time_of(battery.soc), soc_pct, soc_pct - estimated_pct, now_ns)
    _look_apart(battery, SocDisagreement(soc_pct, estimated_pct, sigma_pct), now_ns)


def _look_apart(battery: _Battery, seen: SocDisagreement, now_ns: int) -> None:
    distance = abs(seen.soc_pct - seen.estimated_pct)
    if distance <= (APART_PCT if battery.disagreement is None else TOGETHER_PCT):
        battery.apart_ns = battery.disagreement = None
        return
    if battery.apart_ns is None:
        battery.apart_ns = now_ns
    if now_ns - battery.apart_ns >= APART_HOLD_NS:
        battery.disagreement = seen


def _look_for_jump(battery: _Battery, at_ns: int, soc_pct: float, above_pct: float, now_ns: int) -> None:
    last = battery.last
    if last is not None and at_ns == last[0]:
        return
    if last is not None and at_ns - last[0] <= JUMP_WITHIN_NS and abs(above_pct - last[2]) > JUMP_PCT:
        battery.jumped_ns, battery.jump = now_ns, SocJump(last[1], soc_pct)
    battery.last = (at_ns, soc_pct, above_pct)
