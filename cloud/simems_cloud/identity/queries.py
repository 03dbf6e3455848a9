"""The named SQL of this room, loaded once."""

from __future__ import annotations

from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.identity")
