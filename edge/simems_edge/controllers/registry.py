"""Finds controller types (entry point group ``simems.controllers``) and builds the ones that a site file lists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from pydantic import ValidationError

from simems_edge.config import ControllerEntry, Site
from simems_edge.contracts import Controller, ControllerSettings, SiteFacts
from simems_edge.controllers.trial import fault_on_import, is_foreign
from simems_edge.devices import Profile, load_profile

GROUP = "simems.controllers"


class ControllerError(ValueError):
    """An entry that no controller can be made of. `simems-edge check` says it with file and line."""


@lru_cache(maxsize=1)
def installed() -> dict[str, EntryPoint]:
    """Entry points of all controller packages by type name; nothing is imported."""
    return {point.name: point for point in entry_points(group=GROUP)}


def controller_types() -> dict[str, type[Controller]]:
    """Every installed controller by its type name."""
    return {name: load_type(name) for name in installed()}


def load_type(name: str) -> type[Controller]:
    """Import one controller type; a foreign one only when a process of its own survived that. A package that fails
    harms only the sites that use it. Raises ControllerError."""
    point = installed().get(name)
    if point is None:
        raise ControllerError(f"{name!r} is no controller type; use one of {', '.join(sorted(installed()))}")
    fault = fault_on_import(point.module) if is_foreign(point) else None
    if fault is not None:
        raise ControllerError(f"controller type {name!r} cannot be loaded: {fault}; reinstall {point.value}")
    try:
        found = point.load()
    except Exception as error:  # a foreign package may fail in any way
        raise ControllerError(f"controller type {name!r} cannot be loaded: {error}; reinstall {point.value}") from error
    if not (isinstance(found, type) and issubclass(found, Controller)):
        raise ControllerError(f"controller type {name!r}: {point.value} is no Controller")
    return found


def build_controllers(site: Site) -> list[Controller]:
    """In the site file's order, without shadows. Raises ControllerError for the first entry that cannot be used."""
    profiles = {component.id: load_profile(component.profile) for component in site.components}
    controllers = [_build(entry, profiles) for entry in site.controllers if entry.shadow is None]
    for controller in controllers:
        controller.site = site_facts(site)
    return controllers


def site_facts(site: Site) -> SiteFacts:
    """What controllers may know of the site as a whole."""
    info = site.site
    return SiteFacts(info.time_zone, info.currency, info.grid.import_limit_w, info.grid.export_limit_w)


def _build(entry: ControllerEntry, profiles: Mapping[str, Profile]) -> Controller:
    kind = load_type(entry.type)
    try:
        settings = kind.Settings.model_validate(entry.settings)
    except ValidationError as error:
        raise ControllerError(f"{entry.id}: {error}") from error
    _check_references(entry.id, settings, {component: profile.kind for component, profile in profiles.items()})
    _check_channels(entry.id, settings, profiles)
    return kind(entry.id, settings)


def _check_references(controller_id: str, settings: ControllerSettings, kinds: Mapping[str, str]) -> None:
    for name, ref in settings.references().items():
        if kinds.get(ref) != ref.kind:
            found = f"a {kinds[ref]}" if ref in kinds else "no component of this site"
            raise ControllerError(f"{controller_id}.{name}: {str(ref)!r} is {found}; name a {ref.kind}")


def _check_channels(controller_id: str, settings: ControllerSettings, profiles: Mapping[str, Profile]) -> None:
    for name, ref in settings.channel_references().items():
        profile = profiles.get(ref.component)
        if profile is None:
            raise ControllerError(f"{controller_id}.{name}: {ref.component!r} is no component of this site; name one")
        readable = [*(row.name for row in profile.channels if row.readable), "communication"]
        if ref.partition("/")[2] not in readable:
            offered = ", ".join(readable)
            raise ControllerError(f"{controller_id}.{name}: {str(ref)!r} is no readable channel; use one of {offered}")
