"""``simems-edge identity``: the public key that the cloud must know."""

from __future__ import annotations

from pathlib import Path

import click

from simems_edge.cli.data_folder import DEFAULT
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.sync.identity import IdentityError, load_or_make_keys

EXAMPLES = """
\b
Examples:
  simems-edge identity --data /var/lib/simems
  simems-edge identity --json
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)
@json_option
def command(*, data: Path, as_json: bool) -> None:
    """Show this device's public key, making the key pair on first use. The secret half is never shown."""
    try:
        keys = load_or_make_keys(data)
    except IdentityError as error:
        raise BadInputError(str(error)) from error
    if as_json:
        print_json({"public_key": keys.public_key})
    else:
        click.echo(keys.public_key)
