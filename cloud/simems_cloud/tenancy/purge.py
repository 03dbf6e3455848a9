"""Delete what confirmed deletions left: a batch a transaction, by any process, also after a crash."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

import asyncpg

from simems_cloud.audit.log import append
from simems_cloud.kit.database import UNAVAILABLE, Pool, transaction
from simems_cloud.tenancy.service import QUERIES

log = logging.getLogger(__name__)
BATCH = 5000
"""Rows a transaction: well under a second, so that nobody waits long for a lock."""
PERIOD_S = 5.0


async def purge_for_ever(pool: Pool, *, period_s: float = PERIOD_S) -> None:
    """Look until cancelled."""
    while True:
        await asyncio.sleep(period_s)
        try:
            await purge_all(pool)
        except UNAVAILABLE as error:
            log.warning("cannot go on deleting tenants", extra={"error": repr(error)})
        except asyncpg.PostgresError:
            log.exception("cannot go on deleting tenants")


async def purge_all(pool: Pool, batch: int = BATCH) -> int:
    """Rows deleted. Two processes at once do no harm: each batch locks its own rows."""
    async with transaction(pool) as connection:
        waiting = [UUID(str(row["tenant_id"])) for row in await connection.fetch(QUERIES["deleting_tenants"])]
    return sum([await purge(pool, tenant_id, batch) for tenant_id in waiting])


async def purge(pool: Pool, tenant_id: UUID, batch: int = BATCH) -> int:
    """All of one tenant; the last batch sets the tombstone and says so in the log that stays.

    Another process may do the same at the same time.
    """
    total = 0
    while True:
        async with transaction(pool, tenant=tenant_id) as connection:
            gone = int(await connection.fetchval(QUERIES["purge_batch"], batch))
            if gone < 0:
                return total
            if gone == 0:
                await append(connection, "purge", "tenant.deleted", str(tenant_id), {"rows": total})
                return total
        total += gone
