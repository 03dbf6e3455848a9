"""An example for every body that has none of its own: realistic by a field's name, plain by its type; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AN_ID = "7f1c3e0e-6f5e-4a43-9d0c-0f6f6c1b0b5e"
A_TIME, A_DATE = "2026-03-01T10:00:00Z", "2026-03-01"
BY_NAME: dict[str, Any] = {
    "access_token": "eyJhbGciOi...",
    "active_alarms": 1,
    "address": "grid0/active_power_w",
    "capacity_wh": 120_000.0,
    "charge_wh": 41_200.0,
    "code": "ess_too_warm",
    "component": "ess0",
    "control_mode": "PEAK_SHAVING",
    "currency": "SEK",
    "cycle": 864_000,
    "discharge_wh": 38_900.0,
    "email": "ada@example.com",
    "energy_wh": 412_000.0,
    "ess_power_w": 12_000.0,
    "expires_in": 28_800,
    "export_limit_w": 50_000.0,
    "export_wh": 96_300.0,
    "grid_power_w": 48_000.0,
    "import_limit_w": 100_000.0,
    "import_wh": 811_500.0,
    "kind": "ess",
    "load_power_w": 71_000.0,
    "load_wh": 1_203_000.0,
    "name": "Malmö Harbour",
    "origin": "edge",
    "grant_type": "password",
    "password": "correct horse battery",
    "username": "ada@example.com",
    "path": "1b671a6440d5491e99b0da01ff1f3341",
    "peak_import_w": 58_400.0,
    "profile": "sunspec_storage",
    "pv_power_w": 11_000.0,
    "pv_wh": 498_000.0,
    "public_key": "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "quality": "good",
    "refresh_token": "simems_refresh_...",
    "resolution": 1.0,
    "resolution_s": 900.0,
    "role": "fleet_manager",
    "roles": ["fleet_manager"],
    "self_sufficiency_pct": 32.5,
    "site_id": "malmo-1",
    "soc_pct": 64.2,
    "software": "0.1.0",
    "state": "RUN",
    "status": "ok",
    "text": "The battery is too warm",
    "time_zone": "Europe/Stockholm",
    "unit": "W",
    "value": 48_000.0,
}
PARAMETERS: dict[str, Any] = {
    "site_id": "malmo-1",
    "role": "night-shift",
    "job_id": 812,
    "form": "pdf",
    "channel": ["grid0/active_power_w"],
    "from": "2026-03-01T00:00:00+01:00",
    "to": "2026-03-02T00:00:00+01:00",
    "If-Match": '"1"',
    "Idempotency-Key": "5f0c2c8e-1c1f-4f36-8f3e-3c8f0a4b7a11",
}
BY_FORMAT = {"uuid": AN_ID, "date-time": A_TIME, "date": A_DATE, "time": "22:00:00", "uri": "https://id.example.com"}
PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "null": None}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "") -> Any:  # noqa: ANN401 - any JSON
    """Valid for ``schema``, whose references stand in ``schemas``; ``name``: of the field it stands in."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if schema.get("examples"):
        return _completed(schema["examples"][0], schema, schemas)
    for known in ("const", "default"):
        if schema.get(known) is not None:
            return schema[known]
    if "enum" in schema:
        return BY_NAME[name] if BY_NAME.get(name) in schema["enum"] else schema["enum"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas, name)
    return _by_type(schema, schemas, name)


def _completed(example: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Written for a request, shown in an answer: what may be left out in one is there in the other."""
    if "$ref" in schema:
        return _completed(example, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if isinstance(example, list):
        return [_completed(item, schema.get("items", {}), schemas) for item in example]
    fields = schema.get("properties")
    if not isinstance(example, dict) or fields is None:
        return example
    missing = [name for name in schema.get("required", []) if name not in example]
    known = {name: _completed(value, fields.get(name, {}), schemas) for name, value in example.items()}
    return known | {name: example_of(fields[name], schemas, name) for name in missing}


def _by_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON
    kind = schema.get("type", "object")
    if kind == "object":
        return _object(schema, schemas)
    if kind == "array":
        return _list(schema, schemas, name)
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    known = BY_NAME.get(name)
    fits = {"string": str, "integer": int, "number": float}.get(kind)
    return known if fits is not None and isinstance(known, fits) else PLAIN[kind]


def _list(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str) -> list[Any]:
    known = BY_NAME.get(name)
    if isinstance(known, list):
        return known
    if "prefixItems" in schema:
        return [example_of(item, schemas, name) for item in schema["prefixItems"]]
    return [example_of(schema["items"], schemas, name)] * max(1, schema.get("minItems", 1)) if "items" in schema else []


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema.get("properties")
    if fields is not None:
        return {name: example_of(field, schemas, name) for name, field in fields.items()}
    inner = schema.get("additionalProperties")
    return {"grid0/active_power_w": example_of(inner, schemas, "value")} if isinstance(inner, dict) else {}


def parameter_example(parameter: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    if parameter["name"] in PARAMETERS:
        return PARAMETERS[parameter["name"]]
    return example_of(parameter["schema"], schemas, parameter["name"])
