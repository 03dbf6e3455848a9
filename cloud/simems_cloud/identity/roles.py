"""Roles: the built-in ones, and a tenant's own named sets of permissions. Nobody gives more than they have."""

from __future__ import annotations

import json
from collections.abc import Iterable
from uuid import UUID

import asyncpg

from simems_cloud.access.permissions import ADMIN, BUILT_IN, Permission
from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import change
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.schemas import GrantRequest, NewRole, Role, RoleRequest
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError

DESCRIPTIONS = {
    "tenant_admin": "Everything inside the tenant",
    "fleet_manager": "Sites, devices and the organisation; sees people, bills and the audit log",
    "site_operator": "Sees sites and acknowledges alarms",
    "viewer": "Sees sites, values and alarms",
    "billing": "Sees sites and values; makes bills",
    "platform": "Creates, suspends, exports and deletes tenants",
}


async def list_roles(pool: Pool, principal: Principal) -> list[Role]:
    """Built-in ones first."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["roles"], None)
    return [*_built_in(), *(_role(row) for row in rows)]


async def create_role(pool: Pool, principal: Principal, request: NewRole) -> Role:
    """Raises ConflictError, ForbiddenError."""
    _may_hold(principal, request)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        taken = request.role in BUILT_IN
        if taken or not await made.connection.fetchval(QUERIES["add_role"], request.role, request.description):
            raise ConflictError(f"a role {request.role!r} is there already")
        await made.connection.execute(QUERIES["add_role_permissions"], request.role, sorted(set(request.permissions)))
        await made.record("role.create", request.role, {"permissions": sorted(set(request.permissions))})
        return await _one(made.connection, request.role)


async def update_role(pool: Pool, principal: Principal, role: str, request: RoleRequest, if_match: str | None) -> Role:
    """Raises NotFoundError, ForbiddenError, PreconditionFailedError."""
    _may_hold(principal, request)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _locked(made.connection, role, if_match)
        await made.connection.execute(QUERIES["update_role"], role, request.description)
        await made.connection.execute(QUERIES["clear_role_permissions"], role)
        await made.connection.execute(QUERIES["add_role_permissions"], role, sorted(set(request.permissions)))
        await made.record("role.update", role, {"permissions": sorted(set(request.permissions))})
        return await _one(made.connection, role)


async def delete_role(pool: Pool, principal: Principal, role: str) -> None:
    """Raises NotFoundError, ConflictError while somebody has it."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        if await made.connection.fetchval(QUERIES["role_in_use"], role):
            raise ConflictError(f"{role!r} is given to people; take it from them first")
        if await made.connection.execute(QUERIES["delete_role"], role) == "DELETE 0":
            raise NotFoundError(f"no role {role!r} of this tenant's own")
        await made.record("role.delete", role)


async def give(
    connection: Connection, principal: Principal | None, user_id: UUID, grants: Iterable[GrantRequest]
) -> None:
    """``principal`` None: the command line. Raises ForbiddenError, InvalidRequestError."""
    for grant in {(g.role, g.node_id): g for g in grants}.values():
        await check_grant(connection, principal, grant)
        await connection.execute(QUERIES["add_grant"], user_id, grant.role, grant.node_id)


async def check_grant(connection: Connection, principal: Principal | None, grant: GrantRequest) -> None:
    """Raises ForbiddenError, InvalidRequestError."""
    permissions = await permissions_of(connection, grant.role)
    path = await _path_of(connection, grant.node_id)
    if principal is not None:
        _may_give(principal, permissions, path)


async def may_take(connection: Connection, principal: Principal, user_id: UUID) -> None:
    """Taking needs as much as giving. Raises ForbiddenError."""
    for row in await connection.fetch(QUERIES["grants_of"], user_id):
        permissions = BUILT_IN.get(row["role"], frozenset(row["permissions"]))
        if row["node_id"] is None or row["path"] is not None:
            _may_give(principal, permissions, row["path"])


async def keep_an_admin(connection: Connection, user_id: UUID) -> None:
    """Raises ConflictError when nobody else could let people in any more."""
    roles = [row["role"] for row in await connection.fetch(QUERIES["grants_of"], user_id) if row["node_id"] is None]
    if ADMIN in roles and not await connection.fetchval(QUERIES["other_admins"], user_id):
        raise ConflictError("this is the tenant's last administrator")


async def permissions_of(connection: Connection, role: str) -> frozenset[str]:
    """Raises InvalidRequestError."""
    if role in BUILT_IN:
        return frozenset(BUILT_IN[role])
    row = await connection.fetchrow(QUERIES["roles"], role)
    if row is None:
        raise InvalidRequestError(f"role: {role!r}: no such role")
    return frozenset(row["permissions"])


def grants_from(text: str) -> list[GrantRequest]:
    return [GrantRequest(**grant) for grant in json.loads(text)]


def _may_hold(principal: Principal, request: RoleRequest) -> None:
    """What the platform may is no part of a tenant's own role. Raises InvalidRequestError, ForbiddenError."""
    if Permission.PLATFORM_TENANTS in request.permissions:
        raise InvalidRequestError(f"permissions: {Permission.PLATFORM_TENANTS}: of the built-in role platform alone")
    _may_give(principal, request.permissions, None)


def _may_give(principal: Principal, permissions: Iterable[str], path: str | None) -> None:
    missing = sorted(permission for permission in permissions if not principal.holds(permission, path))
    if missing:
        raise ForbiddenError(f"nobody gives or takes what they do not have: {', '.join(missing)}")


async def _path_of(connection: Connection, node_id: UUID | None) -> str | None:
    if node_id is None:
        return None
    path = await connection.fetchval(QUERIES["node_path"], node_id)
    if path is None:
        raise InvalidRequestError(f"node_id: {node_id}: no such node")
    return str(path)


async def _locked(connection: Connection, role: str, if_match: str | None) -> None:
    row = await connection.fetchrow(QUERIES["lock_role"], role)
    if row is None:
        raise NotFoundError(f"no role {role!r} of this tenant's own")
    versions.check(if_match, row["version"])


async def _one(connection: Connection, role: str) -> Role:
    row = await connection.fetchrow(QUERIES["roles"], role)
    if row is None:
        raise NotFoundError(f"no role {role!r}")
    return _role(row)


def _role(row: asyncpg.Record) -> Role:
    return Role(**dict(row), built_in=False)


def _built_in() -> list[Role]:
    return [
        Role(role=name, description=DESCRIPTIONS[name], permissions=sorted(permissions), built_in=True, version=0)
        for name, permissions in BUILT_IN.items()
    ]
