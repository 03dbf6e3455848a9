"""Pools and the one transaction helper: no SQL of a tenant runs outside :func:`transaction`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.pool.PoolConnectionProxy

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What asyncpg raises when the server is away; the last when a session ends in the middle of a statement and its pool
tries to reset it. The pool has dropped the session by then."""
UNAVAILABLE = (
    *UNREACHABLE,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""The above, and what a server says that starts, stops or is full: wait and try again, the data are fine."""

_SNAPSHOT = " isolation level repeatable read, read only"


async def open_pool(url: str, *, application: str, max_size: int = 10, role: str | None = None) -> Pool:
    """A pool with bounded waits. ``role``: act as that role (the command line acts as the owner)."""
    settings = {"application_name": application, "timezone": "UTC", "jit": "off"}
    if role is not None:
        settings["role"] = role
    return await asyncpg.create_pool(
        url, min_size=0, max_size=max_size, timeout=10, command_timeout=60, server_settings=settings, reset=_as_it_is
    )


async def _as_it_is(_session: asyncpg.Connection[asyncpg.Record]) -> None:
    """A session that comes back has nothing to forget, so no statement is spent on it: what :func:`transaction` sets
    ends with its transaction, and one that is still open has been rolled back by the pool."""


async def fetch_one(connection: Connection, query: str, *values: object) -> asyncpg.Record:
    """Of a statement that always returns a row."""
    row = await connection.fetchrow(query, *values)
    if row is None:
        raise RuntimeError(f"no row from: {query}")
    return row


@asynccontextmanager
async def transaction(
    pool: Pool, *, tenant: UUID | None = None, user: UUID | None = None, snapshot: bool = False
) -> AsyncIterator[Connection]:
    """One transaction as one tenant. Without a tenant, row-level security shows no row of anybody.

    ``snapshot``: only reads, and all of them see the same moment. It begins and says whose it is in one way to the
    server and back; whatever is raised inside, cancelled or cut off, rolls it back.
    """
    whose = f"set local app.tenant = '{_id(tenant)}'; set local app.\"user\" = '{_id(user)}'"
    async with pool.acquire(timeout=10) as connection:
        try:
            await connection.execute(f"begin{_SNAPSHOT if snapshot else ''}; {whose}")
            yield connection
        except BaseException:
            with suppress(*UNREACHABLE):  # where the session is gone, the transaction is
                await connection.execute("rollback")
            raise
        await connection.execute("commit")


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """A part of a transaction that fails on its own: what is raised inside undoes what was done inside."""
    await connection.execute("savepoint part")
    try:
        yield
    except Exception:
        await connection.execute("rollback to part; release part")
        raise
    await connection.execute("release part")


async def ask_as_nobody(pool: Pool, query: str, *values: object) -> asyncpg.Record | None:
    """The first row of one statement that runs before a tenant is known, alone: no session keeps a tenant beyond its
    transaction, so row-level security shows it no row of anybody; functions that may look do."""
    async with pool.acquire(timeout=10) as connection:
        return await connection.fetchrow(query, *values)


def _id(of: UUID | None) -> str:
    """As it may stand in a statement: nothing but the digits of an id."""
    if not isinstance(of, UUID | None):
        raise TypeError(f"not an id: {type(of).__name__}")
    return "" if of is None else str(of)
