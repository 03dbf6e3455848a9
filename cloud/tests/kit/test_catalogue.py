"""What PostgreSQL's own catalogue says of tenancy: the guard that no later migration may slip past."""

from __future__ import annotations

from typing import Any

import asyncpg
import psycopg
import pytest
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.postgres.access import Access
from simems_cloud.migrations.run import current, downgrade, newest, upgrade

pytestmark = pytest.mark.integration
APP_ROLES = ("simems_app", "simems_ingest")


def _rows(access: Access, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(access.admin_url) as connection:
        return connection.execute(query.encode()).fetchall()


TENANT_TABLES = """select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where a.attname = 'tenant_id' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace"""


def test_every_tenant_table_forces_row_level_security(database: Access) -> None:
    bare = _rows(
        database,
        f"""select relname from pg_class where relname in ({TENANT_TABLES})
        and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)""",
    )
    assert bare == []
    assert len(_rows(database, TENANT_TABLES)) >= 13


def test_every_tenant_table_checks_reads_and_writes(database: Access) -> None:
    without = _rows(
        database,
        f"""select t.relname from ({TENANT_TABLES}) t where not exists (
        select from pg_policies p where p.tablename = t.relname and p.cmd = 'ALL' and p.roles = '{{public}}'
        and p.qual = '(tenant_id = app_tenant())' and p.with_check = '(tenant_id = app_tenant())')""",
    )
    assert without == []
    others = _rows(
        database, "select tablename, policyname, cmd, roles::text from pg_policies where policyname <> 'tenant'"
    )
    assert all(cmd == "SELECT" and roles == "{simems_lookup}" for _, _, cmd, roles in others), others


def test_tenant_id_comes_first_in_every_primary_key(database: Access) -> None:
    wrong = _rows(
        database,
        f"""select c.relname from pg_index i join pg_class c on c.oid = i.indrelid
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where i.indisprimary and c.relname in ({TENANT_TABLES}) and a.attname <> 'tenant_id'""",
    )
    assert wrong == []


def test_app_roles_own_nothing_and_cannot_bypass(database: Access) -> None:
    powers = _rows(
        database,
        """select rolname from pg_roles where rolname in ('simems_app', 'simems_ingest',
        'simems_owner', 'simems_lookup', 'simems_audit', 'simems_purge', 'simems_worker', 'simems_jobs')
        and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)""",
    )
    assert powers == []
    owned = _rows(
        database,
        """select relname from pg_class where pg_get_userbyid(relowner) in
        ('simems_app', 'simems_ingest', 'simems_worker', 'simems_lookup', 'simems_audit', 'simems_purge',
        'simems_jobs')""",
    )
    assert owned == []
    members = _rows(
        database,
        """select pg_get_userbyid(member) from pg_auth_members
        where pg_get_userbyid(member) like 'simems\\_%'
        and pg_get_userbyid(member) not in ('simems_owner', 'simems_admin')""",
    )
    assert members == []


def test_definer_functions_fix_their_search_path_and_are_not_public(database: Access) -> None:
    functions = _rows(
        database,
        """select proname, coalesce(array_to_string(proconfig, ';'), ''),
        has_function_privilege('simems_backup', oid, 'execute') from pg_proc
        where prosecdef and pronamespace = 'public'::regnamespace""",
    )
    assert len(functions) == 25
    assert all(config == "search_path=public, pg_temp" and not public for _, config, public in functions), functions


def test_nobody_is_granted_what_belongs_to_all(database: Access) -> None:
    """Nothing for PUBLIC, of partitions only reading for backups, and only its own two roles touch the audit log."""
    public = _rows(
        database,
        """select c.relname, a.privilege_type from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace = 'public'::regnamespace and a.grantee = 0""",
    )
    assert public == []
    partitions = _rows(
        database,
        """select c.relname, a.grantee::regrole from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace = 'public'::regnamespace and c.relispartition and a.grantee <> c.relowner
        and (a.grantee::regrole::text, a.privilege_type) <> ('simems_backup', 'SELECT')""",
    )
    assert partitions == []
    log = _rows(
        database,
        """select a.grantee::regrole::text, a.privilege_type from pg_class c, aclexplode(c.relacl) a
        where c.relname = 'audit_log' and a.privilege_type not in ('SELECT', 'REFERENCES', 'TRIGGER', 'MAINTAIN')""",
    )
    assert log == [("simems_audit", "INSERT")]


def test_only_the_worker_reaches_the_queue(database: Access) -> None:
    """Its tables know no tenants: whoever reads one reads everybody's jobs."""
    reach = _rows(
        database,
        """select r.rolname from pg_roles r where r.rolname like 'simems\\_%' and not r.rolsuper
        and has_schema_privilege(r.rolname, 'jobs', 'usage') order by 1""",
    )
    allowed = {"simems_jobs", "simems_owner", "simems_worker", "simems_backup"}
    assert {name for (name,) in reach} <= allowed
    public = _rows(
        database,
        """select proname from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace = 'jobs'::regnamespace and a.grantee = 0""",
    )
    assert public == []


def test_only_the_owner_owns_tables(database: Access) -> None:
    owners = _rows(
        database,
        """select distinct pg_get_userbyid(relowner) from pg_class
        where relkind in ('r', 'p', 'v') and relnamespace = 'public'::regnamespace""",
    )
    assert owners == [("simems_owner",)]


def test_a_backup_reads_every_table_and_writes_none(database: Access) -> None:
    if not _rows(database, "select 1 from pg_roles where rolname = 'simems_backup'"):
        pytest.skip("this administrator may not create the backup role")
    privileges = _rows(
        database,
        """select c.relname, has_table_privilege('simems_backup', c.oid, 'select'),
        has_table_privilege('simems_backup', c.oid, 'insert, update, delete, truncate') from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname <> 'alembic_version'""",
    )
    assert [row for row in privileges if row[1:] != (True, False)] == []


def test_tenants_without_tenant_id_are_listed_here(database: Access) -> None:
    """A table that belongs to nobody is a decision, not an oversight."""
    shared = _rows(
        database,
        f"""select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
        and relname not in ({TENANT_TABLES}) order by 1""",
    )
    assert shared == [("alembic_version",), ("permissions",), ("rate_buckets",), ("sign_in_attempts",)]


def test_views_run_as_who_asks(database: Access) -> None:
    views = _rows(
        database,
        """select relname, coalesce(array_to_string(reloptions, ';'), '') from pg_class
        where relkind = 'v' and relnamespace = 'public'::regnamespace""",
    )
    assert {name for name, _ in views} == {
        *("measurements", "events", "energy_sources", "energy_15min", "frame_door", "block_door"),
        *("user_grants", "purgeable_tables"),
    }
    assert {options for _, options in views} == {"security_invoker=true"}


NAMES = {
    *("tenants", "users", "roles", "permissions", "org_nodes", "devices", "channels", "measurements", "events"),
    *("tariffs", "billing_runs", "invoices", "carbon_factors", "emissions", "commands", "command_acks", "audit_log"),
}
"""Of the data model that was promised."""


def test_every_promised_name_is_there(database: Access) -> None:
    found = _rows(
        database,
        """select relname from pg_class where relkind in ('r', 'p', 'v') and relnamespace = 'public'::regnamespace""",
    )
    assert NAMES - {name for (name,) in found} == set()


async def test_without_a_tenant_there_are_no_rows(database: Access, app_pool: Pool, customer: Any) -> None:
    readable = _rows(database, f"{TENANT_TABLES} and has_table_privilege('simems_app', c.oid, 'select')")
    tables = [name for (name,) in readable]
    assert len(tables) >= 13
    async with transaction(app_pool) as connection:
        for table in [*tables, "measurements"]:
            assert await connection.fetchval(f"select count(*) from {table}") == 0, table


async def test_rows_of_another_tenant_cannot_be_written(ingest_pool: Pool, new_customer: Any) -> None:
    mine, other = await new_customer(), await new_customer()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(ingest_pool, tenant=mine.tenant_id) as connection:
            await connection.execute(
                "insert into sites (tenant_id, site_id, name, time_zone) values ($1, 'x', 'x', 'UTC')", other.tenant_id
            )


async def test_audit_only_grows(app_pool: Pool, customer: Any) -> None:
    for statement in ("delete from audit_log", "update audit_log set actor = 'x'", "truncate audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with transaction(app_pool) as connection:
                await connection.execute(statement)


async def test_a_pooled_connection_forgets_its_tenant(database: Access, customer: Any) -> None:
    from simems_cloud.kit.database import open_pool

    pool = await open_pool(database.app_url, application="test", max_size=1)
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from tenants") == 1
    async with transaction(pool) as connection:
        assert await connection.fetchval("select count(*) from tenants") == 0
    await pool.close()


def test_down_and_up_again(postgres: Any, throw_away: Any) -> None:
    for access in throw_away(*postgres):
        downgrade(access.admin_url)
        assert current(access.admin_url) is None
        assert _rows(access, "select relname from pg_class where relkind = 'r' and relname = 'sites'") == []
        assert upgrade(access.admin_url, access.passwords) == newest() == current(access.admin_url)
        assert upgrade(access.admin_url, {}) == newest()
