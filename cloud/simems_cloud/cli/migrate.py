"""``simems-cloud migrate``."""

from __future__ import annotations

import click

from simems_cloud.cli.output import as_json, show_one
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import from_environment


@click.command("migrate", epilog="Example: SIMEMS_DATABASE_URL=postgresql://... simems-cloud migrate")
@as_json
def command(json_wanted: bool) -> None:
    """Make the roles and bring the tables to the newest revision; harmless when they are."""
    from simems_cloud.migrations.run import upgrade  # noqa: PLC0415 - alembic is slow to import

    with database_access(from_environment()) as access:
        show_one({"revision": upgrade(access.admin_url, access.passwords)}, json_wanted=json_wanted)
