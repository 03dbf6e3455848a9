"""The device registry: what devices are, their configurations, what stood where and when; channels with metadata."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0010_registry"
down_revision = "r0009_names"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
