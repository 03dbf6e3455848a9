"""A PV inverter: gives what the sun offers, up to the limit it is set and what the frequency allows.

Above 50.2 Hz it gives way by itself, 5 % droop (EN 50549-1:2019, 4.6.1: 40 % of its power per Hz). After a trip it
comes back slowly (10 % of its peak power a minute, 4.10.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from simems_edge.sim.device import Device, Place, World
from simems_edge.sim.electrical import COMMON, FAULTY, RUNNING, SLEEPING, Reader, Sample, own_values
from simems_edge.sim.network import Network
from simems_edge.sim.protection import InterfaceProtection
from simems_edge.sim.setpoint import Setpoint

GIVES_WAY_HZ: Final = 50.2
SHARE_PER_HZ: Final = 0.4
RETURN_SHARE_PER_S: Final = 0.1 / 60.0
_NAMES: Final = ("available_power_w", "energy_wh", "max_power_w", "operating_state", "active_power_limit_w")
READERS: Final[Mapping[str, Reader]] = {**COMMON, **own_values(*_NAMES)}


class Photovoltaic(Device):
    kind = "pv"
    readers = READERS

    def __init__(self, place: Place, share: float, peak_w: float) -> None:
        """``share``: of the site's PV; ``peak_w``: its own peak."""
        super().__init__(place)
        settings = place.settings
        self.share = share
        self._peak_w = peak_w
        self._limit = Setpoint(dead_time_s=settings.dead_time_s)
        self._reactive = Setpoint(dead_time_s=settings.dead_time_s)
        self.setpoints = {"active_power_limit_w": self._limit, "reactive_power_var": self._reactive}
        self._constant_s = settings.time_constant_s or 0.0
        self._rating_va = settings.rating_va or 1.1 * peak_w
        self.protection = InterfaceProtection(settings.reconnect_s)
        self._returned = 1.0
        self.available_w = self.energy_wh = 0.0

    def shine(self, sun_w: float, world: World) -> None:
        """What the whole site's PV could give now."""
        self.available_w = sun_w * self.share
        if world.driven:
            self.available_w = max(world.driven.get(f"{self.name}/available_power_w", self.available_w), 0.0)

    def act(self, bus: Network, world: World, dt_s: float) -> None:
        self._limit.step(dt_s)
        self._reactive.step(dt_s)
        if self.faulted or not self.protection.step(bus, dt_s):
            self._returned = 0.0
            self._inject(0.0, 0.0)
            return
        self._returned = min(self._returned + RETURN_SHARE_PER_S * dt_s, 1.0)
        power_w = self._followed_w(min(self.available_w, self._most_w(bus)), dt_s)
        self._inject(power_w, self._reactive_var(power_w))

    def stop(self, world: World, dt_s: float) -> None:
        self.protection.connected, self._returned = False, 0.0
        super().stop(world, dt_s)

    def _most_w(self, bus: Network) -> float:
        limit_w = self._limit.value
        most_w = math.inf if limit_w is None else max(limit_w, 0.0)
        if self._returned < 1.0:
            most_w = min(most_w, self._returned * self._peak_w)
        if bus.frequency_hz > GIVES_WAY_HZ:
            share = max(1.0 - SHARE_PER_HZ * (bus.frequency_hz - GIVES_WAY_HZ), 0.0)
            most_w = min(most_w, share * self.available_w)
        return most_w

    def _followed_w(self, target_w: float, dt_s: float) -> float:
        """A limit is reached with the inverter's response and ramp; what the sun does is followed at once."""
        now_w = min(self.power_w, self.available_w)
        if self._constant_s > 0.0:
            target_w = now_w + (target_w - now_w) * (1.0 - math.exp(-dt_s / self._constant_s))
        if self.settings.ramp_w_per_s is not None:
            most_w = self.settings.ramp_w_per_s * dt_s
            target_w = min(max(target_w, now_w - most_w), now_w + most_w)
        return target_w

    def _reactive_var(self, power_w: float) -> float:
        wanted = self._reactive.value
        if wanted is None:
            return 0.0
        most = math.sqrt(max(self._rating_va**2 - power_w**2, 0.0))
        return min(max(wanted, -most), most)

    def account(self, dt_s: float) -> None:
        self.energy_wh += self.power_w * dt_s / 3600.0

    def _own(self) -> Sample:
        state = FAULTY if self.faulted else RUNNING if self.power_w else SLEEPING
        limit_w = self._limit.value
        return (self.available_w, self.energy_wh, self._peak_w, state, self._peak_w if limit_w is None else limit_w)

    def truth(self) -> dict[str, float]:
        return {
            "active_power_w": self.power_w,
            "reactive_power_var": self.reactive_var,
            "available_power_w": self.available_w,
            "energy_wh": self.energy_wh,
        }

    def restore(self, channel: str, value: float) -> None:
        if channel == "energy_wh":
            self.energy_wh = value

    @property
    def ratings(self) -> tuple[float, float]:
        return self._peak_w, 0.0
