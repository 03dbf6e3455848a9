"""Run one SQL file of a revision, as it stands, over the driver's own connection."""

from __future__ import annotations

from importlib.resources import files

import psycopg
from alembic import op


def run_file(name: str) -> None:
    """A file of this package."""
    run_text((files("simems_cloud.migrations") / "versions" / name).read_text())


def run_text(text: str) -> None:
    """No parameter style of a layer in between reads the text; it stays in alembic's transaction."""
    raw = op.get_bind().connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError(f"migrations run over psycopg, not {type(raw).__name__}")
    raw.execute(text.encode())
