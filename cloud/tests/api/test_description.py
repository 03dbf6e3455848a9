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
