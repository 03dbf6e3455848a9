"""Reports: what they are made from, the files, and the schedules that ask for them."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0015_reports"
down_revision = "r0014_alarms"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
