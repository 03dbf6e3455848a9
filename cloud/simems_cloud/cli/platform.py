"""What the management commands share: the owner's pool and finding a tenant by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from simems_cloud.cli.failing import BadInputError
from simems_cloud.identity.queries import QUERIES
from simems_cloud.kit.database import Pool, open_pool, transaction
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.settings import from_environment

T = TypeVar("T")
OWNER = "simems_owner"


def as_owner(work: Callable[[Pool], Awaitable[T]]) -> T:
    """Run ``work`` with a pool of the owner role; the own server is started for as long when none runs."""
    with database_access(from_environment()) as access:
        return asyncio.run(_with_pool(access.admin_url, work))


async def _with_pool(url: str, work: Callable[[Pool], Awaitable[T]]) -> T:
    pool = await open_pool(url, application="simems-cli", max_size=2, role=OWNER)
    try:
        return await work(pool)
    finally:
        await pool.close()


async def tenants(pool: Pool) -> list[dict[str, Any]]:
    async with transaction(pool) as connection:
        return [dict(row) for row in await connection.fetch(QUERIES["list_tenants"])]


async def tenant_named(pool: Pool, name: str) -> UUID:
    """By name or id. Raises BadInputError."""
    known = await tenants(pool)
    for row in known:
        if name in (row["name"], str(row["tenant_id"])):
            return UUID(str(row["tenant_id"]))
    names = ", ".join(repr(row["name"]) for row in known) or "none yet; run `simems-cloud tenant create NAME`"
    raise BadInputError(f"--tenant: {name!r}: no such tenant; there is {names}")


async def of_tenants(pool: Pool, tenant: str | None, query: str) -> list[dict[str, Any]]:
    """The rows of a query, of one tenant or of all, each read as its own tenant."""
    wanted = [await tenant_named(pool, tenant)] if tenant else [row["tenant_id"] for row in await tenants(pool)]
    rows: list[dict[str, Any]] = []
    for tenant_id in wanted:
        async with transaction(pool, tenant=UUID(str(tenant_id))) as connection:
            rows += [dict(row) for row in await connection.fetch(query)]
    return rows
