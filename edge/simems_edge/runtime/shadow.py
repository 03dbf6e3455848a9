"""Shadow mode: a candidate controller in a world of its own, beside the real one.

Its world is the whole site once more: an image, a cycle with the same guards and ramps, and the other controllers,
without the one that it is there in place of. All inputs are the live ones, but for its virtual battery and what follows
from it: grid power is what the site draws less the virtual battery, at the meter's own time. What persons and faults
make of the real site holds there in the same cycle. Nothing of it reaches an actuator. While meter or battery are not
valid nothing is booked, and that time is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Final

from simems_core import BAD, GOOD, Clock, Snapshot

from simems_edge.config import ControllerEntry, Shadow, Site
from simems_edge.contracts.context import UTC_OFFSET
from simems_edge.contracts.schedule_channels import MODE, SITE_NUMBERS, STATE
from simems_edge.hosts import LocalHost
from simems_edge.runtime.assembly import Assembly, assemble
from simems_edge.runtime.channels import SHADOW_CHANNELS
from simems_edge.runtime.circumstances import Circumstances, Mirror
from simems_edge.runtime.fault_plan import PlannedFault
from simems_edge.runtime.outside import INPUTS
from simems_edge.runtime.shadow_books import Book, VirtualBattery

NANOSECONDS = 1e-9
SITE_INPUTS: Final = frozenset(
    {"site/estop", UTC_OFFSET, *INPUTS, STATE, MODE, *(f"site/{name}" for name in SITE_NUMBERS)}
)
"""Beside those of the devices."""
LONGEST_STEP_S = 60.0
"""A gap longer than this is not booked: nobody knows what happened in it."""


class ShadowError(ValueError):
    """A shadow that cannot be had on this site; the message says why."""


@dataclass(frozen=True)
class _Pair:
    """One channel here and there."""

    here: int
    there: int


class ShadowWorld:
    """One candidate."""

    def __init__(
        self, real: Assembly, entry: ControllerEntry, shadow: Shadow, clock: Clock, plan: Sequence[PlannedFault]
    ) -> None:
        """``plan``: the real site's faults."""
        self.id = entry.id
        self._shadow = shadow
        site = _site_of(real.site, entry, shadow)
        self._world = assemble(site, clock)
        self._mirror = Mirror(self._world, plan, entry.id)
        parts = (self._world.controllers, self._world.image, self._world.cycle, self._world.actuators)
        self._host = LocalHost(*parts, site.cycle.period_s)
        self._real = real
        if real.grid is None:
            raise ShadowError(f"{entry.id}: a shadow needs a grid meter; add one or remove it")
        self._grid = _Pair(*(one.image.handle(f"{real.grid}/active_power_w") for one in (real, self._world)))
        self._batteries = {
            one.component.id: VirtualBattery(shadow.efficiency_pct / 100.0)
            for one in real.commanded
            if one.role == "storage" and one.row.name == "active_power_w"
        }
        self._power = self._pairs("active_power_w")
        self._soc = self._pairs("soc_pct")
        self._copied = self._same_channels()
        self._capacity = {name: _find(real, f"{name}/capacity_wh") for name in self._batteries}
        self._limits = {
            name: (self._pair(f"{name}/max_charge_power_w"), self._pair(f"{name}/max_discharge_power_w"))
            for name in self._batteries
        }
        self._utc = real.image.handle(UTC_OFFSET)
        self._out = {name: real.image.handle(f"{self.id}/{name}") for name, _ in SHADOW_CHANNELS}
        self._last_ns: int | None = None
        self._grid_w: float | None = None
        self._began = False
        self.real_book, self.shadow_book = Book(), Book()
        self.seconds = self.unknown_s = 0.0

    def _pair(self, address: str) -> _Pair:
        return _Pair(self._real.image.handle(address), self._world.image.handle(address))

    def _pairs(self, name: str) -> dict[str, _Pair]:
        return {battery: self._pair(f"{battery}/{name}") for battery in self._batteries}

    def _same_channels(self) -> list[_Pair]:
        """Inputs: all that devices, the site, its schedule and those outside give, but for what the virtual batteries
        change."""
        own = {f"{self._real.grid}/active_power_w"}
        names = ("active_power_w", "soc_pct", "soc_est_pct", "soc_valid", "max_charge_power_w", "max_discharge_power_w")
        own |= {f"{battery}/{name}" for battery in self._batteries for name in names}
        here = {channel.address for channel in self._real.image.channels}
        prefixes = tuple(f"{component}/" for component in self._real.profiles)
        made = ("_setpoint", "_reason", "_blocked")
        return [
            self._pair(channel.address)
            for channel in self._world.image.channels
            if channel.address in here - own
            and (channel.address.startswith(prefixes) or channel.address in SITE_INPUTS)
            and not channel.address.endswith(made)
        ]

    # ---- one turn

    def turn(self, snapshot: Snapshot, now: Circumstances) -> None:
        """Both of one cycle of the real world."""
        if self._last_ns is not None and snapshot.time_ns <= self._last_ns:
            return
        dt_s = 0.0 if self._last_ns is None else (snapshot.time_ns - self._last_ns) * NANOSECONDS
        self._last_ns = snapshot.time_ns
        if self._begin(snapshot):
            self._book(snapshot, dt_s)
        self._mirror.before(now)
        self._copy(snapshot)
        self._decide(snapshot.time_ns, now)
        self._tell(snapshot.time_ns)

    def _begin(self, snapshot: Snapshot) -> bool:
        """The virtual batteries stand where the real ones do when all is known for the first time."""
        if not self._began:
            known = [snapshot.value(pair.here) for pair in (*self._power.values(), *self._soc.values(), self._grid)]
            if any(map(isnan, known)):
                return False
            for name, battery in self._batteries.items():
                battery.power_w = snapshot.value(self._power[name].here)
                battery.soc_pct = snapshot.value(self._soc[name].here)
            self._grid_w = snapshot.value(self._grid.here)
            self._began = True
        return True

    def _book(self, snapshot: Snapshot, dt_s: float) -> None:
        grid_w = snapshot.value(self._grid.here)
        ess_w = sum(snapshot.value(pair.here) for pair in self._power.values())
        virtual_w = sum(battery.power_w for battery in self._batteries.values())
        capacities = {name: self._capacity_wh(snapshot, name) for name in self._batteries}
        if isnan(grid_w + ess_w + sum(capacities.values())) or dt_s > LONGEST_STEP_S:
            self.unknown_s += dt_s
            return
        for name, battery in self._batteries.items():
            battery.stand(dt_s, capacities[name])
        offset_s = snapshot.value(self._utc)
        second_s = snapshot.time_ns * NANOSECONDS + (0.0 if isnan(offset_s) else offset_s)
        self.real_book.add(grid_w, ess_w, dt_s, second_s)
        self.shadow_book.add(grid_w + ess_w - virtual_w, virtual_w, dt_s, second_s)
        self.seconds += dt_s

    def _capacity_wh(self, snapshot: Snapshot, name: str) -> float:
        if self._shadow.capacity_wh is not None:
            return self._shadow.capacity_wh
        handle = self._capacity[name]
        value = float("nan") if handle is None else snapshot.value(handle)
        return value if value > 0.0 else float("nan")

    def _copy(self, snapshot: Snapshot) -> None:
        image, now_ns = self._world.image, snapshot.time_ns
        for pair in self._copied:
            if snapshot.time_of(pair.here) or not isnan(snapshot.last_value(pair.here)):
                _publish(self._world, pair.there, snapshot.value(pair.here), snapshot.time_of(pair.here))
        for name, battery in self._batteries.items():
            image.publish(self._power[name].there, battery.power_w, now_ns)
            image.publish(self._soc[name].there, battery.soc_pct, now_ns)
            for pair in self._limits[name]:
                _publish(self._world, pair.there, snapshot.value(pair.here), snapshot.time_of(pair.here))
        self._copy_grid(snapshot)

    def _copy_grid(self, snapshot: Snapshot) -> None:
        """What the meter would have read: at its own time, less what the virtual batteries then gave more."""
        time_ns, grid_w = snapshot.time_of(self._grid.here), snapshot.value(self._grid.here)
        there = self._world.image.snapshot()
        more_w = 0.0
        for pair in self._power.values():
            then_w = there.value_at(pair.there, time_ns)
            real_w = snapshot.value_at(pair.here, time_ns)
            more_w += 0.0 if isnan(then_w) or isnan(real_w) else then_w - real_w
        _publish(self._world, self._grid.there, grid_w - more_w, time_ns)

    def _decide(self, time_ns: int, now: Circumstances) -> None:
        snapshot = self._world.cycle.begin(time_ns)
        self._host.turn(snapshot)
        self._mirror.propose(snapshot, now)
        for decision in self._world.cycle.finish():
            component, _, name = decision.address.partition("/")
            if name == "active_power_w" and component in self._batteries and self._began:
                self._batteries[component].power_w = decision.setpoint

    # ---- what it shows

    def _tell(self, time_ns: int) -> None:
        if not self._began:
            return
        batteries = list(self._batteries.values())
        values = {
            "shadow_power_w": sum(battery.power_w for battery in batteries),
            "shadow_soc_pct": sum(battery.soc_pct for battery in batteries) / len(batteries),
            "shadow_import_wh": self.shadow_book.import_wh,
            "shadow_export_wh": self.shadow_book.export_wh,
            "shadow_discharge_wh": self.shadow_book.discharge_wh,
            "shadow_peak_w": self.shadow_book.peak_w,
            "shadow_cost": self.shadow_book.cost(self._shadow),
            "shadow_saving": self.saving,
        }
        for name, value in values.items():
            self._real.image.publish(self._out[name], value, time_ns)

    @property
    def saving(self) -> float:
        """What it would have cost less than what happened, in the site's currency."""
        return self.real_book.cost(self._shadow) - self.shadow_book.cost(self._shadow)

    def report(self) -> dict[str, object]:
        """What happened, what it would have done, and the difference in money."""
        return {
            "id": self.id,
            "in_place_of": self._shadow.in_place_of,
            "currency": self._real.site.site.currency,
            "seconds": self.seconds,
            "unknown_s": self.unknown_s,
            "real": self.real_book.told(self._shadow),
            "shadow": self.shadow_book.told(self._shadow),
            "saving": self.saving,
            "soc_pct": {name: battery.soc_pct for name, battery in self._batteries.items()},
            "failing": dict(self._host.failing()),
        }


