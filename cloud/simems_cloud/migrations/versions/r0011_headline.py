"""The channels of the fleet overview are found by an index of their own."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0011_headline"
down_revision = "r0010_registry"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
