"""SQL in named blocks (``-- name: what_it_does``), loaded once from the ``queries.sql`` beside the caller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_BLOCK = re.compile(r"^-- name: (\w+)[^\n]*\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def load_queries(package: str) -> Mapping[str, str]:
    """All named blocks of ``package``/queries.sql. Raises ValueError when a name stands twice."""
    blocks = parse_queries((files(package) / "queries.sql").read_text())
    return MappingProxyType(blocks)


def parse_queries(text: str) -> dict[str, str]:
    queries: dict[str, str] = {}
    for name, body in _BLOCK.findall(text):
        if name in queries:
            raise ValueError(f"query {name} is named twice")
        queries[name] = body.strip()
    return queries
