"""A battery system: converter losses, standby, limits that taper at both ends, first-order response, watchdog, heat.

Losses of the converter while it runs: rated * (constant + linear * p + quadratic * p**2) with p = |power| / rated,
the form of Schmidt and Sauer (1996, "Praxisgerechte Modellierung und Abschätzung von Wechselrichter-Wirkungsgraden",
Sonnenenergie 4). So efficiency falls at part load. Standby power is taken from the cells at all times. A hybrid has PV
on the side of the cells: what its terminals give is PV and cells together, less the losses.
"""

from __future__ import annotations

import math
from typing import Final

from simems_edge.config import SimulatedDevice
from simems_edge.sim.cells import CellStack
from simems_edge.sim.setpoint import Setpoint
from simems_edge.sim.thermal import Warmth

WATCHDOG_S: Final = 10.0
"""Without a command for this long the battery goes to 0 W by itself, unless its settings say otherwise."""
TIME_CONSTANT_S: Final = 0.3
_TAPER_PCT: Final = 5.0
"""Limits fall linearly to 0 over the last 5 % of charge at each end."""
OWN_LOOP_S: Final = 2.0
"""Time constant of a control loop of its own."""
_OFF_W: Final = 1.0
"""Below this the converter stops."""
ROOM_DEGC: Final = 25.0


