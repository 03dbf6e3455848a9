"""``simems-edge profile check``: the test kit of a new device profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from simems_edge.bridges.modbus.plan import spans
from simems_edge.cli.errors import WRONG, BadInputError
from simems_edge.cli.output import json_option, print_json, print_table
from simems_edge.devices import Profile, ProfileError
from simems_edge.devices.profile_check import case_problems, profile_problems, read_case, read_profile
from simems_edge.devices.register_view import RegisterView

EXAMPLES = """
\b
Examples:
  simems-edge profile check my_meter.yaml
  simems-edge profile check my_meter.yaml --case my_meter_case.yaml
  simems-edge profile check my_meter.yaml --json

\b
A case holds registers by hand and what they must read as (docs/device-profiles.md):
  registers: [{table: input, address: 52, words: [0x44BB, 0x8000]}]
  values: {active_power_w: 1500}
"""
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def command() -> None:
    """Work on device profiles."""


@command.command(epilog=EXAMPLES)
@click.argument("file", metavar="FILE", type=FILE)
@click.option("--case", "cases", metavar="CASE.yaml", type=FILE, multiple=True, help="Registers and their values.")
@json_option
@click.pass_context
def check(ctx: click.Context, *, file: Path, cases: Sequence[Path], as_json: bool) -> None:
    """Check a profile against its schema, its interface and the published models, and with cases against registers
    written by hand. Nothing is connected to. Exit code 0: fine; 1: something is wrong; 2: not readable."""
    try:
        profile, read = read_profile(file), [(path, read_case(path)) for path in cases]
    except ProfileError as error:
        raise BadInputError(str(error)) from error
    problems = [f"{file}: {text}" for text in profile_problems(profile)]
    problems += [f"{path}: {text}" for path, case in read for text in case_problems(profile, case)]
    if as_json:
        print_json({"ok": not problems, "profile": profile.id, "problems": problems, "requests": _requests(profile)})
    else:
        _print(file, profile, problems, len(read))
    ctx.exit(WRONG if problems else 0)


def _print(file: Path, profile: Profile, problems: Sequence[str], cases: int) -> None:
    for text in problems:
        click.echo(text, err=True)
    if problems:
        return
    click.echo(f"{file}: fine ({profile.id}, {profile.kind}: {len(profile.channels)} channels, {cases} cases)")
    rows = _requests(profile)
    if rows:
        header = ("unit", "table", "first", "registers", "every s")
        print_table(header, [tuple(str(one) for one in row.values()) for row in rows])


def _requests(profile: Profile) -> list[dict[str, Any]]:
    """What is asked of the device, at which rate (of a SunSpec device that depends on its models)."""
    if profile.protocol != "modbus":
        return []
    view = RegisterView(profile)
    rates = sorted({block.poll_s for block in view.blocks})
    return [
        {
            "unit": "its own" if span.unit is None else span.unit,
            "table": span.table,
            "first": span.address,
            "registers": span.count,
            "every_s": rate,
        }
        for rate in rates
        for span in spans([block for block in view.blocks if block.poll_s == rate], profile.max_registers)
    ]
