"""``simems-cloud restore``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from simems_cloud.cli.backup import OWN
from simems_cloud.cli.failing import BadInputError
from simems_cloud.cli.output import as_json, show_one
from simems_cloud.kit.postgres.backup import restore
from simems_cloud.kit.postgres.server import Server
from simems_cloud.kit.settings import from_environment


@click.command(
    "restore",
    epilog="Example: simems-cloud restore /mnt/backup/base-20260301T020000Z --to 2026-03-01T09:59:00+01:00 --replace",
)
@click.argument("backup", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--to", "text", metavar="TIME", help="ISO 8601 with offset; without it: to the end of the archive.")
@click.option("--replace", is_flag=True, help="Move the data that are there aside.")
@as_json
def command(backup: Path, text: str | None, replace: bool, json_wanted: bool) -> None:
    """Bring BACKUP back into the data folder, with the changes archived since then. Nothing may be running."""
    settings = from_environment()
    if settings.database_url is not None:
        raise BadInputError(OWN)
    folder = backup.absolute()
    archive = folder.parent / "wal"
    wal = archive if archive.is_dir() and any(archive.iterdir()) else None
    reached = restore(Server(settings.data_dir), folder, wal, _time(text), replace=replace)
    show_one(
        {"restored": str(folder), "last_change_at": reached.isoformat(timespec="milliseconds")}, json_wanted=json_wanted
    )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(f"--to: {text!r}: not a time; write 2026-03-01T09:59:00+01:00") from error
    if moment.tzinfo is None:
        raise BadInputError(f"--to: {text!r}: without an offset; write 2026-03-01T09:59:00+01:00")
    return moment
