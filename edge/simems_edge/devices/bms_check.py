"""A battery management system that stands apart from the inverter: is it there, and does it say what guards need?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simems_edge.config import Component, Problem, Site
from simems_edge.config.document import Document
from simems_edge.config.problem import Path
from simems_edge.devices.profile import Profile, ProfileError, load_profile

NEEDED: Final = {"max_charge_power_w": "W", "max_discharge_power_w": "W", "soc_pct": "%"}
"""Channels of a BMS, and their units."""


def bms_problems(site: Site, document: Document) -> Iterator[Problem]:
    """Of every component with ``bms``."""
    components = {component.id: component for component in site.components}
    for position, component in enumerate(site.components):
        if component.bms is not None:
            path: Path = ("components", position, "bms")
            yield from _fits(document, path, component, components.get(component.bms))


def _fits(document: Document, path: Path, battery: Component, bms: Component | None) -> Iterator[Problem]:
    profile, own = None if bms is None else profile_of(bms), profile_of(battery)
    if bms is None or bms.id == battery.id:
        yield document.problem(path, "is no other component of this site", "name the component of the BMS")
    elif own is not None and own.kind != "ess":
        message = f"belongs to a battery, but {battery.id!r} is of kind {own.kind}"
        yield document.problem(path, message, "remove it")
    elif profile is not None:
        units = {row.name: row.unit for row in profile.channels if row.readable}
        lacking = [name for name, unit in NEEDED.items() if units.get(name) != unit]
        if lacking:
            message = f"says too little: profile {profile.id} does not read {', '.join(lacking)}"
            yield document.problem(path, message, "use a profile that reads them, or remove it")


def profile_of(component: Component) -> Profile | None:
    """None when it cannot be used; said where the profile is named."""
    try:
        return load_profile(component.profile)
    except ProfileError:
        return None
