"""Writes the OpenAPI document that the screens' types are generated from: ``python -m simems_edge.hmi.openapi``."""

from __future__ import annotations

import json
import sys

from simems_edge.hmi.app import create_app


def document() -> str:
    """The document as it is kept in ``docs/edge-openapi.json``."""
    return json.dumps(create_app(None).openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
