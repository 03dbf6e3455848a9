"""``simems-cloud device``."""

from __future__ import annotations

import re
from uuid import UUID

import asyncpg
import click

from simems_cloud.audit.log import COMMAND_LINE, change
from simems_cloud.cli import device_claims, device_commands
from simems_cloud.cli.failing import BadInputError, WrongError, refused_as_wrong
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, of_tenants, tenant_named
from simems_cloud.kit.curve import is_key
from simems_cloud.kit.database import Pool
from simems_cloud.sites.device_names import device_named
from simems_cloud.sites.registry import take_over
from simems_cloud.sites.service import QUERIES


@click.group("device")
def command() -> None:
    """Edge devices: claim and approve, add, list, replace, rotate keys, command, revoke."""


@command.command(epilog="Example: simems-cloud device add malmo-1 --tenant Demo --public-key KEY")
@click.argument("name")
@click.option("--tenant", required=True, help="Name or id of the tenant.")
@click.option("--public-key", required=True, help="The device's CURVE key, 40 characters, from `simems-edge identity`.")
@click.option("--signing-key", default="", help="Its Ed25519 key, 64 hexadecimal digits; needed over HTTPS at once.")
@as_json
def add(name: str, tenant: str, public_key: str, signing_key: str, json_wanted: bool) -> None:
    """Let the device NAME in; its first hello says which site it speaks for."""
    check_key(public_key)
    if signing_key and not re.fullmatch(r"[0-9a-f]{64}", signing_key):
        raise BadInputError(f"--signing-key: {signing_key!r}: not 64 hexadecimal digits; see `simems-edge identity`")
    device_id = as_owner(lambda pool: _add(pool, tenant, name, public_key, signing_key))
    show_one({"device_id": device_id, "name": name, "public_key": public_key}, json_wanted=json_wanted)


@command.command("list", epilog="Example: simems-cloud device list --json")
@click.option("--tenant", help="Only of this tenant.")
@as_json
def list_(tenant: str | None, json_wanted: bool) -> None:
    """All devices with what was last heard of them."""
    show(as_owner(lambda pool: of_tenants(pool, tenant, QUERIES["list_devices"])), json_wanted=json_wanted)


@command.command(epilog="Example: simems-cloud device revoke malmo-1 --tenant Demo")
@click.argument("name")
@click.option("--tenant", required=True, help="Name or id of the tenant.")
@as_json
def revoke(name: str, tenant: str, json_wanted: bool) -> None:
    """Shut the device NAME (or public key) out for good; its data stay."""
    revoked = as_owner(lambda pool: _revoke(pool, tenant, name))
    show_one({"revoked": revoked}, json_wanted=json_wanted)


def check_key(public_key: str) -> None:
    """Raises BadInputError."""
    if not is_key(public_key):
        raise BadInputError(f"--public-key: {public_key!r}: not a key of 40 Z85 characters; see `simems-edge identity`")


@command.command(epilog="Example: simems-cloud device replace malmo-1 --name malmo-1b --public-key KEY --tenant Demo")
@click.argument("old")
@click.option("--tenant", required=True, help="Name or id of the tenant.")
@click.option("--name", required=True, help="What the new box is called.")
@click.option("--public-key", required=True, help="Of the new box, from `simems-edge identity`.")
@as_json
def replace(old: str, tenant: str, name: str, public_key: str, json_wanted: bool) -> None:
    """Put a new box in the place of OLD (name, id or key), which is shut out; the site's history goes on.

    With a claim code instead of a key: simems-cloud device claim CODE --replaces OLD.
    """
    check_key(public_key)
    device_id = as_owner(lambda pool: _replace(pool, tenant, old, name, public_key))
    show_one({"device_id": device_id, "name": name, "public_key": public_key}, json_wanted=json_wanted)


CLAIMS = (device_claims.claim, device_claims.claims_, device_claims.approve, device_claims.refuse)
COMMANDS = (device_commands.rotate, device_commands.command, device_commands.commands_)
for more in (*CLAIMS, *COMMANDS):
    command.add_command(more)


async def _replace(pool: Pool, tenant: str, old: str, name: str, public_key: str) -> UUID:
    tenant_id = await tenant_named(pool, tenant)
    try:
        async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
            device_id = await refused_as_wrong(device_named(made.connection, old))
            return await refused_as_wrong(take_over(made, device_id, name, public_key))
    except asyncpg.UniqueViolationError as error:
        raise WrongError("--public-key: this key is registered already") from error


async def _add(pool: Pool, tenant: str, name: str, public_key: str, signing_key: str) -> UUID:
    tenant_id = await tenant_named(pool, tenant)
    try:
        async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
            row = (name, public_key, None, "", "", signing_key)
            device_id = await made.connection.fetchval(QUERIES["add_edge"], *row)
            await made.record("device.add", device_id, {"name": name, "public_key": public_key})
    except asyncpg.UniqueViolationError as error:
        raise WrongError("--public-key: this key is registered already") from error
    return UUID(str(device_id))


async def _revoke(pool: Pool, tenant: str, name: str) -> int:
    tenant_id = await tenant_named(pool, tenant)
    async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
        rows = await made.connection.fetch(QUERIES["revoke_device"], name)
        if not rows:
            raise WrongError(f"NAME: {name!r}: no such device that is let in")
        for row in rows:
            await made.record("device.revoke", row["device_id"], {"asked_for": name})
    return len(rows)
