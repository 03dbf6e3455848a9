"""Settings of a controller: checked by its own class, with quantities by the unit at the end of each name."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from simems_edge.config.document import Document
from simems_edge.config.explain import explain
from simems_edge.config.model import ControllerEntry
from simems_edge.config.problem import Path, Problem, path_text
from simems_edge.config.quantities import dimension_of, parse_quantity

SettingsT = TypeVar("SettingsT", bound=BaseModel)


def parse_settings(settings_class: type[SettingsT], raw: Mapping[str, object]) -> SettingsT:
    """``threshold_w: 60 kW`` -> ``threshold_w=60000.0``, then the class's own checks.

    Raises ValueError (pydantic's ValidationError among them) when they are not right.
    """
    return settings_class.model_validate({name: _base_unit(name, value) for name, value in raw.items()})


def _base_unit(name: str, value: object) -> object:
    dimension = dimension_of(name)
    if dimension is None or not isinstance(value, str):
        return value
    return parse_quantity(value, dimension)


def settings_problems(
    document: Document, position: int, entry: ControllerEntry, settings_class: type[BaseModel]
) -> list[Problem]:
    """What is wrong with the settings of controller number ``position`` of the file."""
    path: Path = ("controllers", position)
    raw, problems = dict(entry.settings), list[Problem]()
    for name, value in entry.settings.items():
        try:
            raw[name] = _base_unit(name, value)
        except ValueError as error:
            problems.append(document.problem((*path, name), *split_remedy(str(error))))
            raw[name] = 1.0
    try:
        settings_class.model_validate(raw)
    except ValidationError as error:
        found = explain(document, error, settings_class, path)
        problems += [problem for problem in found if not problems or problem.path != path_text(path)]
    return problems


def split_remedy(text: str) -> tuple[str, str]:
    """ "what is wrong; what to do" -> its two halves."""
    message, _, remedy = text.partition("; ")
    return message, remedy or "correct the value"
