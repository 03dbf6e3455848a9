"""``simems-cloud device rotate``, ``command`` and ``commands``: what a device shall do, and what became of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import click
from pydantic import TypeAdapter, ValidationError

from simems_cloud.audit.log import COMMAND_LINE, change
from simems_cloud.cli.failing import BadInputError, WrongError, refused_as_wrong
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, tenant_named
from simems_cloud.commands.schemas import LONGEST_VALID_S, Command, Order
from simems_cloud.commands.service import Asked, newest, order
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.settings import from_environment
from simems_cloud.kit.vault import Vault
from simems_cloud.sites.device_names import device_named, site_of

tenant_option = click.option("--tenant", required=True, help="Name or id of the tenant.")
valid_option = click.option(
    "--valid-s",
    type=click.IntRange(10, LONGEST_VALID_S),
    default=86_400,
    show_default=True,
    help="Not done after this.",
)
COLUMNS = ("id", "site_id", "counter", "kind", "state", "reason", "requested_by", "created_at", "decided_at")
_ORDER: TypeAdapter[Order] = TypeAdapter(Order)


@click.command("rotate", epilog="Example: simems-cloud device rotate malmo-1 --tenant Demo")
@click.argument("device")
@tenant_option
@valid_option
@as_json
def rotate(device: str, tenant: str, valid_s: int, json_wanted: bool) -> None:
    """Have DEVICE (name, id or key) make new keys; the old ones end once the new ones were used."""
    made = as_owner(lambda pool: _send(pool, tenant, device, {"kind": "rotate_key"}, valid_s))
    show_one(_row(made), json_wanted=json_wanted)


@click.command("command", epilog='Example: simems-cloud device command malmo-1 \'{"kind": "restart"}\' --tenant Demo')
@click.argument("device")
@click.argument("order_json", metavar="ORDER")
@tenant_option
@valid_option
@as_json
def command(device: str, order_json: str, tenant: str, valid_s: int, json_wanted: bool) -> None:
    """Sign ORDER, JSON as in the API's `order`, for DEVICE; it is sent as soon as the device is connected."""
    try:
        wanted = json.loads(order_json)
    except ValueError as error:
        raise BadInputError(f"ORDER: not JSON: {error}") from error
    show_one(_row(as_owner(lambda pool: _send(pool, tenant, device, wanted, valid_s))), json_wanted=json_wanted)


@click.command("commands", epilog="Example: simems-cloud device commands malmo-1 --tenant Demo --json")
@click.argument("device")
@tenant_option
@as_json
def commands_(device: str, tenant: str, json_wanted: bool) -> None:
    """The newest commands of the site that DEVICE speaks for. Exit code 1 when the newest was not done."""
    found = as_owner(lambda pool: _list(pool, tenant, device))
    show([_row(one) for one in found], json_wanted=json_wanted)
    if found and found[0].state in ("rejected", "expired"):
        raise WrongError(f"the newest was {found[0].state}: {found[0].reason}")


def _row(found: Command) -> dict[str, Any]:
    fields = found.model_dump(mode="json")
    return {name: fields[name] for name in COLUMNS}


async def _send(pool: Pool, tenant: str, device: str, wanted: object, valid_s: int) -> Command:
    try:
        parsed = _ORDER.validate_python(wanted)
    except ValidationError as error:
        (first, *_) = error.errors()
        raise BadInputError(f"ORDER: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    tenant_id = await tenant_named(pool, tenant)
    vault = Vault(from_environment().data_dir)
    async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
        device_id, site_id = await refused_as_wrong(_found(made.connection, device))
        return await refused_as_wrong(order(made, vault, tenant_id, Asked(site_id, parsed, valid_s, None, device_id)))


async def _list(pool: Pool, tenant: str, device: str) -> list[Command]:
    async with transaction(pool, tenant=await tenant_named(pool, tenant)) as connection:
        _, site_id = await refused_as_wrong(_found(connection, device))
        return await newest(connection, site_id, 50)


async def _found(connection: Connection, device: str) -> tuple[UUID, str]:
    device_id = await device_named(connection, device)
    return device_id, await site_of(connection, device_id)
