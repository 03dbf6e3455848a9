"""Several components at one unit: right for the parts of one device (a hybrid inverter's battery, PV and meter), wrong
for one device entered twice. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from simems_edge.config import Component, Problem, Site
from simems_edge.config.consistency import OWN
from simems_edge.config.document import Document
from simems_edge.config.problem import Path
from simems_edge.devices.profile import ProfileError, load_profile


def shared_unit_problems(site: Site, document: Document) -> Iterator[Problem]:
    """Components of other profiles at a unit that is taken (the same profile twice is said elsewhere)."""
    first: dict[tuple[str, str], Component] = {}
    for position, component in enumerate(site.components):
        connection = component.connection
        if connection.protocol in {"can", "mqtt"}:
            continue  # a bus and a broker carry many devices, told apart by their messages
        other = first.setdefault((connection.line, connection.place), component)
        if other.profile == component.profile or _parts_of_one(other.profile, component.profile):
            continue
        path: Path = ("components", position, "connection", connection.kind)
        message = f"is the device of component {other.id!r} already"
        remedy = OWN[connection.protocol]
        yield document.problem(path, message, remedy, value=connection.shown)


def _parts_of_one(one: str, other: str) -> bool:
    try:
        first, second = load_profile(one), load_profile(other)
    except ProfileError:
        return True  # said where the profile is named
    return first.device is not None and first.device == second.device and first.kind != second.kind
