"""When an inverter leaves the bus, and when it comes back: limits of EN 50549-1:2019, 4.9 and 4.10 (defaults)."""

from __future__ import annotations

from typing import Final

from simems_edge.sim.network import Network

LOW_VOLTAGE, HIGH_VOLTAGE = 0.8, 1.15
LOW_HZ, HIGH_HZ = 47.5, 51.5
TRIP_S: Final = 0.2
RETURN_LOW_VOLTAGE, RETURN_HIGH_VOLTAGE = 0.85, 1.10
RETURN_LOW_HZ, RETURN_HIGH_HZ = 47.5, 50.2


class InterfaceProtection:
    """Trips after 0.2 s outside the window, at once on a dead bus; comes back when all was right for long enough."""

    def __init__(self, reconnect_s: float) -> None:
        self._reconnect_s = reconnect_s
        self._wrong_s = 0.0
        self._right_s = 0.0
        self.connected = True

    def step(self, bus: Network, dt_s: float) -> bool:
        """Whether the inverter is connected in this step."""
        if self.connected:
            self._watch(bus, dt_s)
        else:
            self._wait(bus, dt_s)
        return self.connected

    def _watch(self, bus: Network, dt_s: float) -> None:
        wrong = not _inside(bus, LOW_VOLTAGE, HIGH_VOLTAGE, LOW_HZ, HIGH_HZ)
        self._wrong_s = self._wrong_s + dt_s if wrong else 0.0
        if not bus.live or self._wrong_s > TRIP_S:
            self.connected, self._wrong_s, self._right_s = False, 0.0, 0.0

    def _wait(self, bus: Network, dt_s: float) -> None:
        right = bus.live and _inside(bus, RETURN_LOW_VOLTAGE, RETURN_HIGH_VOLTAGE, RETURN_LOW_HZ, RETURN_HIGH_HZ)
        self._right_s = self._right_s + dt_s if right else 0.0
        self.connected = right and self._right_s >= self._reconnect_s


def _inside(bus: Network, low: float, high: float, low_hz: float, high_hz: float) -> bool:
    if bus.usual:
        return True
    low_v, high_v = low * bus.nominal_v, high * bus.nominal_v
    return low_hz <= bus.frequency_hz <= high_hz and low_v <= min(bus.voltage_v) and max(bus.voltage_v) <= high_v
