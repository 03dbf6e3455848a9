"""Telemetry: frames as they come, blocks by channel and month, rollups with the energy of registers."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0007_telemetry"
down_revision = "r0006_rates"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
