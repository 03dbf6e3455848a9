"""A charging point and the cars that come to it (IEC 61851-1 mode 3).

Status as OCPP 1.6 names it. The car follows a new current after a while; below 6 A it is paused; it takes what its own
charger takes (phases, current), less above 80 % of what it wants, and stops when it has its energy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from simems_edge.config import SimulatedCharger, SimulatedSession
from simems_edge.sim.device import Device, Place, World
from simems_edge.sim.electrical import COMMON, Reader, Sample, own_values, shares_of
from simems_edge.sim.network import Network
from simems_edge.sim.setpoint import Setpoint

LEAST_A: Final = 6.0
TAPER_FROM: Final = 0.8
"""Above this share of its request a car takes less, down to a third."""
AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, FAULTED = 1.0, 2.0, 3.0, 4.0, 5.0, 9.0
_NAMES: Final = (
    "phases", "status", "session_energy_wh", "energy_request_wh", "departure_time", "current_limit_a",
    "vehicle_soc_pct",
)  # fmt: skip
READERS: Final[Mapping[str, Reader]] = {**COMMON, **own_values(*_NAMES)}


@dataclass
class Vehicle:
    """A car that is plugged in."""

    energy_wh: float
    """It wants this."""
    departs_utc_s: float
    phases: int = 3
    max_current_a: float = 32.0
    taken_wh: float = 0.0

    @property
    def wish_a(self) -> float:
        """What its own charger takes now."""
        share = self.taken_wh / self.energy_wh
        if share >= 1.0:
            return 0.0
        return self.max_current_a * min(1.0, 1.0 - (share - TAPER_FROM) / (1.0 - TAPER_FROM) * 0.667)


class Charger(Device):
    kind = "evcs"
    injects = False
    readers = READERS

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._charger = place.settings.charger or SimulatedCharger()
        self._limit = Setpoint(watchdog_s=place.settings.watchdog_s)
        self._phases = Setpoint()
        self.setpoints = {"current_limit_a": self._limit, "phases": self._phases}
        self.vehicle: Vehicle | None = None
        self._came: set[tuple[SimulatedSession, int]] = set()
        self._signalled_a = self._charger.default_current_a
        self._waits_s = 0.0
        self.current_a = 0.0
        """Of each phase that the car uses."""
        self.energy_wh = 0.0

    # ---- cars

    def arrive(self, vehicle: Vehicle) -> None:
        """A car is plugged in; one that is there leaves."""
        self.vehicle = vehicle
        self._waits_s = self._charger.response_s

    def depart(self) -> None:
        self.vehicle = None

    def _traffic(self, world: World) -> None:
        if self.vehicle is not None and world.utc_s >= self.vehicle.departs_utc_s:
            self.depart()
        if not self._charger.sessions:
            return
        local = world.local()
        for session in self._charger.sessions:
            key = (session, local.toordinal())
            if key not in self._came and _inside(session, local):
                self._came = {entry for entry in self._came if entry[1] >= local.toordinal() - 1} | {key}
                departs = world.utc_s + _seconds_until(session.depart, local)
                self.arrive(Vehicle(session.energy_wh, departs, session.phases, session.max_current_a))

    # ---- physics

    def act(self, bus: Network, world: World, dt_s: float) -> None:
        self._limit.step(dt_s)
        self._phases.step(dt_s)
        self._traffic(world)
        vehicle = self.vehicle
        if vehicle is None or self.faulted or not world.fed(self.settings.relays):
            self._draw(0.0, 1)
            return
        self._signal(dt_s)
        phases = self._used_phases(vehicle)
        allowed_a = 0.0 if self._signalled_a < LEAST_A else self._signalled_a
        wish_a = vehicle.wish_a
        self._draw(min(allowed_a, wish_a), phases)
        vehicle.taken_wh -= self.power_w * dt_s / 3600.0

    def stop(self, world: World, dt_s: float) -> None:
        self._limit.step(dt_s)
        self._traffic(world)
        self._waits_s, self._signalled_a = self._charger.response_s, 0.0
        self._draw(0.0, 1)

    @property
    def limit_a(self) -> float:
        """What the charging point allows now."""
        value = self._limit.value
        return self._charger.default_current_a if value is None else max(value, 0.0)

    def _signal(self, dt_s: float) -> None:
        """Less current is obeyed as late as more: the car measures the pilot signal first."""
        if self.limit_a == self._signalled_a:
            self._waits_s = self._charger.response_s
            return
        self._waits_s -= dt_s
        if self._waits_s <= 1e-9:
            self._signalled_a, self._waits_s = self.limit_a, self._charger.response_s

    def _used_phases(self, vehicle: Vehicle) -> int:
        offered = int(self._phases.value or len(self.phases))
        return max(min(vehicle.phases, offered, len(self.phases)), 1)

    def _draw(self, current_a: float, phases: int) -> None:
        self.current_a = current_a
        self.shares = shares_of(self.phases[:phases])
        self._inject(0.0 - phases * current_a * self._charger.voltage_v, 0.0)

    def account(self, dt_s: float) -> None:
        self.energy_wh -= self.power_w * dt_s / 3600.0

    # ---- what it shows

    @property
    def status(self) -> float:
        if self.faulted:
            return FAULTED
        if self.vehicle is None:
            return AVAILABLE
        if self.current_a > 0.0:
            return CHARGING
        if self.vehicle.wish_a <= 0.0:
            return SUSPENDED_EV
        return SUSPENDED_EVSE if self._signalled_a < LEAST_A else PREPARING

    def _own(self) -> Sample:
        vehicle = self.vehicle
        taken, asked, departs = (
            (0.0, 0.0, 0.0) if vehicle is None else (vehicle.taken_wh, vehicle.energy_wh, vehicle.departs_utc_s)
        )
        phases = 0.0 if vehicle is None else float(self._used_phases(vehicle))
        soc_pct = float("nan") if vehicle is None else min(100.0 * taken / asked, 100.0)
        return (phases, self.status, taken, max(asked - taken, 0.0), departs, self.limit_a, soc_pct)

    def truth(self) -> dict[str, float]:
        return {"active_power_w": 0.0 - self.power_w, "current_a": self.current_a, "energy_wh": self.energy_wh}

    def restore(self, channel: str, value: float) -> None:
        if channel == "energy_wh":
            self.energy_wh = value


def _inside(session: SimulatedSession, local: datetime) -> bool:
    now = f"{local:%H:%M}"
    if session.arrive <= session.depart:
        return session.arrive <= now < session.depart
    return now >= session.arrive


def _seconds_until(wall_time: str, local: datetime) -> float:
    """To the next time that the clock on the wall shows this."""
    hour, minute = map(int, wall_time.split(":"))
    then = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if then <= local:
        then = (then + timedelta(days=1)).replace(hour=hour, minute=minute)
    return then.timestamp() - local.timestamp()
