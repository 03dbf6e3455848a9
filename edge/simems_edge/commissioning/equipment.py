"""What the site file says that stands on the site. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from simems_edge.config import Component, Site
from simems_edge.contracts import Controller
from simems_edge.controllers.closed_loop import LoopSettings
from simems_edge.devices import Profile

NOMINAL_HZ = (50.0, 60.0)


@dataclass(frozen=True)
class Device:
    """One component as it was declared."""

    id: str
    kind: str
    profile: str
    line: str
    """Host and port, serial line, bus or broker."""
    place: str
    """On it: a Modbus unit, a topic; empty where a line has one device."""
    phases: tuple[int, ...]
    channels: Mapping[str, float]
    """Readable channels and their resolution."""
    settable: frozenset[str]
    soc_window_pct: tuple[float, float] = (0.0, 100.0)

    def address(self, channel: str) -> str:
        return f"{self.id}/{channel}"

    @property
    def power(self) -> str:
        """Address of its active power."""
        return self.address("active_power_w")


@dataclass(frozen=True)
class Equipment:
    """``grid``: id of the meter at the connection."""

    site_id: str
    name: str
    devices: Mapping[str, Device]
    grid: str | None
    import_limit_w: float
    export_limit_w: float
    meter_delay_max_s: float
    """Stated: so old a reading of the grid meter may be."""
    meter_delay_stated_by: str
    """Who says so."""

    def of_kind(self, kind: str) -> list[Device]:
        return [device for device in self.devices.values() if device.kind == kind]

    @property
    def batteries(self) -> list[Device]:
        return self.of_kind("ess")

    @property
    def meter(self) -> Device | None:
        return None if self.grid is None else self.devices[self.grid]

    @property
    def connection_w(self) -> float:
        """The larger of both limits."""
        return max(self.import_limit_w, self.export_limit_w)


def equipment(
    site: Site, profiles: Mapping[str, Profile], grid: str | None, controllers: Sequence[Controller]
) -> Equipment:
    """``controllers``: of the site file; they say how late the meter may be."""
    delay_s, stated_by = _stated_delay(grid, controllers)
    return Equipment(
        site_id=site.site.id,
        name=site.site.name or site.site.id,
        devices={one.id: _device(one, profiles[one.id]) for one in site.components},
        grid=grid,
        import_limit_w=site.site.grid.import_limit_w,
        export_limit_w=site.site.grid.export_limit_w,
        meter_delay_max_s=delay_s,
        meter_delay_stated_by=stated_by,
    )


def _device(component: Component, profile: Profile) -> Device:
    control = component.control
    return Device(
        id=component.id,
        kind=profile.kind,
        profile=profile.id,
        line=component.connection.line,
        place=component.connection.place,
        phases=(1, 2, 3) if control is None else control.phases,
        channels={row.name: row.resolution for row in profile.channels if row.readable},
        settable=frozenset(row.name for row in profile.channels if row.settable),
        soc_window_pct=component.guards.soc_pct or (0.0, 100.0),
    )


def _stated_delay(grid: str | None, controllers: Sequence[Controller]) -> tuple[float, str]:
    """The strictest loop on the meter: it is the first to be disturbed."""
    found = (inf, "")
    for controller in controllers:
        settings = controller.settings
        if isinstance(settings, LoopSettings) and settings.references().get("grid") == grid:
            found = min(found, (settings.meter_delay_max_s, f"{controller.id}.meter_delay_max_s"))
    return (LoopSettings().meter_delay_max_s, "the loops' default") if found[0] == inf else found
