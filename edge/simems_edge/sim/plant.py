"""The plant as one object: step it, command it, read what its devices show, and know the truth.

Balance at each instant: grid + pv + ess = load, sources positive. Deterministic: the same site, start, seed and
sequence of calls give the same values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from simems_edge.config import SimulatedDevice, Simulation, Site
from simems_edge.devices import load_profile
from simems_edge.sim import weather
from simems_edge.sim.battery import Battery
from simems_edge.sim.electrical import Electrical, ess_values, meter_values, pv_values
from simems_edge.sim.sampling import Sampler

_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a device shows: its values by channel name and when, by its own clock, they were measured."""

    sample_time_s: float
    values: Mapping[str, float]


class PlantError(ValueError):
    """A site that cannot be simulated, or a command to something that does not take it."""


class _Meter:
    __slots__ = ("export_wh", "import_wh", "sampler")

    def __init__(self, settings: SimulatedDevice, random: Random) -> None:
        self.sampler = Sampler(settings, random)
        self.import_wh = 0.0
        self.export_wh = 0.0

    def step(self, plant: Plant, dt_s: float) -> None:
        grid_w = plant.grid_w
        if grid_w > 0.0:
            self.import_wh += grid_w * dt_s / 3600.0
        else:
            self.export_wh -= grid_w * dt_s / 3600.0
        sampler = self.sampler
        if sampler.due(plant.time_s):
            values = (grid_w + sampler.noise(), plant.load_w, self.import_wh, self.export_wh)
            sampler.sample(plant.time_s, values)

    def values(self, sample: tuple[float, ...], electrical: Electrical) -> dict[str, float]:
        power_w, load_w, import_wh, export_wh = sample
        return meter_values(power_w, load_w, import_wh, export_wh, electrical)


class _Pv:
    __slots__ = ("available_w", "energy_wh", "limit_w", "power_w", "sampler", "share")

    def __init__(self, settings: SimulatedDevice, random: Random, share: float) -> None:
        self.sampler = Sampler(settings, random)
        self.share = share
        self.limit_w = math.inf
        self.available_w = self.power_w = self.energy_wh = 0.0

    def produce(self, available_w: float, dt_s: float) -> float:
        self.available_w = available_w * self.share
        self.power_w = min(self.available_w, self.limit_w)
        self.energy_wh += self.power_w * dt_s / 3600.0
        return self.power_w

    def step(self, plant: Plant, _dt_s: float) -> None:
        sampler = self.sampler
        if sampler.due(plant.time_s):
            shown_w = max(self.power_w + sampler.noise(), 0.0) if self.power_w > 0.0 else 0.0
            sampler.sample(plant.time_s, (shown_w, self.available_w, self.energy_wh))

    def values(self, sample: tuple[float, ...], electrical: Electrical) -> dict[str, float]:
        power_w, available_w, energy_wh = sample
        return pv_values(power_w, available_w, energy_wh, electrical)


class _Ess:
    __slots__ = ("battery", "sampler")

    def __init__(self, settings: SimulatedDevice, random: Random) -> None:
        self.sampler = Sampler(settings, random)
        self.battery = Battery(settings)

    def step(self, plant: Plant, _dt_s: float) -> None:
        sampler = self.sampler
        if sampler.due(plant.time_s):
            battery = self.battery
            shown_w = battery.power_w + sampler.noise() if battery.running else 0.0
            limits = (battery.max_charge_w, battery.max_discharge_w, battery.capacity_wh)
            counters = (battery.charged_wh, battery.discharged_wh)
            cells = battery.cell_readings().values()
            sampler.sample(plant.time_s, (shown_w, battery.shown_soc_pct, *limits, *counters, *cells))

    def values(self, sample: tuple[float, ...], electrical: Electrical) -> dict[str, float]:
        power_w, soc_pct, charge_w, discharge_w, capacity_wh, charged_wh, discharged_wh, *cells = sample
        shown = (power_w, soc_pct, charge_w, discharge_w, capacity_wh, charged_wh, discharged_wh)
        return ess_values(shown, electrical) | dict(zip(self.battery.cell_readings(), cells, strict=True))


_Device = _Meter | _Pv | _Ess


