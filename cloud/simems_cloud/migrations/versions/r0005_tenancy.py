"""Deleting a tenant: in bounded batches, by a role that may do only that, only where deletion was confirmed."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0005_tenancy"
down_revision = "r0004_organisation"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
