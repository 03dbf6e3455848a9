"""What the older table held becomes the beginning of the chain, and goes back again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from simems_cloud.audit.chain import verify_all
from simems_cloud.kit.database import open_pool
from simems_cloud.migrations.run import downgrade, upgrade

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
