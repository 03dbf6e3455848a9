"""How long a tenant keeps its values; set by its administrators, carried out by the worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import change
from simems_cloud.kit import versions
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.schemas import Retention, RetentionRequest

QUERIES = load_queries("simems_cloud.telemetry")
FRAMES_KEPT = timedelta(days=7)
"""So long a repeated frame is compared with what came first; later it is only known to be known."""
EXPORTS_KEPT = timedelta(days=7)
TABLES = {"measurement_blocks": "raw_days", "rollup_1min": "minute_days", "rollup_15min": "quarter_days"}


async def get_retention(pool: Pool, principal: Principal) -> Retention:
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        row = await connection.fetchrow(QUERIES["retention"])
    return Retention(version=0) if row is None else Retention(**dict(row))


async def put_retention(pool: Pool, principal: Principal, body: RetentionRequest, if_match: str | None) -> Retention:
    """Raises InvalidRequestError; PreconditionFailedError when somebody else changed it."""
    never = float("inf")
    days = [never if d is None else d for d in (body.raw_days, body.minute_days, body.quarter_days)]
    if days != sorted(days):
        raise InvalidRequestError("raw_days, minute_days, quarter_days: finer values are kept no longer than coarser")
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        before = await made.connection.fetchrow(QUERIES["lock_retention"])
        versions.check(if_match, 0 if before is None else before["version"])
        values = (body.raw_days, body.minute_days, body.quarter_days)
        row = await made.connection.fetchrow(QUERIES["put_retention"], *values)
        await made.record("retention.change", principal.tenant_id, body.model_dump())
    if row is None:
        raise RuntimeError("the retention was not written")
    return Retention(**dict(row))


async def enforce(pool: Pool, now: datetime | None = None) -> int:
    """Delete what is kept no longer, a day of a tenant a transaction; then the months that nobody keeps.

    Returns rows deleted. Two workers at once do no harm.
    """
    now = now or datetime.now(UTC)
    async with transaction(pool) as connection:
        tenants = [row["tenant_id"] for row in await connection.fetch(QUERIES["active_tenants"])]
    gone = sum([await _enforce(pool, tenant_id, now) for tenant_id in tenants])
    async with transaction(pool) as connection:
        await connection.execute(QUERIES["drop_partitions"])
    return gone


async def _enforce(pool: Pool, tenant_id: UUID, now: datetime) -> int:
    async with transaction(pool, tenant=tenant_id) as connection:
        row = await connection.fetchrow(QUERIES["retention"])
    kept = Retention(version=0) if row is None else Retention(**dict(row))
    gone = 0
    for table, name in TABLES.items():
        days = getattr(kept, name)
        if days is not None:
            gone += await _delete_before(pool, tenant_id, table, now - timedelta(days=days))
    async with transaction(pool, tenant=tenant_id) as connection:
        gone += len(await connection.fetch(QUERIES["forget_frames"], now - FRAMES_KEPT))
        await connection.execute(QUERIES["forget_exports"], now - EXPORTS_KEPT)
    return gone


async def _delete_before(pool: Pool, tenant_id: UUID, table: str, limit: datetime) -> int:
    total = 0
    while True:
        async with transaction(pool, tenant=tenant_id) as connection:
            oldest = await connection.fetchval(QUERIES[f"oldest_{table}"], limit)
            if oldest is None:
                return total
            until = min(limit, oldest + timedelta(days=1))
            total += int((await connection.execute(QUERIES[f"delete_{table}"], oldest, until, limit)).split()[-1])
