"""``simems-edge shadow``: what the shadows of a site file would have made of a scenario or a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site
from simems_edge.replay import load_scenario
from simems_edge.replay.actions import read_actions
from simems_edge.replay.closed_loop import ClosedLoop
from simems_edge.replay.open_loop import Player
from simems_edge.replay.recording import Recording
from simems_edge.runtime import Runtime

EXAMPLES = """
\b
Examples:
  simems-edge shadow site.yaml scenario.yaml
  simems-edge shadow site.yaml recording.csv --json
  simems-edge shadow site.yaml recording.csv --actions actions.csv

\b
In SITE.yaml, beside the controllers that decide:
  - id: candidate0
    type: peak_shaving
    threshold_w: 50 kW
    grid: grid0
    ess: ess0
    shadow: {in_place_of: peak0, import_price_per_kwh: 0.30, export_price_per_kwh: 0.05, demand_price_per_kw: 8}

\b
ACTIONS.csv: what persons did while INPUT.csv was recorded, as of `simems-edge replay`; the shadows live through it too.
A scenario has its own, among its events.
"""
FILE = click.Path(path_type=Path, dir_okay=False)
ROWS = (
    ("import", "import_wh", "kWh"),
    ("export", "export_wh", "kWh"),
    ("charged", "charge_wh", "kWh"),
    ("discharged", "discharge_wh", "kWh"),
    ("peak (15 min)", "peak_w", "kW"),
)


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=FILE)
@click.argument("course_file", metavar="SCENARIO.yaml|INPUT.csv", type=FILE)
@click.option("--actions", metavar="ACTIONS.csv", type=FILE, help="What persons did, beside INPUT.csv.")
@json_option
def command(*, site_file: Path, course_file: Path, actions: Path | None, as_json: bool) -> None:
    """Run a site with its shadows over a scenario (closed loop) or recorded inputs, and report energy, peak and money.

    A running edge keeps the same books live, as channels CONTROLLER/shadow_...
    """
    site = checked_site(site_file)
    if all(entry.shadow is None for entry in site.controllers):
        raise BadInputError(f"{site_file}: no controller has shadow; add `shadow: true` to a candidate")
    if course_file.suffix == ".csv":
        runtime = _recorded(site, course_file, actions)
    elif actions is None:
        runtime = _simulated(site, course_file)
    else:
        raise BadInputError(f"{actions}: a scenario has its actions among its events; write them there")
    report: list[dict[str, Any]] = runtime.shadows.report()
    if as_json:
        print_json({"shadows": report})
        return
    for one in report:
        _show(one)


def _simulated(site: Site, scenario_file: Path) -> Runtime:
    loop = ClosedLoop(site, load_scenario(scenario_file, site))
    for _step in loop.steps():
        pass
    return loop.runtime


def _recorded(site: Site, recording_file: Path, actions_file: Path | None) -> Runtime:
    actions = [] if actions_file is None else read_actions(actions_file)
    player = Player(site, actions, actions_file)
    recording = Recording(recording_file, player.inputs)
    player.take(recording.columns)
    for row in recording:
        player.decide(row)
    return player.runtime


def _show(one: dict[str, Any]) -> None:
    place = f" in place of {one['in_place_of']}" if one["in_place_of"] else ""
    click.echo(f"{one['id']}{place}: {one['seconds'] / 3600.0:.2f} h booked, {one['unknown_s']:.0f} s not known")
    click.echo(f"  {'':14}{'real':>12}{'shadow':>12}")
    for title, name, unit in ROWS:
        click.echo(f"  {title:14}{one['real'][name] / 1000:12.2f}{one['shadow'][name] / 1000:12.2f} {unit}")
    currency = one["currency"]
    click.echo(f"  {'cost':14}{one['real']['cost']:12.2f}{one['shadow']['cost']:12.2f} {currency}")
    click.echo(f"  saving: {one['saving']:.2f} {currency}")
