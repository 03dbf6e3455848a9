"""What a job works with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from simems_cloud.kit.database import Pool, open_pool, transaction
from simems_cloud.kit.settings import Settings
from simems_cloud.kit.vault import Vault

_TENANTS = "select tenant_id from job_tenants()"


@dataclass(frozen=True)
class Work:
    """``pool``: of the role ``simems_worker``."""

    settings: Settings
    pool: Pool
    vault: Vault


@asynccontextmanager
async def work_with(settings: Settings, url: str) -> AsyncIterator[Work]:
    pool = await open_pool(url, application="simems-worker", max_size=10)
    try:
        yield Work(settings, pool, Vault(settings.data_dir))
    finally:
        await pool.close()


async def tenants(pool: Pool) -> list[UUID]:
    """Those that are active; work of suspended ones waits."""
    async with transaction(pool) as connection:
        return [UUID(str(row["tenant_id"])) for row in await connection.fetch(_TENANTS)]
