"""JSON from devices: parsed with suspicion, looked into by pointers (RFC 6901). Pure."""

from __future__ import annotations

import json
import math
import re
from typing import Final

from simems_edge.contracts.interfaces import ValueKind
from simems_edge.devices.content_points import JsonPoint
from simems_edge.devices.numbers import scaled

MISSING: Final = object()
"""Nothing stands there."""
_NUMBER: Final = re.compile(r"^[+-]?\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,3})?$", re.ASCII)


class ContentError(ValueError):
    """What a device sent is not what it should be; the message says why, without the content."""


def parse_json(data: bytes) -> object:
    """Raises :class:`ContentError` for anything but JSON in UTF-8 without NaN and infinity."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise ContentError("is no text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ContentError(f"is no JSON ({type(error).__name__})") from error


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def at_pointer(document: object, pointer: str) -> object:
    """What stands at an RFC 6901 pointer; :data:`MISSING` when nothing does."""
    found = document
    for token in pointer.split("/")[1:]:
        found = _step(found, token.replace("~1", "/").replace("~0", "~"))
    return found


def _step(found: object, token: str) -> object:
    if isinstance(found, dict):
        return found.get(token, MISSING)
    if isinstance(found, list) and token.isascii() and token.isdecimal() and len(token) <= 6:
        position = int(token)
        return found[position] if position < len(found) else MISSING
    return MISSING


def json_number(point: JsonPoint, kind: ValueKind, document: object) -> float | None:
    """The point's value in the channel's unit and our sign; None when it is missing, of another type or not finite."""
    raw = at_pointer(document, point.pointer)
    if raw is None:
        return point.null_is
    number = _number(point, kind, raw)
    if number is None or not math.isfinite(number) or number in point.invalid:
        return None
    value = scaled(number, point.scale) * point.sign + 0.0
    return value if math.isfinite(value) else None


def _number(point: JsonPoint, kind: ValueKind, raw: object) -> float | None:
    if isinstance(raw, bool):
        return float(raw) if kind == "bool" else _named(point, str(raw).lower())
    if isinstance(raw, str):
        named = _named(point, raw)
        return float(raw) if named is None and point.number_text and _NUMBER.match(raw) else named
    if isinstance(raw, int | float):
        named = _named(point, str(raw)) if point.values else None
        return _float(raw) if named is None else named
    return None


def _named(point: JsonPoint, text: str) -> float | None:
    found = point.values.get(text)
    return None if found is None else float(found)


def _float(number: float) -> float | None:
    try:
        return float(number)
    except OverflowError:
        return None