class Plant:
    """A site's devices and what stands behind them. Not thread-safe: one owner."""

    def __init__(self, site: Site, simulation: Simulation, start_utc: datetime, seed: int) -> None:
        if start_utc.tzinfo is None:
            raise PlantError("start_utc needs a time zone")
        zone = ZoneInfo(site.site.time_zone)
        self._start_s = start_utc.timestamp()
        self._time_ns = 0
        self.time_s = 0.0
        self._load = weather.load(simulation.load.profile, simulation.load.scale, zone, _random(seed, "load"))
        self._pv_source: Callable[[float], float] = weather.no_power
        self._pv_peak_w = simulation.pv.peak_w if simulation.pv is not None else 1.0
        if simulation.pv is not None:
            source = weather.pv(simulation.pv.profile, simulation.pv.peak_w, zone, _random(seed, "pv"))
            self._pv_source = source.power_w
        self._devices = _devices(site, simulation, seed)
        self._steppers = tuple(self._devices.values())
        self._meters = tuple(device for device in self._steppers if isinstance(device, _Meter))
        self._pvs = tuple(device for device in self._steppers if isinstance(device, _Pv))
        self._batteries = tuple(device.battery for device in self._steppers if isinstance(device, _Ess))
        self._electrical = Electrical()
        self._silent: set[str] = set()
        self.load_w = self._load.power_w(self._start_s)
        self.grid_w = self.load_w
        self._settle()

    @classmethod
    def from_site(cls, site: Site, *, start_utc: datetime, seed: int | None = None) -> Plant:
        """The plant behind ``site``. Without a ``simulation`` section: the supermarket load, no PV, default devices.

        Raises :class:`PlantError`, or ``ProfileNotFoundError`` for an unknown load or PV profile.
        """
        simulation = site.simulation or Simulation()
        return cls(site, simulation, start_utc, simulation.seed if seed is None else seed)

    # ---- time

    @property
    def utc_s(self) -> float:
        """Seconds since 1970-01-01 UTC of the plant's present."""
        return self._start_s + self.time_s

    def step(self, dt_s: float) -> None:
        """Move ``dt_s`` > 0 seconds on."""
        self._time_ns += round(dt_s * _NANOSECONDS)
        self.time_s = self._time_ns / _NANOSECONDS
        utc_s = self._start_s + self.time_s
        self.load_w = grid_w = self._load.power_w(utc_s)
        if self._pvs:
            available_w = self._pv_source(utc_s)
            for pv in self._pvs:
                grid_w -= pv.produce(available_w, dt_s)
        for battery in self._batteries:
            battery.step(dt_s)
            grid_w -= battery.power_w
        self.grid_w = grid_w
        for device in self._steppers:
            device.step(self, dt_s)

    def _settle(self) -> None:
        """The first readings: as they would be after a long time with no command."""
        available_w = self._pv_source(self._start_s)
        for pv in self._pvs:
            self.grid_w -= pv.produce(available_w, 0.0)
        for device in self._steppers:
            device.step(self, 0.0)

    # ---- the EMS' side

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(self._devices)

    def command(self, address: str, value: float) -> None:
        """Write a setpoint, e.g. ``ess0/active_power_w``. A battery forgets it after 10 s.

        Raises :class:`PlantError` for what is no setpoint of this plant, or not finite.
        """
        component, _, channel = address.partition("/")
        device = self._device(component)
        if not math.isfinite(value):
            raise PlantError(f"{address}: a device cannot follow {value}")
        if isinstance(device, _Ess) and channel == "active_power_w":
            device.battery.command(value)
        elif isinstance(device, _Pv) and channel == "active_power_limit_w":
            device.limit_w = max(value, 0.0)
        else:
            raise PlantError(f"{address} is not a setpoint of this plant")

    def release(self, address: str) -> None:
        """Withdraw a command: the battery goes to 0 W, PV to what the sun gives."""
        device = self._device(address.partition("/")[0])
        if isinstance(device, _Ess):
            device.battery.release()
        elif isinstance(device, _Pv):
            device.limit_w = math.inf

    def follows(self, component: str) -> bool:
        """Whether a command is in force (a battery forgets it after 10 s)."""
        device = self._device(component)
        if isinstance(device, _Ess):
            return device.battery.commanded
        return isinstance(device, _Pv) and math.isfinite(device.limit_w)

    def kind(self, component: str) -> str:
        """meter, pv or ess."""
        device = self._device(component)
        return "meter" if isinstance(device, _Meter) else "pv" if isinstance(device, _Pv) else "ess"

    def ratings(self, component: str) -> tuple[float, float]:
        """(power in W, energy in Wh) that the device's plate says; 0 for a meter."""
        device = self._device(component)
        if isinstance(device, _Ess):
            settings = device.battery.settings
            return max(settings.max_charge_w, settings.max_discharge_w), settings.capacity_wh
        return (self._pv_peak_w * device.share, 0.0) if isinstance(device, _Pv) else (0.0, 0.0)

    def has_cells(self, component: str) -> bool:
        """Whether the device shows voltage and current of its cells."""
        device = self._device(component)
        return isinstance(device, _Ess) and device.battery.cells is not None

    def readings(self, component: str) -> Reading | None:
        """What the device shows now; None before its first value and while it is silent."""
        device = self._device(component)
        if component in self._silent:
            return None
        shown = device.sampler.shown(self.time_s)
        if shown is None:
            return None
        return Reading(shown[0], device.values(shown[1], self._electrical))

    # ---- the tester's side

    def silence(self, component: str, silent: bool) -> None:
        """Make a device stop answering, or answer again. Its physics and its watchdog go on."""
        self._device(component)
        if silent:
            self._silent.add(component)
        else:
            self._silent.discard(component)

    def is_silent(self, component: str) -> bool:
        return component in self._silent

    def truth(self) -> dict[str, float]:
        """Exact values of this instant by address."""
        truth = {"site/load_power_w": self.load_w, "site/grid_power_w": self.grid_w}
        for name, device in self._devices.items():
            if isinstance(device, _Meter):
                truth[f"{name}/active_power_w"] = self.grid_w
                truth[f"{name}/import_energy_wh"] = device.import_wh
                truth[f"{name}/export_energy_wh"] = device.export_wh
            elif isinstance(device, _Pv):
                truth[f"{name}/active_power_w"] = device.power_w
                truth[f"{name}/available_power_w"] = device.available_w
                truth[f"{name}/energy_wh"] = device.energy_wh
            else:
                truth[f"{name}/active_power_w"] = device.battery.power_w
                truth[f"{name}/cell_power_w"] = device.battery.cell_power_w
                truth[f"{name}/energy_wh"] = device.battery.energy_wh
                truth[f"{name}/soc_pct"] = device.battery.soc_pct
                truth[f"{name}/charge_energy_wh"] = device.battery.charged_wh
                truth[f"{name}/discharge_energy_wh"] = device.battery.discharged_wh
        return truth

    def state(self) -> dict[str, float]:
        """What a restarted plant must know: energies by address (see :meth:`restore`)."""
        return {address: value for address, value in self.truth().items() if address.endswith("energy_wh")}

    def restore(self, state: Mapping[str, float]) -> None:
        """Take over the energies of an earlier plant; addresses it has not are left out."""
        for address, value in state.items():
            component, _, channel = address.partition("/")
            device = self._devices.get(component)
            if isinstance(device, _Ess):
                _restore_battery(device.battery, channel, value)
            elif isinstance(device, _Pv) and channel == "energy_wh":
                device.energy_wh = value
            elif isinstance(device, _Meter):
                _restore_meter(device, channel, value)

    def _device(self, component: str) -> _Device:
        try:
            return self._devices[component]
        except KeyError:
            raise PlantError(f"the plant has no {component}; it has {', '.join(self._devices)}") from None


