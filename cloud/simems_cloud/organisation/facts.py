"""Facts about a site: what people say, over what its device announces."""

from __future__ import annotations

import asyncpg

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import change
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import NotFoundError
from simems_cloud.organisation.schemas import Facts, FactsRequest
from simems_cloud.organisation.service import QUERIES

FIELDS = tuple(FactsRequest.model_fields)


async def get_facts(pool: Pool, principal: Principal, site_id: str) -> Facts:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _read(connection, site_id)


async def put_facts(
    pool: Pool, principal: Principal, site_id: str, request: FactsRequest, if_match: str | None
) -> Facts:
    """All of them at once. Raises NotFoundError, PreconditionFailedError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await made.connection.execute(QUERIES["lock_tree"])
        found = await _read(made.connection, site_id)
        versions.check(if_match, found.version)
        await write(made.connection, site_id, request)
        await made.record("site_facts.update", site_id, request.model_dump())
        return await _read(made.connection, site_id)


async def write(connection: Connection, site_id: str, request: FactsRequest) -> None:
    fields = request.model_dump()
    await connection.execute(QUERIES["put_facts"], site_id, *(fields[name] for name in FIELDS))


async def _read(connection: Connection, site_id: str) -> Facts:
    row = await connection.fetchrow(QUERIES["facts"], site_id)
    if row is None:
        raise NotFoundError(f"no site {site_id!r}")
    said = {name: row[name] for name in FIELDS if row[name] is not None}
    return Facts(
        **said,
        site_id=site_id,
        effective_time_zone=row["time_zone"] or row["announced_time_zone"],
        effective_currency=row["currency"] or row["announced_currency"],
        effective_import_limit_w=_limit(row, "import_limit_w"),
        effective_export_limit_w=_limit(row, "export_limit_w"),
        version=row["version"],
    )


def _limit(row: asyncpg.Record, name: str) -> float | None:
    said, announced = row[name], row[f"announced_{name}"]
    if said is not None:
        return float(said)
    return None if announced is None else float(announced)
