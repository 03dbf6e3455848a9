"""Finds controller types (entry point group ``simems.controllers``) and builds the ones that a site file lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from simems_edge.config import ControllerEntry, Site
from simems_edge.contracts import Controller, ControllerSettings
from simems_edge.devices import load_profile

GROUP = "simems.controllers"


@dataclass(frozen=True)
class ControllerProblem:
    """One thing wrong with a controller's entry. ``path`` as in ``controllers[0].threshold_w``."""

    path: str
    value: object
    message: str


class ControllerError(ValueError):
    """Entries that no controller can be made of; ``problems`` says each."""

    def __init__(self, problems: list[ControllerProblem]) -> None:
        super().__init__("; ".join(f"{p.path}: {p.value!r}: {p.message}" for p in problems))
        self.problems = problems


@lru_cache(maxsize=1)
def controller_types() -> dict[str, type[Controller]]:
    """Every installed controller by its type name."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}


def build_controllers(site: Site) -> list[Controller]:
    """In the site file's order. Raises ControllerError with every problem found."""
    problems = controller_problems(site)
    if problems:
        raise ControllerError(problems)
    types = controller_types()
    return [types[e.type](e.id, types[e.type].Settings.model_validate(e.settings)) for e in site.controllers]


def controller_problems(site: Site) -> list[ControllerProblem]:
    """What is wrong with the controllers of a site file, all of it."""
    kinds = {component.id: load_profile(component.profile).kind for component in site.components}
    found: list[ControllerProblem] = []
    for number, entry in enumerate(site.controllers):
        found.extend(_problems(f"controllers[{number}]", entry, kinds))
    return found


def _problems(path: str, entry: ControllerEntry, kinds: dict[str, Any]) -> list[ControllerProblem]:
    kind = controller_types().get(entry.type)
    if kind is None:
        known = ", ".join(sorted(controller_types()))
        return [ControllerProblem(f"{path}.type", entry.type, f"is no controller type; use one of {known}")]
    try:
        settings = kind.Settings.model_validate(entry.settings)
    except ValidationError as error:
        return [_of_pydantic(path, problem) for problem in error.errors()]
    return _reference_problems(path, settings, kinds)


def _of_pydantic(path: str, error: Any) -> ControllerProblem:  # noqa: ANN401 - pydantic's ErrorDetails
    where = ".".join([path, *map(str, error["loc"])])
    message = str(error["msg"]).removeprefix("Value error, ")
    return ControllerProblem(where, None if error["type"] == "missing" else error["input"], message)


def _reference_problems(path: str, settings: ControllerSettings, kinds: dict[str, Any]) -> list[ControllerProblem]:
    found = []
    for name, ref in settings.references().items():
        if ref not in kinds:
            message = f"is no component of this site; use one of {', '.join(kinds)}"
            found.append(ControllerProblem(f"{path}.{name}", str(ref), message))
        elif kinds[ref] != ref.kind:
            message = f"is a {kinds[ref]}, but {name} must be a {ref.kind}"
            found.append(ControllerProblem(f"{path}.{name}", str(ref), message))
    return found
