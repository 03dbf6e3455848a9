"""Three tenants, a pool of two connections, every table, every verb, both roles, and everything that goes wrong.

Each request is one transaction of a random tenant (or of none) that reads, writes or tries to write foreign rows, and
may end in an error, a rollback, or a cancellation while the server is busy. What it read must be its own; what it
wrote must be its own. At the end the superuser counts every tenant's rows: what only others touched is as it was.
``SIMEMS_ISOLATION_REQUESTS`` sets how many requests; the short form makes a few thousand.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from simems_cloud.kit.database import Connection, Pool, open_pool, transaction
from simems_cloud.kit.postgres.access import Access

pytestmark = pytest.mark.integration
WANTED = int(os.environ.get("SIMEMS_ISOLATION_REQUESTS", "4000"))
ROLES = ("app", "ingest", "worker", "owner")
VERBS = (
    "read",
    "read all of a view",
    "steal",
    "give away",
    "insert foreign",
    "overwrite foreign",
    "delete foreign",
    "touch own",
)
ENDS = ("commit", "commit", "raise", "sql error", "cancel")
REFUSED = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.GeneratedAlwaysError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
VIEWS = ("measurements", "user_grants")


class LeakError(AssertionError):
    """A foreign row was read or written."""


@dataclass(frozen=True)
class Request:
    tenant: UUID | None
    other: UUID
    role: str
    table: str
    verb: str
    end: str


class World:
    """One database with its tenants, pools and counts, shared by all runs of the machine."""

    def __init__(self, access: Access, tenants: list[UUID], tables: list[str]) -> None:
        self.access, self.tenants, self.tables = access, tenants, tables
        self.loop = asyncio.new_event_loop()
        self.pools: dict[str, Pool] = {}
        self.done = Counter[str]()
        self.requests = 0

    async def open(self) -> None:
        urls = (
            ("app", self.access.app_url),
            ("ingest", self.access.ingest_url),
            ("worker", self.access.worker_url),
        )
        for role, url in urls:
            self.pools[role] = await open_pool(url, application="isolation", max_size=2)
        self.pools["owner"] = await open_pool(
            self.access.admin_url, application="isolation", max_size=2, role="simems_owner"
        )

    async def close(self) -> None:
        for pool in self.pools.values():
            await pool.close()

    def drawn(self, dice: random.Random) -> Request:
        tenant = dice.choice([*self.tenants, None])
        other = dice.choice([t for t in self.tenants if t != tenant])
        return Request(
            tenant, other, dice.choice(ROLES), dice.choice(self.tables), dice.choice(VERBS), dice.choice(ENDS)
        )

    def storm(self, requests: list[Request]) -> None:
        self.loop.run_until_complete(self._storm(requests))

    async def _storm(self, requests: list[Request]) -> None:
        """All at once, through two connections a role."""
        for answer in await asyncio.gather(*(self._one(r) for r in requests), return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
        self.requests += len(requests)

    async def _one(self, request: Request) -> None:
        task = asyncio.create_task(self._transaction(request))
        if request.end == "cancel":
            asyncio.get_running_loop().call_later(random.random() * 0.02, task.cancel)
        with suppress(asyncio.CancelledError, asyncpg.DivisionByZeroError, InterruptedError, *REFUSED):
            await task

    async def _transaction(self, request: Request) -> None:
        pool = self.pools[request.role]
        async with transaction(pool, tenant=request.tenant, user=uuid4()) as connection:
            await self._act(connection, request)
            self.done[f"{request.verb}, {request.end}"] += 1
            if request.end == "raise":
                raise InterruptedError
            if request.end == "sql error":
                await connection.execute("select 1 / 0")
            if request.end == "cancel":
                await connection.execute("select pg_sleep(0.02)")

    async def _act(self, connection: Connection, request: Request) -> None:
        if request.verb == "read":
            await self._read(connection, request, request.table)
        elif request.verb == "read all of a view":
            await self._read(connection, request, VIEWS[hash(request.table) % 2])
        else:
            affected = await connection.execute(*_statement(request))
            if request.verb != "touch own" and not affected.endswith(" 0"):
                raise LeakError(f"{request}: {affected}")

    async def _read(self, connection: Connection, request: Request, table: str) -> None:
        for row in await connection.fetch(f"select tenant_id from {table}"):
            if row["tenant_id"] != request.tenant:
                raise LeakError(f"{request}: read a row of {row['tenant_id']}")


def _statement(request: Request) -> tuple[Any, ...]:
    table, other = request.table, request.other
    match request.verb:
        case "steal":
            return f"update {table} set tenant_id = $1 where tenant_id = $2", request.tenant or other, other
        case "give away":
            return f"update {table} set tenant_id = $1 where tenant_id = $2", other, request.tenant or other
        case "insert foreign":
            return f"insert into {table} (tenant_id) values ($1)", other
        case "overwrite foreign":
            return f"update {table} set tenant_id = tenant_id where tenant_id = $1", other
        case "delete foreign":
            return f"delete from {table} where tenant_id = $1", other
        case _:
            return (f"update {table} set tenant_id = tenant_id",)


WORLD: list[World] = []


class Isolation(RuleBasedStateMachine):
    """Steps of any shape; the world outlives them, as a server outlives its requests."""

    @initialize()
    def begin(self) -> None:
        self.world = WORLD[0]

    @precondition(lambda self: hasattr(self, "world"))
    @rule(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 200))
    def storm(self, seed: int, count: int) -> None:
        dice = random.Random(seed)
        self.world.storm([self.world.drawn(dice) for _ in range(count)])

    @precondition(lambda self: hasattr(self, "world"))
    @rule(data=st.data(), repeat=st.integers(1, 8))
    def one_kind_many_times(self, data: st.DataObject, repeat: int) -> None:
        world = self.world
        tenant = data.draw(st.sampled_from([*world.tenants, None]))
        other = data.draw(st.sampled_from([t for t in world.tenants if t != tenant]))
        names = (st.sampled_from(values) for values in (ROLES, world.tables, VERBS, ENDS))
        role, table, verb, end = (data.draw(name) for name in names)
        world.storm([Request(tenant, other, role, table, verb, end)] * repeat)

    @precondition(lambda self: hasattr(self, "world"))
    @rule()
    def a_connection_forgets(self) -> None:
        """Whoever comes next through the same connections, without a tenant, sees nothing."""

        async def look() -> None:
            for role in ("app", "ingest"):
                for _ in range(2):
                    async with transaction(self.world.pools[role]) as connection:
                        assert await connection.fetchval("select count(*) from sites") == 0
                        assert await connection.fetchval("select current_setting('app.user')") == ""

        self.world.loop.run_until_complete(look())

    @invariant()
    def no_pool_is_exhausted(self) -> None:
        for pool in WORLD[0].pools.values():
            assert pool.get_size() <= 2


@pytest.fixture
def world(database: Access, isolation_rows: Any) -> Iterator[World]:
    tenants = [uuid4() for _ in range(3)]
    made = World(database, tenants, [])
    for tenant in tenants:
        made.loop.run_until_complete(isolation_rows(tenant))
    made.tables = made.loop.run_until_complete(_tables(database))
    made.loop.run_until_complete(made.open())
    WORLD[:] = [made]
    yield made
    made.loop.run_until_complete(made.close())
    made.loop.close()


async def _tables(access: Access) -> list[str]:
    superuser = await asyncpg.connect(access.admin_url)
    rows = await superuser.fetch("select name::text from purgeable_tables")
    await superuser.close()
    return sorted([*(row[0] for row in rows), "tenants", "audit_log", "audit_heads"])


def test_every_table_has_a_row_of_every_tenant(world: World, counts: Any) -> None:
    """What is empty proves nothing."""
    found = world.loop.run_until_complete(counts())
    assert {(table, tenant) for table in world.tables for tenant in world.tenants} - set(found) == set()


def test_no_row_crosses(world: World, counts: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = world.loop.run_until_complete(counts())
    shape = settings(
        max_examples=8,
        stateful_step_count=25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    while world.requests < WANTED:
        run_state_machine_as_test(Isolation, settings=shape)
        with capsys.disabled():
            print(f"\r{world.requests} of {WANTED} requests", end="", flush=True)  # noqa: T201 - of a long proof
    after = world.loop.run_until_complete(counts())
    assert after == before
    assert {verb for verb in VERBS if not any(key.startswith(verb) for key in world.done)} <= {
        "steal",
        "give away",
        "insert foreign",
    }, "these are refused before they finish; the others must have run"
    with capsys.disabled():
        print(f"\n{world.requests} requests, 0 foreign rows read, 0 written: {dict(sorted(world.done.items()))}")  # noqa: T201 - the figure


def test_a_leak_would_be_noticed(world: World) -> None:
    """The superuser bypasses every policy; through it the same requests must be found out."""
    world.pools["app"] = world.loop.run_until_complete(
        open_pool(world.access.admin_url, application="isolation", max_size=2)
    )
    first, second = world.tenants[:2]
    for verb in ("read", "overwrite foreign"):
        with pytest.raises(LeakError):
            world.storm([Request(first, second, "app", "sites", verb, "raise")])
