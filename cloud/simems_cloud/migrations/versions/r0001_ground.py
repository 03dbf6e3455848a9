"""Tenants, people, sites, devices, telemetry with rollups, alarms, audit."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0001_ground"
down_revision = None


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
