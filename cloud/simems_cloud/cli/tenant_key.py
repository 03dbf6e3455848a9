"""``simems-cloud tenant command-key`` and ``change-command-key``."""

from __future__ import annotations

from typing import Any

import click

from simems_cloud.audit.log import COMMAND_LINE
from simems_cloud.cli.failing import BadInputError, refused_as_wrong
from simems_cloud.cli.output import as_json, show_one
from simems_cloud.cli.platform import as_owner, tenant_named
from simems_cloud.commands import keys
from simems_cloud.commands.key_schemas import LONGEST_OVERLAP_S, WEEK_S, CommandKey
from simems_cloud.kit.database import Pool
from simems_cloud.kit.settings import from_environment
from simems_cloud.kit.vault import Vault

LOST = "its boxes believe no command until each was claimed anew"


@click.command("command-key", epilog='Example: simems-cloud tenant command-key "Harbour Foods" --json')
@click.argument("name")
@as_json
def command_key(name: str, json_wanted: bool) -> None:
    """The key that signs the commands of the tenant NAME, and which devices do not believe it yet."""
    _show(as_owner(lambda pool: _state(pool, name)), json_wanted)


@click.command("change-command-key", epilog='Example: simems-cloud tenant change-command-key "Harbour Foods"')
@click.argument("name")
@click.option(
    "--overlap-s",
    type=click.IntRange(0, LONGEST_OVERLAP_S),
    default=WEEK_S,
    show_default=True,
    help="For so long what the old key signed is still done; 0 when somebody else may hold it.",
)
@click.option("--lost", is_flag=True, help=f"The old key cannot sign any more: begin anew; {LOST}.")
@click.option("--confirm", help="With --lost: the tenant's name once more.")
@as_json
def change_command_key(name: str, overlap_s: int, lost: bool, confirm: str | None, json_wanted: bool) -> None:
    """Give the commands of the tenant NAME another key: the old one signs for it, devices follow as they come."""
    if lost and confirm != name:
        raise BadInputError(f"nothing was changed; {LOST}. To begin anew, add --confirm {name!r}")
    _show(as_owner(lambda pool: _change(pool, name, overlap_s, lost=lost)), json_wanted)


async def _state(pool: Pool, name: str) -> CommandKey:
    return await keys.show(pool, await tenant_named(pool, name))


async def _change(pool: Pool, name: str, overlap_s: int, *, lost: bool) -> CommandKey:
    tenant_id, vault = await tenant_named(pool, name), Vault(from_environment().data_dir)
    if lost:
        return await refused_as_wrong(keys.begin_anew(pool, vault, COMMAND_LINE, tenant_id))
    return await refused_as_wrong(keys.change_of(pool, vault, COMMAND_LINE, tenant_id, overlap_s))


def _show(found: CommandKey, json_wanted: bool) -> None:
    fields: dict[str, Any] = found.model_dump(mode="json")
    if not json_wanted:
        behind = fields.pop("devices_behind")
        fields["devices_behind"] = ", ".join(f"{one['name']} ({one['reason'] or 'not come yet'})" for one in behind)
    show_one(fields, json_wanted=json_wanted)
