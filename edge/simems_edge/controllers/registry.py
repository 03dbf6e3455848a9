"""Finds controller types (entry point group ``simems.controllers``) and builds the ones that a site file lists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from pydantic import ValidationError

from simems_edge.config import ControllerEntry, Site
from simems_edge.contracts import Controller, ControllerSettings
from simems_edge.devices import load_profile

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
    """Import one controller type. A package that fails harms only the sites that use it. Raises ControllerError."""
    point = installed().get(name)
    if point is None:
        raise ControllerError(f"{name!r} is no controller type; use one of {', '.join(sorted(installed()))}")
    try:
        found = point.load()
    except Exception as error:  # a foreign package may fail in any way
        raise ControllerError(f"controller type {name!r} cannot be loaded: {error}; reinstall {point.value}") from error
    if not (isinstance(found, type) and issubclass(found, Controller)):
        raise ControllerError(f"controller type {name!r}: {point.value} is no Controller")
    return found


def build_controllers(site: Site) -> list[Controller]:
    """In the site file's order. Raises ControllerError for the first entry that cannot be used."""
    kinds = {component.id: load_profile(component.profile).kind for component in site.components}
    return [_build(entry, kinds) for entry in site.controllers]


def _build(entry: ControllerEntry, kinds: Mapping[str, str]) -> Controller:
    kind = load_type(entry.type)
    try:
        settings = kind.Settings.model_validate(entry.settings)
    except ValidationError as error:
        raise ControllerError(f"{entry.id}: {error}") from error
    _check_references(entry.id, settings, kinds)
    return kind(entry.id, settings)


def _check_references(controller_id: str, settings: ControllerSettings, kinds: Mapping[str, str]) -> None:
    for name, ref in settings.references().items():
        if kinds.get(ref) != ref.kind:
            found = f"a {kinds[ref]}" if ref in kinds else "no component of this site"
            raise ControllerError(f"{controller_id}.{name}: {str(ref)!r} is {found}; name a {ref.kind}")
