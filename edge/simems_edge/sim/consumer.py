"""Loads of their own: constant or recorded, and heat pumps with a house."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from simems_edge.config import SimulatedConsumer, SimulatedHeatPump
from simems_edge.sim.device import Device, Place, World
from simems_edge.sim.electrical import COMMON, Reader, own_values
from simems_edge.sim.network import Network

PUMP_READERS: Final[Mapping[str, Reader]] = {**COMMON, **own_values("temperature_degc")}
BAND_K: Final = 0.5
"""The thermostat switches this far below and above what is wanted."""
ORDERED_K: Final = 1.5
"""When SG Ready orders it on, it heats up to so much more."""
BLOCK_LIMIT_S: Final = 7200.0
"""SG Ready: the longest block; then it runs all the same."""


class Consumer(Device):
    kind = "load"
    injects = False

    def __init__(self, place: Place, recorded_w: Callable[[float], float] | None) -> None:
        """``recorded_w``: power at a UTC second; None: constant."""
        super().__init__(place)
        self._consumer = place.settings.load or SimulatedConsumer(power_w=0.0)
        self._recorded_w = recorded_w
        self.energy_wh = 0.0

    def act(self, bus: Network, world: World, dt_s: float) -> None:
        if self.faulted or not world.fed(self.settings.relays):
            self._inject(0.0, 0.0)
            return
        power_w = self._own_w(world)
        if world.driven:
            power_w = max(world.driven.get(f"{self.name}/power_w", power_w), 0.0)
        self._inject(0.0 - power_w, 0.0 - power_w * self._consumer.tan_phi)

    def _own_w(self, world: World) -> float:
        if self._recorded_w is not None:
            return self._recorded_w(world.utc_s)
        return self._consumer.power_w or 0.0

    def account(self, dt_s: float) -> None:
        self.energy_wh -= self.power_w * dt_s / 3600.0

    def truth(self) -> dict[str, float]:
        return {"active_power_w": 0.0 - self.power_w, "energy_wh": self.energy_wh}

    def restore(self, channel: str, value: float) -> None:
        if channel == "energy_wh":
            self.energy_wh = value


class HeatPump(Device):
    """On or off by its thermostat; its relays, when it has two, are those of SG Ready."""

    kind = "load"
    injects = False
    readers = PUMP_READERS

    def __init__(self, place: Place, settings: SimulatedHeatPump) -> None:
        super().__init__(place)
        self._pump = settings
        self.inside_degc = settings.wanted_degc
        self._on = False
        self._off_s = math.inf
        self._blocked_s = 0.0
        self.energy_wh = 0.0

    def act(self, bus: Network, world: World, dt_s: float) -> None:
        self._switch(world, dt_s)
        self._inject(0.0 - self._pump.power_w if self._on else 0.0, 0.0)
        self._house(world, dt_s)

    def stop(self, world: World, dt_s: float) -> None:
        self._on, self._off_s = False, 0.0
        super().stop(world, dt_s)
        self._house(world, dt_s)

    def _switch(self, world: World, dt_s: float) -> None:
        blocked = self._blocked(world, dt_s)
        wanted = self.inside_degc < self._target_degc(world) + (BAND_K if self._on else -BAND_K)
        wanted = wanted and not self.faulted and not blocked
        self._off_s = 0.0 if self._on else self._off_s + dt_s
        if self._on or self._off_s >= self._pump.rest_s:
            self._on = wanted

    def _target_degc(self, world: World) -> float:
        return self._pump.wanted_degc + (ORDERED_K if self._signal(world) == (True, True) else 0.0)

    def _blocked(self, world: World, dt_s: float) -> bool:
        signal = self._signal(world)
        blocked = signal in {(False,), (True, False)}
        self._blocked_s = self._blocked_s + dt_s if blocked else 0.0
        return blocked and (len(signal) == 1 or self._blocked_s <= BLOCK_LIMIT_S)

    def _signal(self, world: World) -> tuple[bool, ...]:
        return tuple(world.contacts.get(name, False) for name in self.settings.relays)

    def _house(self, world: World, dt_s: float) -> None:
        pump = self._pump
        outside = world.driven.get(f"{self.name}/outside_degc", pump.outside_degc)
        settled = outside - self.power_w * pump.cop / pump.loss_w_per_k
        keep = math.exp(-dt_s * pump.loss_w_per_k / pump.heat_capacity_j_per_k)
        self.inside_degc = settled + (self.inside_degc - settled) * keep

    def account(self, dt_s: float) -> None:
        self.energy_wh -= self.power_w * dt_s / 3600.0

    def _own(self) -> tuple[float, ...]:
        return (self.inside_degc,)

    def truth(self) -> dict[str, float]:
        return {
            "active_power_w": 0.0 - self.power_w,
            "energy_wh": self.energy_wh,
            "temperature_degc": self.inside_degc,
        }

    def restore(self, channel: str, value: float) -> None:
        if channel == "energy_wh":
            self.energy_wh = value
