"""The plant as one object: step it, command it, read what its devices show, and know the truth.

Balance at each instant and on each phase: grid + pv + ess = load + evcs, sources positive. Deterministic: the same
site, start, seed and sequence of calls give the same values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from simems_edge.config import Simulation, Site
from simems_edge.sim import weather
from simems_edge.sim.addresses import drivable_addresses
from simems_edge.sim.base_load import BaseLoad
from simems_edge.sim.charger import Charger, Vehicle
from simems_edge.sim.device import Device, PlantError, World
from simems_edge.sim.electrical import Three
from simems_edge.sim.fleet import build_devices, hybrid_suns, random_of
from simems_edge.sim.island import Island, shares
from simems_edge.sim.meter import Meter
from simems_edge.sim.mistakes import Mistakes
from simems_edge.sim.network import ZERO, Network
from simems_edge.sim.photovoltaic import Photovoltaic
from simems_edge.sim.storage import Storage
from simems_edge.sim.switchgear import SHOCK_DEG, Breaker, Relay

__all__ = ["Plant", "PlantError", "Reading"]
_NANOSECONDS: Final = 1_000_000_000
ISLAND_STEP_S: Final = 0.1
"""Longest step while the bus stands apart from the grid or is about to."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device shows: its values by channel name and when, by its own clock, they were measured."""

    sample_time_s: float
    values: Mapping[str, float]


