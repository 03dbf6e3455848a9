"""A second factor: six digits every thirty seconds (RFC 6238), each taken once, and ten codes for a lost phone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from uuid import UUID

import asyncpg
import pyotp

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.identity import attempts
from simems_cloud.identity.passwords import matches
from simems_cloud.identity.queries import QUERIES
from simems_cloud.identity.schemas import RecoveryCodes, SecondFactorSecret
from simems_cloud.kit.database import Connection, Pool
from simems_cloud.kit.problems import ConflictError, ForbiddenError, NotFoundError
from simems_cloud.kit.vault import Vault

STEP_S = 30
TOLERANCE = 1
"""Steps before and after the present one: a clock may be half a minute off."""
ISSUER = "Sim EMS"
CODES = 10
WRONG_CODE = "the code is wrong or has been used"


def matching_step(secret: str, code: str, last_step: int, now_s: float) -> int | None:
    """The time step that this code belongs to, later than the last one taken; None: no such step."""
    totp, present = pyotp.TOTP(secret, interval=STEP_S), int(now_s // STEP_S)
    for step in range(present - TOLERANCE, present + TOLERANCE + 1):
        if step > last_step and hmac.compare_digest(totp.generate_otp(step), code.strip().replace(" ", "")):
            return step
    return None


async def take_code(connection: Connection, account: asyncpg.Record, code: str, vault: Vault) -> str | None:
    """What it was, ``totp`` or ``recovery``; used up from now on. None: wrong."""
    step = matching_step(vault.open(account["sealed_secret"]), code, account["last_step"], time.time())
    if step is not None:
        await connection.execute(QUERIES["take_step"], account["user_id"], step)
        return "totp"
    digest = _code_hash(account["user_id"], code)
    if await connection.fetchval(QUERIES["take_recovery_code"], account["user_id"], digest):
        return "recovery"
    return None


async def enrol(pool: Pool, principal: Principal, password: str, vault: Vault) -> SecondFactorSecret:
    """A new secret, not yet in force. Raises ForbiddenError (wrong password), ConflictError (one is in force)."""
    await attempts.count(pool, "account", principal.email)
    secret = pyotp.random_base32()
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        account = await made.connection.fetchrow(QUERIES["account"], principal.user_id)
        await require_password(account, password)
        if not await made.connection.fetchval(QUERIES["put_second_factor"], principal.user_id, vault.seal(secret)):
            raise ConflictError("a second factor is in force; remove it first")
        await made.connection.execute(QUERIES["sign_in_succeeded"], attempts.key("account", principal.email))
        await made.record("second_factor.enrol", principal.user_id)
    return SecondFactorSecret(
        secret=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=principal.email, issuer_name=ISSUER)
    )


async def confirm(pool: Pool, principal: Principal, code: str, vault: Vault) -> RecoveryCodes:
    """In force from now on. Again, with a right code: ten new recovery codes. Raises ForbiddenError, NotFoundError."""
    await attempts.count(pool, "account", principal.email)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        account = await made.connection.fetchrow(QUERIES["account"], principal.user_id)
        if account is None or account["sealed_secret"] is None:
            raise NotFoundError("no second factor has been enrolled")
        step = matching_step(vault.open(account["sealed_secret"]), code, account["last_step"], time.time())
        if step is None:
            raise ForbiddenError(WRONG_CODE)
        await made.connection.execute(QUERIES["confirm_second_factor"], principal.user_id, step)
        codes = await _new_codes(made, principal.user_id)
        await made.connection.execute(QUERIES["sign_in_succeeded"], attempts.key("account", principal.email))
        await made.record("second_factor.confirm", principal.user_id)
    return RecoveryCodes(codes=codes)


async def remove(pool: Pool, principal: Principal, password: str) -> None:
    """One's own. Raises ForbiddenError when the tenant requires one."""
    await attempts.count(pool, "account", principal.email)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        account = await made.connection.fetchrow(QUERIES["account"], principal.user_id)
        await require_password(account, password)
        if account is not None and account["second_factor_required"]:
            raise ForbiddenError("this tenant requires a second factor; an administrator can reset it")
        await drop(made, principal.user_id)


async def drop(made: Change, user_id: UUID) -> None:
    """Secret and recovery codes. Raises NotFoundError."""
    if not await made.connection.fetchval(QUERIES["drop_second_factor"], user_id):
        raise NotFoundError("no second factor has been enrolled")
    await made.record("second_factor.remove", user_id)


async def require_password(account: asyncpg.Record | None, password: str) -> None:
    """For what a stolen session alone must not do. Raises ForbiddenError."""
    if account is None or not await matches(password, account["password_hash"]):
        raise ForbiddenError("the password is wrong")


async def _new_codes(made: Change, user_id: UUID) -> list[str]:
    """80 random bits each: too many to guess, so a plain hash keeps them."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
    shown = ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in codes]
    await made.connection.execute(QUERIES["clear_recovery_codes"], user_id)
    await made.connection.execute(QUERIES["add_recovery_codes"], user_id, [_code_hash(user_id, c) for c in shown])
    return shown


def _code_hash(user_id: UUID, code: str) -> bytes:
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(f"{user_id}:{plain}".encode()).digest()
