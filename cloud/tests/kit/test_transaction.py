"""A session that comes back to its pool belongs to nobody, however its transaction ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
from simems_cloud.kit.database import Connection, Pool, open_pool, savepoint, transaction
from simems_cloud.kit.postgres.access import Access

pytestmark = pytest.mark.integration
BOUND_S = 10.0
WHOSE = "select current_setting('app.tenant', true)"


@pytest.fixture
async def one(database: Access) -> AsyncIterator[Pool]:
    """A pool of a single session, so that the next one to ask gets what the last one left."""
    pool = await open_pool(database.app_url, application="test", max_size=1)
    yield pool
    await pool.close()


async def _waits(connection: Connection) -> None:
    await connection.execute("select pg_sleep(60)")


async def _waits_elsewhere(connection: Connection) -> None:
    await connection.execute("select 1")
    await asyncio.Event().wait()


async def _left(pool: Pool) -> None:
    async with asyncio.timeout(BOUND_S), pool.acquire() as connection:
        assert not connection.is_in_transaction()
        assert (await connection.fetchval(WHOSE) or "") == ""


@pytest.mark.parametrize("body", [_waits, _waits_elsewhere])
async def test_cancelled_in_the_middle(one: Pool, body: Callable[[Connection], Awaitable[None]]) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with transaction(one, tenant=uuid4(), user=uuid4()) as connection:
            inside.set()
            await body(connection)

    task = asyncio.create_task(work())
    async with asyncio.timeout(BOUND_S):
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await _left(one)


async def test_cancelled_at_any_step(one: Pool) -> None:
    """So many turns of the loop after its start."""

    async def work() -> None:
        async with transaction(one, tenant=uuid4()) as connection:
            await connection.execute("select 1")

    for turns in range(60):
        task = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(BOUND_S):
            await asyncio.wait({task})
        await _left(one)


async def test_an_error_of_the_database_and_one_of_ours(one: Pool) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with transaction(one, tenant=uuid4()) as connection:
            await connection.execute("select 1 / 0")
    await _left(one)
    with pytest.raises(LookupError):
        async with transaction(one, tenant=uuid4()):
            raise LookupError
    await _left(one)


async def test_a_part_fails_alone(one: Pool) -> None:
    tenant = uuid4()
    async with transaction(one, tenant=tenant) as connection:
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with savepoint(connection):
                await connection.execute("select 1 / 0")
        assert await connection.fetchval("select current_setting('app.tenant')") == str(tenant)
    await _left(one)


async def test_nothing_but_an_id_comes_into_the_statement(one: Pool) -> None:
    with pytest.raises(TypeError, match="not an id"):
        async with transaction(one, tenant="x'; reset role; --"):  # type: ignore[arg-type] # that is the point
            raise AssertionError("it was let in")
