"""The OpenAPI description as it is true: errors are problems in their own media type, wrong input included."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from simems_cloud.api.examples import example_of, parameter_example
from simems_cloud.kit.problems import MEDIA_TYPE

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_EXAMPLE = {
    "type": "about:blank",
    "title": "Not found",
    "status": 404,
    "detail": "no site 'malmo-1'",
}


def install(app: FastAPI) -> None:
    """Made once, when first asked for."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign] # FastAPI's own way to extend it


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"]["examples"] = [_EXAMPLE]
    _exemplify(schemas)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _answers(path, method, operation)
            _examples(operation, schemas)
    return document


def _answers(path: str, method: str, operation: dict[str, Any]) -> None:
    """Those that any operation of its kind may give; every error is a problem in its own media type."""
    answers = operation["responses"]
    if path.startswith("/api/"):
        expected = {"503": "Not available", "422": "Invalid request"}
        if operation.get("security"):
            expected |= {"401": "Not signed in", "403": "Not allowed"}
        if method not in ("get", "head"):
            expected |= {"429": "Too many attempts"}
        if "{" in path:
            expected |= {"404": "Not found"}
        for status, text in expected.items():
            answers.setdefault(status, {"description": text})
    for status, answer in answers.items():
        if int(status) >= 400:
            answer["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
    operation["responses"] = dict(sorted(answers.items()))


def _exemplify(schemas: dict[str, Any]) -> None:
    """Bodies of one's own come first: they are used inside of others."""
    for name in sorted(schemas):
        schema = schemas[name]
        if schema.get("type") == "object":
            schema["examples"] = [example_of(schema, schemas)]


def _examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] in ("path", "header") or parameter.get("required"):
            parameter.setdefault("example", parameter_example(parameter, schemas))
    for answer in operation["responses"].values():
        for media in answer.get("content", {}).values():
            schema = media.get("schema", {})
            if schema and "$ref" not in schema:
                media.setdefault("example", example_of(schema, schemas))
