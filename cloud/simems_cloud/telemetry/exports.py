"""Exports as jobs: asked for, followed, fetched. The file lies in the database, so any process can hand it out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import change
from simems_cloud.kit.database import Pool, fetch_one, transaction
from simems_cloud.kit.problems import ConflictError, InvalidRequestError, NotFoundError
from simems_cloud.kit.repeats import Once
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.schemas import Export, ExportRequest

QUERIES = load_queries("simems_cloud.telemetry")


async def create(pool: Pool, principal: Principal, site_id: str, body: ExportRequest, once: Once) -> Export:
    """Raises NotFoundError, InvalidRequestError."""
    if body.end <= body.start:
        raise InvalidRequestError("from, to: `to` is not after `from`")

    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:

        async def make() -> Export:
            await require_site(made.connection, site_id)
            row = (site_id, principal.actor, body.channels, body.start, body.end, body.resolution, body.format)
            export = Export(**dict(await fetch_one(made.connection, QUERIES["create_export"], *row)))
            await made.record("export.create", export.id, {"site_id": site_id, **body.model_dump(mode="json")})
            return export

        export, new = await once.answer(made.connection, Export, make)
        made.repeated = not new
    return export


async def listed(pool: Pool, principal: Principal, site_id: str) -> list[Export]:
    """The newest hundred. Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        return [Export(**dict(row)) for row in await connection.fetch(QUERIES["exports"], site_id, None)]


async def get(pool: Pool, principal: Principal, site_id: str, export_id: UUID) -> Export:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        row = await connection.fetchrow(QUERIES["exports"], site_id, export_id)
    if row is None:
        raise NotFoundError(f"no export {str(export_id)!r} of this site")
    return Export(**dict(row))


async def delete(pool: Pool, principal: Principal, site_id: str, export_id: UUID) -> None:
    """Also one under way, which ends it. Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        if await made.connection.fetchval(QUERIES["delete_export"], site_id, export_id) is None:
            raise NotFoundError(f"no export {str(export_id)!r} of this site")
        await made.record("export.delete", export_id, {"site_id": site_id})


async def file_of(pool: Pool, principal: Principal, export: Export) -> AsyncIterator[bytes]:
    """Part by part, each in a transaction of its own: a slow reader holds none. Raises ConflictError at once."""
    if export.status != "done":
        raise ConflictError(f"this export is {export.status}; wait until it is done")
    return _parts(pool, principal, export.id)


async def _parts(pool: Pool, principal: Principal, export_id: UUID) -> AsyncIterator[bytes]:
    part = 0
    while True:
        async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
            data = await connection.fetchval(QUERIES["export_chunk"], export_id, part)
        if data is None:
            return
        yield data
        part += 1
