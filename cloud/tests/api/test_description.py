"""The description tells the truth: OpenAPI 3.1, examples for every body, errors as problems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from simems_cloud.api.app import create_app
from simems_cloud.kit.settings import Settings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings(data_dir=Path("/nonexistent")), "postgresql://").openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def test_errors_are_problems_in_their_own_media_type(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], name


def test_every_body_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            if media != "application/json":
                continue
            schema = resolved(document, content["schema"])
            assert schema.get("examples"), name
            for example in schema["examples"]:
                whole = schema | {"components": document["components"]}
                jsonschema.validate(example, whole, jsonschema.Draft202012Validator)


def test_every_operation_has_an_example_that_fits(document: dict[str, Any]) -> None:
    """Of what is sent, of what comes back, or at least of how it is addressed."""
    for name, operation in operations(document):
        shown = list(_shown(document, operation))
        plain = name.startswith("GET /") and not name.startswith("GET /api")
        assert shown or plain or name == "POST /api/v1/auth/sign-out", name
        for example, schema in shown:
            whole = schema | {"components": document["components"]}
            jsonschema.validate(example, whole, jsonschema.Draft202012Validator)


def _shown(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    for parameter in operation.get("parameters", []):
        if "example" in parameter:
            yield parameter["example"], parameter["schema"]
    good = [answer for status, answer in operation["responses"].items() if int(status) < 300]
    for part in (operation.get("requestBody", {}), *good):
        for content in part.get("content", {}).values():
            schema = resolved(document, content.get("schema", {}))
            if "example" in content:
                yield content["example"], schema
            yield from ((example, schema) for example in schema.get("examples", []))


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    identities = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(identities)) == len(identities)
    for name, operation in operations(document):
        if name.startswith(("GET /api", "POST /api", "PUT /api", "PATCH /api", "DELETE /api")):
            assert operation.get("description"), name


def test_what_is_edited_takes_the_version_that_was_seen(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if name.startswith(("PUT", "PATCH")):
            assert "If-Match" in [p["name"] for p in operation.get("parameters", [])], name
