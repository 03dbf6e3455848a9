"""Create, suspend, resume and mark for deletion. Each is recorded in the log of the tenant it concerns."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import jwt

from simems_cloud.access.principal import Principal
from simems_cloud.access.tokens import ALGORITHM, new_opaque
from simems_cloud.audit.log import Change, change
from simems_cloud.kit.database import Pool, fetch_one, transaction
from simems_cloud.kit.problems import ConflictError, ForbiddenError, NotFoundError
from simems_cloud.kit.sql import load_queries
from simems_cloud.tenancy.schemas import CreatedTenant, Deletion, DeletionConfirmed, NewTenant, Tenant

QUERIES = load_queries("simems_cloud.tenancy")
CONFIRM_WITHIN_S = 600
_AUDIENCE = "simems-tenant-deletion"


async def list_tenants(pool: Pool, principal: Principal) -> list[Tenant]:
    """All, deleted ones as tombstones. The database asks for the platform's role once more."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return [Tenant(**dict(row)) for row in await connection.fetch(QUERIES["list_tenants"])]


async def create(pool: Pool, actor: str, request: NewTenant) -> CreatedTenant:
    """With an invitation for its first administrator. Raises ConflictError."""
    tenant_id = uuid4()
    token = new_opaque("invite", tenant_id)
    try:
        async with change(pool, tenant=tenant_id, actor=actor) as made:
            row = await fetch_one(made.connection, QUERIES["create_tenant"], tenant_id, request.name)
            await made.connection.execute(QUERIES["add_invitation"], request.admin_email, token.digest, actor)
            await made.record("tenant.create", tenant_id, request.model_dump())
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(f"a tenant {request.name!r} is there already") from error
    return CreatedTenant(**dict(row), invitation=token.text)


async def suspend(pool: Pool, actor: str, tenant_id: UUID) -> Tenant:
    """Its people are out with their next request, its devices at once. Raises NotFoundError, ConflictError."""
    async with _changing(pool, actor, tenant_id, "active") as (made, tenant):
        await made.connection.execute(QUERIES["set_status"], "suspended")
        await made.record("tenant.suspend", tenant_id)
    return tenant.model_copy(update={"status": "suspended"})


async def resume(pool: Pool, actor: str, tenant_id: UUID) -> Tenant:
    """Raises NotFoundError, ConflictError."""
    async with _changing(pool, actor, tenant_id, "suspended") as (made, tenant):
        await made.connection.execute(QUERIES["set_status"], "active")
        await made.record("tenant.resume", tenant_id)
    return tenant.model_copy(update={"status": "active"})


async def note_export(pool: Pool, actor: str, tenant_id: UUID) -> None:
    """That somebody takes all of a tenant's rows away stands in that tenant's log. Raises NotFoundError."""
    async with change(pool, tenant=tenant_id, actor=actor) as made:
        if await made.connection.fetchrow(QUERIES["lock_tenant"]) is None:
            raise NotFoundError(f"no tenant {tenant_id}")
        await made.record("tenant.export", tenant_id)


async def ask_deletion(pool: Pool, actor: str, tenant_id: UUID, key: str) -> Deletion:
    """The first step, only for a suspended tenant: nothing happens yet. Raises NotFoundError, ConflictError."""
    async with _changing(pool, actor, tenant_id, "suspended") as (made, _):
        await made.record("tenant.ask_deletion", tenant_id)
    claims = {"aud": _AUDIENCE, "tenant": str(tenant_id), "exp": int(time.time()) + CONFIRM_WITHIN_S}
    return Deletion(confirmation=jwt.encode(claims, key, algorithm=ALGORITHM))


async def confirm_deletion(pool: Pool, actor: str, tenant_id: UUID, request: DeletionConfirmed, key: str) -> Tenant:
    """The second step: rows go in batches from now on. Raises NotFoundError, ConflictError, ForbiddenError."""
    _check(request.confirmation, tenant_id, key)
    return await mark_for_deletion(pool, actor, tenant_id, request.name)


async def mark_for_deletion(pool: Pool, actor: str, tenant_id: UUID, name: str) -> Tenant:
    """``name`` must be the tenant's. Raises NotFoundError, ConflictError, ForbiddenError."""
    async with _changing(pool, actor, tenant_id, "suspended") as (made, tenant):
        if name != tenant.name:
            raise ForbiddenError("name: not the name of this tenant")
        await made.connection.execute(QUERIES["set_status"], "deleting")
        await made.record("tenant.delete", tenant_id, {"name": tenant.name})
    return tenant.model_copy(update={"status": "deleting"})


@asynccontextmanager
async def _changing(pool: Pool, actor: str, tenant_id: UUID, expected: str) -> AsyncIterator[tuple[Change, Tenant]]:
    async with change(pool, tenant=tenant_id, actor=actor) as made:
        row = await made.connection.fetchrow(QUERIES["lock_tenant"])
        if row is None:
            raise NotFoundError(f"no tenant {tenant_id}")
        if row["status"] != expected:
            raise ConflictError(f"this tenant is {row['status']}, not {expected}")
        yield made, Tenant(**dict(row))


def _check(confirmation: str, tenant_id: UUID, key: str) -> None:
    try:
        claims = jwt.decode(confirmation, key, algorithms=[ALGORITHM], audience=_AUDIENCE, options={"require": ["exp"]})
    except jwt.InvalidTokenError as error:
        raise ForbiddenError("confirmation: not valid or too old; ask again") from error
    if claims.get("tenant") != str(tenant_id):
        raise ForbiddenError("confirmation: of another tenant")
