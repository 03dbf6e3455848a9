"""The experiment: reads, then asks one battery after the other for small, limited and full power. Pure: it is told what
is seen in each cycle and answers what it wants of the actuators; arbitration and guards decide what becomes of that.

It stops a stage at once when the meter or the battery is lost, when a guard or a limit takes hold, when the battery
does far more than it was asked, and whenever the site leaves RUN. Every stage begins and ends at 0 W.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simems_edge.commissioning.equipment import Device, Equipment
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.judge import faults, judge, unsafe
from simems_edge.commissioning.observation import EndError, Observation, Steps, Wish
from simems_edge.commissioning.plan import READ_S, Permission, duration_s, pulse_w
from simems_edge.commissioning.record import Recorder
from simems_edge.commissioning.signals import step_noise
from simems_edge.commissioning.stages import BatteryStages
from simems_edge.commissioning.verdict import Verdict

LEAST_RATED_W: Final = 100.0
ENDED: Final = "ended by a person"
START_S: Final = 10.0
"""The site is in RUN so long after it was armed, or not at all."""
APART_S: Final = 6.0
"""Between two levels of the meter whose difference is its noise."""
Course = Generator[Wish, Observation, None]


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
        self._course: Course | None = None

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
        self._cut(ENDED)
        self.skipped.append(f"not all was examined: {ENDED}")
        self.done = True

    def _cut(self, why: str) -> None:
        """Of the stage that runs, when one does."""
        stages = self.recorder.stages
        if stages and stages[-1].end_s == stages[-1].begin_s:
            self.recorder.end(self.recorder.last_s, power_w=self.asked_w, stopped=why)

    # ---- the course

    def _run(self, seen: Observation) -> Course:
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

    def _read(self, seen: Observation) -> Steps:
        self.tell("reads, nothing is written", READ_S)
        self.recorder.begin("read", "", seen.time_s)
        end_s = seen.time_s + READ_S
        while seen.time_s < end_s:
            seen = yield {}
        self.recorder.end(seen.time_s)
        return seen

    def _until_running(self, seen: Observation) -> Steps:
        """The site starts when it is armed."""
        end_s = seen.time_s + START_S
        while not seen.running and seen.time_s < end_s:
            seen = yield {}
        return seen

    def _battery(self, battery: Device, seen: Observation) -> Steps:
        evidence = self._evidence()
        rated_w = evidence.rated_w(battery)
        if rated_w < LEAST_RATED_W:
            self.skipped.append(f"{battery.id}: no power was asked, it tells no limits")
            return seen
        noise_w = self._noise_w(evidence)
        stages = BatteryStages(self, battery, rated_w)
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
