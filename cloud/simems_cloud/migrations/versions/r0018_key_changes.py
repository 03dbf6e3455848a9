"""Command keys that follow one another, claims by signature, and revoked keys that nobody can announce."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0018_key_changes"
down_revision = "r0017_commands"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
