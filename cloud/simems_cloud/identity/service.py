"""Sign-in: counted before it is tried, locked after too many wrong ones, the same answer for every failure."""

from __future__ import annotations

import hashlib
from uuid import UUID

from simems_cloud.audit.log import change
from simems_cloud.identity.passwords import matches
from simems_cloud.identity.schemas import AccessToken, Me, TenantName
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.principal import Principal, issue_token
from simems_cloud.kit.problems import NotSignedInError, TooManyAttemptsError
from simems_cloud.kit.sql import load_queries

QUERIES = load_queries("simems_cloud.identity")
ATTEMPTS_PER_ACCOUNT = 5
ATTEMPTS_PER_ADDRESS = 200
"""Right ones count as well: who has an account cannot wipe the count of guesses at others."""
LOCK_S = 60
WRONG = "the e-mail or the password is wrong"


async def sign_in(pool: Pool, *, email: str, password: str, address: str, jwt_key: str, lifetime_s: int) -> AccessToken:
    """Raises NotSignedInError, TooManyAttemptsError."""
    email = email.strip().lower()
    account = _key("account", email)
    await _count(pool, _key("address", address), ATTEMPTS_PER_ADDRESS)
    await _count(pool, account, ATTEMPTS_PER_ACCOUNT)
    async with transaction(pool) as connection:
        user = await connection.fetchrow(QUERIES["user_by_email"], email)
    if not await matches(password, user["password_hash"] if user else None) or user is None:
        raise NotSignedInError(WRONG)
    async with change(pool, tenant=user["tenant_id"], actor=email, user=user["user_id"]) as made:
        await made.connection.execute(QUERIES["sign_in_succeeded"], account)
        await made.record("session.open", user["user_id"])
    token = issue_token(jwt_key, user_id=user["user_id"], tenant_id=user["tenant_id"], lifetime_s=lifetime_s)
    return AccessToken(access_token=token, token_type="bearer", expires_in=lifetime_s)  # noqa: S106 - the scheme's name


async def me(pool: Pool, principal: Principal) -> Me:
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        row = await connection.fetchrow(QUERIES["me"], principal.user_id)
    if row is None:
        raise NotSignedInError("this account is not there any more")
    tenant = TenantName(id=UUID(str(row["tenant_id"])), name=row["tenant_name"])
    return Me(email=row["email"], name=row["name"], role=row["role"], tenant=tenant)


async def _count(pool: Pool, key: bytes, allowed: int) -> None:
    async with transaction(pool) as connection:
        wait_s = await connection.fetchval(QUERIES["begin_sign_in"], key, allowed, LOCK_S)
    if wait_s:
        detail = f"too many tries; wait {wait_s} s"
        raise TooManyAttemptsError(detail, {"Retry-After": str(wait_s)})


def _key(kind: str, value: str) -> bytes:
    """What is counted is kept as a hash: the table holds no addresses."""
    return hashlib.sha256(f"{kind}:{value}".encode()).digest()
