"""``simems-cloud tenant``."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import click

from simems_cloud.audit.log import COMMAND_LINE, change
from simems_cloud.cli.failing import WrongError
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, tenants
from simems_cloud.identity.queries import QUERIES
from simems_cloud.kit.database import Pool


@click.group("tenant")
def command() -> None:
    """Tenants: create, list."""


@command.command(epilog='Example: simems-cloud tenant create "Harbour Foods"')
@click.argument("name")
@as_json
def create(name: str, json_wanted: bool) -> None:
    """Create the tenant NAME."""
    tenant_id = as_owner(lambda pool: _create(pool, name))
    show_one({"tenant_id": tenant_id, "name": name}, json_wanted=json_wanted)


@command.command("list", epilog="Example: simems-cloud tenant list --json")
@as_json
def list_(json_wanted: bool) -> None:
    """All tenants."""
    show(as_owner(tenants), json_wanted=json_wanted)


async def _create(pool: Pool, name: str) -> UUID:
    tenant_id = uuid4()
    try:
        async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
            await made.connection.execute(QUERIES["create_tenant"], tenant_id, name)
            await made.record("tenant.create", tenant_id, {"name": name})
    except asyncpg.UniqueViolationError as error:
        raise WrongError(f"a tenant {name!r} is there already") from error
    return tenant_id
