"""Signing keys that change with the device's key, names at a broker that stay, and spent keys that never come back."""

from __future__ import annotations

from simems_cloud.migrations.steps import run_file

revision = "r0020_signing_keys_change"
down_revision = "r0019_key_changes"


def upgrade() -> None:
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
