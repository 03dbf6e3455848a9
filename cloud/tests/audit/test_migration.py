"""Each step up and down with rows in the tables: what an older version held is there in the newer one, and back."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from simems_cloud.audit.chain import verify_all
from simems_cloud.kit.database import open_pool
from simems_cloud.migrations.run import current, downgrade, upgrade

pytestmark = pytest.mark.integration


async def test_older_entries_begin_the_chain(postgres: Any, throw_away: Any) -> None:
    tenants = [uuid4(), uuid4()]
    for access in throw_away(*postgres):
        downgrade(access.admin_url, "r0001_ground")
        with psycopg.connect(access.admin_url) as connection:
            for tenant in tenants:
                connection.execute("insert into tenants (tenant_id, name) values (%s, %s)", (tenant, str(tenant)))
                connection.execute(
                    """insert into audit (tenant_id, at, actor, action, object)
                    select %s, timestamptz '2026-03-01' + n * interval '1 s', case n when 2 then '' else 'ada' end,
                    'sign_in', 'session' from generate_series(1, 3) n""",
                    (tenant,),
                )
        upgrade(access.admin_url, {})
        pool = await open_pool(access.admin_url, application="test", role="simems_owner")
        verdicts = await verify_all(pool)
        await pool.close()
        assert [(v.entries, v.broken) for v in verdicts] == [(3, None), (3, None)]
        downgrade(access.admin_url, "r0001_ground")
        with psycopg.connect(access.admin_url) as connection:
            rows = connection.execute(
                "select tenant_id, count(*), min(at)::date::text from audit group by 1"
            ).fetchall()
        assert sorted(row[0] for row in rows) == sorted(tenants)
        assert {row[1:] for row in rows} == {(3, "2026-03-01")}


async def test_older_roles_become_grants_and_roles_again(postgres: Any, throw_away: Any) -> None:
    tenant = uuid4()
    older = {"a@x.se": "admin", "b@x.se": "operator", "c@x.se": "viewer"}
    for access in throw_away(*postgres):
        downgrade(access.admin_url, "r0002_audit")
        with psycopg.connect(access.admin_url) as connection:
            connection.execute("insert into tenants (tenant_id, name) values (%s, 'T')", (tenant,))
            for email, role in older.items():
                connection.execute(
                    "insert into users (tenant_id, email, role, password_hash) values (%s, %s, %s, 'x')",
                    (tenant, email, role),
                )
        upgrade(access.admin_url, {})
        with psycopg.connect(access.admin_url) as connection:
            query = "select email, g.role from role_grants g join users u using (user_id)"
            grants: dict[str, str] = dict(connection.execute(query).fetchall())
        assert grants == {"a@x.se": "tenant_admin", "b@x.se": "site_operator", "c@x.se": "viewer"}
        downgrade(access.admin_url, "r0002_audit")
        with psycopg.connect(access.admin_url) as connection:
            assert dict(connection.execute("select email, role from users").fetchall()) == older


async def test_every_step_goes_down_and_up_with_rows_in_every_table(
    database: Any, isolation_rows: Any, counts: Any
) -> None:
    await isolation_rows(uuid4())
    filled = await counts()
    for step in (
        "r0014_alarms",
        "r0013_jobs",
        "r0006_rates",
        "r0005_tenancy",
        "r0004_organisation",
        "r0003_identity",
        "r0002_audit",
        "r0001_ground",
    ):
        downgrade(database.admin_url, step)
        assert current(database.admin_url) == step
    upgrade(database.admin_url, {})
    kept = {"tenants", "users", "sites", "devices", "alarms", "audit_log", "latest", "rollup_15min"}
    after = await counts()
    assert {key: rows for key, rows in after.items() if key[0] in kept} == {
        key: rows for key, rows in filled.items() if key[0] in kept
    }
    frames = {key: rows for key, rows in filled.items() if key[0] == "frames"}
    assert all(after[key] >= rows for key, rows in frames.items()), "packed blocks come back as frames of their own"
