"""The virtual plant with a scenario's load in the place of a recorded one."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from simems_edge.config import Simulation, Site
from simems_edge.replay.scenario import Scenario, ScenarioLoad
from simems_edge.sim import Plant
from simems_edge.sim.weather import Load


class SteppedLoad(Load):
    """Constant between steps; before the first step its power holds."""

    def __init__(self, start_utc: datetime, load: ScenarioLoad) -> None:  # no recording behind it
        steps = sorted((step.at_s, step.power_w) for step in load.steps)
        self._start_s = start_utc.timestamp()
        self._times_s = [at_s for at_s, _ in steps]
        self._powers_w = [power_w for _, power_w in steps] or [load.constant_w or 0.0]

    def power_w(self, utc_s: float) -> float:
        if not self._times_s:
            return self._powers_w[0]
        # A microsecond early: seconds since 1970 in a double resolve 0.2 us.
        number = bisect_right(self._times_s, utc_s - self._start_s + 1e-6) - 1
        return self._powers_w[max(number, 0)]


class ScenarioPlant(Plant):
    """Same physics, same devices."""

    def __init__(self, site: Site, simulation: Simulation, scenario: Scenario) -> None:
        load = scenario.plant.load
        self._stepped = None if load is None or load.profile is not None else SteppedLoad(scenario.start, load)
        super().__init__(site, simulation, scenario.start, scenario.seed)

    def _settle(self) -> None:
        if self._stepped is not None:
            self._load = self._stepped
            self.load_w = self.grid_w = self._stepped.power_w(self._start_s)
        super()._settle()
