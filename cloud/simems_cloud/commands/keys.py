"""The key that signs a tenant's commands is followed by another: the old one says so, and its secret half is gone.

Devices believe a new key on the word of the one before. When that one is lost there is no word: each box must be
claimed anew, by somebody who stands before it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from simems_core.key_changes import LONGEST_CHAIN
from simems_core.wire import KeyChange

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.commands.key_schemas import CommandKey, DeviceBehind, KeyChangeRequest
from simems_cloud.commands.signing import QUERIES, command_key, lock_keys
from simems_cloud.commands.signing import CommandKey as Signer
from simems_cloud.kit.database import Connection, Pool, fetch_one, transaction
from simems_cloud.kit.problems import ConflictError, NotFoundError
from simems_cloud.kit.repeats import Once
from simems_cloud.kit.vault import SealBrokenError, Vault

MOST_BEHIND = 500
LOST = (
    "the old key cannot be opened with secrets/vault; bring that file back, or begin anew with "
    "`simems-cloud tenant change-command-key NAME --lost`: every box must then be claimed again"
)

TOO_OFTEN = f"the key was changed {LONGEST_CHAIN} times, which is all that boxes follow; begin anew with `--lost`"


async def show(pool: Pool, tenant_id: UUID) -> CommandKey:
    """As it stands."""
    async with transaction(pool, tenant=tenant_id) as connection:
        return await state(connection)


async def change_own(
    pool: Pool, vault: Vault, principal: Principal, request: KeyChangeRequest, key: str | None
) -> CommandKey:
    """Of the person's own tenant. Raises ConflictError for a repeat that asks for something else."""
    once = Once(vault, principal.user_id, key, request)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:

        async def follow() -> CommandKey:
            return await follow_key(made, vault, principal.tenant_id, request.overlap_s)

        answer, new = await once.answer(made.connection, CommandKey, follow)
        made.repeated = not new
        return answer


async def change_of(pool: Pool, vault: Vault, actor: str, tenant_id: UUID, overlap_s: int) -> CommandKey:
    """By whoever runs the platform. Raises NotFoundError."""
    async with change(pool, tenant=tenant_id, actor=actor) as made:
        await _known(made.connection, tenant_id)
        return await follow_key(made, vault, tenant_id, overlap_s)


async def begin_anew(pool: Pool, vault: Vault, actor: str, tenant_id: UUID) -> CommandKey:
    """A key for which no other vouches: no device believes it before it was claimed anew. Raises NotFoundError."""
    async with change(pool, tenant=tenant_id, actor=actor) as made:
        await _known(made.connection, tenant_id)
        await lock_keys(made.connection, tenant_id)
        row = await made.connection.fetchrow(QUERIES["newest_key"])
        new, number = Signer.new(), 0 if row is None else row["number"] + 1
        await made.connection.execute(QUERIES["add_key"], new.public, vault.seal(new.secret), number, None, None, None)
        await made.connection.execute(QUERIES["forget_secrets"], number)
        await made.record("command_key.begin_anew", tenant_id, {"number": number, "key": new.public})
        return await state(made.connection)


async def follow_key(made: Change, vault: Vault, tenant_id: UUID, overlap_s: int) -> CommandKey:
    """The old key's statement and the new key, in one transaction. Raises ConflictError when the old one is lost."""
    connection = made.connection
    try:
        old = await command_key(connection, vault, tenant_id)
    except SealBrokenError as error:
        raise ConflictError(LOST) from error
    row = await fetch_one(connection, QUERIES["newest_key"])
    if len(await connection.fetch(QUERIES["key_changes"])) >= LONGEST_CHAIN:
        raise ConflictError(TOO_OFTEN)
    new = Signer.new()
    stated = old.followed_by(
        KeyChange(
            tenant=str(tenant_id),
            number=row["number"] + 1,
            old_key="",
            new_key=new.public,
            old_until_us=time.time_ns() // 1000 + overlap_s * 1_000_000,
            signature="",
        )
    )
    statement = (stated.number, stated.old_key, stated.old_until_us, stated.signature)
    await connection.execute(QUERIES["add_key"], new.public, vault.seal(new.secret), *statement)
    await connection.execute(QUERIES["forget_secrets"], stated.number)
    details = {"number": stated.number, "old_key": stated.old_key, "key": new.public, "overlap_s": overlap_s}
    await made.record("command_key.change", tenant_id, details)
    return await state(connection)


async def state(connection: Connection) -> CommandKey:
    """Of the transaction's tenant."""
    newest = await connection.fetchrow(QUERIES["newest_key"])
    devices = await connection.fetch(QUERIES["keys_of_devices"])
    key = None if newest is None else newest["public_key"]
    behind = [row for row in devices if row["command_key"] != key or row["command_key_trouble"]]
    until_us = None if newest is None else newest["old_until_us"]
    return CommandKey(
        key=key,
        number=0 if newest is None else newest["number"],
        changed_at=None if newest is None else newest["created_at"],
        old_until=None if until_us is None else datetime.fromtimestamp(until_us / 1e6, UTC),
        devices_following=len(devices) - len(behind),
        devices_behind=[_behind(row) for row in behind[:MOST_BEHIND]],
    )


def _behind(row: asyncpg.Record) -> DeviceBehind:
    return DeviceBehind(
        device_id=row["device_id"],
        name=row["name"],
        site_id=row["site_id"],
        believes=row["command_key"],
        reason=row["command_key_trouble"],
    )


async def _known(connection: Connection, tenant_id: UUID) -> None:
    if await connection.fetchrow(QUERIES["lock_tenant"]) is None:
        raise NotFoundError(f"no tenant {tenant_id}")
