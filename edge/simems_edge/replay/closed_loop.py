"""`simulate`: plant and runtime on one simulated clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TextIO

from simems_core import FORCED, GOOD, Clock, Decision, Snapshot

from simems_edge.config import Site
from simems_edge.replay.input_writer import InputWriter
from simems_edge.replay.scenario import Scenario
from simems_edge.replay.scenario_plant import ScenarioPlant
from simems_edge.replay.simulated_bridge import SimulatedBridge
from simems_edge.replay.table import RowWriter, decision_cells, decision_columns, numbers
from simems_edge.replay.timeline import Timeline
from simems_edge.runtime import Runtime
from simems_edge.schedule import Schedule, read_schedule

_NS = 1_000_000_000
_VALID = frozenset((GOOD, FORCED))


@dataclass(frozen=True, slots=True)
class Step:
    """One cycle: what it saw, decided, and what was true at that moment."""

    time_s: float
    snapshot: Snapshot
    decisions: list[Decision]
    truth: dict[str, float]
    state: str
    control_mode: str


class ClosedLoop:
    """Steps through a scenario; :meth:`steps` may be consumed once."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self.scenario = scenario
        self.plant = ScenarioPlant(site, scenario.simulation(site), scenario)
        self.clock = Clock.simulated(round(scenario.start.timestamp() * 1e6))
        self.runtime = Runtime(site, clock=self.clock, schedule=_schedule(site, scenario))
        self._bridge = SimulatedBridge(self.runtime, self.plant)
        self._timeline = Timeline(scenario, self.plant, self.runtime)

    @property
    def stamps(self) -> bool:
        """Whether some samples are not stamped with the time of their cycle."""
        return self._bridge.stamps

    def steps(self) -> Iterator[Step]:
        step_ns = round(self.scenario.step_s * _NS)
        self._timeline.plant_until(0.0)
        self.plant.settle()
        for number in range(self.scenario.steps):
            yield self._step(number * step_ns)
            self._timeline.plant_until((number + 1) * step_ns / _NS)
            self.plant.step(self.scenario.step_s)

    def _step(self, time_ns: int) -> Step:
        self.clock.advance_to(time_ns)
        self._timeline.runtime_until(time_ns / _NS, time_ns)
        truth = self.plant.truth()
        self._bridge.poll(time_ns)
        decisions = self.runtime.step(time_ns)
        self._bridge.write(decisions)
        runtime = self.runtime
        return Step(time_ns / _NS, runtime.image.snapshot(), decisions, truth, runtime.state, runtime.control_mode)


def _schedule(site: Site, scenario: Scenario) -> Schedule | None:
    if scenario.schedule is None:
        return None
    return read_schedule(Path(scenario.source.document.file).parent / scenario.schedule, site)


def simulate(
    site: Site,
    scenario: Scenario,
    stream: TextIO,
    *,
    progress: Callable[[int, int], None] | None = None,
    watch: Callable[[Step], None] | None = None,
    record: TextIO | None = None,
) -> None:
    """Write every channel, setpoint, reason and true value of each step. ``progress(done, of)`` now and then.
    ``record``: the inputs of each cycle as the INPUT of a replay."""
    loop = ClosedLoop(site, scenario)
    table = _Table(loop, stream)
    writer = None if record is None else InputWriter(loop.runtime, record, stamps=loop.stamps)
    for number, step in enumerate(loop.steps()):
        table.write(step)
        if writer is not None:
            writer.write(step.snapshot)
        if watch is not None:
            watch(step)
        if progress is not None and number % 1000 == 0:
            progress(number, scenario.steps)


class _Table:
    """Columns: time_s, channels, setpoints and reasons, state, control_mode, true/<address>."""

    def __init__(self, loop: ClosedLoop, stream: TextIO) -> None:
        decided = set(loop.runtime.assembly.actuators)
        outputs = {f"{address}{end}" for address in decided for end in ("_setpoint", "_reason")}
        shown = {*outputs, "site/state", "site/control_mode"}
        channels = [(n, c.address) for n, c in enumerate(loop.runtime.channels) if c.address not in shown]
        self._numbers = [number for number, address in channels if not address.startswith("cycle/")]
        truth = loop.plant.truth()
        names = [address for _, address in channels if not address.startswith("cycle/")]
        columns = ["time_s", *names, *decision_columns(loop.runtime.assembly.actuators), "state", "control_mode"]
        self._writer = RowWriter(stream, [*columns, *(f"true/{address}" for address in truth)])

    def write(self, step: Step) -> None:
        values, qualities = step.snapshot.values, step.snapshot.qualities
        measured = [values[n] if qualities[n] in _VALID else nan for n in self._numbers]
        truth = numbers(step.truth.values())
        cells = decision_cells(step.decisions)
        self._writer.write(numbers([step.time_s, *measured]), *cells, step.state, step.control_mode, truth)
