"""What all virtual devices share: their place on the bus, their samples, what they take as setpoints, their faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from simems_edge.config import SimulatedDevice
from simems_edge.sim.electrical import (
    ALL_PHASES,
    COMMON,
    Nothing,
    Reader,
    Sample,
    Shown,
    sample_of,
    shares_of,
    spread,
)
from simems_edge.sim.network import ZERO, Network
from simems_edge.sim.sampling import Sampler
from simems_edge.sim.setpoint import Setpoint


class PlantError(ValueError):
    """A site that cannot be simulated, or a command to something that does not take it."""


@dataclass(slots=True)
class World:
    """What surrounds the devices in this step."""

    zone: ZoneInfo
    time_s: float = 0.0
    utc_s: float = 0.0
    driven: dict[str, float] = field(default_factory=dict)
    """What a scenario sets, by address."""
    contacts: dict[str, bool] = field(default_factory=dict)
    """Of relays and breakers, by component."""

    def fed(self, relays: tuple[str, ...]) -> bool:
        """Whether all of these are on."""
        return all(self.contacts.get(name, True) for name in relays)

    def local(self) -> datetime:
        return datetime.fromtimestamp(self.utc_s, self.zone)


@dataclass(frozen=True, slots=True)
class Place:
    """Name, settings and randomness of one device."""

    name: str
    settings: SimulatedDevice
    random: Random
    phases: tuple[int, ...] = ALL_PHASES


class Device:
    """``power_w`` and ``reactive_var`` are injected into the bus (a load's are negative), ``power`` by phase."""

    kind = ""
    readers: Mapping[str, Reader] = COMMON
    injects = True
    """Sign of what it shows: sources show what they inject, the others what they take."""

    def __init__(self, place: Place) -> None:
        self.name = place.name
        self.settings = place.settings
        self.sampler = Sampler(place.settings, place.random)
        self.phases = place.phases
        self.shares = shares_of(place.phases)
        self.setpoints: dict[str, Setpoint] = {}
        self.power_w = 0.0
        self.reactive_var = 0.0
        self.power = ZERO
        self.reactive = ZERO
        self.faulted = False
        self.silent = False
        self._read_s = -1.0

    # ---- physics

    def act(self, bus: Network, world: World, dt_s: float) -> None:
        """One step on a live bus."""

    def stop(self, world: World, dt_s: float) -> None:
        """One step on a dead bus: no power."""
        self._inject(0.0, 0.0)

    def account(self, dt_s: float) -> None:
        """After the bus was solved: energies."""

    def _inject(self, power_w: float, reactive_var: float) -> None:
        self.power_w, self.reactive_var = power_w, reactive_var
        shares = self.shares
        self.power = spread(power_w, shares)
        self.reactive = spread(reactive_var, shares) if reactive_var else ZERO

    # ---- the EMS' side

    def setpoint(self, channel: str) -> Setpoint:
        """Raises PlantError when it takes none of this name."""
        try:
            return self.setpoints[channel]
        except KeyError:
            raise PlantError(f"{self.name}/{channel} is not a setpoint of this plant") from None

    def measure(self, bus: Network, world: World) -> None:
        """Take a sample when one is due; who shows what is true at the moment takes it when read."""
        sampler = self.sampler
        if not sampler.immediate and sampler.due(world.time_s):
            sampler.sample(world.time_s, self._sample(bus))

    def _sample(self, bus: Network) -> Sample:
        return (*self._common(bus), *self._own())

    def _common(self, bus: Network) -> Sample:
        sign = 1.0 if self.injects else -1.0
        power_w, own = sign * self.power_w, self.shares
        shown_w = self.sampler.noisy(power_w) if self.measures_now() else power_w
        power = spread(shown_w, own) if self.power == spread(self.power_w, own) else _signed(self.power, sign)
        return sample_of(shown_w, power, _signed(self.reactive, sign), bus.voltage_v, bus.frequency_hz)

    def measures_now(self) -> bool:
        """Whether its power readings carry noise (a device at rest shows 0)."""
        return self.power_w != 0.0

    def _own(self) -> Sample:
        """Values of this kind behind the common ones, in the order of its readers."""
        return ()

    def shown(self, bus: Network, world: World) -> tuple[float, Shown] | None:
        """Time and values that it shows now; None while it does not answer."""
        if self.silent:
            return None
        sampler, time_s = self.sampler, world.time_s
        if sampler.immediate and time_s != self._read_s:
            self._read_s = time_s
            sampler.sample(time_s, self._sample(bus))
        found = sampler.shown(time_s)
        if found is None:
            return None
        dropped = sampler.dropped(time_s)
        if dropped == "nothing":
            return None
        kind = Nothing if dropped == "nan" else Shown
        return found[0], kind(found[1], self.readers)

    # ---- the tester's side

    def truth(self) -> dict[str, float]:
        """Exact values by channel."""
        return {"active_power_w": self.power_w if self.injects else 0.0 - self.power_w}

    def restore(self, channel: str, value: float) -> None:
        """Take over an energy of an earlier plant; one that it has not is left out."""

    @property
    def ratings(self) -> tuple[float, float]:
        """(power in W, energy in Wh) that the plate says."""
        return 0.0, 0.0


def _signed(values: tuple[float, float, float], sign: float) -> tuple[float, float, float]:
    return sign * values[0], sign * values[1], sign * values[2]
