"""``simems-edge controllers``: which controllers are installed, what each declares, and their pages."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from simems_edge.cli.controller_pages import write_pages
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json, print_table
from simems_edge.contracts import Controller
from simems_edge.controllers.handbook import settings_of
from simems_edge.controllers.handbook_page import page
from simems_edge.controllers.registry import controller_types

EXAMPLES = """
\b
Examples:
  simems-edge controllers
  simems-edge controllers peak_shaving
  simems-edge controllers --json
  simems-edge controllers --pages docs/controllers
"""


@click.command(epilog=EXAMPLES)
@click.argument("name", metavar="[TYPE]", required=False)
@click.option(
    "--pages",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Write a page of each, with a plot of the example that lies in FOLDER/TYPE.",
)
@json_option
def command(*, name: str | None, pages: Path | None, as_json: bool) -> None:
    """List the installed controllers, those of other packages too, or show what one declares."""
    kinds = controller_types()
    if name is not None and name not in kinds:
        raise BadInputError(f"{name!r} is no controller type; use one of {', '.join(sorted(kinds))}")
    chosen = sorted(kinds.items()) if name is None else [(name, kinds[name])]
    if pages is not None:
        _write(pages, dict(chosen), as_json=as_json)
    elif as_json:
        print_json([_data(kind) for _, kind in chosen] if name is None else _data(kinds[name]))
    elif name is not None:
        click.echo(page(kinds[name]))
    else:
        _list(dict(chosen))


def _list(kinds: dict[str, type[Controller]]) -> None:
    rows = [
        (name, kind.spec.priority.name.lower(), kind.spec.control_mode, kind.__module__.partition(".")[0])
        for name, kind in kinds.items()
    ]
    print_table(("controller", "class", "control mode", "package"), rows)


def _write(folder: Path, kinds: dict[str, type[Controller]], *, as_json: bool) -> None:
    written = write_pages(folder, kinds, told=None if as_json else lambda path: click.echo(f"wrote {path}"))
    if as_json:
        print_json({"written": [str(path) for path in written]})


def _data(kind: type[Controller]) -> dict[str, Any]:
    spec = asdict(kind.spec) | {"priority": kind.spec.priority.name.lower()}
    return {**spec, "settings": [asdict(setting) for setting in settings_of(kind)]}
