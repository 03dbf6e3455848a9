"""``simems-edge check SITE.yaml``."""

import click

from simems_edge.cli.errors import BAD_INPUT
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.site_file import check_site
from simems_edge.config import Problem, Site

EXAMPLES = """
\b
Examples:
  simems-edge check site.yaml
  simems-edge check site.yaml --json
"""


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=click.Path())
@json_option
@click.pass_context
def command(ctx: click.Context, *, site_file: str, as_json: bool) -> None:
    """Check a site file against devices' profiles and controllers' settings.

    Prints everything that is wrong as file:line: path: value: what is wrong; what to do. Nothing is connected to.
    Exit code 0: fine; 2: not usable.
    """
    site, problems = check_site(site_file)
    if as_json:
        print_json({"ok": not problems, "file": site_file, "problems": [problem.as_dict() for problem in problems]})
    else:
        _print(site_file, site, problems)
    ctx.exit(BAD_INPUT if problems else 0)


def _print(site_file: str, site: Site | None, problems: list[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)
    if site is not None and not problems:
        counts = f"{len(site.components)} components, {len(site.controllers)} controllers"
        click.echo(f"{site_file}: fine ({site.site.id}: {counts})")
