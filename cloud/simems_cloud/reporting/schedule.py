"""Ask for the reports that are due; asking twice asks once."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from simems_cloud.audit.log import append
from simems_cloud.jobs.queue import MAKE_REPORT, enqueue
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.reporting.energy import QUERIES
from simems_cloud.reporting.periods import Span, last_complete

ACTOR = "report schedule"


async def ask_for_due(pool: Pool, tenant_id: UUID, now: datetime | None = None) -> int:
    """Of one tenant: the newest complete period of each schedule. Returns how many were asked for.

    A worker that was away for longer asks for the newest only; older ones can be asked for by hand.
    """
    at = now or datetime.now(UTC)
    asked = 0
    async with transaction(pool, tenant=tenant_id) as connection:
        for row in await connection.fetch(QUERIES["active_schedules"]):
            zone = row["time_zone"] or await zone_of(connection, row["node_id"])
            of = last_complete(row["period"], at, zone, row["due_hour"])
            if of.end <= row["created_at"]:
                continue
            asked += await ask(connection, row["node_id"], of, ACTOR, row["schedule_id"]) is not None
    return asked


async def ask(connection: Connection, node_id: UUID, of: Span, actor: str, schedule_id: UUID | None) -> UUID | None:
    """The report's id; None when this schedule asked for it before."""
    fields = (node_id, of.period, of.starts_on, of.ends_on, of.zone, actor, schedule_id)
    report_id: UUID | None = await connection.fetchval(QUERIES["add_report"], *fields)
    if report_id is None:
        return None
    await enqueue(connection, MAKE_REPORT, {"report_id": report_id})
    details = {"node_id": node_id, "period": of.period, "starts_on": of.starts_on, "schedule_id": schedule_id}
    await append(connection, actor, "report.create", str(report_id), details)
    return report_id


async def zone_of(connection: Connection, node_id: UUID) -> str:
    """That of the sites at or below the node when it is the same for all, else UTC."""
    zones = {row["time_zone"] for row in await connection.fetch(QUERIES["sites_below"], node_id)}
    return str(zones.pop()) if len(zones) == 1 else "UTC"
