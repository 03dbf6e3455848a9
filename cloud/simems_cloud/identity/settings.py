"""What a tenant decides for itself."""

from __future__ import annotations

import asyncpg

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import change
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.schemas import TenantChange, TenantSettings
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import ConflictError, NotFoundError


async def get_settings(pool: Pool, principal: Principal) -> TenantSettings:
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _read(connection)


async def update_settings(
    pool: Pool, principal: Principal, request: TenantChange, if_match: str | None
) -> TenantSettings:
    """Raises PreconditionFailedError, ConflictError for a name that is taken."""
    try:
        async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
            versions.check(if_match, await made.connection.fetchval(QUERIES["lock_tenant"]))
            await made.connection.execute(QUERIES["update_tenant"], request.name, request.second_factor_required)
            await made.record("tenant.update", principal.tenant_id, request.model_dump())
            return await _read(made.connection)
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(f"a tenant {request.name!r} is there already") from error


async def _read(connection: Connection) -> TenantSettings:
    row = await connection.fetchrow(QUERIES["tenant"])
    if row is None:
        raise NotFoundError("the tenant is gone")
    return TenantSettings(**dict(row))