class Plant:
    """A site's devices and what stands behind them. Not thread-safe: one owner."""

    def __init__(self, site: Site, simulation: Simulation, start_utc: datetime, seed: int) -> None:
        if start_utc.tzinfo is None:
            raise PlantError("start_utc needs a time zone")
        zone = ZoneInfo(site.site.time_zone)
        self.start_s = start_utc.timestamp()
        """UTC second of its beginning."""
        self._time_ns = 0
        self.world = World(zone, utc_s=self.start_s)
        self.network = Network(simulation.grid)
        self._island = Island(self.network.nominal_v, self.network.nominal_hz)
        self._load = BaseLoad(simulation.load, zone, random_of(seed, "load"))
        self._sun: Callable[[float], float] = weather.no_power
        if simulation.pv is not None:
            self._sun = weather.pv(simulation.pv.profile, simulation.pv.peak_w, zone, random_of(seed, "pv")).power_w
        self._devices = build_devices(site, simulation, seed)
        self._hybrids = [(self._storage(name), sun) for name, sun in hybrid_suns(site, self._devices, seed).items()]
        self._mistakes = Mistakes({name: device.settings.mistakes for name, device in self._devices.items()})
        every = tuple(self._devices.values())
        self._sampled = tuple(device for device in every if not device.sampler.immediate)
        self._meters = tuple(device for device in every if isinstance(device, Meter))
        self._pvs = tuple(device for device in every if isinstance(device, Photovoltaic))
        self._relays = tuple(device for device in every if isinstance(device, Relay))
        self._breakers = tuple(device for device in every if isinstance(device, Breaker))
        self._storages = tuple(device for device in every if isinstance(device, Storage))
        self._able = tuple(device for device in self._storages if device.settings.forming is not None)
        self._others = tuple(device for device in every if device.kind in {"pv", "evcs", "load"})
        self._drivable = self.drivable()
        self.load_w = 0.0
        self.grid_w = 0.0
        self._move(0.0)

    @classmethod
    def from_site(cls, site: Site, *, start_utc: datetime, seed: int | None = None) -> Plant:
        """The plant behind ``site``. Without a ``simulation`` section: the supermarket load, no PV, default devices.

        Raises :class:`PlantError`, or ``ProfileNotFoundError`` for an unknown load or PV profile.
        """
        simulation = site.simulation or Simulation()
        return cls(site, simulation, start_utc, simulation.seed if seed is None else seed)

    # ---- time

    @property
    def time_s(self) -> float:
        return self.world.time_s

    @property
    def utc_s(self) -> float:
        """Seconds since 1970-01-01 UTC of the plant's present."""
        return self.world.utc_s

    def step(self, dt_s: float) -> None:
        """Move ``dt_s`` > 0 seconds on."""
        parts = 1
        if self._apart():
            parts = max(math.ceil(dt_s / ISLAND_STEP_S - 1e-9), 1)
        for _ in range(parts):
            self._time_ns += round(dt_s / parts * _NANOSECONDS)
            self.world.time_s = self._time_ns / _NANOSECONDS
            self.world.utc_s = self.start_s + self.world.time_s
            self._move(dt_s / parts)

    def settle(self) -> None:
        """Take over what was driven, without any time passing."""
        self._move(0.0)

    def _apart(self) -> bool:
        driven = self.world.driven
        return not self.network.connected or (bool(driven) and driven.get("grid/present", 1.0) == 0.0)

    def _move(self, dt_s: float) -> None:
        network = self.network
        network.drive(self.world.driven)
        self._switch(dt_s)
        if network.grid_present and network.closed:
            network.connect()
            self._run(dt_s, followers=self._storages)
            network.draw(*self._need(self._storages))
        else:
            network.part()
            self._move_apart(dt_s)
        self.grid_w = sum(network.grid_power)
        self._account(dt_s)

    def _switch(self, dt_s: float) -> None:
        """Relays and breakers act on what the bus was in the last step."""
        contacts = self.world.contacts
        for relay in self._relays:
            contacts[relay.name] = relay.operate(dt_s)
        for breaker in self._breakers:
            contacts[breaker.name] = breaker.operate(self.network, dt_s)
            if breaker.shock_deg > SHOCK_DEG:
                self._shock()
        self.network.closed = self._is_closed()

    def _is_closed(self) -> bool:
        if self._breakers:
            return all(breaker.closed for breaker in self._breakers)
        automatic = any(one.forming.automatic for one in self._able)
        return not automatic or self.network.grid_present

    def _shock(self) -> None:
        """Closed far out of step: whatever forms the island trips."""
        for storage in self._able:
            if storage.forms:
                storage.trip()

    # ---- apart from the grid

    def _move_apart(self, dt_s: float) -> None:
        network = self.network
        # Behind a closed breaker hangs the whole neighbourhood: nobody can feed that.
        formers = [] if network.closed else [one for one in self._able if one.ready(network, dt_s)]
        if not formers or not self._form(formers, dt_s):
            self._blackout(dt_s)

    def _form(self, formers: list[Storage], dt_s: float) -> bool:
        network, island = self.network, self._island
        if not any(one.forms for one in formers):
            island.begin(network.frequency_hz if network.live else 0.0)
        if not network.live:
            network.feed(network.nominal_v, island.frequency_hz)
        followers = tuple(one for one in self._storages if one not in formers)
        self._run(dt_s, followers=followers)
        power, reactive = self._need(followers)
        need_w = sum(power)
        holds = island.step(formers, need_w, sum(reactive), dt_s)
        for one, share in zip(formers, shares(formers, need_w), strict=True):
            holds = holds and one.form(self.world, _times(power, share), _times(reactive, share), dt_s)
        if not holds:
            for one in formers:
                one.trip()
            return False
        network.feed(island.voltage_v, island.frequency_hz)
        network.turn(dt_s)
        return True

    def _blackout(self, dt_s: float) -> None:
        self.network.collapse(dt_s)
        self._load.stop()
        for device in (*self._others, *self._storages):
            device.stop(self.world, dt_s)

    # ---- one step of all devices

    def _run(self, dt_s: float, *, followers: tuple[Storage, ...]) -> None:
        world, network = self.world, self.network
        self._load.act(world)
        if self._pvs:
            sun_w = self._sun(world.utc_s)
            for pv in self._pvs:
                pv.shine(sun_w, world)
        for storage, sun in self._hybrids:
            storage.battery.pv_available_w = world.driven.get(f"{storage.name}/dc_pv_available_w", sun(world.utc_s))
        for device in self._others:
            device.act(network, world, dt_s)
        for storage in followers:
            storage.act(network, world, dt_s)

    def _need(self, followers: tuple[Storage, ...]) -> tuple[Three, Three]:
        """What the bus takes beside these devices, by phase."""
        p1, p2, p3 = self._load.power
        q1, q2, q3 = self._load.reactive
        for device in (*self._others, *followers):
            power, reactive = device.power, device.reactive
            p1, p2, p3 = p1 - power[0], p2 - power[1], p3 - power[2]
            if reactive is not ZERO:
                q1, q2, q3 = q1 - reactive[0], q2 - reactive[1], q3 - reactive[2]
        return (p1, p2, p3), (q1, q2, q3)

    def _account(self, dt_s: float) -> None:
        load_w = self._load.power_w
        for device in self._others:
            device.account(dt_s)
            if device.kind == "load":
                load_w -= device.power_w
        self.load_w = load_w
        for meter in self._meters:
            meter.look(self.network, dt_s)
        for device in self._sampled:
            device.measure(self.network, self.world)

    # ---- the EMS' side

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(self._devices)

    def command(self, address: str, value: float) -> None:
        """Write a setpoint, e.g. ``ess0/active_power_w``. A battery forgets it when no other comes.

        Raises :class:`PlantError` for what is no setpoint of this plant, or not finite.
        """
        component, _, channel = address.partition("/")
        setpoint = self._device(self._mistakes.answering(component)).setpoint(channel)
        if not math.isfinite(value):
            raise PlantError(f"{address}: a device cannot follow {value}")
        if not self._mistakes.any:
            setpoint.write(value)
            return
        for follower, sign in self._mistakes.obeying(component):
            self._device(follower).setpoint(channel).write(sign * value)

    def takes(self, address: str) -> bool:
        """Whether this is a setpoint of the plant."""
        component, _, channel = address.partition("/")
        return component in self._devices and channel in self._devices[component].setpoints

    def release(self, address: str) -> None:
        """Withdraw a command: the battery goes to 0 W, PV to what the sun gives."""
        component, _, channel = address.partition("/")
        for follower, _sign in self._mistakes.obeying(component):
            self._device(follower).setpoint(channel).release()

    def follows(self, component: str, channel: str | None = None) -> bool:
        """Whether a command of its active power (or of ``channel``) is in force."""
        device = self._device(component)
        names = [channel] if channel else ["active_power_w", "active_power_limit_w", "current_limit_a"]
        return any(device.setpoints[name].alive for name in names if name in device.setpoints)

    def kind(self, component: str) -> str:
        """The device's interface, e.g. ``meter``."""
        return self._device(component).kind

    def ratings(self, component: str) -> tuple[float, float]:
        """(power in W, energy in Wh) that the device's plate says; 0 for a meter."""
        return self._device(component).ratings

    def has_cells(self, component: str) -> bool:
        """Whether the device shows its cells."""
        return "cell_temperature_min_degc" in self._device(component).readers

    def readings(self, component: str) -> Reading | None:
        """What the device shows now; None before its first value and while it does not answer."""
        answering = self._mistakes.answering(component)
        shown = self._device(answering).shown(self.network, self.world)
        if shown is None:
            return None
        return Reading(shown[0], self._mistakes.misread(answering, shown[1], self.world.time_s))

    def clock_error_s(self, component: str) -> float:
        """How far the device's clock is off."""
        return self._devices[component].settings.timestamp_error_s if component in self._devices else 0.0

    # ---- the tester's side

    def drive(self, address: str, value: float | None) -> None:
        """Set what the site cannot choose (see :meth:`drivable`); None: back to its own course. PlantError."""
        if address not in self._drivable:
            raise PlantError(f"{address} cannot be driven; use one of {', '.join(sorted(self.drivable()))}")
        if value is None:
            self.world.driven.pop(address, None)
        else:
            self.world.driven[address] = value

    def drivable(self) -> frozenset[str]:
        """Addresses of the grid, the load, the sun and the rooms."""
        return drivable_addresses({name: device.kind for name, device in self._devices.items()})

    def driven_value(self, address: str) -> float:
        """What stands there now, driven or not."""
        own = {
            "grid/voltage_v": self.network.grid_voltage_v,
            "grid/frequency_hz": self.network.grid_frequency_hz,
            "grid/present": float(self.network.grid_present),
            "site/load_power_w": self.load_w,
            "site/load_tan_phi": self._load.tan_phi,
        }
        if address in self.world.driven:
            return self.world.driven[address]
        return own.get(address, self.truth().get(address.replace("/power_w", "/active_power_w"), 0.0))

    def silence(self, component: str, silent: bool) -> None:
        """Make a device stop answering, or answer again. Its physics and its watchdog go on."""
        self._device(component).silent = silent

    def is_silent(self, component: str) -> bool:
        return component in self._devices and self._devices[component].silent

    def is_mute(self, component: str) -> bool:
        """It does not answer now: silent, or in a drop-out that shows nothing."""
        device = self._device(component)
        return device.silent or device.sampler.dropped(self.world.time_s) == "nothing"

    def fault(self, component: str, faulted: bool) -> None:
        """The device fails (no power, a contact sticks), or is repaired."""
        self._device(component).faulted = faulted

    def freeze(self, component: str, frozen: bool) -> None:
        """It goes on answering, for ever with the same values; or is repaired."""
        device = self._device(component)
        device.shown(self.network, self.world)
        device.sampler.frozen = frozen

    def arrive(self, component: str, vehicle: Vehicle | None) -> None:
        """A car comes to a charging point; None: it leaves."""
        device = self._device(component)
        if not isinstance(device, Charger):
            raise PlantError(f"{component} is no charging point")
        device.depart() if vehicle is None else device.arrive(vehicle)

    def truth(self) -> dict[str, float]:
        """Exact values of this instant by address."""
        network = self.network
        truth = {
            "site/load_power_w": self.load_w,
            "site/grid_power_w": self.grid_w,
            "site/grid_reactive_power_var": sum(network.grid_reactive),
            "site/frequency_hz": network.frequency_hz,
            "site/voltage_v": sum(network.voltage_v) / 3.0,
            "site/live": float(network.live),
        }
        for name, device in self._devices.items():
            for channel, value in device.truth().items():
                truth[f"{name}/{channel}"] = value
        return truth

    def state(self) -> dict[str, float]:
        """What a restarted plant must know: energies by address (see :meth:`restore`)."""
        return {address: value for address, value in self.truth().items() if address.endswith("energy_wh")}

    def restore(self, state: Mapping[str, float]) -> None:
        """Take over the energies of an earlier plant; addresses it has not are left out."""
        for address, value in state.items():
            component, _, channel = address.partition("/")
            if component in self._devices:
                self._devices[component].restore(channel, value)

    def _device(self, component: str) -> Device:
        try:
            return self._devices[component]
        except KeyError:
            raise PlantError(f"the plant has no {component}; it has {', '.join(self._devices)}") from None

    def _storage(self, name: str) -> Storage:
        device = self._devices[name]
        assert isinstance(device, Storage)  # noqa: S101 - only batteries are hybrids
        return device


def _times(values: Three, factor: float) -> Three:
    return values[0] * factor, values[1] * factor, values[2] * factor
