"""Commands that are signed, sent and answered; the keys that sign them."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0017_commands"
down_revision = "r0016_provisioning"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
