"""Finds controller types (entry point group ``simems.controllers``) and builds the ones that a site file lists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points

from pydantic import ValidationError

from simems_edge.config import ControllerEntry, Site
from simems_edge.contracts import Controller, ControllerSettings
from simems_edge.devices import load_profile

GROUP = "simems.controllers"


class ControllerError(ValueError):
    """An entry that no controller can be made of. `simems-edge check` says it with file and line."""


@lru_cache(maxsize=1)
def controller_types() -> dict[str, type[Controller]]:
    """Every installed controller by its type name."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}


def build_controllers(site: Site) -> list[Controller]:
    """In the site file's order. Raises ControllerError for the first entry that cannot be used."""
    kinds = {component.id: load_profile(component.profile).kind for component in site.components}
    return [_build(entry, kinds) for entry in site.controllers]


def _build(entry: ControllerEntry, kinds: Mapping[str, str]) -> Controller:
    kind = controller_types().get(entry.type)
    if kind is None:
        raise ControllerError(f"{entry.id}: {entry.type!r} is no controller type; use one of {_known()}")
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


def _known() -> str:
    return ", ".join(sorted(controller_types()))