def _restore_battery(battery: Battery, channel: str, value: float) -> None:
    if channel == "energy_wh":
        battery.energy_wh = min(max(value, 0.0), battery.capacity_wh)
    elif channel == "charge_energy_wh":
        battery.charged_wh = value
    elif channel == "discharge_energy_wh":
        battery.discharged_wh = value


def _restore_meter(meter: _Meter, channel: str, value: float) -> None:
    if channel == "import_energy_wh":
        meter.import_wh = value
    elif channel == "export_energy_wh":
        meter.export_wh = value


def _random(seed: int, name: str) -> Random:
    return Random(f"{seed} {name}")  # noqa: S311 - repeatable noise, no secret


def _devices(site: Site, simulation: Simulation, seed: int) -> dict[str, _Device]:
    kinds = {component.id: load_profile(component.profile).kind for component in site.components}
    pv_count = sum(kind == "pv" for kind in kinds.values())
    devices: dict[str, _Device] = {}
    for name, kind in kinds.items():
        settings = simulation.devices.get(name, SimulatedDevice())
        random = _random(seed, name)
        if kind == "meter":
            devices[name] = _Meter(settings, random)
        elif kind == "pv":
            devices[name] = _Pv(settings, random, 1.0 / pv_count)
        elif kind == "ess":
            devices[name] = _Ess(settings, random)
        elif kind != "sensor":
            raise PlantError(
                f"{name}: the virtual plant has no {kind} yet; remove it from the site or simulate without it"
            )
    return devices
