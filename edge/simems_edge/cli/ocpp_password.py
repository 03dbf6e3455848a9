"""``simems-edge ocpp-password``: what the site file keeps of a charging station's password."""

from __future__ import annotations

import secrets

import click

from simems_edge.bridges.ocpp.access import hash_of
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json

EXAMPLES = """
\b
Examples:
  simems-edge ocpp-password                     makes a password, shows it once with its hash
  simems-edge ocpp-password --ask               asks for one that the station has already
  simems-edge ocpp-password --json
"""
LENGTH_BYTES = 15
"""20 characters."""


@click.command(epilog=EXAMPLES)
@click.option("--ask", is_flag=True, help="Ask for the password instead of making one.")
@json_option
def command(*, ask: bool, as_json: bool) -> None:
    """Make (or take) a station's password. Its hash goes into `ocpp.stations` of the site file, the password into the
    station, and nowhere else."""
    password = click.prompt("Password", hide_input=True) if ask else secrets.token_urlsafe(LENGTH_BYTES)
    try:
        hashed = hash_of(password)
    except ValueError as error:
        raise BadInputError(f"password: {error}; choose another") from error
    shown = {"password_hash": hashed} if ask else {"password": password, "password_hash": hashed}
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{name}: {value}")
