"""``simems-edge schedule``: the schedule that a site follows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from simems_edge.cli.data_folder import DEFAULT
from simems_edge.cli.errors import BadInputError, CommandError
from simems_edge.cli.output import json_option, print_json, print_table
from simems_edge.cli.site_file import checked_site
from simems_edge.schedule import Schedule, ScheduleStore, Slot, StoredScheduleError, read_schedule

EXAMPLES = """
\b
Examples:
  simems-edge schedule check site.yaml schedule.json
  simems-edge schedule load site.yaml schedule.json --data /var/lib/simems
  simems-edge schedule show --data /var/lib/simems
  simems-edge schedule remove --data /var/lib/simems

\b
A running edge takes a loaded schedule within a second. A file that is wrong leaves the old one.
Exit codes: 0 done; 1 no schedule is there (show); 2 a file or folder cannot be used.
"""
FILE = click.Path(path_type=Path, dir_okay=False)
data_option = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Check, load, show or remove the schedule that a site follows."""


@command.command("check", epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=FILE)
@click.argument("schedule_file", metavar="SCHEDULE.json", type=FILE)
@json_option
def check(*, site_file: Path, schedule_file: Path, as_json: bool) -> None:
    """Say everything that is wrong with a schedule."""
    _told("fine", read_schedule(schedule_file, checked_site(site_file)), as_json=as_json)


@command.command("load", epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=FILE)
@click.argument("schedule_file", metavar="SCHEDULE.json", type=FILE)
@data_option
@json_option
def load(*, site_file: Path, schedule_file: Path, data: Path, as_json: bool) -> None:
    """Check a schedule and put it into the data folder."""
    schedule = read_schedule(schedule_file, checked_site(site_file))
    try:
        ScheduleStore(data).save(schedule)
    except OSError as error:
        raise BadInputError(f"{data}: cannot be written ({error.strerror}); name the edge's data folder") from error
    _told("loaded", schedule, as_json=as_json)


@command.command("show", epilog=EXAMPLES)
@data_option
@json_option
def show(*, data: Path, as_json: bool) -> None:
    """Show the schedule of a data folder. Exit code 1 when there is none."""
    try:
        schedule = ScheduleStore(data).load()
    except StoredScheduleError as error:
        raise BadInputError(f"{data}: {error}") from error
    if schedule is None:
        raise CommandError(f"{data}: holds no schedule; load one with `simems-edge schedule load`")
    if as_json:
        print_json(schedule.model_dump(mode="json"))
        return
    now_s = datetime.now(UTC).timestamp()
    current = schedule.slot_at(now_s)
    print_table(("begin", "end", "mode", "grid limit", "now"), [_row(slot, current) for slot in schedule.slots])


@command.command("remove", epilog=EXAMPLES)
@data_option
@json_option
def remove(*, data: Path, as_json: bool) -> None:
    """Take the schedule away: controllers then take their fallback."""
    try:
        ScheduleStore(data).remove()
    except OSError as error:
        raise BadInputError(f"{data}: cannot be written ({error.strerror}); name the edge's data folder") from error
    if as_json:
        print_json({"ok": True})
    else:
        click.echo(f"{data}: no schedule")


def _row(slot: Slot, current: Slot | None) -> tuple[str, str, str, str, str]:
    limit = "" if slot.grid_limit_w is None else f"{slot.grid_limit_w / 1000.0:g} kW"
    return slot.begin.isoformat(), slot.end.isoformat(), slot.mode, limit, "now" if slot is current else ""


def _told(what: str, schedule: Schedule, *, as_json: bool) -> None:
    begin, end = schedule.slots[0].begin, datetime.fromtimestamp(schedule.end_s, UTC)
    if as_json:
        facts = {"id": schedule.id, "slots": len(schedule.slots), "begin": begin.isoformat(), "end": end.isoformat()}
        print_json({"ok": True, **facts})
    else:
        click.echo(f"{schedule.id}: {what} ({len(schedule.slots)} slots, {begin.isoformat()} to {end.isoformat()})")
