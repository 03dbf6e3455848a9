"""`simems-edge simulate`: plant and runtime on one simulated clock, closed loop."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from simems_edge.cli.inputs import readable_site, refuse
from simems_edge.replay import ReplayError, load_scenario
from simems_edge.replay import simulate as run_simulation
from simems_edge.replay.plot import PlotData, PlotError, draw
from simems_edge.replay.table import whole_file
from simems_edge.sim.plant import PlantError

EXAMPLES = """\b
Examples:
  simems-edge simulate site.yaml scenario.yaml -o out.csv
  simems-edge simulate site.yaml scenario.yaml -o out.csv --plot out.png

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
"""


@click.command("simulate", epilog=EXAMPLES)
@click.argument("site_yaml", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("scenario_yaml", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="CSV to write.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="PNG of power, SOC and threshold.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def simulate(site_yaml: Path, scenario_yaml: Path, output: Path, plot: Path | None, as_json: bool) -> None:
    """Run the site's runtime against the virtual plant, faster than real time. Same input, same bytes out."""
    site = readable_site(site_yaml, as_json=as_json)
    try:
        scenario = load_scenario(scenario_yaml)
        data = PlotData(site, scenario) if plot is not None else None
        watch = data.add if data is not None else None
        with whole_file(output) as stream:
            run_simulation(site, scenario, stream, progress=_progress, watch=watch)
        if data is not None and plot is not None:
            draw(data, plot)
    except ReplayError as error:
        refuse([str(error.problem)], as_json=as_json)
    except (PlantError, PlotError, LookupError, ValueError) as error:
        refuse([f"{scenario_yaml}:0: scenario: : {error.args[0] if error.args else error}"], as_json=as_json)
    except OSError as error:
        refuse([f"{output}:0: file: : {error.strerror}; check folder and rights"], as_json=as_json)
    if sys.stderr.isatty():
        click.echo("", err=True)
    click.echo(json.dumps({"output": str(output)}) if as_json else f"wrote {output}")


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{100 * done // of} %", nl=False, err=True)