class Battery:
    """Power at its terminals in W, discharge > 0; energy in its cells in Wh."""

    def __init__(self, settings: SimulatedDevice) -> None:
        self.settings = settings
        self.capacity_wh = settings.capacity_wh
        self.energy_wh = settings.capacity_wh * settings.initial_soc_pct / 100.0
        self.power_w = 0.0
        self.charged_wh = 0.0
        self.discharged_wh = 0.0
        """Through the terminals since the beginning."""
        self.cell_power_w = 0.0
        """What left the cells in the last step, losses and standby included."""
        self.pv_available_w = 0.0
        self.pv_w = 0.0
        """Of a hybrid: what the sun offers its own side, and what it took of it."""
        self.ambient_degc = ROOM_DEGC if settings.thermal is None else settings.thermal.ambient_degc
        self.cells = None if settings.cells is None else CellStack(settings.cells, settings.initial_soc_pct / 100.0)
        self.warmth = None if settings.thermal is None else Warmth(settings.thermal)
        if self.cells is not None and self.warmth is not None:
            self.cells.temperature_degc = self.warmth.mean_degc
        self.rated_w = max(settings.max_charge_w, settings.max_discharge_w)
        self.setpoint = Setpoint(
            watchdog_s=settings.watchdog_s, dead_time_s=settings.dead_time_s, deadband=settings.deadband_w
        )
        self._constant_s = TIME_CONSTANT_S if settings.time_constant_s is None else settings.time_constant_s
        self._share = (-1.0, 0.0)
        mistakes = settings.mistakes
        self._true_share = 1.0 if mistakes is None else mistakes.true_share
        self._own_loop = None if mistakes is None else mistakes.own_loop
        self._own_w = 0.0

    @property
    def soc_pct(self) -> float:
        return 100.0 * self.energy_wh / self.capacity_wh

    @property
    def max_charge_w(self) -> float:
        room = (100.0 - self.soc_pct) / _TAPER_PCT
        limit_w = self.settings.max_charge_w * (1.0 if room > 1.0 else room)
        return limit_w if self.warmth is None else limit_w * self.warmth.charge_share

    @property
    def max_discharge_w(self) -> float:
        """What the cells may give, and of a hybrid what the sun adds."""
        left = self.soc_pct / _TAPER_PCT
        limit_w = self.settings.max_discharge_w * (1.0 if left > 1.0 else left)
        if self.warmth is not None:
            limit_w *= self.warmth.discharge_share
        return limit_w if self.settings.hybrid is None else min(limit_w + self.pv_available_w, self.rated_w)

    @property
    def running(self) -> bool:
        return abs(self.power_w) >= _OFF_W

    @property
    def commanded(self) -> bool:
        """A command came within the watchdog's time."""
        return self.setpoint.alive

    def command(self, power_w: float) -> None:
        """Follow this power from now on. Raises ValueError unless it is finite."""
        self.setpoint.write(power_w)

    def release(self) -> None:
        """The command was withdrawn."""
        self.setpoint.release()

    def loss_w(self, power_w: float) -> float:
        """Converter loss at this terminal power."""
        if abs(power_w) < _OFF_W:
            return 0.0
        share = abs(power_w) / self.rated_w
        settings = self.settings
        return self.rated_w * (
            settings.loss_constant + settings.loss_linear * share + settings.loss_quadratic * share * share
        )

    def step(self, dt_s: float) -> None:
        """Follow the setpoint."""
        self.move(self.followed_w(dt_s), dt_s)

    def followed_w(self, dt_s: float) -> float:
        """Power at the end of this step on the way to the setpoint, inside the limits."""
        target_w = self._target_w()
        self.setpoint.step(dt_s)
        moved_w = (target_w - self.power_w) * self.response(dt_s)
        if self.settings.ramp_w_per_s is not None:
            most_w = self.settings.ramp_w_per_s * dt_s
            moved_w = min(max(moved_w, -most_w), most_w)
        share = self._true_share
        power_w = min(max(self.power_w + moved_w, -share * self.max_charge_w), share * self.max_discharge_w)
        return 0.0 if abs(power_w) < _OFF_W else power_w

    def regulate(self, grid_w: float, dt_s: float) -> None:
        """Its own control loop, where one is on: ``grid_w`` as its own transformer at the connection sees it."""
        if self._own_loop == "self_consumption":
            most_w = self.rated_w
            moved_w = self._own_w + grid_w * (1.0 - math.exp(-dt_s / OWN_LOOP_S))
            self._own_w = min(max(moved_w, -most_w), most_w)
        elif self._own_loop == "zero_export":
            self._own_w = max(self.power_w + grid_w, 0.0)

    def _target_w(self) -> float:
        wanted_w = self._asked_w()
        if self._own_loop == "self_consumption":
            return self._own_w
        return min(wanted_w, self._own_w) if self._own_loop == "zero_export" else wanted_w

    def _asked_w(self) -> float:
        wanted_w = self.setpoint.value
        if wanted_w is None:
            return self.pv_available_w
        return 0.0 if abs(wanted_w) < self.settings.minimum_power_w else wanted_w * self.settings.gain

    def response(self, dt_s: float) -> float:
        """Share of the way to the target in this step (exact solution of the first-order response)."""
        if self._share[0] != dt_s:
            constant_s = self._constant_s
            self._share = (dt_s, 1.0 if constant_s <= 0.0 else 1.0 - math.exp(-dt_s / constant_s))
        return self._share[1]

    def move(self, power_w: float, dt_s: float) -> None:
        """Give this power for the step; ``power_w`` afterwards is what it could give."""
        converter_w = self.loss_w(power_w)
        needed_w = power_w + converter_w + self.settings.standby_loss_w
        self.pv_w = min(self.pv_available_w, max(needed_w + self.max_charge_w, 0.0))
        cell_w = needed_w - self.pv_w
        energy_wh = self.energy_wh - self._leaves_wh(cell_w, dt_s)
        if not 0.0 <= energy_wh <= self.capacity_wh:
            # The cells cannot give or take that much: the converter stops; at 0 even standby finds nothing.
            power_w = converter_w = self.pv_w = 0.0
            cell_w = min(self.settings.standby_loss_w, self.energy_wh * 3600.0 / dt_s)
            energy_wh = min(max(self.energy_wh - self._leaves_wh(cell_w, dt_s), 0.0), self.capacity_wh)
        self.power_w, self.cell_power_w, self.energy_wh = power_w, cell_w, energy_wh
        self._warm(converter_w, dt_s)
        if power_w > 0.0:
            self.discharged_wh += power_w * dt_s / 3600.0
        else:
            self.charged_wh -= power_w * dt_s / 3600.0

    def _leaves_wh(self, cell_w: float, dt_s: float) -> float:
        """With cells the content is counted in charge: what they lose inside is not given back."""
        if self.cells is None or dt_s <= 0.0:
            return cell_w * dt_s / 3600.0
        return self.cells.draw(cell_w, self.energy_wh / self.capacity_wh, dt_s) * self.capacity_wh

    def _warm(self, converter_w: float, dt_s: float) -> None:
        if self.warmth is None:
            return
        self.warmth.step(converter_w + self.settings.standby_loss_w, self.ambient_degc, dt_s)
        if self.cells is not None:
            self.cells.temperature_degc = self.warmth.mean_degc

    @property
    def shown_soc_pct(self) -> float:
        """What the battery says of itself."""
        error_pct = 0.0 if self.cells is None else self.cells.settings.soc_error_pct
        return min(max(self.soc_pct + error_pct, 0.0), 100.0)

    @property
    def temperatures_degc(self) -> tuple[float, float]:
        """Coldest and hottest cell."""
        if self.warmth is not None:
            return self.warmth.coldest_degc, self.warmth.hottest_degc
        degc = ROOM_DEGC if self.cells is None else self.cells.temperature_degc
        return degc, degc

    def cell_readings(self) -> dict[str, float]:
        """Of the side of the cells; nothing without any."""
        if self.cells is None:
            return {}
        cold, hot = self.temperatures_degc
        volts = self.cells.cell_voltage_v
        return {
            "cell_temperature_min_degc": cold,
            "cell_temperature_max_degc": hot,
            "dc_voltage_v": self.cells.voltage_v,
            "dc_current_a": self.cells.current_a,
            "cell_voltage_min_v": volts,
            "cell_voltage_max_v": volts,
        }