def _publish(world: Assembly, handle: int, value: float, time_ns: int) -> None:
    """A value that is not valid here is not valid there."""
    if isnan(value):
        world.image.publish(handle, value, time_ns, BAD)
    else:
        world.image.publish(handle, value, time_ns, GOOD)


def _find(assembly: Assembly, address: str) -> int | None:
    known = any(channel.address == address for channel in assembly.image.channels)
    return assembly.image.handle(address) if known else None


def _site_of(site: Site, entry: ControllerEntry, shadow: Shadow) -> Site:
    """The site of one shadow: it stands where the one stood that it is there in place of, else last."""
    candidate = entry.model_copy(update={"shadow": None})
    real = [one for one in site.controllers if one.shadow is None]
    if shadow.in_place_of is None:
        return site.model_copy(update={"controllers": (*real, candidate)})
    if shadow.in_place_of not in {one.id for one in real}:
        raise ShadowError(
            f"{entry.id}: in_place_of names {shadow.in_place_of!r}, which is no controller here; name one"
        )
    swapped = tuple(candidate if one.id == shadow.in_place_of else one for one in real)
    return site.model_copy(update={"controllers": swapped})


class Shadows:
    """All of a site, in the site file's order."""

    def __init__(self, real: Assembly, clock: Clock, plan: Sequence[PlannedFault]) -> None:
        """Raises ShadowError, ControllerError or ProfileError for one that cannot be built."""
        self.worlds = [
            ShadowWorld(real, entry, entry.shadow, clock, plan)
            for entry in real.site.controllers
            if entry.shadow is not None
        ]

    def turn(self, snapshot: Snapshot, now: Circumstances) -> None:
        """Both of one cycle of the real world."""
        for world in self.worlds:
            world.turn(snapshot, now)

    def report(self) -> list[dict[str, object]]:
        return [world.report() for world in self.worlds]
