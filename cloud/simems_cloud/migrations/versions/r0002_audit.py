"""The audit log: a hash chain per tenant that only grows; what the older table held is its beginning."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0002_audit"
down_revision = "r0001_ground"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
