"""List and acknowledge alarms."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.alarms.schemas import Alarm
from simems_cloud.audit.log import change
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.pages import cursor, place
from simems_cloud.kit.problems import NotFoundError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.service import require_site

QUERIES = load_queries("simems_cloud.alarms")
LIMIT = 500


async def list_alarms(
    pool: Pool,
    principal: Principal,
    site_id: str | None,
    active: bool | None,
    *,
    after: str | None = None,
    limit: int = LIMIT,
) -> tuple[list[Alarm], str | None]:
    """One page, active ones first, newest first; with the cursor of the next one.

    Raises NotFoundError for a site that is not there, InvalidRequestError for a cursor that is none.
    """
    key = place(after, bool, datetime, UUID)
    paths = principal.paths(Permission.ALARMS_READ)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        if site_id is not None:
            await require_site(connection, site_id)
        rows = await connection.fetch(QUERIES["list_alarms"], site_id, active, limit + 1, paths, *key)
    found = [Alarm(**dict(row)) for row in rows[:limit]]
    return found, _cursor(found[-1]) if len(rows) > limit else None


def _cursor(alarm: Alarm) -> str:
    return cursor(alarm.cleared_at is not None, alarm.raised_at.isoformat(), alarm.id)


async def alarms_of(
    connection: Connection, site_id: str | None, active: bool | None, paths: list[str] | None
) -> list[Alarm]:
    """``paths``: of the tree, at and below which alarms are wanted; None: everywhere."""
    rows = await connection.fetch(QUERIES["list_alarms"], site_id, active, LIMIT, paths, None, None, None)
    return [Alarm(**dict(row)) for row in rows]


async def acknowledge(pool: Pool, principal: Principal, alarm_id: str) -> Alarm:
    """The first one to acknowledge stays named. Raises NotFoundError."""
    paths = principal.paths(Permission.ALARMS_ACKNOWLEDGE)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        row = await made.connection.fetchrow(QUERIES["acknowledge"], _uuid(alarm_id), principal.email, paths)
        if row is None:
            raise NotFoundError(f"no alarm {alarm_id!r}")
        note = live_payload(principal.tenant_id, row["site_id"], "alarms")
        await made.connection.execute(QUERIES["notify"], note)
        await made.record("alarm.acknowledge", alarm_id, {"code": row["code"], "site_id": row["site_id"]})
    return Alarm(**dict(row))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFoundError(f"no alarm {text!r}") from error
