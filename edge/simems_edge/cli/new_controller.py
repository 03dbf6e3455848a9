"""``simems-edge new-controller``: a package with a working controller and its tests."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import click

from simems_edge.cli.controller_skeleton import skeleton
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.controllers.registry import installed

EXAMPLES = """
\b
Examples:
  simems-edge new-controller night_charge
  simems-edge new-controller night_charge -o ~/controllers/night_charge
"""
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@click.command(epilog=EXAMPLES)
@click.argument("name", metavar="NAME")
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write it; NAME in the current folder when left out.",
)
@json_option
def command(*, name: str, output: Path | None, as_json: bool) -> None:
    """Write a Python package with a controller that works, a site to try it in, and its tests."""
    _check_name(name)
    folder = Path(name) if output is None else output
    if folder.exists() and any(folder.iterdir()):
        raise BadInputError(f"{folder}: exists and is not empty; choose another folder with -o")
    files = skeleton(name)
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    if as_json:
        print_json({"folder": str(folder), "files": sorted(files)})
    else:
        click.echo(
            f"Wrote {len(files)} files to {folder}. Next: pip install -e {folder}; simems-edge controllers {name}"
        )


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise BadInputError(f"{name!r} is no name for a controller type; write it like night_charge")
    taken = installed().get(name)
    if taken is not None:
        raise BadInputError(f"{name!r} is the controller type of {taken.value} already; choose another name")
