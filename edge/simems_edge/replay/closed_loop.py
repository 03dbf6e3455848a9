"""`simulate`: plant and runtime on one simulated clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan
from typing import TextIO

from simems_core import FORCED, GOOD, Clock, Decision, Snapshot

from simems_edge.config import Site
from simems_edge.replay.scenario import Scenario
from simems_edge.replay.scenario_plant import ScenarioPlant
from simems_edge.replay.simulated_bridge import SimulatedBridge
from simems_edge.replay.table import RowWriter, numbers
from simems_edge.replay.timeline import Timeline
from simems_edge.runtime import Runtime

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
        self.runtime = Runtime(site, clock=self.clock)
        self._bridge = SimulatedBridge(self.runtime, self.plant)
        self._timeline = Timeline(scenario, self.plant, self.runtime)

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


def simulate(
    site: Site,
    scenario: Scenario,
    stream: TextIO,
    *,
    progress: Callable[[int, int], None] | None = None,
    watch: Callable[[Step], None] | None = None,
) -> None:
    """Write every channel, setpoint, reason and true value of each step. ``progress(done, of)`` now and then."""
    loop = ClosedLoop(site, scenario)
    table = _Table(loop, stream)
    for number, step in enumerate(loop.steps()):
        table.write(step)
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


def decision_columns(actuators: tuple[str, ...]) -> list[str]:
    """``<address>_setpoint``, ``<address>_reason`` of each actuator, in the cycle's order."""
    return [f"{address}{end}" for address in actuators for end in ("_setpoint", "_reason")]


def decision_cells(decisions: list[Decision]) -> Iterator[str]:
    for decision in decisions:
        yield numbers((decision.setpoint,))
        yield decision.reason
