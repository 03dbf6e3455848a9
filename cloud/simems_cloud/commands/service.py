"""Commands are made here, signed and left in the table; ingest sends them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
from simems_core.orders import payload_hash
from simems_core.wire import Command as WireCommand

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.commands.schemas import Batch, BatchRequest, BatchResult, Command, CommandRequest, Order
from simems_cloud.commands.signing import QUERIES, command_key
from simems_cloud.kit.database import Connection, Pool, savepoint, transaction
from simems_cloud.kit.pages import cursor, place
from simems_cloud.kit.problems import ConflictError, ForbiddenError, NotFoundError, ProblemError
from simems_cloud.kit.repeats import Once
from simems_cloud.kit.vault import Vault

EARLY_US = 10_000_000
"""How far the clocks of the cloud's hosts may differ."""
OF_THE_BOX = frozenset({"configuration", "restart", "diagnostics", "update", "rotate_key"})
"""Kinds about the device itself: they need ``devices:write`` as well."""
MOST = 200


@dataclass(frozen=True)
class Asked:
    """What one person asks of one site."""

    site_id: str
    order: Order
    valid_s: int
    batch_id: UUID | None = None
    device_id: UUID | None = None
    """None: the device that speaks for the site now."""


async def send_command(
    pool: Pool, vault: Vault, principal: Principal, site_id: str, request: CommandRequest, key: str | None
) -> Command:
    """Raises ForbiddenError, NotFoundError, ConflictError."""
    _may(principal, request.order)
    once = Once(vault, principal.user_id, key, request, site_id)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:

        async def send() -> Command:
            await _within(made.connection, principal, site_id, request.order)
            return await order(made, vault, principal.tenant_id, Asked(site_id, request.order, request.valid_s))

        command, new = await once.answer(made.connection, Command, send)
        made.repeated = not new
        return command


async def send_batch(pool: Pool, vault: Vault, principal: Principal, request: BatchRequest, key: str | None) -> Batch:
    """To each site once; what one site cannot take does not stop the others."""
    _may(principal, request.order)
    once = Once(vault, principal.user_id, key, request)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:

        async def send() -> Batch:
            batch_id = uuid4()
            sites = dict.fromkeys(request.site_ids)
            results = [await _one_of_many(made, vault, principal, site, request, batch_id) for site in sites]
            await made.record("command_batch.send", batch_id, {"kind": request.order.kind, "sites": len(results)})
            return Batch(id=batch_id, results=results)

        batch, new = await once.answer(made.connection, Batch, send)
        made.repeated = not new
        return batch


async def _one_of_many(
    made: Change, vault: Vault, principal: Principal, site_id: str, request: BatchRequest, batch_id: UUID
) -> BatchResult:
    try:
        async with savepoint(made.connection):
            await _within(made.connection, principal, site_id, request.order)
            asked = Asked(site_id, request.order, request.valid_s, batch_id)
            return BatchResult(site_id=site_id, command=await order(made, vault, principal.tenant_id, asked))
    except ProblemError as error:
        return BatchResult(site_id=site_id, error=error.detail)


async def order(made: Change, vault: Vault, tenant_id: UUID, asked: Asked) -> Command:
    """Signed and in the table when the transaction commits. Raises ConflictError."""
    connection = made.connection
    await connection.execute(QUERIES["expire_unsent"], None)
    device = await connection.fetchrow(QUERIES["device_of"], asked.site_id, asked.device_id)
    if device is None:
        raise ConflictError(f"site {asked.site_id!r} has no device that is let in; take one in first")
    command_id = uuid4()
    counter = await connection.fetchval(QUERIES["count_up"], device["device_id"])
    payload = json.dumps(asked.order.model_dump(mode="json", exclude={"kind"}), ensure_ascii=False)
    now_us = time.time_ns() // 1000
    unsigned = WireCommand(
        id=str(command_id),
        tenant=str(tenant_id),
        device=str(device["device_id"]),
        counter=counter,
        kind=asked.order.kind,
        not_before_us=now_us - EARLY_US,
        expires_us=now_us + asked.valid_s * 1_000_000,
        actor="".join(letter for letter in made.actor if ord(letter) >= 32)[:320],
        payload=payload,
        payload_sha256=payload_hash(payload),
        key="",
        signature="",
    )
    signed = (await command_key(connection, vault, tenant_id)).signed(unsigned)
    await _insert(connection, signed, asked)
    details = {
        "kind": signed.kind,
        "site_id": asked.site_id,
        "counter": counter,
        "payload_sha256": signed.payload_sha256,
    }
    await made.record("command.send", command_id, details)
    return (await _commands(connection, command_id=command_id))[0]


