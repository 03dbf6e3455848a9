"""Makes the devices of a site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from zoneinfo import ZoneInfo

from simems_edge.config import SimulatedDevice, Simulation, Site
from simems_edge.devices import load_profile
from simems_edge.sim import weather
from simems_edge.sim.charger import Charger
from simems_edge.sim.consumer import Consumer, HeatPump
from simems_edge.sim.device import Device, Place
from simems_edge.sim.electrical import ALL_PHASES
from simems_edge.sim.meter import Meter
from simems_edge.sim.photovoltaic import Photovoltaic
from simems_edge.sim.storage import Storage
from simems_edge.sim.switchgear import Breaker, Relay

Sun = Callable[[float], float]
_DEFAULT_PEAK_W = 1.0


def random_of(seed: int, name: str) -> Random:
    """Repeatable, apart for each name."""
    return Random(f"{seed} {name}")  # noqa: S311 - repeatable noise, no secret


def build_devices(site: Site, simulation: Simulation, seed: int) -> dict[str, Device]:
    """By component, in the site file's order; a sensor has nothing behind it. Raises ProfileNotFoundError."""
    return _Fleet(site, simulation, seed).devices()


class _Fleet:
    def __init__(self, site: Site, simulation: Simulation, seed: int) -> None:
        self._site = site
        self._simulation = simulation
        self._seed = seed
        self._zone = ZoneInfo(site.site.time_zone)
        self._kinds = {component.id: load_profile(component.profile).kind for component in site.components}
        self._peaks_w = self._pv_peaks()

    def devices(self) -> dict[str, Device]:
        found: dict[str, Device] = {}
        for name, kind in self._kinds.items():
            place = Place(name, self._settings(name), random_of(self._seed, name), self._phases(name))
            make = _MAKERS.get(kind)
            if make is not None:
                found[name] = make(self, place)
        for name, device in found.items():
            if isinstance(device, Meter) and self._settings(name).measures:
                device.watch([found[part] for part in self._settings(name).measures])
        return found

    def _settings(self, name: str) -> SimulatedDevice:
        return self._simulation.devices.get(name, SimulatedDevice())

    def _phases(self, name: str) -> tuple[int, ...]:
        settings, control = self._settings(name), self._site.component(name).control
        return settings.phases or (control.phases if control is not None else ALL_PHASES)

    def _pv_peaks(self) -> dict[str, float]:
        """Of each PV: its own peak power, else an equal part of the site's."""
        names = [name for name, kind in self._kinds.items() if kind == "pv"]
        whole_w = self._simulation.pv.peak_w if self._simulation.pv is not None else _DEFAULT_PEAK_W
        named = {name: peak_w for name in names if (peak_w := self._settings(name).peak_w) is not None}
        rest = len(names) - len(named)
        left_w = max(whole_w - sum(named.values()), 0.0)
        return {name: named.get(name, left_w / rest if rest else 0.0) for name in names}

    def pv(self, place: Place) -> Photovoltaic:
        whole_w = self._simulation.pv.peak_w if self._simulation.pv is not None else _DEFAULT_PEAK_W
        peak_w = self._peaks_w[place.name]
        return Photovoltaic(place, peak_w / whole_w, peak_w)

    def load(self, place: Place) -> Consumer | HeatPump:
        settings = place.settings
        if settings.heat_pump is not None:
            return HeatPump(place, settings.heat_pump)
        if settings.load is None or settings.load.profile is None:
            return Consumer(place, None)
        recorded = weather.load(settings.load.profile, settings.load.scale, self._zone, place.random)
        return Consumer(place, recorded.power_w)


_MAKERS: Mapping[str, Callable[[_Fleet, Place], Device]] = {
    "meter": lambda _fleet, place: Meter(place),
    "ess": lambda _fleet, place: Storage(place),
    "evcs": lambda _fleet, place: Charger(place),
    "relay": lambda _fleet, place: Relay(place),
    "breaker": lambda _fleet, place: Breaker(place),
    "pv": _Fleet.pv,
    "load": _Fleet.load,
}


def hybrid_suns(site: Site, devices: Mapping[str, Device], seed: int) -> dict[str, Sun]:
    """What the sun offers the direct-current side of each hybrid. Raises ProfileNotFoundError."""
    zone = ZoneInfo(site.site.time_zone)
    suns: dict[str, Sun] = {}
    for name, device in devices.items():
        hybrid = device.settings.hybrid
        if hybrid is not None and isinstance(device, Storage):
            random = random_of(seed, f"{name} pv")
            suns[name] = weather.pv(hybrid.profile, hybrid.peak_w, zone, random).power_w
    return suns
