"""Who asks: access tokens (JWT, HS256) and the dependency that turns one into a principal."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import ForbiddenError, NotSignedInError

ALGORITHM = "HS256"
AUDIENCE = "simems-api"
ROLES = ("viewer", "operator", "admin")
"""Each may what the ones before may."""

bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)


@dataclass(frozen=True)
class Principal:
    """A signed-in person, as one tenant."""

    user_id: UUID
    tenant_id: UUID
    email: str
    role: str
    expires_at: float
    """Unix time."""


def issue_token(key: str, *, user_id: UUID, tenant_id: UUID, lifetime_s: int) -> str:
    now = int(time.time())
    claims = {"sub": str(user_id), "tenant": str(tenant_id), "aud": AUDIENCE, "iat": now, "exp": now + lifetime_s}
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def read_token(key: str, token: str) -> dict[str, Any]:
    """The claims of a valid token. Raises NotSignedInError."""
    try:
        return jwt.decode(
            token, key, algorithms=[ALGORITHM], audience=AUDIENCE, options={"require": ["exp", "sub", "tenant"]}
        )
    except jwt.ExpiredSignatureError as error:
        raise NotSignedInError("the sign-in has expired; sign in again") from error
    except jwt.InvalidTokenError as error:
        raise NotSignedInError("the token is not valid; sign in again") from error


async def authenticate(pool: Pool, key: str, token: str) -> Principal:
    """The principal of a token, when the person still exists and is active."""
    claims = read_token(key, token)
    tenant_id, user_id = UUID(claims["tenant"]), UUID(claims["sub"])
    async with transaction(pool, tenant=tenant_id, user=user_id) as connection:
        row = await connection.fetchrow("select email, role from users where user_id = $1 and active", user_id)
    if row is None:
        raise NotSignedInError("this account is not active any more")
    return Principal(user_id, tenant_id, row["email"], row["role"], float(claims["exp"]))


async def signed_in(request: Request, token: Annotated[str | None, Depends(bearer)]) -> Principal:
    if not token:
        raise NotSignedInError("no bearer token; sign in at /api/v1/auth/token")
    return await authenticate(request.app.state.pool, request.app.state.jwt_key, token)


def require_role(principal: Principal, role: str) -> None:
    """Raises ForbiddenError unless the principal has at least that role."""
    if ROLES.index(principal.role) < ROLES.index(role):
        raise ForbiddenError(f"this needs the role {role}; yours is {principal.role}")


def pool_of(request: Request) -> Pool:
    pool: Pool = request.app.state.pool
    return pool


SignedIn = Annotated[Principal, Depends(signed_in)]
Database = Annotated[Pool, Depends(pool_of)]
