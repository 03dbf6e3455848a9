"""What the site takes beside its components: recorded, or as a scenario says."""

from __future__ import annotations

from random import Random
from zoneinfo import ZoneInfo

from simems_edge.config import SimulatedLoad
from simems_edge.sim import weather
from simems_edge.sim.device import World
from simems_edge.sim.electrical import Three, spread
from simems_edge.sim.network import ZERO


class BaseLoad:
    """``power_w`` and by phase (a scenario may make it negative: others feed in), reactive power inductive > 0."""

    def __init__(self, settings: SimulatedLoad, zone: ZoneInfo, random: Random) -> None:
        """Raises ProfileNotFoundError."""
        self._settings = settings
        self._recorded = weather.load(settings.profile, settings.scale, zone, random)
        self.tan_phi = settings.tan_phi
        self.power_w = 0.0
        self.power: Three = ZERO
        self.reactive: Three = ZERO

    def act(self, world: World) -> None:
        driven, settings = world.driven, self._settings
        if not world.fed(settings.relays):
            self.stop()
            return
        power_w = driven.get("site/load_power_w")
        self.power_w = self._recorded.power_w(world.utc_s) if power_w is None else power_w
        self.tan_phi = driven.get("site/load_tan_phi", settings.tan_phi)
        self.power = spread(self.power_w, settings.phase_shares)
        self.reactive = spread(self.power_w * self.tan_phi, settings.phase_shares)

    def stop(self) -> None:
        self.power_w, self.power, self.reactive = 0.0, ZERO, ZERO
