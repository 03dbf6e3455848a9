"""Turns a site into image, sources, actuators, guards and cycle. Order is fixed by the site file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simems_core import Actuator, Channel, Clock, Cluster, Cycle, Guard, ProcessImage, Source

from simems_edge.bridges.connection import connection_channels
from simems_edge.bridges.prices import price_channels
from simems_edge.config import Site
from simems_edge.contracts import Controller, Priority
from simems_edge.controllers.registry import build_controllers
from simems_edge.devices import Profile, load_profile
from simems_edge.runtime.channels import (
    device_channels,
    estimate_channels,
    grid_value_channels,
    group_channels,
    setpoint_channels,
    shadow_channels,
    virtual_channels,
    written_channels,
)
from simems_edge.runtime.commanded import Commanded, Group, actuator, cluster, commanded, group_actuator, groups
from simems_edge.runtime.guarding import guards
from simems_edge.runtime.outside import outside_channels
from simems_edge.runtime.schedule_feed import follows_schedule, schedule_channels

MANUAL_SOURCE = "manual"


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
    """Addresses in the cycle's order: devices, then clusters."""
    commanded: tuple[Commanded, ...]
    """The devices among them, same order."""
    groups: tuple[Group, ...]
    """The clusters among them, same order."""
    grid: str | None
    """Component id of the meter at the grid connection; None when the site has no meter."""

    def of_kind(self, kind: str) -> list[str]:
        """Ids of the components of one kind, in the site file's order."""
        return [component_id for component_id, profile in self.profiles.items() if profile.kind == kind]


def assemble(site: Site, clock: Clock, *, desks: bool = False) -> Assembly:
    """``desks``: one in shared memory for each controller, so that it can run in a process of its own.

    Raises ControllerError or ProfileError when the site cannot be built."""
    profiles = {component.id: load_profile(component.profile) for component in site.components}
    controllers = tuple(build_controllers(site))
    grid = grid_meter(profiles, controllers)
    every = commanded(site, profiles)
    plan = _plan(site, profiles, every, grid, controllers)
    addresses = tuple(actuator.address for actuator in plan.actuators)
    rows = _rows(site, profiles, controllers, plan.groups)
    rows += written_channels((one.component.id, one.row) for one in every)
    # The cycle knows its reasons only once it exists, the image needs them before: ask a cycle on a bare image.
    labels = _cycle(ProcessImage(rows, history=1), site, plan, clock).reason_labels()
    image = ProcessImage([*rows, *setpoint_channels(addresses, labels)], shared=desks)
    seats = [([source], _metrics(controller, image)) for source, controller in enumerate(controllers, start=1)]
    cycle = _cycle(image, site, plan, clock, seats if desks else ())
    return Assembly(site, profiles, controllers, image, cycle, clock, addresses, tuple(every), tuple(plan.groups), grid)


@dataclass(frozen=True)
class _Plan:
    sources: list[Source]
    actuators: list[Actuator]
    guards: list[Guard]
    groups: list[Group]
    clusters: list[Cluster]


def _plan(
    site: Site,
    profiles: Mapping[str, Profile],
    every: Sequence[Commanded],
    grid: str | None,
    controllers: Sequence[Controller],
) -> _Plan:
    found = groups(site, every)
    return _Plan(
        sources=_sources(controllers),
        actuators=[*map(actuator, every), *map(group_actuator, found)],
        guards=guards(site, profiles, every, found, grid, controllers),
        groups=found,
        clusters=list(map(cluster, found)),
    )


def grid_meter(profiles: Mapping[str, Profile], controllers: Sequence[Controller]) -> str | None:
    """The meter that a controller calls ``grid``; else the first meter of the site file."""
    for controller in controllers:
        grid = controller.settings.references().get("grid")
        if grid is not None:
            return str(grid)
    return next((component_id for component_id, profile in profiles.items() if profile.kind == "meter"), None)


def _rows(
    site: Site, profiles: Mapping[str, Profile], controllers: Sequence[Controller], found: Sequence[Group]
) -> list[Channel]:
    rows: list[Channel] = []
    for component in site.components:
        rows.extend(device_channels(component, profiles[component.id]))
    if follows_schedule(controllers):
        batteries = [component for component, profile in profiles.items() if profile.kind == "ess"]
        rows.extend(schedule_channels(batteries, site.cycle.period_s))
    totals = group_channels({group.target: group.unit for group in found})
    rows += [*estimate_channels(site), *connection_channels(site), *virtual_channels(controllers)]
    rows += [*shadow_channels(site), *totals, *grid_value_channels(), *outside_channels(site)]
    return [*rows, *price_channels(site)]


def _cycle(
    image: ProcessImage, site: Site, plan: _Plan, clock: Clock, desks: Sequence[tuple[list[int], list[int]]] = ()
) -> Cycle:
    return Cycle(
        image,
        period_s=site.cycle.period_s,
        sources=plan.sources,
        actuators=plan.actuators,
        guards=plan.guards,
        clock=clock,
        propose_share=site.cycle.propose_deadline,
        desks=desks,
        clusters=plan.clusters,
    )


def _metrics(controller: Controller, image: ProcessImage) -> list[int]:
    """Handles of the channels that a controller publishes itself."""
    return [image.handle(f"{controller.id}/{metric.name}") for metric in controller.spec.metrics]


def _sources(controllers: Sequence[Controller]) -> list[Source]:
    """Number 0 is the manual source; controller ``n`` is number ``n + 1``."""
    rest = [Source(controller.id, int(controller.spec.priority)) for controller in controllers]
    return [Source(MANUAL_SOURCE, int(Priority.MANUAL)), *rest]
