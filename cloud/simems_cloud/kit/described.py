"""How the models of the API are described."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict


def example(**fields: Any) -> ConfigDict:  # noqa: ANN401 - any JSON
    """A model's configuration: an example for the OpenAPI file, where an answer has all its fields."""
    return ConfigDict(json_schema_extra={"examples": [fields]}, json_schema_serialization_defaults_required=True)
