"""A battery system: converter losses, standby, limits that taper at both ends, first-order response, watchdog.

Losses of the converter while it runs: rated * (constant + linear * p + quadratic * p**2) with p = |power| / rated,
the form of Schmidt and Sauer (1996, "Praxisgerechte Modellierung und Abschätzung von Wechselrichter-Wirkungsgraden",
Sonnenenergie 4). So efficiency falls at part load. Standby power is taken from the cells at all times.
"""

from __future__ import annotations

import math
from typing import Final

from simems_edge.config import SimulatedDevice
from simems_edge.sim.cells import CellStack

WATCHDOG_S: Final = 10.0
"""Without a command for this long the battery goes to 0 W by itself."""
_TAPER_PCT: Final = 5.0
"""Limits fall linearly to 0 over the last 5 % of charge at each end."""
_OFF_W: Final = 1.0
"""Below this the converter stops."""


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
        self.cells = None if settings.cells is None else CellStack(settings.cells, settings.initial_soc_pct / 100.0)
        self._rated_w = max(settings.max_charge_w, settings.max_discharge_w)
        self._command_w = 0.0
        self._command_age_s = math.inf
        self._share = (-1.0, 0.0)

    @property
    def soc_pct(self) -> float:
        return 100.0 * self.energy_wh / self.capacity_wh

    @property
    def max_charge_w(self) -> float:
        room = (100.0 - self.soc_pct) / _TAPER_PCT
        return self.settings.max_charge_w * (1.0 if room > 1.0 else room)

    @property
    def max_discharge_w(self) -> float:
        left = self.soc_pct / _TAPER_PCT
        return self.settings.max_discharge_w * (1.0 if left > 1.0 else left)

    @property
    def running(self) -> bool:
        return abs(self.power_w) >= _OFF_W

    @property
    def commanded(self) -> bool:
        """A command came within the watchdog's time."""
        return self._command_age_s <= WATCHDOG_S

    def command(self, power_w: float) -> None:
        """Follow this power from now on. Raises ValueError unless it is finite."""
        if not math.isfinite(power_w):
            raise ValueError(f"a battery cannot follow {power_w} W")
        self._command_w = power_w
        self._command_age_s = 0.0

    def release(self) -> None:
        """The command was withdrawn."""
        self._command_age_s = math.inf

    def loss_w(self, power_w: float) -> float:
        """Converter loss at this terminal power."""
        if abs(power_w) < _OFF_W:
            return 0.0
        share = abs(power_w) / self._rated_w
        settings = self.settings
        return self._rated_w * (
            settings.loss_constant + settings.loss_linear * share + settings.loss_quadratic * share * share
        )

    def step(self, dt_s: float) -> None:
        target_w = self._target_w()
        self._command_age_s += dt_s
        power_w = self.power_w + (target_w - self.power_w) * self._response(dt_s)
        power_w = min(max(power_w, -self.max_charge_w), self.max_discharge_w)
        if abs(power_w) < _OFF_W:
            power_w = 0.0
        self._move(power_w, dt_s)

    def _target_w(self) -> float:
        if self._command_age_s > WATCHDOG_S or abs(self._command_w) < self.settings.minimum_power_w:
            return 0.0
        return self._command_w

    def _response(self, dt_s: float) -> float:
        """Share of the way to the target in this step (exact solution of the first-order response)."""
        if self._share[0] != dt_s:
            constant_s = self.settings.time_constant_s
            self._share = (dt_s, 1.0 if constant_s <= 0.0 else 1.0 - math.exp(-dt_s / constant_s))
        return self._share[1]

    def _move(self, power_w: float, dt_s: float) -> None:
        cell_w = power_w + self.loss_w(power_w) + self.settings.standby_loss_w
        energy_wh = self.energy_wh - self._leaves_wh(cell_w, dt_s)
        if not 0.0 <= energy_wh <= self.capacity_wh:
            # The cells cannot give or take that much: the converter stops; at 0 even standby finds nothing.
            power_w = 0.0
            cell_w = min(self.settings.standby_loss_w, self.energy_wh * 3600.0 / dt_s)
            energy_wh = min(max(self.energy_wh - self._leaves_wh(cell_w, dt_s), 0.0), self.capacity_wh)
        self.power_w, self.cell_power_w, self.energy_wh = power_w, cell_w, energy_wh
        if power_w > 0.0:
            self.discharged_wh += power_w * dt_s / 3600.0
        else:
            self.charged_wh -= power_w * dt_s / 3600.0

    def _leaves_wh(self, cell_w: float, dt_s: float) -> float:
        """With cells the content is counted in charge: what they lose inside is not given back."""
        if self.cells is None or dt_s <= 0.0:
            return cell_w * dt_s / 3600.0
        return self.cells.draw(cell_w, self.energy_wh / self.capacity_wh, dt_s) * self.capacity_wh

    @property
    def shown_soc_pct(self) -> float:
        """What the battery says of itself."""
        error_pct = 0.0 if self.cells is None else self.cells.settings.soc_error_pct
        return min(max(self.soc_pct + error_pct, 0.0), 100.0)

    def cell_readings(self) -> dict[str, float]:
        """Of the side of the cells; nothing without any."""
        if self.cells is None:
            return {}
        volts, degc = self.cells.cell_voltage_v, self.cells.temperature_degc
        return {
            "dc_voltage_v": self.cells.voltage_v,
            "dc_current_a": self.cells.current_a,
            "cell_voltage_min_v": volts,
            "cell_voltage_max_v": volts,
            "cell_temperature_min_degc": degc,
            "cell_temperature_max_degc": degc,
        }
