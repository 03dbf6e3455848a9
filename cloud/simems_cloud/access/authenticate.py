"""From a bearer token to a principal; every request asks the database, so an ended session is over at once."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg

from simems_cloud.access.permissions import BUILT_IN
from simems_cloud.access.principal import Grant, Principal
from simems_cloud.access.tokens import INVALID, is_opaque, read_access, read_opaque
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import NotSignedInError
from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.access")
ENDED = "this sign-in has ended; sign in again"


async def authenticate(pool: Pool, key: str, token: str) -> Principal:
    """Of an access token or an API token. Raises NotSignedInError."""
    return await (_by_token(pool, token) if is_opaque("api", token) else _by_session(pool, key, token))


async def _by_session(pool: Pool, key: str, token: str) -> Principal:
    claims = read_access(key, token)
    tenant_id, user_id, session_id = _uuid(claims["tenant"]), _uuid(claims["sub"]), _uuid(claims["sid"])
    async with transaction(pool, tenant=tenant_id, user=user_id) as connection:
        row = await connection.fetchrow(QUERIES["by_session"], session_id, user_id)
    if row is None:
        raise NotSignedInError(ENDED)
    return Principal(
        user_id=user_id,
        tenant_id=tenant_id,
        email=row["email"],
        name=row["name"],
        grants=_grants(row),
        expires_at=float(claims["exp"]),
        session_id=session_id,
        must_enrol=row["must_enrol"],
    )


async def _by_token(pool: Pool, text: str) -> Principal:
    token = read_opaque("api", text)
    if token is None:
        raise NotSignedInError(INVALID)
    async with transaction(pool, tenant=token.tenant_id) as connection:
        row = await connection.fetchrow(QUERIES["by_token"], token.digest)
        if row is None:
            raise NotSignedInError("this API token is not valid any more")
        if row["unseen"]:
            await connection.execute(QUERIES["token_seen"], row["token_id"])
    scope = frozenset(row["permissions"])
    return Principal(
        user_id=row["user_id"],
        tenant_id=token.tenant_id,
        email=row["email"],
        name=row["name"],
        grants=tuple(Grant(g.role, g.permissions & scope, g.path) for g in _grants(row)),
        expires_at=row["expires_at"].timestamp(),
        session_id=None,
        token_name=row["token_name"],
        must_enrol=row["must_enrol"],
    )


def _grants(row: asyncpg.Record) -> tuple[Grant, ...]:
    """A grant at a node that has no path (it is gone) holds nowhere."""
    return tuple(
        Grant(role, BUILT_IN.get(role, frozenset(own)), path)
        for role, own, path, node in json.loads(row["grants"])
        if path is not None or node is None
    )


def _uuid(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError as error:
        raise NotSignedInError(INVALID) from error
