"""What each job does: hands its work to the rooms, tenant by tenant; one tenant's trouble does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from simems_cloud.alarms.evaluate import look_at_minutes, look_at_values
from simems_cloud.kit.database import UNAVAILABLE, transaction
from simems_cloud.notifications.deliver import Sender, serve
from simems_cloud.reporting.make import make
from simems_cloud.reporting.schedule import ask_for_due
from simems_cloud.worker.context import Work, tenants

log = logging.getLogger(__name__)
_NEWS = "select tenant_id from tenants_with_news()"


async def watch_values(work: Work) -> None:
    """Rules on the newest values, every ten seconds."""
    stale_after_s = work.settings.stale_after_s
    await _each(await tenants(work.pool), lambda tenant: look_at_values(work.pool, tenant, stale_after_s))


async def watch_minutes(work: Work) -> None:
    """Rules on whole minutes, every minute."""
    now = datetime.now(UTC)
    await _each(await tenants(work.pool), lambda tenant: look_at_minutes(work.pool, tenant, now))


async def deliver(work: Work) -> None:
    """Where there is something to tell or to send."""
    async with transaction(work.pool) as connection:
        waiting = [UUID(str(row["tenant_id"])) for row in await connection.fetch(_NEWS)]
    await _each(waiting, lambda tenant: deliver_tenant(work, tenant))


async def deliver_tenant(work: Work, tenant_id: UUID) -> None:
    await serve(Sender(work.settings, work.pool, work.vault), tenant_id)


async def schedule_reports(work: Work) -> None:
    await _each(await tenants(work.pool), lambda tenant: ask_for_due(work.pool, tenant))


async def make_report(work: Work, tenant_id: UUID, report_id: str) -> None:
    await make(work.pool, tenant_id, UUID(report_id))


async def _each(wanted: list[UUID], look: Callable[[UUID], Awaitable[object]]) -> None:
    """A database that is away ends the look; the next one comes by itself."""
    for tenant_id in wanted:
        try:
            await look(tenant_id)
        except UNAVAILABLE:
            raise
        except (asyncpg.PostgresError, ArithmeticError, LookupError, ValueError):
            log.exception("a look at a tenant failed", extra={"tenant": str(tenant_id)})
