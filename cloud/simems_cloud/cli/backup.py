"""``simems-cloud backup``."""

from __future__ import annotations

from pathlib import Path

import click

from simems_cloud.cli.failing import BadInputError
from simems_cloud.cli.output import as_json, show_one
from simems_cloud.kit.postgres.access import database_access, own_server
from simems_cloud.kit.postgres.backup import take
from simems_cloud.kit.settings import Settings, from_environment

OWN = (
    "SIMEMS_DATABASE_URL is set: that server is not ours to back up; use its own tools, "
    "see docs/operations/backup.md, and keep the folder `secrets` of the data folder with it"
)


@click.command("backup", epilog="Example: SIMEMS_BACKUP_DIR=/mnt/backup simems-cloud backup")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Instead of SIMEMS_BACKUP_DIR.")
@as_json
def command(output: Path | None, json_wanted: bool) -> None:
    """A base backup of the own PostgreSQL with the secrets that belong to it, while everything runs."""
    settings = from_environment()
    target = output or settings.backup_dir
    if settings.database_url is not None:
        raise BadInputError(OWN)
    if target is None:
        raise BadInputError("--output: where to? name a folder, or set SIMEMS_BACKUP_DIR")
    made = _take(settings, target.expanduser().absolute())
    show_one(made, json_wanted=json_wanted)


def _take(settings: Settings, target: Path) -> dict[str, object]:
    with database_access(settings) as access:
        made = take(access.server or own_server(settings), target)
    any_moment = settings.backup_dir is not None and target == settings.backup_dir
    return {
        "backup": str(made.folder),
        "taken_at": made.taken_at.isoformat(timespec="milliseconds"),
        "bytes": made.bytes,
        "restores": "any moment from then on" if any_moment else "that moment only",
    }
