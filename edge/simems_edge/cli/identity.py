"""``simems-edge identity``: what the cloud must know of this box."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from simems_edge.cli.data_folder import DEFAULT
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.renewing import renewed
from simems_edge.sync.claim_qr import claim_in_terminal
from simems_edge.sync.identity import Identity, IdentityError

EXAMPLES = """
\b
Examples:
  simems-edge identity --data /var/lib/simems
  simems-edge identity --json
  simems-edge identity --rotate        new keys; a running edge announces them and changes over
  simems-edge identity --renew         a new box: claim it again; the old keys are gone
"""

SHOWN = (
    *("fingerprint", "claim_code", "signing_key", "next_public_key", "next_signing_key", "name_at_broker"),
    "old_record",
)


@click.command(epilog=EXAMPLES)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)
@click.option("--rotate", is_flag=True, help="Make new keys; they replace the old ones once the cloud has seen them.")
@click.option(
    "--renew",
    is_flag=True,
    help="Make this a new box, to be claimed again: after it was revoked, or its tenant's key was lost.",
)
@json_option
def command(*, data: Path, rotate: bool, renew: bool, as_json: bool) -> None:
    """Show this box's public key, fingerprint and claim code, making them on first use.

    The secret halves are never shown. Enter the claim code in the cloud, compare the fingerprint there, approve.
    """
    if rotate and renew:
        raise BadInputError("--rotate: cannot be used with --renew; --renew makes new keys as well")
    try:
        identity, sealed = renewed(data) if renew else (Identity(data), None)
        following = identity.begin_rotation() if rotate else identity.next_keys
        coming = None if following is None else following.signing_key
        shown = {
            "public_key": identity.keys.public_key,
            "fingerprint": identity.fingerprint,
            "claim_code": identity.claim_code,
            "signing_key": identity.signing_public,
            "next_public_key": None if following is None else following.public_key,
            "next_signing_key": None if coming is None else coming.public_key().public_bytes_raw().hex(),
            "name_at_broker": identity.broker_name,
            "old_record": None if sealed is None else str(sealed),
        }
    except IdentityError as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        raise BadInputError(f"{data}: cannot be written ({error.strerror}); check the disk and --data") from error
    if as_json:
        print_json(shown)
        return
    _print(shown)


def _print(shown: dict[str, str | None]) -> None:
    click.echo(shown["public_key"])
    for name in SHOWN:
        if shown[name] is not None:
            click.echo(f"{name.replace('_', ' ')}: {shown[name]}")
    if sys.stdout.isatty():
        click.echo(claim_in_terminal(str(shown["claim_code"]), str(shown["fingerprint"])))
