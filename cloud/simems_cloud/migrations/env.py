"""alembic's entry: one psycopg connection, one advisory lock, one transaction, as the owner role."""

from __future__ import annotations

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool, text

from simems_cloud.migrations.roles import OWNER

_LOCK = 7_700_001
_url: str = context.config.attributes["url"]
_engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(_url), poolclass=pool.NullPool)

with _engine.connect() as connection:
    connection.execute(text(f"set role {OWNER}"))
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    context.configure(connection=connection, transactional_ddl=True)
    context.run_migrations()
    connection.commit()
