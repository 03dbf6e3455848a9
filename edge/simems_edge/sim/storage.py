"""A battery on the bus: follows its setpoint while connected to a live one, or forms an island."""

from __future__ import annotations

import math
from typing import Final

from simems_edge.config import SimulatedForming
from simems_edge.sim.battery import Battery
from simems_edge.sim.device import Device, Place, World
from simems_edge.sim.electrical import COMMON, FAULTY, RUNNING, STANDBY, Reader, Sample, Three, own_values
from simems_edge.sim.network import Network
from simems_edge.sim.protection import InterfaceProtection
from simems_edge.sim.setpoint import Setpoint

FORMING_MODE: Final = 1.0
"""Value of ``operating_mode``: form the island. 0: follow the grid."""
_NAMES: Final = (
    "soc_pct", "max_charge_power_w", "max_discharge_power_w", "max_apparent_power_va", "capacity_wh",
    "charge_energy_wh", "discharge_energy_wh", "operating_state", "grid_forming", "operating_mode", "dc_power_w",
    "dc_pv_power_w", "temperature_degc",
)  # fmt: skip
_CELL_NAMES: Final = ("cell_temperature_min_degc", "cell_temperature_max_degc")
_STACK_NAMES: Final = ("dc_voltage_v", "dc_current_a", "cell_voltage_min_v", "cell_voltage_max_v")


