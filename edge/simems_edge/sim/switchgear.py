"""Relays, and the breaker between the connection and the site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simems_edge.config import SimulatedBreaker
from simems_edge.sim.device import Device, Place
from simems_edge.sim.electrical import OWN, Reader, Sample, value_at
from simems_edge.sim.network import Network
from simems_edge.sim.protection import HIGH_HZ, HIGH_VOLTAGE, LOW_HZ, LOW_VOLTAGE, TRIP_S
from simems_edge.sim.setpoint import Setpoint

LARGEST_SLIP_HZ: Final = 0.3
LARGEST_DIFFERENCE: Final = 0.1
LARGEST_ANGLE_DEG: Final = 20.0
"""What a sync-check relay lets pass (IEEE 1547-2018, 4.10.4, table 5, below 500 kVA)."""
RELAY_READERS: Final[Mapping[str, Reader]] = {"state": value_at(OWN)}
BREAKER_READERS: Final[Mapping[str, Reader]] = {"closed": value_at(OWN)}
SHOCK_DEG: Final = 60.0
"""Closing further apart than this trips whatever forms the island."""


class Relay(Device):
    """A contact. ``state``: on."""

    kind = "relay"
    readers = RELAY_READERS

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._state = Setpoint()
        self.setpoints = {"state": self._state}
        self.on = place.settings.initially_on
        self.switched = 0

    def operate(self, dt_s: float) -> bool:
        """Its contact in this step; a faulted one sticks."""
        self._state.step(dt_s)
        wanted = self._state.value
        if wanted is not None and not self.faulted and self.on != (wanted != 0.0):
            self.on = wanted != 0.0
            self.switched += 1
        return self.on

    def _own(self) -> Sample:
        return (float(self.on),)

    def truth(self) -> dict[str, float]:
        return {"state": float(self.on), "switched": float(self.switched)}


class Breaker(Device):
    """``closed``: its contact. It moves some time after its order; with a sync-check only when that agrees."""

    kind = "breaker"
    readers = BREAKER_READERS

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.breaker = place.settings.breaker or SimulatedBreaker()
        self._order = Setpoint()
        self.setpoints = {"closed": self._order}
        self.closed = self.breaker.closed
        self._moving_s = 0.0
        self._wrong_s = 0.0
        self.shock_deg = 0.0
        """The angle over which it closed in this step; 0: it did not close, or in step."""
        self.shocks = 0

    def operate(self, bus: Network, dt_s: float) -> bool:
        """Its contact in this step; a faulted one sticks."""
        self._order.step(dt_s)
        self.shock_deg = 0.0
        wanted = self._wanted(bus, dt_s)
        if wanted == self.closed or self.faulted:
            self._moving_s = 0.0
            return self.closed
        self._moving_s += dt_s
        if self._moving_s >= self.breaker.operate_s - 1e-9 and (not wanted or self._may_close(bus)):
            self._move(wanted, bus)
        return self.closed

    def _move(self, closed: bool, bus: Network) -> None:
        self.closed, self._moving_s = closed, 0.0
        if closed and bus.live and bus.grid_present:
            self.shock_deg = abs(bus.angle_deg)
            self.shocks += self.shock_deg > SHOCK_DEG

    def _wanted(self, bus: Network, dt_s: float) -> bool:
        order = self._order.value
        closed = self.closed if order is None else order != 0.0
        if not self.breaker.automatic:
            return closed
        share = bus.grid_voltage_v / bus.nominal_v if bus.grid_present else 0.0
        right = LOW_VOLTAGE <= share <= HIGH_VOLTAGE and LOW_HZ <= bus.grid_frequency_hz <= HIGH_HZ
        self._wrong_s = 0.0 if right else self._wrong_s + dt_s
        if self._wrong_s > TRIP_S:
            self._order.release()
            return False
        return closed

    def _may_close(self, bus: Network) -> bool:
        if not self.breaker.sync_check or not bus.live:
            return True
        if not bus.grid_present:
            return False
        slip_hz = abs(bus.frequency_hz - bus.grid_frequency_hz)
        difference = abs(bus.voltage_v[0] - bus.grid_voltage_v) / bus.nominal_v
        return (
            slip_hz <= LARGEST_SLIP_HZ and difference <= LARGEST_DIFFERENCE and abs(bus.angle_deg) <= LARGEST_ANGLE_DEG
        )

    def _own(self) -> Sample:
        return (float(self.closed),)

    def truth(self) -> dict[str, float]:
        return {"closed": float(self.closed), "shocks": float(self.shocks)}
