"""``simems-cloud keys``."""

from __future__ import annotations

import click

from simems_cloud.cli.output import as_json, show_one
from simems_cloud.kit.secret_files import curve_keys
from simems_cloud.kit.settings import from_environment


@click.command("keys", epilog="Example: simems-cloud keys --json")
@as_json
def command(json_wanted: bool) -> None:
    """The public key that site files name as `cloud.server_key`; made on first use."""
    show_one({"server_key": curve_keys(from_environment().data_dir).public}, json_wanted=json_wanted)
