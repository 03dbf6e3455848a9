"""``simems-edge replay``: recorded inputs through the runtime, open loop."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.site_file import checked_site
from simems_edge.replay import replay
from simems_edge.replay.table import whole_file
from simems_edge.schedule import read_schedule

EXAMPLES = """
\b
Examples:
  simems-edge replay site.yaml input.csv -o output.csv
  simems-edge replay site.yaml input.csv -o output.csv --actions actions.csv
  simems-edge replay site.yaml input.csv -o output.csv --schedule schedule.json

\b
INPUT.csv: time_s (strictly rising; one row is one cycle) and one column per channel address.
An empty cell is no new value; nan is what the device said.
ACTIONS.csv: time_s,action,target,value,duration_s. Actions: override and clear_override of an actuator,
clear_fault of a code, set_mode (target AUTO, PEAK_SHAVING, ..., STANDBY, RUN, ISLAND), estop (value 1 or 0).
OUTPUT.csv ends with state, control_mode and faults (codes joined by ;).
"""
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=FILE)
@click.argument("input_file", metavar="INPUT.csv", type=FILE)
@click.option("-o", "--output", metavar="OUTPUT.csv", required=True, type=FILE, help="CSV to write.")
@click.option("--actions", metavar="ACTIONS.csv", type=FILE, help="What persons do, as CSV.")
@click.option("--schedule", "schedule_file", metavar="SCHEDULE.json", type=FILE, help="Schedule to follow.")
@json_option
def command(
    *,
    site_file: Path,
    input_file: Path,
    output: Path,
    actions: Path | None,
    schedule_file: Path | None,
    as_json: bool,
) -> None:
    """Show what a site's runtime decides on recorded inputs. Same input, same bytes out."""
    site = checked_site(site_file)
    schedule = None if schedule_file is None else read_schedule(schedule_file, site)
    with whole_file(output) as stream:
        cycles = replay(site, input_file, stream, actions_path=actions, schedule=schedule, progress=_progress)
    if as_json:
        print_json({"output": str(output), "cycles": cycles})
    else:
        click.echo(f"{cycles} cycles written to {output}")


def _progress(done: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} cycles ", nl=False, err=True)
