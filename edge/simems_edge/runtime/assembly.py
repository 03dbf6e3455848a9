"""Turns a site into image, sources, actuators, guards and cycle. Order is fixed by the site file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simems_core import Actuator, Channel, Clock, Cycle, Guard, ProcessImage, Source

from simems_edge.config import Component, Site
from simems_edge.contracts import Controller, Priority
from simems_edge.controllers.closed_loop import LoopSettings
from simems_edge.controllers.registry import build_controllers
from simems_edge.devices import Profile, load_profile
from simems_edge.devices.estimator_inputs import estimate_addresses
from simems_edge.runtime.channels import (
    COMMANDED,
    communication_channels,
    device_channels,
    estimate_channels,
    setpoint_channels,
    virtual_channels,
)

MANUAL_SOURCE = "manual"
UNRATED_W = 1e9
"""Rating of an actuator whose profile names none: the device's own limits (a guard) bind long before."""


@dataclass(frozen=True)
class Assembly:
    """All that one site's runtime is made of."""

    site: Site
    profiles: Mapping[str, Profile]
    """By component id."""
    controllers: tuple[Controller, ...]
    image: ProcessImage
    cycle: Cycle
    clock: Clock
    actuators: tuple[str, ...]
    """Addresses in the cycle's order."""
    grid: str | None
    """Component id of the meter at the grid connection; None when the site has no meter."""

    def of_kind(self, kind: str) -> list[str]:
        """Ids of the components of one kind, in the site file's order."""
        return [component_id for component_id, profile in self.profiles.items() if profile.kind == kind]


def assemble(site: Site, clock: Clock) -> Assembly:
    """Raises ControllerError or ProfileError when the site cannot be built."""
    profiles = {component.id: load_profile(component.profile) for component in site.components}
    controllers = tuple(build_controllers(site))
    grid = grid_meter(profiles, controllers)
    commanded = [component for component in site.components if profiles[component.id].kind in COMMANDED]
    actuators = [_actuator(component, profiles[component.id]) for component in commanded]
    sources = _sources(controllers)
    guards = _guards(site, commanded, grid, controllers)
    addresses = tuple(actuator.address for actuator in actuators)
    rows = _rows(site, profiles, controllers)
    labels = _reason_labels(rows, site, sources, actuators, guards, clock)
    image = ProcessImage([*rows, *setpoint_channels(addresses, labels)])
    cycle = _cycle(image, site, sources, actuators, guards, clock)
    return Assembly(site, profiles, controllers, image, cycle, clock, addresses, grid)


def grid_meter(profiles: Mapping[str, Profile], controllers: Sequence[Controller]) -> str | None:
    """The meter that a controller calls ``grid``; else the first meter of the site file."""
    for controller in controllers:
        grid = controller.settings.references().get("grid")
        if grid is not None:
            return str(grid)
    return next((component_id for component_id, profile in profiles.items() if profile.kind == "meter"), None)


def _rows(site: Site, profiles: Mapping[str, Profile], controllers: Sequence[Controller]) -> list[Channel]:
    rows: list[Channel] = []
    for component in site.components:
        rows.extend(device_channels(component, profiles[component.id]))
    return [*rows, *estimate_channels(site), *communication_channels(site), *virtual_channels(controllers)]


def _reason_labels(
    rows: Sequence[Channel],
    site: Site,
    sources: Sequence[Source],
    actuators: Sequence[Actuator],
    guards: Sequence[Guard],
    clock: Clock,
) -> dict[int, str]:
    """The cycle knows its reasons only once it exists, the image needs them before: ask a cycle on a bare image."""
    return _cycle(ProcessImage(rows, history=1), site, sources, actuators, guards, clock).reason_labels()


def _cycle(
    image: ProcessImage,
    site: Site,
    sources: Sequence[Source],
    actuators: Sequence[Actuator],
    guards: Sequence[Guard],
    clock: Clock,
) -> Cycle:
    return Cycle(image, period_s=site.cycle.period_s, sources=sources, actuators=actuators, guards=guards, clock=clock)


def _sources(controllers: Sequence[Controller]) -> list[Source]:
    """Number 0 is the manual source; controller ``n`` is number ``n + 1``."""
    rest = [Source(controller.id, int(controller.spec.priority)) for controller in controllers]
    return [Source(MANUAL_SOURCE, int(Priority.MANUAL)), *rest]


def _actuator(component: Component, profile: Profile) -> Actuator:
    row = profile.channel(COMMANDED[profile.kind])
    return Actuator(
        f"{component.id}/{row.name}",
        minimum=-UNRATED_W if row.minimum is None else row.minimum,
        maximum=UNRATED_W if row.maximum is None else row.maximum,
        ramp_per_s=component.guards.ramp_w_per_s,
    )


def _guards(
    site: Site, batteries: Sequence[Component], grid: str | None, controllers: Sequence[Controller]
) -> list[Guard]:
    guards: list[Guard] = []
    for battery in batteries:
        guards.append(_device_limits(battery.id))
        if battery.guards.soc_pct is not None:
            guards.append(_soc(battery, *battery.guards.soc_pct))
    if grid is not None and batteries:
        actuators = [f"{battery.id}/active_power_w" for battery in batteries]
        guards.append(_grid(site, actuators, grid, loops_on(grid, controllers)))
    return guards


def _device_limits(battery: str) -> Guard:
    return Guard.device_limits(
        f"{battery}/active_power_w",
        charge_limit=f"{battery}/max_charge_power_w",
        discharge_limit=f"{battery}/max_discharge_power_w",
    )


def _soc(battery: Component, minimum_pct: float, maximum_pct: float) -> Guard:
    return Guard.soc(
        f"{battery.id}/active_power_w",
        soc=f"{battery.id}/soc_pct",
        minimum_pct=minimum_pct,
        maximum_pct=maximum_pct,
        estimate=estimate_addresses(battery),
    )


def loops_on(grid: str, controllers: Sequence[Controller]) -> list[LoopSettings]:
    """What the loops on one meter know of its delay; the defaults when there is none."""
    loops = [controller.settings for controller in controllers if isinstance(controller.settings, LoopSettings)]
    return [loop for loop in loops if loop.references().get("grid") == grid] or [LoopSettings()]


def _grid(site: Site, actuators: Sequence[str], grid: str, loops: Sequence[LoopSettings]) -> Guard:
    """A meter is one meter for all: the guard allows for the slowest that any loop on it allows for."""
    limits = site.site.grid
    return Guard.grid(
        actuators,
        grid=f"{grid}/active_power_w",
        measured=actuators,
        import_limit_w=limits.import_limit_w,
        export_limit_w=limits.export_limit_w,
        meter_delay_max_s=max(loop.meter_delay_max_s for loop in loops),
        meter_repeat_max_s=max(loop.meter_repeat_max_s for loop in loops),
        battery_settle_s=max(loop.battery_settle_s for loop in loops),
    )
