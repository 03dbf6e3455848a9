"""The stages of one battery: pulses, half and full power, each from rest to rest, and what ends them early. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Protocol

from simems_edge.commissioning.equipment import Device, Equipment
from simems_edge.commissioning.observation import EndError, Observation, Steps, StopStageError
from simems_edge.commissioning.plan import (
    FULL_S,
    LIMITED_S,
    LIMITED_SHARE,
    REST_S,
    Permission,
    Room,
    chips,
    room,
    within,
)
from simems_edge.commissioning.record import Recorder

FREE_BOUNDS: Final = frozenset({None, "ramp"})
"""What may bind a setpoint without ending a stage."""
TOO_MUCH: Final = 1.5
"""Times what was asked, and ..."""
MARGIN_SHARE: Final = 0.05
"""... this share of the rating on top, for ..."""
TOO_MUCH_S: Final = 1.0
HARMLESS_SHARE: Final = 0.5
"""Up to this share of its rating the pulse is held to its end, so that it can be measured; then the stage ends."""
LOST_S: Final = 30.0
"""A meter or battery that is lost for longer ends the stage."""
UNASKED_S: Final = 2.0
"""A guard that moves a battery at rest for longer ends everything."""
LONGEST_REST_S: Final = 30.0
STANDS_SHARE, STANDS_W = 0.003, 50.0
"""A battery that gives less stands: this share of its rating, at least so many W."""
RETRIES: Final = 3


class Ground(Protocol):
    """What the stages stand on, and where they leave what they did."""

    equipment: Equipment
    recorder: Recorder
    permission: Permission
    seed: int
    skipped: list[str]
    asked_w: float

    @property
    def tell(self) -> Callable[[str, float], None]:
        """Called when a stage begins: what, and its seconds."""


class BatteryStages:
    """The stages of one battery."""

    def __init__(self, experiment: Ground, battery: Device, rated_w: float) -> None:
        self._experiment, self._battery, self._rated_w = experiment, battery, rated_w
        self._too_much_since_s = math.inf
        self._most_w = 0.0
        self._strange = ""

    def pulses(self, size_w: float, seen: Observation) -> Steps:
        size_w = self._experiment.permission.allowed_w("pulses", self._battery.id, size_w)
        pattern = chips(size_w, self._experiment.seed)
        return (yield from self._stage("pulses", pattern, seen))

    def full(self, seen: Observation) -> Steps:
        """Half power first, then all, in both directions."""
        permission, rated_w = self._experiment.permission, self._rated_w
        half_w = permission.allowed_w("limited", self._battery.id, LIMITED_SHARE * rated_w)
        seen = yield from self._stage("limited", [(half_w, LIMITED_S), (0.0, REST_S), (-half_w, LIMITED_S)], seen)
        if not half_w or self._experiment.recorder.stages[-1].stopped:
            return seen
        full_w = permission.allowed_w("full", self._battery.id, rated_w)
        return (yield from self._stage("full", [(full_w, FULL_S), (0.0, REST_S), (-full_w, FULL_S)], seen))

    def _stage(self, name: str, pattern: list[tuple[float, float]], seen: Observation) -> Steps:
        battery, recorder = self._battery, self._experiment.recorder
        # The operator may have thought about it for a while.
        seen = yield {self._battery.power: 0.0}
        most_w = max(abs(power_w) for power_w, _ in pattern)
        if most_w <= 0.0:
            self._experiment.skipped.append(f"{battery.id}: {name} was not allowed")
            return seen
        self._experiment.tell(f"{battery.id}: {name}, up to {most_w:.0f} W", sum(s for _, s in pattern) + REST_S)
        recorder.begin(name, battery.id, seen.time_s)
        stopped, self._experiment.asked_w = "", 0.0
        try:
            for power_w, seconds in pattern:
                allowed_w = within(power_w, self._room(seen))
                self._experiment.asked_w = max(self._experiment.asked_w, abs(allowed_w))
                seen = yield from self._hold(allowed_w, seconds, seen)
        except StopStageError as reason:
            stopped = str(reason)
        seen = yield from self._rest()
        recorder.end(seen.time_s, power_w=self._experiment.asked_w, stopped=stopped)
        return seen

    def _hold(self, power_w: float, seconds: float, seen: Observation) -> Steps:
        """Again after a short loss of the meter; a power that a guard cuts ends the stage."""
        for _ in range(RETRIES):
            begin_s = seen.time_s
            while seen.time_s < begin_s + seconds and not self._lost(seen):
                self._watch(power_w, seen, seen.time_s - begin_s)
                seen = yield {self._battery.power: power_w}
            if self._strange:
                raise StopStageError(self._strange)
            if not self._lost(seen):
                return seen
            seen = yield from self._wait_for_values(seen)
        raise StopStageError("the grid meter or the battery is lost again and again")

    def _wait_for_values(self, seen: Observation) -> Steps:
        begin_s = seen.time_s
        while self._lost(seen):
            if seen.time_s > begin_s + LOST_S:
                raise StopStageError(f"{self._lost(seen)} is lost")
            seen = yield {self._battery.power: 0.0}
        return seen

    def _rest(self) -> Steps:
        seen = yield {self._battery.power: 0.0}
        begin_s = seen.time_s
        bound_s = 0.0
        while seen.time_s < begin_s + (LONGEST_REST_S if self._moves(seen) else REST_S):
            before_s = seen.time_s
            seen = yield {self._battery.power: 0.0}
            bound = seen.bounds.get(self._battery.power)
            bound_s = bound_s + seen.time_s - before_s if bound not in FREE_BOUNDS else 0.0
            if bound_s > UNASKED_S:
                raise EndError(f"{bound} moves {self._battery.id} although nothing is asked; everything was ended")
        return seen

    def _moves(self, seen: Observation) -> bool:
        return abs(seen.valid.get(self._battery.power, 0.0)) > max(STANDS_SHARE * self._rated_w, STANDS_W)

    # ---- what ends a stage

    def _watch(self, power_w: float, seen: Observation, since_s: float) -> None:
        if not seen.running:
            raise StopStageError(f"the site is not in RUN: {seen.why_not}")
        bound = seen.bounds.get(self._battery.power)
        if bound not in FREE_BOUNDS and since_s > 0.5:
            raise StopStageError(f"{bound} took hold at {power_w:.0f} W")
        self._watch_excess(power_w, seen)

    def _watch_excess(self, power_w: float, seen: Observation) -> None:
        """Against the largest power of the stage: a slow battery may still be on its way from the pulse before."""
        self._most_w = max(abs(power_w), self._most_w)
        own_w = seen.valid.get(self._battery.power, 0.0)
        if abs(own_w) <= TOO_MUCH * self._most_w + MARGIN_SHARE * self._rated_w:
            self._too_much_since_s = math.inf
            return
        self._too_much_since_s = min(self._too_much_since_s, seen.time_s)
        self._strange = f"shows {own_w:.0f} W, and was asked for at most {self._most_w:.0f} W"
        if abs(own_w) > HARMLESS_SHARE * self._rated_w and seen.time_s - self._too_much_since_s >= TOO_MUCH_S:
            raise StopStageError(self._strange)

    def _lost(self, seen: Observation) -> str:
        """What has no valid power; empty when all have one."""
        needed = [self._battery.power, *([m.power] if (m := self._experiment.equipment.meter) is not None else [])]
        return next((address for address in needed if address not in seen.valid), "")

    def _room(self, seen: Observation) -> Room:
        battery, valid = self._battery, seen.valid
        limits = [valid.get(battery.address(f"max_{way}_power_w"), 0.0) for way in ("charge", "discharge")]
        meter = self._experiment.equipment.meter
        return room(
            battery,
            self._experiment.equipment,
            limits_w=(limits[0], limits[1]),
            soc_pct=valid.get(battery.address("soc_pct"), math.nan),
            grid_w=valid.get(meter.power, 0.0) if meter is not None else 0.0,
            own_w=valid.get(battery.power, 0.0),
        )
