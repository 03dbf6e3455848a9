"""Rate limits: token buckets, one count for all API processes."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0006_rates"
down_revision = "r0005_tenancy"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