async def _insert(connection: Connection, signed: WireCommand, asked: Asked) -> None:
    await connection.execute(
        QUERIES["add_command"],
        *(UUID(signed.id), UUID(signed.device), asked.site_id, asked.batch_id, signed.counter, signed.kind),
        *(signed.payload, bytes.fromhex(signed.payload_sha256), signed.key, bytes.fromhex(signed.signature)),
        *(signed.not_before_us, signed.expires_us, signed.actor),
    )


@dataclass(frozen=True)
class Page:
    """Which commands to list. ``site_id`` None: of all sites within reach; ``states`` empty: in any state."""

    site_id: str | None
    states: list[str]
    after: str | None
    limit: int


async def list_commands(pool: Pool, principal: Principal, page: Page) -> tuple[list[Command], str | None]:
    """Newest first, with the next page's cursor. Raises NotFoundError, InvalidRequestError."""
    key, site_id, limit = place(page.after, datetime, UUID), page.site_id, page.limit
    paths = principal.paths(Permission.COMMANDS_READ) if site_id is None else None
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        if site_id is not None and not await connection.fetchval("select 1 from sites where site_id = $1", site_id):
            raise NotFoundError(f"no site {site_id!r}")
        await connection.execute(QUERIES["expire_unsent"], None)
        states = page.states or None
        found = await _commands(connection, site_id=site_id, paths=paths, states=states, key=key, limit=limit + 1)
    shown = found[:limit]
    return shown, cursor(shown[-1].created_at, shown[-1].id) if len(found) > limit else None


async def newest(connection: Connection, site_id: str, limit: int) -> list[Command]:
    """Of one site, for the command line."""
    return await _commands(connection, site_id=site_id, limit=limit)


async def get_command(pool: Pool, principal: Principal, command_id: UUID) -> Command:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await connection.execute(QUERIES["expire_unsent"], None)
        return await _command(connection, command_id, principal.paths(Permission.COMMANDS_READ))


async def get_result(pool: Pool, principal: Principal, command_id: UUID) -> bytes:
    """What the command brought back. Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await _command(connection, command_id, principal.paths(Permission.COMMANDS_READ))
        content = await connection.fetchval(QUERIES["result"], command_id)
    if content is None:
        raise NotFoundError("this command has no result to download")
    return bytes(content)


async def get_batch(pool: Pool, principal: Principal, batch_id: UUID) -> Batch:
    """The commands of a batch as they stand, of the sites within reach. Raises NotFoundError."""
    paths = principal.paths(Permission.COMMANDS_READ)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await connection.execute(QUERIES["expire_unsent"], None)
        found = await _commands(connection, batch_id=batch_id, paths=paths, limit=1000)
    if not found:
        raise NotFoundError(f"no batch {str(batch_id)!r}")
    return Batch(id=batch_id, results=[BatchResult(site_id=one.site_id, command=one) for one in found])


async def _command(connection: Connection, command_id: UUID, paths: list[str] | None) -> Command:
    found = await _commands(connection, command_id=command_id, paths=paths)
    if not found:
        raise NotFoundError(f"no command {str(command_id)!r}")
    return found[0]


async def _commands(
    connection: Connection,
    *,
    site_id: str | None = None,
    command_id: UUID | None = None,
    batch_id: UUID | None = None,
    paths: list[str] | None = None,
    states: list[str] | None = None,
    key: list[object] | None = None,
    limit: int = 1,
) -> list[Command]:
    at, last = key or (None, None)
    rows = await connection.fetch(QUERIES["commands"], site_id, command_id, batch_id, paths, at, last, limit, states)
    return [_shown(row) for row in rows]


def _shown(row: asyncpg.Record) -> Command:
    return Command(**{**dict(row), "payload": json.loads(row["payload"])})


def _may(principal: Principal, wanted: Order) -> None:
    if wanted.kind in OF_THE_BOX and principal.paths(Permission.DEVICES_WRITE) == []:
        raise ForbiddenError(f"{wanted.kind} needs the permission {Permission.DEVICES_WRITE} as well")


_REACH = "select exists (select from org_nodes where site_id = $1 and path <@ any ($2::text[]::ltree[]))"


async def _within(connection: Connection, principal: Principal, site_id: str, wanted: Order) -> None:
    """The site is there, and within the reach of every permission that this kind needs. Raises NotFoundError."""
    needed = [Permission.COMMANDS_WRITE, *((Permission.DEVICES_WRITE,) if wanted.kind in OF_THE_BOX else ())]
    known = await connection.fetchval("select exists (select from sites where site_id = $1)", site_id)
    for permission in needed:
        paths = principal.paths(permission)
        known = known and (paths is None or await connection.fetchval(_REACH, site_id, paths))
    if not known:
        raise NotFoundError(f"no site {site_id!r}")
