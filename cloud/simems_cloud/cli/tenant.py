"""``simems-cloud tenant``."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import click

from simems_cloud.audit.log import COMMAND_LINE, change
from simems_cloud.cli import tenant_key
from simems_cloud.cli.failing import BadInputError, WrongError, refused_as_wrong
from simems_cloud.cli.output import as_json, show, show_one
from simems_cloud.cli.platform import as_owner, tenant_named, tenants
from simems_cloud.identity.queries import QUERIES
from simems_cloud.kit.database import Pool
from simems_cloud.tenancy import service
from simems_cloud.tenancy.export import Manifest, write_folder, zip_folder
from simems_cloud.tenancy.purge import purge
from simems_cloud.tenancy.schemas import Tenant


@click.group("tenant")
def command() -> None:
    """Tenants: create, list, suspend, resume, export, delete; the key of their commands."""


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


@command.command(epilog='Example: simems-cloud tenant suspend "Harbour Foods"')
@click.argument("name")
@as_json
def suspend(name: str, json_wanted: bool) -> None:
    """Shut the people and devices of the tenant NAME out; nothing is lost."""
    _show(as_owner(lambda pool: _by_name(pool, name, service.suspend)), json_wanted)


@command.command(epilog='Example: simems-cloud tenant resume "Harbour Foods"')
@click.argument("name")
@as_json
def resume(name: str, json_wanted: bool) -> None:
    """Let the tenant NAME in again."""
    _show(as_owner(lambda pool: _by_name(pool, name, service.resume)), json_wanted)


@command.command(epilog='Example: simems-cloud tenant export "Harbour Foods" -o harbour.zip')
@click.argument("name")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A new folder or .zip file.")
@as_json
def export(name: str, output: Path, json_wanted: bool) -> None:
    """Write everything the tenant NAME has as JSON lines, with a manifest of counts and hashes."""
    if output.exists():
        raise BadInputError(f"--output: {str(output)!r}: is there already")
    manifest = as_owner(lambda pool: _export(pool, name, output))
    rows = sum(table["rows"] for table in manifest.tables.values())
    show_one({"output": output, "tables": len(manifest.tables), "rows": rows}, json_wanted=json_wanted)


@command.command(epilog='Example: simems-cloud tenant delete "Harbour Foods" --confirm "Harbour Foods"')
@click.argument("name")
@click.option("--confirm", help="The tenant's name once more.")
@as_json
def delete(name: str, confirm: str | None, json_wanted: bool) -> None:
    """Delete everything of the suspended tenant NAME but its audit log. It cannot be undone."""
    if confirm is None:
        raise BadInputError(f"nothing was deleted; to delete all of {name!r} for good, add --confirm {name!r}")
    rows = as_owner(lambda pool: _delete(pool, name, confirm))
    show_one({"deleted": name, "rows": rows}, json_wanted=json_wanted)


command.add_command(tenant_key.command_key)
command.add_command(tenant_key.change_command_key)


async def _by_name(pool: Pool, name: str, act: Callable[[Pool, str, UUID], Awaitable[Tenant]]) -> Tenant:
    tenant_id = await tenant_named(pool, name)
    return await refused_as_wrong(act(pool, COMMAND_LINE, tenant_id))


async def _export(pool: Pool, name: str, output: Path) -> Manifest:
    tenant_id = await tenant_named(pool, name)
    await service.note_export(pool, COMMAND_LINE, tenant_id)
    if output.suffix != ".zip":
        return await write_folder(pool, tenant_id, output)
    with tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        manifest = await write_folder(pool, tenant_id, Path(scratch) / "export")
        zip_folder(Path(scratch) / "export", output)
    return manifest


async def _delete(pool: Pool, name: str, confirm: str) -> int:
    """Also goes on with a deletion that was confirmed before."""
    tenant_id = await tenant_named(pool, name)
    status = next(row["status"] for row in await tenants(pool) if row["tenant_id"] == tenant_id)
    if status != "deleting":
        await refused_as_wrong(service.mark_for_deletion(pool, COMMAND_LINE, tenant_id, confirm))
    return await purge(pool, tenant_id)


def _show(tenant: Tenant, json_wanted: bool) -> None:
    show_one(tenant.model_dump(), json_wanted=json_wanted)


async def _create(pool: Pool, name: str) -> UUID:
    tenant_id = uuid4()
    try:
        async with change(pool, tenant=tenant_id, actor=COMMAND_LINE) as made:
            await made.connection.execute(QUERIES["create_tenant"], tenant_id, name)
            await made.record("tenant.create", tenant_id, {"name": name})
    except asyncpg.UniqueViolationError as error:
        raise WrongError(f"a tenant {name!r} is there already") from error
    return tenant_id
