"""Pools and the one transaction helper: no SQL of a tenant runs outside :func:`transaction`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
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

_SETTINGS = "select set_config('app.tenant', $1, true), set_config('app.user', $2, true)"


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

    ``snapshot``: only reads, and all of them see the same moment.
    """
    mode: dict[str, Any] = {"isolation": "repeatable_read", "readonly": True} if snapshot else {}
    async with pool.acquire(timeout=10) as connection, connection.transaction(**mode):
        await connection.execute(_SETTINGS, str(tenant or ""), str(user or ""))
        yield connection
