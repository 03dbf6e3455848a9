"""The same experiment on the virtual plant and a simulated clock: for proofs, and to rehearse a site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from simems_core import Clock

from simems_edge.commissioning.conductor import Conductor, equipment_of, site_without_controllers
from simems_edge.commissioning.equipment import Equipment
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.judge import judge
from simems_edge.commissioning.plan import Permission
from simems_edge.commissioning.record import Record
from simems_edge.commissioning.verdict import Verdict
from simems_edge.config import Site
from simems_edge.replay.scenario import Scenario
from simems_edge.replay.scenario_plant import ScenarioPlant
from simems_edge.replay.simulated_bridge import SimulatedBridge
from simems_edge.replay.timeline import Timeline
from simems_edge.runtime import Runtime

_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class Outcome:
    """What one commissioning found."""

    equipment: Equipment
    record: Record
    verdicts: list[Verdict]
    skipped: list[str]
    seconds: float
    """Simulated, until everything was named."""
    rest_w: float
    """The largest true power of a battery at the end."""


def commission(
    site: Site, scenario: Scenario, permission: Permission, *, tell: Callable[[str, float], None] | None = None
) -> Outcome:
    """Until the experiment is done, at most for the scenario's duration."""
    plant = ScenarioPlant(site, scenario.simulation(site), scenario)
    clock = Clock.simulated(round(scenario.start.timestamp() * 1e6))
    runtime = Runtime(site_without_controllers(site), clock=clock)
    runtime.tells_alarms = False
    bridge, timeline = SimulatedBridge(runtime, plant), Timeline(scenario, plant, runtime)
    equipment = equipment_of(site)
    # A virtual device says itself when it took a sample.
    stamps = frozenset(plant.components)
    conductor = Conductor(runtime, equipment, permission, stamps=stamps, seed=scenario.seed, tell=tell)
    step_ns, going, number = round(scenario.step_s * _NS), True, 0
    timeline.plant_until(0.0)
    plant.settle()
    while going and number < scenario.steps:
        time_ns = number * step_ns
        clock.advance_to(time_ns)
        timeline.runtime_until(time_ns / _NS, time_ns)
        bridge.poll(time_ns)
        decisions = runtime.step(time_ns)
        if conductor.armed:
            bridge.write(decisions)
        going = conductor.cycle(runtime.image.snapshot(), decisions)
        number += 1
        timeline.plant_until(number * step_ns / _NS)
        plant.step(scenario.step_s)
    record = conductor.recorder.record()
    truth = plant.truth()
    rest_w = max((abs(truth[battery.power]) for battery in equipment.batteries), default=0.0)
    verdicts = judge(Evidence(record, equipment, stamps))
    return Outcome(equipment, record, verdicts, conductor.experiment.skipped, record.duration_s, rest_w)
