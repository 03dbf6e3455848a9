"""Bring a database to the newest revision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from simems_cloud.migrations.roles import prepare_roles

HERE = Path(__file__).parent


def upgrade(url: str, passwords: Mapping[str, str]) -> str:
    """Roles, then every missing revision, in one transaction. Returns the revision reached."""
    prepare_roles(url, passwords)
    command.upgrade(_config(url), "head")
    return newest()


def downgrade(url: str, revision: str = "base") -> None:
    command.downgrade(_config(url), revision)


def newest() -> str:
    head = ScriptDirectory.from_config(_config("postgresql://")).get_current_head()
    if head is None:
        raise RuntimeError("no migrations in this installation")
    return head


def current(url: str) -> str | None:
    """The revision a database is at; None when it was never migrated."""
    with psycopg.connect(url) as connection:
        present = connection.execute("select to_regclass('public.alembic_version') is not null").fetchone()
        if not (present and present[0]):
            return None
        row = connection.execute("select version_num from public.alembic_version").fetchone()
    return str(row[0]) if row else None


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["url"] = url
    return config
