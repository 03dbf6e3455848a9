"""Roles and grants, sessions, second factors, invitations, API tokens, single sign-on, answers kept for repeats."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0003_identity"
down_revision = "r0002_audit"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
