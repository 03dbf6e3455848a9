"""The experiment: reads, then asks one battery after the other for small, limited and full power. Pure: it is told what
is seen in each cycle and answers what it wants of the actuators; arbitration and guards decide what becomes of that.

It stops a stage at once when the meter or the battery is lost, when a guard or a limit takes hold, when the battery
does far more than it was asked, and whenever the site leaves RUN. Every stage begins and ends at 0 W.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simems_edge.commissioning.equipment import Device, Equipment
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.judge import faults, judge, unsafe
from simems_edge.commissioning.plan import (
    FULL_S,
    LIMITED_S,
    LIMITED_SHARE,
    READ_S,
    REST_S,
    Permission,
    Room,
    chips,
    duration_s,
    pulse_w,
    room,
    within,
)
from simems_edge.commissioning.record import Recorder
from simems_edge.commissioning.signals import step_noise
from simems_edge.commissioning.verdict import Verdict

Wish = Mapping[str, float]
"""Setpoint by address; an empty one leaves everything at rest."""
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
LEAST_RATED_W: Final = 100.0
START_S: Final = 10.0
"""The site is in RUN so long after it was armed, or not at all."""
APART_S: Final = 6.0
"""Between two levels of the meter whose difference is its noise."""


@dataclass(frozen=True)
class Observation:
    """One cycle. ``valid``: good values by address; ``bounds``: what moved each setpoint, None: nothing."""

    time_s: float
    valid: Mapping[str, float]
    bounds: Mapping[str, str | None]
    running: bool
    """The site is in RUN: setpoints are obeyed."""
    why_not: str = ""
    """State and faults otherwise."""


Steps = Generator[Wish, Observation, None]


class StopStageError(Exception):
    """Ends a stage; the message says why."""


class EndError(Exception):
    """Ends everything: power flows that nobody asked for."""


@dataclass
class Experiment:
    """:meth:`step` each cycle until :attr:`done`; :meth:`abandon` whenever a person wants it to end."""

    equipment: Equipment
    recorder: Recorder
    permission: Permission
    seed: int = 1
    stamps: frozenset[str] = frozenset()
    tell: Callable[[str, float], None] = lambda _what, _seconds: None
    """Called when a stage begins: what, and its seconds."""
    skipped: list[str] = field(default_factory=list)
    """Stages that were left out, and why."""
    done: bool = False
    asked_w: float = 0.0
    """The largest power of the stage that runs."""
    armed: bool = False
    """Setpoints may be written: false while it only reads."""

    def __post_init__(self) -> None:
        self._course: Steps | None = None

    @property
    def expected_s(self) -> float:
        """Without any stop, when everything is allowed."""
        return duration_s(len(self.equipment.batteries), pulses=True, full=True)

    def step(self, seen: Observation) -> Wish:
        """What it wants until the next cycle."""
        try:
            if self._course is None:
                self._course = self._run(seen)
                return next(self._course)
            return self._course.send(seen)
        except StopIteration:
            self.done = True
        except EndError as reason:
            self.skipped.append(str(reason))
            self._cut(str(reason))
            self.done = True
        return {}

    def abandon(self) -> None:
        """A person has enough: what runs ends here; whoever drives brings the batteries to 0."""
        if self._course is not None:
            self._course.close()
        self._cut("ended by a person")
        self.done = True

    def _cut(self, why: str) -> None:
        """Of the stage that runs, when one does."""
        stages = self.recorder.stages
        if stages and stages[-1].end_s == stages[-1].begin_s:
            self.recorder.end(self.recorder.last_s, power_w=self.asked_w, stopped=why)

    # ---- the course

    def _run(self, seen: Observation) -> Steps:
        seen = yield from self._read(seen)
        verdicts = self._verdicts()
        blocking = unsafe(verdicts)
        if blocking:
            names = ", ".join(sorted({f"{v.component}: {v.check}" for v in blocking}))
            self.skipped.append(f"no power was asked of any battery: first remedy {names}")
            return
        beyond = self._beyond()
        if beyond:
            self.skipped.append(f"no power was asked of any battery: {beyond}")
            return
        self.armed = True
        seen = yield from self._until_running(seen)
        for battery in self.equipment.batteries:
            seen = yield from self._battery(battery, seen)

    def _read(self, seen: Observation) -> Generator[Wish, Observation, Observation]:
        self.tell("reads, nothing is written", READ_S)
        self.recorder.begin("read", "", seen.time_s)
        end_s = seen.time_s + READ_S
        while seen.time_s < end_s:
            seen = yield {}
        self.recorder.end(seen.time_s)
        return seen

    def _until_running(self, seen: Observation) -> Generator[Wish, Observation, Observation]:
        """The site starts when it is armed."""
        end_s = seen.time_s + START_S
        while not seen.running and seen.time_s < end_s:
            seen = yield {}
        return seen

    def _battery(self, battery: Device, seen: Observation) -> Generator[Wish, Observation, Observation]:
        evidence = self._evidence()
        rated_w = evidence.rated_w(battery)
        if rated_w < LEAST_RATED_W:
            self.skipped.append(f"{battery.id}: no power was asked, it tells no limits")
            return seen
        noise_w = self._noise_w(evidence)
        stages = _Stages(self, battery, rated_w)
        seen = yield from stages.pulses(pulse_w(rated_w, noise_w), seen)
        stage = self.recorder.stages[-1]
        if stage.battery != battery.id or stage.stopped or not stage.power_w:
            return seen
        wrong = self._against(battery)
        if wrong:
            names = ", ".join(sorted({f"{v.component}: {v.check}" for v in wrong}))
            self.skipped.append(f"{battery.id}: no larger power was asked: first remedy {names}")
            return seen
        return (yield from stages.full(seen))

    def _against(self, battery: Device) -> list[Verdict]:
        """Faults of this battery or of the grid meter."""
        return [v for v in faults(self._verdicts()) if v.component in {battery.id, self.equipment.grid}]

    def _beyond(self) -> str:
        """At rest the meter reads more than the connection may carry: the guards would move batteries by themselves."""
        meter, evidence = self.equipment.meter, self._evidence()
        grid_w = 0.0 if meter is None else evidence.median(meter.power)
        limit_w = self.equipment.import_limit_w if grid_w > 0.0 else self.equipment.export_limit_w
        if not abs(grid_w) > limit_w:
            return ""
        return f"at rest the grid meter reads {grid_w:.0f} W, the connection allows {limit_w:.0f} W; remedy one of them"

    def _evidence(self) -> Evidence:
        return Evidence(self.recorder.record(), self.equipment, self.stamps)

    def _verdicts(self) -> list[Verdict]:
        return judge(self._evidence())

    def _noise_w(self, evidence: Evidence) -> float:
        """What the meter moves by itself. Wrongly wired, its phases may cancel out in the total: they count too."""
        meter = self.equipment.meter
        if meter is None or not evidence.record.has(meter.power):
            return 0.0
        ends = ("", "_l1", "_l2", "_l3") if evidence.phase_channels else ("",)
        read = [evidence.record.values[f"{meter.power}{end}"][evidence.reading] for end in ends]
        total_w, *phases_w = (step_noise(values, evidence.cycle_s, APART_S) for values in read)
        return max(total_w, 3.0 * float(np.median(phases_w))) if phases_w else total_w


class _Stages:
    """The stages of one battery."""

    def __init__(self, experiment: Experiment, battery: Device, rated_w: float) -> None:
        self._experiment, self._battery, self._rated_w = experiment, battery, rated_w
        self._too_much_since_s = math.inf
        self._most_w = 0.0
        self._strange = ""

    def pulses(self, size_w: float, seen: Observation) -> Generator[Wish, Observation, Observation]:
        size_w = self._experiment.permission.allowed_w("pulses", self._battery.id, size_w)
        pattern = chips(size_w, self._experiment.seed)
        return (yield from self._stage("pulses", pattern, seen))

    def full(self, seen: Observation) -> Generator[Wish, Observation, Observation]:
        """Half power first, then all, in both directions."""
        permission, rated_w = self._experiment.permission, self._rated_w
        half_w = permission.allowed_w("limited", self._battery.id, LIMITED_SHARE * rated_w)
        seen = yield from self._stage("limited", [(half_w, LIMITED_S), (0.0, REST_S), (-half_w, LIMITED_S)], seen)
        if not half_w or self._experiment.recorder.stages[-1].stopped:
            return seen
        full_w = permission.allowed_w("full", self._battery.id, rated_w)
        return (yield from self._stage("full", [(full_w, FULL_S), (0.0, REST_S), (-full_w, FULL_S)], seen))

    def _stage(
        self, name: str, pattern: list[tuple[float, float]], seen: Observation
    ) -> Generator[Wish, Observation, Observation]:
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

    def _hold(self, power_w: float, seconds: float, seen: Observation) -> Generator[Wish, Observation, Observation]:
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

    def _wait_for_values(self, seen: Observation) -> Generator[Wish, Observation, Observation]:
        begin_s = seen.time_s
        while self._lost(seen):
            if seen.time_s > begin_s + LOST_S:
                raise StopStageError(f"{self._lost(seen)} is lost")
            seen = yield {self._battery.power: 0.0}
        return seen

    def _rest(self) -> Generator[Wish, Observation, Observation]:
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
