"""Sessions: an access token that lives for minutes, a refresh token that is good for one use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from asyncpg import Record

from simems_cloud.access.principal import Principal
from simems_cloud.access.tokens import issue_access, new_opaque, read_opaque
from simems_cloud.audit.log import Change, change
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.schemas import Session, SignedInTokens
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import NotFoundError, NotSignedInError

Method = Literal["password", "oidc", "invitation"]
SHORT_S = 15 * 60
"""Of an access token whose holder knows how to refresh it."""
SESSION_S = 30 * 86_400
ENDED = "this sign-in has ended; sign in again"


@dataclass(frozen=True)
class Lifetimes:
    """``first_s``: of the first access token; clients that cannot refresh get a longer one."""

    jwt_key: str
    first_s: int = SHORT_S


async def open_session(
    made: Change, *, tenant_id: UUID, user_id: UUID, method: Method, client: str, lifetimes: Lifetimes
) -> SignedInTokens:
    """In the change that let the person in; recorded there."""
    await made.connection.execute(QUERIES["forget_sessions"], user_id)
    row = (user_id, method, client[:200], float(SESSION_S))
    session_id = UUID(str(await made.connection.fetchval(QUERIES["open_session"], *row)))
    tokens = await _tokens(made, tenant_id, user_id, session_id, lifetimes.jwt_key, lifetimes.first_s)
    await made.record("session.open", session_id, {"method": method, "client": client[:200]})
    return tokens


async def refresh(pool: Pool, text: str, jwt_key: str) -> SignedInTokens:
    """New tokens for a refresh token never used before. A used one ends the whole session: it has been copied.

    Raises NotSignedInError.
    """
    token = read_opaque("refresh", text)
    if token is None:
        raise NotSignedInError(ENDED)
    async with transaction(pool, tenant=token.tenant_id) as connection:
        found = await connection.fetchrow(QUERIES["refresh_token"], token.digest)
    if found is None or not found["alive"]:
        raise NotSignedInError(ENDED)
    async with change(pool, tenant=token.tenant_id, actor=found["email"], user=found["user_id"]) as made:
        row = await made.connection.fetchrow(QUERIES["refresh_token"], token.digest)
        tokens = None if row is None else await _rotate(made, token.tenant_id, token.digest, row, jwt_key)
        await made.record("session.refresh" if tokens else "session.reuse_detected", found["session_id"])
    if tokens is None:
        raise NotSignedInError(ENDED)
    return tokens


async def _rotate(made: Change, tenant_id: UUID, digest: bytes, row: Record, jwt_key: str) -> SignedInTokens | None:
    """None: the token was used before; its session is revoked."""
    session_id, user_id = UUID(str(row["session_id"])), UUID(str(row["user_id"]))
    if row["used_at"] is not None:
        await made.connection.execute(QUERIES["revoke_session"], session_id, user_id)
        return None
    await made.connection.execute(QUERIES["use_refresh_token"], digest)
    await made.connection.execute(QUERIES["session_used"], session_id)
    return await _tokens(made, tenant_id, user_id, session_id, jwt_key, SHORT_S)


async def _tokens(
    made: Change, tenant_id: UUID, user_id: UUID, session_id: UUID, jwt_key: str, lifetime_s: int
) -> SignedInTokens:
    fresh = new_opaque("refresh", tenant_id)
    await made.connection.execute(QUERIES["add_refresh_token"], fresh.digest, session_id)
    access = issue_access(jwt_key, user_id=user_id, tenant_id=tenant_id, session_id=session_id, lifetime_s=lifetime_s)
    return SignedInTokens(access_token=access, token_type="bearer", expires_in=lifetime_s, refresh_token=fresh.text)  # noqa: S106 - the scheme's name


async def list_sessions(pool: Pool, principal: Principal, user_id: UUID) -> list[Session]:
    """Those that live, last used first."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["list_sessions"], user_id)
    return [Session(**dict(row), current=row["id"] == principal.session_id) for row in rows]


async def end_session(pool: Pool, principal: Principal, user_id: UUID, session_id: UUID) -> None:
    """At once: the next request with it is refused. Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        if not await made.connection.fetchval(QUERIES["revoke_session"], session_id, user_id):
            raise NotFoundError(f"no session {session_id}")
        await made.record("session.revoke", session_id, {"user_id": user_id})
