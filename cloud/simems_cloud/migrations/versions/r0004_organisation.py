"""The organisation's tree (ltree), access inherited down it, facts about sites."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0004_organisation"
down_revision = "r0003_identity"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
