"""Sign-in with a password: counted before it is tried, the same answer for every failure."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.identity import attempts
from simems_cloud.identity.passwords import matches
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.schemas import Me, SignedInTokens, TenantName
from simems_cloud.identity.second_factor import WRONG_CODE, take_code
from simems_cloud.identity.sessions import Lifetimes, open_session
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import ForbiddenError, NotSignedInError, SecondFactorNeededError
from simems_cloud.kit.vault import Vault

WRONG = "the e-mail or the password is wrong"
SUSPENDED = "this tenant is suspended; ask whoever runs the platform"


@dataclass(frozen=True)
class Attempt:
    """What somebody sends to come in, and from where."""

    email: str
    password: str
    code: str | None
    address: str
    client: str


async def sign_in(pool: Pool, attempt: Attempt, vault: Vault, lifetimes: Lifetimes) -> SignedInTokens:
    """Raises NotSignedInError, SecondFactorNeededError, ForbiddenError (suspended), TooManyAttemptsError."""
    email = attempt.email.strip().lower()
    await attempts.count(pool, "address", attempt.address, attempts.PER_ADDRESS)
    counted = await attempts.count(pool, "account", email)
    async with transaction(pool) as connection:
        user = await connection.fetchrow(QUERIES["user_by_email"], email)
    if not await matches(attempt.password, user["password_hash"] if user else None) or user is None:
        await _refused(pool, user, email, "password")
        raise NotSignedInError(WRONG)
    if attempt.code:
        await attempts.count(pool, "code", email, lock_s=attempts.CODE_LOCK_S)
    try:
        async with change(pool, tenant=user["tenant_id"], actor=email, user=user["user_id"]) as made:
            await _second_step(made, user, attempt.code, vault)
            await made.connection.execute(QUERIES["sign_in_succeeded"], attempts.key("code", email))
            await made.connection.execute(QUERIES["sign_in_succeeded"], counted)
            return await open_session(
                made,
                tenant_id=user["tenant_id"],
                user_id=user["user_id"],
                method="password",
                client=attempt.client,
                lifetimes=lifetimes,
            )
    except NotSignedInError as error:
        if not isinstance(error, SecondFactorNeededError):
            await _refused(pool, user, email, "code")
        raise


async def _second_step(made: Change, user: asyncpg.Record, code: str | None, vault: Vault) -> None:
    account = await made.connection.fetchrow(QUERIES["account"], user["user_id"])
    if account is None or not account["active"]:
        raise NotSignedInError(WRONG)
    if account["status"] != "active":
        raise ForbiddenError(SUSPENDED)
    if not account["has_second_factor"]:
        return
    if not code:
        raise SecondFactorNeededError("send the code of the second factor as the form field `code`")
    if await take_code(made.connection, account, code, vault) is None:
        raise NotSignedInError(WRONG_CODE)


async def _refused(pool: Pool, user: asyncpg.Record | None, email: str, reason: str) -> None:
    """Of people who exist; the count of tries bounds how many there can be."""
    if user is None:
        return
    async with change(pool, tenant=user["tenant_id"], actor=email) as made:
        await made.record("session.refuse", user["user_id"], {"reason": reason})


async def me(pool: Pool, principal: Principal) -> Me:
    """Raises NotSignedInError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        row = await connection.fetchrow(QUERIES["me"], principal.user_id)
    if row is None:
        raise NotSignedInError("this account is not there any more")
    return Me(
        email=row["email"],
        name=row["name"],
        role=", ".join(row["roles"]) or "none",
        roles=row["roles"],
        permissions=sorted({permission for grant in principal.grants for permission in grant.permissions}),
        second_factor=row["second_factor"],
        must_enrol=principal.must_enrol,
        tenant=TenantName(id=row["tenant_id"], name=row["tenant_name"]),
    )
