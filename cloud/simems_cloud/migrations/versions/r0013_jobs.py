"""Jobs: procrastinate's tables in a schema of their own, and the doors through which a tenant reaches its own jobs."""

from __future__ import annotations

from procrastinate.schema import SchemaManager

from simems_cloud.migrations.steps import run_file, run_text

revision = "r0013_jobs"
down_revision = "r0011_headline"


def upgrade() -> None:
    """The tables are those of the installed release; a later release brings a revision with its own steps."""
    run_text("create schema jobs; set local search_path = jobs")
    run_text(SchemaManager.get_schema())
    run_text("set local search_path to default")
    run_file(f"{revision}.up.sql")


def downgrade() -> None:
    run_file(f"{revision}.down.sql")
