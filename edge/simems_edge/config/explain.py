"""pydantic's errors as problems: line, path, value, what is wrong and what to do."""

import difflib
from collections.abc import Iterator
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from simems_edge.config.document import Document
from simems_edge.config.problem import Path, Problem

_BY_FIELD: Final = {
    "id": "use lower-case letters, digits, '-' and '_', beginning with a letter",
    "type": "use the name of a controller type, e.g. peak_shaving",
    "time_zone": "use an IANA name, e.g. Europe/Stockholm",
    "currency": "use the three capital letters of ISO 4217, e.g. SEK",
    "endpoint": "write it as tcp://HOST:PORT",
    "server_key": "paste the 40 characters of the cloud's public key",
    "host": "use a host name or an IP address",
    "port": "use a port number between 1 and 65535",
    "unit": "use the Modbus unit id, 0 to 255 (RTU: 1 to 247)",
    "profile": "use the name of a profile, see `simems-edge schema profile`",
    "modbus_tcp": "add modbus_tcp: {host: ..., port: ..., unit: ...}",
    "url": "write it as http://HOST or https://HOST:PORT",
    "topic": "name one topic without wildcards, e.g. zigbee2mqtt/main_meter",
    "channel": "name the interface, e.g. can0",
    "http": "add http: {url: http://HOST}",
    "mqtt": "add mqtt: {topic: ...}",
    "can": "add can: {channel: can0}",
    "sets": "use import_limit, export_limit, dimming_limit or component/channel",
    "device": "name the serial device, e.g. /dev/ttyUSB0",
    "connection": "add connection: {modbus_tcp: {host: ..., port: ..., unit: ...}}",
    "components": "list at least one component, each with id, profile and connection",
    "site": "add site: {id: ..., time_zone: ..., currency: ..., grid: {...}}",
    "grid": "add grid: {import_limit_w: ..., export_limit_w: ...}",
    "import_limit_w": "give the import limit of the connection, e.g. 100 kW",
    "export_limit_w": "give the export limit of the connection, e.g. 50 kW",
}
_TYPES: Final = {
    "string_type": ("must be text", "write text; put numbers in quotes"),
    "int_type": ("must be a whole number", "write a whole number without quotes"),
    "int_from_float": ("must be a whole number", "write a whole number without quotes"),
    "float_type": ("must be a number", "write a number without quotes"),
    "bool_type": ("must be true or false", "write true or false"),
    "tuple_type": ("must be a list", "begin each item with '- ', or write [item, item]"),
    "dict_type": ("must be a section of keys and values", "write it as 'key: value' lines"),
    "model_type": ("must be a section of keys and values", "write it as 'key: value' lines"),
    "model_attributes_type": ("must be a section of keys and values", "write it as 'key: value' lines"),
    "too_short": ("has too few items", "add what is missing"),
    "too_long": ("has too many items", "remove some"),
    "finite_number": ("must be a finite number", "write a number"),
}
_LIMITS: Final = {
    "greater_than": ("gt", "must be greater than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}


def explain(document: Document, error: ValidationError, model: type[BaseModel], prefix: Path = ()) -> list[Problem]:
    """Every error of ``error``, raised by ``model`` for what stands at ``prefix`` of the document."""
    return [_problem(document, details, model, prefix) for details in error.errors(include_url=False)]


def _problem(document: Document, details: ErrorDetails, model: type[BaseModel], prefix: Path) -> Problem:
    path: Path = (*prefix, *details["loc"])
    if details["type"] == "extra_forbidden":
        return _unknown_key(document, path, known_keys(model, details["loc"][:-1]))
    if details["type"] == "missing":
        return document.missing(path, _field_remedy(path, f"add '{path[-1]}: ...' here"))
    return document.problem(path, *_what(details, path))


def _what(details: ErrorDetails, path: Path) -> tuple[str, str]:
    kind, context = details["type"], details.get("ctx", {})
    if kind in {"too_short", "too_long"}:
        return _TYPES[kind][0], _field_remedy(path, _TYPES[kind][1])
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in _LIMITS:
        bound, text = _LIMITS[kind]
        return f"{text} {context[bound]:g}", _field_remedy(
            path, f"use a value that is {text.removeprefix('must be ')} {context[bound]:g}"
        )
    if kind == "value_error":
        message, _, remedy = str(context.get("error", details["msg"])).partition("; ")
        return message, remedy or _field_remedy(path, "correct the value")
    return _message(details), _field_remedy(path, "correct the value")


def _message(details: ErrorDetails) -> str:
    if details["type"] == "string_pattern_mismatch":
        return "is not written as it must be"
    return details["msg"][:1].lower() + details["msg"][1:]


def _field_remedy(path: Path, otherwise: str) -> str:
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    return _BY_FIELD.get(name, otherwise)


def _unknown_key(document: Document, path: Path, known: list[str]) -> Problem:
    key = str(path[-1])
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    remedy = f"did you mean {close[0]!r}?" if close else f"remove it; known here are {', '.join(known) or 'no keys'}"
    return document.problem(path, "is not a known key", remedy, value=repr(key[:40]))


def known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Keys that the section at ``loc`` below ``model`` may have."""
    found: type[BaseModel] | None = model
    for part in loc:
        if isinstance(part, str) and found is not None and (annotation := _annotation(found, part)) is not None:
            found = next(_models_in(annotation), None)
    return [] if found is None else [field.alias or name for name, field in found.model_fields.items()]


def _annotation(model: type[BaseModel], key: str) -> Any:  # noqa: ANN401 - a type
    return next((f.annotation for name, f in model.model_fields.items() if key in {name, f.alias}), None)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in get_args(annotation):
        yield from _models_in(argument)
