"""People of a tenant: list, rename, deactivate, give and take roles, change a password."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg
from anyio import to_thread

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import change
from simems_cloud.identity import attempts
from simems_cloud.identity.passwords import WeakPasswordError, hash_password
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.roles import give, keep_an_admin, may_take
from simems_cloud.identity.schemas import Grants, PasswordChange, People, Person, PersonChange
from simems_cloud.identity.second_factor import drop, require_password
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError, NotFoundError


async def list_people(pool: Pool, principal: Principal, after: str | None, limit: int) -> People:
    """By e-mail, one page."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["people"], None, after, limit + 1)
    items = [_person(row) for row in rows[:limit]]
    return People(items=items, next=items[-1].email if len(rows) > limit else None)


async def get_person(pool: Pool, principal: Principal, user_id: UUID) -> Person:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _one(connection, user_id)


async def update_person(
    pool: Pool, principal: Principal, user_id: UUID, request: PersonChange, if_match: str | None
) -> Person:
    """A deactivated person's sessions end. Raises NotFoundError, ForbiddenError, ConflictError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _locked(made.connection, user_id, if_match)
        await may_take(made.connection, principal, user_id)
        if not request.active:
            await keep_an_admin(made.connection, user_id)
            await made.connection.execute(QUERIES["revoke_sessions"], user_id, None)
        await made.connection.execute(QUERIES["update_user"], user_id, request.name, request.active)
        await made.record("user.update", user_id, request.model_dump())
        return await _one(made.connection, user_id)


async def set_grants(pool: Pool, principal: Principal, user_id: UUID, request: Grants, if_match: str | None) -> Person:
    """All of a person's roles at once. Raises NotFoundError, ForbiddenError, ConflictError, InvalidRequestError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _locked(made.connection, user_id, if_match)
        await may_take(made.connection, principal, user_id)
        if not any(grant.role == "tenant_admin" and grant.node_id is None for grant in request.grants):
            await keep_an_admin(made.connection, user_id)
        await made.connection.execute(QUERIES["clear_grants"], user_id)
        await give(made.connection, principal, user_id, request.grants)
        await made.connection.execute(QUERIES["bump_user"], user_id)
        await made.record("user.set_roles", user_id, request.model_dump())
        return await _one(made.connection, user_id)


async def end_all_sessions(pool: Pool, principal: Principal, user_id: UUID) -> None:
    """Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _one(made.connection, user_id)
        await may_take(made.connection, principal, user_id)
        ended = await made.connection.fetch(QUERIES["revoke_sessions"], user_id, None)
        await made.record("session.revoke_all", user_id, {"sessions": len(ended)})


async def reset_second_factor(pool: Pool, principal: Principal, user_id: UUID) -> None:
    """For a lost phone; the person enrols anew. Raises NotFoundError, ForbiddenError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _one(made.connection, user_id)
        await may_take(made.connection, principal, user_id)
        await drop(made, user_id)


async def change_password(pool: Pool, principal: Principal, request: PasswordChange) -> None:
    """One's own; all other sessions end. Raises ForbiddenError, InvalidRequestError."""
    await attempts.count(pool, "account", principal.email)
    hashed = await checked_hash(request.new_password)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        account = await made.connection.fetchrow(QUERIES["account"], principal.user_id)
        await require_password(account, request.password)
        await made.connection.execute(QUERIES["set_password"], principal.user_id, hashed)
        await made.connection.execute(QUERIES["revoke_sessions"], principal.user_id, principal.session_id)
        await made.connection.execute(QUERIES["sign_in_succeeded"], attempts.key("account", principal.email))
        await made.record("user.change_password", principal.user_id)


async def checked_hash(password: str) -> str:
    """Off the event loop: argon2 is slow on purpose. Raises InvalidRequestError."""
    try:
        return await to_thread.run_sync(hash_password, password)
    except WeakPasswordError as error:
        raise InvalidRequestError(str(error)) from error


async def _locked(connection: Connection, user_id: UUID, if_match: str | None) -> None:
    row = await connection.fetchrow(QUERIES["lock_user"], user_id)
    if row is None:
        raise NotFoundError(f"no person {user_id}")
    versions.check(if_match, row["version"])


async def _one(connection: Connection, user_id: UUID) -> Person:
    row = await connection.fetchrow(QUERIES["people"], user_id, None, 1)
    if row is None:
        raise NotFoundError(f"no person {user_id}")
    return _person(row)


def _person(row: asyncpg.Record) -> Person:
    return Person(**{**dict(row), "grants": json.loads(row["grants"])})
