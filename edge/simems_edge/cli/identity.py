"""``simems-edge identity``: the device's public key, which the cloud must know before it lets the device in."""

from pathlib import Path

import click

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.sync.identity import IdentityError, load_or_make_keys

EXAMPLES = """
\b
Examples:
  simems-edge identity --data /var/lib/simems-edge
  simems-cloud device add malmo-1 --tenant Demo --public-key "$(simems-edge identity --data DIR)"
"""


@click.command(epilog=EXAMPLES)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="The edge's data folder.")
@json_option
def command(*, data: Path, as_json: bool) -> None:
    """Print the public key of the device whose data folder this is; made when there is none yet.

    The secret half stays in the folder, readable by its owner only.
    """
    try:
        key = load_or_make_keys(data).public_key
    except IdentityError as error:
        raise BadInputError(str(error)) from error
    if as_json:
        print_json({"public_key": key})
    else:
        click.echo(key)
