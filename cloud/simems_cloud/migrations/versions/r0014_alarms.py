"""Alarm rules, silences, the history of each alarm; notifications of it by e-mail and webhook."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0014_alarms"
down_revision = "r0013_jobs"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
