"""The bus of the site: fed by the grid through an impedance, by batteries that form an island, or by nobody.

Connected: the frequency is the grid's; each phase's voltage U follows from the power that it takes through R + jX,
U^4 + (2 (R P + X Q) - U0^2) U^2 + (R^2 + X^2)(P^2 + Q^2) = 0 (the power-flow equation of one line). Island: voltage and
frequency are those of the forming batteries (:mod:`simems_edge.sim.island`). Fed by nobody: all powers are 0 at once,
the voltage dies away with a residual frequency, and then there is none.
"""

from __future__ import annotations

import math
from typing import Final

from simems_edge.config import SimulatedGrid
from simems_edge.sim.electrical import Three

ZERO: Final[Three] = (0.0, 0.0, 0.0)
DEAD_SHARE: Final = 0.02
"""Below this share of the grid's voltage there is none."""
RESIDUAL_HZ_PER_S: Final = 8.0
"""How fast the frequency of a dying bus falls (motors running out)."""


class Network:
    """What devices see of the bus: ``live``, ``voltage_v`` of each phase, ``frequency_hz``."""

    def __init__(self, settings: SimulatedGrid) -> None:
        self._settings = settings
        self._impedance = complex(settings.resistance_ohm, settings.reactance_ohm)
        self._quiet = False
        self.grid_present = True
        self.grid_voltage_v = settings.voltage_v
        self.grid_frequency_hz = settings.frequency_hz
        self.connected = True
        """It hangs on a grid that is there."""
        self.closed = True
        """The breaker is."""
        self.live = True
        self.voltage_v: Three = (settings.voltage_v,) * 3
        self.frequency_hz = settings.frequency_hz
        self.angle_deg = 0.0
        """Of the bus against the grid, -180..180."""
        self.grid_power: Three = ZERO
        """Import of each phase, W."""
        self.grid_reactive: Three = ZERO

    @property
    def nominal_v(self) -> float:
        return self._settings.voltage_v

    @property
    def nominal_hz(self) -> float:
        return self._settings.frequency_hz

    def drive(self, driven: dict[str, float]) -> None:
        """The grid as the scenario has it in this step."""
        settings = self._settings
        self._quiet = not driven and self._impedance == 0
        if not driven:
            self.grid_present = True
            self.grid_voltage_v, self.grid_frequency_hz = settings.voltage_v, settings.frequency_hz
            return
        self.grid_voltage_v = max(driven.get("grid/voltage_v", settings.voltage_v), 0.0)
        self.grid_frequency_hz = max(driven.get("grid/frequency_hz", settings.frequency_hz), 0.0)
        present = driven.get("grid/present", 1.0) != 0.0
        self.grid_present = present and self.grid_voltage_v >= DEAD_SHARE * settings.voltage_v

    def connect(self) -> None:
        """The bus hangs on the grid in this step."""
        if not self.connected or not self.live:
            self.voltage_v = (self.grid_voltage_v,) * 3
        self.connected = self.live = True
        self.frequency_hz = self.grid_frequency_hz
        self.angle_deg = 0.0

    def draw(self, power: Three, reactive: Three) -> None:
        """What the site takes from the grid, and the voltage that it leaves."""
        self.grid_power, self.grid_reactive = power, reactive
        if self._impedance == 0:
            self.voltage_v = (self.grid_voltage_v,) * 3
            return
        first, second, third = (self._voltage(p, q) for p, q in zip(power, reactive, strict=True))
        self.voltage_v = (first, second, third)

    def _voltage(self, power_w: float, reactive_var: float) -> float:
        """The upper solution; where there is none (more than the line can carry), the voltage of the nose point."""
        line = self._impedance
        middle = self.grid_voltage_v**2 / 2.0 - (line.real * power_w + line.imag * reactive_var)
        inside = middle * middle - abs(line) ** 2 * (power_w * power_w + reactive_var * reactive_var)
        return math.sqrt(max(middle + math.sqrt(max(inside, 0.0)), 0.0))

    @property
    def usual(self) -> bool:
        """Stiff and undisturbed: nobody needs to look closer."""
        return self._quiet and self.connected

    def part(self) -> None:
        """The bus stands apart from the grid in this step."""
        self.connected = False
        self.grid_power = self.grid_reactive = ZERO

    def turn(self, dt_s: float) -> None:
        """The angle against a grid of another frequency."""
        angle = self.angle_deg + 360.0 * (self.frequency_hz - self.grid_frequency_hz) * dt_s
        self.angle_deg = (angle + 180.0) % 360.0 - 180.0

    def feed(self, voltage_v: float, frequency_hz: float) -> None:
        """Somebody on the island makes this."""
        self.live = True
        self.voltage_v = (voltage_v, voltage_v, voltage_v)
        self.frequency_hz = frequency_hz

    def collapse(self, dt_s: float) -> None:
        """Nobody feeds the bus."""
        self.live = False
        constant_s = self._settings.collapse_s
        keep = math.exp(-dt_s / constant_s) if constant_s > 0.0 else 0.0
        first, second, third = (v * keep for v in self.voltage_v)
        if first < DEAD_SHARE * self._settings.voltage_v:
            self.voltage_v, self.frequency_hz, self.angle_deg = ZERO, 0.0, 0.0
            return
        self.voltage_v = (first, second, third)
        self.frequency_hz = max(self.frequency_hz - RESIDUAL_HZ_PER_S * dt_s, 0.0)
