"""Appending: in the change's own transaction, without gaps, one at a time per tenant; and the commands."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_cloud.audit.chain import entry_hash, heads, verify_all, verify_chain
from simems_cloud.audit.heads_file import HeadsFileError, read_heads, write_heads
from simems_cloud.audit.log import UnrecordedChangeError, append, change
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.postgres.access import Access

SIMEMS = Path(sys.executable).parent / "simems-cloud"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@pytest.mark.integration
async def test_a_change_that_records_nothing_is_rolled_back(owner_pool: Pool) -> None:
    tenant = uuid4()
    with pytest.raises(UnrecordedChangeError):
        async with change(owner_pool, tenant=tenant, actor="ada") as made:
            await made.connection.execute(
                "insert into tenants (tenant_id, name) values ($1::uuid, gen_random_uuid()::text)", tenant
            )
    async with transaction(owner_pool, tenant=tenant) as connection:
        assert await connection.fetchval("select count(*) from tenants") == 0


@pytest.mark.integration
async def test_an_entry_goes_with_its_transaction(owner_pool: Pool) -> None:
    tenant = uuid4()
    with pytest.raises(asyncpg.DivisionByZeroError):  # noqa: PT012 - the block is the transaction
        async with change(owner_pool, tenant=tenant, actor="ada") as made:
            await made.record("site.rename", "x")
            await made.connection.execute("select 1 / 0")
    async with change(owner_pool, tenant=tenant, actor="ada") as made:
        await made.record("site.rename", "x")
    async with transaction(owner_pool, tenant=tenant) as connection:
        assert await connection.fetchval("select array_agg(serial) from audit_log") == [1]


@pytest.mark.integration
async def test_many_at_once_leave_no_gap(owner_pool: Pool, app_pool: Pool) -> None:
    tenant = uuid4()

    async def one(index: int) -> None:
        pool = (owner_pool, app_pool)[index % 2]
        with suppress(asyncpg.DivisionByZeroError):
            async with change(pool, tenant=tenant, actor=f"user{index}") as made:
                await made.record("thing.do", index)
                await made.connection.execute("select 1 / $1::int", index % 5)

    await asyncio.gather(*(one(index) for index in range(60)))
    async with transaction(owner_pool, tenant=tenant) as connection:
        verdict = await verify_chain(connection, tenant)
    assert (verdict.entries, verdict.broken) == (48, None)


@pytest.mark.integration
async def test_an_entry_needs_a_tenant_and_stays_in_it(app_pool: Pool) -> None:
    with pytest.raises(Exception, match="needs a tenant"):
        async with transaction(app_pool) as connection:
            await append(connection, "ada", "a.b", "x")
    async with transaction(app_pool, tenant=uuid4()) as connection:
        await append(connection, "ada", "a.b", "x")
    async with transaction(app_pool, tenant=uuid4()) as connection:
        assert await connection.fetchval("select count(*) from audit_log") == 0


def test_no_two_entries_have_the_same_text() -> None:
    """Moving a character from one field to the next gives another hash."""
    base = {"tenant_id": uuid4(), "serial": 1, "at_us": 5, "object": "o", "details": "{}", "previous": bytes(32)}
    one = entry_hash({**base, "actor": "ab", "action": "c"})
    assert one != entry_hash({**base, "actor": "a", "action": "bc"})
    assert one != entry_hash({**base, "actor": "1:ab", "action": "c"})


@given(actor=TEXT, action=TEXT, on=TEXT, other=st.tuples(TEXT, TEXT, TEXT))
def test_hashes_differ_when_fields_do(actor: str, action: str, on: str, other: tuple[str, str, str]) -> None:
    base = {"tenant_id": uuid4(), "serial": 1, "at_us": 5, "details": "{}", "previous": bytes(32)}
    one = entry_hash({**base, "actor": actor, "action": action, "object": on})
    two = entry_hash({**base, "actor": other[0], "action": other[1], "object": other[2]})
    assert (one == two) == ((actor, action, on) == other)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"heads": [{}]}', '{"heads": [{"tenant_id": "x", "serial": 1, "hash": ""}]}']
)
def test_a_wrong_file_of_heads_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "heads.json").write_text(text)
    with pytest.raises(HeadsFileError, match="not a file of heads"):
        read_heads(tmp_path / "heads.json")
    with pytest.raises(HeadsFileError, match="cannot be read"):
        read_heads(tmp_path / "none.json")


@pytest.mark.integration
async def test_heads_survive_the_file(owner_pool: Pool, tmp_path: Path) -> None:
    async with change(owner_pool, tenant=uuid4(), actor="ada") as made:
        await made.record("a.b", "x")
    found = await heads(owner_pool)
    write_heads(tmp_path / "heads.json", found)
    assert read_heads(tmp_path / "heads.json") == found
    assert all(verdict.broken is None for verdict in await verify_all(owner_pool, found))


@pytest.mark.integration
def test_the_commands_find_a_cut_tail(postgres: Any, throw_away: Any, tmp_path: Path) -> None:
    for access in throw_away(*postgres):
        _cut_and_verify(access, tmp_path)


def _cut_and_verify(access: Access, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SIMEMS_DATABASE_URL": access.admin_url, "SIMEMS_DATA_DIR": str(tmp_path)}
        return subprocess.run([SIMEMS, *arguments], check=False, capture_output=True, text=True, env=environment)

    file = str(tmp_path / "heads.json")
    assert run("tenant", "create", "Demo").returncode == 0
    assert run("audit", "head", "-o", file).returncode == 0
    whole = run("audit", "verify", "--head", file, "--json")
    assert (whole.returncode, json.loads(whole.stdout)[0]["what"]) == (0, "whole")
    with psycopg.connect(access.admin_url) as superuser:
        superuser.execute("alter table audit_log disable trigger user")
        superuser.execute("delete from audit_log")
        superuser.execute("delete from audit_heads")
    cut = run("audit", "verify", "--head", file)
    assert cut.returncode == 1
    assert "Demo" in cut.stderr
    assert "serial 1" in cut.stderr
    assert "missing" in cut.stderr
    assert run("audit", "verify", "--head", str(tmp_path / "none.json")).returncode == 2
