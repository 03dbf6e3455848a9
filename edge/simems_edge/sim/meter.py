"""A meter at the connection, or of some components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from simems_edge.sim.device import Device, Place
from simems_edge.sim.electrical import COMMON, Reader, Sample, Three, own_values, sample_of
from simems_edge.sim.mistakes import miswired
from simems_edge.sim.network import ZERO, Network

_NAMES: Final = ("import_energy_wh", "export_energy_wh")
READERS: Final[Mapping[str, Reader]] = {**COMMON, **own_values(*_NAMES)}


class Meter(Device):
    kind = "meter"
    readers = READERS

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._of: Sequence[Device] = ()
        self._bus_side = place.settings.bus_side
        self.import_wh = 0.0
        self.export_wh = 0.0

    def watch(self, devices: Sequence[Device]) -> None:
        """It measures what these take, instead of the connection."""
        self._of, self._bus_side = devices, True

    def look(self, bus: Network, dt_s: float) -> None:
        """Once a step, after the bus was solved. Import is positive."""
        if self._of:
            self.power, self.reactive = ZERO, ZERO
            for device in self._of:
                self.power = _less(self.power, device.power)
                self.reactive = _less(self.reactive, device.reactive)
        else:
            self.power, self.reactive = bus.grid_power, bus.grid_reactive
        self.power_w = self.power[0] + self.power[1] + self.power[2]
        if self.power_w > 0.0:
            self.import_wh += self.power_w * dt_s / 3600.0
        else:
            self.export_wh -= self.power_w * dt_s / 3600.0

    def _sample(self, bus: Network) -> Sample:
        shown_w = self.sampler.noisy(self.power_w)
        noise_w = (shown_w - self.power_w) / 3.0
        power = self.power
        if noise_w:
            power = (power[0] + noise_w, power[1] + noise_w, power[2] + noise_w)
        voltage, frequency_hz = self._at(bus)
        common = sample_of(shown_w, power, self.reactive, voltage, frequency_hz)
        sample = (*common, self.import_wh, self.export_wh)
        return sample if self.settings.mistakes is None else miswired(sample, self.settings.mistakes)

    def _at(self, bus: Network) -> tuple[Three, float]:
        """In front of an open breaker stands the grid; behind a closed one everything is the bus."""
        if self._bus_side or bus.connected or bus.closed:
            return bus.voltage_v, bus.frequency_hz
        if not bus.grid_present:
            return ZERO, 0.0
        return (bus.grid_voltage_v,) * 3, bus.grid_frequency_hz

    def truth(self) -> dict[str, float]:
        return {
            "active_power_w": self.power_w,
            "import_energy_wh": self.import_wh,
            "export_energy_wh": self.export_wh,
        }

    def restore(self, channel: str, value: float) -> None:
        if channel == "import_energy_wh":
            self.import_wh = value
        elif channel == "export_energy_wh":
            self.export_wh = value


def _less(first: Three, second: Three) -> Three:
    return first[0] - second[0], first[1] - second[1], first[2] - second[2]
