"""How long each tenant keeps its values, and exports as jobs that can be followed."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0008_keeping"
down_revision = "r0007_telemetry"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
