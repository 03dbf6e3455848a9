"""The virtual plant with a scenario's load in the place of a recorded one."""

from __future__ import annotations

from bisect import bisect_right

from simems_edge.config import Simulation, Site
from simems_edge.replay.scenario import Scenario, ScenarioLoad
from simems_edge.sim import Plant

LOAD = "site/load_power_w"


class SteppedLoad:
    """Constant between steps; before the first step its power holds."""

    def __init__(self, load: ScenarioLoad) -> None:
        steps = sorted((step.at_s, step.power_w) for step in load.steps)
        self._times_s = [at_s for at_s, _ in steps]
        self._powers_w = [power_w for _, power_w in steps] or [load.constant_w or 0.0]

    def power_w(self, time_s: float) -> float:
        number = bisect_right(self._times_s, time_s + 1e-9) - 1
        return self._powers_w[max(number, 0)]


class ScenarioPlant(Plant):
    """Same physics, same devices."""

    def __init__(self, site: Site, simulation: Simulation, scenario: Scenario) -> None:
        load = scenario.plant.load
        self._stepped = None if load is None or load.profile is not None else SteppedLoad(load)
        super().__init__(site, simulation, scenario.start, scenario.seed)

    def _move(self, dt_s: float) -> None:
        if self._stepped is not None:
            self.world.driven[LOAD] = self._stepped.power_w(self.world.time_s)
        super()._move(dt_s)
