"""The newest commands of a tenant, whatever the site."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0018_commands_of_all_sites"
down_revision = "r0017_commands"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