class Storage(Device):
    kind = "ess"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        settings = place.settings
        self.battery = Battery(settings)
        self._mode = Setpoint()
        self._heartbeat = Setpoint()
        self._reactive = Setpoint(watchdog_s=settings.watchdog_s, dead_time_s=settings.dead_time_s)
        self.setpoints = {
            "active_power_w": self.battery.setpoint,
            "reactive_power_var": self._reactive,
            "operating_mode": self._mode,
            "heartbeat": self._heartbeat,
        }
        self.rating_va = settings.rating_va or self.battery.rated_w
        self.readers = _readers(self.battery)
        self.protection = InterfaceProtection(settings.reconnect_s)
        self.forms = False
        """It makes the voltage of the bus now."""
        self._starting_s = 0.0

    # ---- following

    def act(self, bus: Network, world: World, dt_s: float) -> None:
        self.forms, self._starting_s = False, 0.0
        self._surround(world)
        if self.faulted or not self.protection.step(bus, dt_s):
            self._rest(dt_s)
            return
        self.battery.regulate(sum(bus.grid_power), dt_s)
        self.battery.step(dt_s)
        self._inject(self.battery.power_w, self._followed_var(dt_s))

    def stop(self, world: World, dt_s: float) -> None:
        self.forms = False
        self.protection.connected = False
        self._surround(world)
        self._rest(dt_s)

    def _rest(self, dt_s: float) -> None:
        self.battery.setpoint.step(dt_s)
        self._reactive.step(dt_s)
        self.battery.pv_available_w = 0.0
        self.battery.move(0.0, dt_s)
        self._inject(0.0, 0.0)

    def _surround(self, world: World) -> None:
        driven = world.driven
        if driven:
            battery = self.battery
            battery.ambient_degc = driven.get(f"{self.name}/ambient_degc", battery.ambient_degc)

    def _followed_var(self, dt_s: float) -> float:
        self._reactive.step(dt_s)
        wanted = self._reactive.value
        if wanted is None and self.reactive_var == 0.0:
            return 0.0
        moved = self.reactive_var + ((wanted or 0.0) - self.reactive_var) * self.battery.response(dt_s)
        most = math.sqrt(max(self.rating_va**2 - self.battery.power_w**2, 0.0))
        return min(max(moved, -most), most)

    # ---- forming

    @property
    def forming(self) -> SimulatedForming:
        return self.settings.forming or SimulatedForming()

    @property
    def rated_w(self) -> float:
        return self.battery.rated_w

    @property
    def wanted_w(self) -> float:
        return self.battery.setpoint.value or 0.0

    @property
    def limits_w(self) -> tuple[float, float]:
        return self.battery.max_charge_w, self.battery.max_discharge_w

    def ready(self, bus: Network, dt_s: float) -> bool:
        """Whether it feeds a bus that stands apart in this step; from black it takes its time to start."""
        settings = self.settings.forming
        if settings is None or self.faulted or self.battery.energy_wh <= 0.0:
            self._starting_s = 0.0
            return False
        if not settings.automatic and self._mode.value != FORMING_MODE:
            self._starting_s = 0.0
            return False
        if bus.live:
            return True
        self._starting_s += dt_s
        return self._starting_s > settings.start_s

    def form(self, world: World, power: Three, reactive: Three, dt_s: float) -> bool:
        """Gives these powers, phase by phase; False: it could not, and stops."""
        self._surround(world)
        wanted_w = power[0] + power[1] + power[2]
        self.battery.setpoint.step(dt_s)
        self._reactive.step(dt_s)
        self.battery.move(wanted_w, dt_s)
        if self.battery.power_w != wanted_w:
            self.trip()
            return False
        self.forms, self.protection.connected = True, True
        self.power_w, self.reactive_var = wanted_w, reactive[0] + reactive[1] + reactive[2]
        self.power, self.reactive = power, reactive
        return True

    def trip(self) -> None:
        """It forms again only when ordered anew (or, automatic, after its start time)."""
        self.forms, self._starting_s = False, 0.0
        self._mode.release()

    # ---- what it shows

    def measures_now(self) -> bool:
        return self.battery.running

    def _own(self) -> Sample:
        battery = self.battery
        state = FAULTY if self.faulted else RUNNING if battery.running or self.forms else STANDBY
        cold, hot = battery.temperatures_degc
        charge_w, discharge_w = (0.0, 0.0) if self.faulted else (battery.max_charge_w, battery.max_discharge_w)
        values = (
            battery.shown_soc_pct, charge_w, discharge_w, self.rating_va, battery.capacity_wh, battery.charged_wh,
            battery.discharged_wh, state, float(self.forms), self._mode.value or 0.0,
            battery.cell_power_w, battery.pv_w, (cold + hot) / 2.0, cold, hot,
        )  # fmt: skip
        return (*values, *list(battery.cell_readings().values())[len(_CELL_NAMES) :])

    def truth(self) -> dict[str, float]:
        battery = self.battery
        truth = {
            "active_power_w": self.power_w,
            "reactive_power_var": self.reactive_var,
            "cell_power_w": battery.cell_power_w,
            "energy_wh": battery.energy_wh,
            "soc_pct": battery.soc_pct,
            "charge_energy_wh": battery.charged_wh,
            "discharge_energy_wh": battery.discharged_wh,
        }
        if self.settings.hybrid is not None:
            truth["dc_pv_power_w"] = battery.pv_w
        if battery.warmth is not None:
            truth["temperature_degc"] = battery.warmth.mean_degc
        if self.settings.forming is not None:
            truth["grid_forming"] = float(self.forms)
        return truth

    def restore(self, channel: str, value: float) -> None:
        battery = self.battery
        if channel == "energy_wh":
            battery.energy_wh = min(max(value, 0.0), battery.capacity_wh)
        elif channel == "charge_energy_wh":
            battery.charged_wh = value
        elif channel == "discharge_energy_wh":
            battery.discharged_wh = value

    @property
    def ratings(self) -> tuple[float, float]:
        return self.battery.rated_w, self.battery.capacity_wh


def _readers(battery: Battery) -> dict[str, Reader]:
    names = [*_NAMES, *_CELL_NAMES]
    if battery.cells is not None:
        names += _STACK_NAMES
    readers = {**COMMON, **own_values(*names), "soh_pct": lambda _sample: 100.0}
    if battery.cells is None and battery.warmth is None:
        readers = {name: reader for name, reader in readers.items() if name not in _CELL_NAMES}
    return readers
