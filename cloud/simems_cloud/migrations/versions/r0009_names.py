"""The tables that billing, carbon and commands will fill, and events as one view."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0009_names"
down_revision = "r0008_keeping"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
