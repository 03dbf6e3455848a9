"""``simems-edge scenario``: tables of inputs and expected outputs, cycle by cycle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import click

from simems_edge.cli.errors import CommandError
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.site_file import checked_site
from simems_edge.replay.scenario_table import load_table
from simems_edge.replay.table_run import Mismatch, run_table

SHOWN = 10
EXAMPLES = """
\b
Examples:
  simems-edge scenario shaving.table.yaml
  simems-edge scenario --json edge/tests/scenarios/*.table.yaml

\b
TABLE.yaml:
  site: site.yaml
  step: 1 s
  inputs: {grid0/active_power_w: 40 kW, ess0/soc_pct: 60}      # hold until a cycle changes them
  cycles:
    - {expect: {ess0/active_power_w: 0, state: RUN}}
    - in: {grid0/active_power_w: 90 kW}
      repeat: 3
      then: {ess0/active_power_w: {value: 30 kW, within: 100}, ess0/active_power_w_reason: peak0, faults: []}
    - do: [{action: override, target: ess0/active_power_w, value: 5 kW, duration: 60 s}]
      expect: {control_mode: MANUAL}
    - {restart: true, expect: {control_mode: PEAK_SHAVING}}
"""
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(epilog=EXAMPLES)
@click.argument("files", metavar="TABLE.yaml...", type=FILE, nargs=-1, required=True)
@json_option
def command(*, files: tuple[Path, ...], as_json: bool) -> None:
    """Play scenario tables and print the first wrong cycles of each. Exit code 1 when one is wrong."""
    found = {path: _mismatches(path) for path in files}
    if as_json:
        print_json({str(path): [_as_data(one) for one in wrong] for path, wrong in found.items()})
    else:
        for path, wrong in found.items():
            click.echo("\n".join(lines_of(path, wrong)))
    failed = [path for path, wrong in found.items() if wrong]
    if failed:
        raise CommandError(f"{len(failed)} of {len(files)} tables are wrong; see the cycles above")


def _mismatches(path: Path) -> list[Mismatch]:
    file = load_table(path)
    return list(islice(run_table(file, checked_site(file.site_path)), SHOWN))


def _as_data(one: Mismatch) -> dict[str, str | float]:
    return {name: getattr(one, name) for name in Mismatch.__slots__}


def lines_of(path: Path, wrong: Sequence[Mismatch]) -> list[str]:
    """A table of what differs."""
    if not wrong:
        return [f"{path}: as expected"]
    head = ("line", "cycle", "time_s", "what", "expected", "found")
    rows = [head, *((str(m.line), str(m.cycle), f"{m.time_s:g}", m.key, m.expected, m.found) for m in wrong)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return [f"{path}: not as expected", *("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)]
