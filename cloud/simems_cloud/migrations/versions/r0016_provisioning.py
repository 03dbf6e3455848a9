"""Boxes that are taken in by a claim code, and keys that change."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0016_provisioning"
down_revision = "r0015_reports"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
