"""The settings of a controller as data: what may be written in a site file, in which unit and range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from simems_edge.config.quantities import dimension_of
from simems_edge.contracts import ChannelRef, Controller, DeviceRef


@dataclass(frozen=True)
class Setting:
    """One key of a controller's entry in the site file."""

    name: str
    unit: str
    """Base unit, empty for what has none."""
    values: str
    """Range or choice in words: ``>= 0``, ``0 .. 100``, ``a meter``, ``yes or no``."""
    default: str
    """As written in the site file; empty when the setting must be given."""
    text: str


def settings_of(kind: type[Controller]) -> list[Setting]:
    """In the order of their definition, inherited ones first."""
    return [_setting(name, field) for name, field in kind.Settings.model_fields.items()]


def _setting(name: str, field: FieldInfo) -> Setting:
    default = "" if field.default is PydanticUndefined else _written(field.default)
    text = " ".join((field.description or _reference_text(field.annotation)).split())
    return Setting(name, dimension_of(name) or "", _values(field), default, text)


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return "empty list" if not value else ", ".join(map(_written, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(field: FieldInfo) -> str:
    parts = [field.annotation, *_parts(field.annotation), *field.metadata]
    classes = [part for part in parts if isinstance(part, type)]
    reference = next((one for one in classes if issubclass(one, DeviceRef)), None)
    model = next((one for one in classes if issubclass(one, BaseModel)), None)
    many = "list of " if any(get_origin(part) is tuple for part in parts) else ""
    if reference is not None:
        return f"{many}{reference.kind}" if many else _article(reference.kind)
    if model is not None:
        return f"{many}{{{', '.join(model.model_fields)}}}"
    if ChannelRef in classes:
        return f"{many}channels" if many else "a channel"
    if bool in classes:
        return "yes or no"
    return _choices(parts) or _range(parts)


def _parts(annotation: object) -> Iterator[object]:
    """All that an annotation is made of: members of unions, of lists, and what is annotated to them."""
    for one in () if get_origin(annotation) is Literal else get_args(annotation):
        yield one
        yield from _parts(one)


def _choices(parts: Iterable[object]) -> str:
    literals = (str(choice) for part in parts if get_origin(part) is Literal for choice in get_args(part))
    members = (str(one.value) for part in parts if isinstance(part, type) and issubclass(part, Enum) for one in part)
    return " or ".join([*literals, *members])


def _range(parts: Iterable[object]) -> str:
    rules = [rule for part in parts for rule in (part.metadata if isinstance(part, FieldInfo) else [part])]
    limits = (_limit(rule) for rule in rules)
    return ", ".join(dict.fromkeys(limit for limit in limits if limit))


def _limit(rule: object) -> str:
    if isinstance(rule, Ge):
        return f">= {_number(rule.ge)}"
    if isinstance(rule, Gt):
        return f"> {_number(rule.gt)}"
    if isinstance(rule, Le):
        return f"<= {_number(rule.le)}"
    return f"< {_number(rule.lt)}" if isinstance(rule, Lt) else ""


def _number(limit: object) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def _reference_text(annotation: object) -> str:
    kinds = (kind for kind in (annotation, *_parts(annotation)) if isinstance(kind, type))
    reference = next((kind for kind in kinds if issubclass(kind, DeviceRef)), None)
    return "" if reference is None else f"The {reference.kind} that it works with."


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
