"""`simems-edge replay`: recorded inputs through the runtime, open loop."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from simems_edge.cli.inputs import readable_site, refuse
from simems_edge.replay import ReplayError
from simems_edge.replay import replay as run_replay
from simems_edge.replay.table import whole_file

EXAMPLES = """\b
Examples:
  simems-edge replay site.yaml input.csv -o output.csv
  simems-edge replay site.yaml input.csv -o output.csv --actions actions.csv

\b
INPUT.csv: time_s (strictly rising; one row is one cycle) and one column per channel address.
An empty cell is no new value, nan is what the device said.
ACTIONS.csv: time_s,action,target,value,duration_s; action is override or clear_override.
"""


@click.command("replay", epilog=EXAMPLES)
@click.argument("site_yaml", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("input_csv", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="CSV to write.")
@click.option("--actions", type=click.Path(path_type=Path, dir_okay=False), help="What persons do, as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def replay(site_yaml: Path, input_csv: Path, output: Path, actions: Path | None, as_json: bool) -> None:
    """Show what the site's runtime decides on recorded inputs. Same input, same bytes out."""
    site = readable_site(site_yaml, as_json=as_json)
    rows = 0

    def progress(done: int) -> None:
        nonlocal rows
        rows = done
        if sys.stderr.isatty():
            click.echo(f"\r{done} cycles", nl=False, err=True)

    try:
        with whole_file(output) as stream:
            run_replay(site, input_csv, stream, actions_path=actions, progress=progress)
    except ReplayError as error:
        refuse([str(error.problem)], as_json=as_json)
    except OSError as error:
        refuse([f"{output}:0: file: : {error.strerror}; check folder and rights"], as_json=as_json)
    if sys.stderr.isatty():
        click.echo("", err=True)
    click.echo(json.dumps({"output": str(output)}) if as_json else f"wrote {output}")
