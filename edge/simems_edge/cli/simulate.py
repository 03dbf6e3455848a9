"""``simems-edge simulate``: plant and runtime on one simulated clock, closed loop."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site
from simems_edge.replay import Scenario, load_scenario, simulate
from simems_edge.replay.input_writer import action_rows
from simems_edge.replay.plot import PlotData, draw
from simems_edge.replay.table import whole_file

EXAMPLES = """
\b
Examples:
  simems-edge simulate site.yaml scenario.yaml -o out.csv
  simems-edge simulate site.yaml scenario.yaml -o out.csv --plot out.png
  simems-edge simulate site.yaml scenario.yaml -o out.csv --record input.csv

\b
SCENARIO.yaml:
  start: 2026-06-01T00:00:00+02:00
  duration: 24 h
  step: 1 s
  seed: 1
  plant:
    load: {steps: [{at: 0 s, power_w: 40 kW}, {at: 1 h, power_w: 80 kW}]}   # or profile:, or constant_w:
    devices: {grid0: {delay: 1 s, interval: 1 s}}
  events:
    - {at: 10 min, silence: grid0}
    - {at: 12 min, answer: grid0}
    - {at: 20 min, override: ess0/active_power_w, value: 5000, duration: 60 s}
    - {at: 30 min, ramp: grid/frequency_hz, value: 49.8, duration: 2 s}
    - {at: 40 min, grid_loss: true}
All verbs: docs/simulation.md
"""
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=FILE)
@click.argument("scenario_file", metavar="SCENARIO.yaml", type=FILE)
@click.option("-o", "--output", metavar="OUT.csv", required=True, type=FILE, help="CSV to write.")
@click.option("--plot", metavar="OUT.png", type=FILE, help="Picture of powers, threshold and state of charge.")
@click.option("--record", metavar="INPUT.csv", type=FILE, help="Inputs of each cycle, for `simems-edge replay`.")
@json_option
def command(
    *, site_file: Path, scenario_file: Path, output: Path, plot: Path | None, record: Path | None, as_json: bool
) -> None:
    """Run a site's runtime against the virtual plant, faster than real time. Same input, same bytes out."""
    site = checked_site(site_file)
    scenario = load_scenario(scenario_file, site)
    data = None if plot is None else PlotData(site, scenario)
    try:
        _write(site, scenario, output, data, record)
    except LookupError as error:
        raise BadInputError(f"{scenario_file}: {error.args[0] if error.args else error}") from error
    if data is not None and plot is not None:
        draw(data, plot)
    if as_json:
        print_json({"output": str(output), "cycles": scenario.steps})
    else:
        click.echo(f"{scenario.steps} cycles written to {output}")


def _write(site: Site, scenario: Scenario, output: Path, data: PlotData | None, record: Path | None) -> None:
    with ExitStack() as files:
        stream = files.enter_context(whole_file(output))
        inputs = None if record is None else files.enter_context(whole_file(record))
        watch = None if data is None else data.add
        simulate(site, scenario, stream, progress=_progress, watch=watch, record=inputs)
        if record is not None and (actions := scenario.actions()):
            action_rows(actions, files.enter_context(whole_file(record.with_suffix(".actions.csv"))))


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{100 * done // of} % ", nl=False, err=True)
